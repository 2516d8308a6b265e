"""Who may assume what in accounts as IAM described them: their users, roles, groups and policies."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.grants.documents import Policy
from xacct_nb.grants.pictures.access_graph import AccessGraph, node_of
from xacct_nb.grants.pictures.ways_in import Holder, Trusts, ways_in

Details = Mapping[str, Sequence[Mapping[str, Any]]]
_SERVICE_LINKED = "/aws-service-role/"
_ENTITIES = ("UserDetailList", "RoleDetailList", "GroupDetailList")
_HIDDEN = "hidden"
_NOT_ASKED = "Control policies of an organization are not read: they can only take away."


@dataclass(frozen=True)
class AccountDetails:
    """An account as it was read: the lists of GetAccountAuthorizationDetails, or the roles alone.

    `problem` says what could not be read; `whole` is whether all users and roles have their policies there.
    """

    account: str
    details: Details = field(default_factory=dict, repr=False)  # external IDs are in its conditions
    whole: bool = True
    problem: str = ""


def graph_of_accounts(accounts: Iterable[AccountDetails]) -> AccessGraph:
    """Return who may assume what in these accounts; what was not read is said, and never guessed."""
    given = tuple(accounts)
    trusts = {
        role["Arn"]: _without_external_ids(document_of(role["AssumeRolePolicyDocument"]))
        for each in given
        for role in roles_of(each)
    }
    holders = {arn: holder for each in given for arn, holder in _holders(each)}
    read = frozenset(each.account for each in given if each.whole)
    edges = ways_in(Trusts(trusts, holders, read))
    ends = dict.fromkeys((*(each.source for each in edges), *(each.target for each in edges)))
    nodes = tuple(node_of(key) for key in ends)
    idle = [arn for arn in holders if arn not in ends]
    title = f"Who may assume what in {', '.join(each.account for each in given) or 'no account'}"
    return AccessGraph(title, nodes, edges, tuple(_notes(given, idle)))


def unread_policies(details: Details) -> list[str]:
    """Return the managed policies, boundaries too, of users, roles and groups that are not there."""
    there = {policy["Arn"] for policy in details.get("Policies", ()) if default_document(policy) is not None}
    entities = [each for name in _ENTITIES for each in details.get(name, ())]
    named = [arn for each in entities for arn in (*_attached(each), _boundary(each)) if arn]
    return [arn for arn in dict.fromkeys(named) if arn not in there]


def _attached(entity: Mapping[str, Any]) -> list[str]:
    return [each["PolicyArn"] for each in entity.get("AttachedManagedPolicies", ())]


def _boundary(entity: Mapping[str, Any]) -> str:
    return str(entity.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""))


def _notes(accounts: Iterable[AccountDetails], idle: Sequence[str]) -> Iterator[str]:
    yield from (f"Account {each.account}: {each.problem}" for each in accounts if each.problem)
    linked = sum(_is_linked(role) for each in accounts for role in each.details.get("RoleDetailList", ()))
    if linked:
        yield f"{linked} service-linked roles are left out: only their services may assume them."
    if idle:
        yield f"{len(idle)} users and roles that may assume nothing here are left out."
    yield _NOT_ASKED


def roles_of(account: AccountDetails) -> list[Mapping[str, Any]]:
    """Return the roles of an account without the service-linked ones."""
    return [role for role in account.details.get("RoleDetailList", ()) if not _is_linked(role)]


def _is_linked(role: Mapping[str, Any]) -> bool:
    return str(role.get("Path", "")).startswith(_SERVICE_LINKED)


def _holders(account: AccountDetails) -> Iterator[tuple[str, Holder]]:
    """Yield the users and roles of an account with their policies, those of a user's groups too."""
    if not account.whole:
        return
    known = {policy["Arn"]: default_document(policy) for policy in account.details.get("Policies", ())}
    groups = {group["GroupName"]: group for group in account.details.get("GroupDetailList", ())}
    for user in account.details.get("UserDetailList", ()):
        own = [groups[name] for name in user.get("GroupList", ()) if name in groups]
        yield user["Arn"], _holder(user, (user, *own), known)
    for role in roles_of(account):
        yield role["Arn"], _holder(role, (role,), known)


def _holder(
    entity: Mapping[str, Any], carriers: Iterable[Mapping[str, Any]], known: Mapping[str, Policy | None]
) -> Holder:
    inline, attached = list[Policy](), list[str]()
    for carrier in carriers:
        for kind in ("User", "Role", "Group"):
            inline += [document_of(each["PolicyDocument"]) for each in carrier.get(f"{kind}PolicyList", ())]
        attached += _attached(carrier)
    boundary = _boundary(entity)
    unread = [arn for arn in (*attached, boundary) if arn and known.get(arn) is None]
    names = ", ".join(arn.rpartition("/")[2] for arn in dict.fromkeys(unread))
    managed = [document for arn in attached if (document := known.get(arn)) is not None]
    missing = f"its policy {names} was not read" if names else ""
    return Holder((*inline, *managed), known.get(boundary) if boundary else None, missing)


def _without_external_ids(value: Any) -> Any:
    """Return a trust policy whose external IDs are replaced: their evaluation would fingerprint each one."""
    if isinstance(value, list):
        return [_without_external_ids(each) for each in value]
    if not isinstance(value, Mapping):
        return value
    return {
        key: item if _is_null(key) else _hidden(item) if _is_external_id(key) else _without_external_ids(item)
        for key, item in value.items()
    }


def _is_null(operator: Any) -> bool:
    """Return whether a key is the operator Null, whose values are true and false."""
    return str(operator).lower().rpartition(":")[2] == "null"


def _is_external_id(key: Any) -> bool:
    return str(key).lower() == "sts:externalid"


def _hidden(item: Any) -> Any:
    values = item if isinstance(item, list) else [item]
    return [each if isinstance(each, str) and set(each) == {"*"} else _HIDDEN for each in values]


def default_document(policy: Mapping[str, Any]) -> Policy | None:
    """Return the default version of a managed policy, None where it was not read."""
    versions = (each for each in policy.get("PolicyVersionList", ()) if each.get("IsDefaultVersion"))
    return next((document_of(each["Document"]) for each in versions if "Document" in each), None)


def document_of(value: Any) -> Policy:
    """Return a policy as it is, or from the JSON text that it came in."""
    document: Policy = json.loads(value) if isinstance(value, str) else value
    return document
