"""The way back of a record: which record, its plan with the external IDs put back, and making it."""

from dataclasses import replace
from pathlib import Path
from typing import Any

from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.proof import REVOKED, Outcome, Proof
from xacct_nb.changes.restoration import check_restored, expected_state
from xacct_nb.changes.revocation import (
    affected_roles,
    plan_revocation,
    role_remains,
    session_notes,
    with_existing_revocations,
)
from xacct_nb.errors import InvalidParameters, ProofFailed, UnknownRecord
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.grants.state import State
from xacct_nb.records.model import Record
from xacct_nb.redaction.redact import secrets_in
from xacct_nb.runs.locking import grant_lock
from xacct_nb.storage.ledger import LEDGER, broken_record, read_ledger, read_record
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Shown, Text, View


def find_record(records: Path, name: str) -> Record | None:
    """The record of that name; without a name the newest one that changed something and was not undone.

    None where there is no such record. Raises UnknownRecord for a name that is not there, for a record that
    changed nothing, and for one that was changed since it was sealed.
    """
    record = read_record(records, name) if name else _newest(records)
    if record is None:
        return None
    if not record.left_changes:
        raise UnknownRecord(
            f"The record {record.id!r} changed nothing.",
            why=f"Its status is {record.status!r}.",
            hint="Name a record that applied something: xacct-nb records list",
        )
    if broken := broken_record(records, name or record.id):
        raise UnknownRecord(
            f"The record {record.id!r} is not as it was sealed, and is not followed.",
            why="; ".join(broken),
            hint="Look at it, and plan the grant again from what is there now.",
        )
    return record


class Rollback(Shown):
    """The way back of a record, in a run of its own; of None there is nothing to undo."""

    def __init__(self, run: Any, record: Record | None) -> None:
        self.run, self.record = run, record
        self.sessions: Any = None
        self.older: Any = None
        self.found, self.journal, self.way_back = State({}), Journal(""), Plan("", ())
        self.losses, self.revocations = tuple[str, ...](), tuple[Change, ...]()

    def view(self) -> View:
        """The record that is to be undone."""
        if self.record is None:
            return Text("No record has changed anything that was not undone.", "note")
        return self.record.view()

    def plan(self) -> Plan:
        """The way back as a plan, from what is there now: what is back already is left out.

        Its notes say what cannot be put back as it was, and what becomes of open sessions; with
        `revoke_sessions` it ends them. Raises what opening sessions raises, RollbackFailed where somebody
        changed it since, and InvalidParameters where an external ID is missing.
        """
        from xacct_nb.aws.irreversible import irreversible_changes
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.undo import changes_of, journal_of
        from xacct_nb.aws.writer import check_no_conflict

        if self.record is None or self.run.made is not None:
            return self.way_back
        _check_place(self.record, self.run.settings.sandbox)
        self.sessions = self.run.open_sessions(self._grant(self.record))
        self.found = self.run.keep(read(build(self.sessions.grant), self.sessions))
        self.run.evidence.add("undoes", self.record.id)
        self.journal = self._journal(self.record)
        back = self.journal.undo_plan()
        check_no_conflict(self.sessions, back)
        entries = journal_of(self.record).entries if back.changes else ()
        self.losses = irreversible_changes(self.sessions, back, entries)
        self.way_back = self._with_revocations(back, changes_of(self.record))
        return self.way_back

    def apply(self, approval: Any) -> Journal:
        """Makes the way back, if it was approved, and looks that all is as before.

        Raises StalePlan, RollbackFailed.
        """
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.writer import check_approved

        plan = self.way_back
        if self.run.made is not None:
            return self.run.made_before(plan)  # type: ignore[no-any-return]
        if not self.run.goes_on(plan, approval) or self.record is None:
            return Journal(plan.grant)
        check_approved(plan, approval.digest)
        with grant_lock(self.sessions):
            back = self._take_back(self.record)
        self.run.take(plan, back)
        after = read(build(self.sessions.grant), self.sessions)
        self.run.evidence.add("after", after.to_json())
        check_restored(
            expected_state(_before(self.record), self.found, back.changes), after, bool(self.losses)
        )
        return back

    def prove(self) -> Shown:
        """Asks the sessions that were opened before the change once more, where sessions were ended.

        Raises ProofFailed where one of them still works.
        """
        if self.older is None or self.run.made is None:
            return NoSessionsEnded()
        proof: Proof = self.run.keep(self.older.proof(self.run.settings.patience_seconds))
        if alive := [each for each in proof.asked if each.probe.kind == REVOKED and not each.as_expected]:
            raise _still_alive(alive)
        return proof

    def _grant(self, record: Record, external_id: str = "") -> Grant:
        """The grant of a record, or of the one that it undoes; to read, its external ID is not needed."""
        if undone := find_record(self.run.records, record.undoes) if record.undoes else None:
            return self._grant(undone, external_id)
        conditions = {**record.parameters.get("conditions", {}), "external_id": external_id}
        return grant_of({**record.parameters, "conditions": conditions})

    def _with_revocations(self, back: Plan, changes: tuple[Change, ...]) -> Plan:
        """The plan with the end of older sessions, if that is wanted, and with the notes."""
        wanted = self.run.settings.revoke_sessions
        concerned = affected_roles(changes, self.sessions.grant.destinations)
        stay = [role for role in concerned if role_remains(role, self.found, back.changes)]
        self.revocations = tuple(plan_revocation(role, self.found) for role in stay) if wanted else ()
        said = session_notes(concerned, self.found, back.changes, revoked=wanted)
        where = other_sandbox_note(self.record, self.sessions.endpoint.endpoint_url) if self.record else ()
        changes = (*back.changes, *self.revocations)
        return replace(back, changes=changes, notes=(*where, *self.losses, *said))

    def _take_back(self, record: Record) -> Journal:
        """What the record changed, then older sessions; of these some are opened at the beginning."""
        from xacct_nb.aws.preconditions import check_current
        from xacct_nb.aws.revocation import calls_to_repeat, open_older_sessions, revoke
        from xacct_nb.aws.writer import rollback

        how: dict[str, Any] = {"sink": self.run, "patience": self.run.settings.patience_seconds}
        if self.revocations:
            check_current(self.sessions, Plan("", self.revocations))
            roles = [change.target for change in self.revocations]
            asking = calls_to_repeat(self.sessions, roles, _before(record), self.found)
            needed = {secret for role in self.found.of("role").values() for secret in secrets_in(role)}
            grant = self._grant(record, next(iter(needed), ""))
            self.older = open_older_sessions(replace(self.sessions, grant=grant), asking)
        back = rollback(self.journal, self.sessions, **how)
        ended = revoke(self.revocations, self.sessions, **how)
        return Journal(back.grant, back.changes + ended.changes, back.entries + ended.entries)

    def _journal(self, record: Record) -> Journal:
        from xacct_nb.aws.undo import to_undo

        reference = self.run.settings.external_id
        journal, secrets = to_undo(
            record, self.sessions, {resolve_reference(reference)} if reference else set()
        )
        self.run.evidence.secrets |= secrets
        return replace(journal, changes=tuple(with_existing_revocations(journal.changes, self.found)))


