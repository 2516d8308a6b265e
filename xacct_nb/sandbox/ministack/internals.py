"""Reads what MiniStack keeps in memory."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextvars import ContextVar
from typing import Any

from ministack.core import iam_actions, iam_evaluator, responses
from ministack.services import cloudtrail, iam, organizations, s3, sts

Record = dict[str, Any]

_owners: dict[str, str] = {}
checked: ContextVar[tuple[str, Any]] = ContextVar("checked", default=("", None))
"""The access key of the request that is being served, and MiniStack's record of it."""


def account_of(key: str) -> str:
    """Return the 12-digit account of an access key; "" for an unknown key."""
    if len(key) == 12 and key.isdigit():
        return key
    if session := sts._sessions.get(key):
        return str(session.get("AccountId", ""))
    if not iam._access_keys.contains_scoped(_owners.get(key, ""), None, key):
        _owners.pop(key, None)
        _owners.update({known: account for account, known in iam._access_keys.to_dict() if known == key})
    return _owners.get(key, "")


def entity(kind: str, account: str, name: str) -> Record | None:
    """Return the user, role or group of an account by its name."""
    return _stored(f"_{kind}s", account, name)


def managed_policy(account: str, arn: str) -> Record | None:
    """Return the customer managed policy of an account."""
    return _stored("_policies", account, arn)


def policy_names(account: str) -> list[str]:
    """Return the names of the customer managed policies of an account."""
    return [policy["PolicyName"] for policy in _records("_policies", account)]


def managed_document(account: str, arn: str) -> str:
    """Return the default version of a managed policy, AWS's own included; `{}` where it is missing."""
    aws_owned = arn.startswith("arn:aws:iam::aws:policy/")
    record = iam._lookup_policy(arn) if aws_owned else managed_policy(account, arn)
    version = (record or {}).get("Versions", {}).get((record or {}).get("DefaultVersionId", "v1"), {})
    return as_text(version.get("Document") or {})


def as_text(document: str | Record) -> str:
    """Return a policy document as JSON text, however MiniStack keeps it."""
    return document if isinstance(document, str) else json.dumps(document)


def inline_policies(kind: str, account: str, name: str) -> dict[str, str]:
    """Return the inline policies of a user, role or group: name -> text."""
    if kind == "role":
        return dict((entity(kind, account, name) or {}).get("InlinePolicies") or {})
    return dict(_stored(f"_{kind}_inline_policies", account, name) or {})


def attached_policies(kind: str, account: str, name: str) -> list[str]:
    """Return the ARNs of the managed policies of a user, role or group."""
    return list((entity(kind, account, name) or {}).get("AttachedPolicies") or ())


def attached_to(account: str, arn: str) -> list[tuple[str, Record]]:
    """Return the users and roles to which a managed policy is attached, users through their groups too."""
    found = [(kind, each) for kind in ("user", "role") for each in _records(f"_{kind}s", account)]
    groups = [each for each in _records("_groups", account) if arn in (each.get("AttachedPolicies") or ())]
    members = {name for group in groups for name in group["Users"]}
    return [
        (kind, each)
        for kind, each in found
        if arn in (each.get("AttachedPolicies") or ()) or (kind == "user" and each["UserName"] in members)
    ]


def users_of(account: str, group: str) -> list[str]:
    """Return the users in a group."""
    return list((entity("group", account, group) or {}).get("Users") or ())


def groups_of(account: str, user: str) -> list[str]:
    """Return the groups of a user."""
    return [group["GroupName"] for group in _records("_groups", account) if user in group["Users"]]


def access_keys_of(account: str, user: str) -> list[str]:
    """Return the access key ids of a user."""
    return [key["AccessKeyId"] for key in _records("_access_keys", account) if key["UserName"] == user]


def devices_of(account: str, user: str) -> list[str]:
    """Return the serial numbers of a user's MFA devices."""
    return [each["SerialNumber"] for each in _records("_mfa_devices", account) if each["User"] == user]


def has_password(account: str, user: str) -> bool:
    """Return whether a user has a login profile."""
    return _stored("_login_profiles", account, user) is not None


def in_instance_profile(account: str, role: str) -> bool:
    """Return whether a role is in an instance profile."""
    return any(role in each.get("Roles", ()) for each in _records("_instance_profiles", account))


def device(account: str, serial: str) -> Record | None:
    """Return the MFA device by its serial number; a field that is added to it is kept."""
    return _stored("_mfa_devices", account, serial)


