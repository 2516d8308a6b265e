"""Where AWS's words and what a person gave contradict each other, and which of them the diagnosis uses."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from xacct_nb.diagnosis.attempt import Attempt, AttemptResult, attempt_from_denial
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.diagnosis.snapshot import CallerIdentity
from xacct_nb.iam.arns import is_arn, role_arn_of, same_principal
from xacct_nb.views import Table

NOW, TEXT, GIVEN = "AWS's answer now", "the error text", "the parameters"


@dataclass(frozen=True)
class Conflict:
    """Two sources that name different values of one thing: the one that is used, and the one that is not."""

    what: str
    used: str
    used_from: str
    other: str
    other_from: str


def find_conflicts(
    given: Attempt, denial: Denial, identity: CallerIdentity | None, result: AttemptResult | None
) -> Iterator[Conflict]:
    """Yield the conflicts: AWS's answer now comes before the error text, the text before the parameters."""
    named = {"caller": denial.caller, **_request(denial)}
    for what, used in named.items():
        believed = getattr(attempt_from_denial(denial, given), what)
        if used and (other := getattr(given, what)) and other != believed and not _same(what, used, other):
            yield Conflict(what, used, TEXT, other, GIVEN)
    if identity and given.caller and not denial.caller and not _same("caller", identity.arn, given.caller):
        yield Conflict("caller", identity.arn, NOW, given.caller, GIVEN)
    now = result.denial if result and not result.allowed else Denial()
    if now.policy_type and denial.policy_type and now.policy_type != denial.policy_type:
        yield Conflict("policy type", now.policy_type, NOW, denial.policy_type, TEXT)


def as_aws_says_now(denial: Denial, result: AttemptResult | None) -> Denial:
    """Return the denial of a text with the policy that AWS names now for the same call, if it names one."""
    now = result.denial if result and not result.allowed else denial
    if not now.policy_type or now.action.lower() != denial.action.lower():
        return denial
    return replace(denial, policy_type=now.policy_type, effect=now.effect, policy=now.policy)


def conflicts_view(conflicts: Iterable[Conflict]) -> Table:
    """Show each conflict with the value that the diagnosis uses, and with the one that it does not."""
    rows = tuple((each.what, each.used, each.used_from, each.other, each.other_from) for each in conflicts)
    return Table(("conflict", "used", "from", "not used", "from"), rows, tones=("bad",) * len(rows))


def _request(denial: Denial) -> dict[str, str]:
    """Return what the text says of the request: the role of a request of STS, else action and resource."""
    if not denial.action or denial.action.lower().startswith("sts:"):
        role = denial.resource if ":role/" in denial.resource else ""
        return {"role": role, "action": denial.action}
    session = role_arn_of(denial.caller) if is_arn(denial.caller) else ""
    role = session if session != denial.caller else ""
    return {"role": role, "action": denial.action, "resource": denial.resource}


def _same(what: str, one: str, other: str) -> bool:
    """Return whether two values mean the same: an action in any letter case, a session and its role."""
    if what == "action":
        return one.lower() == other.lower()
    is_principal = is_arn(one) and is_arn(other) and what in ("caller", "role")
    return one == other or (is_principal and same_principal(one, role_arn_of(other)))
