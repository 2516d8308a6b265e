"""How each kind of change is made: one call each, two where AWS has no other way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xacct_nb.aws.journaled_calls import Pen
from xacct_nb.aws.policy_versions import change_policy, delete_policy
from xacct_nb.aws.preconditions import is_other
from xacct_nb.aws.reader import live
from xacct_nb.changes.plan import Change
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import minify


def make(pen: Pen, change: Change) -> Change:
    """Makes one change and returns it with what AWS added to it (a policy's version). Raises AwsRefused."""
    return _MAKERS[change.kind, change.sign](pen, change) or change


def make_surely(pen: Pen, change: Change) -> Change:
    """Makes the change; what is so already (a call took effect without an answer) is no failure."""
    try:
        return make(pen, change)
    except AwsRefused:
        if is_other(change, live(pen.sessions, change), change.after):
            raise
        return change


def _create_role(pen: Pen, change: Change) -> None:
    named, role = Arn.parse(change.target), change.after
    boundary = {"PermissionsBoundary": role["boundary"]} if role["boundary"] else {}
    pen.write(
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


def _delete_role(pen: Pen, change: Change) -> None:
    pen.write(change, "delete_role", RoleName=Arn.parse(change.target).name)


def _trust(pen: Pen, change: Change) -> None:
    pen.write(
        change,
        "update_assume_role_policy",
        RoleName=Arn.parse(change.target).name,
        PolicyDocument=minify(change.after),
    )


def _settings(pen: Pen, change: Change) -> None:
    """UpdateRole resets what is not sent: the description and the session length always go together."""
    pen.write(
        change,
        "update_role",
        RoleName=Arn.parse(change.target).name,
        Description=change.after["description"],
        MaxSessionDuration=change.after["session_seconds"],
    )


def _put_boundary(pen: Pen, change: Change) -> None:
    pen.write(
        change,
        "put_role_permissions_boundary",
        RoleName=Arn.parse(change.target).name,
        PermissionsBoundary=change.after,
    )


def _delete_boundary(pen: Pen, change: Change) -> None:
    pen.write(change, "delete_role_permissions_boundary", RoleName=Arn.parse(change.target).name)


def _tags(pen: Pen, change: Change) -> None:
    named = Arn.parse(change.target)
    thing: dict[str, Any] = (
        {"PolicyArn": change.target} if named.kind == "policy" else {"RoleName": named.name}
    )
    new = {key: value for key, value in change.after.items() if change.before.get(key) != value}
    if new:
        pen.write(change, f"tag_{named.kind}", **thing, Tags=_tag_list(new))
    if gone := sorted(set(change.before) - set(change.after)):
        pen.write(change, f"untag_{named.kind}", **thing, TagKeys=gone)


def _create_policy(pen: Pen, change: Change) -> Change:
    named, policy = Arn.parse(change.target), change.after
    answer = pen.write(
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


def _put_inline(pen: Pen, change: Change) -> None:
    kind, owner = _owner(change)
    pen.write(
        change, f"put_{kind}_policy", **owner, PolicyName=change.name, PolicyDocument=minify(change.after)
    )


def _delete_inline(pen: Pen, change: Change) -> None:
    kind, owner = _owner(change)
    pen.write(change, f"delete_{kind}_policy", **owner, PolicyName=change.name)


def _attach(pen: Pen, change: Change) -> None:
    kind, owner = _owner(change)
    pen.write(change, f"attach_{kind}_policy", **owner, PolicyArn=change.name)


def _detach(pen: Pen, change: Change) -> None:
    kind, owner = _owner(change)
    pen.write(change, f"detach_{kind}_policy", **owner, PolicyArn=change.name)


def _tag_list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in tags.items()]


_MAKERS: dict[tuple[str, str], Callable[[Pen, Change], Change | None]] = {
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
