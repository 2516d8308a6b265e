"""Coerces text and data to the declared type of a parameter, and to no other."""

import json
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, NamedTuple, NoReturn

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.declarations import Parameter
from xacct_nb.validation import nearest

_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_MAX_SHOWN = 80


def coerce(parameter: Parameter, text: str) -> Any:
    """Return text as the declared type; an account id stays text. Raises InvalidParameters."""
    with suppress(KeyError, ValueError, RecursionError):
        value = _type_of(parameter).read(text)
        if _has_type(parameter, value):
            return value
    raise _wrong_type(parameter, text)


def coerce_items(parameter: Parameter, text: str) -> list[Any]:
    """Return the items that one `-p` adds to a list: those of a JSON list, else the text itself.

    Raises InvalidParameters.
    """
    items = coerce(parameter, text) if text.lstrip().startswith("[") else [text]
    if "" in items:
        raise InvalidParameters(
            f"{parameter.name}: an item is empty.",
            why="An empty item names nothing. Perhaps a shell variable is not set.",
            hint=f"Give a value, or write the empty list: -p {parameter.name} '[]'",
        )
    return list(items)


def check_type(parameter: Parameter, value: object) -> None:
    """Raise InvalidParameters unless a value is of the declared type."""
    if not _has_type(parameter, value):
        raise _wrong_type(parameter, value)


def _has_type(parameter: Parameter, value: object) -> bool:
    types = _type_of(parameter).types
    return isinstance(value, types) and (not isinstance(value, bool) or bool({bool, object} & set(types)))


def unknown_parameter(name: str, known: Iterable[str]) -> InvalidParameters:
    """Return the error of a name that is not declared, with the declared name that is nearest."""
    names = list(known)
    typed, equals, _ = name.partition("=")
    # Text after = may be a secret. ascii() shows a letter that looks like another one by its code.
    shown = ascii(f"{typed[:_MAX_SHOWN]}{'=...' * bool(equals)}")
    meant = typed if typed in names else nearest(typed, names)
    why = "A name and its value are two arguments." if equals else "The notebook does not declare it."
    question = f"Did you mean -p {meant} VALUE? " if equals else f"Did you mean {meant}? "
    plain = ", ".join(each for each in names if "." not in each)
    hint = f"{question * bool(meant)}Known parameters: {plain}."
    return InvalidParameters(f"There is no parameter {shown}.", why=why, hint=hint)


def _number(text: str) -> Any:
    if text != text.strip():
        raise ValueError
    return _json(text)


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_fields)


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)  # NaN and Infinity are no JSON


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise InvalidParameters(
                f"The field {name[:_MAX_SHOWN]!a} is given twice.",
                why="One of the two values would be lost.",
                hint="Give it once.",
            )
        fields[name] = value
    return fields


def _untyped(text: str) -> Any:
    """Return a field without a declared type: JSON for a list, a mapping, true or false, else text."""
    if text.lstrip()[:1] in ("[", "{") or text in ("true", "false"):
        with suppress(ValueError, RecursionError):
            return _json(text)
    return text


class _Type(NamedTuple):
    """A type of parameters: the Python types of its values, how text is read, and the hint of its error."""

    types: tuple[type, ...]
    read: Callable[[str], Any]
    hint: str


_TYPES = {
    "str": _Type((str,), str, "Put the text in quotes."),
    "int": _Type((int,), _number, "Write a whole number in digits, such as 60."),
    # A whole number is a number too, as in JSON.
    "float": _Type((float, int), _number, "Write a number, such as 0.5."),
    "bool": _Type((bool,), lambda text: _BOOLEANS[text.lower()], "Write true or false."),
    "list": _Type((list,), _json, "Write a list in square brackets, with each text in quotes."),
    "dict": _Type((dict,), _json, 'Write a mapping in curly brackets: {"field": "value"}'),
    "any": _Type((object,), _untyped, "Correct the value."),
}


def _type_of(parameter: Parameter) -> _Type:
    return _TYPES.get(parameter.type, _Type((object,), str, "Correct the value."))


def _wrong_type(parameter: Parameter, value: object) -> InvalidParameters:
    may_be_secret = (
        "external_id" in parameter.name or parameter.name == "approvers" or parameter.type == "dict"
    )
    shown = "The value" if may_be_secret else ascii(value)[:_MAX_SHOWN]
    about = parameter.help or "the notebook declares this type"
    return InvalidParameters(
        f"{parameter.name}: {shown} is not of the type {parameter.type}.",
        why=f"{about[0].upper()}{about[1:]}.",
        hint=_type_of(parameter).hint,
    )
