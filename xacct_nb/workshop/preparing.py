"""What sheets prepare for their exercises: roles with a trust policy, and their permissions."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.workshop.world import WorkshopWorld

Statement = Mapping[str, Any]


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
