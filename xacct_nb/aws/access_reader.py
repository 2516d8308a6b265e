"""Reads who may assume what in the accounts of the sessions: users, roles, groups and policies, by IAM."""

from typing import Any

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.sessions import Sessions
from xacct_nb.errors import AwsRefused
from xacct_nb.grants.pictures.access_graph import AccessGraph
from xacct_nb.grants.pictures.live_access import AccountDetails, graph_of_accounts, unread_policies

_MOST_PAGES, _MOST_POLICIES = 100, 20
_WANTED = ["User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"]
_LISTS = ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies")


def read_access(sessions: Sessions) -> AccessGraph:
    """Return who may assume what in the accounts of the source and destination sessions.

    Where a session may not call iam:GetAccountAuthorizationDetails, iam:ListRoles still has the trust
    policies. What was not read, because a session may not or because an account is very large, is said in the
    graph. Reads 100 pages of an account at most, and 20 policies of AWS; changes nothing.
    """
    profiles = {each.account: each.profile for each in reversed(sessions.identities) if each.part != "caller"}
    found = [
        account_details(sessions.client(profile, "iam"), account) for account, profile in profiles.items()
    ]
    return graph_of_accounts(sorted(found, key=lambda each: each.account))


def account_details(iam: AwsClient, account: str) -> AccountDetails:
    """Return the users, roles, groups and policies of an account, or the roles, or what stood in the way."""
    try:
        return _details(iam, account)
    except AwsRefused as refusal:
        problem = f"users and their policies were not read: {refusal.what}"
    try:
        with translate_errors(f"ListRoles in account {account}"):
            pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"MaxItems": 10_000}))
        roles = [role for page in pages for role in page["Roles"]]
        return AccountDetails(account, {"RoleDetailList": roles}, whole=False, problem=problem)
    except AwsRefused as refusal:
        return AccountDetails(account, whole=False, problem=f"nothing was read: {refusal.what}")


def _details(iam: AwsClient, account: str) -> AccountDetails:
    found: dict[str, list[Any]] = {name: [] for name in _LISTS}
    marker: dict[str, Any] = {}
    for _ in range(_MOST_PAGES):
        with translate_errors(f"GetAccountAuthorizationDetails in account {account}"):
            page = iam.get_account_authorization_details(Filter=_WANTED, MaxItems=1000, **marker)
        for name in _LISTS:
            found[name] += page.get(name, [])
        if not page.get("IsTruncated"):
            found["Policies"] += [_policy(iam, arn) for arn in unread_policies(found)[:_MOST_POLICIES]]
            return AccountDetails(account, found)
        marker = {"Marker": page["Marker"]}
    problem = f"it is large, and only its first {_MOST_PAGES} pages were read."
    return AccountDetails(account, found, whole=False, problem=problem)


def _policy(iam: AwsClient, arn: str) -> dict[str, Any]:
    """Return a policy that the details leave out, such as AWS's own; without its text if refused."""
    try:
        with translate_errors(f"GetPolicyVersion of {arn}"):
            version = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=arn, VersionId=version)["PolicyVersion"]
    except AwsRefused:
        return {"Arn": arn}
    return {"Arn": arn, "PolicyVersionList": [{**found, "IsDefaultVersion": True}]}
