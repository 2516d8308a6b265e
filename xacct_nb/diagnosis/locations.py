"""Describes where a reason is: the policy, the statement, the condition."""

import re
from collections.abc import Sequence

from xacct_nb.diagnosis.snapshot import BUCKET, TRUST, SnapshotPolicy, is_arn
from xacct_nb.iam.explain import ElementMatch, PolicyCheck, StatementMatch

MFA_KEYS = ("aws:multifactorauthpresent", "aws:multifactorauthage")
# Keys whose value is known to AWS alone.
_AWS_ONLY = re.compile(
    r"aws:(?:source(?:ip|vpc|vpce)|vpcsource(?:ip)|principalorg(?:id|paths)|requestedregion|tokenissuetime"
    r"|viaawsservice|calledvia.*|userag?ent|referer|resourceorg.*|ec2instancesource.*)$"
)
_PLACE = re.compile(r"(?:\w+)?(?:\[(?P<policy>\d+)\])?.*?Statement\[(?P<statement>\d+)\]")


def locate(policy: SnapshotPolicy, match: StatementMatch) -> str:
    """Return where a statement is: `Statement[1] (Sid) of the policy reports on user/alice`."""
    sid = f" ({match.sid})" if match.sid else ""
    holder = f" on {short_arn(policy.holder)}" if policy.holder else ""
    names = {TRUST: "the trust policy", BUCKET: f"the policy of the bucket {policy.name}"}
    named = names.get(policy.kind, f"the policy {policy.name}{holder}")
    return f"Statement[{statement_number(match)}]{sid} of {named}"


def policy_of(policies: Sequence[SnapshotPolicy], match: StatementMatch) -> SnapshotPolicy:
    """Return the policy of a statement, from the policies in the order in which they were evaluated."""
    found = _PLACE.search(match.place)
    return policies[int(found["policy"] or 0) if found else 0]


def statement_number(match: StatementMatch) -> int:
    """Return the index of the statement in its policy."""
    found = _PLACE.search(match.place)
    return int(found["statement"]) if found else 0


def denying(check: PolicyCheck) -> list[StatementMatch]:
    """Return the Deny statements that apply to the request."""
    return [match for match in check.matched if match.effect == "Deny"]


def allowing(check: PolicyCheck) -> list[StatementMatch]:
    """Return the Allow statements, whether they apply or not."""
    return [match for match in check.statements if match.effect == "Allow"]


def describe_unmet(each: ElementMatch) -> str:
    """Return why a condition is not met: operator, key, the required value, the request's value."""
    expected = " or ".join(each.expected) or "nothing"
    actual = f"the request has {', '.join(each.actual)}" if each.actual else f"the request has no {each.key}"
    if is_known_to_aws_only(each):
        actual = "only AWS knows the request's value"
    return f"{each.operator} requires {each.key} {expected}, and {actual}"


def is_known_to_aws_only(each: ElementMatch) -> bool:
    """Return whether AWS alone knows the key's value in the request."""
    return each.actual is None and _AWS_ONLY.match(each.key.lower()) is not None


def short_arn(arn: str) -> str:
    """Return the resource of an ARN, such as user/alice."""
    return arn.split(":", 5)[5] if is_arn(arn) else arn or "an unknown principal"
