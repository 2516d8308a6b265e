"""A change of IAM takes effect after a while, as it does on AWS; what IAM itself answers shows it at once."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.boto3_clients import client, policy, trust
from support.processes import wait_until
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave, misbehave
from xacct_nb.sandbox.server.state import Sandbox

LATE = 600.0
DENIED = "User: {} is not authorized to perform: sts:AssumeRole on resource: {}"
Ask = Callable[..., Any]


@pytest.fixture(autouse=True)
def well_behaved_after(sandbox: Sandbox) -> Iterator[None]:
    yield
    behave(sandbox)


@pytest.fixture
def ask(world: World) -> Ask:
    """A client of the destination account's administrator, or of another principal."""
    return partial(client, world)


@pytest.fixture
def alice(world: World) -> str:
    """Alice's ARN: on her own side she may assume any role."""
    iam = client(world, "iam", "source-admin")
    iam.put_user_policy(UserName="alice", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole"))
    return f"arn:aws:iam::{world.source}:user/alice"


@pytest.fixture
def reader(world: World, alice: str) -> str:
    """The ARN of a role that trusts alice and may list the bucket."""
    iam = client(world, "iam")
    made = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))
    iam.put_role_policy(RoleName="reader", PolicyName="list", PolicyDocument=policy("s3:ListBucket"))
    return str(made["Role"]["Arn"])


def late(sandbox: Sandbox, *operations: str, seconds: float = LATE) -> None:
    misbehave(sandbox, Fault("propagation", operations or ("*",), seconds=seconds))


def test_a_new_role_is_denied_for_a_while_and_then_works(
    sandbox: Sandbox, world: World, ask: Ask, alice: str
) -> None:
    late(sandbox)
    role = ask("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))["Role"]["Arn"]

    assert refused(lambda: assume_role(ask, role)) == f"AccessDenied: {DENIED.format(alice, role)}"
    assert arrived(sandbox, lambda: assume_role(ask, role))


def test_a_change_takes_effect_when_its_seconds_are_over(sandbox: Sandbox, ask: Ask, alice: str) -> None:
    late(sandbox, seconds=2)
    role = ask("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))["Role"]["Arn"]

    assert refused(lambda: assume_role(ask, role)).startswith("AccessDenied")
    assert wait_until(lambda: not denied(lambda: assume_role(ask, role)))


def test_iam_itself_shows_the_change_at_once(sandbox: Sandbox, ask: Ask, alice: str) -> None:
    late(sandbox)
    iam = ask("iam")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))
    iam.put_role_policy(RoleName="reader", PolicyName="list", PolicyDocument=policy("s3:ListBucket"))

    assert iam.get_role(RoleName="reader")["Role"]["RoleName"] == "reader"
    assert iam.list_role_policies(RoleName="reader")["PolicyNames"] == ["list"]
    assert "reader" in [role["RoleName"] for role in iam.list_roles()["Roles"]]


def test_a_changed_trust_policy_takes_effect_later(
    sandbox: Sandbox, ask: Ask, world: World, alice: str
) -> None:
    iam = ask("iam")
    nobody = trust(f"arn:aws:iam::{world.destination}:user/admin")
    role = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=nobody)["Role"]["Arn"]
    late(sandbox)
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trust(alice))

    assert refused(lambda: assume_role(ask, role)).startswith("AccessDenied")
    assert arrived(sandbox, lambda: assume_role(ask, role))


def test_a_trust_that_was_taken_away_still_works_for_a_while(
    sandbox: Sandbox, ask: Ask, world: World, reader: str
) -> None:
    late(sandbox)
    nobody = trust(f"arn:aws:iam::{world.destination}:user/admin")
    ask("iam").update_assume_role_policy(RoleName="reader", PolicyDocument=nobody)
    assume_role(ask, reader)

    behave(sandbox)
    assert refused(lambda: assume_role(ask, reader)).startswith("AccessDenied")


def test_a_deleted_role_still_works_for_a_while(sandbox: Sandbox, ask: Ask, reader: str) -> None:
    late(sandbox)
    iam = ask("iam")
    iam.delete_role_policy(RoleName="reader", PolicyName="list")
    iam.delete_role(RoleName="reader")
    assume_role(ask, reader)

    behave(sandbox)
    assert refused(lambda: assume_role(ask, reader)).startswith("AccessDenied")


def test_the_callers_permission_takes_effect_later(sandbox: Sandbox, ask: Ask, reader: str) -> None:
    late(sandbox)
    ask("iam", "source-admin").delete_user_policy(UserName="alice", PolicyName="assume")
    assume_role(ask, reader)

    behave(sandbox)
    assert refused(lambda: assume_role(ask, reader)).startswith("AccessDenied")


def test_a_group_is_joined_later(sandbox: Sandbox, ask: Ask, world: World, reader: str) -> None:
    iam = ask("iam", "source-admin")
    iam.delete_user_policy(UserName="alice", PolicyName="assume")
    late(sandbox)
    iam.put_group_policy(GroupName="analysts", PolicyName="assume", PolicyDocument=policy("sts:AssumeRole"))

    assert refused(lambda: assume_role(ask, reader)).startswith("AccessDenied")
    assert arrived(sandbox, lambda: assume_role(ask, reader))


