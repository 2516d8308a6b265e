"""Accounts as AWS Organizations makes them: with one role, by which another account administers them."""

import json
from contextlib import suppress
from typing import Any

ACCESS_ROLE = "OrganizationAccountAccessRole"


def add_member(iam: Any, hub: str) -> None:
    """Create the role in the account of an IAM client, which trusts the account `hub`, unless it is there.

    Source: orgs_manage_accounts_access, on the role in accounts that an organization creates.
    """
    trust = {"Effect": "Allow", "Principal": {"AWS": f"arn:aws:iam::{hub}:root"}, "Action": "sts:AssumeRole"}
    with suppress(iam.exceptions.EntityAlreadyExistsException):
        iam.create_role(RoleName=ACCESS_ROLE, AssumeRolePolicyDocument=_document(trust))
    everything = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    iam.put_role_policy(
        RoleName=ACCESS_ROLE, PolicyName="AdministratorAccess", PolicyDocument=_document(everything)
    )


def _document(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})
