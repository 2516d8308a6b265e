"""Killed at any instant, a run over a fleet is finished by the next one, and a rollback undoes all of it."""

import json
import random
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.fleet_world import ROLE, a_fleet_world
from support.killed_fleet import KilledFleet, made, noted, steps_of
from support.killed_process import KillPoint
from xacct_nb.runs.recovery import recover
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import read_record

ACCOUNTS, MOST_POINTS = 5, 1000


@pytest.fixture
def killed(sandbox: Sandbox, desk: Desk, tmp_path: Path) -> KilledFleet:
    here = replace(desk, records=tmp_path / "0", in_process=True)
    return KilledFleet(a_fleet_world(sandbox, desk.world, ACCOUNTS), here)


@pytest.fixture
def points(exhaustive: bool) -> Callable[[range], Iterator[int]]:
    """Every point up to the end of the run; in the ordinary suite one at which it changes AWS, at random."""
    return lambda some: iter(range(1, MOST_POINTS) if exhaustive else [random.choice(some)])


@pytest.fixture
def tell(capsys: pytest.CaptureFixture[str]) -> Callable[[str], None]:
    def line(figure: str) -> None:
        with capsys.disabled():
            print(f"\n{figure}", end=" ")

    return line


@pytest.mark.slow
def test_a_change_is_finished_by_the_next_run_and_all_of_it_can_be_undone(
    killed: KilledFleet, points: Callable[[range], Iterator[int]], tell: Callable[[str], None]
) -> None:
    before, digest, known, tried = killed.state(), killed.digest(), set[str](), 0
    whole = killed.finished().record
    wanted = killed.state()
    killed.rolled_back(whole.id)
    assert killed.state() == before
    for number in points(range(120, 220)):
        here = killed.in_folder(killed.desk.records.parent / f"{number}")
        if not here.killed_at(KillPoint(number, everywhere=True), partial(here.run, digest)):
            break
        tried += 1
        left, closed = here.state(), recover(here.desk.records).closed
        record = read_record(here.desk.records, closed[0]) if closed else None
        if record:
            assert record.status == "interrupted"
            assert missing_from(noted(record), left, before) == [], f"journal after a kill at {number}"
        if not record:
            assert left == before, f"no record of changes after a kill at {number}"
        if is_new(known, left, record and steps_of(record)):
            second = here.finished().record
            assert second.status in ("succeeded", "no-change")
            assert here.state() == wanted, f"finished after a kill at {number}"
            assert made(second, "CreateRole") == without_role(left), f"made once after a kill at {number}"
            here.rolled_back(second.id)
            assert here.state() == left, f"the second run undone after a kill at {number}"
        if record and left != before:
            assert here.rolled_back(record.id) == "succeeded"
        assert here.state() == before, f"undone after a kill at {number}"
        assert record is None or here.desk.is_whole()
    tell(f"a fleet of {ACCOUNTS} finished and undone after a kill: {tried} of {tried} ({len(known)} states)")

    assert tried >= 1


@pytest.mark.slow
def test_a_rollback_is_finished_by_the_next_one(
    killed: KilledFleet, points: Callable[[range], Iterator[int]], tell: Callable[[str], None]
) -> None:
    before, applied, tried = killed.state(), killed.finished().record.id, 0
    there = killed.state()
    for number in points(range(150, 320)):
        if killed.state() != there:
            applied = killed.finished().record.id
        planned = killed.desk.run("roll_back", record=applied).record.plan
        assert planned
        action = partial(killed.desk.run, "roll_back", record=applied, approve=planned.digest)
        if not killed.killed_at(KillPoint(number, everywhere=True), action):
            break
        tried += 1
        changed, closed = killed.state() != there, recover(killed.desk.records).closed
        record = read_record(killed.desk.records, closed[0]) if closed else None
        if changed:
            assert record
            assert (record.status, record.undoes) == ("interrupted", applied)
            assert killed.rolled_back(applied) in ("succeeded", "no-change")
            assert killed.state() == before, f"undone after a kill at {number}"
    tell(f"a fleet of {ACCOUNTS} undone after a kill while it was undone: {tried} of {tried}")

    assert tried >= 1
    assert killed.desk.is_whole()


def is_new(known: set[str], *what: Any) -> bool:
    this = json.dumps(what, default=str)
    return this not in known and not known.add(this)  # type: ignore[func-returns-value]


def without_role(state: dict[str, Any]) -> list[str]:
    """The accounts whose role is not there yet; the source account is none of them."""
    _, *members = state
    return sorted(each for each in members if ROLE not in str(state[each]["roles"]))


def missing_from(journal: set[tuple[str, str]], left: dict[str, Any], before: dict[str, Any]) -> list[str]:
    """The accounts that were changed, and in which the journal has no call."""
    called = {account for account, _ in journal}
    return [account for account in left if left[account] != before[account] and account not in called]
