"""The real `aws` command does the article's procedure in the sandbox, and uses roles by its own profiles."""

import base64
import hmac
import json
import os
import subprocess
import time
from pathlib import Path

import pytest

from support.boto3_clients import policy, trust
from support.examples import root_iam
from support.owner_scripts import aws_cli
from xacct_nb.sandbox.server.accounts import World

EXTERNAL_ID = "9f1c7d2e-customer"
__all__ = ["aws_cli"]


class Shell:
    """A terminal in a folder of its own, in which nothing of the user's own AWS set-up is known."""

    def __init__(self, world: World, folder: Path, aws_cli: Path) -> None:
        self.folder, self.endpoint, self._program = folder, world.endpoint, aws_cli / "aws"
        self.environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "AWS_CONFIG_FILE": str(world.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(world.credentials_file),
        }

    def aws(self, command: str, typed: str = "") -> subprocess.CompletedProcess[str]:
        """Runs `aws ...`; no argument of the command has a space. `typed` goes to its prompts."""
        return subprocess.run(
            [self._program, *command.split()],
            cwd=self.folder,
            env=self.environment,
            input=typed,
            capture_output=True,
            text=True,
            check=False,
        )

    def does(self, command: str, typed: str = "") -> str:
        """What a command prints; it must succeed."""
        done = self.aws(command, typed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def export(self, **variables: str) -> None:
        self.environment |= variables

    def profile(self, name: str, **fields: str) -> None:
        """Adds a profile to the config file, by hand."""
        place = {"region": "us-east-1", "endpoint_url": self.endpoint, "output": "json"}
        lines = [f"{key} = {value}" for key, value in (place | fields).items()]
        with open(self.environment["AWS_CONFIG_FILE"], "a") as config:
            config.write("\n".join(["", f"[profile {name}]", *lines, ""]))


@pytest.fixture
def shell(world: World, tmp_path: Path, aws_cli: Path) -> Shell:
    return Shell(world, tmp_path, aws_cli)


@pytest.mark.slow
def test_the_articles_procedure_from_end_to_end(shell: Shell, world: World) -> None:
    role = f"arn:aws:iam::{world.destination}:role/reports-reader"
    alice = f"arn:aws:iam::{world.source}:user/alice"
    (shell.folder / "policy.json").write_text(policy("sts:AssumeRole", Resource=role))
    (shell.folder / "trust.json").write_text(trust(alice))
    (shell.folder / "buckets.json").write_text(policy("s3:ListAllMyBuckets"))

    # In the source account: the user may assume the role.
    made = shell.does(
        "iam create-policy --profile source-admin --policy-name assume --policy-document file://policy.json"
    )
    arn = json.loads(made)["Policy"]["Arn"]
    shell.does(f"iam attach-user-policy --profile source-admin --user-name alice --policy-arn {arn}")
    # In the destination account: the role trusts the user, and may do something.
    shell.does(
        "iam create-role --profile destination-admin --role-name reports-reader"
        " --assume-role-policy-document file://trust.json"
    )
    shell.does(
        "iam put-role-policy --profile destination-admin --role-name reports-reader"
        " --policy-name buckets --policy-document file://buckets.json"
    )
    # The user assumes it, exports the credentials, and works as the role.
    assumed = shell.does(f"sts assume-role --profile alice --role-arn {role} --role-session-name audit")
    credentials = json.loads(assumed)["Credentials"]
    shell.export(
        AWS_ACCESS_KEY_ID=credentials["AccessKeyId"],
        AWS_SECRET_ACCESS_KEY=credentials["SecretAccessKey"],
        AWS_SESSION_TOKEN=credentials["SessionToken"],
        AWS_ENDPOINT_URL=world.endpoint,
        AWS_DEFAULT_REGION="us-east-1",
    )
    identity = json.loads(shell.does("sts get-caller-identity"))
    buckets = [line.split()[-1] for line in shell.does("s3 ls").splitlines()]

    assert identity["Arn"] == f"arn:aws:sts::{world.destination}:assumed-role/reports-reader/audit"
    assert sorted(buckets) == sorted([world.bucket, world.other_bucket])


def test_a_profile_assumes_a_role_with_its_external_id(shell: Shell, world: World) -> None:
    condition = {"StringEquals": {"sts:ExternalId": EXTERNAL_ID}}
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    role = a_role(world, trust(mallory, Condition=condition))
    asks = {"role_arn": role, "source_profile": "mallory", "role_session_name": "audit"}
    shell.profile("auditor", **asks, external_id=EXTERNAL_ID)
    shell.profile("forgetful", **asks)
    identity = json.loads(shell.does("sts get-caller-identity --profile auditor"))
    refused = shell.aws("sts get-caller-identity --profile forgetful")

    assert identity["Arn"] == f"arn:aws:sts::{world.destination}:assumed-role/reader/audit"
    assert refused.returncode != 0
    assert f"(AccessDenied) when calling the AssumeRole operation: User: {mallory} is not" in refused.stderr


def test_a_profile_asks_for_the_code_of_an_mfa_device(shell: Shell, world: World) -> None:
    condition = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    role = a_role(world, trust(mallory, Condition=condition))
    serial, seed = a_device(world, "mallory")
    asks = {"role_arn": role, "source_profile": "mallory", "role_session_name": "audit"}
    shell.profile("careful", **asks, mfa_serial=serial)
    shell.profile("forgetful", **asks)
    code = code_of(seed, time.time())
    identity = json.loads(shell.does("sts get-caller-identity --profile careful", typed=f"{code}\n"))
    refused = shell.aws("sts get-caller-identity --profile forgetful")

    assert identity["Arn"] == f"arn:aws:sts::{world.destination}:assumed-role/reader/audit"
    assert "(AccessDenied) when calling the AssumeRole operation" in refused.stderr


def a_device(world: World, user: str) -> tuple[str, bytes]:
    """The serial number and the seed of a virtual MFA device that is enabled for a user."""
    iam, minutes_ago = root_iam(world, world.source), time.time() - 300
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    serial, seed = made["SerialNumber"], made["Base32StringSeed"]
    pair = code_of(seed, minutes_ago), code_of(seed, minutes_ago + 30)
    iam.enable_mfa_device(
        UserName=user, SerialNumber=serial, AuthenticationCode1=pair[0], AuthenticationCode2=pair[1]
    )
    return serial, seed


def code_of(seed: bytes, moment: float) -> str:
    """What an authenticator app shows at a moment (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(seed), int(moment // 30).to_bytes(8, "big"), "sha1")
    start = digest[-1] & 15
    return f"{(int.from_bytes(digest[start : start + 4], 'big') & 0x7FFFFFFF) % 1_000_000:06d}"


def a_role(world: World, trusts: str) -> str:
    made = root_iam(world, world.destination).create_role(RoleName="reader", AssumeRolePolicyDocument=trusts)
    return str(made["Role"]["Arn"])
