"""Other processes work on a fleet: a task arrives as it was, and a process that is lost is named."""

import json
import os
import pickle
import signal
import sys
from collections.abc import Callable, Container, Iterator
from concurrent.futures import BrokenExecutor, Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from support.fleet_world import FleetWorld, a_fleet_world, undone
from support.lost_worker import first_of, in_the_middle, killing, once_policies_are_slow, slow_policies
from xacct_nb.changes.journal import Entry
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import FleetResult
from xacct_nb.runs.fleet.execution import Progress
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.runs.fleet.slice_planning import plan_slice
from xacct_nb.runs.fleet.slice_work import SliceTask, work_on_slice
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.spool import SliceAttempt, read_spool
from xacct_nb.views import text

EXTERNAL_ID = "9f1c7d2e-of-a-customer"


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 4)


def planned(members: FleetWorld, **more: object) -> FleetPlan:
    return plan_fleet(members.fleet(**more), members.access)


def applied(members: FleetWorld, executor: Executor, **more: object) -> FleetResult:
    plan = planned(members)
    return apply_fleet(members.fleet(), plan, members.access, approved=plan.digest, executor=executor, **more)


@pytest.fixture(params=["fork", "spawn"])
def processes(request: pytest.FixtureRequest) -> Iterator[Executor]:
    if request.param == "fork" and sys.platform == "darwin":
        pytest.skip("macOS does not fork a process with threads")
    with ProcessPoolExecutor(2, get_context(request.param)) as executor:
        yield executor


class TestATask:
    def task(self, members: FleetWorld) -> SliceTask:
        conditions = {"conditions": {"external_id": EXTERNAL_ID}}
        expanded = members.fleet(**conditions)
        part = expanded.slices[-1]
        plan = planned(members, **conditions).find(part.key)
        assert plan
        return SliceTask(part, members.access, (), plan.plan.changes)

    def test_is_the_same_once_it_was_pickled(self, members: FleetWorld) -> None:
        task = self.task(members)
        copy = pickle.loads(pickle.dumps(task))

        assert copy == task
        assert hash(copy.access) == hash(task.access)

    def test_keeps_its_external_id_which_no_text_of_it_shows(self, members: FleetWorld) -> None:
        copy = pickle.loads(pickle.dumps(self.task(members)))
        assert copy.approved
        trust = copy.approved[0].after["trust"]["Statement"]

        assert copy.slice.grant.conditions.external_id.get_secret_value() == EXTERNAL_ID
        assert trust[0]["Condition"]["StringEquals"]["sts:ExternalId"] == EXTERNAL_ID
        assert EXTERNAL_ID not in f"{copy!r} {copy} {copy.slice!r} {copy.approved!r} {copy.slice.grant!r}"

    def test_holds_no_credentials(self, members: FleetWorld) -> None:
        secrets = members.world.credentials_file.read_text().split("aws_secret_access_key = ")[1:]
        pickled = pickle.dumps(self.task(members))

        assert len(secrets) > 3
        assert [each for each in secrets if each.split()[0].encode() in pickled] == []

    def test_has_an_outcome_that_is_the_same_once_it_was_pickled(self, members: FleetWorld) -> None:
        outcome = work_on_slice(replace(self.task(members), patience=0.0))
        copy = pickle.loads(pickle.dumps(outcome))

        assert copy == outcome
        assert len(copy.entries) == 4
        assert EXTERNAL_ID not in f"{copy!r} {copy}"

    def test_has_a_plan_that_is_the_same_once_it_was_pickled(self, members: FleetWorld) -> None:
        plan = plan_slice(self.task(members))

        assert pickle.loads(pickle.dumps(plan)) == plan
        assert EXTERNAL_ID not in repr(plan)


class TestProcesses:
    def test_plan_apply_prove_and_roll_back(
        self, members: FleetWorld, processes: Executor, tmp_path: Path
    ) -> None:
        fleet, journal = members.fleet(), list[Entry]()
        plan = plan_fleet(fleet, members.access, executor=processes)
        result = apply_fleet(
            fleet,
            plan,
            members.access,
            approved=plan.digest,
            executor=processes,
            journal=journal,
            spool=tmp_path,
        )
        back = undone(members, result, executor=processes, spool=tmp_path)

        assert result.summary == "Fleet: 4 of 4 roles proven."
        assert calls_of(journal, "CreateRole") == sorted(members.members)
        assert back.summary == "Fleet: 5 of 5 slices rolled back."
        assert not any(map(members.has_role, members.members))
        assert read_spool(tmp_path) == ()

    def test_may_be_forked_after_threads_opened_their_sessions(self, members: FleetWorld) -> None:
        """A connection that two processes read from gives each the answers of the other."""
        with ProcessPoolExecutor(3, get_context("fork")) as processes:
            result = applied(members, processes, waves=(4,))

        assert result.summary == "Fleet: 4 of 4 roles proven."


