"""What is in an account of the workshop, and how it is removed: everything that a sheet can make."""

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.clients import AwsClient

Clients = Callable[[str], AwsClient]


@dataclass(frozen=True)
class Item:
    """One thing in an account: its kind, as AWS names it, and its name or ARN."""

    kind: str
    name: str


def items_in(clients: Clients, kinds: Collection[str] = ()) -> tuple[Item, ...]:
    """Return what is in an account, of these kinds or of all, in the order in which it can be removed."""
    return tuple(
        Item(kind, name)
        for kind, (names, _) in _KINDS.items()
        if not kinds or kind in kinds
        for name in names(clients)
    )


def remove(clients: Clients, item: Item) -> str:
    """Remove an item with all that belongs to it; return AWS's error, "" where it is gone."""
    _, steps = _KINDS[item.kind]
    failed = ""
    for step in steps(clients, item.name):
        answer = call_aws(step)
        failed = answer.detail if answer.detail and "NoSuch" not in answer.detail else ""
    return failed


Steps = Iterator[Callable[[], Mapping[str, Any]]]


def _stacks(clients: Clients) -> list[str]:
    pages = clients("cloudformation").get_paginator("describe_stacks").paginate()
    return [each["StackName"] for page in pages for each in page["Stacks"]]


def _remove_stack(clients: Clients, name: str) -> Steps:
    yield partial(clients("cloudformation").delete_stack, StackName=name)


def _listed(operation: str, field: str, name: str, **parameters: Any) -> Callable[[Clients], list[str]]:
    """Return what lists the names of one kind by an operation of IAM with pages."""

    def names(clients: Clients) -> list[str]:
        pages = clients("iam").get_paginator(operation).paginate(**parameters)
        return [each[name] for page in pages for each in page[field]]

    return names


def _buckets(clients: Clients) -> list[str]:
    return [each["Name"] for each in clients("s3").list_buckets()["Buckets"]]


def _remove_bucket(clients: Clients, name: str) -> Steps:
    s3 = clients("s3")
    yield partial(s3.delete_bucket_policy, Bucket=name)
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=name):
        for each in page.get("Contents", []):
            yield partial(s3.delete_object, Bucket=name, Key=each["Key"])
    yield partial(s3.delete_bucket, Bucket=name)


def _remove_device(clients: Clients, name: str) -> Steps:
    iam = clients("iam")
    for device in iam.list_virtual_mfa_devices()["VirtualMFADevices"]:
        if device["SerialNumber"] == name and "UserName" in device.get("User", {}):
            user = device["User"]["UserName"]
            yield partial(iam.deactivate_mfa_device, UserName=user, SerialNumber=name)
    yield partial(iam.delete_virtual_mfa_device, SerialNumber=name)


def _remove_user(clients: Clients, name: str) -> Steps:
    iam = clients("iam")
    for key in iam.list_access_keys(UserName=name)["AccessKeyMetadata"]:
        yield partial(iam.delete_access_key, UserName=name, AccessKeyId=key["AccessKeyId"])
    for group in iam.list_groups_for_user(UserName=name)["Groups"]:
        yield partial(iam.remove_user_from_group, UserName=name, GroupName=group["GroupName"])
    yield from _without_policies(iam, "user", {"UserName": name})
    yield partial(iam.delete_login_profile, UserName=name)
    yield partial(iam.delete_user_permissions_boundary, UserName=name)
    yield partial(iam.delete_user, UserName=name)


def _remove_role(clients: Clients, name: str) -> Steps:
    iam = clients("iam")
    yield from _without_policies(iam, "role", {"RoleName": name})
    yield partial(iam.delete_role_permissions_boundary, RoleName=name)
    yield partial(iam.delete_role, RoleName=name)


def _remove_instance_profile(clients: Clients, name: str) -> Steps:
    iam, profile = clients("iam"), {"InstanceProfileName": name}
    for role in iam.get_instance_profile(**profile)["InstanceProfile"]["Roles"]:
        yield partial(iam.remove_role_from_instance_profile, **profile, RoleName=role["RoleName"])
    yield partial(iam.delete_instance_profile, **profile)


def _remove_group(clients: Clients, name: str) -> Steps:
    iam = clients("iam")
    for user in iam.get_group(GroupName=name)["Users"]:
        yield partial(iam.remove_user_from_group, UserName=user["UserName"], GroupName=name)
    yield from _without_policies(iam, "group", {"GroupName": name})
    yield partial(iam.delete_group, GroupName=name)


def _without_policies(iam: AwsClient, kind: str, of: Mapping[str, str]) -> Steps:
    """Yield the calls that take all policies from a user, a group or a role."""
    inline, attached = (
        getattr(iam, f"list_{kind}_policies"),
        getattr(iam, f"list_attached_{kind}_policies"),
    )
    delete, detach = getattr(iam, f"delete_{kind}_policy"), getattr(iam, f"detach_{kind}_policy")
    for name in inline(**of)["PolicyNames"]:
        yield partial(delete, **of, PolicyName=name)
    for policy in attached(**of)["AttachedPolicies"]:
        yield partial(detach, **of, PolicyArn=policy["PolicyArn"])


def _remove_policy(clients: Clients, arn: str) -> Steps:
    iam = clients("iam")
    for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]:
        if not version["IsDefaultVersion"]:
            yield partial(iam.delete_policy_version, PolicyArn=arn, VersionId=version["VersionId"])
    yield partial(iam.delete_policy, PolicyArn=arn)


# Each kind with what lists its names, and the calls that remove one; in the order of their removal.
_KINDS: Mapping[str, tuple[Callable[[Clients], list[str]], Callable[[Clients, str], Steps]]] = {
    "stack": (_stacks, _remove_stack),
    "bucket": (_buckets, _remove_bucket),
    "MFA device": (_listed("list_virtual_mfa_devices", "VirtualMFADevices", "SerialNumber"), _remove_device),
    "user": (_listed("list_users", "Users", "UserName"), _remove_user),
    "instance profile": (
        _listed("list_instance_profiles", "InstanceProfiles", "InstanceProfileName"),
        _remove_instance_profile,
    ),
    "role": (_listed("list_roles", "Roles", "RoleName"), _remove_role),
    "group": (_listed("list_groups", "Groups", "GroupName"), _remove_group),
    "policy": (_listed("list_policies", "Policies", "Arn", Scope="Local"), _remove_policy),
}
