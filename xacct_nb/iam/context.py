"""The condition keys of a request: those that were given, and those that follow from the caller."""

import base64
from collections.abc import Callable, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.iam.caller import Caller
from xacct_nb.iam.patterns import Context

# Keys of a service that follow from the caller's account, or from the resource's.
_OF_CALLER = {"kms": "kms:calleraccount"}
_OF_OWNER = {"s3": "s3:resourceaccount"}


def request_keys(caller: Caller, given: Mapping[str, Any], owner: str, service: str = "") -> Context:
    """Return the keys of a request in lower case, each with its values as text.

    A given key overrides what follows from the caller and from the resource's account (`owner`); None removes
    the key. Source: reference_policies_elements_condition, reference_policies_condition-keys. Raises
    InvalidInput.
    """
    keys = dict(caller.keys)
    if owner:
        keys["aws:resourceaccount"] = (owner,)
        if service in _OF_OWNER:
            keys[_OF_OWNER[service]] = (owner,)
    if caller.account and service in _OF_CALLER:
        keys[_OF_CALLER[service]] = (caller.account,)
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise InvalidInput(
            "The context is not a mapping of condition keys to values.",
            why="Each key is text, such as aws:SourceIp.",
            hint='Write it like {"aws:SourceIp": "203.0.113.7"}; leave it out where no key is given.',
        )
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
        listed = sorted(value, key=str) if isinstance(value, (set, frozenset)) else value
        return tuple(text for each in listed for text in _texts(key, each))
    for kind, write in _WRITERS:
        if isinstance(value, kind):
            return (write(value),)
    raise InvalidInput(
        f"context: the value of {key} has a type that condition keys do not have.",
        why="A value is text, a number, true or false, a date, bytes, or a list of these.",
        hint="Write it as text.",
    )


_WRITERS: tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...] = (
    (str, str),
    (bool, lambda value: str(value).lower()),
    ((int, float, Decimal), str),
    (date, lambda value: value.isoformat()),
    (bytes, lambda value: base64.b64encode(value).decode()),
)
