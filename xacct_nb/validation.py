"""What a person is told when a value is refused: what it is, why, and the mend; never the secret in it."""

import unicodedata
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from xacct_nb.errors import InvalidGrant, InvalidInput


def require(holds: Any, what: str, why: str, hint: str) -> None:
    """Raises InvalidGrant where something does not hold."""
    if not holds:
        raise InvalidGrant(truncate(what), why=truncate(why), hint=truncate(hint))


def nearest(name: str, names: Iterable[str]) -> str:
    """The known name that is meant by this one, "" where none is near; of a dotted one the end will do."""
    known = list(names)
    places = {each.rpartition(".")[2]: each for each in known} | {each: each for each in known}
    plain = unicodedata.normalize("NFKC", name[:80]).strip("- ").replace("-", "_").lower()
    return next((places[each] for each in get_close_matches(plain, places, 1)), "")


def truncate(words: str) -> str:
    """A message that quotes what is very long says how it begins and ends."""
    return words if len(words) <= 600 else f"{words[:400]} [...] {words[-100:]}"


def as_input_error(
    problem: ValidationError, model: type[BaseModel], kind: type[InvalidInput]
) -> InvalidInput:
    """The first finding of pydantic on the fields of a model, as an error of this kind."""
    first = problem.errors(include_url=False)[0]
    place = tuple(map(str, first["loc"]))
    fields, about = _at(model, place)
    words = {"value": _quoted(place, first["input"]), "fields": ", ".join(fields), **first.get("ctx", {})}
    words["meant"] = f"Did you mean {near}? " if (near := nearest(place[-1], fields)) else ""
    what = _WHAT[first["type"]].format(**words) if first["type"] in _WHAT else f"{first['msg']}."
    hint = _HINTS.get(first["type"], "Correct the value.").format(**words)
    why = _UNKNOWN if first["type"] == "extra_forbidden" else about and f"{about[0].upper()}{about[1:]}."
    return kind(f"{'.'.join(place)}: {what}", why=why, hint=hint)


def _at(model: type[BaseModel], place: tuple[str, ...]) -> tuple[Mapping[str, Any], str]:
    """The fields that stand beside a place, and what is said of the place."""
    fields, about = model.model_fields, ""
    for name in place:
        if name not in fields:
            continue
        about = fields[name].description or about
        for inner in (fields[name].annotation, *get_args(fields[name].annotation)):
            if isinstance(inner, type) and issubclass(inner, BaseModel) and name != place[-1]:
                fields = inner.model_fields
    return fields, about


def _quoted(place: tuple[str, ...], value: Any) -> str:
    """The value itself, unless an external ID may be in it."""
    secret = place[-1:] == ("conditions",) or any("external_id" in name for name in place)
    plain = value is None or isinstance(value, str | int | float)
    return repr(value)[:80] if plain and not secret else "the value"


_UNKNOWN = "A field that is not known would be left out without a word."
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
    "greater_than_equal": "{value} is too little: {ge} at least.",
    "less_than_equal": "{value} is too much: {le} at most.",
    "string_pattern_mismatch": "{value} is refused: lower-case letters, digits and -, "
    "a letter first, 32 at most.",
}
_HINTS = {
    "extra_forbidden": "{meant}Known fields: {fields}.",
    "missing": "Add the field.",
    "string_type": "Put it in quotes: an account id is text of 12 digits, which YAML makes a number, "
    "and another one where it begins with 0.",
    "tuple_type": "Write it as a list, in square brackets.",
    "list_type": "Write it as a list, in square brackets.",
}


class StrictModel(BaseModel):
    """Values without unknown fields, that do not change, and whose errors do not quote what was given."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
