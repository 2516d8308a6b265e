"""How a record reads as a change record: who, when, where, why, what, approval, steps, proof, way back."""

import json
import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from xacct_nb.journals import Journal
from xacct_nb.meanings import canonical_json
from xacct_nb.plans import Plan
from xacct_nb.proofs import Proof
from xacct_nb.views import Code, Page, Table, Text, View

if TYPE_CHECKING:
    from xacct_nb.records import Record

# How a change is closed, in the words of ITIL and of change tickets.
CLOSURES = {
    "succeeded": "successful",
    "no-change": "nothing to implement: all is as it should be",
    "planned": "not implemented yet: waits for approval",
    "failed": "not successful: an error ended it",
    "invalid-parameters": "not implemented: refused as it was given",
    "stale-plan": "not implemented: another plan was approved than the one that stood",
    "proof-failed": "not successful: the access is not what the grant says",
    "rolled-back": "not successful: taken back, everything is as it was before",
    "rollback-failed": "not successful: not everything could be taken back",
    "kernel-died": "broke off: its process died",
    "timed-out": "broke off: it took too long",
    "interrupted": "broke off: it was interrupted",
}
_GOOD = ("succeeded", "no-change", "planned")
_ERROR = {"what": "what went wrong", "why": "because", "hint": "what to do"}
_TONES = {"widens": "bad", "warning": "change", "note": "note"}


def change_record(record: "Record") -> View:
    """The whole record in the order in which a reviewer asks."""
    parts = [part for section in _SECTIONS for part in section(record)]
    return Page(f"Record {record.id}", tuple(parts))


def _facts(record: "Record") -> Iterator[View]:
    rows = [*_course(record), *_error(record), *_people(record), *_place(record)]
    tones = ["good" if record.status in _GOOD else "bad", *[""] * (len(rows) - 1)]
    yield Table(("", ""), tuple(rows), tones=tuple(tones))


def _course(record: "Record") -> Iterator[tuple[str, str]]:
    yield "status", f"{record.status}: {CLOSURES.get(record.status, '')}"
    if grant := record.parameters.get("name"):
        yield "grant", str(grant)
    if record.summary:
        yield "change", record.summary


def _error(record: "Record") -> Iterator[tuple[str, str]]:
    error = record.error or {}
    yield from ((label, str(error[name])) for name, label in _ERROR.items() if error.get(name))


def _people(record: "Record") -> Iterator[tuple[str, str]]:
    approval = record.approval or {}
    yield "who", f"{record.host.get('user', '')} on {record.host.get('name', '')}"
    if approval:
        yield "approved by", f"{approval['by']} at {approval['at']}"
    yield "begun", record.started
    yield "ended", f"{record.ended} ({record.seconds:.2f} s)"
    yield from ((name, str(approval[name])) for name in ("ticket", "note") if approval.get(name))


def _place(record: "Record") -> Iterator[tuple[str, str]]:
    yield "notebook", record.notebook
    if record.where:
        yield "where", record.where
    for name, label in (("sources", "source side"), ("destinations", "destination side")):
        if found := record.parameters.get(name):
            yield label, "\n".join(found)
    if record.undoes:
        yield "undoes", record.undoes


def _risk(record: "Record") -> Iterator[View]:
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


def _plan(record: "Record") -> Iterator[View]:
    if record.plan:
        yield Plan.from_json(record.plan).view()


def _approval(record: "Record") -> Iterator[View]:
    given = record.approval
    if given is None:
        return
    rows = [("approved plan", str(given["digest"])), ("by", str(given["by"])), ("at", str(given["at"]))]
    rows += [(name, str(given[name])) for name in ("ticket", "note") if given.get(name)]
    if made := given.get("plan"):
        rows.append(("planned", f"by {given['planned_by']} at {given['planned_at']}, record {made}"))
    yield Page("Approval", (Table(("", ""), tuple(rows)),))


def _journal(record: "Record") -> Iterator[View]:
    if record.journal and record.journal["entries"]:
        yield Journal.from_json(record.journal).view()
    elif record.plan:
        yield Page("Journal", (Text("Nothing was changed.", "note"),))


def _proof(record: "Record") -> Iterator[View]:
    if record.proof and record.proof["outcomes"]:
        yield Proof.from_json(record.proof).view()


def _back_out(record: "Record") -> Iterator[View]:
    if record.plan is None:
        return
    journal = record.journal or {"entries": [], "changes": []}
    if record.status == "rolled-back" or not (journal["entries"] or journal["changes"]):
        done = record.status == "rolled-back"
        words = "The run took back what it had done itself." if done else "There is nothing to take back."
        yield Page("Back-out", (Text(words, "note"),))
        return
    back = Journal.from_json(journal).way_back()
    steps = tuple((change.sign, change.account, change.title) for change in back.changes)
    table = (Table(("", "account", "what"), steps, caption="What it does, in this order"),) if steps else ()
    show = "xacct-nb run roll_back " + " ".join(_options(record))
    last = "Both accounts are then as they were before; it refuses where somebody changed them since."
    commands = Code(
        "The first shows the way back and its digest, the second takes it", f"{show}\n{show} --approve DIGEST"
    )
    yield Page("Back-out", (commands, *table, Text(last, "note")))


def _options(record: "Record") -> Iterator[str]:
    yield f"-p record {record.id}"
    if record.parameters.get("sandbox") is False:
        yield "-p sandbox false"
        for side in ("source", "destination"):
            profiles = dict.fromkeys(each["profile"] for each in record.who if each["part"] == side)
            yield f"-p {side}_profiles {shlex.quote(json.dumps(list(profiles)))}"
    if folder := record.parameters.get("records"):
        yield f"--records {shlex.quote(str(folder))}"


def _sessions(record: "Record") -> Iterator[View]:
    rows = tuple((each["part"], each["account"], each["arn"], each.get("profile", "")) for each in record.who)
    table = Table(("part", "account", "caller", "profile"), rows)
    yield Page("Who", (table if rows else Text("No session was opened.", "note"),))


def _circumstances(record: "Record") -> Iterator[View]:
    given = _rows((name, value) for name, value in record.parameters.items() if value not in _EMPTY)
    if given:
        yield Page("Parameters", (Table(("", ""), given),))
    git = record.git or {}
    versions: dict[str, Any] = {**record.versions}
    versions |= {"Python": record.host.get("python"), "system": record.host.get("system")}
    versions |= {"git commit": f"{git['commit']}{' with changes' * bool(git['dirty'])}"} if git else {}
    if rows := _rows((name, value) for name, value in versions.items() if value):
        yield Page("Versions", (Table(("", ""), rows),))


def _explanation(record: "Record") -> Iterator[View]:
    yield from record.explanation


_EMPTY: tuple[Any, ...] = ("", [], {}, False)
_SECTIONS: tuple[Callable[["Record"], Iterator[View]], ...] = (
    _facts,
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
