"""The workers of a Dask cluster work on a fleet; of those that die, everything is done once and recorded."""

import os
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from support.fleet_world import FleetWorld, a_fleet_world, undone
from support.lost_worker import in_the_middle, killing, once_policies_are_slow, roles_created, slow_policies
from xacct_nb.changes.journal import Entry, collapse_entries
from xacct_nb.errors import InvalidInput, MissingTool
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.runs.fleet.schedulers import executor_of
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text

ACCOUNTS = 12
needs_dask = pytest.mark.skipif(not find_spec("distributed"), reason="distributed is not installed")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """Two worker processes with two threads each, on the loopback only."""
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=2, processes=True, host="127.0.0.1", dashboard_address="127.0.0.1:0"
    ) as started:
        yield started


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, ACCOUNTS)


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    """A folder of the run alone, which the workers on this machine can write to."""
    folder = tmp_path / "spool"
    folder.mkdir()
    return folder


@needs_dask
class TestACluster:
    def test_of_which_a_worker_dies_does_everything_once_and_its_journal_is_whole(
        self, cluster: Any, members: FleetWorld, spool: Path
    ) -> None:
        first, fleet, journal = members.members[0], members.fleet(), list[Entry]()
        with executor_of(cluster.scheduler_address) as executor:
            plan = plan_fleet(fleet, members.access, executor=executor)
            with slow_policies(members.sandbox, 1), killing(in_the_middle(spool, first)) as killed:
                result = apply_fleet(
                    fleet,
                    plan,
                    members.access,
                    approved=plan.digest,
                    executor=executor,
                    waves=(1,),
                    journal=journal,
                    spool=spool,
                )
                created = roles_created(members.sandbox)
        calls = collapse_entries(journal)
        made = Counter(
            each.account for each in calls if (each.operation, each.answer) == ("CreateRole", "made")
        )
        lost = [each for each in calls if not each.answer]

        assert len(killed) == 1
        assert result.summary == f"Fleet: {ACCOUNTS} of {ACCOUNTS} roles proven."
        assert created == ACCOUNTS
        assert made == Counter(members.members)
        assert lost
        assert {each.account for each in calls if each.operation == "PutRolePolicy"} == {*members.members}
        assert all(each.found == 0 for each in result.results)
        assert list(spool.iterdir()) == []
        assert undone(members, result).holds
        assert not any(map(members.has_role, members.members))

    def test_without_a_spool_says_that_somebody_made_changes_that_it_does_not_know(
        self, cluster: Any, members: FleetWorld
    ) -> None:
        fleet, journal = members.fleet(), list[Entry]()
        with executor_of(cluster.scheduler_address) as executor:
            plan = plan_fleet(fleet, members.access, executor=executor)
            worker = once_policies_are_slow(members.sandbox, 4, lambda: busy_worker(cluster))
            with slow_policies(members.sandbox, 1), killing(worker):
                result = apply_fleet(
                    fleet,
                    plan,
                    members.access,
                    approved=plan.digest,
                    executor=executor,
                    waves=(1,),
                    journal=journal,
                )
        made = Counter(
            each.account for each in journal if (each.operation, each.answer) == ("CreateRole", "made")
        )
        unknown = {*members.members} - set(made)

        assert result.summary == f"Fleet: {ACCOUNTS} of {ACCOUNTS} roles proven."
        assert unknown
        assert {each.account for each in result.results if each.found} == unknown
        assert "approved changes were there already when the work began" in text(result.view())

    def test_keeps_nothing_of_the_work_that_has_ended(self, cluster: Any, members: FleetWorld) -> None:
        with executor_of(cluster.scheduler_address) as executor:
            plan_fleet(members.fleet(), members.access, executor=executor)
            left = len(cluster.scheduler.tasks)

        assert left < ACCOUNTS
        wait_until(lambda: not cluster.scheduler.tasks)
        wait_until(lambda: list(cluster.scheduler.clients) == ["fire-and-forget"])


