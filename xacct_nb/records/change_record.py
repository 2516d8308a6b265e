"""How a record reads as a change record: who, when, where, why, what, approval, steps, proof, way back."""

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.fields import SUCCESSFUL, RecordFields
from xacct_nb.records.next_steps import rollback_command
from xacct_nb.records.outcome import change_outcomes, closure, is_success, outcome_facts
from xacct_nb.views import Code, Page, Table, Text, View

_ERROR = {"what": "what went wrong", "why": "because", "hint": "what to do"}
_OPTIONS, _NEW_LINE = ("-p", "-f", "--records"), "\\\n    "
_TONES = {"widens": "bad", "warning": "change", "note": "note"}


def change_record(record: RecordFields) -> View:
    """The whole record in the order in which a reviewer asks."""
    parts = [part for section in _SECTIONS for part in section(record)]
    return Page(f"Record {record.id}", tuple(parts))


def _facts(record: RecordFields) -> Iterator[View]:
    rows = [*_course(record), *_error(record), *outcome_facts(record), *_people(record), *_place(record)]
    tones = ["good" if record.status in SUCCESSFUL else "bad", *[""] * (len(rows) - 1)]
    yield Table(("", ""), tuple(rows), tones=tuple(tones))


def _course(record: RecordFields) -> Iterator[tuple[str, str]]:
    yield "status", f"{record.status}: {closure(record)}"
    if grant := record.parameters.get("name"):
        yield "grant", str(grant)
    if record.summary:
        yield "change", record.summary


def _error(record: RecordFields) -> Iterator[tuple[str, str]]:
    error = record.error or {}
    yield from ((label, str(error[name])) for name, label in _ERROR.items() if error.get(name))


def _people(record: RecordFields) -> Iterator[tuple[str, str]]:
    approval = record.approval or {}
    yield "who", f"{record.host.get('user', '')} on {record.host.get('name', '')}"
    if approval:
        label = "approval by" if record.status == "stale-plan" else "approved by"
        yield label, f"{approval['by']} at {approval['at']}"
    yield "begun", record.started
    yield "ended", f"{record.ended} ({record.seconds:.2f} s)"
    yield from ((name, str(approval[name])) for name in ("ticket", "note") if approval.get(name))


def _place(record: RecordFields) -> Iterator[tuple[str, str]]:
    yield "notebook", record.notebook
    if record.where:
        yield "where", record.where
    for name, label in (("sources", "source side"), ("destinations", "destination side")):
        if found := record.parameters.get(name):
            yield label, "\n".join(found)
    if record.undoes:
        yield "undoes", record.undoes


def _risk(record: RecordFields) -> Iterator[View]:
    heads = ("finding", "severity", "where", "why", "accepted")
    rows = tuple(
        (each["code"], each["severity"], each["where"], each["why"], "yes" if each.get("accepted") else "")
        for each in record.findings
    )
    if rows:
        tones = tuple(_TONES.get(each["severity"], "") for each in record.findings)
        yield Page("Risk", (Table(heads, rows, tones=tones),))
    elif record.plan:
        yield Page("Risk", (Text("No findings.", "good"),))


def _plan(record: RecordFields) -> Iterator[View]:
    if record.plan:
        yield Plan.from_json(record.plan).view()


def _approval(record: RecordFields) -> Iterator[View]:
    given = record.approval
    if given is None:
        return
    rows = [("approved plan", str(given["digest"])), ("by", str(given["by"])), ("at", str(given["at"]))]
    rows += [(name, str(given[name])) for name in ("ticket", "note") if given.get(name)]
    if made := given.get("plan"):
        rows.append(("planned", f"by {given['planned_by']} at {given['planned_at']}, record {made}"))
    yield Page("Approval", (Table(("", ""), tuple(rows)),))


def _going_on(record: RecordFields) -> Iterator[View]:
    if again := (record.error or {}).get("resume"):
        plans = record.plan is not None
        words = "It plans from what is there now, and changes nothing before that plan is approved." * plans
        back = "To take back what is left, see Back-out." * record.left_changes
        notes = (Text(each, "note") for each in (words, back) if each)
        yield Page("How to go on", (Code("Run it again", _lines(str(again))), *notes))