class TestALostProcess:
    def test_is_named_with_the_calls_that_it_made_and_the_others_are_kept(
        self, members: FleetWorld, tmp_path: Path
    ) -> None:
        first, journal = members.members[0], list[Entry]()
        with (
            ProcessPoolExecutor(2, get_context("spawn")) as processes,
            slow_policies(members.sandbox, 1),
            killing(in_the_middle(tmp_path, first)) as killed,
        ):
            result = applied(members, processes, **ALL_AFTER_ONE, journal=journal, spool=tmp_path)
        lost = {each.account: each for each in result.results if each.status == "lost"}
        half = [account for account, each in lost.items() if each.changes]

        assert len(killed) == 1
        assert half
        assert statuses(result, without=lost) == ["applied", "proven", *["not-started"] * (3 - len(lost))]
        assert calls_of(journal, "CreateRole") == sorted([first, *half])
        assert all("BrokenProcessPool" in each.reason for each in lost.values())
        assert all("in the journal" in lost[account].reason for account in half)
        assert all(account in text(result.view()) for account in lost)

    def test_without_a_spool_leaves_its_calls_in_cloudtrail_only(self, members: FleetWorld) -> None:
        first, journal = members.members[0], list[Entry]()
        with (
            ProcessPoolExecutor(2, get_context("spawn")) as processes,
            slow_policies(members.sandbox, 1),
            killing(once_policies_are_slow(members.sandbox, 1, first_of(processes))) as killed,
        ):
            result = applied(members, processes, **ALL_AFTER_ONE, journal=journal)
        lost = [each for each in result.results if each.status == "lost"]

        assert len(killed) == 1
        assert {each.account for each in lost} >= {
            each for each in members.members[1:] if members.has_role(each)
        }
        assert all(each.reason.endswith("What it had called is in CloudTrail only.") for each in lost)
        assert calls_of(journal, "CreateRole") == [first]

    def test_leaves_what_a_rollback_undoes_and_the_next_run_finishes(
        self, members: FleetWorld, tmp_path: Path
    ) -> None:
        first = members.members[0]
        with (
            ProcessPoolExecutor(2, get_context("spawn")) as processes,
            slow_policies(members.sandbox, 1),
            killing(in_the_middle(tmp_path, first)),
        ):
            lost = applied(members, processes, **ALL_AFTER_ONE, spool=tmp_path)
        half = [account for account in members.members[1:] if members.has_role(account)]
        back = undone(members, lost)

        assert half
        assert back.holds
        assert not any(map(members.has_role, members.members))
        plan = planned(members)
        again = apply_fleet(members.fleet(), plan, members.access, approved=plan.digest)
        assert again.summary == "Fleet: 4 of 4 roles proven."


class TestASpool:
    def test_with_calls_of_another_run_is_refused(self, members: FleetWorld, tmp_path: Path) -> None:
        (tmp_path / "0123.attempt.jsonl").write_text('{"slice": ["a", "destination", "222222222222"]}\n')

        with pytest.raises(InvalidInput, match="the calls of 1 attempt of another run"):
            applied(members, RefusingExecutor(), spool=tmp_path)

    def test_that_is_no_folder_is_refused(self, members: FleetWorld, tmp_path: Path) -> None:
        with pytest.raises(InvalidInput, match="is no folder"):
            applied(members, RefusingExecutor(), spool=tmp_path / "missing")

    def test_that_a_worker_cannot_write_to_stops_it_before_its_first_call(
        self, members: FleetWorld, tmp_path: Path
    ) -> None:
        spool = tmp_path / "spool"
        spool.mkdir()
        with ProcessPoolExecutor(1, get_context("spawn")) as processes:
            result = applied(members, RemovingExecutor(processes, spool), spool=spool)

        assert statuses(result) == ["failed", *["not-started"] * 4]
        assert "The spool cannot be written" in result.missing[0].reason
        assert not any(map(members.has_role, members.members))

    def test_leaves_out_what_is_no_whole_line(self, tmp_path: Path) -> None:
        entry = Entry("2026-01-02T03:04:05+00:00", "222222222222", "CreateRole", "role reader", "made")
        lines = ['{"slice": ["a", "destination", "222222222222"], "worker": "host 1"}']
        lines += [
            json.dumps({"entry": entry.to_json()}),
            "[]",
            "nonsense",
            '{"entry": {"at": 1}}',
            '{"entry": {"a',
        ]
        (tmp_path / "0123.attempt.jsonl").write_text("\n".join(lines))

        assert read_spool(tmp_path) == (
            SliceAttempt("0123", ("a", "destination", "222222222222"), "host 1", (entry,)),
        )


ALL_AFTER_ONE = {"waves": (1,)}


@dataclass
class RemovingExecutor(Executor):
    """An executor whose workers do not find the spool any more."""

    processes: Executor
    spool: Path

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> "Future[Any]":
        if self.spool.is_dir():
            self.spool.rmdir()
        return self.processes.submit(work, *args, **kwargs)


