"""IAM's refusals when users, roles, groups and policies are created or deleted; what a deletion leaves."""

import json
from collections.abc import Callable
from typing import Any

from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.documents import statements_of

_NAMES = {"User": "UserName", "Role": "RoleName", "Group": "GroupName"}
_taken: set[tuple[str, str, str]] = set()


def forget() -> None:
    """Forget the names that are taken."""
    _taken.clear()


def role_is_there(call: Call) -> Refusal | None:
    """Refuse a call about a role that does not exist."""
    name = call.parameters.get("RoleName")
    if name is None or call.action.startswith("Create") or internals.entity("role", call.account, name):
        return None
    return Refusal(404, "NoSuchEntity", f"The role with name {name} cannot be found.")


def name_is_free(call: Call) -> Refusal | None:
    """Refuse a name that differs from another only by case."""
    kind = call.action.removeprefix("Create")
    name = call.parameter(_NAMES[kind])
    if (kind, call.account, name.lower()) not in _taken or internals.entity(kind.lower(), call.account, name):
        return None  # free, or MiniStack refuses it
    return Refusal(409, "EntityAlreadyExists", f"{kind} with name {name} already exists.")


def take_name(call: Call) -> Callable[[], None]:
    """Return what records the name of a new user, role or group."""
    kind = call.action.removeprefix("Create")
    return lambda: _taken.add((kind, call.account, call.parameter(_NAMES[kind]).lower()))


def free_name(call: Call) -> Callable[[], None]:
    """Return what frees the name after a deletion, and leaves the unique id in trust policies.

    Source: reference_policies_elements_principal.
    """
    kind = call.action.removeprefix("Delete")
    name = call.parameter(_NAMES[kind])
    gone = internals.entity(kind.lower(), call.account, name) or {}

    def done() -> None:
        _taken.discard((kind, call.account, name.lower()))
        if kind != "Group":
            _keep_unique_id(str(gone.get("Arn")), str(gone.get(f"{kind}Id")))

    return done


def _keep_unique_id(arn: str, unique_id: str) -> None:
    for role in internals.roles():
        if arn.rpartition("/")[2] in role["AssumeRolePolicyDocument"]:
            document = json.loads(role["AssumeRolePolicyDocument"])
            if [each for each in statements_of(document) if _renamed(each, arn, unique_id)]:
                role["AssumeRolePolicyDocument"] = json.dumps(document, separators=(",", ":"))


def _renamed(statement: dict[str, Any], arn: str, unique_id: str) -> bool:
    """Replace a deleted principal of a statement by its unique id; return whether it was named."""
    principal = statement.get("Principal")
    if not isinstance(principal, dict):
        return False
    before = as_list(principal.get("AWS", []))
    sessions = arn.replace(":iam:", ":sts:").replace(":role/", ":assumed-role/") + "/"
    after = [unique_id if each == arn else each.replace(sessions, f"{unique_id}:") for each in before]
    if after == before:
        return False
    principal["AWS"] = after if isinstance(principal["AWS"], list) else after[0]
    return True


def group_too_many(call: Call) -> Refusal | None:
    """Refuse a group too many for a user."""
    groups = internals.groups_of(call.account, call.parameter("UserName"))
    return quota_rules.over(call.account, "GroupsPerUser", len({*groups, call.parameter("GroupName")}))


def key_too_many(call: Call) -> Refusal | None:
    """Refuse a third access key."""
    user = call.parameter("UserName")
    return quota_rules.over(
        call.account, "AccessKeysPerUser", len(internals.access_keys_of(call.account, user)) + 1
    )


def delete_user(call: Call) -> Refusal | None:
    """Refuse to delete a user that still has policies, groups, keys, devices or a password."""
    account, name = call.account, call.parameter("UserName")
    user = internals.entity("user", account, name)
    if not user:
        return None
    return _conflict(
        (user.get("AttachedPolicies"), "detach all policies"),
        (internals.inline_policies("user", account, name), "delete policies"),
        (internals.groups_of(account, name), "remove users from group"),
        (internals.access_keys_of(account, name), "delete access keys"),
        (internals.devices_of(account, name), "delete MFA device"),
        (internals.has_password(account, name), "delete login profile"),
    )


def delete_role(call: Call) -> Refusal | None:
    """Refuse to delete a role that still has policies or an instance profile."""
    account, name = call.account, call.parameter("RoleName")
    role = internals.entity("role", account, name) or {}
    return _conflict(
        (internals.in_instance_profile(account, name), "remove roles from instance profile"),
        (role.get("AttachedPolicies"), "detach all policies"),
        (role.get("InlinePolicies"), "delete policies"),
    )


def delete_group(call: Call) -> Refusal | None:
    """Refuse to delete a group that still has users or policies."""
    account, name = call.account, call.parameter("GroupName")
    group = internals.entity("group", account, name)
    if not group:
        return None
    return _conflict(
        (group.get("Users"), "remove users from group"),
        (group.get("AttachedPolicies"), "detach all policies"),
        (internals.inline_policies("group", account, name), "delete policies"),
    )


def delete_policy(call: Call) -> Refusal | None:
    """Refuse to delete a policy with other versions; MiniStack checks its attachments."""
    policy = internals.managed_policy(call.account, call.parameter("PolicyArn"))
    if not policy or policy.get("AttachmentCount") or len(policy["Versions"]) == 1:
        return None
    message = (
        "This policy has more than one version. Before you delete a policy, you must delete the policy's "
        "versions. The default version is deleted with the policy."
    )
    return Refusal(409, "DeleteConflict", message)


def _conflict(*reasons: tuple[object, str]) -> Refusal | None:
    for remains, step in reasons:
        if remains:
            return Refusal(409, "DeleteConflict", f"Cannot delete entity, must {step} first.")
    return None
