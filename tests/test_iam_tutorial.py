"""AWS's IAM tutorial as a grant: each call that the tutorial tries, with the answer that it promises."""

import json
import re
from collections.abc import Callable
from configparser import ConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from botocore.exceptions import ClientError

from support.examples import an_account, applied, endpoint_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.clients import connect
from xacct_nb.aws.probes import prove
from xacct_nb.aws.role_sessions import ChainSession, session
from xacct_nb.changes.proof import NOT_ASKED
from xacct_nb.errors import AwsRefused
from xacct_nb.grants.console_link import console_access
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.grants.templates import template
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

PAGE = (Path(__file__).parent.parent / "docs" / "use-the-access.md").read_text()
BUCKET = "amzn-s3-demo-bucket-shared-container"
POWER_USER = {"Effect": "Allow", "NotAction": ["iam:*", "organizations:*", "account:*"], "Resource": "*"}
PEOPLE = {"Developers": "David", "Analysts": "Jane"}


def policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> World:
    """The accounts of the tutorial: two roles of power users in one, the bucket in the other."""
    world = add_accounts(sandbox, an_account(), an_account(), tmp_path_factory.mktemp("tutorial"))
    iam, config = root_iam(world, world.source), ConfigParser()
    for role, person in PEOPLE.items():
        arn = iam.create_user(UserName=person)["User"]["Arn"]
        trust = policy({"Effect": "Allow", "Principal": {"AWS": arn}, "Action": "sts:AssumeRole"})
        iam.create_role(RoleName=role, AssumeRolePolicyDocument=trust)
        iam.put_role_policy(RoleName=role, PolicyName="power-user", PolicyDocument=policy(POWER_USER))
        key = iam.create_access_key(UserName=person)["AccessKey"]
        common = {"region": "us-east-1", "endpoint_url": world.endpoint}
        names = {"aws_access_key_id": "AccessKeyId", "aws_secret_access_key": "SecretAccessKey"}
        config[f"profile {person}"] = common | {name: key[field] for name, field in names.items()}
        chained = {"role_arn": f"arn:aws:iam::{world.source}:role/{role}", "source_profile": person}
        config[f"profile {role}"] = common | chained
    with world.config_file.open("a") as file:
        config.write(file)
    s3 = root_client(world, "s3")
    s3.create_bucket(Bucket=bucket_of(world))
    s3.put_object(Bucket=bucket_of(world), Key="there", Body=b"data")
    return world


def root_client(world: World, service: str, side: str = "destination") -> Any:
    account = world.destination if side == "destination" else world.source
    secret = world.root_secret(account)
    return connect(service, endpoint_url=world.endpoint, access_key_id=account, secret_access_key=secret)


def bucket_of(world: World) -> str:
    return f"{BUCKET}-{world.destination}"


def in_world(text: str, world: World) -> str:
    """A text of the page in the accounts of a world; the names of buckets are AWS-wide."""
    accounts = {"111111111111": world.source, "222222222222": world.destination, BUCKET: bucket_of(world)}
    return re.sub("|".join(accounts), lambda found: accounts[found[0]], text)


def printed(language: str, world: World) -> Any:
    (block,) = re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    return yaml.safe_load(in_world(block, world))


@pytest.fixture(scope="module")
def grant(world: World) -> Grant:
    """The grant that the page prints, applied."""
    grant = from_parameters(printed("yaml", world))
    applied(grant, sessions_in(world, grant, callers=("Developers", "Analysts")))
    return grant


def opened(world: World, grant: Grant, profile: str) -> ChainSession:
    return session(grant, source_profile=profile, endpoint=endpoint_of(world))


def is_allowed(call: Callable[[], object]) -> bool:
    try:
        call()
    except ClientError as problem:
        if problem.response["Error"]["Code"] not in ("AccessDenied", "UnauthorizedOperation"):
            raise
        return False
    return True


def assumes(world: World, grant: Grant, profile: str) -> bool:
    """Whether the role of these people may assume the role of the grant, whoever the grant names."""
    anybody = grant.model_copy(update={"sources": (world.source,)})
    try:
        return bool(opened(world, anybody, profile))
    except AwsRefused as problem:
        if problem.aws_code != "AccessDenied":
            raise
        return False


