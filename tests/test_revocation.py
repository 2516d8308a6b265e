"""Open sessions end with a rollback: of which roles, from when on, and how the denial is proven."""

import atexit
import json
import re
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from support.desk import Desk
from support.examples import ALICE, ROLE, a_grant, applied, grant_in, plan_of, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.revocation import revoke
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import rollback
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change
from xacct_nb.changes.planner import diff
from xacct_nb.changes.revocation import (
    affected_roles,
    plan_revocation,
    revocation,
    session_notes,
    with_cutoff,
)
from xacct_nb.errors import EXIT_CODES, ProofFailed, RollbackFailed, StalePlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.start import start_run
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

REVOKED = "AWSRevokeOlderSessions"
OTHER = "arn:aws:iam::222222222222:role/other-reader"
POLICY = "arn:aws:iam::111111111111:policy/xacct-reports"
NOON = datetime(2026, 11, 24, 12, 0, 0, 500, tzinfo=UTC)
Begin = Callable[..., Run]


def caller_policy(*roles: str) -> dict[str, Any]:
    return {"Statement": [{"Effect": "Allow", "Action": ["sts:AssumeRole"], "Resource": list(roles)}]}


def on_role(standing: Any = None) -> Change:
    things = {} if standing is None else {ResourceKey("inline-policy", ROLE, REVOKED): standing}
    return plan_revocation(ROLE, State(things))


def moment(change: Change) -> str:
    return str(change.after["Statement"][0]["Condition"]["DateLessThan"]["aws:TokenIssueTime"])


class TestThePolicy:
    def test_a_plan_of_it_is_the_same_whenever_it_is_made(self) -> None:
        assert on_role() == Change("inline-policy", ROLE, REVOKED, None, revocation())
        assert moment(on_role()) == "[policy creation time]"

    @pytest.mark.parametrize(
        ("standing", "expected"),
        [
            (None, "2026-11-24T12:00:01Z"),
            (revocation("2026-11-24T11:00:00Z"), "2026-11-24T12:00:01Z"),
            (revocation("2999-01-01T00:00:00Z"), "2999-01-01T00:00:00Z"),
            (revocation("2026-11-24T13:00:00.250Z"), "2026-11-24T13:00:01Z"),
            (revocation("when it is made"), "2026-11-24T12:00:01Z"),
            ({"Statement": {"Effect": "Deny", "Action": "*", "Resource": "*"}}, "2026-11-24T12:00:01Z"),
        ],
    )
    def test_its_cutoff_is_never_earlier_than_the_existing_one(self, standing: Any, expected: str) -> None:
        assert moment(with_cutoff(on_role(standing), NOON)) == expected

    def test_a_journal_says_the_moment_and_its_way_back_leaves_the_sessions_ended(self) -> None:
        journal = Journal("reports", (with_cutoff(on_role(), NOON),))

        assert journal.undo_plan().changes == ()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (Change("trust", ROLE, "", {}, {}), (ROLE,)),
        (Change("inline-policy", OTHER, "xacct-reports", None, {}), (OTHER,)),
        (Change("managed-policy", POLICY, "", caller_policy(ROLE), caller_policy(ROLE, OTHER)), (OTHER,)),
        (Change("inline-policy", ALICE, "xacct-reports", None, caller_policy(ROLE)), (ROLE,)),
        (Change("attachment", ALICE, POLICY, None, True), (ROLE, OTHER)),
        (Change("tags", POLICY, "", {}, {"team": "books"}), ()),
    ],
)
def test_a_change_concerns_the_roles_that_it_is_about(change: Change, expected: tuple[str, ...]) -> None:
    assert affected_roles([change], [ROLE, OTHER]) == expected


def test_a_way_back_that_concerns_no_role_says_so_where_sessions_are_to_end() -> None:
    assert list(session_notes([], State({}), [], revoked=True)) == [
        "This change affects no role's sessions, so no session is ended."
    ]
    assert list(session_notes([], State({}), [], revoked=False)) == []


def test_a_plan_of_a_grant_leaves_the_policy_on_the_grants_own_role_and_says_what_it_does() -> None:
    documents = build(a_grant())
    bare = diff(documents, State({}))
    made = {ResourceKey(each.kind, each.target, each.name): each.after for each in bare.changes}
    standing = {ResourceKey("inline-policy", ROLE, REVOKED): revocation("2026-11-24T12:00:01Z")}
    plan = diff(documents, State({**made, **standing}))

    assert plan.changes == ()
    assert plan.notes == (
        "AWSRevokeOlderSessions on role/reports-reader denies all actions to sessions issued before "
        "2026-11-24 12:00:01 UTC.",
    )


# In the sandbox, by real calls.


