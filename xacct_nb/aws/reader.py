"""The live state of both accounts, read by their administrators' sessions."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.aws.iam_reads import (
    arn_of_name,
    default_version,
    each_read_once,
    get,
    inline_policy,
    list_all,
    managed_policy,
    optional,
    pages,
    tags_of,
    version_number,
    version_with_text,
)
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.surroundings import read_surroundings
from xacct_nb.changes.plan import ROLE_PARTS, Change
from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.documents import DESTINATION, Documents
from xacct_nb.grants.expiry import has_ended
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import policy_arn, policy_name, statement_ids
from xacct_nb.grants.own_statement import TRUST_STATEMENT, statement_in
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import same_policy
from xacct_nb.iam.quotas import POLICY_VERSIONS


def read(documents: Documents, sessions: Sessions) -> State:
    """Return the roles and policies that the documents name, as they are now, and what is around them.

    `details` has the caller's other policies, who manages a role, names that are taken, and the quotas; of a
    grant that has ended, only what its removal needs. Raises AwsRefused, and InvalidGrant where a source does
    not exist, or a role has another path.
    """
    with each_read_once():
        return with_surroundings(documents, sessions, read_resources(documents, sessions))


def with_surroundings(documents: Documents, sessions: Sessions, state: State) -> State:
    """Return what `read_resources` returned, with what is around it for findings. Raises AwsRefused.

    A grant that has ended has no findings.
    """
    if state.is_after(documents.grant.expires):
        return state
    around = read_surroundings(documents, sessions, state.resources)
    return replace(state, details={**around, **state.details})


def read_resources(documents: Documents, sessions: Sessions) -> State:
    """Return the roles and policies that the documents name, as they are now: all that a plan needs.

    The sources of a grant that has ended may be gone. Raises AwsRefused, and InvalidGrant where a source does
    not exist or a role has another path.
    """
    now = utc(sessions.endpoint.clock.now())
    ended = has_ended(documents.grant.expires, now)
    roles: dict[ResourceKey, Any] = {}
    for role in documents.trust_policies:
        roles |= _role(sessions, role)
    resources = _caller_policies(documents, sessions)
    resources |= _own_statements(documents.grant, roles) if documents.grant.trust_only else roles
    if documents.side != DESTINATION and not ended:
        _check_sources(documents.grant, sessions, resources)
    planned = replace(documents, caller_policies={}) if ended else documents
    details = _details(planned, sessions, {**roles, **resources})
    return State(resources, {**details, **roles} if documents.grant.trust_only else details, now)


def _own_statements(grant: Grant, roles: Mapping[ResourceKey, Any]) -> dict[ResourceKey, Any]:
    """Return the grant's statements in the trust policies of roles of others."""
    return {
        ResourceKey(TRUST_STATEMENT, key.target, sid): found
        for key, role in roles.items()
        for sid in statement_ids(grant)
        if key.kind == "role" and (found := statement_in(role["trust"], sid))
    }


def read_value(sessions: Sessions, change: Change) -> Any:
    """Return the live value of a change's resource; None where the resource does not exist."""
    if change.kind in _VALUES:
        return _VALUES[change.kind](sessions, change)
    if Arn.parse(change.target).kind == "policy":
        policy = managed_policy(sessions, change.target)
        return policy and tags_of(policy)
    role = _role_value(sessions, change.target)
    return role and ROLE_PARTS[change.kind](role)


def dependents(sessions: Sessions, change: Change) -> set[ResourceKey]:
    """Return what is attached to a change's role or managed policy; AWS deletes it only without these."""
    if Arn.parse(change.target).kind == "policy":
        return set(_attachments(sessions.grant, sessions, change.target))
    return {key for key in _role(sessions, change.target) if key.kind != "role"}


