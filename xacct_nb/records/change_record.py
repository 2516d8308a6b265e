"""A record as a change ticket: who, when, where, why, what, risk, approval, steps, proof, back-out."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping

from xacct_nb.changes.journal import Journal
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import SUCCESSFUL, RecordFields
from xacct_nb.records.next_steps import rollback_command
from xacct_nb.records.outcome import change_outcomes, closure, is_success, outcome_facts
from xacct_nb.views import Code, Page, Table, Text, View

_ERROR = {"what": "what went wrong", "why": "why", "hint": "what to do"}
_OPTIONS, _NEW_LINE = ("-p", "-f", "--records"), "\\\n    "
_TONES = {"widens": "bad", "warning": "change", "note": "note"}
_EMPTY: tuple[object, ...] = ("", [], {}, False)


def change_record(record: RecordFields) -> View:
    """Return the whole record in the order in which a reviewer asks."""
    parts = [part for section in _SECTIONS for part in section(record)]
    return Page(f"Record {record.id}", tuple(parts))


def _summary(record: RecordFields) -> Iterator[View]:
    rows = [*_result(record), *_error(record), *outcome_facts(record), *_people(record), *_target(record)]
    tones = ["good" if record.status in SUCCESSFUL else "bad", *[""] * (len(rows) - 1)]
    yield Table(("", ""), tuple(rows), tones=tuple(tones))


def _result(record: RecordFields) -> Iterator[tuple[str, str]]:
    yield "status", f"{record.status}: {closure(record)}"
    if grant := record.parameters.get("name"):
        yield "grant", str(grant)
    if record.summary:
        yield "change", record.summary


def _error(record: RecordFields) -> Iterator[tuple[str, str]]:
    yield from ((label, text) for name, label in _ERROR.items() if (text := getattr(record.error, name, "")))


def _people(record: RecordFields) -> Iterator[tuple[str, str]]:
    approval = record.approval
    yield "who", f"{record.host.user} on {record.host.name}"
    if approval:
        label = "approval by" if record.status == "stale-plan" else "approved by"
        yield label, f"{approval.by} at {approval.at}"
    yield "started", record.started
    yield "ended", f"{record.ended} ({record.seconds:.2f} s)"
    yield from _reasons(record)


def _reasons(record: RecordFields) -> Iterator[tuple[str, str]]:
    approval = record.approval
    pairs = (("ticket", approval.ticket), ("note", approval.note)) if approval else ()
    yield from (pair for pair in pairs if pair[1])


def _target(record: RecordFields) -> Iterator[tuple[str, str]]:
    yield "notebook", record.notebook
    if record.where:
        yield "where", record.where
    for name, label in (("sources", "source side"), ("destinations", "destination side")):
        if found := record.parameters.get(name):
            yield label, "\n".join(found)
    if record.undoes:
        yield "rolls back", record.undoes


def _resume(record: RecordFields) -> Iterator[View]:
    if record.error and record.error.resume:
        planned = "It plans again, and changes nothing before that plan is approved." * (
            record.plan is not None
        )
        back_out = "To roll back what is left, see Back-out." * record.left_changes
        notes = (Text(each, "note") for each in (planned, back_out) if each)
        yield Page("How to resume", (Code("Run it again", _lines(record.error.resume)), *notes))


def _lines(command: str) -> str:
    """Return a command with one option a line; text that is no command stays as it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if words[:1] != ["xacct-nb"]:
        return command
    return " ".join(f"{_NEW_LINE * (word in _OPTIONS)}{shlex.quote(word)}" for word in words)


def diagnosis_view(record: RecordFields) -> Iterator[View]:
    """Yield the diagnosis of a record that has one."""
    if record.diagnosis is not None:
        from xacct_nb.diagnosis.diagnosis import Diagnosis

        yield Diagnosis.from_json(record.diagnosis).view()


def _plan(record: RecordFields) -> Iterator[View]:
    if record.plan:
        yield record.plan.view()


