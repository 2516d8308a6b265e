"""The secrets that a process's AWS clients sign with and receive are captured, and nothing else."""

import json
import os
import subprocess
import sys
from configparser import ConfigParser
from datetime import UTC, datetime, timedelta

import pytest
from boto3 import Session
from botocore.credentials import RefreshableCredentials
from botocore.session import Session as Core

from support.desk import Desk
from support.examples import endpoint_of, root_iam
from xacct_nb.aws.credential_capture import capture_credentials
from xacct_nb.aws.profile_clients import clients_of
from xacct_nb.sandbox.server.accounts import World


@pytest.fixture
def heard() -> set[str]:
    found: set[str] = set()
    capture_credentials(found.update)
    return found


def test_a_client_of_a_run_is_captured(world: World, heard: set[str]) -> None:
    answer = clients_of("alice", endpoint_of(world), "aws")("sts").get_session_token()["Credentials"]

    assert {answer["AccessKeyId"], answer["SecretAccessKey"], answer["SessionToken"]} <= heard
    assert set(key_of("alice", world)) <= heard


def test_a_session_that_is_opened_before_the_run_is_captured_too() -> None:
    code = (
        "from xacct_nb.aws.profile_clients import AWS_ITSELF, clients_of\n"
        "client = clients_of('', AWS_ITSELF, 'aws')('sts')\n"
        "from xacct_nb.aws.credential_capture import capture_credentials\n"
        "found = set()\n"
        "capture_credentials(found.update)\n"
        "client.generate_presigned_url('get_caller_identity')\n"
        "print(sorted(found))"
    )
    keys = {"AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE", "AWS_SECRET_ACCESS_KEY": "a-secret-of-this-test"}
    shown = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | keys, capture_output=True, text=True, check=True
    ).stdout

    assert shown.strip() == str(sorted(keys.values()))


def test_the_seed_of_a_new_mfa_device_is_captured(desk: Desk, heard: set[str]) -> None:
    iam = Session(profile_name="source-admin").client("iam")
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName="of-the-test")["VirtualMFADevice"]

    assert made["Base32StringSeed"].decode() in heard


def test_a_client_of_boto3_s_own_is_captured(desk: Desk, heard: set[str]) -> None:
    iam = Session(profile_name="source-admin").client("iam")
    made = iam.create_access_key(UserName="mallory")["AccessKey"]

    assert {made["AccessKeyId"], made["SecretAccessKey"]} <= heard
    assert set(key_of("source-admin", desk.world)) <= heard


def test_credentials_that_change_while_a_client_lives_are_captured(desk: Desk, heard: set[str]) -> None:
    keys = [key_of(profile, desk.world) for profile in ("alice", "mallory")]
    first, second = (entered(*key) for key in keys)
    core = Core(profile="alice")
    core._credentials = RefreshableCredentials.create_from_metadata(first, lambda: second, "x")
    sts = core.create_client("sts", region_name="us-east-1")
    sts.get_caller_identity()
    core._credentials._expiry_time = datetime.now(UTC)
    sts.get_caller_identity()

    assert {*keys[0], *keys[1]} <= heard


def test_external_ids_of_trust_policies_that_are_read_are_captured(world: World, heard: set[str]) -> None:
    iam = root_iam(world, world.destination)
    condition = {"StringEquals": {"sts:ExternalId": "of-another-grant-1234"}}
    statement = {"Effect": "Allow", "Principal": {"AWS": world.source}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [statement | {"Condition": condition}]}
    iam.create_role(RoleName="other", AssumeRolePolicyDocument=json.dumps(trust))
    clients_of("destination-admin", endpoint_of(world), "aws")("iam").get_role(RoleName="other")

    assert "of-another-grant-1234" in heard


def test_what_is_too_short_for_a_secret_of_aws_is_not(world: World, heard: set[str]) -> None:
    root_iam(world, world.source).list_users()

    assert heard & {"test", world.source} == set()


def key_of(profile: str, world: World) -> tuple[str, str]:
    parser = ConfigParser()
    parser.read(world.credentials_file)
    return parser[profile]["aws_access_key_id"], parser[profile]["aws_secret_access_key"]


def entered(key_id: str, secret: str) -> dict[str, str]:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    return {"access_key": key_id, "secret_key": secret, "token": "", "expiry_time": later}
