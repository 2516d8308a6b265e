"""Policy variables: `${aws:username}` in a policy stands for the value of that condition key."""

import re
from collections.abc import Callable
from typing import Any

Lookup = Callable[[str], Any]
"""A condition key -> its value; None if the request has none."""

_VARIABLE = re.compile(r"\$\{([^}]*)\}")
_LITERAL = {"*": "*", "?": "?", "$": "$"}


def filled(value: Any, lookup: Lookup) -> Any:
    """A part of a policy with its variables replaced; what has no value stays, and fits nothing.

    IAM user guide, "IAM policy elements: Variables and tags".
    """
    if isinstance(value, str):
        return _VARIABLE.sub(lambda found: _value(found, lookup), value) if "${" in value else value
    if isinstance(value, list):
        return [filled(each, lookup) for each in value]
    if isinstance(value, dict):
        return {key: filled(each, lookup) for key, each in value.items()}
    return value


def _value(found: re.Match[str], lookup: Lookup) -> str:
    key, comma, default = (part.strip() for part in found[1].partition(","))
    if key in _LITERAL:
        return _LITERAL[key]
    value = lookup(key)
    if value is None or isinstance(value, list):
        return default.strip("'") if comma else found[0]
    return str(value)
