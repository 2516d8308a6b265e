"""The steps of a run that ask AWS: its sessions, the apply of an approved plan, the proof."""

from collections.abc import Iterable

from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions, check_both_sides, open_sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import FAILS, Probe, Proof
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.runs import outcome
from xacct_nb.runs.approval import check_fresh
from xacct_nb.runs.run_context import PlanApproval, RunContext, grant_lock
from xacct_nb.runs.whole_commands import command_of, diagnosis_of

_PROOF_PATIENCE = 10.0  # seconds to wait for IAM after an apply


def open_run_sessions(run: RunContext, grant: Grant, side: str = "") -> Sessions:
    """Return the sessions of both sides or of one, and note them and who answered in the run's evidence."""
    settings = run.settings
    sessions = open_sessions(
        grant,
        source_profiles=settings.source_profiles,
        destination_profiles=settings.destination_profiles,
        caller_profiles=settings.caller_profiles,
        endpoint=run.place.open(grant.partition),
        side=side,
    )
    run.place.note()
    run.evidence.add("sessions", sessions.to_json())
    check_both_sides(sessions)
    return sessions


def apply_plan(run: RunContext, plan: Plan, sessions: Sessions, approval: PlanApproval) -> Journal:
    """Apply the plan if it was approved; else change nothing."""
    from xacct_nb.aws.writer import apply  # a run without approval does not need it

    if run.applied is not None:
        return run.applied_before(plan)
    if not run.decide(plan, sessions, approval):
        return Journal(plan.grant)
    patience = run.settings.patience_seconds
    with grant_lock(sessions), run.changing():
        if not run.headless:  # a person may have looked at it for hours; headless it is new
            check_fresh(plan, sessions)
        journal = apply(plan, sessions, approved=approval.digest, journal=run, patience=patience)
    run.keep_applied(plan, journal)
    # Where the apply has waited for IAM without success, the proof does not wait once more.
    gave_up = any(entry.answer == "gave up waiting" for entry in journal.entries)
    run.patience = 0 if gave_up else _PROOF_PATIENCE
    run.evidence.add("after", read_resources(sessions.documents, sessions).to_json())
    return journal


def prove_access(run: RunContext, grant: Grant, sessions: Sessions, also: Iterable[Probe] = ()) -> Proof:
    """Send every probe of the grant, and `also` others; none where the run only plans. Raises ProofFailed.

    The run ends `not-proven` where AWS gave no answer to a required call.
    """
    from xacct_nb.aws.probes import prove  # a run that only plans does not need them
    from xacct_nb.runs.who_changed import who_changed

    if run.status == "planned":
        return Proof()
    patience = min(run.settings.patience_seconds, run.patience)
    proof = run.keep(prove(grant, sessions, patience=patience, also=also))
    if proof.holds:
        run.note_proof(proof)
        return proof
    documents = build(grant, sessions.side)
    drift = diff(documents, read_resources(documents, sessions))
    if drift.changes or proof.verdict == FAILS:
        again, diagnosis = command_of(run, "plan_and_apply"), diagnosis_of(run, proof, sessions)
        changed = who_changed(run, sessions, drift.changes) if drift.changes and not drift.ended else ()
        raise outcome.proof_failed(grant, drift, proof, again, diagnosis, changed)
    run.note_proof(proof)
    return proof
