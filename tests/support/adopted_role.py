"""Resources made by hand, with everything that they can have, and a grant that adopts them."""

import json
from typing import Any

from support.examples import SOME_POLICY, grant_in, root_iam
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.server.accounts import World

READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"


def trusting(who: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": {"AWS": who}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [allowed]}


def policy_of(world: World) -> str:
    return f"arn:aws:iam::{world.source}:policy/xacct-reports"


def by_hand(world: World) -> Any:
    """Make a role with the grant's name."""
    iam = root_iam(world, world.destination)
    iam.create_role(
        RoleName="reports-reader",
        Description="Made by hand",
        MaxSessionDuration=7200,
        PermissionsBoundary=POWER_USER,
        Tags=[{"Key": "team", "Value": "data"}],
        AssumeRolePolicyDocument=json.dumps(trusting(f"arn:aws:iam::{world.destination}:user/admin")),
    )
    iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))
    iam.attach_role_policy(RoleName="reports-reader", PolicyArn=READ_ONLY)
    return iam


def policy_by_hand(world: World) -> Any:
    """Make a policy with the name of the grant's caller policy, on mallory."""
    iam = root_iam(world, world.source)
    iam.create_policy(
        PolicyName="xacct-reports", PolicyDocument=json.dumps(SOME_POLICY), Description="By hand"
    )
    iam.attach_user_policy(UserName="mallory", PolicyArn=policy_of(world))
    return iam


def taken_over(world: World) -> Grant:
    """Return a grant that changes everything about both, after it has made its own role, `a-first`."""
    by_hand(world)
    policy_by_hand(world)
    role = f"arn:aws:iam::{world.destination}:role"
    return grant_in(
        world,
        destinations=[f"{role}/a-first", f"{role}/reports-reader"],
        adopt=True,
        session_minutes=240,
        permissions_boundary=READ_ONLY,
        managed_policies=[POWER_USER],
        accept=["full-access-policy"],
    )


def deny_attaching(world: World) -> None:
    """Deny the source's administrator to attach policies to users: the last call of an apply fails."""
    denied = {"Effect": "Deny", "Action": "iam:AttachUserPolicy", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [denied]})
    iam = root_iam(world, world.source)
    iam.put_user_policy(UserName="admin", PolicyName="denied", PolicyDocument=document)
