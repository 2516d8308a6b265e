"""Walks the hops of a chain of roles: AssumeRole hop by hop, and the policies of the hop that fails."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.aws.hop_sessions import try_hop
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult
from xacct_nb.diagnosis.denial import NO_DENIAL, Denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.hops import AWS, NOBODY, POLICIES, Hop, decided_by_policies, failing_hop
from xacct_nb.diagnosis.looked_in import LookedIn
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.iam.arns import same_principal

Sides = Callable[[Attempt, AccountSession | None], DiagnosisSessions]
"""Returns the sessions that fit a hop; the second argument is the session of the hop's caller."""
Read = Callable[[Attempt, DiagnosisSessions], Snapshot]
_AFTER = "It was not tried: an earlier hop failed."
_NO_SESSION = "It was not tried: there is no session of its caller."
_NO_CODE = "It was not tried: its MFA device needs a code."
_SIGNED_IN = "The caller's profile has a session of this role."


@dataclass(frozen=True)
class Walked:
    """One hop after the walk: AWS's answer (None: it was not tried), and what was read of it, if needed."""

    hop: Hop
    attempt: Attempt
    sides: DiagnosisSessions
    result: AttemptResult | None = None
    snapshot: Snapshot | None = None
    denial: Denial = NO_DENIAL

    def diagnosis(self, snapshot: Snapshot | None = None, looked: LookedIn | None = None) -> Diagnosis:
        """Return the diagnosis of this hop alone."""
        seen, tried = snapshot or self.snapshot or Snapshot(), self.result
        return diagnose(seen, attempt=self.attempt, denial=self.denial, result=tried, looked_in=looked)


@dataclass(frozen=True)
class Walk:
    """All hops of a chain in their order."""

    walked: tuple[Walked, ...]

    @property
    def hops(self) -> tuple[Hop, ...]:
        """Return the hops."""
        return tuple(each.hop for each in self.walked)

    @property
    def failing(self) -> Walked:
        """Return the hop that fails, else the one that may, else the last one."""
        return self.walked[failing_hop(self.hops)]

    def diagnosis(self, snapshot: Snapshot | None = None, looked: LookedIn | None = None) -> Diagnosis:
        """Return the diagnosis of the failing hop with a snapshot of it, and all hops."""
        found = self.failing.diagnosis(snapshot, looked)
        return replace(found, hops=self.hops, failing_hop=failing_hop(self.hops) + 1)


def walk(
    attempts: Sequence[Attempt],
    start: AccountSession | None,
    open_sides: Sides,
    read: Read,
    denial: Denial = NO_DENIAL,
) -> Walk:
    """Return the hops, each tried with the session that the one before returned; only failed ones are read.

    `start` is the session of the first caller, or of one of the roles. `denial` belongs to the hop that its
    text names; to the one that fails, if it names none.
    """
    walked: list[Walked] = []
    passed = _passed(attempts, start)
    session, why = start, "" if start else _NO_SESSION
    for each in attempts[:passed]:
        hop = Hop(each.caller, each.role, True, AWS, _SIGNED_IN)
        walked.append(Walked(hop, each, open_sides(each, None)))
    for each in attempts[passed:]:
        attempt = _by_session(each, session)
        sides, result, opened = open_sides(attempt, session), None, None
        if session and attempt.parameters.get("SerialNumber") and not attempt.parameters.get("TokenCode"):
            why = _NO_CODE
        elif session:
            result, opened = try_hop(attempt, session, sides.endpoint)
        own = denial if _is_of(denial, attempt) else NO_DENIAL
        walked.append(_walked(attempt, sides, result, why, read, own))
        session, why = opened, why or ("" if opened else _AFTER)
    return _with_text(Walk(tuple(walked)), denial)


def _passed(attempts: Sequence[Attempt], start: AccountSession | None) -> int:
    """Return how many hops the session has behind it: it is of the role of the last of them."""
    arn = start.identity["Arn"] if start else ""
    found = [n for n, each in enumerate(attempts[:-1], start=1) if arn and same_principal(arn, each.role)]
    return found[-1] if found else 0


def _by_session(attempt: Attempt, session: AccountSession | None) -> Attempt:
    return attempt.model_copy(update={"caller": session.identity["Arn"]}) if session else attempt


def _walked(
    attempt: Attempt,
    sides: DiagnosisSessions,
    result: AttemptResult | None,
    doubt: str,
    read: Read,
    denial: Denial,
) -> Walked:
    hop = Hop(attempt.caller, attempt.role)
    if result and result.allowed and not attempt.role_was_assumed:
        return Walked(replace(hop, allowed=True, shown_by=AWS), attempt, sides, result)
    one = Walked(hop, attempt, sides, result, read(attempt, sides), denial)
    allowed, shown_by = _decided(one)
    causes = one.diagnosis().causes[:1] if allowed is not True else ()
    whys = (f"{each.code} ({each.side}): {each.why}" for each in causes)
    why = " ".join(filter(None, (doubt, *whys)))
    return replace(one, hop=replace(hop, allowed=allowed, shown_by=shown_by, why=why))


def _decided(one: Walked) -> tuple[bool | None, str]:
    """Return whether a hop is allowed, and who says so: AWS now, AWS in the text, else the policies."""
    if one.result or one.denial.text:
        return bool(one.result and one.result.allowed and not one.denial.text), AWS
    allowed = decided_by_policies(one.snapshot or Snapshot(), one.attempt)
    return allowed, NOBODY if allowed is None else POLICIES


def _is_of(denial: Denial, attempt: Attempt) -> bool:
    """Return whether an error text is about this hop: it names its role, or what its session was denied."""
    return bool(denial.text) and (attempt.role_was_assumed or denial.resource == attempt.role)


def _with_text(whole: Walk, denial: Denial) -> Walk:
    """Return the walk with a text that names no hop at the hop that fails."""
    if not denial.text or any(each.denial.text for each in whole.walked):
        return whole
    number = failing_hop(whole.hops)
    changed = replace(whole.walked[number], denial=denial)
    return Walk((*whole.walked[:number], changed, *whole.walked[number + 1 :]))
