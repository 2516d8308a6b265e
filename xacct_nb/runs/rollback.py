"""The rollback of a record: which record, its plan with the external IDs put back, and the changes."""

from dataclasses import replace
from pathlib import Path

from xacct_nb.aws.irreversible import irreversible_changes
from xacct_nb.aws.preconditions import check_current, remaining_changes
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.revocation import OlderSessions, calls_to_repeat, open_older_sessions, revoke
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.surroundings import managed_notes
from xacct_nb.aws.undo import changes_of, journal_of, to_undo
from xacct_nb.aws.writer import check_approved, rollback
from xacct_nb.changes.access import Loss
from xacct_nb.changes.approval import outdated_plan
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.kept_access import kept_access
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.proof import REVOKED, Outcome
from xacct_nb.changes.restoration import check_restored, expected_state
from xacct_nb.changes.revocation import (
    affected_roles,
    plan_revocation,
    role_remains,
    session_notes,
    with_existing_revocations,
)
from xacct_nb.errors import InvalidParameters, ProofFailed, UnknownRecord
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.grants.state import State
from xacct_nb.records.model import Record
from xacct_nb.records.next_steps import rollback_command
from xacct_nb.redaction.redact import secrets_in
from xacct_nb.runs.run_context import PlanApproval, RunContext, grant_lock
from xacct_nb.runs.standing import newest_rollback, standing_records
from xacct_nb.storage.ledger import broken_record, read_record
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Shown, Text, View


def find_record(records: Path, name: str) -> Record | None:
    """Return the record of that name, else that of the newest change, unless a rollback has undone it.

    None where there is nothing to undo: an older change must be named. Raises UnknownRecord for a name that
    is not there, for a record without changes, and for one that was changed since it was sealed.
    """
    record = read_record(records, name) if name else None
    if not name and newest_rollback(records) is None:
        record = next(standing_records(records), None)
    if record is None:
        return None
    if not record.left_changes:
        raise UnknownRecord(
            f"The record {record.id!r} changed nothing.",
            why=f"Its status is {record.status!r}.",
            hint="Name a record that changed AWS: xacct-nb records list",
        )
    if broken := broken_record(records, name or record.id):
        raise UnknownRecord(
            f"The record {record.id!r} was changed since it was sealed, and is not rolled back.",
            why="; ".join(broken),
            hint="Read the record, and plan the grant again: xacct-nb run plan_and_apply",
        )
    return record


