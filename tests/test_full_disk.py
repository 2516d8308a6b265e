"""On a full disk a run says what it changed and how to go on; with room again, the next command goes on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk, notebook, options
from support.dying_runs import PARAMETERS
from support.examples import an_account
from support.small_disk import Ended, SmallDisk, can_mount
from xacct_nb.errors import EXIT_CODES
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import verify_records
from xacct_nb.storage.reserve import SIZE

pytestmark = pytest.mark.skipif(not can_mount(), reason="no tmpfs can be mounted here")
RESERVE = SIZE // 1024
SMALLER = (4, 8, 12, 16, 64, 512, 4096, RESERVE)
SIZES = (*SMALLER, *(RESERVE + more for more in (8, 16, 64, 256, 1024, 8192)))
FILLED, ENOUGH = 32_768, 131_072
CALLS = ("CreatePolicy", "AttachUserPolicy", "CreateRole", "PutRolePolicy")
MOMENTS = (
    *("before the plan", "before the change", "after the change"),
    *(f"{call} {answer}" for call in CALLS for answer in ("", "made")),
)
FILL = """
with (THERE.parent / 'filler').open('wb', buffering=0) as file:
    for size in (65536, 4096, 512, 1):
        try:
            while file.write(bytes(size)):
                pass
        except OSError:
            pass
"""
LOSSES = {
    "full": FILL,
    "full, and the run's own room is taken": f"(FOLDER / '.reserve').unlink()\n{FILL}",
    "without the records": "shutil.rmtree(THERE)",
}
FULL, TAKEN, GONE = LOSSES
LOSE = """
import os, pathlib, shutil
FOLDER = pathlib.Path(os.environ['XACCT_RUN_FOLDER'])
THERE = FOLDER.parent.parent
def lose():
    exec({!r}, globals())
