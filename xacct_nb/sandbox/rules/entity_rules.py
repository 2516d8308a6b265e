"""IAM's refusals when users, roles, groups and policies are created or deleted; what a deletion leaves."""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from xacct_nb.iam.canonical import as_list
from xacct_nb.sandbox.http.calls import Call, Refusal
from xacct_nb.sandbox.ministack import internals
from xacct_nb.sandbox.rules import quota_rules
from xacct_nb.sandbox.rules.documents import statements_of

_NAMED = {"RoleName": "role", "GroupName": "group", "UserName": "user"}
_taken: set[tuple[str, str, str]] = set()


def forget() -> None:
    """Forget the names that are taken."""
    _taken.clear()


def named_entity(call: Call) -> tuple[str, str]:
    """Return the kind that is in an operation's name (`role` of CreateRole), and the name of the entity."""
    kind = next(kind for kind in ("User", "Role", "Group") if kind in call.action)
    return kind.lower(), call.parameter(f"{kind}Name")


def entity_is_there(call: Call) -> Refusal | None:
    """Refuse a call about a role, user or group that does not exist."""
    for parameter, kind in _NAMED.items():
        name = call.parameters.get(parameter)
        if name is None or call.action == f"Create{kind.title()}":
            continue
        if not internals.entity(kind, call.account, name):
            return Refusal(404, "NoSuchEntity", f"The {kind} with name {name} cannot be found.")
    return None


def name_is_free(call: Call) -> Refusal | None:
    """Refuse a name that differs from another only by case."""
    kind, name = named_entity(call)
    if (kind, call.account, name.lower()) not in _taken or internals.entity(kind, call.account, name):
        return None  # free, or MiniStack refuses it
    return Refusal(409, "EntityAlreadyExists", f"{kind.title()} with name {name} already exists.")


def take_name(call: Call) -> Callable[[], None]:
    """Return what records the name of a new user, role or group."""
    kind, name = named_entity(call)
    return lambda: _taken.add((kind, call.account, name.lower()))


def free_name(call: Call) -> Callable[[], None]:
    """Return what frees the name after a deletion, and leaves the unique id in trust policies.

    Source: reference_policies_elements_principal.
    """
    kind, name = named_entity(call)
    gone = internals.entity(kind, call.account, name) or {}

    def done() -> None:
        _taken.discard((kind, call.account, name.lower()))
        if kind != "group":
            _keep_unique_id(str(gone.get("Arn")), str(gone.get(f"{kind.title()}Id")))

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
    keys = internals.access_keys_of(call.account, call.parameter("UserName"))
    return quota_rules.over(call.account, "AccessKeysPerUser", len(keys) + 1)


def delete_entity(call: Call) -> Refusal | None:
    """Refuse to delete a user, role or group that still has dependents."""
    kind, name = named_entity(call)
    entity = internals.entity(kind, call.account, name)
    for step, remains in _STEPS_BEFORE_DELETION[kind].items() if entity else ():
        if remains(call.account, name):
            return Refusal(409, "DeleteConflict", f"Cannot delete entity, must {step} first.")
    return None


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


# By kind of entity: AWS's name of a step, and what of an account's entity it removes.
_STEPS_BEFORE_DELETION: dict[str, dict[str, Callable[[str, str], object]]] = {
    "user": {
        "detach all policies": partial(internals.attached_policies, "user"),
        "delete policies": partial(internals.inline_policies, "user"),
        "remove users from group": internals.groups_of,
        "delete access keys": internals.access_keys_of,
        "delete MFA device": internals.devices_of,
        "delete login profile": internals.has_password,
    },
    "role": {
        "remove roles from instance profile": internals.in_instance_profile,
        "detach all policies": partial(internals.attached_policies, "role"),
        "delete policies": partial(internals.inline_policies, "role"),
    },
    "group": {
        "remove users from group": internals.users_of,
        "detach all policies": partial(internals.attached_policies, "group"),
        "delete policies": partial(internals.inline_policies, "group"),
    },
}