def _role(sessions: Sessions, arn: str) -> dict[ResourceKey, Any]:
    value = _role_value(sessions, arn)
    if value is None:
        return {}
    inline = list_all(sessions, arn, "list_role_policies", "PolicyNames")
    attached = list_all(sessions, arn, "list_attached_role_policies", "AttachedPolicies")
    return {
        ResourceKey("role", arn): value,
        **{ResourceKey("inline-policy", arn, each): inline_policy(sessions, arn, each) for each in inline},
        **{ResourceKey("attachment", arn, each["PolicyArn"]): True for each in attached},
    }


def _role_value(sessions: Sessions, arn: str) -> dict[str, Any] | None:
    found = optional(lambda: get(sessions, arn, "get_role"))
    if found is None:
        return None
    role = found["Role"]
    if role["Arn"] != arn:
        raise InvalidGrant(
            f"{arn} does not exist, but {role['Arn']} does.",
            why="Role names are unique in an account, whatever their path and case.",
            hint="Write the role's ARN as it is, or choose another name.",
        )
    return {
        "path": role["Path"],
        "description": role.get("Description", ""),
        "boundary": role.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
        "session_seconds": role.get("MaxSessionDuration", 3600),
        "tags": tags_of(role),
        "trust": role["AssumeRolePolicyDocument"],
    }


def _policy_value(sessions: Sessions, arn: str) -> dict[str, Any] | None:
    policy = managed_policy(sessions, arn)
    if policy is None:
        return None
    about = {"description": policy.get("Description", ""), "tags": tags_of(policy)}
    return about | version_with_text(sessions, policy, Arn.parse(arn).account)


def _caller_policies(documents: Documents, sessions: Sessions) -> dict[ResourceKey, Any]:
    grant = documents.grant
    if grant.caller_policy == "inline":
        keys = [
            ResourceKey("inline-policy", carrier, policy_name(grant, number))
            for carrier, policies in documents.caller_policies.items()
            for number, _ in enumerate(policies, start=1)
        ]
        found = {key: inline_policy(sessions, key.target, key.name) for key in keys}
        return {key: value for key, value in found.items() if value is not None}
    managed: dict[ResourceKey, Any] = {}
    counts = {account_of(carrier): len(policies) for carrier, policies in documents.caller_policies.items()}
    if grant.caller_policy == "none" and documents.side != DESTINATION:  # one from before may be left
        counts = dict.fromkeys(map(account_of, grant.principals), 0)
    for account, count in counts.items():
        managed |= _managed_policies(grant, sessions, account, count)
    return managed


def _details(
    documents: Documents, sessions: Sessions, resources: Mapping[ResourceKey, Any]
) -> dict[ResourceKey, Any]:
    """Return the policies that the roles have or get, and the policy versions that a change will delete."""
    grant, found = documents.grant, dict[ResourceKey, Any]()
    for role in documents.trust_policies:
        live = resources.get(ResourceKey("role", role), {})
        attached = [key.name for key in resources if key.kind == "attachment" and key.target == role]
        bounds = (grant.permissions_boundary, live.get("boundary", ""))
        for policy in filter(None, (*attached, *grant.managed_policies, *bounds)):
            key = ResourceKey("policy", policy)
            if key not in found:
                found[key] = default_version(sessions, policy, account_of(role))
    wanted = {
        policy_arn(grant, account_of(carrier), number): policy
        for carrier, policies in documents.caller_policies.items()
        for number, policy in enumerate(policies, start=1)
    }
    for key, value in resources.items():
        if key.kind == "managed-policy" and not same_policy(value["document"], wanted.get(key.target)):
            found |= deleted_versions(sessions, key.target, replaced=key.target in wanted)
    return found


