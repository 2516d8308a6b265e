"""Accounts as AWS Organizations makes them: with one role, by which another account administers them."""

from contextlib import suppress
from typing import Any

from xacct_nb.sandbox.server.accounts import policy_of

ACCESS_ROLE = "OrganizationAccountAccessRole"


def add_member(iam: Any, hub: str) -> None:
    """Create the role in the account of an IAM client, which trusts the account `hub`, unless it is there.

    Source: orgs_manage_accounts_access, on the role in accounts that an organization creates.
    """
    trust = policy_of("sts:AssumeRole", Principal={"AWS": f"arn:aws:iam::{hub}:root"})
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ACCESS_ROLE, AssumeRolePolicyDocument=trust)
    iam.put_role_policy(
        RoleName=ACCESS_ROLE, PolicyName="AdministratorAccess", PolicyDocument=policy_of("*", Resource="*")
    )
