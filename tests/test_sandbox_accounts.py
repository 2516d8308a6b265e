"""Who lives in a world, seen through the files that it writes."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path

import boto3
import pytest
from botocore.exceptions import ClientError

from xacct_nb.aws.clients import connect
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import Side, World
from xacct_nb.sandbox.server.state import Sandbox

Open = Callable[[str], boto3.Session]


@pytest.fixture
def session(world: World, monkeypatch: pytest.MonkeyPatch) -> Open:
    """A session by the name of a profile, made as any user of boto3 would."""
    _use(world, monkeypatch)
    return lambda profile: boto3.Session(profile_name=profile)


@pytest.mark.parametrize(
    ("profile", "side", "who"),
    [
        ("source-admin", "source", "user/admin"),
        ("destination-admin", "destination", "user/admin"),
        ("alice", "source", "user/alice"),
        ("mallory", "source", "user/mallory"),
        ("hub", "source", "assumed-role/hub/ann"),
    ],
)
def test_every_profile_is_who_it_says(
    session: Open, world: World, profile: str, side: Side, who: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    _name_sessions(world, "ann")
    arn = session(profile).client("sts").get_caller_identity()["Arn"]

    assert arn.split("::")[1] == f"{world.account(side)}:{who}"


def test_alice_has_no_permissions_but_a_group_for_them(session: Open) -> None:
    iam = session("source-admin").client("iam")

    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == []
    assert iam.list_group_policies(GroupName="analysts")["PolicyNames"] == []
    assert [user["UserName"] for user in iam.get_group(GroupName="analysts")["Users"]] == ["alice"]


def test_no_role_trusts_mallory(session: Open, world: World) -> None:
    sts = session("mallory").client("sts")
    role = f"arn:aws:iam::{world.source}:role/hub"

    with pytest.raises(ClientError, match="AccessDenied"):
        sts.assume_role(RoleArn=role, RoleSessionName="mallory")


def test_the_buckets_belong_to_the_destination(session: Open, world: World) -> None:
    s3 = session("destination-admin").client("s3")
    names = world.bucket, world.other_bucket
    keys = [s3.list_objects_v2(Bucket=name)["Contents"][0]["Key"] for name in names]

    assert keys == ["2026/summary.csv", "2026/salaries.csv"]
    with pytest.raises(ClientError, match="AccessDenied"):
        session("source-admin").client("s3").list_objects_v2(Bucket=world.bucket)


def test_furnishing_again_changes_nothing(session: Open, sandbox: Sandbox, world: World) -> None:
    before = world.config_file.read_text(), world.credentials_file.read_text()
    again = add_accounts(sandbox, world.source, world.destination, world.config_file.parent)

    assert again == world
    assert (world.config_file.read_text(), world.credentials_file.read_text()) == before


def test_furnishing_again_keeps_the_profiles_of_others(sandbox: Sandbox, world: World) -> None:
    with world.config_file.open("a") as file:
        file.write("\n[profile mine]\nregion = eu-west-1\n")
    add_accounts(sandbox, world.source, world.destination, world.config_file.parent)

    assert "[profile mine]\nregion = eu-west-1\n" in world.config_file.read_text()


def test_keys_whose_file_is_lost_are_made_anew(session: Open, sandbox: Sandbox, world: World) -> None:
    for _ in range(3):
        world.credentials_file.unlink()
        add_accounts(sandbox, world.source, world.destination, world.config_file.parent)
    iam = session("source-admin").client("iam")

    assert len(iam.list_access_keys(UserName="alice")["AccessKeyMetadata"]) == 2


def test_only_the_owner_can_read_the_credentials(world: World) -> None:
    assert world.credentials_file.stat().st_mode & 0o777 == 0o600


def test_the_first_world_has_the_plain_bucket_names(sandbox: Sandbox, tmp_path: Path) -> None:
    world = add_accounts(sandbox, "111111111111", "222222222222", tmp_path)

    assert (world.bucket, world.other_bucket) == ("reports", "payroll")


def test_bucket_names_are_one_namespace_for_all_accounts(sandbox: Sandbox, world: World) -> None:
    s3 = connect(
        "s3",
        endpoint_url=sandbox.endpoint,
        access_key_id=world.source,
        secret_access_key=world.root_secret(world.source),
    )

    with pytest.raises(ClientError, match="BucketAlreadyExists"):
        s3.create_bucket(Bucket=world.bucket)


def test_the_aws_cli_needs_only_the_files(world: World) -> None:
    identity = json.loads(_aws(world.config_file, world, "sts", "get-caller-identity", "--profile", "alice"))

    assert identity["Arn"] == f"arn:aws:iam::{world.source}:user/alice"


def test_the_aws_cli_lists_a_bucket_through_a_role(session: Open, world: World, tmp_path: Path) -> None:
    role = _grant_alice(session, world)
    config = tmp_path / "with-reader"
    reader = f"[profile reader]\nrole_arn = {role}\nsource_profile = alice\n"
    place = f"region = us-east-1\nendpoint_url = {world.endpoint}\n"
    config.write_text(world.config_file.read_text() + reader + place)
    listing = _aws(config, world, "s3", "ls", f"s3://{world.bucket}", "--profile", "reader")

    assert listing.split() == ["PRE", "2026/"]


def _grant_alice(session: Open, world: World) -> str:
    iam = session("destination-admin").client("iam")
    alice = {"AWS": f"arn:aws:iam::{world.source}:user/alice"}
    trust = _policy("sts:AssumeRole", Principal=alice)
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust)["Role"]["Arn"]
    listing = _policy("s3:ListBucket", Resource=f"arn:aws:s3:::{world.bucket}")
    iam.put_role_policy(RoleName="reader", PolicyName="list", PolicyDocument=listing)
    may_assume = _policy("sts:AssumeRole", Resource=role)
    session("source-admin").client("iam").put_user_policy(
        UserName="alice", PolicyName="assume", PolicyDocument=may_assume
    )
    return str(role)


def _policy(action: str, **rest: object) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": action, **rest}})


def _name_sessions(world: World, name: str) -> None:
    config = ConfigParser()
    config.read(world.config_file)
    config["profile hub"]["role_session_name"] = name
    with world.config_file.open("w") as file:
        config.write(file)


def _use(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(world.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))


def _aws(config: Path, world: World, *words: str) -> str:
    environment = {"AWS_CONFIG_FILE": str(config), "AWS_SHARED_CREDENTIALS_FILE": str(world.credentials_file)}
    command = [str(Path(sys.executable).with_name("aws")), *words]
    return subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout
