"""The versions of a managed policy: which exist, and which has the text that a change expects or writes."""

from typing import Any

from xacct_nb.aws.iam_reads import get, list_all, optional, version_number
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.plan import Change, differs
from xacct_nb.redaction.redact import mask_secrets


def is_left_over(sessions: Sessions, reverse: Change) -> bool:
    """Return whether the version that a rollback's change is to delete still exists."""
    if (reverse.kind, reverse.sign) != ("managed-policy", "~"):
        return False
    left = reverse.before.get("version", "")
    return left not in ("", reverse.after.get("version", "")) and left in _existing(sessions, reverse)


def is_current(sessions: Sessions, change: Change) -> bool:
    """Return whether the version that a change expects is the default one, with the same text; one call."""
    version = change.before.get("version", "")
    found = find_version(sessions, change, version) if version else None
    return bool(found and found["IsDefaultVersion"] and _is_same(change.before, found["Document"]))


def is_deleted(sessions: Sessions, reverse: Change) -> bool:
    """Return whether the version that a rollback's change restores no longer exists."""
    return reverse.after.get("version", "") not in ("", *_existing(sessions, reverse))


def made_since(sessions: Sessions, change: Change, existed: list[str]) -> str:
    """Return the newest version that did not exist before and has the wanted text; "" if there is none."""
    new = [name for name in _existing(sessions, change) if name not in existed]
    newest_first = sorted(new, key=version_number, reverse=True)
    return next((name for name in newest_first if has_document(sessions, change, name)), "")


def versions_of(sessions: Sessions, change: Change) -> dict[str, Any]:
    """Return the versions of the changed policy by their ids. Raises AwsRefused."""
    versions = list_all(sessions, change.target, "list_policy_versions", "Versions")
    return {version["VersionId"]: version for version in versions}


def _existing(sessions: Sessions, change: Change) -> dict[str, Any]:
    """Return the versions, none where the policy does not exist."""
    return optional(lambda: versions_of(sessions, change)) or {}


def find_version(sessions: Sessions, change: Change, version: str) -> Any:
    """Return a version with its text, None where it does not exist. Raises AwsRefused."""
    found = optional(lambda: get(sessions, change.target, "get_policy_version", VersionId=version))
    return found and found["PolicyVersion"]


def has_document(sessions: Sessions, change: Change, version: str) -> bool:
    """Return whether a version exists and has the text that the change is to make."""
    found = find_version(sessions, change, version)
    return found is not None and _is_same(change.after, found["Document"])


def _is_same(policy: dict[str, Any], document: Any) -> bool:
    return not differs("managed-policy", mask_secrets({"document": document}), mask_secrets(policy))
