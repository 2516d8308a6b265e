"""The condition keys of a request: those that were given, and those that follow from who asks."""

import base64
from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.iam.patterns import Context
from xacct_nb.iam.principals import Caller


def request_keys(caller: Caller, given: Mapping[str, Any], owner: str) -> Context:
    """The keys of a request in lower case, each with its values as text.

    What is given wins over what follows from the caller and from the resource's account; None says that a key
    is missing. Source: reference_policies_elements_condition, reference_policies_condition-keys. Raises
    InvalidInput.
    """
    keys = dict(caller.keys)
    if owner:
        keys["aws:resourceaccount"] = (owner,)
    for key, value in given.items():
        keys[key.lower()] = (value,) if isinstance(value, str) else _texts(key, value)
    if len(given) > 1 and len({key.lower() for key in given}) < len(given):
        raise InvalidInput(
            "The context has a key twice.",
            why="Condition keys are the same in upper and lower case.",
            hint="Give each key once; a key of several values takes a list.",
        )
    return keys


def _texts(key: str, value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    if isinstance(value, (list, tuple, set, frozenset)):
        return tuple(text for each in _in_order(value) for text in _texts(key, each))
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return (write(value),)
    raise InvalidInput(
        f"context: the value of {key} is neither text, a number, a truth, a date, bytes nor a list of them.",
        why="Those are the types that condition keys have.",
        hint="Write it as text.",
    )


def _in_order(values: Iterable[Any]) -> Iterable[Any]:
    return sorted(values, key=str) if isinstance(values, (set, frozenset)) else values


_WRITERS: tuple[tuple[type | tuple[type, ...], Any], ...] = (
    (str, str),
    (bool, lambda value: str(value).lower()),
    ((int, float), str),
    (date, lambda value: value.isoformat()),
    (bytes, lambda value: base64.b64encode(value).decode()),
)
