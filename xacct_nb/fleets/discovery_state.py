"""The live state of a grant's resources, from the details of whole accounts: as a plan would read it."""

import itertools
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.fleets.discovery_accounts import LiveAccounts, LiveRole
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.naming import policy_arn, policy_name, statement_ids
from xacct_nb.grants.own_statement import TRUST_STATEMENT, statement_in
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn

Resources = dict[ResourceKey, Any]


def state_of(documents: Documents, live: LiveAccounts, roles: Mapping[str, LiveRole]) -> State:
    """Return the roles and policies that the documents name, of the sides that they have."""
    grant = documents.grant
    found: Resources = {}
    for arn in documents.trust_policies:
        found |= _role_resources(roles[arn]) if arn in roles else {}
    details: Resources = {}
    if grant.trust_only:
        details, found = found, {}
        there = [arn for arn in documents.trust_policies if arn in roles]
        for arn, sid in itertools.product(there, statement_ids(grant)):
            if statement := statement_in(roles[arn].trust, sid):
                found[ResourceKey(TRUST_STATEMENT, arn, sid)] = statement
    return State(found | dict(_caller_resources(documents, live)), details)


def _role_resources(role: LiveRole) -> Resources:
    holder = role.holder
    value = {
        "path": Arn.parse(role.arn).path,
        "description": role.description,
        "boundary": holder.boundary,
        "session_seconds": role.session_seconds,
        "tags": dict(holder.tags),
        "trust": role.trust,
    }
    return {
        ResourceKey("role", role.arn): value,
        **{ResourceKey("inline-policy", role.arn, name): each for name, each in holder.inline.items()},
        **{ResourceKey("attachment", role.arn, policy): True for policy in holder.attached},
    }


def _caller_resources(documents: Documents, live: LiveAccounts) -> Iterator[tuple[ResourceKey, Any]]:
    grant = documents.grant
    if grant.caller_policy == "inline":
        for carrier, policies in documents.caller_policies.items():
            inline = live.holders[carrier].inline if carrier in live.holders else {}
            names = (policy_name(grant, number) for number, _ in enumerate(policies, start=1))
            yield from (
                (ResourceKey("inline-policy", carrier, name), inline[name])
                for name in names
                if name in inline
            )
        return
    counts = {account_of(carrier): len(policies) for carrier, policies in documents.caller_policies.items()}
    for account, count in counts.items():
        for number in itertools.count(1):
            arn = policy_arn(grant, account, number)
            if (document := live.document(arn)) is not None:
                yield ResourceKey("managed-policy", arn), _managed(live.managed[arn], document)
                yield from (
                    (ResourceKey("attachment", each, arn), True) for each in live.attached.get(arn, ())
                )
            elif number >= count:
                break


def _managed(policy: Mapping[str, Any], document: Any) -> dict[str, Any]:
    return {
        "description": str(policy.get("Description", "")),
        "tags": {tag["Key"]: tag["Value"] for tag in policy.get("Tags", ())},
        "document": document,
        "version": str(policy.get("DefaultVersionId", "")),
    }
