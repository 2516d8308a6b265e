"""Policy variables: `${aws:username}` in a policy stands for the value of that condition key."""

import re
from collections.abc import Callable
from typing import Any

Lookup = Callable[[str], Any]
"""A condition key -> its value; None if the request has none."""

STAR, MARK, NOTHING = "\ue000", "\ue001", "\ue002"
"""What stands in a filled text for a * and a ? that are no wildcards, and for a variable without a value."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = str.maketrans({"*": STAR, "?": MARK})
_PLAIN = str.maketrans({STAR: "*", MARK: "?"})


def filled(value: Any, lookup: Lookup) -> Any:
    """A part of a policy with its variables replaced; what has no value fits nothing.

    IAM user guide, "IAM policy elements: Variables and tags".
    """
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(found, lookup), value) if "${" in value else value
    if isinstance(value, list):
        return [filled(each, lookup) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, lookup) for key, each in value.items()}
    return value


def plain(text: str) -> str:
    """A filled text as it is where there are no wildcards."""
    return text.translate(_PLAIN)


def _value(found: re.Match[str], lookup: Lookup) -> str:
    key, comma, default = (part.strip() for part in found[1].partition(","))
    if key in ("*", "?", "$"):
        return key.translate(_LITERAL)
    value = lookup(key)
    if value is None or isinstance(value, list):
        return default.strip("'").translate(_LITERAL) if comma else NOTHING
    return str(value).translate(_LITERAL)
