"""Reads an organization from AWS Organizations: its accounts with state and path, and tags where asked.

The session is that of the management account, or of a delegated administrator: AWS answers no other one.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from typing import Any

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.errors import AwsRefused
from xacct_nb.fleets.organization import Account, Organization

THREADS = 8
"""Calls at the same time. AWS allows 5 to 8 a second of most; the client's adaptive mode keeps to it."""

_WHY_DENIED = (
    "AWS says the same of a missing permission, of a control policy that denies, and of an account that is "
    "neither the management account nor that of a delegated administrator."
)


def read_organization(client: AwsClient) -> Organization:
    """Return the organization of the client's account, without tags.

    Calls DescribeOrganization once and ListAccounts once for 20 accounts. Where AWS returns no path of an
    account, every unit is asked for its accounts, and a note says so. Raises AwsRefused.
    """
    with _calling("DescribeOrganization"):
        described = client.describe_organization()["Organization"]
    identifier, management = str(described["Id"]), str(described["MasterAccountId"])
    with _calling("ListAccounts", management):
        listed = _every(client, "list_accounts", "Accounts")
    accounts = tuple(sorted(map(_account, listed), key=lambda each: each.id))
    found = Organization(identifier, management, accounts, notes=tuple(_notes(accounts)))
    return found if all(each.path for each in accounts) else _with_paths(client, found)


def read_units(client: AwsClient, organization: Organization) -> Organization:
    """Return the organization with its units that have no account, too. Asks every unit for those below it.

    Raises AwsRefused.
    """
    empty = set(_unit_paths(client, organization)) - {
        unit for account in organization.accounts for unit in account.units
    }
    return replace(organization, empty_units=tuple(sorted(empty)))


def read_tags(client: AwsClient, organization: Organization, accounts: Iterable[str]) -> Organization:
    """Return the organization with the tags of these accounts: one call of ListTagsForResource for each.

    Raises AwsRefused.
    """
    wanted = tuple(dict.fromkeys(accounts))
    with _calling("ListTagsForResource", organization.management):
        read = each_at_once(partial(_tags, client), wanted, threads=THREADS)
    tags = dict(zip(wanted, read, strict=True))
    return replace(
        organization,
        accounts=tuple(replace(each, tags=tags.get(each.id, each.tags)) for each in organization.accounts),
    )


def _account(listed: Mapping[str, Any]) -> Account:
    """Return an account as AWS lists it; AWS's path ends with the account's id, as no condition key does."""
    identifier, path = str(listed["Id"]), str(next(iter(listed.get("Paths") or ()), ""))
    return Account(
        identifier,
        str(listed.get("Name", "")),
        str(listed.get("State", "")),
        path.removesuffix(f"{identifier}/"),
    )


def _notes(accounts: Iterable[Account]) -> Iterator[str]:
    unknown = [each.id for each in accounts if not each.state]
    if unknown:
        yield (
            f"The state of {len(unknown)} accounts was not read: this version of boto3, or this endpoint, "
            "does not have Account.State. No fleet selects these accounts. Update boto3."
        )


def _with_paths(client: AwsClient, organization: Organization) -> Organization:
    """Return the organization with paths from its tree: a call for each unit, none for an account."""
    paths = _unit_paths(client, organization)
    with _calling("ListAccountsForParent", organization.management):
        inside = partial(_every, client, "list_accounts_for_parent", "Accounts")
        listed = each_at_once(lambda unit: inside(ParentId=unit), paths, threads=THREADS)
    found = {
        str(each["Id"]): path
        for path, children in zip(paths.values(), listed, strict=True)
        for each in children
    }
    accounts = tuple(replace(each, path=found.get(each.id, each.path)) for each in organization.accounts)
    used = {unit for account in accounts for unit in account.units}
    note = (
        f"AWS returned accounts without Account.Paths, so {len(paths)} units were asked for their accounts "
        "by ListAccountsForParent. Update boto3: then this is not needed."
    )
    return replace(
        organization,
        accounts=accounts,
        empty_units=tuple(sorted(set(paths) - used)),
        notes=(*organization.notes, note),
    )


def _unit_paths(client: AwsClient, organization: Organization) -> dict[str, str]:
    """Return the path of the root and of each unit, level by level."""
    with _calling("ListRoots", organization.management):
        roots = _every(client, "list_roots", "Roots")
    level = {str(root["Id"]): f"{organization.id}/{root['Id']}/" for root in roots}
    paths, below = dict[str, str](), partial(_every, client, "list_organizational_units_for_parent")
    with _calling("ListOrganizationalUnitsForParent", organization.management):
        while level:
            paths |= level
            units = each_at_once(
                lambda unit: below("OrganizationalUnits", ParentId=unit), level, threads=THREADS
            )
            level = {
                str(each["Id"]): f"{path}{each['Id']}/"
                for path, children in zip(level.values(), units, strict=True)
                for each in children
            }
    return paths


def _tags(client: AwsClient, account: str) -> dict[str, str]:
    tags = _every(client, "list_tags_for_resource", "Tags", ResourceId=account)
    return {str(each["Key"]): str(each["Value"]) for each in tags}


def _every(client: AwsClient, operation: str, name: str, **parameters: str) -> list[dict[str, Any]]:
    """Return the items of all pages: 20 at most on each, and an empty page may come before others."""
    return [each for page in client.get_paginator(operation).paginate(**parameters) for each in page[name]]


@contextmanager
def _calling(operation: str, management: str = "") -> Iterator[None]:
    """Translate botocore's errors; say which permission is missing, and in which account."""
    reader = f"the management account {management}" if management else "an account of the organization"
    try:
        with translate_errors(f"{operation} of AWS Organizations"):
            yield
    except AwsRefused as refusal:
        if refusal.aws_code == "AccessDeniedException":
            refusal.why = _WHY_DENIED
            refusal.hint = (
                f"Use a session of {reader}, or of a delegated administrator, that may call "
                f"organizations:{operation}."
            )
        elif refusal.aws_code == "AWSOrganizationsNotInUseException":
            refusal.hint = "Use a session of the management account, or of a delegated administrator."
        raise