class Rollback(Shown):
    """The rollback of a record, in a run of its own; where the record is None, there is nothing to undo."""

    sessions: Sessions
    older: OlderSessions | None = None

    def __init__(self, run: RunContext, record: Record | None) -> None:
        self.run, self.record = run, record
        self.found, self.journal, self.undo_plan = State({}), Journal(""), Plan("", ())
        self.lost, self.revocations = tuple[Loss, ...](), tuple[Change, ...]()

    def view(self) -> View:
        """Return the record that is rolled back."""
        if self.record is None:
            return Text(" ".join(nothing_left(self.run.records)), "note")
        return self.record.view()

    def plan(self) -> Plan:
        """Return the rollback as a plan from the present state, without what is undone already.

        Its notes say what cannot be restored, and what happens to open sessions; `revoke_sessions` ends
        them. Raises what `open_sessions` raises, RollbackFailed where a resource was changed since, and
        InvalidParameters where an external ID is missing.
        """
        if self.record is None:
            self.undo_plan = Plan("", (), nothing_left(self.run.records))
        if self.record is None or self.run.applied is not None:
            return self.undo_plan
        _check_same_place(self.record, self.run.settings.sandbox)
        self.sessions = self.run.open_sessions(self._grant(self.record), self._side(self.record))
        self.found = self.run.keep(read_resources(self.sessions.documents, self.sessions))
        self.run.evidence.add("undoes", self.record.id)
        self.run.basis.undoes = self.record
        self.journal = self._journal(self.record)
        back = self.journal.undo_plan()
        remaining_changes(self.sessions, back)  # raises RollbackFailed
        self.lost = self._lost(self.record, back)
        self.undo_plan = self._with_revocations(self.record, back)
        return self.undo_plan

    def apply(self, approval: PlanApproval) -> Journal:
        """Apply the rollback if it was approved, and check that everything is restored.

        Raises StalePlan, RollbackFailed.
        """
        plan = self.undo_plan
        if self.run.applied is not None:
            return self.run.applied_before(plan)
        if self.record is None or not self.run.decide(plan, self.sessions, approval):
            return Journal(plan.grant)
        check_approved(plan, approval.digest)
        with grant_lock(self.sessions), self.run.changing():
            self._check_covered(self.record)
            back = self._roll_back(self.record)
        self.run.keep_applied(plan, back, needs_proof=bool(self.revocations))
        after = read_resources(self.sessions.documents, self.sessions)
        self.run.evidence.add("after", after.to_json())
        expected = expected_state(_before(self.record), self.found, back.changes)
        check_restored(expected, after, bool(self.lost))
        return back

    def prove(self) -> Shown:
        """Check that the sessions opened before the change are denied now, where sessions were ended.

        Raises ProofFailed where one of them may still work.
        """
        if self.older is None or self.run.applied is None:
            return NoSessionsEnded()
        proof = self.run.keep(self.older.proof(self.run.settings.patience_seconds))
        self.run.note_proof(proof)
        if working := [each for each in proof.asked if each.probe.kind == REVOKED and not each.as_expected]:
            raise _still_working(working)
        return proof

    def _side(self, record: Record) -> str:
        """Return the side that a hand-over's record changed, or the record that it undoes; "" for both."""
        if undone := find_record(self.run.records, record.undoes) if record.undoes else None:
            return self._side(undone)
        return record.handoff.side if record.handoff else ""

    def _grant(self, record: Record, external_id: str = "") -> Grant:
        """Return the grant of a record, or of the record that it undoes; reading needs no external ID."""
        if undone := find_record(self.run.records, record.undoes) if record.undoes else None:
            return self._grant(undone, external_id)
        conditions = {**record.parameters.get("conditions", {}), "external_id": external_id}
        return grant_of({**record.parameters, "conditions": conditions})

    def _with_revocations(self, record: Record, back: Plan) -> Plan:
        """Return the plan with the notes and, where the settings say so, the end of older sessions."""
        wanted = self.run.settings.revoke_sessions
        roles = affected_roles(changes_of(record), self.sessions.grant.destinations)
        remaining = [role for role in roles if role_remains(role, self.found, back.changes)]
        self.revocations = tuple(plan_revocation(role, self.found) for role in remaining) if wanted else ()
        notes = session_notes(roles, self.found, back.changes, revoked=wanted)
        where = other_place_note(record, self.run.place.where)
        managed = managed_notes(self.sessions, remaining if back.changes else ())
        changes = (*back.changes, *self.revocations)
        access = kept_access(self.found, remaining, changes) if changes else ()
        reference = self.run.settings.external_id
        shown = replace(back, notes=(*where, *notes, *managed), reference=reference)
        return replace(shown, changes=changes, access=access, lost=self.lost)

    def _lost(self, record: Record, back: Plan) -> tuple[Loss, ...]:
        entries = journal_of(record).entries if back.changes else ()
        return irreversible_changes(self.sessions, back, entries)

    def _check_covered(self, record: Record) -> None:
        """Raise StalePlan where the roles can do something else now than the plan says, or more is lost."""
        plan, now = self.undo_plan, read_resources(self.sessions.documents, self.sessions)
        roles = [role for role in self.sessions.grant.destinations if role_remains(role, now, plan.changes)]
        access = kept_access(now, roles, plan.changes)
        current = replace(plan, access=access, lost=self._lost(record, self.journal.undo_plan()))
        if current.digest != plan.digest:
            raise outdated_plan(plan, current)

    def _roll_back(self, record: Record) -> Journal:
        """Undo what the record changed, then end older sessions; the proof opens its own ones before."""
        patience = self.run.settings.patience_seconds
        if self.revocations:
            check_current(self.sessions, self.revocations)
            roles = [change.target for change in self.revocations]
            calls = calls_to_repeat(self.sessions, roles, _before(record), self.found)
            needed = {secret for role in self.found.of("role").values() for secret in secrets_in(role)}
            grant = self._grant(record, next(iter(needed), ""))
            self.older = open_older_sessions(replace(self.sessions, given=grant), calls)
        back = rollback(self.journal, self.sessions, sink=self.run, patience=patience)
        ended = revoke(self.revocations, self.sessions, sink=self.run, patience=patience)
        return Journal(back.grant, back.changes + ended.changes, back.entries + ended.entries)

    def _journal(self, record: Record) -> Journal:
        reference = self.run.settings.external_id
        given = {resolve_reference(reference)} if reference else set()
        journal, secrets = to_undo(record, self.sessions, given)
        self.run.evidence.secrets |= secrets
        return replace(journal, changes=tuple(with_existing_revocations(journal.changes, self.found)))


def nothing_left(records: Path) -> tuple[str, ...]:
    """Return why nothing is undone where no record is named: what is undone already, and how to go on."""
    if (undone := newest_rollback(records)) is None:
        return ("There is nothing to undo: these records have no change that stands.",)
    what = f"The newest change is undone already: {undone.undoes}, by the rollback {undone.id}."
    older = next(standing_records(records), None)
    if older is None:
        return (what, "No other change in these records stands.")
    of = f" of the grant {older.parameters.get('name', '')}" if older.parameters.get("name") else ""
    return what, f"To undo an older change{of}, name it: {rollback_command(older)}"


class NoSessionsEnded(Shown):
    """The result of `prove` where no session was ended."""

    def view(self) -> View:
        """Return that there is nothing to prove."""
        return Text("No session was ended, so there is nothing to prove.", "note")


def _check_same_place(record: Record, sandbox: bool) -> None:
    was_sandbox = record.is_of_sandbox
    if was_sandbox != sandbox:
        raise InvalidParameters(
            f"The record was made {'in the sandbox' if was_sandbox else 'on AWS'}, and this run is not.",
            why=f"where: {record.where}",
            hint=f"Run it where the record was made: -p sandbox {'true' if was_sandbox else 'false'}",
        )


def other_place_note(record: Record, where: str) -> tuple[str, ...]:
    """Return a note where the record was made in another sandbox, or another endpoint answered it."""
    if record.where in ("", where) or (record.where.startswith("AWS") and where.startswith("AWS")):
        return ()
    if record.is_of_sandbox:
        here = where.removeprefix("sandbox at ")
        return (f"The record was made in another sandbox ({record.where}). This one is at {here}.",)
    return (f"The record was made at: {record.where}. This run acts at: {where}.",)


def _before(record: Record) -> State:
    return State.from_json(record.state.get("before") or ())


def _still_working(working: list[Outcome]) -> ProofFailed:
    answers = [
        f"{each.probe.source} in {each.probe.role}: {each.probe.question}: AWS returned "
        f"{each.answer} {each.detail}".rstrip()
        for each in working
    ]
    return ProofFailed(
        f"{len(working)} of the sessions that were to be ended may still work.",
        why="\n".join(answers),
        hint="IAM may need some minutes. Check that the role has AWSRevokeOlderSessions, and try again.",
    )