def deleted_versions(sessions: Sessions, policy: str, *, replaced: bool) -> dict[ResourceKey, Any]:
    """Return the versions that are deleted with a policy, or for a new version where it has five already.

    The default version is left out: it is the policy's document. Raises AwsRefused.
    """
    versions = optional(lambda: list_all(sessions, policy, "list_policy_versions", "Versions")) or []
    others = sorted(
        (each["VersionId"] for each in versions if not each["IsDefaultVersion"]), key=version_number
    )
    if replaced:
        others = others[:1] if len(versions) >= POLICY_VERSIONS else []
    documents = {name: get(sessions, policy, "get_policy_version", VersionId=name) for name in others}
    return {
        ResourceKey("version", policy, name): found["PolicyVersion"]["Document"]
        for name, found in documents.items()
    }


def _managed_policies(
    grant: Grant, sessions: Sessions, account: str, count: int
) -> Iterator[tuple[ResourceKey, Any]]:
    """Yield the grant's managed policies in an account with their attachments, also those beyond `count`."""
    for number in itertools.count(1):
        arn = policy_arn(grant, account, number)
        value = _policy_value(sessions, arn)
        if value is not None:
            yield ResourceKey("managed-policy", arn), value
            yield from ((key, True) for key in _attachments(grant, sessions, arn))
        elif number >= count:
            return


def _attachments(grant: Grant, sessions: Sessions, arn: str) -> Iterator[ResourceKey]:
    account = Arn.parse(arn).account
    known = {
        (Arn.parse(source).kind, Arn.parse(source).name): source
        for source in (*grant.principals, grant.attach_to)
        if source and Arn.parse(source).account == account
    }
    for page in pages(sessions, arn, "list_entities_for_policy"):
        for kind in ("user", "group", "role"):
            for entity in page.get(f"Policy{kind.title()}s", []):
                name = entity[f"{kind.title()}Name"]
                without_path = f"arn:{grant.partition}:iam::{account}:{kind}/{name}"
                yield ResourceKey("attachment", known.get((kind, name), without_path), arn)


def _check_sources(grant: Grant, sessions: Sessions, resources: dict[ResourceKey, Any]) -> None:
    """Check that the sources exist: AWS refuses a trust policy that names one that does not."""
    if grant.attach_to:
        _check_exists(sessions, grant.attach_to, *_GROUP)
        members = list_all(sessions, grant.attach_to, "get_group", "Users")
        resources[ResourceKey("group", grant.attach_to)] = [user["UserName"] for user in members]
    seen = {key.target for key in resources if key.kind in ("attachment", "inline-policy")}
    for source in grant.principals:
        if source not in seen:
            _check_exists(sessions, source, *_SOURCE)


_GROUP = (
    "The grant's caller policy is to be attached to it.",
    "Correct attach_to, or create the group first.",
)
_SOURCE = (
    "AWS refuses a trust policy that names a principal that does not exist.",
    "Correct the ARN, path and letter case included, or create the principal first.",
)


def _check_exists(sessions: Sessions, arn: str, why: str, hint: str) -> None:
    there = arn_of_name(sessions, arn)
    if there and there != arn:
        hint = f"Write {there}: names are unique in an account, whatever their path and case."
    if there != arn:
        also = f", but {there} does." if there else "."
        raise InvalidGrant(f"{arn} does not exist{also}", why=why, hint=hint)


def _attached(sessions: Sessions, change: Change) -> Any:
    operation = "list_attached_{kind}_policies"
    attached = optional(lambda: list_all(sessions, change.target, operation, "AttachedPolicies"))
    return True if any(policy["PolicyArn"] == change.name for policy in attached or ()) else None


def _statement_value(sessions: Sessions, change: Change) -> Any:
    role = _role_value(sessions, change.target)
    return role and statement_in(role["trust"], change.name)


_VALUES: dict[str, Callable[[Sessions, Change], Any]] = {
    "role": lambda sessions, change: _role_value(sessions, change.target),
    "managed-policy": lambda sessions, change: _policy_value(sessions, change.target),
    "inline-policy": lambda sessions, change: inline_policy(sessions, change.target, change.name),
    "attachment": _attached,
    TRUST_STATEMENT: _statement_value,
}
