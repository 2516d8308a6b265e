"""The Condition of a statement in words, a line for each operator and key; an external ID is never shown."""

import re
from collections.abc import Mapping

from xacct_nb.iam.canonical import as_list, value_text

_EXTERNAL_ID = "sts:externalid"
_TAG = re.compile(r"aws:RequestTag/(.+)", re.IGNORECASE)
# What is said of an operator and a key that occur often; `{}` is the values.
_PHRASES = {
    ("StringEquals", _EXTERNAL_ID): "with an external ID",
    ("StringEquals", "aws:principalorgid"): "only from the organization {}",
    ("StringEquals", "sts:rolesessionname"): "only under the session name {}",
    ("StringLike", "sts:rolesessionname"): "only under the session name {}",
    ("StringEquals", "sts:sourceidentity"): "only with the source identity {}",
    ("StringEquals", "aws:sourceaccount"): "only for the account {}",
    ("IpAddress", "aws:sourceip"): "only from {}",
    ("DateLessThan", "aws:currenttime"): "until {}",
    ("DateGreaterThan", "aws:currenttime"): "from {} on",
    **{
        (operator, "aws:principalarn"): "only {}"
        for operator in ("ArnEquals", "ArnLike", "StringEquals", "StringLike")
    },
}
_MFA = {"true": "with MFA", "false": "without MFA"}
_NULL = {"true": "{} is missing", "false": "{} is there"}
_OPERATORS = {
    "StringEquals": "is",
    "StringNotEquals": "is not",
    "StringEqualsIgnoreCase": "is, in any case,",
    "StringNotEqualsIgnoreCase": "is not, in any case,",
    "StringLike": "is like",
    "StringNotLike": "is not like",
    "ArnEquals": "is like",
    "ArnLike": "is like",
    "ArnNotEquals": "is not like",
    "ArnNotLike": "is not like",
    "NumericEquals": "is",
    "NumericNotEquals": "is not",
    "NumericLessThan": "is below",
    "NumericLessThanEquals": "is at most",
    "NumericGreaterThan": "is above",
    "NumericGreaterThanEquals": "is at least",
    "DateEquals": "is",
    "DateNotEquals": "is not",
    "DateLessThan": "is before",
    "DateLessThanEquals": "is at the latest",
    "DateGreaterThan": "is after",
    "DateGreaterThanEquals": "is at the earliest",
    "Bool": "is",
    "BinaryEquals": "is",
    "IpAddress": "is in",
    "NotIpAddress": "is not in",
}
_UNREADABLE = "under a condition that is not one of IAM"
_SETS = {"ForAllValues": "every value of {}", "ForAnyValue": "a value of {}"}


def describe_condition(condition: object) -> tuple[str, ...]:
    """Return the condition of a statement, one line for each operator and key; all of them must hold."""
    operators = condition or {}
    if not isinstance(operators, Mapping) or not all(
        isinstance(each, Mapping) for each in operators.values()
    ):
        return (_UNREADABLE,)
    return tuple(
        _line(str(operator), str(key), [value_text(each) for each in as_list(values)])
        for operator, keys in operators.items()
        for key, values in keys.items()
    )


def _line(operator: str, key: str, values: list[str]) -> str:
    lowered = key.lower()
    if lowered == _EXTERNAL_ID:
        return _external_id(operator, values)
    if tag := operator == "StringEquals" and _TAG.fullmatch(key):
        return f"only with the session tag {tag[1]}={' or '.join(values)}"
    if (operator, lowered) in _PHRASES:
        return _PHRASES[operator, lowered].format(" or ".join(values))
    if operator == "Bool" and lowered == "aws:multifactorauthpresent" and "".join(values) in _MFA:
        return _MFA["".join(values)]
    return _in_general(operator, key, " or ".join(values))


def _external_id(operator: str, values: list[str]) -> str:
    """Return what is asked of the external ID; a value is mentioned only if it is a wildcard for any."""
    if operator == "StringEquals":
        return _PHRASES[operator, _EXTERNAL_ID]
    if operator == "StringLike" and any(set(each) == {"*"} for each in values):
        return "with any external ID"
    value = "".join(values)
    shown = value if operator == "Null" and value in _NULL else "one that is not shown"
    return _in_general(operator, "the external ID", shown)


def _in_general(operator: str, key: str, values: str) -> str:
    quantity, _, plain = operator.rpartition(":")
    base = plain.removesuffix("IfExists")
    subject = _SETS.get(quantity, "{}").format(key)
    if base == "Null" and values in _NULL:
        return _NULL[values].format(subject)
    return f"{subject} {_OPERATORS.get(base, base)} {values}{' or is missing' * (base != plain)}"
