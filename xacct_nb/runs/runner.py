"""One recorded headless run of a notebook: its request is checked, it is executed, its record is sealed."""

import os
import time
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE
from xacct_nb.jupyter.cell_states import CellStates
from xacct_nb.jupyter.prepared import PreparedKernel
from xacct_nb.jupyter.signals import HeldSignals
from xacct_nb.records.change_record import diagnosis_view, findings_view, narrowing_view
from xacct_nb.records.fields import status_tone
from xacct_nb.records.fleet_view import calls_view, fleet_view
from xacct_nb.records.model import Record
from xacct_nb.records.next_steps import NEXT_STEPS, next_command, resume_command
from xacct_nb.records.outcome import outcome_sentence
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.runs.ending import ending_of, without_evidence
from xacct_nb.runs.environment import describe_environment
from xacct_nb.runs.progress import Progress, ProgressLines
from xacct_nb.runs.recovery import Recovery, recover
from xacct_nb.runs.request import RunRequest, check_request
from xacct_nb.runs.sealing import FOLDER_VARIABLE, RunOutcome, new_run_id, seal
from xacct_nb.storage.draft import Draft
from xacct_nb.storage.run_folder import create_run_folder, write_about
from xacct_nb.storage.temporary_folders import remove_abandoned_folders
from xacct_nb.views import Code, Page, Shown, Text, View, html


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """How a run ended: its record, the record's folder, and the killed runs that were closed before it."""

    record: Record
    folder: Path
    recovered: Recovery | None = None

    def view(self) -> View:
        """Return findings, plan, proof, diagnosis, the outcome, and the commands for the next step."""
        return Page(self.record.notebook, tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        record = self.record
        if record.findings and not record.undecided:
            yield findings_view(record.findings)
        yield from narrowing_view(record)
        if record.fleet:
            yield fleet_view(record.fleet)
        elif record.plan:
            yield record.plan.view()
        if record.card:
            yield record.card.view() if record.undecided else record.card.banner.view()
        if record.journal and record.journal.entries:
            yield calls_view(record.journal) if record.fleet else record.journal.view()
        if record.proof:
            yield record.proof.view()
        yield from diagnosis_view(record)
        if record.review and record.status == "succeeded":
            yield _review_view(record, self.folder.parent)
        if record.error:
            lines = (record.error.what, record.error.why, record.error.hint)
            yield Text(f"{record.error.code}: " + "\n".join(filter(None, lines)), status_tone(record.status))
            commands = ((label, getattr(record.error, name)) for name, label in NEXT_STEPS.items())
            yield from (Text(f"{label}: {command}") for label, command in commands if command)
        ended = f"{record.status} in {record.seconds:.2f} s. {outcome_sentence(record)}"
        yield Text(ended, "change" if record.is_blocked else status_tone(record.status))
        yield Text(f"Record: {self.folder}")
        label, command = next_command(record)
        if command and not record.undecided:  # the card has it
            yield Code(label, command)
        if self.recovered and str(self.recovered):
            yield Text(str(self.recovered), "note")

    def to_json(self) -> dict[str, Any]:
        """Return what `run --json` prints."""
        record = self.record
        return {
            "status": record.status,
            "record": str(self.folder),
            "digest": record.plan.digest if record.plan else "",
            "summary": record.summary,
            "findings": [finding.to_json() for finding in record.findings],
            "unaccepted": list(record.plan.unaccepted) if record.plan else [],
            "card": record.card.to_json() if record.card else None,
            "seconds": record.seconds,
            "error": record.to_json()["error"],
        }


def run(
    name: str,
    *,
    file: Path | None = None,
    run_file: Path | None = None,
    options: Iterable[tuple[str, str]] = (),
    approve: str = "",
    records: str = "",
    report: Progress | None = None,
    timeout: int | None = None,
    prepared: PreparedKernel | None = None,
) -> RunResult:
    """Run the notebook in a kernel of its own, and seal the record.

    `file` is a grant file, which may come from somebody else; `run_file` is one's own and holds settings.
    `options` are names and texts as `-p` gives them. `report(done, of, title)` is called as each cell starts.
    `timeout` is in seconds for each cell. `prepared` is a process that becomes the kernel. Raises
    InvalidInput and DiskFull before a kernel starts; every later error is in the record. Raises NotSealed
    where there can be no record.
    """
    given = list(options)
    request = check_request(name, file, given, approve, records, run_file)
    paths = str(file or ""), str(run_file or "")
    resume = resume_command(name, paths[0], given, records, request.secrets, paths[1])
    recovered = recover(request.records)
    remove_abandoned_folders()
    with prepared or PreparedKernel(()) as kernel:
        record, folder = _execute(request, kernel, report, timeout, resume)
    return RunResult(record, folder, recovered)


def _execute(
    request: RunRequest, kernel: PreparedKernel, report: Progress | None, timeout: int | None, resume: str
) -> tuple[Record, Path]:
    """Run the notebook in a folder of its own, and seal its record, whatever ends it. Raises NotSealed."""
    started, clock, secrets = utc(), time.monotonic(), {*request.secrets, *credentials_in(os.environ)}
    about = {"notebook": request.notebook, "started": started, "again": resume, "headless": True}
    run_id = new_run_id(request.grant, request.notebook)
    with HeldSignals() as held, create_run_folder(request.records, run_id, about) as folder:
        external_id = {EXTERNAL_ID_VARIABLE: request.secret} if request.secret else {}
        kernel.environment |= {FOLDER_VARIABLE: str(folder), **external_id}
        node, states, problem = None, None, None
        with ThreadPoolExecutor(1) as background:
            environment = background.submit(_note_environment, folder, about)
            try:
                with held.released():
                    draft = Draft(folder, secrets)
                    node, states = _run_cells(request, kernel, report, timeout, draft, background)
            except BaseException as ended_by:  # whatever it is, the record must say that it ended the run
                problem = ended_by
        ended = ending_of(folder, states, problem, secrets)
        seconds = round(time.monotonic() - clock, 3)
        outcome = RunOutcome(ended.status, started, seconds, ended.error, ended.cells, resume=resume)
        sealed = partial(seal, request.records, folder.name, request.notebook)
        more = (environment.result(), secrets, node, ended.files)
        try:
            return sealed(ended.evidence, outcome, *more)
        except (ValueError, TypeError, KeyError, AttributeError) as odd:  # of evidence that is none
            ended = without_evidence(ended, odd)
            return sealed((), replace(outcome, status=ended.status, error=ended.error), *more)


def _review_view(record: Record, records: Path) -> View:
    from xacct_nb.records.review.closing import closing_view  # only a review loads its modules
    from xacct_nb.storage.review_files import review_folder

    folder = review_folder(records, str(record.parameters.get("review_to", "")), record.id)
    return closing_view(record, str(folder), str(records))


def _note_environment(folder: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """Return the environment; note it for the command that closes the run if this process is killed."""
    environment = describe_environment()
    with suppress(OSError):
        write_about(folder, {**about, "around": environment})
    return environment


def _run_cells(
    request: RunRequest,
    kernel: PreparedKernel,
    report: Progress | None,
    timeout: int | None,
    draft: Draft,
    background: Executor,
) -> tuple[dict[str, Any], CellStates]:
    """Return the executed notebook and its cells' states; load the export's modules in the background."""
    from xacct_nb.jupyter import execute  # papermill: only once the kernel has started

    background.submit(_warm_up)
    lines = ProgressLines(report, bool(request.values.get("approve")), draft.secrets)
    return execute.run(
        request.path,
        request.values,
        report=lines.step,
        timeout=timeout,
        prepared=kernel,
        save=draft,
        add_secrets=draft.secrets.update,
        on_stderr=lines.waits,
        on_line=lines.call,
    )


def _warm_up() -> None:
    from xacct_nb.jupyter import export

    export.warm_up()
    html(Text(""))
