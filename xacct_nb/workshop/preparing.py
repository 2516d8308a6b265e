"""What sheets prepare for their exercises: roles with a trust policy, their permissions, and sessions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.polling import Wait
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.arns import Arn
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.workshop.world import WorkshopWorld

Statement = Mapping[str, Any]
_NEW_ROLE = 4  # times as long as a change, until a new role can be assumed


def document(*statements: Statement) -> str:
    """Return a policy of these statements as JSON."""
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions: str | Sequence[str], resource: str | Sequence[str], **condition: Any) -> Statement:
    """Return a statement that allows actions on a resource; `condition` are operators with their keys."""
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **more}


def trust(principals: str | Sequence[str], actions: Any = "sts:AssumeRole", **condition: Any) -> Statement:
    """Return a statement of a trust policy that lets principals in."""
    more = {"Condition": condition} if condition else {}
    return {"Effect": "Allow", "Principal": {"AWS": principals}, "Action": actions, **more}


def make_role(
    world: WorkshopWorld,
    side: Side,
    name: str,
    trusts: Sequence[Statement],
    may: Sequence[Statement] = (),
    **settings: Any,
) -> str:
    """Create a role with a trust policy, and with an inline policy of the same name; return its ARN."""
    iam = world.admin(side, "iam")
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(*trusts), **settings)
    if may:
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=document(*may))
    return world.role_arn(name, side)


def assume(world: WorkshopWorld, who: str, role: str, name: str, **parameters: Any) -> Mapping[str, Any]:
    """Return the Credentials of a session, as soon as AWS lets `who` assume the role. Raises AwsRefused."""
    sts = world.client(who, "sts")
    wait = Wait(f"{who} can assume the role", _NEW_ROLE * world.patience)
    while True:
        answer = call_aws(lambda: sts.assume_role(RoleArn=role, RoleSessionName=name, **parameters))
        if answer.value or not wait.pause():
            break
    wait.close()
    if answer.value:
        return dict(answer.value["Credentials"])
    raise AwsRefused(
        f"{who} cannot assume {Arn.parse(role).resource}, which this sheet needs.",
        aws_code=answer.code,
        why=f"AWS answered: {answer.detail}.",
        hint="To begin this sheet again with new accounts: sheet.reset()",
    )


def put_role(
    world: WorkshopWorld,
    side: Side,
    name: str,
    trust_policy: Mapping[str, Any],
    permissions_policy: Mapping[str, Any] | None,
) -> str:
    """Create a role, or replace its trust policy and the inline policy of the same name; return its ARN."""
    iam, policy = world.admin(side, "iam"), json.dumps(trust_policy)
    try:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy)
    except iam.exceptions.EntityAlreadyExistsException:
        iam.update_assume_role_policy(RoleName=name, PolicyDocument=policy)
    if permissions_policy:
        inline = json.dumps(permissions_policy)
        iam.put_role_policy(RoleName=name, PolicyName=name, PolicyDocument=inline)
    return world.role_arn(name, side)
