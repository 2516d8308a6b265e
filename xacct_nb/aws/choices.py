"""Reads what the accounts have that a grant can name: callers, groups, roles, policies and buckets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NamedTuple

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint, session_of
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.errors import AwsRefused, XacctError
from xacct_nb.grants.form.choices import AccountChoices

_MOST = 1000  # of each kind in an account


class _Listing(NamedTuple):
    """A list that AWS has of an account: the service, the operation, its items, and what names one."""

    service: str
    operation: str
    items: str
    key: str = "Arn"
    parameters: Mapping[str, str] = {}


_USERS = _Listing("iam", "list_users", "Users")
_ROLES = _Listing("iam", "list_roles", "Roles")
_GROUPS = _Listing("iam", "list_groups", "Groups")
_POLICIES = _Listing("iam", "list_policies", "Policies", parameters={"Scope": "Local"})
_BUCKETS = _Listing("s3", "list_buckets", "Buckets", key="Name")
# By side: the kinds of choices, each with the lists that it comes from.
_SIDES: dict[str, dict[str, tuple[_Listing, ...]]] = {
    "source": {"principals": (_USERS, _ROLES), "groups": (_GROUPS,), "made": (_POLICIES,)},
    "destination": {"roles": (_ROLES,), "policies": (_POLICIES,), "buckets": (_BUCKETS,)},
}


def read_choices(
    *,
    source_profiles: Iterable[str] = (),
    destination_profiles: Iterable[str] = (),
    partition: str = "aws",
    endpoint: Endpoint = AWS_ITSELF,
) -> AccountChoices:
    """Return what the accounts of the profiles have, 1,000 of each kind at most.

    What a session may not read, and a profile that cannot sign in, is a note, never an error.
    """
    reading = _Choices(endpoint, partition)
    for side, profiles in (("source", source_profiles), ("destination", destination_profiles)):
        for profile in dict.fromkeys(profiles):
            reading.read(side, profile)
    found = {kind: tuple(dict.fromkeys(each)) for kind, each in reading.found.items()}
    found["profiles"] = tuple(session_of("", endpoint).available_profiles)
    made = (*found.pop("made", ()), *found.get("policies", ()))
    return AccountChoices(found, made, partition, tuple(dict.fromkeys(reading.notes)))


@dataclass
class _Choices:
    """What was read so far."""

    endpoint: Endpoint
    partition: str
    found: dict[str, list[str]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def read(self, side: str, profile: str) -> None:
        """Read the lists of a side with one profile."""
        try:
            profiles = {f"{side}_profiles": [profile]}
            sessions = open_sessions(None, endpoint=self.endpoint, **profiles)  # type: ignore[arg-type]
        except XacctError as problem:
            self.notes.append(f"{problem.what} Type what it would have found.")
            return
        account = sessions.identities[0].account
        for kind, listings in _SIDES[side].items():
            found = self.found.setdefault(kind, [])
            for listing in listings:
                found += self._listed(sessions.client(profile, listing.service), listing, account)
            if kind == "principals":
                found.append(account)

    def _listed(self, client: AwsClient, listing: _Listing, account: str) -> list[str]:
        name = client.meta.method_to_api_mapping[listing.operation]
        try:
            with translate_errors(f"{listing.service}:{name} in account {account}"):
                found = list(islice(_items(client, listing), _MOST + 1))
        except AwsRefused as problem:
            self.notes.append(
                f"{listing.service}:{name} in account {account} was refused ({problem.aws_code}): "
                f"type {listing.items.lower()} yourself."
            )
            return []
        if len(found) > _MOST:
            items = listing.items.lower()
            self.notes.append(f"Account {account} has more than {_MOST:,} {items}: type the others.")
        return found[:_MOST]


def _items(client: AwsClient, listing: _Listing) -> Iterator[str]:
    pages: Any = client.get_paginator(listing.operation).paginate(**listing.parameters)
    for page in pages:
        for item in page.get(listing.items, []):
            # A role of a service can neither be assumed from another account nor be a caller of one's own.
            if not item.get("Path", "").startswith("/aws-service-role/"):
                yield item[listing.key]
