"""The hand-over as commands: an answer and its acceptance are headless runs of the notebook hand_over."""

import json
import shlex
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.parameters import grant_options
from xacct_nb.handoff.answer import HandoffAnswer
from xacct_nb.handoff.fleet_request import FleetRequest
from xacct_nb.records.fields import NOT_PROVEN
from xacct_nb.records.model import Record
from xacct_nb.runs.handoff.state import NOTEBOOK
from xacct_nb.runs.handoff.writing import SentFile, answer_path, read_answer, read_any_request, refuse_request
from xacct_nb.runs.runner import RunResult
from xacct_nb.runs.sealing import records_folder
from xacct_nb.storage.handoff_files import check_place
from xacct_nb.views import Page, Shown, Text, View

_Runner = Callable[..., RunResult]
FLEETS = "grant_a_fleet"
_GIVEN = {"change": "changes"}


@dataclass(frozen=True, repr=False)
class HandoverRun(Shown):
    """A run of the notebook hand_over, and the answer file that it wrote, if it wrote one."""

    result: RunResult
    file: Path | None = None

    @property
    def record(self) -> Record:
        """The record of the run."""
        return self.result.record

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints: that of the run, the hand-over, and the answer file."""
        found = self.record.handoff
        more = {"handoff": found.to_json() if found else None, "answer": str(self.file or "")}
        return {**self.result.to_json(), **more}

    def view(self) -> View:
        """Return the result of the run, how far the hand-over is, and the file to send."""
        found, parts = self.record.handoff, [self.result.view()]
        if found and (self.record.error is None or self.record.status == NOT_PROVEN):
            parts.append(Text(f"Hand-over: {found.state}", "good" if found.state == "proven" else "note"))
        if self.file:
            profiles = "--profile PROFILE --caller-profile CALLER"
            command = f"xacct-nb handoff accept {shlex.quote(self.file.name)} {profiles}"
            then = f"Send it back. The owner who asked goes on with: {command}"
            parts.append(Text(f"Answer: {self.file}\n{then}"))
        return Page("Hand-over", tuple(parts))


def answer_request(request: str, given: Mapping[str, Any], run: _Runner) -> HandoverRun:
    """Answer a request file in a headless run. Raises InvalidInput."""
    asked = read_any_request(request)  # a file that cannot be used needs no kernel
    out = check_place(answer_path(given["out"], request), HandoffAnswer)
    own = {"request": str(Path(request).expanduser().absolute()), "answer_to": str(out)}
    if isinstance(asked, FleetRequest):
        return _answer_for_fleet({"fleet": own.pop("request"), **own}, given, run, out)
    changes = {"changes": json.dumps(grant_options(given["changes"]))} if given["changes"] else {}
    key = {"signing_key": given["key"]} if given["key"] else {}
    result = run(NOTEBOOK, options=(*_options({**own, **changes, **key}), *_shared(given)), **_around(given))
    written = bool(result.record.handoff and result.record.handoff.answer)
    return HandoverRun(result, out if written else None)


def _answer_for_fleet(
    own: Mapping[str, str], given: Mapping[str, Any], run: _Runner, out: Path
) -> HandoverRun:
    """Answer a request for a fleet by a run of the notebook for fleets. Raises InvalidInput."""
    if given["changes"]:
        raise InvalidParameters(
            "A request for a fleet cannot be changed in its answer.",
            why="Its grants are those of all accounts of the fleet.",
            hint="Refuse it with a reason: --refuse REASON. The other owner makes a new request.",
        )
    key = {"signing_key": given["key"]} if given["key"] else {}
    accept = () if given["accept"] else (("accept", "[]"),)  # the notebook's example accepts some
    before = out.stat().st_mtime_ns if out.exists() else 0
    result = run(FLEETS, options=(*_options({**own, **key}), *accept, *_shared(given)), **_around(given))
    written = out.exists() and out.stat().st_mtime_ns != before
    return HandoverRun(result, out if written else None)


def accept_answer(answer: str, given: Mapping[str, Any], run: _Runner) -> HandoverRun:
    """Accept an answer file in a headless run. Raises InvalidInput."""
    read_answer(answer)
    own = {"answer": str(Path(answer).expanduser().absolute()), "agree": given["agree"]}
    callers = (("caller_profiles", each) for each in given["callers"])
    result = run(NOTEBOOK, options=(*_options(own), *callers, *_shared(given)), **_around(given))
    return HandoverRun(result)


def refuse_by_command(request: str, reason: str, given: Mapping[str, Any]) -> SentFile:
    """Refuse a request file; no session is opened and nothing is recorded. Raises InvalidInput."""
    if other := [f"--{name}" for name in ("approve", "change", "accept") if given[_GIVEN.get(name, name)]]:
        raise InvalidParameters(
            f"The request is refused, and {' and '.join(other)} is for a side that is made.",
            why="An answer says one of the two.",
            hint=f"Leave out --refuse, or {' and '.join(other)}.",
        )
    about = {name: given[name] for name in ("out", "key", "signers", "external_id")}
    return refuse_request(request, reason, **about, records=records_folder(given["records"]))


def _shared(given: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    # The profiles of the other side are never opened, so a profile is given for both.
    for profile in given["profiles"]:
        yield from (("source_profiles", profile), ("destination_profiles", profile))
    yield from (("accept", each) for each in given["accept"])
    yield from _options({name: given[name] for name in ("external_id", "signers", "note")})
    yield from given["options"]


def _options(values: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    yield from ((name, text) for name, text in values.items() if text)


def _around(given: Mapping[str, Any]) -> dict[str, Any]:
    return {name: given[name] for name in ("run_file", "approve", "records")}
