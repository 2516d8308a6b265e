"""A user that is mapped from another one is no second person: unshare, rootless containers, nobody."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from support.desk import Desk
from support.forked import end_of, enter_user_namespace, forked, has_user_namespaces
from xacct_nb.changes.approval import Approval, PlannedRun, is_mapped, validate_approval
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import ApproverUnknown
from xacct_nb.records.change_record import change_record
from xacct_nb.runs.environment import is_initial, user_name
from xacct_nb.storage.ledger import read_record

needs_namespaces = pytest.mark.skipif(
    not has_user_namespaces(), reason="this machine lets no user make a user namespace: unshare -U true"
)
NOW = "2026-11-24T12:00:00Z"
PLAN = Plan("reports", ())


@pytest.mark.parametrize(
    ("uid_map", "initial"),
    [
        ("         0          0 4294967295\n", True),
        ("0 0 4294967295", True),
        ("", False),
        ("         0       1000          1\n", False),
        ("      1000       1000          1\n", False),
        ("         0          0          1\n", False),
        ("         0     100000      65536\n", False),
        ("         0       1000          1\n         1     100000      65536\n", False),
        ("         0          0 4294967294\n", False),
        ("         0          0 4294967295\n         0          0          1\n", False),
    ],
    ids=[
        "the machine's first",
        "the same, without padding",
        "unshare -U",
        "unshare -Ur",
        "unshare -Uc",
        "unshare -Ur of root",
        "userns-remap of Docker",
        "rootless Podman",
        "one id less",
        "one line more",
    ],
)
def test_a_map_of_user_ids_is_recognised(uid_map: str, initial: bool) -> None:
    assert is_initial(uid_map) == initial


@pytest.mark.parametrize(
    "user", ["nobody", "nfsnobody", "65534", "1000", "", "root (mapped)", "ada (mapped)"]
)
def test_such_a_user_may_be_any_person(user: str) -> None:
    assert is_mapped(user)


@pytest.mark.parametrize("user", ["ada", "root", "ada1", "Ада", "nobody2", "1ada"])
def test_another_user_is_one_person_as_far_as_the_rule_knows(user: str) -> None:
    assert not is_mapped(user)


class TestTheRule:
    @pytest.mark.parametrize(
        ("planner", "approver"), [("ada", "nobody"), ("65534", "ada"), ("a (mapped)", "b")]
    )
    def test_neither_planner_nor_approver_may_be_mapped(self, planner: str, approver: str) -> None:
        planned = PlannedRun("the-plan", planner, "2026-11-24T11:00:00Z", True, PLAN)

        with pytest.raises(ApproverUnknown, match="it is not known which person") as refused:
            validate_approval(Approval(PLAN.digest, approver, NOW), [planned], NOW)
        assert "unshare" in refused.value.why

    def test_without_the_rule_a_mapped_user_may_approve(self) -> None:
        planned = PlannedRun("the-plan", "ada", "2026-11-24T11:00:00Z", False, PLAN)

        assert (
            validate_approval(Approval(PLAN.digest, "root (mapped)", NOW), [planned], NOW).plan == "the-plan"
        )


@needs_namespaces
@pytest.mark.parametrize("options", ["-U", "-Ur", "-Uc"])
def test_a_process_in_a_user_namespace_says_that_its_user_is_mapped(options: str) -> None:
    code = "from xacct_nb.runs.environment import user_name; print(user_name())"
    done = subprocess.run(
        ["unshare", options, sys.executable, "-c", code], capture_output=True, text=True, check=False
    )
    if done.returncode and "unshare" in done.stderr:
        pytest.skip(f"unshare {options} is refused here: {done.stderr.strip()}")

    assert done.stdout.strip().endswith(" (mapped)")


def test_a_process_outside_of_one_has_its_own_name() -> None:
    inside = not is_initial(Path("/proc/self/uid_map").read_text()) if sys.platform == "linux" else False

    assert is_mapped(user_name()) == (inside or user_name().isdigit() or user_name() == "nobody")


@needs_namespaces
@pytest.mark.skipif(is_mapped(user_name()), reason="these tests run as a mapped user themselves")
class TestRuns:
    def test_one_person_does_not_become_two_with_unshare(self, desk: Desk) -> None:
        here = replace(desk, in_process=True)
        digest = here.run(two_people=True).record.plan.digest
        ended = end_of(*forked(lambda: applied_in_namespace(desk, digest)))

        assert ended == "stale-plan approver-unknown"
        assert here.state() == []

    def test_nor_by_planning_there(self, desk: Desk) -> None:
        here = replace(desk, in_process=True)
        planned = end_of(*forked(lambda: planned_in_namespace(desk)))
        record = read_record(desk.records, planned)
        ended = here.run(approve=record.plan.digest, two_people=True)

        assert record.host.user.endswith(" (mapped)")
        assert "(mapped)" in str(change_record(record))
        assert (ended.record.status, ended.record.error.code) == ("stale-plan", "approver-unknown")
        assert here.state() == []


def planned_in_namespace(desk: Desk) -> str:
    enter_user_namespace()
    return str(replace(desk, in_process=True).run(two_people=True).record.id)


def applied_in_namespace(desk: Desk, digest: str) -> str:
    enter_user_namespace()
    ended = replace(desk, in_process=True).run(approve=digest).record
    return f"{ended.status} {ended.error.code if ended.error else ''}"