def session(key: str) -> Record | None:
    """Return the session of a temporary access key id, expired or not."""
    found: Record | None = sts._sessions.get(key)
    return found


def is_orphaned(key: str) -> bool:
    """Return whether a key is that of a session whose role or user was deleted, even if made again."""
    found = sts._sessions.get(key)
    if found is None:
        return False
    account, unique_id = str(found.get("AccountId", "")), str(found.get("UserId", "")).partition(":")[0]
    if found.get("PrincipalType") == "AssumedRole":
        role = entity("role", account, str(found["Arn"]).split("/")[1])
        return role is None or role["RoleId"] != unique_id
    name = found.get("PrincipalName")
    user = entity("user", account, name) if name else None
    if not name:  # of the root user
        return False
    return user is None or (found.get("PrincipalType") == "User" and user["UserId"] != unique_id)


def credential(key: str, account: str) -> Any:
    """Return MiniStack's record of an access key with its principal; None for a key that is not valid."""
    checked_key, record = checked.get()
    if checked_key == key:
        return record
    found = iam_evaluator.resolve_credential(key, account)
    return None if isinstance(found, iam_evaluator.CredentialResolutionError) else found


def service_model(service: str) -> Record:
    """Return botocore's model of a service, which MiniStack reads from its file."""
    found: Record = iam_actions._load_botocore_model(service)
    return found


def add_event(account: str, region: str, event: Record) -> None:
    """Add an event to the CloudTrail of an account."""
    with responses.request_scope(account, region):
        cloudtrail._get_event_queue().append(event)


def trail(arn: str) -> Record | None:
    """Return the trail of CloudTrail with this ARN, of any account and region."""
    return next((each for each in cloudtrail._trails.all_values() if each["TrailARN"] == arn), None)


def serve_lookups(look_up: Callable[[Sequence[Record], Record], Any]) -> None:
    """Let `look_up` answer LookupEvents, from an account's events in their order and the parameters."""
    cloudtrail._DISPATCH["LookupEvents"] = lambda asked: look_up(list(cloudtrail._get_event_queue()), asked)


def bucket_policy(arn: str) -> tuple[str, str] | None:
    """Return the policy of a bucket of any account, "" for none, and its owner; None for no bucket."""
    bucket = arn.removeprefix("arn:aws:s3:::").partition("/")[0]
    owner = s3._bucket_owner_account(bucket) if arn.startswith("arn:aws:s3:::") else None
    return (s3._bucket_policies.get_scoped(owner, None, bucket) or "", owner) if owner else None


def expire(given: Mapping[str, str]) -> None:
    """End the session of `{"key": ...}`. Raises ValueError if there is none."""
    if not (found := session(given["key"])):
        raise ValueError(f"There is no session with the access key id {given['key']}.")
    found["Expiration"] = 0


def iam_entity(arn: str) -> tuple[str, dict[str, str]] | None:
    """Return the full ARN, path included, and the tags of a user, role or group; None for anything else."""
    kind, _, name = arn.rpartition(":")[2].partition("/")
    found = entity(kind, arn.split(":")[4], name) if kind in ("user", "role", "group") else None
    return (found["Arn"], {tag["Key"]: tag["Value"] for tag in found.get("Tags") or ()}) if found else None


def role(arn: str) -> Record | None:
    """Return the role with this ARN, path included."""
    parts = arn.split(":")
    found = entity("role", parts[4], arn.rpartition("/")[2]) if len(parts) == 6 else None
    return found if found and found["Arn"] == arn else None


def identity_provider(kind: str, account: str, arn: str) -> Record | None:
    """Return the provider of OpenID Connect (`oidc`) or SAML (`saml`) of an account."""
    return _stored(f"_{kind}_providers", account, arn)


def has_organization(account: str) -> bool:
    """Return whether MiniStack has made an organization for an account, as some of its operations do."""
    return organizations._orgs.get_scoped(account, None, "self") is not None


def roles() -> Iterator[Record]:
    """Yield the roles of all accounts."""
    yield from iam._roles.to_dict().values()


def _stored(store: str, account: str, key: str) -> Record | None:
    """Return an entry of one of MiniStack's stores of IAM, None if it has none."""
    found: Record | None = getattr(iam, store).get_scoped(account, None, key)
    return found


def _records(store: str, account: str) -> list[Record]:
    return [each for (owner, _), each in getattr(iam, store).to_dict().items() if owner == account]
