"""Failures of the client, before AWS decides: produced for real with boto3, diagnosed, fixed."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import ClientError

from support.denial_stage import Stage, allow, trusting
from support.failing_client import TABLE, Workstation, Wrong, signed_in
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.aws_profiles import read_client


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workstation:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "aws"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    stage = Stage(world)
    desk = Workstation(world, monkeypatch, stage)
    key, secret = stage.keys
    desk.set("alice", aws_access_key_id=key, aws_secret_access_key=secret)
    desk.set("reader", role_arn=stage.role, source_profile="alice", role_session_name="desk")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return desk


def explained(on: Workstation, text: str) -> Diagnosis:
    return diagnose(Snapshot(client=read_client(on.profile)), denial=read_denial(text))


@pytest.mark.parametrize("wrong", TABLE, ids=str)
def test_the_cause_ranks_first_and_with_its_fix_the_same_request_succeeds(
    desk: Workstation, wrong: Wrong
) -> None:
    before = desk.call()
    wrong.break_it(desk)
    text = desk.call()
    found, by_text = explained(desk, text), diagnose(denial=read_denial(text))

    assert (before, bool(text)) == ("", True)
    assert (found.causes[0].code, found.causes[0].side) == (wrong.code, "client"), (text, found)
    assert by_text.causes[0].code == wrong.code, by_text

    (wrong.mend or (lambda on: on.apply_fix(found.causes[0])))(desk)

    assert desk.call() == ""


def test_keys_in_the_environment_that_precede_the_profile_are_recognized_and_unset(
    desk: Workstation,
) -> None:
    key, secret = desk.stage.keys_of("mallory")
    desk.patch.setenv("AWS_PROFILE", "alice")
    desk.patch.setenv("AWS_ACCESS_KEY_ID", key)
    desk.patch.setenv("AWS_SECRET_ACCESS_KEY", secret)
    text = assumed(desk)
    attempt = Attempt(caller=desk.stage.alice, role=desk.stage.role)
    found = diagnose(Snapshot(client=read_client()), attempt=attempt, denial=read_denial(text))

    assert "user/mallory is not authorized" in text
    assert found.causes[0].code == "another-caller", found
    assert "AWS_ACCESS_KEY_ID" in found.causes[0].why

    desk.apply_fix(found.causes[0])

    assert assumed(desk) == ""


def assumed(on: Workstation) -> str:
    """Return the error when boto3's default session assumes the role."""
    client = boto3.Session().client("sts", region_name="us-east-1", endpoint_url=on.world.endpoint)
    try:
        client.assume_role(RoleArn=on.stage.role, RoleSessionName="desk")
    except ClientError as problem:
        return str(problem)
    return ""


def test_a_session_that_requests_a_session_is_recognized(desk: Workstation) -> None:
    sts = boto3.Session(profile_name="reader").client("sts", region_name="us-east-1")
    found = diagnose(denial=refused(sts.get_session_token))
    own = boto3.Session(profile_name="alice").client("sts", region_name="us-east-1")

    assert found.causes[0].code == "session-cannot-get-session"
    assert own.get_session_token()["Credentials"]["SessionToken"]


def test_sessions_that_the_cli_caches_are_a_possible_cause(desk: Workstation, tmp_path: Path) -> None:
    cache = tmp_path / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    (cache / "0123.json").write_text("{}")
    desk.stage.trust(desk.stage.mallory)
    tried = desk.stage.try_it()
    desk.stage.trust()
    kept = Snapshot(client=read_client())
    by_text = diagnose(kept, denial=tried.denial)
    now = diagnose(kept, attempt=desk.stage.attempt, denial=tried.denial, result=desk.stage.try_it())

    assert "cached-session" in by_text.indistinguishable_causes
    assert now.causes == ()
    assert "The AWS CLI has cached sessions" in now.notes[1]


def test_the_client_settings_have_no_secret(desk: Workstation) -> None:
    desk.set("reader", external_id="the-agreed:id")
    signed_in(desk)
    desk.patch.setenv("AWS_PROFILE", "reader")
    sent = Snapshot(client=read_client()).to_json()
    secrets = [*desk.stage.keys, "the-agreed:id"]

    assert [secret for secret in secrets if secret in str(sent)] == []
    assert sent["client"]["variables"]["AWS_SECRET_ACCESS_KEY"] == "set"
    assert sent["client"]["profiles"]["reader"]["external_id"].startswith("secret:")


def refused(call: Callable[[], Any]) -> Denial:
    """Return the denial of a request that AWS refuses."""
    with pytest.raises(ClientError) as problem:
        call()
    return read_denial(str(problem.value))


class TestWrites:
    """A write that AWS refuses is recognized by its text; AWS accepts the right document."""

    @pytest.mark.parametrize(
        ("named", "code"),
        [
            ("user/nobody", "invalid-principal"),
            ("user/al*", "wildcard-or-group-trusted"),
            ("group/analysts", "wildcard-or-group-trusted"),
            ("role/AWSReservedSSO_Books_0123456789abcdef", "role-path-left-out"),
        ],
    )
    def test_a_principal_that_cannot_be_trusted(self, desk: Workstation, named: str, code: str) -> None:
        document = trusting(desk.stage.alice.replace("user/alice", named))
        write = desk.stage.destination_iam.update_assume_role_policy
        found = diagnose(denial=refused(lambda: write(RoleName="reader", PolicyDocument=document)))

        assert (found.causes[0].code, found.causes[0].side) == (code, "destination"), found
        assert write(RoleName="reader", PolicyDocument=trusting(desk.stage.alice))

    def test_a_trust_policy_over_the_quota(self, desk: Workstation) -> None:
        document = trusting(*[desk.stage.alice] * 60)
        write = desk.stage.destination_iam.update_assume_role_policy
        found = diagnose(denial=refused(lambda: write(RoleName="reader", PolicyDocument=document)))

        assert found.causes[0].code == "trust-policy-too-long"

    @pytest.mark.parametrize(
        ("fault", "code"),
        [("concurrent-modification", "trust-overwritten"), ("error-503", "control-plane-event")],
    )
    def test_another_write_at_the_same_time_and_an_incident_of_iam_are_recognized(
        self, sandbox: Sandbox, desk: Workstation, fault: str, code: str
    ) -> None:
        tags = {"RoleName": "reader", "Tags": [{"Key": "team", "Value": "books"}]}
        misbehave(sandbox, Fault(fault, ("TagRole",)))
        found = diagnose(denial=refused(lambda: desk.stage.destination_iam.tag_role(**tags)))
        behave(sandbox)

        assert found.causes[0].code == code
        assert desk.stage.destination_iam.tag_role(**tags)


def test_a_change_that_is_not_in_effect_yet_is_recognized_and_waiting_fixes_it(
    sandbox: Sandbox, desk: Workstation
) -> None:
    stage = desk.stage
    stage.identity(None)
    misbehave(sandbox, Fault("propagation", ("PutUserPolicy",), seconds=5))
    stage.identity(allow("sts:AssumeRole", stage.role))
    tried = stage.try_it()
    found = stage.diagnosis(tried, "source", "destination")
    behave(sandbox)
    now = stage.try_it()
    later = diagnose(attempt=stage.attempt, denial=tried.denial, result=now)

    assert not tried.allowed
    assert (found.causes[0].code, found.causes[0].confidence) == ("not-in-effect-yet", "likely"), found
    assert now.allowed
    assert (later.headline, later.causes) == ("AWS allows it now.", ())
    assert "until a change is in effect" in later.notes[0]
