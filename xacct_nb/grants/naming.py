"""The names and tags of the resources that are made for a grant."""

from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import Arn

OWNER_TAG, ADOPTED_TAG = "xacct-nb:grant", "xacct-nb:adopted"


def policy_name(grant: Grant, number: int = 1) -> str:
    """Return a name for the grant's policies: xacct-NAME, xacct-NAME.2, ... (a grant's name has no dot)."""
    return f"xacct-{grant.name}" + (f".{number}" if number > 1 else "")


def policy_arn(grant: Grant, account: str, number: int = 1) -> str:
    """Return the ARN of the grant's managed caller policy in an account."""
    return f"arn:{grant.partition}:iam::{account}:policy/{policy_name(grant, number)}"


def is_caller_policy(grant: Grant, policy: str) -> bool:
    """Return whether the ARN is that of one of the grant's managed caller policies."""
    name, _, number = Arn.parse(policy).name.partition(".")
    return name == policy_name(grant) and (not number or number.isdecimal())
