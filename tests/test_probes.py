"""The proof by real calls: what should work works, and what should not work does not."""

import json
from typing import Any

import pytest

from support.examples import applied, grant_in, plan_of, root_iam, sessions_in, state_of
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws import polling
from xacct_nb.aws.answers import Answer, call_aws
from xacct_nb.aws.polling import Wait, countdown
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read
from xacct_nb.aws.writer import apply
from xacct_nb.changes.plan import Plan, missing_sides
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, DENIED, NOT_ASKED, Proof
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def answers(proof: Proof) -> list[tuple[str, str]]:
    return [(outcome.probe.kind, outcome.answer) for outcome in proof.outcomes]


def proven(world: World, grant: Grant, callers: tuple[str, ...] = ("alice", "mallory")) -> Proof:
    """The grant, applied and then proven."""
    sessions = sessions_in(world, grant, callers)
    applied(grant, sessions)
    return prove(grant, sessions, patience=1)


def one_side(world: World, grant: Grant, account: str) -> None:
    """Apply only the changes of one of the two accounts."""
    sessions = sessions_in(world, grant, callers=())
    plan = plan_of(grant, sessions)
    half = Plan(plan.grant, tuple(change for change in plan.changes if change.account == account))
    apply(half, sessions, approved=half.digest, patience=1)


def sides(grant: Grant, world: World) -> tuple[str, ...]:
    documents = build(grant)
    return missing_sides(grant, diff(documents, read(documents, sessions_in(world, grant))))


def widen(world: World, who: Any, role: str = "reports-reader") -> None:
    allowed = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
    root_iam(world, world.destination).update_assume_role_policy(
        RoleName=role, PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    )


def test_every_probe_of_the_articles_case_has_the_expected_answer(world: World) -> None:
    proof = proven(world, grant_in(world))

    assert answers(proof) == [
        ("assume", ALLOWED),
        ("stranger", DENIED),
        ("identity", ALLOWED),
        ("allowed", ALLOWED),
        ("beside", DENIED),
        ("direct", DENIED),
    ]
    assert proof.holds
    assert all(outcome.request_id for outcome in proof.outcomes[:3])


def test_the_proof_names_the_callers(world: World) -> None:
    proof = proven(world, grant_in(world))

    assert [outcome.who for outcome in proof.outcomes] == [
        f"arn:aws:iam::{world.source}:user/alice",
        f"arn:aws:iam::{world.source}:user/mallory",
        "role/reports-reader (session)",
        "role/reports-reader (session)",
        "role/reports-reader (session)",
        f"arn:aws:iam::{world.source}:user/alice",
    ]


def test_sts_identifies_the_session_as_one_of_the_role(world: World) -> None:
    (identity,) = [each for each in proven(world, grant_in(world)).outcomes if each.probe.kind == "identity"]

    assert identity.detail == (f"arn:aws:sts::{world.destination}:assumed-role/reports-reader/xacct-nb-proof")


def test_with_only_the_caller_policy_the_destination_side_is_missing(world: World) -> None:
    grant = grant_in(world)
    one_side(world, grant, world.source)
    proof = prove(grant, sessions_in(world, grant))

    assert not proof.holds
    assert answers(proof)[0] == ("assume", DENIED)
    assert sides(grant, world) == (
        f"destination side, account {world.destination}: role role/reports-reader is missing.",
        f"destination side, account {world.destination}: inline-policy xacct-reports on role/reports-reader "
        "is missing.",
    )


def test_with_only_the_trust_policy_the_source_side_is_missing(world: World) -> None:
    grant = grant_in(world)
    one_side(world, grant, world.destination)
    proof = prove(grant, sessions_in(world, grant))

    assert not proof.holds
    assert answers(proof)[0] == ("assume", DENIED)
    assert sides(grant, world) == (
        f"source side, account {world.source}: managed-policy policy/xacct-reports is missing.",
        f"source side, account {world.source}: attachment xacct-reports on user/alice is missing.",
    )


def test_the_roles_permissions_are_not_probed_where_no_caller_can_assume_it(world: World) -> None:
    grant = grant_in(world)
    one_side(world, grant, world.source)

    assert answers(prove(grant, sessions_in(world, grant)))[2:5] == [
        ("identity", NOT_ASKED),
        ("allowed", NOT_ASKED),
        ("beside", NOT_ASKED),
    ]


def test_without_the_callers_credentials_nothing_is_proven(world: World) -> None:
    proof = proven(world, grant_in(world), callers=("mallory",))

    assert not proof.holds
    assert answers(proof)[0] == ("assume", NOT_ASKED)
    assert proof.outcomes[0].detail == "No profile with this caller's credentials was given."


def test_without_a_stranger_that_probe_is_not_made(world: World) -> None:
    proof = proven(world, grant_in(world), callers=("alice",))

    assert proof.holds
    assert ("stranger", NOT_ASKED) in answers(proof)


def test_a_stranger_that_can_assume_the_role_is_wrong(world: World) -> None:
    grant = grant_in(world)
    assert proven(world, grant).holds
    widen(world, f"arn:aws:iam::{world.source}:root")
    proof = prove(grant, sessions_in(world, grant))

    assert not proof.holds
    assert ("stranger", ALLOWED) in answers(proof)
    assert "WRONG" in str(proof)