def adoptable(world: World, own: str = "inline") -> None:
    """A role of the destination's own, with a permission of its own: inline, attached, or none."""
    iam = root_iam(world, world.destination)
    service = {"Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}, "Action": "sts:AssumeRole"}
    reads = policy({"Effect": "Allow", "Action": "s3:Get*", "Resource": f"arn:aws:s3:::{world.bucket}/*"})
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=policy(service))
    if own == "inline":
        iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=reads)
    elif own == "attached":
        made = iam.create_policy(PolicyName="own", PolicyDocument=reads)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName="reports-reader", PolicyArn=made)


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def session(sessions: Sessions, who: str = "alice") -> Callable[[], bool]:
    """A session of the role, which says whether it may read."""
    role = sessions.grant.destinations[0]
    answer = sessions.client(who, "sts").assume_role(RoleArn=role, RoleSessionName="desk")
    s3 = sessions.role_client(answer["Credentials"], "s3", who)
    bucket = sessions.grant.permissions[0].resources[0].partition(":::")[2].partition("/")[0]

    def reads() -> bool:
        try:
            s3.get_object(Bucket=bucket, Key="2026/summary.csv")
        except s3.exceptions.ClientError as problem:
            return bool(problem.response["Error"]["Code"] != "AccessDenied")
        return True

    return reads


