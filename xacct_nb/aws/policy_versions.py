"""The versions of a managed policy: from one to another and back, none doubled and none left over."""

from dataclasses import replace
from typing import Any

from xacct_nb.aws.journaled_calls import JournaledClient
from xacct_nb.aws.reader import list_all, optional
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.plan import Change, differs
from xacct_nb.errors import AwsRefused
from xacct_nb.iam.quotas import POLICY_VERSIONS, minify
from xacct_nb.redaction.redact import mask_secrets


def change_policy(client: JournaledClient, change: Change) -> Change:
    """Back to the version before, where the change names one, else to a new one. Raises AwsRefused.

    On the way back the version that is left goes, also where an earlier attempt ended before that, and where
    IAM does not list it yet.
    """
    there = _versions(client.sessions, change)
    default = next(name for name, version in there.items() if version["IsDefaultVersion"])
    wanted, left = change.after.get("version", ""), change.before.get("version", "")
    if wanted in there and _says(client.sessions, change, wanted):
        now = wanted
        if default != wanted or left not in ("", *there):
            client.call(change, "set_default_policy_version", PolicyArn=change.target, VersionId=wanted)
    elif wanted and default != left and _says(client.sessions, change, default):
        now = default
    else:
        now = _new_version(client, change, there)
    if wanted and left not in ("", now):
        _delete_version(client, change, left)
    return replace(change, after={**change.after, "version": now})


def delete_policy(client: JournaledClient, change: Change) -> None:
    """Deletes the policy, first its other versions, as AWS wants it. Raises AwsRefused."""
    for name, version in _versions(client.sessions, change).items():
        if not version["IsDefaultVersion"]:
            _delete_version(client, change, name)
    client.call(change, "delete_policy", PolicyArn=change.target)


def is_left_over(sessions: Sessions, back: Change) -> bool:
    """Whether the version that a change on the way back is to delete is still there."""
    if (back.kind, back.sign) != ("managed-policy", "~"):
        return False
    left = back.before.get("version", "")
    return left not in ("", back.after.get("version", "")) and left in _there(sessions, back)


def is_current(sessions: Sessions, change: Change) -> bool:
    """Whether the version that a change expects is the one that counts, and says the same; asks AWS once."""
    version = change.before.get("version", "")
    found = _version(sessions, change, version) if version else None
    return bool(found and found["IsDefaultVersion"] and _is_text(change.before, found["Document"]))


def is_deleted(sessions: Sessions, back: Change) -> bool:
    """Whether the version that a change goes back to is gone."""
    return back.after.get("version", "") not in ("", *_there(sessions, back))


def recover_version(sessions: Sessions, change: Change, existed: list[str]) -> Change:
    """The change of a run that ended before it heard of the version that it made, with that version."""
    made = _made_since(sessions, change, existed)
    return replace(change, after={**change.after, "version": made}) if made else change


def _new_version(client: JournaledClient, change: Change, there: dict[str, Any]) -> str:
    if len(there) >= POLICY_VERSIONS:
        others = [name for name, version in there.items() if not version["IsDefaultVersion"]]
        _delete_version(client, change, min(others, key=_number))

    def found() -> dict[str, Any] | None:
        made = _made_since(client.sessions, change, list(there))
        return {"PolicyVersion": {"VersionId": made}} if made else None

    answer = client.call(
        change,
        "create_policy_version",
        kept={"versions": sorted(there)},
        found=found,
        PolicyArn=change.target,
        SetAsDefault=True,
        PolicyDocument=minify(change.after["document"]),
    )
    made = str(answer["PolicyVersion"]["VersionId"])
    if client.entries[-1].tries > 1:
        _delete_doubles(client, change, there, made)
    return made


def _delete_doubles(client: JournaledClient, change: Change, there: dict[str, Any], made: str) -> None:
    """Where a call was made again since IAM did not list yet what the first one had made, that goes.

    AWS numbers versions one by one and gives no number twice.
    """
    for number in range(max(map(_number, there)) + 1, _number(made)):
        if _says(client.sessions, change, f"v{number}"):
            _delete_version(client, change, f"v{number}")


def _number(version: str) -> int:
    return int(version[1:])


def _made_since(sessions: Sessions, change: Change, existed: list[str]) -> str:
    """The newest version that was not there before and says what was wanted; "" if there is none."""
    new = [name for name in _there(sessions, change) if name not in existed]
    newest_first = sorted(new, key=_number, reverse=True)
    return next((name for name in newest_first if _says(sessions, change, name)), "")


def _versions(sessions: Sessions, change: Change) -> dict[str, Any]:
    iam = sessions.admin(change.account, "iam")
    versions = list_all(iam, "list_policy_versions", "Versions", PolicyArn=change.target)
    return {version["VersionId"]: version for version in versions}


def _there(sessions: Sessions, change: Change) -> dict[str, Any]:
    """The versions, none where there is no policy."""
    return optional(f"ListPolicyVersions {change.target}", lambda: _versions(sessions, change)) or {}


def _version(sessions: Sessions, change: Change, version: str) -> Any:
    iam = sessions.admin(change.account, "iam")
    answer = optional(
        f"GetPolicyVersion {change.target}",
        lambda: iam.get_policy_version(PolicyArn=change.target, VersionId=version),
    )
    return answer and answer["PolicyVersion"]


def _document(sessions: Sessions, change: Change, version: str) -> Any:
    found = _version(sessions, change, version)
    return found and found["Document"]


def _says(sessions: Sessions, change: Change, version: str) -> bool:
    document = _document(sessions, change, version)
    return document is not None and _is_text(change.after, document)


def _is_text(policy: dict[str, Any], document: Any) -> bool:
    return not differs("managed-policy", mask_secrets({"document": document}), mask_secrets(policy))


def _delete_version(client: JournaledClient, change: Change, version: str) -> None:
    """Deletes a version; that it is gone already (its deletion was not heard of) is no failure."""
    kept = {version: _document(client.sessions, change, version)}
    try:
        client.call(change, "delete_policy_version", kept=kept, PolicyArn=change.target, VersionId=version)
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise
