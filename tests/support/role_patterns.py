"""Roles of a source account with a path, as the callers of a grant whose source is a pattern."""

import json
from typing import Any

from support.examples import root_iam
from xacct_nb.sandbox.server.accounts import World

SSO_PATH = "/aws-reserved/sso.amazonaws.com/"
SUFFIX = "0123456789abcdef"


def set_role(name: str, region: str = "") -> tuple[str, str]:
    """The path and the name of the role that Identity Center makes for a permission set."""
    return f"{SSO_PATH}{region}/" if region else SSO_PATH, f"AWSReservedSSO_{name}_{SUFFIX}"


def a_caller(world: World, path: str, name: str, allowed: str = "*") -> str:
    """Make a role that alice's administrator may assume; return the profile of its session.

    Its own policy lets it assume the roles that `allowed` names.
    """
    iam = root_iam(world, world.source)
    iam.create_role(
        RoleName=name, Path=path, AssumeRolePolicyDocument=_policy(Principal={"AWS": world.source})
    )
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=_policy(Resource=allowed))
    role = f"arn:aws:iam::{world.source}:role{path}{name}"
    section = (
        f"\n[profile {name}]\nrole_arn = {role}\nsource_profile = source-admin\nregion = {world.region}\n"
        f"endpoint_url = {world.endpoint}\n"
    )
    with world.config_file.open("a") as config:
        config.write(section)
    return name


def _policy(**element: Any) -> str:
    statement = {"Effect": "Allow", "Action": "sts:AssumeRole", **element}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