"""


@dataclass(frozen=True)
class Scene:
    """Accounts of its own, a small disk for the records, and a notebook that plans and applies."""

    desk: Desk
    disk: SmallDisk
    folder: Path

    def run(self, *words: str, file: str = "plan_and_apply") -> Ended:
        usual = [each for pair in options(self.desk.parameters()) for each in ("-p", *pair)]
        return self.command("run", file, *usual, *words)

    def command(self, *words: str) -> Ended:
        world = self.desk.world
        files = {
            "AWS_CONFIG_FILE": str(world.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(world.credentials_file),
        }
        records = ("--json", "--records", str(self.disk.place / "records"))
        return self.disk.run(*words, *records, environment=files)

    def apply(self, file: str = "plan_and_apply") -> Ended:
        return self.run("--approve", self.desk.plan().digest, file=file)


def scene(sandbox: Sandbox, folder: Path, kilobytes: int) -> Scene:
    folder.mkdir(parents=True, exist_ok=True)
    world = add_accounts(sandbox, an_account(), an_account(), folder)
    return Scene(Desk(world, folder / "none"), SmallDisk(folder / "disk", kilobytes), folder)


def answer(ended: Ended) -> dict[str, Any]:
    """The one JSON object of a command that printed no traceback and exited with the code of its status."""
    told: dict[str, Any] = json.loads(ended.out)
    assert "Traceback" not in ended.err
    assert ended.code == EXIT_CODES[told["status"]], ended.err
    assert told["error"] is None or told["error"]["code"] in ended.err
    return told


def goes_on(at: Scene) -> None:
    """With room again, the next command closes what was left, the grant can be applied, and all is whole."""
    at.disk.resize(ENOUGH)
    repaired = at.command("records", "repair", "--yes")
    planned = answer(at.run())
    if planned["status"] == "planned":
        applied = answer(at.run("--approve", planned["digest"]))
        assert applied["status"] == "succeeded"
    else:
        assert planned["status"] == "no-change"

    assert (repaired.code, "Traceback" in repaired.err) == (0, False)
    assert verify_records(at.disk.seen / "records") == []
    assert not (at.disk.seen / "records" / ".work").exists()


def check_size(at: Scene) -> str:
    told = answer(at.apply())
    if told["status"] != "succeeded":
        assert (told["status"], told["error"]["code"]) == ("failed", "disk-full")
        assert "nothing was changed" in told["error"]["why"]
        assert at.desk.state() == []
        assert not [*at.disk.seen.glob("records/*")]
    else:  # it had its room from the start
        assert verify_records(at.disk.seen / "records") == []
    goes_on(at)
    return str(told["status"])


@pytest.mark.parametrize("kilobytes", [64, pytest.param(RESERVE + 256, marks=pytest.mark.exhaustive)])
def test_a_run_on_a_small_disk_changes_nothing_or_is_sealed(
    sandbox: Sandbox, tmp_path: Path, kilobytes: int
) -> None:
    with (at := scene(sandbox, tmp_path, kilobytes)).disk:
        assert check_size(at) == ("succeeded" if kilobytes > RESERVE else "failed")


@pytest.mark.exhaustive
def test_on_fourteen_sizes_of_disk_each_run_changes_nothing_or_is_sealed(
    sandbox: Sandbox, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ends = []
    for kilobytes in SIZES:
        with (at := scene(sandbox, tmp_path / str(kilobytes), kilobytes)).disk:
            ends.append(check_size(at))
    print_line(capsys, f"sizes of full disk: {len(ends)} of {len(SIZES)} told, and gone on from")

    assert (ends[0], ends[-1]) == ("failed", "succeeded")


def check_loss(at: Scene, moment: str, loss: str) -> dict[str, Any]:
    """Run a notebook that loses the disk at a moment; check what is told, and that a next run goes on."""
    told = answer(at.apply(file=losing(at.folder / "losing.ipynb", moment, loss)))
    changed = at.desk.state() != []
    if told["status"] == "not-proven":  # it was changed, and the notebook has no proof
        assert verify_records(at.disk.seen / "records") == []
        return told
    words = f"{told['error']['why']} {told['error']['hint']}"
    if told["status"] == "stale-plan":  # the approval could not be claimed
        assert (loss, changed) == (GONE, False)
    elif loss == GONE:
        assert told["error"]["code"] == "evidence-lost"
        assert "may lack changes that the run made in AWS" in words
    else:
        assert told["error"]["code"] == "not-sealed"
        assert ("AWS was changed" in words) == changed
        assert ("Nothing was changed in AWS" in words) != changed
        assert ("xacct-nb run roll_back" in words) == changed
        assert "xacct-nb records repair --yes --records" in words
    goes_on(at)
    return told


@pytest.mark.parametrize(("moment", "loss"), [("CreatePolicy ", FULL), ("CreateRole made", TAKEN)])
def test_a_disk_that_becomes_full_ends_no_change_untold(
    sandbox: Sandbox, tmp_path: Path, moment: str, loss: str
) -> None:
    with (at := scene(sandbox, tmp_path, FILLED)).disk:
        told = check_loss(at, moment, loss)
        assert told["status"] == ("not-proven" if loss == FULL else "failed")


@pytest.mark.exhaustive
@pytest.mark.parametrize("loss", LOSSES)
def test_whenever_the_disk_is_lost_each_change_is_told(
    sandbox: Sandbox, tmp_path: Path, loss: str, capsys: pytest.CaptureFixture[str]
) -> None:
    statuses = []
    for number, moment in enumerate(MOMENTS):
        with (at := scene(sandbox, tmp_path / str(number), FILLED)).disk:
            statuses.append(check_loss(at, moment, loss)["status"])
    print_line(capsys, f"moments at which the disk is {loss}: {len(statuses)} of {len(MOMENTS)} told")

    assert set(statuses) <= ({"not-proven"} if loss == FULL else {"failed", "stale-plan"})


@pytest.mark.exhaustive
def test_without_room_for_the_journal_an_approved_plan_changes_nothing(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    with (at := scene(sandbox, tmp_path, FILLED)).disk:
        told = check_loss(at, "before the change", TAKEN)

        assert "There is no room for the run" in told["error"]["why"]


@pytest.mark.exhaustive
def test_a_run_that_may_write_no_byte_begins_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    with (at := scene(sandbox, tmp_path, FILLED)).disk:
        assert at.disk.start("mount", "-o", "remount,ro", str(at.disk.place), environment={}).code == 0
        told = answer(at.apply())
        assert (told["status"], told["error"]["code"]) == ("invalid-parameters", "invalid-parameters")
        assert "Read-only file system" in told["error"]["why"]
        assert at.desk.state() == []
        goes_on(at)


def losing(path: Path, moment: str, loss: str) -> str:
    """Write the notebook: it loses the disk before a cell, or as the journal gets an entry."""
    at = {each: "lose()" if each == moment else "pass" for each in MOMENTS[:3]}
    return notebook(
        path,
        PARAMETERS,
        LOSE.format(LOSSES[loss]),
        at["before the plan"],
        "import xacct_nb as xa\nrun = xa.start_run('losing', globals())\ngrant = run.grant()",
        "sessions = run.open_sessions(grant)\nbefore = run.keep(xa.read(xa.build(grant), sessions))\n"
        "plan = run.keep(xa.diff(xa.build(grant), before))",
        f"add = run.append\ndef append(entry):\n"
        f"    if f'{{entry.operation}} {{entry.answer}}' == {moment!r}:\n"
        "        lose()\n    add(entry)\nrun.append = append",
        at["before the change"],
        "run.apply(plan, sessions, run.approval(plan))",
        at["after the change"],
        "xa.record(run)",
    )


def print_line(capsys: pytest.CaptureFixture[str], line: str) -> None:
    with capsys.disabled():
        print(f"\n{line}", end=" ")
