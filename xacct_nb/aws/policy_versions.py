"""The versions of a managed policy: from one to another and back, none made twice and none left over."""

from dataclasses import replace
from typing import Any

from xacct_nb.aws.journaled_calls import JournaledClient
from xacct_nb.aws.reader import get, list_all, optional
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.plan import Change, differs
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.quotas import POLICY_VERSIONS, minify
from xacct_nb.redaction.redact import mask_secrets


def change_policy(client: JournaledClient, change: Change) -> Change:
    """Set the version that the change names as default, else make a new version. Raises AwsRefused.

    A change that names a version is a rollback: it also deletes the version that it leaves, even where an
    earlier attempt ended before that, or IAM does not list that version yet.
    """
    versions = _versions(client.sessions, change)
    default = next(name for name, version in versions.items() if version["IsDefaultVersion"])
    wanted, left = change.after.get("version", ""), change.before.get("version", "")
    if wanted in versions and _has_document(client.sessions, change, wanted):
        now = wanted
        if default != wanted or left not in ("", *versions):
            client.call(change, "set_default_policy_version", PolicyArn=change.target, VersionId=wanted)
    elif wanted and default != left and _has_document(client.sessions, change, default):
        now = default
    else:
        now = _create_version(client, change, versions)
    if wanted and left not in ("", now):
        _delete_version(client, change, left)
    return replace(change, after={**change.after, "version": now})


def delete_policy(client: JournaledClient, change: Change) -> None:
    """Delete the policy, after its other versions, as AWS requires. Raises AwsRefused."""
    for name, version in _versions(client.sessions, change).items():
        if not version["IsDefaultVersion"]:
            _delete_version(client, change, name)
    client.call(change, "delete_policy", PolicyArn=change.target)


def is_left_over(sessions: Sessions, reverse: Change) -> bool:
    """Return whether the version that a rollback's change is to delete still exists."""
    if (reverse.kind, reverse.sign) != ("managed-policy", "~"):
        return False
    left = reverse.before.get("version", "")
    return left not in ("", reverse.after.get("version", "")) and left in _existing(sessions, reverse)


def is_current(sessions: Sessions, change: Change) -> bool:
    """Return whether the version that a change expects is the default one, with the same text; one call."""
    version = change.before.get("version", "")
    found = _version(sessions, change, version) if version else None
    return bool(found and found["IsDefaultVersion"] and _is_same(change.before, found["Document"]))


def is_deleted(sessions: Sessions, reverse: Change) -> bool:
    """Return whether the version that a rollback's change goes back to does not exist any more."""
    return reverse.after.get("version", "") not in ("", *_existing(sessions, reverse))


def recover_version(sessions: Sessions, change: Change, existed: list[str]) -> Change:
    """Return the change with the id of the version that it made, whose response was lost."""
    made = _made_since(sessions, change, existed)
    return replace(change, after={**change.after, "version": made}) if made else change


def _create_version(client: JournaledClient, change: Change, versions: dict[str, Any]) -> str:
    if len(versions) >= POLICY_VERSIONS:
        others = [name for name, version in versions.items() if not version["IsDefaultVersion"]]
        _delete_version(client, change, min(others, key=_number))

    def recover() -> dict[str, Any] | None:
        made = _made_since(client.sessions, change, list(versions))
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
    for number in range(max(map(_number, versions)) + 1, _number(made)):
        if _has_document(client.sessions, change, f"v{number}"):
            _delete_version(client, change, f"v{number}")


def _number(version: str) -> int:
    return int(version[1:])


def _made_since(sessions: Sessions, change: Change, existed: list[str]) -> str:
    """Return the newest version that did not exist before and has the wanted text; "" if there is none."""
    new = [name for name in _existing(sessions, change) if name not in existed]
    newest_first = sorted(new, key=_number, reverse=True)
    return next((name for name in newest_first if _has_document(sessions, change, name)), "")


def _versions(sessions: Sessions, change: Change) -> dict[str, Any]:
    versions = list_all(sessions, change.target, "list_policy_versions", "Versions")
    return {version["VersionId"]: version for version in versions}


def _existing(sessions: Sessions, change: Change) -> dict[str, Any]:
    """Return the versions, none where the policy does not exist."""
    return optional(lambda: _versions(sessions, change)) or {}


def _version(sessions: Sessions, change: Change, version: str) -> Any:
    found = optional(lambda: get(sessions, change.target, "get_policy_version", VersionId=version))
    return found and found["PolicyVersion"]


def _has_document(sessions: Sessions, change: Change, version: str) -> bool:
    found = _version(sessions, change, version)
    return found is not None and _is_same(change.after, found["Document"])


def _is_same(policy: dict[str, Any], document: Any) -> bool:
    return not differs("managed-policy", mask_secrets({"document": document}), mask_secrets(policy))


def _delete_version(client: JournaledClient, change: Change, version: str) -> None:
    """Delete a version; it is no failure if it is deleted already, by a call whose response was lost."""
    found = _version(client.sessions, change, version)
    kept = {version: found and found["Document"]}
    try:
        client.call(change, "delete_policy_version", kept=kept, PolicyArn=change.target, VersionId=version)
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise
