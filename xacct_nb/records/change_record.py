"""A record as a change ticket: who, when, where, why, what, risk, approval, steps, proof, back-out."""

import shlex
from collections.abc import Iterator, Mapping

from xacct_nb.changes.access_picture import plan_picture
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Journal
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import (
    NOT_PROVEN,
    REPORT,
    SUCCESSFUL,
    RecordedFinding,
    RecordedFleet,
    RecordedHandoff,
    RecordFields,
)
from xacct_nb.records.fleet_view import calls_view, fleet_view
from xacct_nb.records.front_page import front_page, reasons, seal_view
from xacct_nb.records.next_steps import is_next_step, rollback_command
from xacct_nb.records.outcome import change_outcomes, is_success
from xacct_nb.views import Code, Link, Page, Table, Text, View

_OPTIONS, _NEW_LINE = ("-p", "-f", "--records"), "\\\n    "
_TONES = {"widens": "bad", "warning": "change", "note": "note"}
_EMPTY: tuple[object, ...] = ("", [], {}, False)


def change_record(record: RecordFields, content_hash: str = "") -> View:
    """Return the whole record in the order in which a reviewer needs it; `content_hash` is its own."""
    return Page(f"Record {record.id}", tuple(_sections(record, content_hash)))


def _sections(record: RecordFields, content_hash: str) -> Iterator[View]:
    yield from front_page(record)
    if record.error and record.error.resume and is_next_step(record.error.resume):
        yield _resume(record, record.error.resume)
    yield seal_view(record, content_hash)
    yield from change_outcomes(record)
    yield from diagnosis_view(record)
    yield from _review(record)
    if record.fleet:
        yield from _fleet(record.fleet, content_hash)
    elif record.plan:
        yield plan_picture(record.grant, record.plan).view()
        yield record.plan.view()
    if record.plan or record.findings:
        yield Page("Risk", (findings_view(record.findings),))
    if record.approval:
        yield _approval(record.approval)
    if record.fleet and record.journal and record.journal.entries:
        yield calls_view(record.journal)
    elif record.journal and record.journal.entries:
        yield _journal(record.status, record.journal)
    elif record.plan:
        yield Page("Journal", (Text("Nothing was changed.", "note"),))
    if record.proof and record.proof.outcomes:
        yield record.proof.view()
    if record.handoff:
        yield _handoff(record.handoff)
    if record.plan:
        yield _back_out(record)
    yield Page("Sessions", (_sessions(record),))
    yield from _environment(record)


def _fleet(fleet: RecordedFleet, content_hash: str) -> Iterator[View]:
    """Yield the fleet; on the page that is sealed with its report, a link to that."""
    yield fleet_view(fleet)
    if content_hash and fleet.result:
        yield Link("The report of the fleet, beside this page", REPORT)


def _resume(record: RecordFields, command: str) -> View:
    parts: list[View] = [Code("Run it again", _lines(command))]
    if record.plan:
        parts.append(Text("It plans again, and changes nothing before that plan is approved.", "note"))
    if record.left_changes:
        parts.append(Text("To roll back what is left, see Back-out.", "note"))
    return Page("How to resume", tuple(parts))


def _lines(command: str) -> str:
    """Return a command with one option a line; text that is not a command of ours is unchanged."""
    try:
        arguments = shlex.split(command)
    except ValueError:
        return command
    if arguments[:1] != ["xacct-nb"]:
        return command
    return " ".join(f"{_NEW_LINE * (each in _OPTIONS)}{shlex.quote(each)}" for each in arguments)


def diagnosis_view(record: RecordFields) -> Iterator[View]:
    """Yield the diagnosis of a record that has one."""
    if record.diagnosis is not None:
        from xacct_nb.diagnosis.diagnosis import Diagnosis

        yield Diagnosis.from_json(record.diagnosis).view()


def _review(record: RecordFields) -> Iterator[View]:
    if record.review is not None:
        from xacct_nb.records.review.recorded import RecordedReview

        yield RecordedReview.from_json(record.review).view()
    yield from narrowing_view(record)


def narrowing_view(record: RecordFields) -> Iterator[View]:
    """Yield what of a grant goes and stays, why, and the file of the smaller grant, where it was narrowed."""
    if record.narrowing is None:
        return
    found = record.narrowing
    heads = ("action or policy", "outcome", "because")
    items = (each for each in found.get("items", ()) if len(each) == len(heads))
    rows = tuple(tuple(map(str, each)) for each in items)
    parts: list[View] = [Text(str(found.get("summary", ""))), *([Table(heads, rows)] if rows else [])]
    parts += [Text(str(each), "note") for each in found.get("notes", ())]
    if found.get("file"):
        parts.append(Text(f"The smaller grant is in {found['file']}.", "good"))
    yield Page("What is used", tuple(parts))


def findings_view(found: tuple[RecordedFinding, ...]) -> View:
    """Return the findings of a record as a table."""
    if not found:
        return Text("No findings.", "good")
    rows = tuple((f.code, f.severity, f.where, f.why, "yes" if f.accepted else "") for f in found)
    tones = tuple(_TONES.get(each.severity, "") for each in found)
    return Table(("finding", "severity", "where", "why", "accepted"), rows, tones=tones)


def _approval(approval: Approval) -> View:
    rows = [("approved plan", approval.digest), ("by", approval.by), ("at", approval.at), *reasons(approval)]
    if approval.shortened:
        rows.append(("end shortened", approval.shortened))
    if approval.reference:
        rows.append(("external ID from", approval.reference))
    if approval.key:
        rows.append(("signed", f"by {approval.signer} at {approval.signed_at}, key {approval.key}"))
    if approval.plan:
        rows.append(("planned", f"by {approval.planned_by} at {approval.planned_at}, record {approval.plan}"))
    return Page("Approval", (Table(("", ""), tuple(rows)),))


def _journal(status: str, journal: Journal) -> View:
    """Return every call; of a run that did not end well, with the failed calls highlighted."""
    if status in (*SUCCESSFUL, NOT_PROVEN):
        return journal.view()
    tones = tuple("" if is_success(entry) else "bad" for entry in journal.entries)
    if journal.changes or not all(entry.answer for entry in journal.entries):
        return journal.page(journal.last_line(), tones)
    if status == "rolled-back":
        return journal.page(Text("All changes were rolled back.", "note"), tones)
    return journal.page(Text("The run did not finish.", "bad"), tones)


def _handoff(found: RecordedHandoff) -> View:
    rows = (
        ("this run", f"{found.part}, {found.side} side"),
        ("state", found.state),
        ("request", found.request),
        ("answer", f"{found.answer} {f'({found.decision})' if found.decision else ''}".strip()),
        ("other owner's record", found.other),
        *(("changed", each) for each in found.differences),
    )
    return Page("Hand-over", (Table(("", ""), tuple(row for row in rows if row[1])),))


def _back_out(record: RecordFields) -> View:
    if record.journal is None or not record.left_changes:
        rolled_back = record.status == "rolled-back"
        text = "The run rolled back its own changes." if rolled_back else "There is nothing to roll back."
        return Page("Back-out", (Text(text, "note"),))
    steps = tuple((each.sign, each.account, each.title) for each in record.journal.undo_plan().changes)
    table = (Table(("", "account", "change"), steps, caption="Its changes, in order"),) if steps else ()
    command = rollback_command(record)
    commands = Code(
        "The first command plans the rollback, the second makes it", f"{command}\n{command} --approve DIGEST"
    )
    note = "Both accounts are then as they were before. It refuses where a resource was changed since."
    return Page("Back-out", (commands, *table, Text(note, "note")))


def _sessions(record: RecordFields) -> View:
    if not record.who:
        return Text("No session was opened.", "note")
    rows = tuple((each.part, each.account, each.arn, each.profile) for each in record.who)
    return Table(("part", "account", "caller", "profile"), rows, caption=record.where)


def _environment(record: RecordFields) -> Iterator[View]:
    yield from _values("Parameters", record.parameters)
    git = record.git
    commit = f"{git.commit}{' with changes' * git.dirty}" if git else ""
    more = {"Python": record.host.python, "system": record.host.system, "git commit": commit}
    yield from _values("Versions", {**record.versions, **more})


def _values(title: str, values: Mapping[str, object]) -> Iterator[View]:
    texts = {name: _short(value) for name, value in values.items() if value not in _EMPTY}
    if rows := tuple((name, text) for name, text in texts.items() if text != "{}"):
        yield Page(title, (Table(("", ""), rows),))


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if each not in _EMPTY}
    return value if isinstance(value, str) else canonical_json(value)
