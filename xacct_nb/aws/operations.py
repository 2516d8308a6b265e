"""The calls that make each kind of change: one call each, two where AWS has no other way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xacct_nb.aws.journaled_calls import JournaledClient
from xacct_nb.aws.policy_versions import change_policy, delete_policy
from xacct_nb.aws.preconditions import is_different
from xacct_nb.aws.reader import owner_of, read_value
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import minify


def make_change(client: JournaledClient, change: Change) -> Change:
    """Make one change; return it with what AWS added to it (a policy's version). Raises AwsRefused."""
    how = change.kind, change.sign
    if how in _FUNCTIONS:
        return _FUNCTIONS[how](client, change) or change
    operation, parameters = _CALLS[how]
    kind, owner = owner_of(change.target)
    client.call(change, operation.format(kind=kind), **owner, **parameters(change))
    return change


def ensure_change(client: JournaledClient, change: Change) -> Change:
    """Make the change; it is no failure if it is made already, by a call whose response was lost."""
    try:
        return make_change(client, change)
    except AwsRefused:
        if is_different(change, read_value(client.sessions, change), change.after):
            raise
        return change


def _create_policy(client: JournaledClient, change: Change) -> Change:
    named, policy = Arn.parse(change.target), change.after
    response = client.call(
        change,
        "create_policy",
        PolicyName=named.name,
        Path=named.path,
        Description=policy["description"],
        PolicyDocument=minify(policy["document"]),
        Tags=_tag_list(policy["tags"]),
    )
    return replace(change, after={**policy, "version": response["Policy"]["DefaultVersionId"]})


def _change_tags(client: JournaledClient, change: Change) -> None:
    kind, owner = owner_of(change.target)
    new = {key: value for key, value in change.after.items() if change.before.get(key) != value}
    if new:
        client.call(change, f"tag_{kind}", **owner, Tags=_tag_list(new))
    if removed := sorted(set(change.before) - set(change.after)):
        client.call(change, f"untag_{kind}", **owner, TagKeys=removed)


def _role_parameters(change: Change) -> dict[str, Any]:
    role = change.after
    boundary = {"PermissionsBoundary": role["boundary"]} if role["boundary"] else {}
    return {
        "Path": role["path"],
        "Description": role["description"],
        "AssumeRolePolicyDocument": minify(role["trust"]),
        "MaxSessionDuration": role["session_seconds"],
        "Tags": _tag_list(role["tags"]),
        **boundary,
    }


def _settings_parameters(change: Change) -> dict[str, Any]:
    # UpdateRole resets what is not sent: the description and the session length always go together.
    settings = change.after
    return {"Description": settings["description"], "MaxSessionDuration": settings["session_seconds"]}


def _inline_parameters(change: Change) -> dict[str, Any]:
    return {"PolicyName": change.name, "PolicyDocument": minify(change.after)}


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_FUNCTIONS: dict[tuple[str, str], Callable[[JournaledClient, Change], Change | None]] = {
    ("tags", "~"): _change_tags,
    ("managed-policy", "+"): _create_policy,
    ("managed-policy", "~"): change_policy,
    ("managed-policy", "-"): delete_policy,
}
# The operation, and its parameters besides the name of the role, user or group: `{kind}` is one of these.
_CALLS: dict[tuple[str, str], tuple[str, Callable[[Change], dict[str, Any]]]] = {
    ("role", "+"): ("create_role", _role_parameters),
    ("role", "-"): ("delete_role", lambda change: {}),
    ("trust", "~"): ("update_assume_role_policy", lambda change: {"PolicyDocument": minify(change.after)}),
    ("settings", "~"): ("update_role", _settings_parameters),
    ("boundary", "+"): ("put_role_permissions_boundary", lambda it: {"PermissionsBoundary": it.after}),
    ("boundary", "~"): ("put_role_permissions_boundary", lambda it: {"PermissionsBoundary": it.after}),
    ("boundary", "-"): ("delete_role_permissions_boundary", lambda change: {}),
    ("inline-policy", "+"): ("put_{kind}_policy", _inline_parameters),
    ("inline-policy", "~"): ("put_{kind}_policy", _inline_parameters),
    ("inline-policy", "-"): ("delete_{kind}_policy", lambda change: {"PolicyName": change.name}),
    ("attachment", "+"): ("attach_{kind}_policy", lambda change: {"PolicyArn": change.name}),
    ("attachment", "-"): ("detach_{kind}_policy", lambda change: {"PolicyArn": change.name}),
}
