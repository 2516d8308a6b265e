"""A snapshot is read with at most twelve calls, and goes to the other owner without secrets."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.denial_stage import SECRET, Stage, allow
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.diagnosis_sessions import AccountSession, Clients, DiagnosisSessions, open_for_diagnosis
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.snapshot_reader import take_snapshot
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.errors import InvalidSnapshot
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.snapshot_file import read_snapshot, write_snapshot

sandbox = in_process_sandbox


@pytest.fixture
def stage(world: World) -> Stage:
    made = Stage(world)
    made.trust(StringEquals={"sts:ExternalId": SECRET})
    return made


def counted(clients: Clients, sent: list[str]) -> Clients:
    """Return the same clients, which add each request that they send to `sent`."""

    def client(service: str) -> Any:
        made = clients(service)
        made.meta.events.register("before-send.*.*", lambda event_name, **_: sent.append(event_name))
        return made

    return client


def test_both_sides_are_read_with_the_attempt_in_at_most_twelve_calls(stage: Stage) -> None:
    sent: list[str] = []
    stage.device()
    stage.parameters = {"SerialNumber": stage.alice.replace(":user/", ":mfa/"), "TokenCode": "123456"}
    roots = (stage.root_of(account) for account in (stage.world.source, stage.world.destination))
    source, destination = (AccountSession(counted(clients, sent)) for clients in roots)
    caller = AccountSession(counted(stage.clients(), sent))
    snapshot = take_snapshot(stage.attempt, DiagnosisSessions(caller, source, destination))
    with pytest.raises(Exception, match="invalid MFA one time pass code"):
        caller.client("sts").assume_role(RoleArn=stage.role, RoleSessionName="desk", **stage.parameters)

    assert len(sent) == 10
    assert len(snapshot.calls) == len(sent) - 1
    assert len(sent) + 2 <= 12  # and a second page of a large account on each side


@pytest.mark.parametrize(
    ("sides", "readable"),
    [
        (("source", "destination"), {"caller", "source", "destination"}),
        (("source",), {"caller", "source"}),
        (("destination",), {"caller", "destination"}),
        ((), {"caller"}),
    ],
)
def test_a_side_that_no_session_may_read_is_left_out_with_the_reason(
    stage: Stage, sides: tuple[str, ...], readable: set[str]
) -> None:
    snapshot = stage.snapshot(*sides)

    assert {side for side in ("caller", "source", "destination") if snapshot.readable(side)} == readable
    assert set(snapshot.unread) == {"caller", "source", "destination"} - readable
    assert all(snapshot.unread.values())


def test_without_any_session_nothing_is_read_and_nothing_fails(stage: Stage) -> None:
    snapshot = take_snapshot(stage.attempt, DiagnosisSessions())

    assert snapshot.calls == ()
    assert snapshot.unread == dict.fromkeys(
        ("caller", "source", "destination"), "No session was given to read it with."
    )


def test_a_caller_who_may_read_iam_reads_the_source_side(stage: Stage) -> None:
    stage.identity(allow("iam:*", "*"), "reads-iam")
    snapshot = stage.snapshot()

    assert snapshot.source is not None
    assert snapshot.source.principal is not None
    assert snapshot.source.principal.arn == stage.alice
    assert sorted(policy.name for policy in snapshot.source.policies) == ["assume", "reads-iam"]


def test_the_source_side_has_the_callers_policies_and_others_that_name_the_role(stage: Stage) -> None:
    bound = stage.managed("bound", allow("*", "*"))
    loose = stage.managed("loose", allow("sts:AssumeRole", stage.role))
    stage.source_iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=bound)
    stage.source_iam.put_group_policy(
        GroupName="analysts", PolicyName="lists", PolicyDocument=allow("s3:ListBucket", "*")
    )
    source = stage.snapshot("source").source

    assert source is not None
    assert source.principal is not None
    assert source.principal.boundary is not None
    assert (source.principal.boundary.arn, source.principal.id[:4]) == (bound, "AIDA")
    assert [(policy.name, policy.holder.rpartition(":")[2]) for policy in source.policies] == [
        ("assume", "user/alice"),
        ("lists", "group/analysts"),
    ]
    assert [policy.arn for policy in source.loose] == [loose]


def test_a_role_with_another_path_or_letter_case_is_found_for_a_missing_one(stage: Stage) -> None:
    stage.role = stage.role.replace("role/reader", "role/teams/READER")
    destination = stage.snapshot("destination").destination

    assert destination is not None
    assert destination.others[:1] == (stage.role.replace("teams/READER", "reader"),) or (
        destination.role is not None and destination.role.arn.endswith("role/reader")
    )


def test_a_session_in_another_account_reads_nothing_there(stage: Stage) -> None:
    here = AccountSession(stage.root_of(stage.world.source))
    snapshot = take_snapshot(stage.attempt, DiagnosisSessions(destination=here))

    assert snapshot.destination is None
    assert f"The session is in account {stage.world.source}" in snapshot.unread["destination"]


def test_it_goes_to_a_file_and_back_without_external_ids(stage: Stage, tmp_path: Path) -> None:
    snapshot = stage.snapshot("source", "destination")
    path = write_snapshot(snapshot, tmp_path / "for-you" / "snapshot.json")
    again = read_snapshot(path)

    assert SECRET not in path.read_text()
    assert path.stat().st_mode & 0o077 == 0
    assert again.to_json() == snapshot.to_json()
    assert again.readable("destination")


@pytest.mark.parametrize(
    "change",
    [
        lambda content: "not json",
        lambda content: "[]",
        lambda content: json.dumps(content | {"schema": "something/else"}),
        lambda content: json.dumps(content | {"surprise": 1}),
        lambda content: json.dumps(content | {"caller": {"arn": 5}}),
    ],
)
def test_a_file_that_is_no_snapshot_is_refused(tmp_path: Path, change: Callable[[Any], str]) -> None:
    path = tmp_path / "snapshot.json"
    path.write_text(change(Snapshot().to_json()))

    with pytest.raises(InvalidSnapshot):
        read_snapshot(path)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSnapshot, match="not a snapshot"):
        read_snapshot(tmp_path / "nowhere.json")


def test_what_the_other_owner_sent_fills_the_side_that_is_missing(stage: Stage) -> None:
    ours, theirs = stage.snapshot("source"), stage.snapshot("destination")
    whole = ours.with_sides_of(Snapshot.from_json(theirs.to_json()))

    assert whole.readable("source")
    assert whole.readable("destination")
    assert "destination" not in whole.unread
    assert whole.taken == ours.taken


class TestProfiles:
    """Profiles are opened, and a profile that fails stops nothing."""

    def opened(self, world: World, stage: Stage, **profiles: list[str]) -> Any:
        endpoint = Endpoint(str(world.config_file), str(world.credentials_file), world.endpoint)
        attempt = stage.attempt.model_copy(update={"caller": stage.alice})
        return open_for_diagnosis(attempt, **profiles, endpoint=endpoint)

    def test_each_side_takes_the_profile_that_fits(self, world: World, stage: Stage) -> None:
        both = ["destination-admin", "source-admin"]
        sides = self.opened(
            world,
            stage,
            source_profiles=both,
            destination_profiles=both,
            caller_profiles=["mallory", "alice"],
        )

        assert [each["profile"] for each in sides.to_json()] == ["alice", "source-admin", "destination-admin"]

    def test_a_missing_profile_is_a_problem_and_stops_nothing(self, world: World, stage: Stage) -> None:
        sides = self.opened(
            world, stage, source_profiles=["source-admin"], caller_profiles=["nobody-of-that-name"]
        )

        assert sides.caller is None
        assert "The config profile (nobody-of-that-name) could not be found" in sides.problems["caller"]
        assert sides.source is not None

    def test_the_only_caller_profile_is_used_even_if_it_is_another_caller(
        self, world: World, stage: Stage
    ) -> None:
        sides = self.opened(world, stage, caller_profiles=["mallory"])

        assert sides.caller.identity["Arn"] == stage.mallory


def test_a_boundary_that_aws_owns_is_read_and_decides(stage: Stage) -> None:
    stage.source_iam.put_user_permissions_boundary(
        UserName="alice", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    tried = stage.try_it()
    found = stage.diagnosis(tried, "source", "destination").causes[0]

    assert (tried.allowed, found.code, found.confidence) == (False, "caller-boundary", "certain")
    assert "ReadOnlyAccess" in found.nearest[0].statement


def test_session_policies_by_arn_and_the_policies_of_keys_secrets_and_queues_are_read(stage: Stage) -> None:
    account = stage.world.destination
    key = stage.root("kms", account).create_key()["KeyMetadata"]["Arn"]
    secret = stage.root("secretsmanager", account).create_secret(Name="notes", SecretString="x")["ARN"]
    stage.root("sqs", account).create_queue(QueueName="jobs")
    stage.parameters = {"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/ReadOnlyAccess"}]}
    read: dict[str, Any] = {}
    for stage.action, stage.resource in (
        ("kms:Decrypt", key),
        ("secretsmanager:GetSecretValue", secret),
        ("sqs:SendMessage", f"arn:aws:sqs:us-east-1:{account}:jobs"),
    ):
        side = stage.snapshot("destination").destination
        assert side is not None
        read |= side.resource_policies

    assert [policy.name for policy in side.session_policies if policy.document] == ["ReadOnlyAccess"]
    assert read[key]["Statement"][0]["Principal"] == {"AWS": f"arn:aws:iam::{account}:root"}
    assert {arn.split(":")[2] for arn in read} == {"kms", "secretsmanager", "sqs"}