def test_a_new_version_of_a_managed_policy_takes_effect_later(
    sandbox: Sandbox, ask: Ask, world: World, reader: str
) -> None:
    iam = ask("iam")
    made = iam.create_policy(PolicyName="more", PolicyDocument=policy("s3:ListAllMyBuckets"))["Policy"]["Arn"]
    iam.attach_role_policy(RoleName="reader", PolicyArn=made)
    s3 = ask("s3", assume_role(ask, reader))
    late(sandbox)
    iam.create_policy_version(PolicyArn=made, PolicyDocument=policy("s3:GetObject"), SetAsDefault=True)
    get = partial(s3.get_object, Bucket=world.bucket, Key="2026/summary.csv")

    assert refused(get).startswith("AccessDenied")
    assert arrived(sandbox, get)


def test_the_roles_permissions_take_effect_later(
    sandbox: Sandbox, ask: Ask, world: World, reader: str
) -> None:
    s3 = ask("s3", assume_role(ask, reader))
    late(sandbox)
    ask("iam").put_role_policy(RoleName="reader", PolicyName="get", PolicyDocument=policy("s3:GetObject"))
    get = partial(s3.get_object, Bucket=world.bucket, Key="2026/summary.csv")

    assert refused(get).startswith("AccessDenied")
    assert arrived(sandbox, get)


def test_the_roles_permissions_for_iam_take_effect_later_too(sandbox: Sandbox, ask: Ask, reader: str) -> None:
    iam = ask("iam", assume_role(ask, reader))
    late(sandbox)
    ask("iam").put_role_policy(RoleName="reader", PolicyName="look", PolicyDocument=policy("iam:ListRoles"))

    assert refused(iam.list_roles).startswith("AccessDenied")
    assert arrived(sandbox, iam.list_roles)


def test_two_changes_of_one_role_arrive_one_after_the_other(
    sandbox: Sandbox, ask: Ask, world: World, reader: str
) -> None:
    s3, iam = ask("s3", assume_role(ask, reader)), ask("iam")
    misbehave(
        sandbox,
        Fault("propagation", ("PutRolePolicy",), seconds=1),
        Fault("propagation", ("DeleteRolePolicy",), seconds=LATE),
    )
    iam.put_role_policy(RoleName="reader", PolicyName="get", PolicyDocument=policy("s3:GetObject"))
    iam.delete_role_policy(RoleName="reader", PolicyName="get")
    get = partial(s3.get_object, Bucket=world.bucket, Key="2026/summary.csv")

    assert wait_until(lambda: not denied(get))
    behave(sandbox)
    assert denied(get)


@pytest.mark.parametrize("kind", ["user", "role"])
def test_a_new_principal_cannot_be_trusted_yet(sandbox: Sandbox, ask: Ask, world: World, kind: str) -> None:
    late(sandbox)
    source, iam = ask("iam", "source-admin"), ask("iam")
    if kind == "user":
        arn = source.create_user(UserName="bob", Path="/team/")["User"]["Arn"]
    else:
        own = trust(f"arn:aws:iam::{world.source}:user/admin")
        arn = source.create_role(RoleName="bob", Path="/team/", AssumeRolePolicyDocument=own)["Role"]["Arn"]
    create = partial(iam.create_role, RoleName="reader", AssumeRolePolicyDocument=trust(arn))

    assert refused(create) == f'MalformedPolicyDocument: Invalid principal in policy: "AWS":"{arn}"'
    assert arrived(sandbox, create)


def test_a_new_user_is_who_she_is_at_once(sandbox: Sandbox, ask: Ask, world: World) -> None:
    late(sandbox)
    iam = ask("iam", "source-admin")
    made = iam.create_user(UserName="bob", Path="/team/")["User"]
    key = iam.create_access_key(UserName="bob")["AccessKey"] | {"SessionToken": None}
    identity = ask("sts", key).get_caller_identity()

    assert (identity["Arn"], identity["UserId"]) == (made["Arn"], made["UserId"])


def test_only_the_operations_that_were_named_are_late(sandbox: Sandbox, ask: Ask, alice: str) -> None:
    late(sandbox, "PutRolePolicy")
    role = ask("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))["Role"]["Arn"]

    assert assume_role(ask, role)


def test_a_refused_change_delays_nothing(sandbox: Sandbox, ask: Ask, alice: str, reader: str) -> None:
    late(sandbox)
    create = partial(ask("iam").create_role, RoleName="reader", AssumeRolePolicyDocument=trust(alice))

    assert refused(create).startswith("EntityAlreadyExists")
    assert assume_role(ask, reader)


def test_when_it_behaves_again_all_changes_have_arrived(sandbox: Sandbox, ask: Ask, alice: str) -> None:
    late(sandbox)
    role = ask("iam").create_role(RoleName="reader", AssumeRolePolicyDocument=trust(alice))["Role"]["Arn"]
    before = refused(lambda: assume_role(ask, role))
    behave(sandbox)

    assert before.startswith("AccessDenied")
    assert assume_role(ask, role)


def assume_role(ask: Ask, role: str) -> dict[str, Any]:
    """The credentials of a session of the role, for alice."""
    answer = ask("sts", "alice").assume_role(RoleArn=role, RoleSessionName="alice")
    return dict(answer["Credentials"])


def refused(call: Callable[[], Any]) -> str:
    with pytest.raises(ClientError) as caught:
        call()
    error = caught.value.response["Error"]
    return f"{error['Code']}: {error['Message']}"


def denied(call: Callable[[], Any]) -> bool:
    try:
        call()
    except ClientError:
        return True
    return False


def arrived(sandbox: Sandbox, call: Callable[[], Any]) -> Any:
    """Let every change arrive, and make the call."""
    behave(sandbox)
    return call()
