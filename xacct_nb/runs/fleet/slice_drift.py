"""What became of a slice that is not as declared: who changed it, and whether the access works still."""

from dataclasses import replace

from pydantic import SecretStr

from xacct_nb.aws.account_sessions import SliceSessions
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.trail_reader import read_trail
from xacct_nb.changes.drift import explain
from xacct_nb.changes.entitlements import losses, returns
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.errors import NotOwned, XacctError
from xacct_nb.fleets.expansion import Slice
from xacct_nb.fleets.result import DRIFTED, STALE, SliceResult
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import State
from xacct_nb.redaction.redact import fingerprint, is_fingerprint, mask_secrets, secrets_in
from xacct_nb.runs.fleet.slice_proof import first_reason

_REMOVE = "Plan it again and apply it: that removes what is left."
_HINT = "If the declaration is right, plan it again and apply it; else declare what is there."
_CALLS_WORK = "The calls of the grant work, but what is there is not what the grant says."
_FOUND = {"+": "missing", "~": "differs", "-": "not declared"}
"""What a resource is, by the sign of the change that would restore it."""
_MOST_SENTENCES = 5


def drifted(part: Slice, sessions: SliceSessions, live: tuple[Plan, State], since: str) -> SliceResult:
    """Return the result of a slice that is not as declared, with who changed it since a moment (UTC).

    `live` is the plan that would restore it, and the state for which it was made: they say who gets in, or
    does not.
    """
    plan, state = live
    access = _access_of(plan, state)
    if plan.ended:
        titles = "; ".join(change.title for change in plan.changes)
        reason = f"{plan.end_sentence} What was made for it is still there: {titles}.{access}"
        return SliceResult(*part.key, DRIFTED, code=DRIFTED, reason=reason, hint=_REMOVE)
    titles = "; ".join(f"{_FOUND[change.sign]}: {change.title}" for change in plan.changes)
    reason = f"The live state differs from the declaration: {titles}.{access}"
    drift = explain(plan.changes, read_trail(sessions, part.account, plan.changes, since))
    found = SliceResult(*part.key, DRIFTED, code=DRIFTED, reason=reason, hint=_HINT, drift=drift)
    if part.side != DESTINATION:
        return found
    if mark := unknown_id(part.grant):
        return replace(found, hint=f"{_unasked(mark, part.grant)} {_HINT}")
    proof, why = _asked(part.grant, sessions)
    return replace(found, proof=proof, reason=" ".join(filter(None, (reason, proof, why))))


def _access_of(plan: Plan, state: State) -> str:
    """Return, in sentences after a space, who can do what until the plan is made; "" where nobody can."""
    found = (*losses(state, plan.changes), *returns(state, plan.changes))
    if not found:
        return ""
    left = len(found) - _MOST_SENTENCES
    more = f" {left} more sentences are in its plan." if left > 0 else ""
    return f" Once it is planned and applied again: {' '.join(found[:_MOST_SENTENCES])}{more}"


def _asked(grant: Grant, sessions: SliceSessions) -> tuple[str, str]:
    """Return what the proof of a slice says that is not as declared, and the first reason where it fails."""
    try:
        proof = prove(grant, sessions, patience=0)
    except XacctError as problem:
        return f"The access could not be asked for: {problem.what}", ""
    if proof.holds:
        return f"{proof.counted} {_CALLS_WORK}", ""
    why = first_reason(proof)
    return proof.summary, f"{why.removesuffix('.')}." if why else ""


def stale(part: Slice, plan: Plan) -> SliceResult:
    """Return the result of a slice in which something else is to be changed than was approved."""
    titles = "; ".join(f"{change.sign} {change.title}" for change in plan.changes) or "nothing"
    return SliceResult(
        *part.key,
        STALE,
        code="stale-plan",
        reason=f"What is to be changed now was not approved: {titles}.",
        hint="Plan the fleet again, read the new plan, and approve its digest.",
    )


def taken_over(part: Slice, sessions: SliceSessions, problem: NotOwned, since: str) -> SliceResult:
    """Return the result of a slice whose role or policy is not that of the grant any more."""
    roles = part.grant.destinations if part.side == DESTINATION else ()
    changes = [Change("tags", role, "", {}, {"": ""}) for role in roles]
    drift = explain(changes, read_trail(sessions, part.account, changes, since)) if changes else ()
    known = tuple(each for each in drift if each.events)
    reason = f"{problem.what} {problem.why}".strip()
    return SliceResult(*part.key, DRIFTED, code=problem.code, reason=reason, hint=problem.hint, drift=known)


def with_known_id(part: Slice, sessions: SliceSessions, secrets: tuple[str, ...]) -> Slice:
    """Return the slice of a record with its external ID, which a record has as a fingerprint only.

    It is one of `secrets`, or the one that the role asks for, if that has this fingerprint. Where neither is,
    the slice keeps the fingerprint.
    """
    mark = unknown_id(part.grant)
    if not mark:
        return part
    state = read_resources(build(part.grant, part.side), sessions)
    live = secrets_in([*state.resources.values(), *state.details.values()])
    known = next((each for each in (*secrets, *live) if fingerprint(each) == mark), "")
    return replace(part, grant=with_external_id(part.grant, known)) if known else part


def masked_if_unknown(grant: Grant, state: State) -> State:
    """Return the state with fingerprints in place of external IDs, where the grant has only such a one."""
    if not unknown_id(grant):
        return state
    return replace(
        state,
        resources={key: mask_secrets(value) for key, value in state.resources.items()},
        details={key: mask_secrets(value) for key, value in state.details.items()},
    )


def unknown_id(grant: Grant) -> str:
    """Return the fingerprint that stands for the external ID of a grant, "" where there is none."""
    given = grant.conditions.external_id.get_secret_value()
    return given if is_fingerprint(given) else ""


def with_external_id(grant: Grant, external_id: str) -> Grant:
    """Return the grant with another external ID, or with its fingerprint."""
    conditions = grant.conditions.model_copy(update={"external_id": SecretStr(external_id)})
    return grant.model_copy(update={"conditions": conditions})


def _unasked(mark: str, grant: Grant) -> str:
    return (
        f"Whether the access works was not asked: the record has only the fingerprint of the external ID "
        f"({mark}), and the role does not ask for that one. Give it by reference, -p external_id env:NAME, "
        f"or prove the grant file of {grant.name}: xacct-nb run prove_the_access -f GRANT"
    )
