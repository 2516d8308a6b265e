"""Reads many accounts at the same time, each by a profile or by a role in it; a bad one stops nobody."""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from xacct_nb.aws.access_reader import account_details
from xacct_nb.aws.account_sessions import keys_in
from xacct_nb.aws.bound_clients import BoundClient, SharedClients
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.errors import XacctError
from xacct_nb.grants.naming import grant_named_in
from xacct_nb.grants.pictures.live_access import AccountDetails
from xacct_nb.records.fields import Identity

_THREADS = 8
_SESSION_NAME = "xacct-nb-discover"
_making = threading.Lock()


@dataclass(frozen=True, repr=False)
class ReadAccounts:
    """The accounts as they were read, with those that could not be, and who read them."""

    accounts: tuple[AccountDetails, ...]
    identities: tuple[Identity, ...] = ()


def read_accounts(
    profiles: Iterable[str],
    *,
    accounts: Iterable[str] = (),
    account_role: str = "",
    endpoint: Endpoint = AWS_ITSELF,
) -> ReadAccounts:
    """Return the users, roles, groups and policies of the profiles' accounts, all read at the same time.

    Each of the `accounts` is read by its role named `account_role`, which the first profile that can sign in
    assumes. What cannot be read has its reason in `problem`, and stops nothing else. Changes nothing.
    """
    opened = each_at_once(partial(_open, endpoint=endpoint), dict.fromkeys(profiles), threads=_THREADS)
    hubs = [each for each in opened if isinstance(each, Sessions)]
    own = {each.identities[0].account: each for each in reversed(hubs)}
    failed = [each for each in opened if isinstance(each, AccountDetails)]
    others = [each for each in dict.fromkeys(accounts) if each not in own]
    jobs = [*(partial(_by_profile, each, account) for account, each in own.items())]
    if hubs:
        shared = SharedClients(hubs[0].endpoint, hubs[0].partition)
        jobs += [partial(_by_role, hubs[0], shared, each, account_role) for each in others]
    else:
        failed += [_unread(each, "no profile could sign in") for each in others]
    found = each_at_once(lambda job: job(), jobs, threads=_THREADS)
    ordered = sorted((*found, *failed), key=lambda each: (not each.account, each.account))
    return ReadAccounts(tuple(ordered), tuple(each.identities[0] for each in hubs))


def _open(profile: str, endpoint: Endpoint) -> Sessions | AccountDetails:
    try:
        return open_sessions(None, source_profiles=[profile], endpoint=endpoint)
    except XacctError as problem:
        return _unread("", f"profile {profile!r}: {problem.what} {problem.why}".rstrip())


def _by_profile(sessions: Sessions, account: str) -> AccountDetails:
    with _making:
        iam = sessions.client(sessions.identities[0].profile, "iam")
    return _read(iam, account)


def _by_role(hub: Sessions, shared: SharedClients, account: str, role: str) -> AccountDetails:
    if not role:
        return _unread(account, "no profile is in it, and no account_role is given")
    profile, arn = hub.identities[0].profile, f"arn:{hub.partition}:iam::{account}:role/{role}"
    try:
        with _making:
            hub.client(profile, "sts")
        iam = shared.client("iam", keys_in(hub, profile, arn, _SESSION_NAME)[0])
    except XacctError as problem:
        return _unread(account, problem.what)
    return _read(iam, account)


def _read(iam: AwsClient | BoundClient, account: str) -> AccountDetails:
    """Return the details of an account with what they lack: how long roles' sessions last, policies' tags."""
    try:
        read = account_details(iam, account)
        roles = {each["Arn"]: each for each in read.details.get("RoleDetailList", ())}
        if not read.whole and not all("MaxSessionDuration" in each for each in roles.values()):
            return read
        with translate_errors(f"ListRoles in account {account}"):
            pages = list(iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 1000}))
        listed = {each["Arn"]: each for page in pages for each in page["Roles"]}
        more = ("MaxSessionDuration", "Description")
        merged = [
            {**each, **{name: listed[arn][name] for name in more if name in listed.get(arn, {})}}
            for arn, each in roles.items()
        ]
        policies = [_tagged(iam, each) for each in read.details.get("Policies", ())]
        return replace(read, details={**read.details, "RoleDetailList": merged, "Policies": policies})
    except XacctError as problem:
        return _unread(account, problem.what)


def _tagged(iam: AwsClient | BoundClient, policy: Any) -> Any:
    """Return a policy with its tags, where its name says that a grant made it: the details lack them."""
    if not grant_named_in(policy["Arn"]) or policy["Arn"].split(":")[4] == "aws":
        return policy
    with translate_errors(f"ListPolicyTags of {policy['Arn']}"):
        return {**policy, "Tags": iam.list_policy_tags(PolicyArn=policy["Arn"])["Tags"]}


def _unread(account: str, problem: str) -> AccountDetails:
    return AccountDetails(account, whole=False, problem=problem)
