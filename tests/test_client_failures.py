"""What fails on the client before AWS decides anything: made for real by boto3, explained, mended."""

import os
import shlex
from collections.abc import Callable
from configparser import ConfigParser
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import boto3
import botocore.auth
import pytest
from botocore.compat import get_current_datetime
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from support.denial_stage import Stage, allow, trusting
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.denial import Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.sandbox.faults.demands import behave, misbehave
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.aws_profiles import read_client

ONCE = Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=2)


@dataclass
class Desk:
    """A client: its AWS files and variables, with the profile `alice`, who may assume the role `reader`."""

    world: World
    patch: pytest.MonkeyPatch
    stage: Stage
    profile: str = "reader"

    @property
    def config(self) -> Path:
        return Path(os.environ["AWS_CONFIG_FILE"])

    def set(self, profile: str, **fields: str) -> None:
        """A profile with these fields beside the usual ones; an empty field is taken out."""
        parser = self.parsed()
        section = f"profile {profile}"
        usual = {"region": "us-east-1", "endpoint_url": self.world.endpoint}
        known = dict(parser[section]) if parser.has_section(section) else usual
        parser[section] = {name: value for name, value in {**known, **fields}.items() if value}
        with self.config.open("w") as file:
            parser.write(file)

    def parsed(self) -> ConfigParser:
        parser = ConfigParser(interpolation=None)
        parser.read(self.config)
        return parser

    def call(self) -> str:
        """Asks with the profile in use who it is, by way of the role where it names one; what went wrong."""
        try:
            session = boto3.Session(profile_name=self.profile or None)
            session.client("sts", region_name="us-east-1", config=ONCE).get_caller_identity()
        except (BotoCoreError, ClientError) as problem:
            return f"{type(problem).__module__}.{type(problem).__name__}: {problem}"
        return ""

    def obey(self, cause: Cause) -> None:
        """Does what the mend says, as a shell would."""
        for command in cause.commands:
            match shlex.split(command):
                case ["export", setting]:
                    self.patch.setenv(*setting.split("=", 1))
                    self.profile = setting.partition("=")[2]
                case ["unset", *names]:
                    for name in names:
                        self.patch.delenv(name, raising=False)
                case ["aws", "configure", "set", field, value, "--profile", profile]:
                    self.set(profile, **{field: value})
                case other:
                    raise AssertionError(other)


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / "aws"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    stage = Stage(world)
    desk = Desk(world, monkeypatch, stage)
    key, secret = stage.keys
    desk.set("alice", aws_access_key_id=key, aws_secret_access_key=secret)
    desk.set("reader", role_arn=stage.role, source_profile="alice", role_session_name="desk")
    monkeypatch.setattr(boto3, "DEFAULT_SESSION", None)
    return desk


@dataclass(frozen=True)
class Wrong:
    """One cause on the client, and its mend where no command is one."""

    code: str
    entries: str
    break_it: Callable[[Desk], Any]
    mend: Callable[[Desk], Any] | None = None

    def __str__(self) -> str:
        return f"{self.entries}-{self.code}"


def use(profile: str) -> Callable[[Desk], None]:
    return lambda on: setattr(on, "profile", profile)


def nothing_there(on: Desk) -> None:
    on.config.unlink()
    on.profile = ""


def signed_in(on: Desk) -> None:
    on.patch.setenv("AWS_ACCESS_KEY_ID", on.stage.keys[0])
    on.patch.setenv("AWS_SECRET_ACCESS_KEY", on.stage.keys[1])
    on.patch.setenv("AWS_ENDPOINT_URL", on.world.endpoint)


def looping(on: Desk) -> None:
    on.set("middle", role_arn=on.stage.role, source_profile="reader")
    on.set("reader", source_profile="middle")


def environment(on: Desk, written: str) -> None:
    on.set("reader", source_profile="", credential_source=written)
    if written != "Environment":
        signed_in(on)


def not_a_config(on: Desk) -> None:
    on.patch.setattr(on, "written", on.config.read_text(), raising=False)
    on.config.write_text("[profile alice\nregion = us-east-1\n")