def _risk(record: RecordFields) -> Iterator[View]:
    found = record.findings
    if found:
        rows = tuple((f.code, f.severity, f.where, f.why, "yes" if f.accepted else "") for f in found)
        tones = tuple(_TONES.get(each.severity, "") for each in found)
        heads = ("finding", "severity", "where", "why", "accepted")
        yield Page("Risk", (Table(heads, rows, tones=tones),))
    elif record.plan:
        yield Page("Risk", (Text("No findings.", "good"),))


def _approval(record: RecordFields) -> Iterator[View]:
    approval = record.approval
    if approval is None:
        return
    rows = [("approved plan", approval.digest), ("by", approval.by), ("at", approval.at), *_reasons(record)]
    if approval.plan:
        rows.append(("planned", f"by {approval.planned_by} at {approval.planned_at}, record {approval.plan}"))
    yield Page("Approval", (Table(("", ""), tuple(rows)),))


def _journal(record: RecordFields) -> Iterator[View]:
    journal = record.journal
    if journal and journal.entries:
        yield journal.view() if record.status in SUCCESSFUL else _failed_journal(record.status, journal)
    elif record.plan:
        yield Page("Journal", (Text("Nothing was changed.", "note"),))


def _failed_journal(status: str, journal: Journal) -> View:
    """Return the journal of a run that did not end well, with the failed calls highlighted."""
    tones = tuple("" if is_success(entry) else "bad" for entry in journal.entries)
    if journal.changes or not all(entry.answer for entry in journal.entries):
        return journal.page(journal.last_line(), tones)
    rolled_back = Text("All changes were rolled back.", "note")
    return journal.page(
        rolled_back if status == "rolled-back" else Text("The run did not finish.", "bad"), tones
    )


def _proof(record: RecordFields) -> Iterator[View]:
    if record.proof and record.proof.outcomes:
        yield record.proof.view()


def _back_out(record: RecordFields) -> Iterator[View]:
    if record.plan is None:
        return
    if record.journal is None or not record.left_changes:
        rolled_back = record.status == "rolled-back"
        text = "The run rolled back its own changes." if rolled_back else "There is nothing to roll back."
        yield Page("Back-out", (Text(text, "note"),))
        return
    steps = tuple((each.sign, each.account, each.title) for each in record.journal.undo_plan().changes)
    table = (Table(("", "account", "change"), steps, caption="Its changes, in order"),) if steps else ()
    command = rollback_command(record)
    commands = Code(
        "The first command plans the roll-back, the second makes it", f"{command}\n{command} --approve DIGEST"
    )
    note = "Both accounts are then as they were before. It refuses where a resource was changed since."
    yield Page("Back-out", (commands, *table, Text(note, "note")))


def _sessions(record: RecordFields) -> Iterator[View]:
    rows = tuple((each.part, each.account, each.arn, each.profile) for each in record.who)
    table = Table(("part", "account", "caller", "profile"), rows)
    yield Page("Sessions", (table if rows else Text("No session was opened.", "note"),))


def _environment(record: RecordFields) -> Iterator[View]:
    parameters = ((name, value) for name, value in record.parameters.items() if value not in _EMPTY)
    if rows := _rows(parameters):
        yield Page("Parameters", (Table(("", ""), rows),))
    git = record.git
    commit = f"{git.commit}{' with changes' * git.dirty}" if git else ""
    more = {"Python": record.host.python, "system": record.host.system, "git commit": commit}
    if rows := _rows((name, value) for name, value in {**record.versions, **more}.items() if value):
        yield Page("Versions", (Table(("", ""), rows),))


_SECTIONS: tuple[Callable[[RecordFields], Iterator[View]], ...] = (
    _summary,
    _resume,
    change_outcomes,
    diagnosis_view,
    _plan,
    _risk,
    _approval,
    _journal,
    _proof,
    _back_out,
    _sessions,
    _environment,
)


def _rows(pairs: Iterable[tuple[str, object]]) -> tuple[tuple[str, str], ...]:
    rows = ((name, _short(value)) for name, value in pairs)
    return tuple((name, text) for name, text in rows if text != "{}")


def _short(value: object) -> str:
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if each not in _EMPTY}
    return value if isinstance(value, str) else canonical_json(value)
