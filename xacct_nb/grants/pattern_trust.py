"""A statement that lets in the roles that match a pattern: it names their account and compares their ARNs."""

from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.grants.sources import account_of
from xacct_nb.iam.arns import Arn, is_account_id, is_arn
from xacct_nb.iam.canonical import as_list

_OPERATORS = ("ArnLike", "ArnEquals")  # one and the same to AWS
_KEY = "aws:principalarn"


def pattern_elements(patterns: Iterable[str]) -> tuple[list[str], dict[str, Any]]:
    """Return the principals and the condition that let in the roles that match one of the patterns.

    Each pattern names its account, so that one statement serves the patterns of several accounts. Source:
    reference_policies_condition-keys (aws:PrincipalArn), reference_policies_elements_condition_operators.
    """
    listed = list(patterns)
    roots = (f"{each.rpartition(':')[0]}:root" for each in listed)
    return list(dict.fromkeys(roots)), {"ArnLike": {"aws:PrincipalArn": _one_or_many(listed)}}


def patterns_in(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the roles, and patterns of roles, that a statement compares its callers with.

    Empty where it names anybody but whole accounts, or compares other ARNs than those of roles there.
    """
    principal = statement.get("Principal")
    named = (
        as_list(principal.get("AWS", [])) if isinstance(principal, Mapping) and len(principal) == 1 else []
    )
    accounts = {account_of(each) for each in named if _is_account(each)}
    found = [str(each) for each in as_list(_compared(statement.get("Condition")) or [])]
    whole = bool(named) and all(map(_is_account, named)) and bool(found)
    return tuple(found) if whole and all(_role_account(each) in accounts for each in found) else ()


def without_patterns(condition: object) -> dict[str, Any]:
    """Return a condition without what it compares aws:PrincipalArn with."""
    rest = {}
    for operator, keys in condition.items() if isinstance(condition, Mapping) else ():
        if operator in _OPERATORS and isinstance(keys, Mapping):
            left = {key: value for key, value in keys.items() if key.lower() != _KEY}
        else:
            left = keys
        if left:
            rest[operator] = left
    return rest


def _compared(condition: object) -> Any:
    """Return the values of the only ArnLike on aws:PrincipalArn, None where there is none, or several."""
    found = [
        values
        for operator, keys in (condition.items() if isinstance(condition, Mapping) else ())
        if operator in _OPERATORS and isinstance(keys, Mapping)
        for key, values in keys.items()
        if key.lower() == _KEY
    ]
    return found[0] if len(found) == 1 else None


def _is_account(name: object) -> bool:
    return is_account_id(name) or (
        isinstance(name, str) and is_arn(name) and Arn.parse(name).resource == "root"
    )


def _role_account(arn: str) -> str:
    named = Arn.parse(arn) if is_arn(arn) and "${" not in arn else None
    return named.account if named and named.service == "iam" and named.kind == "role" else ""


def _one_or_many(values: list[str]) -> str | list[str]:
    return values[0] if len(values) == 1 else values