def _lines(command: str) -> str:
    """A command to copy, an option a line; what is no command stays as it is."""
    try:
        words = shlex.split(command)
    except ValueError:
        return command
    if words[:1] != ["xacct-nb"]:
        return command
    return " ".join(f"{_NEW_LINE * (word in _OPTIONS)}{shlex.quote(word)}" for word in words)


def _journal(record: RecordFields) -> Iterator[View]:
    if record.journal and record.journal["entries"]:
        journal = Journal.from_json(record.journal)
        yield journal.view() if record.status in SUCCESSFUL else _marked(journal, record.status)
    elif record.plan:
        yield Page("Journal", (Text("Nothing was changed.", "note"),))


def _marked(journal: Journal, status: str) -> View:
    """The journal of a run that did not end well: the calls that failed stand out."""
    page = journal.view()
    if not isinstance(page, Page):
        return page
    table, *between, outcome = page.parts
    if isinstance(table, Table):
        table = replace(table, tones=tuple("" if is_success(entry) else "bad" for entry in journal.entries))
    if not journal.changes and all(entry.answer for entry in journal.entries):
        taken_back = Text("What was made was taken back.", "note")
        outcome = taken_back if status == "rolled-back" else Text("It did not come to its end.", "bad")
    return Page(page.title, (table, *between, outcome))


def _proof(record: RecordFields) -> Iterator[View]:
    if record.proof and record.proof["outcomes"]:
        yield Proof.from_json(record.proof).view()


def _back_out(record: RecordFields) -> Iterator[View]:
    if record.plan is None:
        return
    journal = record.journal or {"entries": [], "changes": []}
    if record.status == "rolled-back" or not (journal["entries"] or journal["changes"]):
        done = record.status == "rolled-back"
        words = "The run took back what it had done itself." if done else "There is nothing to take back."
        yield Page("Back-out", (Text(words, "note"),))
        return
    back = Journal.from_json(journal).undo_plan()
    steps = tuple((change.sign, change.account, change.title) for change in back.changes)
    table = (Table(("", "account", "what"), steps, caption="What it does, in this order"),) if steps else ()
    show = rollback_command(record)
    last = "Both accounts are then as they were before; it refuses where somebody changed them since."
    commands = Code(
        "The first shows the way back and its digest, the second takes it", f"{show}\n{show} --approve DIGEST"
    )
    yield Page("Back-out", (commands, *table, Text(last, "note")))


def _sessions(record: RecordFields) -> Iterator[View]:
    rows = tuple((each["part"], each["account"], each["arn"], each.get("profile", "")) for each in record.who)
    table = Table(("part", "account", "caller", "profile"), rows)
    yield Page("Who", (table if rows else Text("No session was opened.", "note"),))


def _circumstances(record: RecordFields) -> Iterator[View]:
    given = _rows((name, value) for name, value in record.parameters.items() if value not in _EMPTY)
    if given:
        yield Page("Parameters", (Table(("", ""), given),))
    git = record.git or {}
    versions: dict[str, Any] = {**record.versions}
    versions |= {"Python": record.host.get("python"), "system": record.host.get("system")}
    versions |= {"git commit": f"{git['commit']}{' with changes' * bool(git['dirty'])}"} if git else {}
    if rows := _rows((name, value) for name, value in versions.items() if value):
        yield Page("Versions", (Table(("", ""), rows),))


def _explanation(record: RecordFields) -> Iterator[View]:
    if record.diagnosis is not None:
        yield Diagnosis.from_json(record.diagnosis).view()


_EMPTY: tuple[Any, ...] = ("", [], {}, False)
_SECTIONS: tuple[Callable[[RecordFields], Iterator[View]], ...] = (
    _facts,
    _going_on,
    change_outcomes,
    _explanation,
    _plan,
    _risk,
    _approval,
    _journal,
    _proof,
    _back_out,
    _sessions,
    _circumstances,
)


def _rows(pairs: Iterable[tuple[str, Any]]) -> tuple[tuple[str, str], ...]:
    rows = ((name, _short(value)) for name, value in pairs)
    return tuple((name, words) for name, words in rows if words != "{}")


def _short(value: Any) -> str:
    if isinstance(value, Mapping):
        value = {name: each for name, each in value.items() if each not in _EMPTY}
    return value if isinstance(value, str) else canonical_json(value)
