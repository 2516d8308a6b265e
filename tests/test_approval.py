"""An approval is valid once, in time, for the current plan, and by a second person where two must agree."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given
from hypothesis import strategies as st

from support.desk import Desk
from support.examples import ALICE, ROLE, a_grant
from xacct_nb.aws.clock import utc
from xacct_nb.changes.approval import (
    Approval,
    PlannedRun,
    UsedApproval,
    plan_differences,
    unapproved_plan,
    validate_approval,
)
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.changes.planner import diff
from xacct_nb.cli.main import main
from xacct_nb.errors import ApprovalExpired, ApprovalUsed, ApproverPlanned, InvalidParameters
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.model import Record
from xacct_nb.runs import runner
from xacct_nb.runs.environment import user_name
from xacct_nb.storage.approval_history import plan_history
from xacct_nb.storage.ledger import append_record

PLAN = diff(build(a_grant()), State({}))
NOW = "2026-11-24T12:00:00Z"
APPROVAL = Approval(PLAN.digest, "ada", NOW)
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made")
HOST = {"name": "desk", "user": "bob", "system": "Linux", "python": "3.11"}


def planned(at: str, by: str = "bob", *, two_people: bool = False, record: str = "the-plan") -> PlannedRun:
    return PlannedRun(record, by, at, two_people, PLAN)


def used(at: str) -> UsedApproval:
    return UsedApproval("the-use", at)


class TestOnce:
    def test_a_plan_without_a_record_may_be_approved(self) -> None:
        assert validate_approval(APPROVAL, [], NOW) == APPROVAL

    def test_it_records_who_planned_and_when(self) -> None:
        known = validate_approval(APPROVAL, [planned("2026-11-24T11:00:00Z")], NOW)

        assert (known.plan, known.planned_by, known.planned_at) == ("the-plan", "bob", "2026-11-24T11:00:00Z")

    def test_what_was_used_is_refused(self) -> None:
        with pytest.raises(ApprovalUsed, match="is valid for one change") as refused:
            validate_approval(
                APPROVAL,
                [used("2026-11-24T11:30:00Z"), planned("2026-11-24T11:00:00Z")],
                NOW,
            )
        assert refused.value.why == "The record the-use used it, and no plan was made since."
        assert refused.value.hint == "Plan again, read the plan, and approve it again."

    def test_a_plan_made_after_the_use_may_be_approved_again(self) -> None:
        again = planned("2026-11-24T11:40:00Z", record="again")
        known = validate_approval(
            APPROVAL,
            [again, used("2026-11-24T11:30:00Z"), planned("2026-11-24T11:00:00Z")],
            NOW,
        )

        assert known.plan == "again"

    @given(st.lists(st.sampled_from([planned("2026-11-24T11:00:00Z"), used("2026-11-24T11:00:00Z")])))
    def test_it_is_refused_exactly_where_the_newest_event_is_a_use(self, events: list[Any]) -> None:
        try:
            refused = not validate_approval(APPROVAL, events, NOW)
        except ApprovalUsed:
            refused = True

        assert refused == (bool(events) and isinstance(events[0], UsedApproval))


class TestInTime:
    @pytest.mark.parametrize(
        ("at", "hours"),
        [
            ("2026-11-23T12:00:00Z", 24),
            ("2026-11-24T11:00:00Z", 1),
            ("2019-01-01T00:00:00Z", 0),
            ("2026-11-24T12:00:03Z", 1),
        ],
    )
    def test_it_is_valid_until_its_limit_and_without_one_forever(self, at: str, hours: int) -> None:
        assert validate_approval(APPROVAL, [planned(at)], NOW, hours=hours).planned_at == at

    @pytest.mark.parametrize(("at", "hours"), [("2026-11-23T11:59:59Z", 24), ("2026-11-24T10:59:59Z", 1)])
    def test_later_it_is_refused(self, at: str, hours: int) -> None:
        with pytest.raises(ApprovalExpired, match="its approval has expired") as refused:
            validate_approval(APPROVAL, [planned(at)], NOW, hours=hours)
        assert (
            refused.value.why
            == f"The plan in the record the-plan was made at {at}; approval_hours is {hours}."
        )

    @pytest.mark.parametrize("at", ["2026-11-24T12:15:01Z", "2999-01-01T00:00:00Z"])
    def test_a_plan_from_the_future_would_never_expire_and_is_refused(self, at: str) -> None:
        with pytest.raises(ApprovalExpired, match="is dated in the future") as refused:
            validate_approval(APPROVAL, [planned(at)], NOW)

        assert refused.value.why == f"The plan in the record the-plan is of {at}, and it is {NOW} here."
        assert validate_approval(APPROVAL, [planned(at)], NOW, hours=0).planned_at == at

    def test_the_same_plan_made_again_is_valid_from_then_on(self) -> None:
        plans = [planned("2026-11-24T11:00:00Z", record="new"), planned("2026-11-20T11:00:00Z", record="old")]

        assert validate_approval(APPROVAL, plans, NOW).plan == "new"


class TestTwoPeople:
    def test_the_planner_may_not_approve(self) -> None:
        with pytest.raises(ApproverPlanned, match="ada made this plan, and someone else must approve it"):
            validate_approval(APPROVAL, [planned("2026-11-24T11:00:00Z", "ada")], NOW, two_people=True)

    def test_someone_else_may_approve_even_after_planning_too(self) -> None:
        plans = [planned("2026-11-24T11:30:00Z", "ada"), planned("2026-11-24T11:00:00Z", "bob")]

        assert validate_approval(APPROVAL, plans, NOW, two_people=True).planned_by == "bob"

    def test_the_first_planner_may_not_approve_even_after_someone_else_planned_too(self) -> None:
        plans = [planned("2026-11-24T11:30:00Z", "bob"), planned("2026-11-24T11:00:00Z", "ada")]

        with pytest.raises(ApproverPlanned):
            validate_approval(APPROVAL, plans, NOW, two_people=True)

    def test_a_plan_that_requires_two_people_keeps_the_rule_where_the_approver_omits_it(self) -> None:
        plans = [
            planned("2026-11-24T11:30:00Z", "ada"),
            planned("2026-11-24T11:00:00Z", "ada", two_people=True),
        ]

        with pytest.raises(ApproverPlanned):
            validate_approval(APPROVAL, plans, NOW)

    def test_without_a_record_of_the_plan_no_approval_of_two_people_is_valid(self) -> None:
        with pytest.raises(
            ApproverPlanned, match="Two people must agree on this plan, and it is not known who made it"
        ):
            validate_approval(APPROVAL, [], NOW, two_people=True)

    @given(st.lists(st.sampled_from(["ada", "bob"]), min_size=1))
    def test_the_approver_is_never_the_first_planner(self, people: list[str]) -> None:
        plans = [planned("2026-11-24T11:00:00Z", each) for each in people]
        try:
            known = validate_approval(APPROVAL, plans, NOW, two_people=True).planned_by
        except ApproverPlanned:
            known = "refused"

        assert known == ("refused" if people[-1] == "ada" else "bob")


class TestTheDifference:
    def test_equal_plans_do_not_differ(self) -> None:
        assert plan_differences(PLAN, Plan.from_json(json.loads(json.dumps(PLAN.to_json())))) == ()

    def test_it_names_removed_added_and_modified_changes(self) -> None:
        role_settings = Change("settings", ROLE, "", {"session_seconds": 3600}, {"session_seconds": 7200})
        tags = Change("tags", ROLE, "", {"a": "1"}, {"a": "2"})
        attachment = Change("attachment", ALICE, "arn:aws:iam::111111111111:policy/xacct-reports", None, True)
        was = Plan("reports", (role_settings, tags))
        now = Plan("reports", (replace(role_settings, after={"session_seconds": 5400}), attachment))

        assert plan_differences(was, now) == (
            "no longer planned: ~ tags role/reports-reader",
            "planned now: + attachment xacct-reports on user/alice",
            "~ settings role/reports-reader: after.session_seconds was 7200, is 5400",
        )

    def test_it_names_the_path_inside_a_document(self) -> None:
        now = diff(build(a_grant(sources=["arn:aws:iam::111111111111:user/mallory"])), State({}))
        lines = plan_differences(PLAN, now)
        place = "+ role role/reports-reader: after.trust.Statement[0].Principal.AWS was"

        assert [line for line in lines if line.startswith(place)]
        assert "no longer planned: + attachment xacct-reports on user/alice" in lines
        assert "planned now: + attachment xacct-reports on user/mallory" in lines

    def test_it_names_another_order_and_another_grant(self) -> None:
        turned = replace(PLAN, changes=PLAN.changes[::-1])

        assert plan_differences(PLAN, turned) == ("the same changes in another order",)
        assert plan_differences(PLAN, replace(PLAN, grant="other")) == (
            "the approved plan is of the grant reports, this one of other",
        )

    def test_an_external_id_is_in_none_of_its_lines(self) -> None:
        secret, other = ("an-External.Id", "another-External.Id")
        was, now = (
            diff(build(a_grant(conditions={"external_id": each})), State({})) for each in (secret, other)
        )
        words = str(unapproved_plan(was.digest, now, was))

        assert "sts:ExternalId was" in words
        assert [each for each in (secret, other) if each in words] == []

    def test_a_long_change_is_shortened(self) -> None:
        was, now = (
            Plan("r", (Change("tags", ROLE, "", {}, {f"k{n}": each * 99 for n in range(9)}),))
            for each in "ab"
        )
        lines = plan_differences(was, now)

        assert lines[-1] == "~ tags role/reports-reader: 4 more differences"
        assert max(map(len, lines)) < 250

    @given(st.sets(st.integers(0, 3)), st.sets(st.integers(0, 3)))
    def test_plans_differ_exactly_where_their_digests_do(self, some: set[int], others: set[int]) -> None:
        was, now = (
            Plan("reports", tuple(PLAN.changes[each] for each in sorted(places))) for places in (some, others)
        )

        assert (plan_differences(was, now) == ()) == (was.digest == now.digest)


def kept(records: Path, name: str, status: str = "planned", **fields: Any) -> None:
    usual = {
        "started": NOW,
        "ended": NOW,
        "host": HOST,
        "where": "AWS (aws)",
        "plan": PLAN.to_json(),
        "seconds": 1,
    }
    append_record(
        records, Record(id=name, notebook="plan_and_apply", status=status, **{**usual, **fields}), {}
    )


def known(records: Path, where: str = "AWS") -> list[tuple[str, str]]:
    return [(type(each).__name__, each.record) for each in plan_history(records, PLAN.digest, where)]


class TestTheLedger:
    @pytest.mark.parametrize(
        ("status", "journal", "uses"),
        [
            ("succeeded", Journal("reports", PLAN.changes, (ENTRY,)), True),
            ("proof-failed", Journal("reports", PLAN.changes, (ENTRY,)), True),
            ("rolled-back", Journal("reports", (), (ENTRY,)), True),
            ("rollback-failed", Journal("reports", (), (ENTRY,)), True),
            ("kernel-died", Journal("reports", (), (ENTRY,)), True),
            ("interrupted", Journal("reports", (), (ENTRY,)), True),
            ("failed", None, False),
            ("interrupted", None, False),
            ("stale-plan", None, False),
            ("invalid-parameters", None, False),
        ],
    )
    def test_a_run_that_began_to_change_aws_has_used_its_approval(
        self, tmp_path: Path, status: str, journal: Journal | None, uses: bool
    ) -> None:
        done = journal.to_json() if journal else None
        kept(tmp_path, "1", status, approval=APPROVAL.to_json(), journal=done)

        assert known(tmp_path) == ([("UsedApproval", "1")] if uses else [])

    def test_the_newest_entries_of_one_digest_and_environment_come_first(self, tmp_path: Path) -> None:
        kept(tmp_path, "1")
        kept(tmp_path, "2", plan=PLAN.reverse().to_json())
        kept(tmp_path, "3", where="sandbox at http://127.0.0.1:1")
        kept(tmp_path, "5", where="http://127.0.0.1:1, which is not AWS")
        kept(tmp_path, "4")

        assert known(tmp_path, "http://127.0.0.1:1, which is not AWS") == [("PlannedRun", "5")]
        assert known(tmp_path, "http://127.0.0.1:2, which is not AWS") == []
        assert known(tmp_path) == [("PlannedRun", "4"), ("PlannedRun", "1")]
        assert known(tmp_path, "sandbox") == [("PlannedRun", "3")]
        assert known(tmp_path / "nowhere") == []

    def test_a_tampered_plan_is_ignored_and_a_tampered_use_is_not(self, tmp_path: Path) -> None:
        kept(tmp_path, "1")
        kept(tmp_path, "2", "succeeded", approval=APPROVAL.to_json(), journal=Journal("reports").to_json())
        for name in ("1", "2"):
            path = tmp_path / name / "record.json"
            path.write_text(path.read_text().replace("bob", "eve"))

        assert known(tmp_path) == [("UsedApproval", "2")]


class TestThroughTheRunner:
    def test_an_approval_is_used_once_and_a_new_plan_is_approved_anew(self, desk: Desk) -> None:
        digest = desk.run().record.plan.digest
        first = desk.run(approve=digest, note="Agreed on Monday", ticket="CHG-7")
        desk.rolled_back()
        again = desk.run(approve=digest)
        there = desk.state()
        desk.run()
        anew = desk.run(approve=digest)

        assert first.record.status == "succeeded"
        assert first.record.approval.note == "Agreed on Monday"
        assert first.record.approval.ticket == "CHG-7"
        assert first.record.approval.planned_by == first.record.approval.by == user_name()
        assert (again.record.status, again.record.error.code) == ("stale-plan", "approval-used")
        assert there == []
        assert anew.record.status == "succeeded"
        assert anew.record.approval.plan > first.record.approval.plan
        assert desk.is_whole()

    def test_what_differs_from_the_approved_plan_is_shown(self, desk: Desk) -> None:
        digest = desk.run().record.plan.digest
        ended = desk.run(approve=digest, session_minutes=90)
        change = "+ role role/reports-reader: after.session_seconds was 3600, is 5400"

        assert (ended.record.status, ended.record.error.code) == ("stale-plan", "stale-plan")
        assert change in ended.record.error.why
        assert desk.state() == []

    def test_two_people_agree_and_the_rule_of_the_plan_holds(self, desk: Desk) -> None:
        digest = desk.run(two_people=True).record.plan.digest
        alone = desk.run(approve=digest)

        assert (alone.record.status, alone.record.error.code) == ("stale-plan", "approver-planned")
        assert desk.state() == []

    def test_a_plan_that_was_made_elsewhere_only_is_not_approved_here(self, desk: Desk) -> None:
        plan = desk.plan().to_json()
        for number, where in enumerate(("sandbox", "http://localhost:1, which is not AWS", "AWS (aws)")):
            kept(desk.records, str(number), plan=plan, where=where, started=utc())
        ended = desk.run(approve=plan["digest"])

        assert (ended.record.status, ended.record.error.code) == ("stale-plan", "stale-plan")
        assert ended.record.error.what == "The approved plan was not made where this run acts."
        assert desk.state() == []

    def test_the_rules_of_a_plan_stay_where_it_is_planned_anew_at_another_place(self, desk: Desk) -> None:
        plan = desk.plan().to_json()
        of_two = {"where": "sandbox", "parameters": {"two_people": True}}
        kept(desk.records, "there", plan=plan, started=utc(), **of_two)
        here = desk.run().record
        ended = desk.run(approve=plan["digest"])

        assert (here.status, here.plan.digest) == ("planned", plan["digest"])
        assert (ended.record.status, ended.record.error.code) == ("stale-plan", "approver-planned")
        assert desk.state() == []

    def test_an_old_plan_has_expired_and_another_persons_new_one_has_not(self, desk: Desk) -> None:
        plan = desk.plan().to_json()
        where = f"{desk.world.endpoint}, which is not AWS"
        kept(desk.records, "old", plan=plan, where=where, started="2026-01-01T00:00:00Z")
        late = desk.run(approve=plan["digest"])
        of_two = {"where": where, "parameters": {"two_people": True}}
        kept(desk.records, "new", plan=plan, started=utc(), **of_two)
        agreed = desk.run(approve=plan["digest"])

        assert (late.record.status, late.record.error.code) == ("stale-plan", "approval-expired")
        assert agreed.record.status == "succeeded"
        assert (agreed.record.approval.plan, agreed.record.approval.planned_by) == ("new", "bob")

    def test_a_clock_that_is_set_back_makes_no_plan_younger(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        here = replace(desk, in_process=True)
        where, today = here.run().record.where, datetime.now(UTC)
        digest = here.plan(session_minutes=90).digest
        old = here.plan(session_minutes=90).to_json()
        kept(here.records, "old", plan=old, started=utc(today - timedelta(hours=25)), where=where)
        monkeypatch.setattr("xacct_nb.aws.clock.local_time", lambda: today - timedelta(hours=10))
        late = here.run(approve=digest, session_minutes=90).record

        assert (late.status, late.error.code) == ("stale-plan", "approval-expired")

    def test_a_roll_back_obeys_the_same(self, desk: Desk) -> None:
        desk.applied()
        digest = desk.run("roll_back", two_people=True).record.plan.digest
        alone = desk.run("roll_back", approve=digest)

        assert alone.record.error.code == "approver-planned"
        assert desk.state() != []


def test_the_command_takes_a_note_and_a_ticket_as_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    passed: list[Any] = []

    def run(notebook: str, *, options: tuple[tuple[str, str], ...], **others: Any) -> None:
        passed.append(list(options))
        raise InvalidParameters("It ends here.")

    monkeypatch.setattr(runner, "run", run)
    words = ["--ticket", "CHG-7", "-p", "name", "reports", "--note", "on Monday"]
    CliRunner().invoke(main, ["run", "plan_and_apply", *words])
    CliRunner().invoke(main, ["run", "plan_and_apply"])

    assert passed == [[("name", "reports"), ("note", "on Monday"), ("ticket", "CHG-7")], []]


def test_the_approver_is_the_user_of_the_operating_system(monkeypatch: pytest.MonkeyPatch) -> None:
    before = user_name()
    for name in ("LOGNAME", "USER", "LNAME", "USERNAME"):
        monkeypatch.setenv(name, "somebody-else")

    assert user_name() == before
