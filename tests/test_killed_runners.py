"""A runner is killed with SIGKILL: the next command closes its run, which is finished or rolled back."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from jsonschema import validate

from support.desk import NOTEBOOKS, Desk, notebook, options
from support.examples import sessions_in
from xacct_nb.records.model import Record
from xacct_nb.runs.ledger import Ledger
from xacct_nb.runs.loading import record_schema
from xacct_nb.runs.recovery import recover
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.client import misbehaving
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import read_ledger, read_record
from xacct_nb.storage.run_folder import create_run_folder

# Inserted after the cell that begins the run: kills the runner at one of the moments before and after each
# line of the journal. The kernel stops there, and dies with its runner.
DIES = """
import os, signal, time
from xacct_nb.aws import retries
retries.backoff = lambda retry: 0.02
write, left = run.evidence.add, [{moment}]
def comes_by():
    left[0] -= 1
    if left[0] == 0:
        os.kill(os.getppid(), signal.SIGKILL)
        time.sleep(60)
def add(kind, value):
    counts = kind in ("approval", "entry", "journal")
    counts and comes_by()
    write(kind, value)
    counts and comes_by()
run.evidence.add = add
"""
SOME = (9,)
# A person's notebook, without a runner around it; its kernel dies where it has planned, or has changed AWS.
BY_HAND = """
import json, os, signal, sys
import xacct_nb as xa
from xacct_nb.changes.approval import Approval
run = xa.start_run("mine", json.loads(sys.argv[1]))
sessions = run.open_sessions(run.grant())
documents = xa.build(run.grant())
plan = run.keep(xa.diff(documents, run.keep(xa.read(documents, sessions))))
if sys.argv[2] == "changes":
    run.apply(plan, sessions, Approval(plan.digest, "ada", "2026-11-24T10:15:00Z"))