@needs_dask
class TestAScheduler:
    def test_that_does_not_answer_is_named(self) -> None:
        address = f"tcp://127.0.0.1:{free_port()}"

        with pytest.raises(InvalidInput, match=f"No Dask scheduler answers at {address}"):
            connect_to(address)

    @pytest.mark.parametrize(
        "address", ["127.0.0.1:8786", "http://127.0.0.1:80", "tcp://here", "tcp://a b:1"]
    )
    def test_has_an_address_with_a_protocol_and_a_port(self, address: str) -> None:
        with pytest.raises(InvalidInput, match="is not the address of a scheduler"):
            connect_to(address)

    def test_whose_workers_are_missing_or_have_another_version_is_refused(self, tmp_path: Path) -> None:
        from distributed import LocalCluster

        (tmp_path / "xacct_nb-0.1.dist-info").mkdir()
        (tmp_path / "xacct_nb-0.1.dist-info" / "METADATA").write_text("Name: xacct-nb\nVersion: 0.1\n")
        with LocalCluster(n_workers=0, host="127.0.0.1", dashboard_address="127.0.0.1:0") as cluster:
            address = cluster.scheduler_address
            with pytest.raises(InvalidInput, match="has no worker"):
                connect_to(address)

            with dask("worker", address, "--no-nanny", PYTHONPATH=str(tmp_path)):
                wait_until(lambda: len(cluster.scheduler.workers) == 1)
                with pytest.raises(InvalidInput, match=r"has 0\.1 of xacct-nb; this machine has 0\.2"):
                    connect_to(address)

    def test_that_is_lost_leaves_what_was_in_progress_lost_and_the_rest_not_started(
        self, sandbox: Sandbox, world: World, spool: Path
    ) -> None:
        members, journal = a_fleet_world(sandbox, world, 5), list[Entry]()
        fleet, address = members.fleet(), f"tcp://127.0.0.1:{free_port()}"
        plan = plan_fleet(fleet, members.access)
        with (
            dask("scheduler", "--host", "127.0.0.1", "--port", address.rpartition(":")[2]) as scheduler,
            dask("worker", address, "--no-nanny", "--nthreads", "2"),
            executor_of(address, timeout=30) as executor,
            slow_policies(sandbox, 1),
            killing(once_policies_are_slow(sandbox, 2, lambda: scheduler.pid)),
        ):
            result = apply_fleet(
                fleet,
                plan,
                members.access,
                approved=plan.digest,
                executor=executor,
                waves=(1,),
                tolerance=9,
                journal=journal,
                spool=spool,
            )
        lost = {each.account: each for each in result.results if each.status == "lost"}

        assert Counter(each.status for each in result.results) == {
            "applied": 1,
            "proven": 1,
            "lost": 2,
            "not-started": 2,
        }
        assert all("in the journal" in each.reason and each.changes for each in lost.values())
        assert result.stopped.startswith("The executor takes no more work")


def test_without_dask_it_is_said_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)

    with pytest.raises(MissingTool, match="needs Dask") as caught:
        connect_to("tcp://127.0.0.1:8786")
    assert "pip install 'xacct-nb[dask]'" in caught.value.hint


def test_no_scheduler_means_threads() -> None:
    with executor_of("") as executor:
        assert executor is None


def connect_to(address: str) -> None:
    with executor_of(address, timeout=0.5):
        pass


def busy_worker(cluster: Any) -> int | None:
    """Return the process of a worker that has work."""
    return next((each.pid for each in list(cluster.scheduler.workers.values()) if each.processing), None)


@contextmanager
def dask(command: str, *arguments: str, **variables: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command of Dask's in a process of its own, without a dashboard, until the block ends."""
    program = [sys.executable, "-m", "dask", command, "--dashboard-address", "127.0.0.1:0", *arguments]
    process = subprocess.Popen(program, env={**os.environ, **variables}, stderr=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def wait_until(holds: Callable[[], bool]) -> None:
    while not holds():
        time.sleep(0.05)
