"""How each kind of change is made: one call each, two where AWS has no other way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xacct_nb.aws.journaled_calls import JournaledClient
from xacct_nb.aws.policy_versions import change_policy, delete_policy
from xacct_nb.aws.preconditions import is_different
from xacct_nb.aws.reader import read_value
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import minify


def make_change(client: JournaledClient, change: Change) -> Change:
    """Makes one change and returns it with what AWS added to it (a policy's version). Raises AwsRefused."""
    return _MAKERS[change.kind, change.sign](client, change) or change


def ensure_change(client: JournaledClient, change: Change) -> Change:
    """Makes the change; what is so already (a call took effect without an answer) is no failure."""
    try:
        return make_change(client, change)
    except AwsRefused:
        if is_different(change, read_value(client.sessions, change), change.after):
            raise
        return change


def _create_role(client: JournaledClient, change: Change) -> None:
    named, role = Arn.parse(change.target), change.after
    boundary = {"PermissionsBoundary": role["boundary"]} if role["boundary"] else {}
    client.call(
        change,
        "create_role",
        RoleName=named.name,
        Path=role["path"],
        Description=role["description"],
        AssumeRolePolicyDocument=minify(role["trust"]),
        MaxSessionDuration=role["session_seconds"],
        Tags=_tag_list(role["tags"]),
        **boundary,
    )


def _delete_role(client: JournaledClient, change: Change) -> None:
    client.call(change, "delete_role", RoleName=Arn.parse(change.target).name)


def _trust(client: JournaledClient, change: Change) -> None:
    client.call(
        change,
        "update_assume_role_policy",
        RoleName=Arn.parse(change.target).name,
        PolicyDocument=minify(change.after),
    )


def _settings(client: JournaledClient, change: Change) -> None:
    """UpdateRole resets what is not sent: the description and the session length always go together."""
    client.call(
        change,
        "update_role",
        RoleName=Arn.parse(change.target).name,
        Description=change.after["description"],
        MaxSessionDuration=change.after["session_seconds"],
    )


def _put_boundary(client: JournaledClient, change: Change) -> None:
    client.call(
        change,
        "put_role_permissions_boundary",
        RoleName=Arn.parse(change.target).name,
        PermissionsBoundary=change.after,
    )


def _delete_boundary(client: JournaledClient, change: Change) -> None:
    client.call(change, "delete_role_permissions_boundary", RoleName=Arn.parse(change.target).name)


def _tags(client: JournaledClient, change: Change) -> None:
    named = Arn.parse(change.target)
    thing: dict[str, Any] = (
        {"PolicyArn": change.target} if named.kind == "policy" else {"RoleName": named.name}
    )
    new = {key: value for key, value in change.after.items() if change.before.get(key) != value}
    if new:
        client.call(change, f"tag_{named.kind}", **thing, Tags=_tag_list(new))
    if gone := sorted(set(change.before) - set(change.after)):
        client.call(change, f"untag_{named.kind}", **thing, TagKeys=gone)


def _create_policy(client: JournaledClient, change: Change) -> Change:
    named, policy = Arn.parse(change.target), change.after
    answer = client.call(
        change,
        "create_policy",
        PolicyName=named.name,
        Path=named.path,
        Description=policy["description"],
        PolicyDocument=minify(policy["document"]),
        Tags=_tag_list(policy["tags"]),
    )
    return replace(change, after={**policy, "version": answer["Policy"]["DefaultVersionId"]})


def _owner(change: Change) -> tuple[str, dict[str, Any]]:
    named = Arn.parse(change.target)
    return named.kind, {f"{named.kind.title()}Name": named.name}


def _put_inline(client: JournaledClient, change: Change) -> None:
    kind, owner = _owner(change)
    client.call(
        change, f"put_{kind}_policy", **owner, PolicyName=change.name, PolicyDocument=minify(change.after)
    )


def _delete_inline(client: JournaledClient, change: Change) -> None:
    kind, owner = _owner(change)
    client.call(change, f"delete_{kind}_policy", **owner, PolicyName=change.name)


def _attach(client: JournaledClient, change: Change) -> None:
    kind, owner = _owner(change)
    client.call(change, f"attach_{kind}_policy", **owner, PolicyArn=change.name)


def _detach(client: JournaledClient, change: Change) -> None:
    kind, owner = _owner(change)
    client.call(change, f"detach_{kind}_policy", **owner, PolicyArn=change.name)


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_MAKERS: dict[tuple[str, str], Callable[[JournaledClient, Change], Change | None]] = {
    ("role", "+"): _create_role,
    ("role", "-"): _delete_role,
    ("trust", "~"): _trust,
    ("settings", "~"): _settings,
    ("tags", "~"): _tags,
    ("boundary", "+"): _put_boundary,
    ("boundary", "~"): _put_boundary,
    ("boundary", "-"): _delete_boundary,
    ("managed-policy", "+"): _create_policy,
    ("managed-policy", "~"): change_policy,
    ("managed-policy", "-"): delete_policy,
    ("inline-policy", "+"): _put_inline,
    ("inline-policy", "~"): _put_inline,
    ("inline-policy", "-"): _delete_inline,
    ("attachment", "+"): _attach,
    ("attachment", "-"): _detach,
}
