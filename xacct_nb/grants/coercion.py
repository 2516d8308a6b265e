"""What is given as text or as data, read as the type that is declared and as nothing else."""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.declarations import Parameter
from xacct_nb.validation import nearest

# A whole number is a number too, as in JSON.
_TYPES: dict[str, tuple[type, ...]] = {
    "str": (str,),
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "list": (list,),
    "dict": (dict,),
}
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}
_INTEGER = re.compile(r"-?(0|[1-9][0-9]{0,17})")
_NUMBER = re.compile(r"-?(0|[1-9][0-9]{0,17})(\.[0-9]{1,17})?([eE][+-]?[0-9]{1,3})?")
_HINTS = {
    "str": "Put it in quotes: it is text.",
    "int": "Write a whole number in digits, such as 60.",
    "float": "Write a number, such as 0.5.",
    "bool": "Write true or false.",
    "list": "Write a list in square brackets, with the text in it in quotes.",
    "dict": 'Write a mapping in curly brackets: {"field": "value"}',
}
_WIDEST = 80


def coerce(parameter: Parameter, text: str) -> Any:
    """Text as the declared type; an account id stays text. Raises InvalidParameters."""
    try:
        value = _READERS.get(parameter.type, str)(text)
    except (KeyError, ValueError, RecursionError):
        raise _wrong_type(parameter, text) from None
    check_type(parameter, value)
    return value


def coerce_items(parameter: Parameter, text: str) -> list[Any]:
    """The items that one `-p` gives a list: a JSON list, else the text is one. Raises InvalidParameters."""
    items = coerce(parameter, text) if text.lstrip().startswith("[") else [text]
    if "" in items:
        raise InvalidParameters(
            f"{parameter.name}: an item is empty.",
            why="An empty text names nothing; a variable of the shell may not be set.",
            hint=f"Name one, or write the empty list: -p {parameter.name} '[]'",
        )
    return list(items)


def check_type(parameter: Parameter, value: Any) -> None:
    """Raises InvalidParameters where a value is not of the declared type."""
    wanted = _TYPES.get(parameter.type, (object,))
    if not isinstance(value, wanted) or (isinstance(value, bool) and not {bool, object} & set(wanted)):
        raise _wrong_type(parameter, value)


def unknown_parameter(name: str, known: Iterable[str]) -> InvalidParameters:
    """The error of a name that nothing declares, with the name that may be meant."""
    names = list(known)
    word, joined, _ = name.partition("=")
    # What follows a = may be a secret; and letters that only look alike show as their codes.
    shown = ascii(f"{word[:_WIDEST]}{'=...' * bool(joined)}")
    meant = word if word in names else nearest(word, names)
    why = "A name and its value are two words." if joined else "The notebook does not declare it."
    mend = f"Did you mean -p {meant} VALUE? " if joined else f"Did you mean {meant}? "
    plain = ", ".join(each for each in names if "." not in each)
    return InvalidParameters(
        f"There is no parameter {shown}.", why=why, hint=f"{mend * bool(meant)}Known parameters: {plain}."
    )


def _integer(text: str) -> int:
    if not _INTEGER.fullmatch(text):
        raise ValueError
    return int(text)


def _number(text: str) -> Any:
    if not _NUMBER.fullmatch(text):
        raise ValueError
    return json.loads(text)


def _json(text: str) -> Any:
    return json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_unique_fields)


def _refuse_constant(word: str) -> Any:
    raise ValueError(word)  # NaN and Infinity are Python's


def _unique_fields(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in pairs:
        if name in fields:
            raise InvalidParameters(
                f"The field {name[:_WIDEST]!a} stands there twice.",
                why="One of the two would be lost without a word.",
                hint="Write it once.",
            )
        fields[name] = value
    return fields


def _untyped(text: str) -> Any:
    """A field that no model knows: JSON where it is a list, a mapping, true or false, else text."""
    if text.lstrip()[:1] in ("[", "{") or text in ("true", "false"):
        try:
            return _json(text)
        except (ValueError, RecursionError):
            return text
    return text


_READERS: dict[str, Callable[[str], Any]] = {
    "str": str,
    "int": _integer,
    "float": _number,
    "bool": lambda text: _BOOLEANS[text.lower()],
    "list": _json,
    "dict": _json,
    "any": _untyped,
}


def _wrong_type(parameter: Parameter, value: Any) -> InvalidParameters:
    hidden = "external_id" in parameter.name or parameter.type == "dict"
    shown = "The value" if hidden else ascii(value)[:_WIDEST]
    about = parameter.help or "the notebook declares it so"
    return InvalidParameters(
        f"{parameter.name}: {shown} is not of the type {parameter.type}.",
        why=f"{about[0].upper()}{about[1:]}.",
        hint=_HINTS.get(parameter.type, "Correct the value."),
    )
