"""A fleet against bare boto3 that makes the same calls, and what twice the accounts cost: `make bench`."""

import gc
import time
from collections.abc import Callable, Iterator

import psutil
import pytest

from support.bare_fleet import BareFleet
from support.examples import an_account
from support.fleet_world import FleetWorld, a_fleet_world
from xacct_nb.changes.journal import Entry
from xacct_nb.runs.fleet.execution import THREADS
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet, plan_rollback, roll_back_fleet
from xacct_nb.runs.sandboxes import add_accounts, throw_away_sandbox

ACCOUNTS = 1_000
MOST_RATIO, MOST_MEGABYTES, MOST_DOUBLED = 1.15, 50, 2.2


@pytest.fixture(scope="module")
def members(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FleetWorld]:
    """A sandbox with the accounts of one fleet, of another one half as large, and of bare boto3."""
    with throw_away_sandbox() as sandbox:
        world = add_accounts(sandbox, an_account(), an_account(), tmp_path_factory.mktemp("world"))
        yield a_fleet_world(sandbox, world, 2 * ACCOUNTS + ACCOUNTS // 2)


def test_a_thousand_accounts_take_at_most_1_15_times_as_long_as_by_bare_boto3(members: FleetWorld) -> None:
    ours, theirs = members.members[:ACCOUNTS], members.members[ACCOUNTS : 2 * ACCOUNTS]
    half = members.members[2 * ACCOUNTS :]
    small, _ = _applied(members, half, "half", "half-reader")
    seconds, megabytes = _applied(members, ours, "readers", "reports-reader")
    bare = _seconds(lambda: BareFleet(members).run(theirs, THREADS))
    print(f"\n{ACCOUNTS} accounts, {THREADS} threads: {seconds:.1f} s, bare boto3 {bare:.1f} s")
    print(f"ratio {seconds / bare:.2f} (bound {MOST_RATIO}), memory +{megabytes:.0f} MB ({MOST_MEGABYTES})")
    print(f"{len(half)} accounts: {small:.1f} s; twice as many: {seconds / small:.2f} times ({MOST_DOUBLED})")

    assert seconds / bare <= MOST_RATIO
    assert megabytes <= MOST_MEGABYTES
    assert seconds / small <= MOST_DOUBLED


def test_a_second_run_only_reads(members: FleetWorld) -> None:
    fleet = members.fleet(members.members[:ACCOUNTS])
    plan, calls = plan_fleet(fleet, members.access), list[Entry]()
    seconds = _seconds(lambda: apply_fleet(fleet, plan, members.access, approved=plan.digest, journal=calls))
    print(f"\nsecond run over {ACCOUNTS} accounts: {seconds:.1f} s, {len(calls)} calls that change AWS")

    assert (plan.changed, calls) == ((), [])


def _applied(members: FleetWorld, accounts: tuple[str, ...], name: str, role: str) -> tuple[float, float]:
    """Return the seconds of applying and proving, and by how many megabytes this process has grown."""
    fleet = members.fleet(accounts, name=name, role=role)
    plan = plan_fleet(fleet, members.access)
    gc.collect()
    process = psutil.Process()
    before, calls = process.memory_info().rss, list[Entry]()
    began = time.perf_counter()
    result = apply_fleet(fleet, plan, members.access, approved=plan.digest, journal=calls, waves=())
    seconds = time.perf_counter() - began
    gc.collect()
    grown = (process.memory_info().rss - before) / 1e6

    assert result.summary == f"Fleet: {len(accounts)} of {len(accounts)} roles proven."
    assert len(calls) >= 4 * len(accounts)
    if len(accounts) < ACCOUNTS:  # a user has room for the caller policies of one large fleet
        changes = [change for each in result.results for change in each.changes]
        undo = plan_rollback(fleet, changes, members.access)
        roll_back_fleet(fleet, undo, members.access, approved=undo.digest)
    return seconds, grown


def _seconds(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began
