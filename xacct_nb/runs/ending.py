"""How a headless run ended: its status and its error, from what its notebook and its evidence left."""

import traceback
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.errors import (
    EXIT_CODES,
    EvidenceLost,
    InvalidHandoff,
    InvalidParameters,
    XacctError,
    error_classes,
    unexpected,
)
from xacct_nb.jupyter.cell_states import CellStates
from xacct_nb.records.fields import NOT_PROVEN, TRACEBACK
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.outcome import not_proven, status_of_error
from xacct_nb.storage.evidence import FILE, events, evidence_problem

Events = Sequence[Mapping[str, Any]]
_ENDINGS = {
    "KernelDied": "The notebook's kernel ended before the notebook did.",
    "TimedOut": "A cell ran longer than its limit.",
    "KeyboardInterrupt": "The run was interrupted.",
}
# What the code of an error begins with that says more than the code of its class.
_SAYS_MORE = {InvalidHandoff.code: "handoff-", InvalidParameters.code: "review-"}
_HINT = "Run it again: it plans from the live state. Or roll the record back, if it changed AWS."


@dataclass(frozen=True)
class Ending:
    """The end of a run: its status, its error, its cells, its evidence, and the files that explain it."""

    status: str
    error: Mapping[str, Any] | None = None
    cells: tuple[Mapping[str, Any], ...] = ()
    evidence: Events = ()
    files: Mapping[str, bytes] = field(default_factory=dict)


def ending_of(
    folder: Path, states: CellStates | None, problem: BaseException | None, secrets: Collection[str]
) -> Ending:
    """Return how the run ended. `problem` is an error from outside the notebook's cells."""
    lost = evidence_problem(folder)
    evidence = [] if lost.startswith(FILE + ": ") else list(events(folder))
    noted = str(_last(evidence, "status") or _status_without_end(evidence))
    if noted not in EXIT_CODES:
        lost = lost or f"{FILE}: {noted!r} is no status"
    problem = problem or (states.problem if states else None)
    status = (states.status if states else "") or (status_of_error(problem) if problem else "")
    error = _error(states, problem, evidence)
    if error is None and (status or noted) == NOT_PROVEN:
        error = _noted_error(evidence, NOT_PROVEN) or not_proven(None).to_json()
    if lost and status in ("", "failed"):
        status, error = "failed", _evidence_lost(lost, error)
    cells = tuple(states.to_json()) if states else ()
    files = _files(problem, secrets) if error and error["code"] == "unexpected-error" else {}
    return Ending(status or noted, error, cells, evidence, files)


def without_evidence(ended: Ending, problem: Exception) -> Ending:
    """Return the ending of a run whose evidence no record can hold."""
    lost = f"The record cannot hold it: {type(problem).__name__}"
    return Ending("failed", _evidence_lost(lost, ended.error), ended.cells, (), ended.files)


def _error(
    states: CellStates | None, problem: BaseException | None, evidence: Events
) -> Mapping[str, Any] | None:
    """Return the error that ended the notebook, as the run noted it, else as the kernel reported it."""
    if states is None or not states.ending:
        return _error_from_outside(problem)
    if states.ending in _ENDINGS and (problem or states.ending == "KeyboardInterrupt"):
        what, why = _ENDINGS[states.ending], states.message.partition("\n")[0]
        return {"code": states.status, "what": what, "why": why, "hint": _HINT}
    if problem:
        return _error_from_outside(problem)
    known = error_classes().get(states.ending)
    kernel = {"code": known.code if known else states.ending, "what": states.message, "why": "", "hint": ""}
    return _noted_error(evidence, kernel["code"]) or kernel


def _noted_error(evidence: Events, code: str) -> Mapping[str, Any] | None:
    """Return the error that the run noted last, if it has this code, or one that says more."""
    noted = _last(evidence, "error")
    found = str(noted.get("code")) if isinstance(noted, dict) else ""
    says_more = code in _SAYS_MORE and found.startswith(_SAYS_MORE[code])
    return noted if found == code or says_more else None


def _status_without_end(evidence: Events) -> str:
    """Return the status of a notebook without a last cell that decides it: a change needs its proof."""
    proof, kinds = _last(evidence, "proof"), {event["kind"] for event in evidence}
    holds = isinstance(proof, dict) and proof.get("holds") is True
    return NOT_PROVEN if "journal" in kinds and "undoes" not in kinds and not holds else "succeeded"


def _error_from_outside(problem: BaseException | None) -> Mapping[str, Any] | None:
    if problem is None:
        return None
    if isinstance(problem, KeyboardInterrupt):
        return {"code": "interrupted", "what": _ENDINGS["KeyboardInterrupt"], "why": "", "hint": _HINT}
    details = f"See {TRACEBACK} in the record."
    known = problem if isinstance(problem, XacctError) else unexpected(problem, details)
    return known.to_json()


def _evidence_lost(why: str, error: Mapping[str, Any] | None) -> Mapping[str, Any]:
    texts = (error["what"], error["why"]) if error else ()
    before = "\n".join(["", "The run's own error:", *filter(None, texts)]) if error else ""
    return EvidenceLost(
        "The evidence of the run was lost while it ran.",
        why=f"{why}. The record may lack changes that the run made in AWS.{before}",
        hint="Plan again: the plan shows what is in AWS now. Let nothing else write to the records folder.",
    ).to_json()


def _files(problem: BaseException | None, secrets: Collection[str]) -> dict[str, bytes]:
    """Return the traceback for the record, without secrets."""
    text = "".join(traceback.format_exception(problem)) if problem else ""
    return {TRACEBACK: redact(text, secrets).encode(errors="backslashreplace")}


def _last(evidence: Events, kind: str) -> Any:
    return next((event["value"] for event in reversed(evidence) if event["kind"] == kind), None)
