"""What fixes do, evaluated on the edited snapshot: whether the call gets in, who else, who loses what."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import CERTAIN, POSSIBLE, Cause
from xacct_nb.diagnosis.causes.request import request_causes
from xacct_nb.diagnosis.causes.session import session_causes
from xacct_nb.diagnosis.causes.source import source_causes
from xacct_nb.diagnosis.causes.trust import trust_causes
from xacct_nb.diagnosis.denial import NO_DENIAL
from xacct_nb.diagnosis.fixes.edits import Edit, edited
from xacct_nb.diagnosis.fixes.fix import Fix
from xacct_nb.diagnosis.fixes.losses import losses
from xacct_nb.diagnosis.fixes.newcomers import allows_more, newcomers
from xacct_nb.diagnosis.known_keys import who_says
from xacct_nb.iam.arns import same_principal
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.weighing import UNKNOWN_RESULT

_FINDERS = (request_causes, source_causes, trust_causes, session_causes)


@dataclass(frozen=True)
class Effect:
    """Whether the request is allowed with fixes (None: that cannot be shown), and what denies it then.

    `lets_in` are those who may do more, the caller among them; `takes_from` is what somebody may lose.
    `left` are the causes that are left.
    """

    works: bool | None
    obstacle: str = ""
    lets_in: tuple[str, ...] = ()
    takes_from: tuple[str, ...] = ()
    left: tuple[Cause, ...] = ()


def effect_of(case: Case, fixes: Sequence[Fix]) -> Effect:
    """Return what these fixes together do for the request of the case."""
    edits = [edit for fix in fixes for edit in fix.edits]
    after = _after(case, fixes, edits)
    left = tuple(each for find in _FINDERS for each in find(after) if each.confidence != POSSIBLE)
    works, obstacle = _outcome(after, left)
    unsure = "; ".join(fix.unsure for fix in fixes if fix.unsure)
    if case.attempt.role_was_assumed and not case.attempt.resource:
        unsure = "the resource of the request is not known here, so * stands for it"
    if works and unsure:
        works, obstacle = None, unsure
    lets_in = dict.fromkeys(who for edit in edits for who in _described_newcomers(case, edit))
    taken = (f"{lost} ({edit.policy.name})" for edit in edits for lost in _lost(edit))
    return Effect(works, obstacle, tuple(lets_in), tuple(taken), left)


def _lost(edit: Edit) -> tuple[str, ...]:
    return () if edit.is_new else losses(edit.policy.document, edit.after)


def _described_newcomers(case: Case, edit: Edit) -> Iterator[str]:
    more = allows_more(case, edit)
    for number, who in enumerate(newcomers(case, edit)):
        yield f"{who}, to more than this request" if more and not number else who


def _after(case: Case, fixes: Sequence[Fix], edits: Sequence[Edit]) -> Case:
    """Return the case as it is after the fixes, without the error text of the denial before them."""
    request = next((fix.request for fix in reversed(fixes) if fix.request), case.attempt)
    snapshot = edited(case.snapshot, edits)
    for fix in fixes:
        snapshot = fix.with_tags(snapshot)
    role = snapshot.destination.role if snapshot.destination else None
    changes: dict[str, Any] = {}
    if request.role != case.attempt.role and not (role and role.arn == request.role):
        changes["destination"] = None
    if snapshot.caller and not same_principal(snapshot.caller.arn, case.principal):
        changes["caller"] = None
    request = request.model_copy(update={"caller": case.caller or request.caller})
    snapshot = snapshot.model_copy(update=changes)
    return replace(case, snapshot=snapshot, attempt=request, denial=NO_DENIAL, result=None)


def _outcome(case: Case, left: Sequence[Cause]) -> tuple[bool | None, str]:
    """Return whether the request is allowed, None where that was not read, and what denies it."""
    for each in left:
        if each.confidence == CERTAIN:
            return False, f"{each.code} ({each.side}): {each.why}"
    for each in left:
        return None, f"{each.code} ({each.side}) may deny it: {each.why}"
    return _outcome_of_session(case) if case.attempt.role_was_assumed else _outcome_of_request(case)


def _outcome_of_session(case: Case) -> tuple[bool | None, str]:
    decision = case.session_decision()
    if decision is None:
        return None, "the policies of who is denied were not read"
    return _result(decision)


def _outcome_of_request(case: Case) -> tuple[bool | None, str]:
    for side, decide in (("source", case.source_decision), ("destination", case.trust_decision)):
        if side == "source" and case.needs_no_source_policy:
            continue
        for action in case.attempt.actions:
            decision = decide(action)
            if decision is None:
                is_missing = side == "source" and case.caller_is_missing
                return None, "the caller does not exist" if is_missing else f"the {side} side was not read"
            if not decision.allowed:
                return _result(decision)
    return True, ""


def _result(decision: Decision) -> tuple[bool | None, str]:
    if decision.result == UNKNOWN_RESULT:
        keys = decision.depends_on
        return None, f"it hangs on {', '.join(keys)} ({who_says(keys)})"
    return (True, "") if decision.allowed else (False, decision.reasons[0])
