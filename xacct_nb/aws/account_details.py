"""Converts IAM's responses to the sides of a snapshot: principals, and attached and other policies."""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.diagnosis.near_names import near_names
from xacct_nb.diagnosis.snapshot import INLINE, MANAGED, Destination, Principal, SnapshotPolicy, Source
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import POLICY_VERSIONS

Details = Mapping[str, list[Any]]
_MOST_OTHERS = 5
_LISTS = ("UserDetailList", "RoleDetailList", "GroupDetailList")


class MissingPart(Exception):
    """A side cannot be read, because its principal is not known."""


def source_of(entity: Mapping[str, Any] | None, details: Details, role: str, caller: str = "") -> Source:
    """Return the source side, from the caller's user or role (None: it does not exist) and the account."""
    if entity is None:
        loose = tuple(_naming(details, role, set()))
        return Source(loose=loose, missing=caller, others=_similar(caller, details))
    detail = _detail(details, entity["Arn"])
    names = detail.get("GroupList", [])
    groups = [each for each in details.get("GroupDetailList", []) if each["GroupName"] in names]
    holders = [detail, *groups] if detail else groups
    known = _managed(details)
    policies = tuple(policy for holder in holders for policy in _policies(holder, known))
    attached = {policy.arn for policy in policies if policy.arn} | {holder["Arn"] for holder in holders}
    return Source(
        principal=_principal(entity, known),
        policies=policies,
        loose=tuple(_naming(details, role, attached)),
        groups=tuple(each["Arn"] for each in groups),
        incomplete=_unread_documents(policies) if detail else "The caller's policies were not read.",
    )


def destination_of(
    entity: Mapping[str, Any] | None, details: Details, role: str, passed: Iterable[str] = ()
) -> Destination:
    """Return the destination side, from the role (None: it does not exist) and the account.

    `passed` are the ARNs of the managed policies that the request passes as session policies.
    """
    known = _managed(details)
    others = _similar(role, details)
    if entity is None:
        return Destination(others=others)
    policies = tuple(_policies(_detail(details, entity["Arn"]), known))
    principal, unread = _principal(entity, known), _unread_documents(policies)
    session = tuple(_managed_policy(arn, "", known) for arn in passed)
    return Destination(
        role=principal, policies=policies, others=others, incomplete=unread, session_policies=session
    )


def _similar(arn: str, details: Details) -> tuple[str, ...]:
    """Return the users, or the roles, whose ARN resembles that of a user, or of a role."""
    listed = details.get("UserDetailList" if ":user/" in arn else "RoleDetailList", [])
    return near_names(arn, (each["Arn"] for each in listed))[:_MOST_OTHERS]


def _detail(details: Details, arn: str) -> Mapping[str, Any]:
    found = (each for name in _LISTS for each in details.get(name, []) if each["Arn"] == arn)
    return next(found, {})


def _principal(entity: Mapping[str, Any], known: Mapping[str, Any]) -> Principal:
    boundary = entity.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")
    return Principal(
        arn=entity["Arn"],
        id=entity.get("UserId") or entity.get("RoleId", ""),
        created=utc(entity["CreateDate"]) if "CreateDate" in entity else "",
        max_session=entity.get("MaxSessionDuration") or 3600,
        trust=entity.get("AssumeRolePolicyDocument"),
        boundary=_managed_policy(boundary, entity["Arn"], known) if boundary else None,
        template=entity.get("SourceRoleTemplate", {}).get("TemplateArn", ""),
        tags={tag["Key"]: tag["Value"] for tag in entity.get("Tags", [])},
    )


def _policies(holder: Mapping[str, Any], known: Mapping[str, Any]) -> Iterator[SnapshotPolicy]:
    """Yield the inline policies, then the managed policies of a user, role or group."""
    arn = holder["Arn"]
    for kind in ("User", "Role", "Group"):
        for each in holder.get(f"{kind}PolicyList", []):
            document = _document(each["PolicyDocument"])
            yield SnapshotPolicy(name=each["PolicyName"], kind=INLINE, holder=arn, document=document)
    for each in holder.get("AttachedManagedPolicies", []):
        yield _managed_policy(each["PolicyArn"], arn, known)


def _managed_policy(arn: str, holder: str, known: Mapping[str, Any]) -> SnapshotPolicy:
    versions = known.get(arn, {}).get("PolicyVersionList", [])
    default: Mapping[str, Any] = next((each for each in versions if each["IsDefaultVersion"]), {})
    newest: Mapping[str, Any] = max(versions, key=lambda each: int(each["VersionId"][1:]), default={})
    is_newer = bool(newest) and newest is not default
    return SnapshotPolicy(
        name=arn.rpartition("/")[2],
        kind=MANAGED,
        holder=holder,
        arn=arn,
        document=_document(default.get("Document")),
        newer=_document(newest["Document"]) if is_newer else None,
        newer_version=newest["VersionId"] if is_newer else "",
        full_of=_oldest_of_full(versions),
    )


def _oldest_of_full(versions: list[Any]) -> str:
    """Return the oldest version that is not the default one, if IAM keeps no more; "" while it does."""
    others = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
    oldest = min(others, key=lambda version: int(version[1:]), default="")
    return oldest if len(versions) >= POLICY_VERSIONS else ""


def _naming(details: Details, role: str, attached: set[str]) -> Iterator[SnapshotPolicy]:
    """Yield the policies that name the role but do not apply to the caller: others', and unattached ones."""
    known, name = _managed(details), Arn.parse(role).name if role.startswith("arn:") else ""
    elsewhere = set[str]()
    for name_of_list in _LISTS:
        for holder in details.get(name_of_list, []):
            for policy in _policies(holder, known):
                elsewhere.add(policy.arn)
                if policy.holder not in attached and policy.arn not in attached and _names_role(policy, name):
                    yield policy
    for arn in known:
        policy = _managed_policy(arn, "", known)
        if arn not in elsewhere | attached and _names_role(policy, name):
            yield policy


def _names_role(policy: SnapshotPolicy, role: str) -> bool:
    text = json.dumps(policy.document or {})
    return bool(role) and f"/{role}" in text and "sts:" in text.lower()


def _managed(details: Details) -> dict[str, Any]:
    return {each["Arn"]: each for each in details.get("Policies", [])}


def _unread_documents(policies: Iterable[SnapshotPolicy]) -> str:
    names = [policy.name for policy in policies if policy.document is None]
    return f"Not read: the documents of {', '.join(names)}." if names else ""


def _document(value: Any) -> Any:
    return json.loads(value) if isinstance(value, str) else value