CALLS: dict[str, tuple[bool, str, str, dict[str, str]]] = {
    "list all buckets": (True, "s3", "list_buckets", {}),
    "list the bucket": (True, "s3", "list_objects_v2", {"Bucket": "{shared}"}),
    "its location": (True, "s3", "get_bucket_location", {"Bucket": "{shared}"}),
    "get an object": (True, "s3", "get_object", {"Bucket": "{shared}", "Key": "there"}),
    "put an object": (True, "s3", "put_object", {"Bucket": "{shared}", "Key": "new", "Body": "data"}),
    "delete an object": (True, "s3", "delete_object", {"Bucket": "{shared}", "Key": "new"}),
    "list another bucket": (False, "s3", "list_objects_v2", {"Bucket": "{other}"}),
    "get another object": (False, "s3", "get_object", {"Bucket": "{other}", "Key": "2026/summary.csv"}),
    "describe instances": (False, "ec2", "describe_instances", {}),
    "list queues": (False, "sqs", "list_queues", {}),
    "list users": (False, "iam", "list_users", {}),
}


@pytest.mark.parametrize("call", CALLS)
def test_the_role_may_do_what_the_tutorial_says_and_nothing_else(
    world: World, grant: Grant, call: str
) -> None:
    allowed, service, operation, parameters = CALLS[call]
    names = {"shared": bucket_of(world), "other": world.bucket}
    filled = {name: value.format(**names) for name, value in parameters.items()}
    client = opened(world, grant, "Developers").client(service)

    assert is_allowed(lambda: getattr(client, operation)(**filled)) is allowed


def test_developers_assume_the_role_and_analysts_and_the_root_user_do_not(world: World, grant: Grant) -> None:
    root = root_client(world, "sts", "source")
    role = grant.destinations[0]

    assert assumes(world, grant, "Developers")
    assert not assumes(world, grant, "Analysts")
    assert not is_allowed(lambda: root.assume_role(RoleArn=role, RoleSessionName="root"))


def test_developers_keep_what_they_may_do_at_home_for_their_own_sessions(world: World, grant: Grant) -> None:
    own = sessions_in(world, grant, callers=("Developers",)).client("Developers", "sqs")
    in_role = opened(world, grant, "Developers").client("sqs")

    assert is_allowed(own.list_queues)
    assert not is_allowed(in_role.list_queues)


def test_the_proof_asks_all_that_can_be_asked_by_reading(world: World, grant: Grant) -> None:
    proof = prove(grant, sessions_in(world, grant, callers=("Developers", "Analysts")))
    left = {outcome.probe.question for outcome in proof.outcomes if outcome.answer == NOT_ASKED}

    assert [outcome for outcome in proof.asked if not outcome.as_expected] == []
    assert {"s3:PutObject", "s3:DeleteObject"} <= left
    assert proof.verdict == "not-proven"


def test_with_the_whole_account_trusted_only_the_deny_keeps_the_analysts_out(world: World) -> None:
    whole = from_parameters(
        printed("yaml", world)
        | {"name": "to-the-letter", "sources": [world.source]}
        | {"accept": ["whole-account-trust", "wildcard-resource"]}
        | {"destinations": [f"arn:aws:iam::{world.destination}:role/UpdateDataToo"]}
    )
    applied(whole, sessions_in(world, whole, callers=("Developers",)))
    before = assumes(world, whole, "Analysts")
    denial = json.dumps(printed("json", world)).replace("role/UpdateData", "role/UpdateDataToo")
    root_iam(world, world.source).put_role_policy(
        RoleName="Analysts", PolicyName="deny-assume-S3-role-in-destination", PolicyDocument=denial
    )

    assert before
    assert not assumes(world, whole, "Analysts")
    assert assumes(world, whole, "Developers")


def test_the_template_is_the_grant_that_the_page_prints() -> None:
    (block,) = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)

    assert template("iam-tutorial").to_json() == from_parameters(yaml.safe_load(block)).to_json()


def test_the_console_link_is_the_tutorials(grant: Grant, world: World) -> None:
    found = console_access(grant, display_name="Destination")

    assert found.url == (
        f"https://signin.aws.amazon.com/switchrole?account={world.destination}"
        "&roleName=UpdateData&displayName=Destination"
    )
    assert any(f"Only who signed in as role/Developers of {world.source}" in note for note in found.notes)
