"""The calls that make each kind of change: one call each, two where AWS has no other way."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from xacct_nb.aws.iam_reads import owner_of, trust_text, version_number
from xacct_nb.aws.journaled_calls import JournaledClient, was_retried
from xacct_nb.aws.policy_versions import find_version, has_document, made_since, versions_of
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.preconditions import is_different
from xacct_nb.aws.reader import read_value
from xacct_nb.aws.trust_merge import merged_text
from xacct_nb.changes.plan import SIGNS, Change, differs
from xacct_nb.changes.self_trust import first_trust, is_half_made
from xacct_nb.errors import AwsRefused
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.quotas import POLICY_VERSIONS, minify


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


def _create_role(client: JournaledClient, change: Change) -> None:
    """Create the role; one that trusts itself gets that by a second call. Raises AwsRefused."""
    _, owner = owner_of(change.target)
    first = {**change.after, "trust": first_trust(change.target, change.after["trust"])}
    try:
        client.call(change, "create_role", **owner, **_role_parameters(first))
    except AwsRefused as problem:
        # The response of an earlier try was lost.
        made = problem.aws_code == "EntityAlreadyExists" and was_retried(problem)
        if not (made and is_half_made(change, read_value(client.sessions, change))):
            raise
    if differs("trust", first["trust"], change.after["trust"]):
        document = minify(change.after["trust"])
        client.call(change, "update_assume_role_policy", **owner, PolicyDocument=document)


def _write_statement(client: JournaledClient, change: Change) -> None:
    """Write one statement of a trust policy; the rest stays, to the letter, as it is. Raises AwsRefused."""
    _, owner = owner_of(change.target)

    def merged() -> dict[str, Any]:
        return {"PolicyDocument": merged_text(trust_text(client.sessions, change.target), change)}

    client.call(change, "update_assume_role_policy", fresh=merged, **owner)
    # The next grant of the same role must read this statement, or it would write the policy without it.
    wait = Wait(f"GetRole {change.title}", client.patience)
    while is_different(change, read_value(client.sessions, change), change.after) and wait.pause():
        pass
    wait.close()


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


def _change_policy(client: JournaledClient, change: Change) -> Change:
    """Set the version that the change names as default, else make a new version. Raises AwsRefused.

    A change that names a version is a rollback: it also deletes the version that it leaves, even where an
    earlier attempt ended before that, or IAM does not list that version yet.
    """
    versions = versions_of(client.sessions, change)
    default = next(name for name, version in versions.items() if version["IsDefaultVersion"])
    wanted, left = change.after.get("version", ""), change.before.get("version", "")
    if wanted in versions and has_document(client.sessions, change, wanted):
        now = wanted
        if default != wanted or left not in ("", *versions):
            client.call(change, "set_default_policy_version", PolicyArn=change.target, VersionId=wanted)
    elif wanted and default != left and has_document(client.sessions, change, default):
        now = default
    else:
        now = _create_version(client, change, versions)
    if wanted and left not in ("", now):
        _delete_version(client, change, left)
    return replace(change, after={**change.after, "version": now})


def _delete_policy(client: JournaledClient, change: Change) -> None:
    """Delete the policy, after its other versions, as AWS requires. Raises AwsRefused."""
    for name, version in versions_of(client.sessions, change).items():
        if not version["IsDefaultVersion"]:
            _delete_version(client, change, name)
    client.call(change, "delete_policy", PolicyArn=change.target)


def _create_version(client: JournaledClient, change: Change, versions: dict[str, Any]) -> str:
    if len(versions) >= POLICY_VERSIONS:
        others = [name for name, version in versions.items() if not version["IsDefaultVersion"]]
        _delete_version(client, change, min(others, key=version_number))

    def recover() -> dict[str, Any] | None:
        made = made_since(client.sessions, change, list(versions))
        return {"PolicyVersion": {"VersionId": made}} if made else None

    response = client.call(
        change,
        "create_policy_version",
        kept={"versions": sorted(versions)},
        recover=recover,
        PolicyArn=change.target,
        SetAsDefault=True,
        PolicyDocument=minify(change.after["document"]),
    )
    made = str(response["PolicyVersion"]["VersionId"])
    if client.entries[-1].tries > 1:
        _delete_duplicates(client, change, versions, made)
    return made


def _delete_duplicates(client: JournaledClient, change: Change, versions: dict[str, Any], made: str) -> None:
    """Delete what earlier tries made that IAM did not list yet when the call was retried.

    AWS numbers versions one by one and uses no number twice.
    """
    for number in range(max(map(version_number, versions)) + 1, version_number(made)):
        if has_document(client.sessions, change, f"v{number}"):
            _delete_version(client, change, f"v{number}")


def _delete_version(client: JournaledClient, change: Change, version: str) -> None:
    """Delete a version; it is no failure if it is deleted already, by a call whose response was lost."""
    found = find_version(client.sessions, change, version)
    kept = {version: found and found["Document"]}
    try:
        client.call(change, "delete_policy_version", kept=kept, PolicyArn=change.target, VersionId=version)
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise


def _change_tags(client: JournaledClient, change: Change) -> None:
    kind, owner = owner_of(change.target)
    new = {key: value for key, value in change.after.items() if change.before.get(key) != value}
    if new:
        client.call(change, f"tag_{kind}", **owner, Tags=_tag_list(new))
    if removed := sorted(set(change.before) - set(change.after)):
        client.call(change, f"untag_{kind}", **owner, TagKeys=removed)


def _role_parameters(role: dict[str, Any]) -> dict[str, Any]:
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
    ("role", "+"): _create_role,
    **{(TRUST_STATEMENT, sign): _write_statement for sign in SIGNS},
    ("tags", "~"): _change_tags,
    ("managed-policy", "+"): _create_policy,
    ("managed-policy", "~"): _change_policy,
    ("managed-policy", "-"): _delete_policy,
}
# The operation, and its parameters besides the name of the role, user or group: `{kind}` is one of these.
_CALLS: dict[tuple[str, str], tuple[str, Callable[[Change], dict[str, Any]]]] = {
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
