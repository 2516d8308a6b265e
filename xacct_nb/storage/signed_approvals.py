"""Signed approvals, one file each in the folder `approvals`; ssh-keygen makes and checks the signatures."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any

from xacct_nb.changes.signed_approval import ApprovalStatement, SignedApproval, parse_statement
from xacct_nb.errors import InvalidKey, InvalidParameters
from xacct_nb.grants.approvers import APPROVAL_NAMESPACE, Approver, key_fingerprint
from xacct_nb.storage.approval_files import (
    APPROVALS,
    SIGNED,
    approval_file,
    read_approval_files,
    write_approval_file,
)
from xacct_nb.storage.signatures import sign_text, signing_key, verifies

_FIELDS = {"statement", "signature"}


def sign_approval(
    statement: ApprovalStatement, key: Path, approvers: Collection[Approver] = ()
) -> tuple[str, str]:
    """Return the signature of a statement, and the fingerprint of the key.

    It must be valid for one of `approvers`; any key may sign where there are none. Raises InvalidKey,
    MissingTool.
    """
    signature = sign_text(statement.text, key, APPROVAL_NAMESPACE)
    found = key_fingerprint(signing_key(signature))
    allowed = {each.fingerprint: each for each in approvers}
    if allowed and found not in allowed:
        raise InvalidKey(
            f"The key {str(key)!r} is none of the approvers of this plan.",
            why=f"Its fingerprint is {found}. The plan was made with: {', '.join(sorted(allowed))}.",
            hint="Sign with one of these keys.",
        )
    if allowed and not verifies(statement.text, signature, allowed[found], APPROVAL_NAMESPACE):
        raise InvalidKey(
            f"The key {str(key)!r} is not valid for an approval of this plan now.",
            why=f"No run accepts it. Its line in approvers has: {allowed[found].options or 'no options'}.",
            hint="Sign with another key, or correct the line and plan again.",
        )
    return signature, found


def write_signed(records: Path, statement: ApprovalStatement, signature: str) -> Path:
    """Write a signed statement beside the records; return its file. Raises InvalidParameters."""
    name = _file_name(statement)
    try:
        write_approval_file(records, name, {"statement": statement.to_json(), "signature": signature})
    except OSError as problem:
        raise InvalidParameters(
            "The signed approval cannot be written.",
            why=f"{problem.filename or name}: {problem.strerror}",
            hint="Fix the cause, then sign again.",
        ) from problem
    return records / APPROVALS / name


def signed_approvals(
    records: Path, digest: str, keys: Sequence[Sequence[Approver]]
) -> Iterator[SignedApproval]:
    """Yield every signed approval of a digest; each must be by a key that is in every list of `keys`.

    Raises UnknownRecord where the folder cannot be read, MissingTool.
    """
    for name, content in read_approval_files(records, digest, SIGNED):
        statement, signature = _parts(content)
        if statement is None or name != _file_name(statement):
            yield SignedApproval(name, broken="it is incomplete, or was changed since it was signed")
            continue
        try:
            fingerprint = key_fingerprint(signing_key(signature))
        except ValueError:
            yield SignedApproval(name, broken="its signature is none of an SSH key")
            continue
        yield _checked(SignedApproval(name, statement, fingerprint), signature, keys)


def broken_signatures(records: Path, seals: Mapping[str, str]) -> Iterator[str]:
    """Yield the signed approvals that are incomplete, or whose plan's record has another seal now."""
    for name, content in read_approval_files(records, "", SIGNED):
        statement, _ = _parts(content)
        if content is not None and (statement is None or name != _file_name(statement)):
            yield f"{APPROVALS}/{name}: is incomplete, or was changed"
        elif statement is not None and seals.get(statement.plan) != statement.seal:
            yield f"{APPROVALS}/{name}: the record that it signs is not here, or was sealed anew"


def _checked(signed: SignedApproval, signature: str, keys: Sequence[Sequence[Approver]]) -> SignedApproval:
    """Return the signed approval with its signer, or with what is wrong with its signature."""
    statement, signer = signed.statement, ""
    for approvers in keys:
        own = next((each for each in approvers if each.fingerprint == signed.key), None)
        if statement is None or own is None:
            return SignedApproval(signed.file, broken=f"its key {signed.key} is none of the approvers")
        if not verifies(statement.text, signature, own, APPROVAL_NAMESPACE):
            broken = "its signature does not match, or its key is not valid for approvals now"
            return SignedApproval(signed.file, broken=broken)
        signer = signer or own.name
    return SignedApproval(signed.file, statement, signed.key, signer)


def _parts(content: Any) -> tuple[ApprovalStatement | None, str]:
    if (
        not isinstance(content, Mapping)
        or set(content) != _FIELDS
        or not isinstance(content["signature"], str)
    ):
        return None, ""
    return parse_statement(content["statement"]), content["signature"]


def _file_name(statement: ApprovalStatement) -> str:
    mark = sha256(statement.text.encode()).hexdigest()[:12]
    return approval_file(statement.digest, f"{statement.plan}-{mark}", SIGNED)
