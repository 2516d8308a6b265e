"""Exempts one caller from a Deny statement, which goes on to apply to everybody else."""

from typing import Any

from xacct_nb.diagnosis.fixes.edits import Edit, append, free_sid, with_statements
from xacct_nb.diagnosis.snapshot import INLINE, MANAGED, SnapshotPolicy
from xacct_nb.iam.canonical import as_list, statements_of

PRINCIPAL_ARN = "aws:PrincipalArn"
# The operators whose list under aws:PrincipalArn names those to whom a Deny does not apply.
_EXCEPT = {"arnnotequals", "arnnotlike", "stringnotequals", "stringnotequalsignorecase", "stringnotlike"}
_ONLY = ("ArnEquals", "ArnLike", "StringEquals")


def is_aws_managed(policy: SnapshotPolicy) -> bool:
    """Return whether AWS owns a policy, so that nobody can edit it."""
    return policy.kind == MANAGED and ":iam::aws:" in policy.arn


def exempt(policy: SnapshotPolicy, number: int, principal: str, resource: str) -> tuple[Edit, str]:
    """Return the edit after which a Deny lets one principal use one resource, and what the Deny still does.

    Where the statement denies everything, that resource alone is left out of it. In a policy that others have
    too, and in a resource's own policy, the statement gets an exception for the principal.
    """
    statements = statements_of(policy.document)
    denied, is_own = statements[number], policy.kind == INLINE and policy.holder == principal
    rest = _without_resource(denied, resource) if _has_resource(denied) else None
    if rest and is_own:
        return with_statements(policy, number, rest), f"It goes on to apply to everything but {resource}."
    only = rest and _only_for(rest, principal, [each.get("Sid", "") for each in statements])
    edit = with_statements(policy, number, _except(denied, principal), *([only] if only else []))
    if only or not _has_resource(denied):
        return edit, "It goes on to apply to everybody else."
    left = "" if is_own else " It goes on to apply to everybody else."
    return (
        edit,
        f"Its lists cannot leave out one resource, so it no longer applies to the caller at all.{left}",
    )


def _has_resource(statement: dict[str, Any]) -> bool:
    """Return whether a statement is of an identity policy: a resource's own names principals."""
    return not {"Principal", "NotPrincipal"} & set(statement)


def _without_resource(statement: dict[str, Any], resource: str) -> dict[str, Any] | None:
    """Return a Deny that leaves a resource out; None where no list of the statement can say that."""
    rest = {**statement}
    if resource == "*":
        return None
    if "NotResource" in rest:
        append(rest, "NotResource", resource)
        return rest
    named = as_list(rest.get("Resource", "*"))
    if "*" in named:
        del rest["Resource"]
        return {**rest, "NotResource": resource}
    left = [each for each in named if each != resource]
    has_others = left and not any("*" in each or "?" in each or "$" in each for each in left)
    return {**rest, "Resource": left} if has_others else None


def _except(statement: dict[str, Any], principal: str) -> dict[str, Any]:
    """Return a Deny with one more exception: in the list of exceptions that it has, else in a new one."""
    conditions = {operator: dict(keys) for operator, keys in statement.get("Condition", {}).items()}
    for operator, keys in conditions.items():
        for key in keys:
            if plain_operator(operator) in _EXCEPT and key.lower() == PRINCIPAL_ARN.lower():
                append(keys, key, principal)
                return {**statement, "Condition": conditions}
    conditions.setdefault("ArnNotEquals", {})[PRINCIPAL_ARN] = principal
    return {**statement, "Condition": conditions}


def _only_for(statement: dict[str, Any], principal: str, sids: list[str]) -> dict[str, Any] | None:
    """Return the statement for this principal alone; None where its condition has no free operator."""
    conditions = {operator: dict(keys) for operator, keys in statement.get("Condition", {}).items()}
    taken = {plain_operator(operator) for operator in conditions}
    operator = next((each for each in _ONLY if each.lower() not in taken), None)
    if operator is None:
        return None
    sid = {"Sid": free_sid(statement["Sid"], sids)} if statement.get("Sid") else {}
    return {**statement, **sid, "Condition": {**conditions, operator: {PRINCIPAL_ARN: principal}}}


def plain_operator(operator: str) -> str:
    """Return an operator without its suffix, in small letters."""
    return operator.lower().removesuffix("ifexists")
