"""Requests that rules try on a policy: conditions and denials as the evaluator decides them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidInput, InvalidPolicy
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.grammar import ALLOW, NEW, TRUST
from xacct_nb.linting.rules.subjects import Clause, Subject

Keys = Mapping[str, Any]
_ACTION, _RESOURCE = "s3:GetObject", "arn:aws:s3:::bucket/key"
# The keys that the evaluator adds for an anonymous caller: only the given ones count here.
_NONE = {"aws:principaltype": None, "aws:userid": None, "aws:principalisawsservice": None}
_WILDCARD = re.compile(r"\*|\?")
# Where it is not known which role has the policy.
_ROLE = "arn:aws:iam::888888888888:role/role"


def hold(clauses: Iterable[Clause], keys: Keys) -> bool | None:
    """Return whether the conditions hold for a request with these keys, None if AWS refuses one of them."""
    condition: dict[str, dict[str, list[str]]] = {}
    for clause in clauses:
        condition.setdefault(clause.written_operator, {})[clause.written] = list(clause.values)
    statement = {"Effect": ALLOW, "Principal": "*", "Action": _ACTION, "Resource": "*"}
    document = {"Version": NEW, "Statement": [statement | ({"Condition": condition} if condition else {})]}
    try:
        return evaluate("*", _ACTION, _RESOURCE, {**_NONE, **keys}, resource_policy=document).allowed
    except (InvalidPolicy, InvalidInput):
        return None


def asked(
    subject: Subject,
    caller: str,
    action: str,
    keys: Keys,
    resource: str = _RESOURCE,
    unknown: Sequence[str] = (),
) -> Decision | None:
    """Return what the policy decides for a caller whose own side allows it; None if AWS refuses it."""
    own = {"Version": NEW, "Statement": [{"Effect": ALLOW, "Action": "*", "Resource": "*"}]}
    resource = subject.arn or _ROLE if subject.kind == TRUST else resource
    document: Any = subject.document
    try:
        return evaluate(caller, action, resource, keys, [own], document, unknown_keys=unknown)
    except (InvalidPolicy, InvalidInput, InvalidArn):
        return None


def is_denied(
    subject: Subject,
    caller: str,
    action: str,
    keys: Keys,
    resource: str = _RESOURCE,
    unknown: Sequence[str] = (),
) -> bool:
    """Return whether a Deny of the policy applies to this request, whatever the unknown keys are."""
    decision = asked(subject, caller, action, keys, resource, unknown)
    return decision is not None and decision.result == "ExplicitlyDenied"


def sample(pattern: str) -> str:
    """Return a text that a pattern with wildcards matches."""
    return _WILDCARD.sub("x", pattern)


def samples(clauses: Iterable[Clause]) -> dict[str, Any]:
    """Return keys with which straight conditions hold, one value each; those of Null are left out."""
    return {
        each.key: sample(each.values[0])
        for each in clauses
        if each.values and not each.is_negated and each.operator != "null"
    }