def wrong_clock(on: Desk) -> None:
    on.patch.setattr(
        botocore.auth, "get_current_datetime", lambda: get_current_datetime() - timedelta(hours=1)
    )


def right_clock(on: Desk) -> None:
    on.patch.setattr(botocore.auth, "get_current_datetime", get_current_datetime)


def nobody_listens(on: Desk) -> None:
    for profile in ("alice", "reader"):
        on.set(profile, endpoint_url="http://127.0.0.1:9")


def somebody_listens(on: Desk) -> None:
    for profile in ("alice", "reader"):
        on.set(profile, endpoint_url=on.world.endpoint)


TABLE = (
    Wrong("no-credentials", "A1", nothing_there, signed_in),
    Wrong("missing-profile", "A2", use("readr")),
    Wrong("missing-profile", "A2", use("arn:aws:iam::222222222222:role/reader"), use("reader")),
    Wrong("missing-source-profile", "A3", lambda on: on.set("reader", source_profile="alcie")),
    Wrong("two-credential-sources", "A4", lambda on: on.set("reader", credential_source="Environment"),
          lambda on: on.set("reader", credential_source="")),
    Wrong("no-credential-source", "A5", lambda on: on.set("reader", source_profile="")),
    Wrong("profile-loop", "A6", looping),
    Wrong("wrong-credential-source", "A7", lambda on: environment(on, "Enviroment")),
    Wrong("wrong-credential-source", "A7", lambda on: environment(on, "Environment"), signed_in),
    Wrong("clock-skew", "A11", wrong_clock, right_clock),
    Wrong("unreadable-files", "A19", not_a_config, lambda on: on.config.write_text(on.written)),  # type: ignore[attr-defined]
    Wrong("no-route", "F5", nobody_listens, somebody_listens),
)  # fmt: skip


def explained(on: Desk, text: str) -> Diagnosis:
    return diagnose(Snapshot(client=read_client(on.profile)), denial=read_denial(text))


@pytest.mark.parametrize("wrong", TABLE, ids=str)
def test_the_cause_comes_first_and_its_mend_lets_the_same_call_in(desk: Desk, wrong: Wrong) -> None:
    before = desk.call()
    wrong.break_it(desk)
    text = desk.call()
    found, by_text = explained(desk, text), diagnose(denial=read_denial(text))

    assert (before, bool(text)) == ("", True)
    assert (found.causes[0].code, found.causes[0].side) == (wrong.code, "client"), (text, found)
    assert by_text.causes[0].code == wrong.code, by_text

    (wrong.mend or (lambda on: on.obey(found.causes[0])))(desk)

    assert desk.call() == ""


def test_keys_in_the_environment_that_come_before_the_profile_are_told_and_taken_out(desk: Desk) -> None:
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

    desk.obey(found.causes[0])

    assert assumed(desk) == ""


def assumed(on: Desk) -> str:
    """What went wrong when the session that boto3 finds by itself assumes the role."""
    client = boto3.Session().client("sts", region_name="us-east-1", endpoint_url=on.world.endpoint)
    try:
        client.assume_role(RoleArn=on.stage.role, RoleSessionName="desk")
    except ClientError as problem:
        return str(problem)
    return ""


def test_a_session_that_asks_for_a_session_is_told(desk: Desk) -> None:
    sts = boto3.Session(profile_name="reader").client("sts", region_name="us-east-1")
    found = diagnose(denial=refused(sts.get_session_token))
    own = boto3.Session(profile_name="alice").client("sts", region_name="us-east-1")

    assert found.causes[0].code == "session-cannot-get-session"
    assert own.get_session_token()["Credentials"]["SessionToken"]


