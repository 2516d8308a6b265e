"""The way back of a record: which record, its plan with the external IDs put back, and making it."""

from pathlib import Path
from typing import Any

from xacct_nb.disk.grants import look_up
from xacct_nb.disk.ledger import ledger, read_record
from xacct_nb.documents import build
from xacct_nb.errors import InvalidParameters, RollbackFailed, UnknownRecord
from xacct_nb.grants import Grant
from xacct_nb.journals import Journal
from xacct_nb.parameters import grant_of
from xacct_nb.plans import Plan
from xacct_nb.records import Record
from xacct_nb.shields import fingerprints_in, secrets_in, unshield
from xacct_nb.views import Shown, Text, View


def record_to_undo(records: Path, name: str) -> Record | None:
    """The record of that name; without a name the newest one that changed something and was not undone.

    None where there is no such record. Raises UnknownRecord for a name that is not there, or that changed nothing.
    """
    if not name:
        return _newest(records)
    record = read_record(records, name)
    if not _changed(record):
        raise UnknownRecord(
            f"The record {record.id!r} changed nothing.",
            why=f"Its status is {record.status!r}.",
            hint="Name a record that applied something: xacct-nb records list",
        )
    return record


class Undo(Shown):
    """The way back of a record, in a run of its own; of None there is nothing to undo."""

    def __init__(self, run: Any, record: Record | None) -> None:
        self.run, self.record = run, record
        self.sessions: Any = None
        self.journal = Journal("")

    def view(self) -> View:
        """The record that is to be undone."""
        return (
            self.record.view()
            if self.record
            else Text("No record has changed anything that was not undone.", "note")
        )

    def plan(self) -> Plan:
        """The way back as a plan, from what is there now.

        Raises what opening sessions raises, RollbackFailed where somebody changed it since, and
        InvalidParameters where an external ID is missing.
        """
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.writer import check_untouched

        if self.record is None:
            return Plan("", ())
        self.sessions = self.run.open_sessions(_grant(self.record))
        self.run.keep(read(build(self.sessions.grant), self.sessions))
        self.journal = self._journal()
        check_untouched(self.sessions, self.journal.way_back())
        return self.journal.way_back()

    def apply(self, approval: Any) -> Journal:
        """Makes the way back, if it was approved, and looks that all is as before. Raises StalePlan, RollbackFailed."""
        from xacct_nb.aws.reader import read
        from xacct_nb.aws.writer import check_approved, rollback

        plan = self.journal.way_back()
        if self.record is None or not self.run.goes_on(plan, approval):
            self.run.status = self.run.status if self.record else "no-change"
            return Journal(plan.grant)
        check_approved(plan, approval.digest)
        self.run.evidence.add("undoes", self.record.id)
        back: Journal = self.run.keep(rollback(self.journal, self.sessions, sink=self.run))
        after = read(build(self.sessions.grant), self.sessions).to_json()
        self.run.evidence.add("after", after)
        _check_as_before(self.record, after)
        return back

    def _journal(self) -> Journal:
        """The record's journal with the external IDs put back that are live now, or stand behind the parameter."""
        from xacct_nb.aws.reader import live

        assert self.record is not None
        journal = Journal.from_json(self.record.journal or {})
        known = {secret for change in journal.changes for secret in secrets_in(live(self.sessions, change))}
        known |= {look_up(reference)} if (reference := self.run.settings.external_id) else set()
        self.run.evidence.secrets |= known
        whole = Journal.from_json(unshield(journal.to_json(), known))
        _check_whole(whole.way_back())
        return whole


def _grant(record: Record) -> Grant:
    """The grant of a record, to open sessions with and to read; its external ID is not in it and not needed."""
    conditions = {**record.parameters.get("conditions", {}), "external_id": ""}
    return grant_of({**record.parameters, "conditions": conditions})


def _check_as_before(record: Record, after: Any) -> None:
    if after != record.state.get("before"):
        raise RollbackFailed(
            "The changes were taken back, but the state is not as it was before the run.",
            why="Something else in it differs from the state that the record kept.",
            hint="Compare state.before of the record with state.after of this one.",
        )


def _check_whole(plan: Plan) -> None:
    if missing := {mark for change in plan.changes for mark in fingerprints_in(change.after)}:
        raise InvalidParameters(
            f"The way back needs the external ID with the fingerprint {', '.join(sorted(missing))}.",
            why="A record holds no external IDs, and this one is not in use any more.",
            hint="Give it by reference: -p external_id env:NAME",
        )


def _newest(records: Path) -> Record | None:
    if not (records / "ledger.jsonl").exists():
        return None
    found = [
        read_record(records, line["id"])
        for line in reversed(ledger(records))
        if line["status"] not in ("planned", "no-change")
    ]
    undone = {record.undoes for record in found if record.status == "succeeded"}
    return next(
        (each for each in found if _changed(each) and not each.undoes and each.id not in undone), None
    )


def _changed(record: Record) -> bool:
    return bool(record.journal and record.journal["changes"]) and record.status in (
        "succeeded",
        "proof-failed",
    )
