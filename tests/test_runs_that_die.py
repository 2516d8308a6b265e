"""Whole runs on their worst day: killed in the middle of a change, or in a slow and busy AWS."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.desk import Desk
from support.dying_runs import run_killed_at
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.client import behave, misbehave
from xacct_nb.sandbox.server.state import Sandbox


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


def test_a_run_that_was_killed_is_finished_by_the_next_and_both_are_taken_back(
    desk: Desk, tmp_path: Path
) -> None:
    killed = run_killed_at(desk, tmp_path, "CreatePolicy", "")
    shown = str(killed.record)
    second = desk.applied()
    back, first_back = desk.rolled_back(), desk.rolled_back(record=killed.record.id)

    assert killed.record.status == "kernel-died"
    assert "no response: unknown whether it took effect" in shown
    assert [each.record.status for each in (second, back, first_back)] == ["succeeded"] * 3
    assert second.record.plan.summary == "Plan: 2 to add, 0 to change, 0 to destroy."
    assert desk.state() == []
    assert desk.is_whole()


def test_a_run_that_was_killed_before_its_first_call_has_nothing_to_take_back(
    desk: Desk, tmp_path: Path
) -> None:
    killed = run_killed_at(desk, tmp_path, "CreateRole", "")

    assert desk.run("roll_back", record=killed.record.id).record.status == "no-change"
    assert desk.state() == []


@pytest.mark.slow
def test_a_run_among_throttled_calls_and_with_a_slow_iam_succeeds_and_shows_its_waits(
    sandbox: Sandbox, desk: Desk
) -> None:
    plan = desk.plan()
    slow, busy = Fault("propagation", seconds=3), Fault("throttling", ("iam:*", "sts:*"), share=0.3, count=3)
    misbehave(sandbox, slow, busy, seed=7)
    ended = desk.run(approve=plan.digest, patience_seconds=60)
    (waited,) = [each for each in ended.record.journal.entries if each.operation == "AssumeRole"]

    assert ended.record.status == "succeeded"
    assert (waited.answer, waited.tries > 1) == ("waited", True)
    assert f"waited  {waited.seconds:.2f} s" in str(ended.record)
