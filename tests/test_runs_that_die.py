"""Whole runs on their worst day: killed in the middle of a change, or in a slow and busy AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desk import Desk, notebook
from xacct_nb.runs.runner import RunResult
from xacct_nb.sandbox.faults.demands import behave, misbehave
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.state import Sandbox

PARAMETERS = (
    'name: str = "reports"  # grant\nsources: list = []  # who\ndestinations: list = []  # roles\n'
    'permissions: list = []  # what\napprove: str = ""  # digest\nsandbox: bool = False  # place\n'
    'source_profiles: list = ["source-admin"]  # profiles\n'
    'destination_profiles: list = ["destination-admin"]  # profiles'
)
# The line of the journal after which the kernel dies: before the call, or when it was answered.
DIES = (
    "import os, signal\n"
    "def append(entry):\n"
    "    run.evidence.add('entry', entry.__dict__)\n"
    "    if (entry.operation, entry.answer) == ({operation!r}, {answer!r}):\n"
    "        os.kill(os.getpid(), signal.SIGKILL)\n"
    "run.append = append"
)


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


def died(desk: Desk, folder: Path, operation: str, answer: str) -> RunResult:
    dying = notebook(
        folder / "dying.ipynb",
        PARAMETERS,
        "import xacct_nb as xa\nrun = xa.start_run('dying', globals())\ngrant = run.grant()",
        "sessions = run.open_sessions(grant)\nbefore = run.keep(xa.read(xa.build(grant), sessions))\n"
        "plan = run.keep(xa.diff(xa.build(grant), before))",
        DIES.format(operation=operation, answer=answer),
        "run.apply(plan, sessions, run.approval(plan))",
    )
    return desk.run(dying, approve=desk.plan().digest, **desk.parameters())


def test_a_run_that_was_killed_is_finished_by_the_next_and_both_are_taken_back(
    desk: Desk, tmp_path: Path
) -> None:
    killed = died(desk, tmp_path, "CreatePolicy", "")
    shown = str(killed.record)
    second = desk.applied()
    back, first_back = desk.rolled_back(), desk.rolled_back(record=killed.record.id)

    assert killed.record.status == "kernel-died"
    assert "no answer: unknown whether it took effect" in shown
    assert [each.record.status for each in (second, back, first_back)] == ["succeeded"] * 3
    assert second.record.plan["summary"] == "Plan: 2 to add, 0 to change, 0 to destroy."
    assert desk.state() == []
    assert desk.is_whole()


def test_a_run_that_was_killed_before_its_first_call_has_nothing_to_take_back(
    desk: Desk, tmp_path: Path
) -> None:
    killed = died(desk, tmp_path, "CreateRole", "")

    assert desk.run("roll_back", record=killed.record.id).record.status == "no-change"
    assert desk.state() == []


@pytest.mark.slow
def test_a_run_among_throttled_calls_and_with_a_slow_iam_succeeds_and_shows_its_waits(
    sandbox: Sandbox, desk: Desk
) -> None:
    plan = desk.plan()
    slow, busy = Fault("propagation", seconds=5), Fault("throttling", ("iam:*", "sts:*"), share=0.3)
    misbehave(sandbox, slow, busy, seed=7)
    ended = desk.run(approve=plan.digest, patience_seconds=60)
    (waited,) = [each for each in ended.record.journal["entries"] if each["operation"] == "AssumeRole"]

    assert ended.record.status == "succeeded"
    assert (waited["answer"], waited["tries"] > 1, waited["seconds"] > 1) == ("waited", True, True)
    assert f"waited  {waited['seconds']:.2f} s" in str(ended.record)
