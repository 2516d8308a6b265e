"""The hops of a chain of roles: who assumes which role, whether that works, and which hop fails."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.denial import NO_DENIAL
from xacct_nb.diagnosis.effects import effect_of
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.iam.arns import is_arn
from xacct_nb.iam.explain import short_name
from xacct_nb.views import Table

AWS, POLICIES, NOBODY = "AWS", "the policies", ""
_STATES = {True: "allowed", False: "denied", None: "not known"}
_TONES = {True: "good", False: "bad", None: "note"}
Parameters = Mapping[str, Any]
"""Parameters of AssumeRole, with RoleArn."""


@dataclass(frozen=True)
class Hop:
    """One hop of a chain: the caller, the role, and whether the caller may assume it; None if not known.

    `shown_by` is AWS where AssumeRole was called, or the policies that were read. `why` is what denies it, or
    why it was not tried.
    """

    caller: str
    role: str
    allowed: bool | None = None
    shown_by: str = NOBODY
    why: str = ""

    def __str__(self) -> str:
        """Return the hop in short: `role/hub to role/reader`."""
        return f"{_short(self.caller) or 'the caller'} to {_short(self.role)}"


def hop_attempts(attempt: Attempt, through: Sequence[Parameters]) -> tuple[Attempt, ...]:
    """Return an attempt for each role of a chain: first those of `through`, at last the attempt's own.

    Each carries the transitive tags and the source identity of those before it.
    """
    hops: list[Attempt] = []
    caller, carried = attempt.caller, dict(attempt.carried)
    for given in through:
        parameters = {name: value for name, value in given.items() if name != "RoleArn"}
        role = str(given["RoleArn"])
        hops.append(Attempt(caller=caller, role=role, parameters=parameters, carried=carried))
        caller, carried = role, carried_by(hops[-1])
    return *hops, attempt.model_copy(update={"caller": caller, "carried": carried})


def carried_by(attempt: Attempt) -> dict[str, Any]:
    """Return what the session of an attempt passes on to the next role of a chain.

    Source: IAM user guide, id_session-tags (transitive tags), id_credentials_temp_control-access_monitor.
    """
    kept = set(attempt.parameters.get("TransitiveTagKeys") or ())
    own = [each for each in attempt.parameters.get("Tags") or () if each["Key"] in kept]
    tags = [*(attempt.carried.get("Tags") or ()), *own]
    identity = attempt.parameters.get("SourceIdentity") or attempt.carried.get("SourceIdentity")
    return ({"Tags": tags} if tags else {}) | ({"SourceIdentity": identity} if identity else {})


def decided_by_policies(snapshot: Snapshot, attempt: Attempt) -> bool | None:
    """Return whether both sides allow a hop, None as long as what was not read could change that."""
    case = Case(snapshot, attempt, NO_DENIAL, given=attempt)
    return effect_of(case, []).works if case.has_both_arns else None


def failing_hop(hops: Sequence[Hop]) -> int:
    """Return the index of the first hop that is denied; else of the first that is not known, else the last.

    A hop that AWS itself denied comes first: those before it were allowed.
    """
    wanted = ((False, AWS), (False, POLICIES), (None, NOBODY), (None, POLICIES))
    found = ([n for n, hop in enumerate(hops) if (hop.allowed, hop.shown_by) == each] for each in wanted)
    return next((numbers[0] for numbers in found if numbers), len(hops) - 1)


def hops_view(hops: Sequence[Hop]) -> Table:
    """Show each hop, whether it is allowed, who says so, and why it is not."""
    rows = tuple(
        (f"{number} of {len(hops)}", str(hop), _STATES[hop.allowed], hop.shown_by, hop.why)
        for number, hop in enumerate(hops, start=1)
    )
    tones = tuple(_TONES[hop.allowed] for hop in hops)
    return Table(("hop", "from and to", "", "shown by", "why"), rows, tones=tones)


def _short(arn: str) -> str:
    return short_name(arn) if is_arn(arn) else arn
