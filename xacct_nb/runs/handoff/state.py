"""How far a hand-over is: from the records, and from the requests and answers that are kept beside them."""

import shlex
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.changes.proof import Proof
from xacct_nb.errors import InvalidHandoff, NotProven, UnknownRecord
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.handoff.answer import REFUSED, HandoffAnswer
from xacct_nb.handoff.checks import check_scope, is_too_late
from xacct_nb.handoff.fleet_request import FleetRequest
from xacct_nb.handoff.request import HandoffRequest
from xacct_nb.records.model import Record
from xacct_nb.runs.standing import standing_records
from xacct_nb.storage.handoff_files import kept_answers
from xacct_nb.storage.ledger import LEDGER, read_ledger, read_record
from xacct_nb.views import Page, Shown, Table, Text, View

NOTEBOOK = "hand_over"
ANSWERS, ACCEPTS = "answers", "accepts"
OPEN, ANSWERED, REFUSED_STATE, PROVEN = "open", "answered", "refused", "proven"
LATE, UNDONE = "late", "undone"
_SENTENCES = {
    OPEN: ("note", "The request waits for its answer: xacct-nb handoff answer FILE --profile PROFILE"),
    ANSWERED: ("change", "One side is made. The hand-over stays open until the access is proven."),
    REFUSED_STATE: ("bad", "The request was refused, and the hand-over is closed."),
    PROVEN: ("good", "The access is proven, and the hand-over is closed."),
    LATE: ("bad", "The request was not answered in time."),
    UNDONE: ("bad", "What was made on this side was undone since. It takes a new request to make it again."),
}


@dataclass(frozen=True, repr=False)
class HandoffState(Shown):
    """The state of a request in a records folder, with the records and the answers that say so.

    `objects` are S3 objects that the source owner needs for the proof, where the roles' owner asked.
    """

    request: str
    state: str
    records: tuple[Record, ...] = ()
    answers: tuple[HandoffAnswer, ...] = ()
    objects: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `handoff show --json` prints of it."""
        records = [{"id": each.id, "status": each.status, "part": _part(each)} for each in self.records]
        return {
            "request": self.request,
            "state": self.state,
            "records": records,
            "answers": [each.digest for each in self.answers],
        }

    def view(self) -> View:
        """Return the state as a sentence, and the records of both parts."""
        tone, sentence = _SENTENCES[self.state]
        rows = tuple((each.id, _part(each), each.status, each.ended) for each in self.records)
        table = (Table(("record", "part", "status", "ended"), rows),) if rows else ()
        given = " ".join(f"-p proof_objects {shlex.quote(each)}" for each in self.objects)
        then = f"The source owner proves it: xacct-nb handoff answer FILE --profile PROFILE {given}".strip()
        more = (Text(then, "note"),) if self.objects and self.state == ANSWERED else ()
        return Page(f"Hand-over: {self.state}", (Text(sentence, tone), *more, *table))


class NotAnswered(Shown):
    """What `answer` shows while nothing is decided."""

    def view(self) -> View:
        """Return what is still to be decided."""
        return Text("Not answered yet: approve the plan, or refuse the request with a reason.", "note")


@dataclass(frozen=True, repr=False)
class NotProvenHere(Shown):
    """What `prove` shows where this run, of a part and a side, cannot prove the access."""

    part: str
    side: str

    @property
    def reason(self) -> NotProven:
        """Return why the run ends `not-proven` if it made its side."""
        who = "source owner" if self.part == ACCEPTS or self.side == SOURCE else "owner who asked"
        then = {
            (ANSWERS, DESTINATION): "Send them the answer file.",
            (ANSWERS, SOURCE): "Send back the answer; once the roles are made, answer the request once more.",
        }.get((self.part, self.side), "Ask the source owner to answer the request once more.")
        return NotProven(
            f"The {self.side} side is made, and the access is not proven yet.",
            why=f"Only the callers can prove it: the {who} does, once both sides are made.",
            hint=then,
        )

    def view(self) -> View:
        """Return who proves the access."""
        return Text(f"No call was made here. {self.reason.why} {self.reason.hint}", "note")


def handoff_state(
    records: Path, request: HandoffRequest, now: str, shown: Iterable[HandoffAnswer] = ()
) -> HandoffState:
    """Return how far the hand-over of a request is at this time (UTC), with answers that are not kept yet.

    An answer that is too late, or not of the owner who was asked, changes nothing.
    """
    runs, kept = tuple(handoff_records(records, request.digest)), list(kept_answers(records, request.digest))
    given = (*kept, *(each for each in shown if each not in kept))
    answers = tuple(sorted((each for each in given if _counts(request, each)), key=lambda each: each.at))
    states = {each.handoff.state for each in runs if each.handoff}
    refused = answers[-1].decision == REFUSED if answers else REFUSED_STATE in states
    found = (
        (UNDONE, _is_undone(records, request, runs)),
        (PROVEN, PROVEN in states),
        (ANSWERED, ANSWERED in states or (answers and not refused)),
        (REFUSED_STATE, refused),
        (LATE, now > request.expires),
        (OPEN, True),
    )
    state = next(name for name, holds in found if holds)
    return HandoffState(request.digest, state, runs, answers)


def fleet_handoff_state(
    records: Path, request: FleetRequest, now: str, shown: Iterable[HandoffAnswer] = ()
) -> HandoffState:
    """Return how far the request for a fleet is at this time (UTC); the fleet's run proves what was made."""
    answers = [*kept_answers(records, request.digest)]
    answers += [each for each in shown if each not in answers]
    last = answers[-1].decision if answers else ""
    open_state = LATE if now > request.expires else OPEN
    state = REFUSED_STATE if last == REFUSED else ANSWERED if last else open_state
    return HandoffState(request.digest, state, (), tuple(answers))