def test_a_role_with_more_permissions_is_wrong(world: World) -> None:
    grant = grant_in(world)
    assert proven(world, grant).holds
    root_iam(world, world.destination).attach_role_policy(
        RoleName="reports-reader", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    proof = prove(grant, sessions_in(world, grant))

    assert not proof.holds
    assert ("beside", ALLOWED) in answers(proof)


def test_a_caller_who_needs_no_role_is_wrong(world: World) -> None:
    grant = grant_in(world, sources=[f"arn:aws:iam::{world.destination}:user/admin"])
    sessions = sessions_in(world, grant, ("destination-admin",), source_admin="destination-admin")
    applied(grant, sessions)
    proof = prove(grant, sessions)

    assert ("direct", ALLOWED) in answers(proof)
    assert not proof.holds


def test_an_external_id_is_needed_and_must_be_the_right_one(world: World) -> None:
    proof = proven(world, grant_in(world, conditions={"external_id": "partner-7"}))

    assert answers(proof)[:3] == [
        ("assume", ALLOWED),
        ("without-external-id", DENIED),
        ("wrong-external-id", DENIED),
    ]
    assert proof.holds


def test_a_trust_that_forgets_the_external_id_is_wrong(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    assert proven(world, grant).holds
    widen(world, f"arn:aws:iam::{world.source}:user/alice")
    proof = prove(grant, sessions_in(world, grant))

    assert not proof.holds
    assert answers(proof)[1:3] == [("without-external-id", ALLOWED), ("wrong-external-id", ALLOWED)]


def test_a_proof_never_shows_the_external_id(world: World) -> None:
    proof = proven(world, grant_in(world, conditions={"external_id": "hunter2-hunter2"}))

    assert "hunter2" not in f"{proof} {proof!r} {proof._repr_html_()} {json.dumps(proof.to_json())}"


@pytest.mark.parametrize("name", ["audit", "audit-*"])
def test_a_session_name_is_needed(world: World, name: str) -> None:
    proof = proven(world, grant_in(world, conditions={"role_session_name": name}))

    assert answers(proof)[:2] == [("assume", ALLOWED), ("another-session-name", DENIED)]
    assert proof.holds


def test_session_tags_are_needed(world: World) -> None:
    proof = proven(world, grant_in(world, conditions={"session_tags": {"team": "data"}}))

    assert answers(proof)[:2] == [("assume", ALLOWED), ("without-session-tags", DENIED)]
    assert proof.holds


def test_mfa_cannot_be_given_so_only_its_absence_is_probed(world: World) -> None:
    proof = proven(world, grant_in(world, conditions={"require_mfa": True}))

    assert answers(proof)[:2] == [("assume", NOT_ASKED), ("without-mfa", DENIED)]
    assert not proof.holds


def test_a_caller_of_a_whole_account_can_assume_the_role(world: World) -> None:
    grant = grant_in(world, sources=[world.source], accept=["whole-account-trust"])
    proof = proven(world, grant)

    assert answers(proof)[:2] == [("assume", ALLOWED), ("stranger", NOT_ASKED)]
    assert proof.outcomes[0].who == f"arn:aws:iam::{world.source}:user/mallory"
    assert proof.holds


def test_members_of_the_group_can_assume_the_role(world: World) -> None:
    proof = proven(world, grant_in(world, attach_to=f"arn:aws:iam::{world.source}:group/analysts"))

    assert proof.holds


def test_a_role_chain_is_proven_by_a_session_of_the_first_role(world: World) -> None:
    hub = f"arn:aws:iam::{world.source}:role/hub"
    proof = proven(world, grant_in(world, sources=[hub]), callers=("hub", "mallory"))

    assert proof.holds
    assert proof.outcomes[0].who.startswith(f"arn:aws:sts::{world.source}:assumed-role/hub/")


def test_every_pair_of_many_sources_and_destinations_is_proven(world: World) -> None:
    users = [f"arn:aws:iam::{world.source}:user/{name}" for name in ("alice", "mallory")]
    roles = [f"arn:aws:iam::{world.destination}:role/{name}" for name in ("reader", "writer")]
    proof = proven(world, grant_in(world, sources=users, destinations=roles))

    assert proof.holds
    assert [each.answer for each in proof.outcomes if each.probe.kind == "assume"] == [ALLOWED] * 4


def test_a_missing_object_is_not_requested(world: World) -> None:
    objects = [f"arn:aws:s3:::{world.bucket}/not/there/*"]
    proof = proven(world, grant_in(world, permissions=[{"actions": ["s3:GetObject"], "resources": objects}]))

    assert ("allowed", NOT_ASKED) in answers(proof)
    assert proof.verdict == "not-proven"
    assert "No object to request was found" in proof.open_reasons[0]


def test_only_an_object_that_the_pattern_covers_is_requested(world: World) -> None:
    objects = [f"arn:aws:s3:::{world.bucket}/*/summary.csv"]
    proof = proven(world, grant_in(world, permissions=[{"actions": ["s3:GetObject"], "resources": objects}]))

    assert ("allowed", ALLOWED) in answers(proof)


def test_a_bucket_that_is_not_granted_is_denied(world: World) -> None:
    objects = [f"arn:aws:s3:::{world.other_bucket}/*"]
    granted = grant_in(world)
    assert proven(world, granted).holds
    other = grant_in(world, permissions=[{"actions": ["s3:GetObject"], "resources": objects}])

    assert ("allowed", DENIED) in answers(prove(other, sessions_in(world, granted)))


def test_proving_changes_nothing(world: World) -> None:
    grant = grant_in(world)
    proven(world, grant)
    sessions = sessions_in(world, grant)
    before = state_of(grant, sessions)
    prove(grant, sessions)

    assert state_of(grant, sessions) == before


def test_without_patience_every_probe_is_made_once(world: World) -> None:
    proof = prove(grant_in(world), sessions_in(world, grant_in(world)), patience=0)

    assert {outcome.tries for outcome in proof.asked} == {1}


def test_all_probes_share_the_patience(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "partner-7"})
    assert proven(world, grant).holds
    widen(world, "*")
    proof = prove(grant, sessions_in(world, grant), patience=0.8)

    assert [outcome.tries > 1 for outcome in proof.outcomes if outcome.answer == ALLOWED][1:] == [
        *(True, False, False),
        *(False, False),
    ]


def test_a_wrong_answer_that_becomes_right_in_time_is_right(world: World) -> None:
    grant = grant_in(world)
    sessions = sessions_in(world, grant)
    applied(grant, sessions)
    widen(world, f"arn:aws:iam::{world.source}:root")
    sts, left = sessions.client("mallory", "sts"), [1]

    def narrow(**about: Any) -> None:
        if not left:
            widen(world, f"arn:aws:iam::{world.source}:user/alice")
        left.clear()

    sts.meta.events.register("before-call.sts.AssumeRole", narrow)
    (stranger,) = [
        each for each in prove(grant, sessions, patience=5).outcomes if each.probe.kind == "stranger"
    ]

    assert (stranger.answer, stranger.tries) == (DENIED, 2)


class Clock:
    """A clock that only sleeping moves on."""

    def __init__(self) -> None:
        self.now, self.pauses = 0.0, list[float]()

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.pauses.append(seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(polling, "time", clock)
    return clock


def test_a_wait_without_patience_has_one_try() -> None:
    wait = Wait("the role", 0)

    assert not wait.pause()
    assert wait.tries == 1


def test_a_wait_continues_until_its_time_is_over(clock: Clock) -> None:
    wait = Wait("the role", 0.25)
    while wait.pause():
        pass

    assert clock.pauses == [0.1, 0.15]
    assert (wait.tries, wait.seconds) == (3, 0.25)


def test_a_wait_of_more_than_a_second_is_announced(clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    wait = Wait("the role", 1.2)
    while wait.pause():
        pass
    wait.close()
    told = capsys.readouterr()

    assert told.out == ""
    assert told.err == "Waiting for IAM, at most 1 s: the role\nthe role: after 1 s\n"


def test_a_short_wait_is_not_announced(capsys: pytest.CaptureFixture[str]) -> None:
    Wait("the role", 0).close()

    assert capsys.readouterr().err == ""


def test_a_countdown_ends_at_zero(clock: Clock) -> None:
    left = countdown(10)
    clock.sleep(4)

    assert (countdown(0)(), left()) == (0.0, 6.0)


def test_an_answer_does_not_show_the_credentials_in_it() -> None:
    answer = call_aws(lambda: {"ResponseMetadata": {"RequestId": "id-1"}, "Credentials": "hunter2"})

    assert answer == Answer(ALLOWED, "", "id-1", {**answer.value})
    assert "hunter2" not in repr(answer)


def test_a_managed_policy_is_proven_by_a_call_that_its_document_allows(world: World) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": ["s3:List*"], "Resource": "*"}]}
    iam = root_iam(world, world.destination)
    made = iam.create_policy(
        PolicyName="lists", PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
    )
    grant = grant_in(world, permissions=[], managed_policies=[made["Policy"]["Arn"]])
    proof = proven(world, grant)
    by_policy = [
        (each.probe.question, each.answer) for each in proof.outcomes if each.probe.kind == "allowed"
    ]

    assert by_policy == [("s3:ListAllMyBuckets, by the policy lists", ALLOWED)]
    assert proof.holds


def test_a_managed_policy_without_a_read_only_call_is_not_proven(world: World) -> None:
    document = {"Statement": [{"Effect": "Allow", "Action": "s3:PutObject", "Resource": "*"}]}
    iam = root_iam(world, world.destination)
    made = iam.create_policy(
        PolicyName="puts", PolicyDocument=json.dumps({"Version": "2012-10-17", **document})
    )
    proof = proven(world, grant_in(world, managed_policies=[made["Policy"]["Arn"]]))

    assert proof.verdict == "not-proven"
    assert "No read-only call is known that needs the policy puts." in proof.open_reasons[0]