def test_sessions_that_the_cli_keeps_are_a_possible_cause(desk: Desk, tmp_path: Path) -> None:
    cache = tmp_path / ".aws" / "cli" / "cache"
    cache.mkdir(parents=True)
    (cache / "0123.json").write_text("{}")
    desk.stage.trust(desk.stage.mallory)
    tried = desk.stage.try_it()
    desk.stage.trust()
    kept = Snapshot(client=read_client())
    by_text = diagnose(kept, denial=tried.denial)
    now = diagnose(kept, attempt=desk.stage.attempt, denial=tried.denial, tried=desk.stage.try_it())

    assert "cached-session" in by_text.alike
    assert [each.code for each in now.causes] == ["not-in-effect-yet", "cached-session"]
    assert now.causes[1].commands == ("rm -r ~/.aws/cli/cache",)


def test_the_clients_side_holds_no_secret(desk: Desk) -> None:
    desk.set("reader", external_id="the-agreed:word")
    signed_in(desk)
    desk.patch.setenv("AWS_PROFILE", "reader")
    told = Snapshot(client=read_client()).to_json()
    secrets = [*desk.stage.keys, "the-agreed:word"]

    assert [word for word in secrets if word in str(told)] == []
    assert told["client"]["variables"]["AWS_SECRET_ACCESS_KEY"] == "set"
    assert told["client"]["profiles"]["reader"]["external_id"].startswith("secret:")


def refused(call: Callable[[], Any]) -> Denial:
    """What AWS says to a call that it refuses."""
    with pytest.raises(ClientError) as problem:
        call()
    return read_denial(str(problem.value))


class TestWrites:
    """What AWS refuses while a side is written: told by its text, and the right document is taken."""

    @pytest.mark.parametrize(
        ("named", "code"),
        [
            ("user/nobody", "invalid-principal"),
            ("user/al*", "wildcard-or-group-trusted"),
            ("group/analysts", "wildcard-or-group-trusted"),
            ("role/AWSReservedSSO_Books_0123456789abcdef", "role-path-left-out"),
        ],
    )
    def test_a_principal_that_cannot_be_trusted(self, desk: Desk, named: str, code: str) -> None:
        document = trusting(desk.stage.alice.replace("user/alice", named))
        write = desk.stage.far.update_assume_role_policy
        found = diagnose(denial=refused(lambda: write(RoleName="reader", PolicyDocument=document)))

        assert (found.causes[0].code, found.causes[0].side) == (code, "destination"), found
        assert write(RoleName="reader", PolicyDocument=trusting(desk.stage.alice))

    def test_a_trust_policy_over_the_quota(self, desk: Desk) -> None:
        document = trusting(*[desk.stage.alice] * 60)
        write = desk.stage.far.update_assume_role_policy
        found = diagnose(denial=refused(lambda: write(RoleName="reader", PolicyDocument=document)))

        assert found.causes[0].code == "trust-policy-too-long"

    @pytest.mark.parametrize(
        ("fault", "code"),
        [("concurrent-modification", "trust-overwritten"), ("error-503", "control-plane-event")],
    )
    def test_somebody_else_writes_or_iam_has_trouble(
        self, sandbox: Sandbox, desk: Desk, fault: str, code: str
    ) -> None:
        tags = {"RoleName": "reader", "Tags": [{"Key": "team", "Value": "books"}]}
        misbehave(sandbox, Fault(fault, ("TagRole",)))
        found = diagnose(denial=refused(lambda: desk.stage.far.tag_role(**tags)))
        behave(sandbox)

        assert found.causes[0].code == code
        assert desk.stage.far.tag_role(**tags)


def test_a_change_that_is_not_in_effect_yet_is_told_and_waiting_is_the_mend(
    sandbox: Sandbox, desk: Desk
) -> None:
    stage = desk.stage
    stage.identity(None)
    misbehave(sandbox, Fault("propagation", ("PutUserPolicy",), seconds=5))
    stage.identity(allow("sts:AssumeRole", stage.role))
    tried = stage.try_it()
    found = stage.diagnosis(tried, "source", "destination")
    behave(sandbox)
    now = stage.try_it()
    later = diagnose(attempt=stage.attempt, denial=tried.denial, tried=now)

    assert not tried.allowed
    assert (found.causes[0].code, found.causes[0].confidence) == ("not-in-effect-yet", "likely"), found
    assert now.allowed
    assert later.causes[0].code == "not-in-effect-yet"
