"""One recorded headless run of a notebook: refused at the door, or executed, sealed and told."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import error_classes
from xacct_nb.grants.parameters import EXTERNAL_ID_VARIABLE
from xacct_nb.jupyter.prepared import PreparedKernel
from xacct_nb.records.change_record import diagnosis_view
from xacct_nb.records.fields import NOTEBOOK, PAGE, SUCCESSFUL, RunError
from xacct_nb.records.model import Record
from xacct_nb.records.next_steps import NEXT_STEPS, resume_command
from xacct_nb.redaction.redact import redact, redact_all
from xacct_nb.runs.environment import describe_environment
from xacct_nb.runs.recovery import Recovery, recover
from xacct_nb.runs.request import RunRequest, check_request
from xacct_nb.runs.sealing import FOLDER_VARIABLE, RunOutcome, build_record, new_run_id, render_page
from xacct_nb.runs.secrets import environment_secrets
from xacct_nb.storage.draft import Draft
from xacct_nb.storage.evidence import events
from xacct_nb.storage.ledger import append_record
from xacct_nb.storage.run_folder import create_run_folder, write_about
from xacct_nb.views import Page, Shown, Text, View, html

Progress = Callable[[int, int, str], None]


@dataclass(frozen=True, repr=False)
class RunResult(Shown):
    """How a run ended: its record, where it is sealed, and which killed runs it found and closed."""

    record: Record
    folder: Path
    recovered: Recovery | None = None

    def view(self) -> View:
        """The plan, the proof, the diagnosis and the outcome, with the way on."""
        return Page(self.record.notebook, tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        record = self.record
        if record.plan:
            yield record.plan.view()
        if record.proof:
            yield record.proof.view()
        yield from diagnosis_view(record)
        if record.error:
            lines = (record.error.what, record.error.why, record.error.hint)
            yield Text(f"{record.error.code}: " + "\n".join(filter(None, lines)), "bad")
            yield from _ways(record.error)
        yield Text(
            f"{record.status} in {record.seconds:.2f} s", "good" if record.status in SUCCESSFUL else "bad"
        )
        if record.plan and record.status == "planned":
            yield Text(f"To apply exactly this plan: --approve {record.plan.digest}")
        yield Text(f"Record: {self.folder}")
        if self.recovered and str(self.recovered):
            yield Text(str(self.recovered), "note")

    def to_json(self) -> dict[str, Any]:
        """What `run --json` prints."""
        record = self.record
        return {
            "status": record.status,
            "record": str(self.folder),
            "digest": record.plan.digest if record.plan else "",
            "summary": record.summary,
            "seconds": record.seconds,
            "error": record.error and record.error.to_json(),
        }


def _ways(error: RunError) -> Iterator[View]:
    commands = ((label, getattr(error, name)) for name, label in NEXT_STEPS.items())
    yield from (Text(f"{label}: {command}") for label, command in commands if command)


def run(
    name: str,
    *,
    file: Path | None = None,
    options: Iterable[tuple[str, str]] = (),
    approve: str = "",
    records: str = "",
    tell: Progress | None = None,
    timeout: int | None = None,
    prepared: PreparedKernel | None = None,
) -> RunResult:
    """Runs the notebook in a kernel of its own and seals the record.

    `file` is a grant file, in which other parameters may stand too; `options` are names and texts as `-p`
    gives them; `tell(done, of, title)` is called as each cell begins; `timeout` is in seconds for each
    cell; `prepared` is a process that may become the kernel. Raises InvalidInput of any kind before a
    kernel starts; afterwards every end is in the record.
    """
    given = list(options)
    order = check_request(name, file, given, approve, records)
    again = resume_command(name, str(file or ""), given, records, order.secrets)
    recovered = recover(order.records)
    with prepared or PreparedKernel(()) as kernel:
        return replace(_execute(order, kernel, tell, timeout, again), recovered=recovered)


def _execute(
    order: RunRequest, kernel: PreparedKernel, tell: Progress | None, timeout: int | None, again: str
) -> RunResult:
    started, clock, hidden = utc(), time.monotonic(), {*order.secrets, *environment_secrets()}
    about = {"notebook": order.notebook, "started": started, "again": again, "headless": True}
    with create_run_folder(order.records, new_run_id(order.grant, order.notebook), about) as work:
        secret = {EXTERNAL_ID_VARIABLE: order.secret} if order.secret else {}
        kernel.environment = {FOLDER_VARIABLE: str(work), **secret}
        with ThreadPoolExecutor(1) as background:
            around = background.submit(_noted_circumstances, work, about)
            node, states = _in_kernel(order, kernel, tell, timeout, Draft(work, hidden), background)
        said = list(events(work))
        seconds, cells = round(time.monotonic() - clock, 3), tuple(states.to_json())
        ending = RunOutcome(_status(states, said), started, seconds, _error(states, said), cells, again=again)
        record = build_record(work.name, order.notebook, said, ending, around.result(), hidden)
        return _sealed(order.records, record, node, hidden)


def _noted_circumstances(work: Path, about: Mapping[str, Any]) -> dict[str, Any]:
    """The circumstances, noted also for whoever closes the run if this process is killed."""
    around = describe_environment()
    write_about(work, {**about, "around": around})
    return around


def _in_kernel(
    order: RunRequest,
    kernel: PreparedKernel,
    tell: Progress | None,
    timeout: int | None,
    draft: Draft,
    background: Executor,
) -> tuple[Any, Any]:
    """Return the executed notebook and its cells' states; load the export's modules in the background."""
    from xacct_nb.jupyter import execute

    background.submit(_warm_up)
    return execute.run(
        order.path,
        order.values,
        report=tell and (lambda done, of, title: tell(done, of, redact(title, draft.secrets))),
        timeout=timeout,
        prepared=kernel,
        save=draft,
        add_secrets=draft.secrets.update,
    )


def _warm_up() -> None:
    from xacct_nb.jupyter import export

    export.warm_up()
    html(Text(""))


def _sealed(records: Path, record: Record, node: Any, hidden: set[str]) -> RunResult:
    from xacct_nb.jupyter import export

    clean = export.as_notebook(redact_all(node, hidden))
    files = {NOTEBOOK: export.to_ipynb(clean).encode(), PAGE: render_page(record, clean).encode()}
    return RunResult(record, append_record(records, record, files))


def _status(states: Any, said: Iterable[Mapping[str, Any]]) -> str:
    """The engine's word, else the run's own; a notebook that ends well and says nothing succeeded."""
    if states.ending:
        kind = error_classes().get(states.ending)
        return kind.status if kind else "interrupted" if states.ending == "KeyboardInterrupt" else "failed"
    return str(_last(said, "status") or "succeeded")


def _error(states: Any, said: Iterable[Mapping[str, Any]]) -> Any:
    """The error as the run noted it, else as the kernel told it."""
    if not states.ending:
        return None
    if states.ending in _ENDS:
        code, what = _ENDS[states.ending]
        return {"code": code, "what": what, "why": states.message.partition("\n")[0], "hint": _AGAIN}
    return _last(said, "error") or {"code": states.ending, "what": states.message, "why": "", "hint": ""}


_ENDS = {
    "KernelDied": ("kernel-died", "The notebook's kernel ended before the notebook did."),
    "TimedOut": ("timed-out", "A cell ran longer than it may."),
    "KeyboardInterrupt": ("interrupted", "The run was interrupted."),
}
_AGAIN = (
    "Run it again: it plans from what is there now. The record can be rolled back, if it changed something."
)


def _last(said: Iterable[Mapping[str, Any]], kind: str) -> Any:
    return next((event["value"] for event in reversed(list(said)) if event["kind"] == kind), None)
