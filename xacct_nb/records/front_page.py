"""Page one of a record: where, the outcome, who may do what, who approved it, what was proven, the seal."""

import shlex
from collections.abc import Iterator

from xacct_nb.changes.approval import Approval
from xacct_nb.changes.clock_offset import clock_note
from xacct_nb.changes.proof import DENIED
from xacct_nb.records.fields import RecordFields, status_tone
from xacct_nb.records.next_steps import card_of
from xacct_nb.records.outcome import closure, outcome_facts, outcome_sentence
from xacct_nb.views import Banner, Code, Page, Table, Text, View

_ERROR = {"what": "what went wrong", "why": "why", "hint": "what to do"}
_SEAL = (
    "SHA256SUMS has the SHA-256 of every file of this record. Its line in ledger.jsonl has the SHA-256 of "
    "SHA256SUMS as its seal, and the hash of the line before it."
)


def front_page(record: RecordFields) -> Iterator[View]:
    """Yield what a manager reads of a record; of a plan that was not applied, the whole decision card."""
    card = card_of(record)
    if not record.undecided and (record.card or record.where):
        yield _banner(record)
    yield Text(f"{record.status}. {outcome_sentence(record)}", _tone(record))
    if card and record.undecided:
        yield card.view()
    elif card:
        yield from (Text(each) for each in card.sentences)
        yield from (Text(each, "change") for each in card.losses)
    yield Table(("", ""), tuple(_facts(record)))


def seal_view(record: RecordFields, content_hash: str) -> View:
    """Return how the record is sealed, and how to verify it with this tool and without it.

    `content_hash` is the SHA-256 of record.json, "" where it is not known.
    """
    folder = record.parameters.get("records")
    where = f" --records {shlex.quote(str(folder))}" if folder else ""
    commands = (
        f"xacct-nb records verify{where}",
        "sha256sum -c SHA256SUMS",
        f"sha256sum SHA256SUMS; grep {shlex.quote(record.id)} ../ledger.jsonl",
    )
    content = (Text(f"SHA-256 of record.json: {content_hash}"),) if content_hash else ()
    verify = Code("To verify it, with this tool and without it", "\n".join(commands))
    return Page("Seal", (*content, Text(_SEAL), verify))


def reasons(approval: Approval) -> Iterator[tuple[str, str]]:
    """Yield the ticket and the note of an approval, where it has them."""
    yield from (pair for pair in (("ticket", approval.ticket), ("note", approval.note)) if pair[1])


def _tone(record: RecordFields) -> str:
    """Return the tone of the status; a plan that cannot be approved is not good."""
    return "change" if record.is_blocked else status_tone(record.status)


def _banner(record: RecordFields) -> View:
    if record.card:
        return record.card.banner.view()
    kind = next((kind for kind in ("sandbox", "AWS") if record.where.startswith(kind)), record.where)
    return Banner(f"{record.host.user} on {record.host.name}", kind.lower())


def _facts(record: RecordFields) -> Iterator[tuple[str, str]]:
    for name, label in _ERROR.items():
        if text := getattr(record.error, name, ""):
            yield label, text
    yield from outcome_facts(record)
    yield "closure", closure(record)
    if record.summary:
        yield "change", f"{record.summary}{_made(record)}"
    yield from _people(record)
    if record.proof and record.proof.outcomes:
        yield "proven", _proven(record)
    if record.undoes:
        yield "rolls back", record.undoes
    who = f"{record.host.user} on {record.host.name}"
    yield "when", f"{record.started} to {record.ended} ({record.seconds:.1f} s), by {who}"
    yield from _noticed(record)


def _made(record: RecordFields) -> str:
    made = len(record.journal.changes) if record.journal else 0
    return f" {made} made." if made else ""


def _people(record: RecordFields) -> Iterator[tuple[str, str]]:
    approval, card = record.approval, record.card
    if not approval:
        return
    refused = record.status == "stale-plan"
    same = " (who planned it too)" if card and card.same_person else ""
    yield ("approval by" if refused else "approved by"), f"{approval.by}{same} at {approval.at}"
    yield from reasons(approval)


def _proven(record: RecordFields) -> str:
    """Return the result of the proof, and how many of its calls had to be denied, and were."""
    if not record.proof:
        return ""
    denied = sum(each.as_expected and each.probe.expected == DENIED for each in record.proof.outcomes)
    return f"{record.proof.summary} {denied} of the calls had to be denied, and were."


def _noticed(record: RecordFields) -> Iterator[tuple[str, str]]:
    if note := clock_note(record.clock_offset or 0):
        yield "clock", note
    if retried := record.retries:
        yield "retries", f"{retried.retries} calls were made again, after {retried.seconds:.1f} s of waiting"
