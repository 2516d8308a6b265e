"""What became of a slice that is not as declared: who changed it, and whether the access works still."""

from dataclasses import replace

from pydantic import SecretStr

from xacct_nb.aws.account_sessions import SliceSessions
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.trail_reader import read_trail
from xacct_nb.changes.drift import explain
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.errors import NotOwned, XacctError
from xacct_nb.fleets.expansion import Slice
from xacct_nb.fleets.result import DRIFTED, STALE, SliceResult
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import State
from xacct_nb.redaction.redact import fingerprint, is_fingerprint, mask_secrets, secrets_in

_REMOVE = "Plan it again and apply it: that removes what is left."
_HINT = "If the declaration is right, plan it again and apply it; else declare what is there."


def drifted(part: Slice, sessions: SliceSessions, plan: Plan, since: str) -> SliceResult:
    """Return the result of a slice for which a plan has changes, with who made them since a moment (UTC)."""
    titles = "; ".join(f"{change.sign} {change.title}" for change in plan.changes)
    if plan.ended:
        reason = f"{plan.end_sentence} What was made for it is still there: {titles}."
        return SliceResult(*part.key, DRIFTED, code=DRIFTED, reason=reason, hint=_REMOVE)
    reason = f"The live state differs from the declaration: {titles}."
    drift = explain(plan.changes, read_trail(sessions, part.account, plan.changes, since))
    found = SliceResult(*part.key, DRIFTED, code=DRIFTED, reason=reason, hint=_HINT, drift=drift)
    if part.side != DESTINATION:
        return found
    if mark := unknown_id(part.grant):
        return replace(found, hint=f"{_unasked(mark, part.grant)} {_HINT}")
    try:
        proof = prove(part.grant, sessions, patience=0).summary
    except XacctError as problem:
        proof = f"The access could not be asked for: {problem.what}"
    return replace(found, proof=proof, reason=f"{reason} {proof}")


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
