"""The errors for values that are not valid: what, why and what to do; never a secret value."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from functools import cache
from typing import Any, Self, get_args

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from xacct_nb.errors import InvalidGrant, InvalidInput


def require(holds: object, what: str, why: str, hint: str) -> None:
    """Raise InvalidGrant unless the condition holds."""
    if not holds:
        raise InvalidGrant(truncate(what), why=truncate(why), hint=truncate(hint))


def nearest(name: str, names: Iterable[str]) -> str:
    """Return the known name closest to this one, "" if none is; the last part of a dotted name suffices."""
    known = list(names)
    short = {each.rpartition(".")[2]: each for each in known} | {each: each for each in known}
    plain = unicodedata.normalize("NFKC", name[:80]).strip("- ").replace("-", "_").lower()
    return next((short[each] for each in get_close_matches(plain, short, 1)), "")


def suggestion(name: str, names: Iterable[str]) -> str:
    """Return what to do about a name that is none of these: the closest one, if there is one."""
    meant = nearest(name, names)
    return f"Did you mean {meant}?" if meant else "Use one of these names."


def truncate(message: str) -> str:
    """Return a message; a very long one with its start and its end only."""
    return message if len(message) <= 600 else f"{message[:400]} [...] {message[-100:]}"


def as_input_error(
    problem: ValidationError, model: type[BaseModel], kind: type[InvalidInput]
) -> InvalidInput:
    """Return pydantic's first error on the fields of a model as an error of this kind."""
    first = problem.errors(include_url=False)[0]
    path = tuple(map(str, first["loc"]))
    fields, description = _field_at(model, path)
    meant = f"Did you mean {name}? " if (name := nearest("".join(path[-1:]), fields)) else ""
    values = {"value": _quoted(path, first["input"]), "fields": ", ".join(fields), "meant": meant}
    values |= first.get("ctx", {})
    what = _WHAT[first["type"]].format(**values) if first["type"] in _WHAT else f"{first['msg']}."
    hint = _HINTS.get(first["type"], "Correct the value.").format(**values)
    why = _UNKNOWN if first["type"] == "extra_forbidden" else description
    return kind(truncate(f"{'.'.join(path) or 'The fields'}: {what}"), why=why, hint=hint)


def _field_at(model: type[BaseModel], path: tuple[str, ...]) -> tuple[Mapping[str, Any], str]:
    """Return the fields beside a path, and the description of the path's field as a sentence."""
    fields, description = model.model_fields, ""
    for name in path:
        if name not in fields:
            continue
        description = fields[name].description or description
        for inner in (fields[name].annotation, *get_args(fields[name].annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and name != path[-1]:
                fields = inner.model_fields
    return fields, description and f"{description[0].upper()}{description[1:]}."


def _quoted(path: tuple[str, ...], value: object) -> str:
    """Return the value as text, unless it may hold an external ID or a private key."""
    secret = path[-1:] == ("conditions",) or any(
        "external_id" in name or name == "approvers" for name in path
    )
    plain = value is None or isinstance(value, str | int | float)
    return repr(value)[:80] if plain and not secret else "the value"


_UNKNOWN = "An unknown field would be ignored without notice."
_WHAT = {
    "extra_forbidden": "there is no such field.",
    "missing": "is missing.",
    "string_type": "{value} is not text.",
    "tuple_type": "{value} is not a list.",
    "list_type": "{value} is not a list.",
    "too_short": "is empty.",
    "int_type": "{value} is not a whole number.",
    "bool_type": "{value} is neither true nor false.",
    "dict_type": "{value} is not a mapping of fields.",
    "model_type": "{value} is not a mapping of fields.",
    "literal_error": "{value} is not {expected}.",
    "greater_than_equal": "{value} is too small: at least {ge}.",
    "less_than_equal": "{value} is too large: at most {le}.",
    "string_pattern_mismatch": "{value} is refused: lower-case letters, digits and -, "
    "a letter first, 32 at most.",
}
_HINTS = {
    "extra_forbidden": "{meant}Known fields: {fields}.",
    "missing": "Add the field.",
    "string_type": "Put it in quotes: an account id is text of 12 digits, but YAML reads it as a number, "
    "and as another number if it starts with 0.",
    "tuple_type": "Write it as a list, in square brackets.",
    "list_type": "Write it as a list, in square brackets.",
}


class StrictModel(BaseModel):
    """A frozen model that refuses unknown fields and does not quote values in its errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Serializable:
    """A dataclass with conversion to plain data and back."""

    def to_json(self) -> dict[str, Any]:
        """Return plain data, field by field."""
        return {name: as_plain(value) for name, value in vars(self).items()}

    @classmethod
    def from_json(cls, fields: Any) -> Self:
        """Return the value that `to_json` made the fields from. Raises ValidationError."""
        kind: Any = cls  # a class is hashable, which mypy does not see in type[Self]
        return adapter_of(kind).validate_python(fields)  # type: ignore[no-any-return]


def as_plain(value: Any) -> Any:
    """Return a field as plain data: what has a `to_json` as that gives it, a tuple as a list."""
    if isinstance(value, tuple):
        return [as_plain(each) for each in value]
    if isinstance(value, Mapping):
        return {name: as_plain(each) for name, each in value.items()}
    return value.to_json() if hasattr(value, "to_json") else value


@cache
def adapter_of(kind: Any) -> TypeAdapter[Any]:
    """Return pydantic's adapter of a type; building one costs more than using it."""
    return TypeAdapter(kind)