def _counts(request: HandoffRequest, answer: HandoffAnswer) -> bool:
    """Return whether an answer is in time, and of the owner who was asked."""
    try:
        check_scope(request, answer)
    except InvalidHandoff:
        return False
    return not is_too_late(request, answer)


def _is_undone(records: Path, request: HandoffRequest, runs: Iterable[Record]) -> bool:
    """Return whether the newest change of these runs was undone since."""
    changed = [each.id for each in runs if each.left_changes]
    with suppress(UnknownRecord):
        standing = changed and {each.id for each in standing_records(records, request.asked.name)}
        return bool(changed) and changed[-1] not in standing
    return False


def handoff_records(records: Path, request: str) -> Iterator[Record]:
    """Yield the records of a request, the oldest first."""
    if not (records / LEDGER).exists():
        return
    for line in read_ledger(records):
        if line["notebook"] == NOTEBOOK:
            with suppress(UnknownRecord):
                record = read_record(records, line["id"])
                if record.handoff and record.handoff.request == request:
                    yield record


def closed_by(records: Path, request: str) -> list[str]:
    """Return the records in which an answer to a request was accepted and the proof held."""
    runs = ((each.id, each.handoff) for each in handoff_records(records, request))
    return [id for id, run in runs if run and (run.part, run.state) == (ACCEPTS, PROVEN)]


def not_proven_yet(proof: Proof) -> NotProven:
    """Return why an answer with this proof leaves the hand-over open."""
    return NotProven(
        proof.summary,
        why="The answer says so, and the hand-over stays open.",
        hint="Once both sides are made, answer the request once more: this run's proof shows what lacks.",
    )


def answers_before(records: Path, request: str) -> dict[str, str]:
    """Return what was decided on a request before, by the record or the answer; "" for nothing."""
    runs = {each.id: each.handoff for each in handoff_records(records, request) if each.handoff}
    answered = {id: run for id, run in runs.items() if run.part == ANSWERS}
    known = {run.answer for run in answered.values()}
    refused = {  # by a command, which makes no record
        f"The answer {each.digest[:8]}": each.decision
        for each in kept_answers(records, request)
        if each.decision == REFUSED and each.digest not in known
    }
    return {**{id: run.decision for id, run in answered.items()}, **refused}


def _part(record: Record) -> str:
    return record.handoff.part if record.handoff else ""