class NoSessionsEnded(Shown):
    """In the place of a proof where no session was ended."""

    def view(self) -> View:
        """That nobody was asked."""
        return Text("No session was ended, so none was asked.", "note")


def _check_place(record: Record, sandbox: bool) -> None:
    there = record.where.startswith("sandbox")
    if there != sandbox:
        raise InvalidParameters(
            f"The record was made {'in the sandbox' if there else 'on AWS'}, and this run is not.",
            why=f"where: {record.where}",
            hint=f"-p sandbox {'true' if there else 'false'}",
        )


def other_sandbox_note(record: Record, endpoint: str) -> tuple[str, ...]:
    """A note where the record is of another sandbox: nothing of what it made is in this one."""
    if not record.where.startswith("sandbox") or record.where == f"sandbox at {endpoint}":
        return ()
    return (f"The record was made in another sandbox ({record.where}). This one is at {endpoint}.",)


def _before(record: Record) -> State:
    return State.from_json(record.state.get("before") or ())


def _still_alive(alive: list[Outcome]) -> ProofFailed:
    answers = [
        f"{each.probe.source} in {each.probe.role}: {each.probe.question}: AWS answered "
        f"{each.answer} {each.detail}".rstrip()
        for each in alive
    ]
    return ProofFailed(
        f"{len(alive)} of the sessions that were to be ended may still work.",
        why="\n".join(answers),
        hint="IAM may need some minutes. Look whether AWSRevokeOlderSessions stands, then ask again.",
    )


def _newest(records: Path) -> Record | None:
    if not (records / LEDGER).exists():
        return None
    undone: set[str] = set()
    for line in reversed(read_ledger(records)):
        if line["status"] in ("planned", "no-change"):
            continue
        record = read_record(records, line["id"])
        if record.undoes:
            undone |= {record.undoes} if record.status == "succeeded" else set()
        elif record.left_changes and record.id not in undone:
            return record
    return None