class RefusingExecutor(Executor):
    """An executor that has ended."""

    def submit(self, work: Callable[..., object], /, *args: object, **kwargs: object) -> "Future[object]":
        raise BrokenExecutor


def test_an_executor_that_takes_no_work_leaves_every_account_not_started(members: FleetWorld) -> None:
    result = applied(members, RefusingExecutor())

    assert {each.status for each in result.results} == {"not-started"}
    assert result.stopped == "The executor takes no more work: BrokenExecutor."


@pytest.fixture
def interruptible() -> Iterator[None]:
    """The main thread has Python's own handler, which the workers of pytest-xdist may not have."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.signal(signal.SIGINT, before) is signal.default_int_handler


@pytest.mark.usefixtures("interruptible")
class TestAnInterruption:
    def test_between_two_accounts_begins_no_other(self, members: FleetWorld) -> None:
        plan, journal = planned(members), list[Entry]()
        result = apply_fleet(
            members.fleet(),
            plan,
            members.access,
            approved=plan.digest,
            waves=(1, 1),
            journal=journal,
            progress=interrupt_in("Wave 1 of 3"),
        )

        assert result.is_interrupted
        assert result.summary == "Fleet: 1 of 4 roles proven, 3 not-started."
        assert "Interrupted. Work that had begun was awaited" in text(result.view())
        assert calls_of(journal, "CreateRole") == [members.members[0]]
        assert [each for each in members.members if members.has_role(each)] == [members.members[0]]

    @pytest.mark.parametrize("kind", [ThreadPoolExecutor, ProcessPoolExecutor])
    def test_awaits_the_accounts_in_progress(
        self, members: FleetWorld, kind: type[ThreadPoolExecutor | ProcessPoolExecutor]
    ) -> None:
        journal = list[Entry]()
        with (
            kind(2) as executor,
            slow_policies(members.sandbox, 1),
            killing(once_policies_are_slow(members.sandbox, 1, os.getpid), signal.SIGINT),
        ):
            result = applied(members, executor, **ALL_AFTER_ONE, journal=journal)
        done = [each.account for each in result.results if each.status == "proven"]

        assert result.is_interrupted
        assert 1 < len(done) < 4
        assert statuses(result, without=done) == ["applied", *["not-started"] * (4 - len(done))]
        assert calls_of(journal, "PutRolePolicy") == sorted(done)
        assert [each for each in members.members if members.has_role(each)] == sorted(
            done, key=members.members.index
        )

    def test_a_second_time_does_not_await_them_and_says_so(self, members: FleetWorld) -> None:
        plan = planned(members)
        twice = iter([os.getpid(), os.getpid()])
        with (
            ThreadPoolExecutor(2) as executor,
            slow_policies(members.sandbox, 1),
            killing(once_policies_are_slow(members.sandbox, 1, lambda: next(twice)), signal.SIGINT, times=2),
        ):
            result = apply_fleet(
                members.fleet(),
                plan,
                members.access,
                approved=plan.digest,
                executor=executor,
                **ALL_AFTER_ONE,
            )
        lost = [each for each in result.results if each.status == "lost"]

        assert result.is_interrupted
        assert 1 <= len(lost) <= 2
        assert all("it may go on" in each.reason for each in lost)
        assert statuses(result, without=[each.account for each in lost]) == [
            "applied",
            "proven",
            *["not-started"] * (3 - len(lost)),
        ]

    def test_of_the_plan_raises_as_nothing_was_changed(self, members: FleetWorld) -> None:
        with pytest.raises(KeyboardInterrupt):
            plan_fleet(members.fleet(), members.access, progress=interrupt_in("Planning"))

    def test_of_a_rollback_keeps_what_is_left_to_undo(self, members: FleetWorld) -> None:
        result = applied(members, ThreadPoolExecutor(1))
        interrupted = undone(members, result, progress=interrupt_in("Rolling back callers"))
        rest = undone(members, result)

        assert interrupted.is_interrupted
        assert interrupted.summary == "Fleet: 1 of 5 slices rolled back, 4 not-started."
        assert rest.summary == "Fleet: 4 of 4 slices rolled back."
        assert not any(map(members.has_role, members.members))


def interrupt_in(step: str) -> Progress:
    """Return what interrupts the process as Ctrl-C does, after the first account of a step."""

    to_come = {step}

    def progress(what: str, done: int, total: int) -> None:
        if what in to_come:
            to_come.discard(what)
            signal.raise_signal(signal.SIGINT)

    return progress


def statuses(result: FleetResult, without: Container[str] = ()) -> list[str]:
    """Return the statuses of all accounts but these, in the order of ORDER."""
    return sorted((each.status for each in result.results if each.account not in without), key=ORDER.index)


ORDER = ["failed", "applied", "proven", "not-started"]


def calls_of(journal: list[Entry], operation: str) -> list[str]:
    """Return the accounts in which the journal has such a call that AWS made."""
    return sorted(each.account for each in journal if (each.operation, each.answer) == (operation, "made"))