@pytest.fixture
def begin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Begin]:
    """Begin runs in the desk's accounts, and remove their handlers for the end of the process."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    around = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    begun = list[Run]()

    def begin(notebook: str, **fields: Any) -> Run:
        usual = {"sandbox": False, "patience_seconds": 1, "records": str(desk.records)}
        begun.append(start_run(notebook, {**usual, **around, **fields}))
        return begun[-1]

    yield begin
    for run in begun:
        atexit.unregister(run.leave)


def approved(plan: Any) -> Approval:
    return Approval(plan.digest, "ada", "")


def granted(desk: Desk, begin: Begin, **fields: Any) -> str:
    """The record of a run that applied the grant."""
    run = begin("plan_and_apply", **desk.parameters(**fields))
    grant = run.grant()
    sessions = run.open_sessions(grant)
    plan = run.keep(diff(build(grant), run.keep(state_of(grant, sessions))))
    run.apply(plan, sessions, approved(plan))
    return run.finish().record


def way_back(begin: Begin, **fields: Any) -> Any:
    """Return the planned rollback of a record."""
    run = begin("roll_back", **{"revoke_sessions": True, "caller_profiles": ["alice"], **fields})
    undo = run.undo()
    run.keep(undo.plan())
    return undo


def taken(undo: Any) -> Any:
    """Apply a rollback and prove it."""
    undo.apply(approved(undo.undo_plan))
    undo.prove()
    return undo.run.finish()


def titles(undo: Any) -> list[str]:
    return [f"{change.sign} {change.title}" for change in undo.undo_plan.changes]


def standing(world: World) -> Any:
    """The policy of this name on the role, None where there is none."""
    iam = root_iam(world, world.destination)
    if REVOKED not in iam.list_role_policies(RoleName="reports-reader")["PolicyNames"]:
        return None
    return iam.get_role_policy(RoleName="reports-reader", PolicyName=REVOKED)["PolicyDocument"]


def test_an_older_session_stays_denied_and_a_later_one_works_once_the_trust_is_back(world: World) -> None:
    adoptable(world)
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    journal = applied(grant, sessions)
    older = session(sessions)
    alive = older()
    rollback(journal, sessions, patience=1)
    outlived = older()
    revoke([plan_revocation(grant.destinations[0], state_of(grant, sessions))], sessions, patience=1, ahead=0)
    ended = older()
    again = plan_of(grant, sessions)
    applied(grant, sessions)
    time.sleep(1)  # the moment counts in whole seconds

    assert (alive, outlived, ended) == (True, True, False)
    assert [change for change in again.changes if change.name == REVOKED] == []
    assert older() is False
    assert session(sessions)() is True


@pytest.fixture
def faults(sandbox: Sandbox) -> Iterator[Callable[[Fault], object]]:
    """Let the sandbox misbehave until the test ends."""
    yield lambda fault: misbehave(sandbox, fault)
    behave(sandbox)


class TestAWayBack:
    def test_offers_to_end_the_open_sessions_of_a_role_that_stays(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True, session_minutes=90)
        undo = way_back(begin, revoke_sessions=False)

        assert [title for title in titles(undo) if REVOKED in title] == []
        assert undo.undo_plan.notes == (
            f"arn:aws:iam::{desk.world.destination}:role/reports-reader stays, and its open sessions stay "
            "valid for up to 1.5 h, with the role's new permissions. "
            "To end them too: -p revoke_sessions true",
        )
        taken(undo)
        assert str(undo.prove()) == "No session was ended, so there is nothing to prove."
        assert standing(desk.world) is None

    def test_has_nothing_to_end_where_the_role_is_deleted(self, desk: Desk, begin: Begin) -> None:
        granted(desk, begin)
        undo = way_back(begin)

        assert [title for title in titles(undo) if REVOKED in title] == []
        assert undo.undo_plan.notes == (
            f"arn:aws:iam::{desk.world.destination}:role/reports-reader and its policies are deleted, and "
            "its open sessions lose their permissions.",
        )

    def test_ends_them_after_all_else_and_has_the_same_plan_in_another_run(
        self, desk: Desk, begin: Begin
    ) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        one, other = way_back(begin), way_back(begin)

        assert titles(one)[-1] == f"+ inline-policy {REVOKED} on role/reports-reader"
        assert one.undo_plan.digest == other.undo_plan.digest
        assert one.undo_plan.digest != way_back(begin, revoke_sessions=False).undo_plan.digest

    def test_is_stale_where_sessions_were_ended_meanwhile(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        undo, there = way_back(begin), desk.state()
        root_iam(desk.world, desk.world.destination).put_role_policy(
            RoleName="reports-reader",
            PolicyName=REVOKED,
            PolicyDocument=json.dumps(revocation("2020-01-01T00:00:00Z")),
        )

        with pytest.raises(StalePlan, match=f"inline-policy {REVOKED} on role/reports-reader exists"):
            undo.apply(approved(undo.undo_plan))
        assert [each for each in desk.state() if each["name"] != REVOKED] == there

    def test_names_the_roles_whose_sessions_continue_where_ending_them_fails_and_ends_them_in_a_second_run(
        self, desk: Desk, begin: Begin
    ) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        iam = root_iam(desk.world, desk.world.destination)
        deny = policy({"Effect": "Deny", "Action": "iam:PutRolePolicy", "Resource": "*"})
        iam.put_user_policy(UserName="admin", PolicyName="no", PolicyDocument=deny)
        undo = way_back(begin)

        with pytest.raises(RollbackFailed, match=r"but open sessions continue: .*reports-reader"):
            undo.apply(approved(undo.undo_plan))
        iam.delete_user_policy(UserName="admin", PolicyName="no")
        second = way_back(begin, record=undo.record.id)
        taken(second)
        assert titles(second) == [f"+ inline-policy {REVOKED} on role/reports-reader"]
        assert standing(desk.world) is not None


class TestTheProof:
    def test_fails_where_an_older_session_still_works(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        undo = way_back(begin, patience_seconds=0)
        undo.apply(approved(undo.undo_plan))
        iam = root_iam(desk.world, desk.world.destination)
        iam.delete_role_policy(RoleName="reports-reader", PolicyName=REVOKED)

        with pytest.raises(ProofFailed, match="1 of the sessions that were to be ended may") as failed:
            undo.prove()
        assert failed.value.why == (
            f"arn:aws:iam::{desk.world.source}:user/alice in {undo.sessions.grant.destinations[0]}: "
            f"s3:GetObject {desk.world.bucket}/*, with the same session afterwards: AWS returned Allowed"
        )

    @pytest.mark.parametrize(
        ("own", "asked"),
        [
            ("attached", "s3:GetObject {}/*, with the same session afterwards"),
            ("none", "s3:GetObject {}/* (which the rollback denies too), with the same session afterwards"),
        ],
    )
    def test_probes_what_the_role_keeps_before_what_it_loses(
        self, desk: Desk, begin: Begin, own: str, asked: str
    ) -> None:
        adoptable(desk.world, own)
        granted(desk, begin, adopt=True)
        undo = way_back(begin)
        undo.apply(approved(undo.undo_plan))
        proof = undo.prove()

        assert proof.outcomes[-1].probe.question == asked.format(desk.world.bucket)
        assert proof.holds

    def test_waits_until_iam_is_consistent(
        self, desk: Desk, begin: Begin, faults: Callable[[Fault], object]
    ) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        undo = way_back(begin, patience_seconds=10)
        faults(Fault("propagation", ("PutRolePolicy",), seconds=1))
        undo.apply(approved(undo.undo_plan))
        proof = undo.prove()

        assert proof.holds
        assert [each.tries > 1 for each in proof.outcomes] == [False, False, True]

    def test_says_that_no_session_was_probed_without_a_caller(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        undo = way_back(begin, caller_profiles=[])
        undo.apply(approved(undo.undo_plan))
        proof = undo.prove()

        assert {(each.answer, each.detail) for each in proof.outcomes} == {
            ("not-asked", "No profile with this caller's credentials was given.")
        }
        assert proof.summary.endswith("2 not asked. That older sessions are denied is not proven.")
        assert undo.run.finish().status == "not-proven"
        assert standing(desk.world) is not None

    def test_opens_a_session_with_the_external_id_that_is_in_use(
        self, desk: Desk, begin: Begin, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PARTNER", "an-external-ID:of/the.partner")
        adoptable(desk.world)
        granted(desk, begin, adopt=True, conditions={"external_id": "env:PARTNER"})
        monkeypatch.delenv("PARTNER")
        undo = way_back(begin)
        undo.apply(approved(undo.undo_plan))

        assert undo.prove().holds
        assert desk.written("an-external-ID:of/the.partner") == []


class TestWhatStaysEnded:
    def test_a_change_of_callers_is_rolled_back_then_the_grant_itself(self, desk: Desk, begin: Begin) -> None:
        first = granted(desk, begin)
        mallory = f"arn:aws:iam::{desk.world.source}:user/mallory"
        granted(desk, begin, sources=[mallory])
        older = session(sessions_in(desk.world, desk.grant(sources=[mallory])), "mallory")
        alive = older()
        taken(way_back(begin, caller_profiles=["mallory"]))
        ended, again = older(), desk.plan()
        undo = way_back(begin, record=first)
        finish = taken(undo)

        assert (alive, ended) == (True, False)
        assert again.changes == ()
        assert titles(undo)[-2:] == [
            f"- inline-policy {REVOKED} on role/reports-reader",
            "- role role/reports-reader",
        ]
        assert finish.status == "succeeded"
        assert desk.state() == []

    def test_to_end_them_once_more_is_a_change_of_its_own(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        record = granted(desk, begin, adopt=True)
        taken(way_back(begin))
        untouched = way_back(begin, record=record, revoke_sessions=False)
        again = way_back(begin, record=record)
        finish = taken(again)

        assert titles(untouched) == []
        assert titles(again) == [f"~ inline-policy {REVOKED} on role/reports-reader"]
        assert untouched.undo_plan.notes[0] == again.undo_plan.notes[0]
        assert f"{REVOKED} on role/reports-reader denies all actions to" in again.undo_plan.notes[0]
        assert finish.status == "not-proven"  # no call was left that an older session was allowed
        assert standing(desk.world) == again.run.applied[1].changes[-1].after

    def test_rolling_back_a_rollback_revives_no_session(self, desk: Desk, begin: Begin) -> None:
        adoptable(desk.world)
        granted(desk, begin, adopt=True)
        between = desk.state()
        back = taken(way_back(begin))
        ended = standing(desk.world)
        forth = taken(way_back(begin, record=back.record, revoke_sessions=False))

        assert (back.status, forth.status) == ("succeeded", "succeeded")
        assert [each for each in desk.state() if each["name"] != REVOKED] == between
        assert standing(desk.world) == ended is not None


class TestOverHttp:
    """A connection is cut, and kernels have a process of their own: both need the server."""

    @pytest.fixture
    def sandbox(self, served_sandbox: Sandbox) -> Sandbox:
        return served_sandbox

    def test_a_call_that_took_effect_without_an_answer_has_ended_the_sessions(
        self, world: World, faults: Callable[[Fault], object]
    ) -> None:
        adoptable(world)
        grant = grant_in(world, adopt=True)
        sessions = sessions_in(world, grant)
        applied(grant, sessions)
        older = session(sessions)
        planned_now = plan_revocation(grant.destinations[0], state_of(grant, sessions))
        once = sessions.admin(world.destination, "iam").meta.events
        once.register_first("needs-retry.iam.PutRolePolicy", lambda **about: False)
        faults(Fault("cut-after", ("PutRolePolicy",), count=1))
        journal = revoke([planned_now], sessions, patience=0)

        assert [entry.answer for entry in journal.entries] == ["ConnectionClosedError"]
        assert standing(world) == journal.changes[0].after
        assert older() is False

    def test_headless_it_is_planned_approved_proven_and_leaves_no_credentials(self, desk: Desk) -> None:
        adoptable(desk.world)
        before = desk.state()
        forth = desk.applied(adopt=True)
        back = desk.rolled_back(revoke_sessions=True, caller_profiles=["alice"])
        record: Any = back.record

        assert (forth.record.status, EXIT_CODES[record.status]) == ("succeeded", 0), record.error
        assert [each for each in desk.state() if each["name"] != REVOKED] == before
        assert [each.answer for each in record.proof.outcomes] == ["Allowed", "Allowed", "Denied"]
        assert moment(record.journal.changes[-1]) > record.started
        assert "denies all actions to sessions issued before" in str(record.journal)
        files = list(desk.records.rglob("*.*"))
        assert [path for path in files if re.search(rb"ASIA\w{12}", path.read_bytes())] == []
        assert desk.is_whole()
