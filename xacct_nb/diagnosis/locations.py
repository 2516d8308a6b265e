"""Where a reason stands: the policy, the statement, the condition, in words."""

import re

from xacct_nb.diagnosis.snapshot import Policy, is_arn
from xacct_nb.iam.explain import ElementMatch, StatementMatch

MFA_KEYS = ("aws:multifactorauthpresent", "aws:multifactorauthage")
# Keys whose value is known to AWS alone.
_UNSEEN = re.compile(
    r"aws:(?:source(?:ip|vpc|vpce)|vpcsource(?:ip)|principalorg(?:id|paths)|requestedregion|tokenissuetime"
    r"|viaawsservice|calledvia.*|userag?ent|referer|resourceorg.*|ec2instancesource.*)$"
)
_PLACE = re.compile(r"(?:\w+)?(?:\[(?P<policy>\d+)\])?.*?Statement\[(?P<statement>\d+)\]")


def place_of(policy: Policy | None, match: StatementMatch) -> str:
    """The statement in words: `Statement[1] (Sid) of the policy reports on user/alice`."""
    sid = f" ({match.sid})" if match.sid else ""
    if policy is None:
        return f"Statement[{index_of(match)}]{sid} of the trust policy"
    holder = f" on {said(policy.holder)}" if policy.holder else ""
    return f"Statement[{index_of(match)}]{sid} of the policy {policy.name}{holder}"


def statement_of(match: StatementMatch) -> int:
    """The number of the policy that the statement stands in."""
    found = _PLACE.search(match.place)
    return int(found["policy"] or 0) if found else 0


def index_of(match: StatementMatch) -> int:
    """The number of the statement in its policy."""
    found = _PLACE.search(match.place)
    return int(found["statement"]) if found else 0


def failing(each: ElementMatch) -> str:
    """A condition that is not met: operator, key, what is wanted, what the call has."""
    wanted = " or ".join(each.expected) or "nothing"
    given = f"the call has {', '.join(each.actual)}" if each.actual else f"the call has no {each.key}"
    if is_unseen(each):
        given = "only AWS sees the call's value"
    return f"{each.operator} wants {each.key} {wanted}, and {given}"


def is_unseen(each: ElementMatch) -> bool:
    """Whether the key's value is known to AWS alone."""
    return each.actual is None and _UNSEEN.match(each.key.lower()) is not None


def said(arn: str) -> str:
    """An ARN in short: its resource."""
    return arn.split(":", 5)[5] if is_arn(arn) else arn or "nobody"