os.kill(os.getpid(), signal.SIGKILL)
"""


@pytest.fixture
def moments(exhaustive: bool) -> Iterator[int]:
    """Some moments, or all that there may be where the test is to be exhaustive."""
    return iter(range(1, 1000) if exhaustive else SOME)


def killed(desk: Desk, name: str, moment: int, parameters: dict[str, Any]) -> bool:
    """Run the shipped notebook in its own process, and kill it at a moment; return whether it was killed."""
    content = json.loads(next(NOTEBOOKS.glob(f"*_{name}.ipynb")).read_text())
    begins = next(
        number for number, cell in enumerate(content["cells"]) if "start_run(" in "".join(cell["source"])
    )
    dying = {**content["cells"][begins], "id": "dies", "source": DIES.format(moment=moment)}
    content["cells"].insert(begins + 1, dying)
    path = desk.records.parent / f"{name}.ipynb"
    path.write_text(json.dumps(content))
    return _ended(desk, str(path), parameters) == -signal.SIGKILL


def _ended(desk: Desk, path: str, parameters: dict[str, Any]) -> int:
    """Return the exit code of one run in its own process."""
    words = [word for name, value in options(parameters) for word in ("-p", name, value)]
    command = [sys.executable, "-m", "xacct_nb", "run", path, *words, "--records", str(desk.records)]
    return subprocess.run(command, capture_output=True, check=False, timeout=300).returncode


def newest(desk: Desk) -> Record:
    return read_record(desk.records, read_ledger(desk.records)[-1]["id"])


def finished(desk: Desk, **fields: Any) -> Any:
    """Plan again and apply, as a person would."""
    return desk.run(approve=desk.run(**fields).to_json()["digest"], **fields)


@pytest.fixture(
    params=[
        pytest.param(0.0, id="not throttled"),
        pytest.param(0.3, id="30 % throttled", marks=pytest.mark.exhaustive),
    ]
)
def throttled(request: pytest.FixtureRequest, sandbox: Sandbox) -> Iterator[float]:
    """Throttle a share of all calls, of the run that is killed and of each one after it."""
    with misbehaving(sandbox, Fault("throttling", share=request.param), seed=7):
        yield request.param


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str], throttled: float) -> Callable[[str], None]:
    """Print a figure, although pytest captures what tests print."""

    def line(figure: str) -> None:
        with capsys.disabled():
            print(f"\n{figure}" + f", {throttled:.0%} throttled" * bool(throttled), end=" ")

    return line


class TestClosing:
    def test_the_next_command_closes_it_as_interrupted_with_all_that_is_known(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        cells = ("1", "print('so far')", "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)", "2")
        path = notebook(tmp_path / "mine.ipynb", *cells)
        code = _ended(desk, path, {})
        recovered = recover(desk.records)
        record = newest(desk)

        assert code == -signal.SIGKILL
        assert str(recovered) == f"{record.id}: its process was killed; it is recorded as interrupted now."
        assert str(recover(desk.records)) == ""
        assert (record.status, record.notebook) == ("interrupted", "mine")
        assert record.host.user
        assert record.versions["papermill"]
        assert record.error
        assert record.error.what == "The run was killed before its record was sealed."
        assert record.error.resume == f"xacct-nb run {path} --records {desk.records}"
        assert record.error.roll_back is None
        assert [cell.state for cell in record.cells] == [*["completed"] * 3, "aborted", "not-run"]
        validate(json.loads((desk.records / record.id / "record.json").read_text()), record_schema())
        assert "so far" in (desk.records / record.id / "run.ipynb").read_text()
        assert desk.is_whole()

    def test_a_reader_shows_it_as_it_will_be_closed_and_closes_nothing(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        cells = ("print('so far')", "import os, time\nos.kill(os.getppid(), 9)\ntime.sleep(60)")
        _ended(desk, notebook(tmp_path / "mine.ipynb", *cells), {})
        (run,) = [path.name for path in (desk.records / ".work").iterdir()]
        ledger = Ledger(desk.records)
        shown = ledger.show(run).to_json()
        recover(desk.records)
        closed = newest(desk).to_json()

        assert ledger.lines == []
        assert ledger.notes == (
            f"{run}: its process was killed; it is not closed yet. The next run into this folder closes it, "
            "and so does: xacct-nb records repair --yes",
        )
        assert shown["error"].pop("why").endswith(" It is not closed yet.")
        assert closed["error"].pop("why").startswith("Its process last wrote a file at ")
        assert shown == closed

    def test_its_kernel_dies_with_it_and_changes_nothing_more(self, desk: Desk, tmp_path: Path) -> None:
        told = tmp_path / "kernel"
        source = (
            "import os, pathlib, time\n"
            f"pathlib.Path({str(told)!r}).write_text(str(os.getpid()))\n"
            "os.kill(os.getppid(), 9)\ntime.sleep(60)"
        )
        _ended(desk, notebook(tmp_path / "mine.ipynb", source), {})
        recovered = recover(desk.records)

        assert len(recovered.closed) == 1
        assert not psutil.pid_exists(kernel := int(told.read_text())) or (
            psutil.Process(kernel).status() == psutil.STATUS_ZOMBIE
        )

    def test_a_run_in_progress_is_not_closed(self, desk: Desk, tmp_path: Path) -> None:
        told = tmp_path / "goes on"
        source = f"import pathlib, time\npathlib.Path({str(told)!r}).touch()\ntime.sleep(60)"
        path = notebook(tmp_path / "mine.ipynb", source)
        command = [sys.executable, "-m", "xacct_nb", "run", path, "--records", str(desk.records)]
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not told.exists():
            assert process.poll() is None
        going_on, none_closed = Ledger(desk.records), recover(desk.records)
        process.kill()
        process.wait()
        over, one_closed = Ledger(desk.records), recover(desk.records)

        assert (going_on.unclosed.records, going_on.lines, none_closed.closed) == ((), [], [])
        assert [each.id for each in over.unclosed.records] == one_closed.closed

    def test_what_cannot_be_read_is_reported_and_blocks_no_run(self, desk: Desk) -> None:
        with create_run_folder(desk.records, "20261124T101500Z-1f3a", {}) as folder:
            pass
        told = str(recover(desk.records))

        assert told.startswith(f"20261124T101500Z-1f3a: what it left in {folder} cannot be recorded: ")
        assert finished(desk).record.status == "succeeded"

    @pytest.mark.parametrize(("does", "statuses_then"), [("looks", []), ("changes", ["interrupted"])])
    def test_of_a_persons_own_notebook_what_changed_something_is_recorded(
        self, desk: Desk, does: str, statuses_then: list[str]
    ) -> None:
        profiles = {f"{side}_profiles": [f"{side}-admin"] for side in ("source", "destination")}
        parameters = json.dumps(desk.parameters(**profiles, records=str(desk.records)))
        killed = subprocess.run([sys.executable, "-c", BY_HAND, parameters, does], check=False)
        recover(desk.records)

        assert killed.returncode == -signal.SIGKILL
        assert statuses(desk) == statuses_then
        assert not (desk.records / ".work").exists()
        if statuses_then:
            assert newest(desk).error.resume == "Run the notebook again from the start."
            desk.rolled_back()
        assert desk.state() == []


@pytest.mark.slow
def test_a_change_is_finished_by_the_next_run_wherever_its_runner_was_killed(
    desk: Desk, moments: Iterator[int], tell: Callable[[str], None]
) -> None:
    count = 0
    for count, fields in enumerate(killed_changes(desk, moments), start=1):
        ended = finished(desk, **fields)

        assert statuses(desk).count("interrupted") == count
        assert ended.record.status in ("succeeded", "no-change")
        assert desk.plan(**fields).changes == ()
        make_room(desk, fields["name"])
    tell(f"{count} of {count} killed runs were finished")

    assert count >= len(SOME)
    assert desk.is_whole()


@pytest.mark.slow
def test_a_change_is_rolled_back_wherever_its_runner_was_killed(
    desk: Desk, moments: Iterator[int], tell: Callable[[str], None]
) -> None:
    count = 0
    for fields in killed_changes(desk, moments):
        count += 1
        closed = recover(desk.records).closed[0]
        if read_record(desk.records, closed).left_changes:
            assert desk.rolled_back(record=closed).record.status in ("succeeded", "no-change")

        assert desk.state(**fields) == []
    tell(f"{count} of {count} killed runs were taken back")

    assert count >= len(SOME)
    assert desk.is_whole()


@pytest.mark.slow
def test_a_rollback_is_finished_by_the_next_one_wherever_its_runner_was_killed(
    desk: Desk, moments: Iterator[int], tell: Callable[[str], None]
) -> None:
    count = 0
    for moment in moments:
        fields = of_its_own(desk, moment)
        applied = desk.applied(**fields).record.id
        digest = desk.run("roll_back", record=applied).to_json()["digest"]
        parameters = {"record": applied, "sandbox": False, "patience_seconds": 1, "approve": digest}
        if not killed(desk, "roll_back", moment, parameters):
            break
        count += 1
        back = desk.rolled_back(record=applied)
        closed = [line["id"] for line in read_ledger(desk.records) if line["status"] == "interrupted"]

        assert read_record(desk.records, closed[-1]).undoes == applied
        assert back.record.status in ("succeeded", "no-change")
        assert desk.state(**fields) == []
    tell(f"{count} of {count} killed rollbacks were finished")

    assert count >= len(SOME)
    assert desk.is_whole()


def killed_changes(desk: Desk, moments: Iterator[int]) -> Iterator[dict[str, Any]]:
    """Yield the grants of runs that were killed while they applied, until one is not killed."""
    for moment in moments:
        fields = of_its_own(desk, moment)
        planned = desk.run(**fields).to_json()["digest"]
        parameters = desk.parameters(**fields, approve=planned)
        if not killed(desk, "plan_and_apply", moment, parameters):
            return
        yield fields


def make_room(desk: Desk, name: str) -> None:
    """Detach a policy: a user can have ten, and there may be more moments than that."""
    policy = f"arn:aws:iam::{desk.world.source}:policy/xacct-{name}"
    iam = sessions_in(desk.world, desk.grant()).admin(desk.world.source, "iam")
    iam.detach_user_policy(UserName="alice", PolicyArn=policy)


def of_its_own(desk: Desk, moment: int) -> dict[str, Any]:
    """Return a grant with its own name, so that the remains of one moment cannot hide those of the next."""
    role = f"arn:aws:iam::{desk.world.destination}:role/reader-{moment}"
    return {"name": f"reports-{moment}", "destinations": [role]}


def statuses(desk: Desk) -> list[str]:
    return [line["status"] for line in read_ledger(desk.records)]
