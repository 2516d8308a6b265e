"""The files of a review: pages and empty answers that are written, answers and signatures that are read."""

import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from xacct_nb.changes.signed_approval import names_of
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.approvers import Approver, key_fingerprint
from xacct_nb.records.review.answers import REVIEW_NAMESPACE, refusal
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.new_file import write_new_file
from xacct_nb.storage.signatures import check_without_signers, signed_with, verifies
from xacct_nb.storage.yaml_file import UnreadableFields, decode, parse_mapping
from xacct_nb.validation import truncate

_SIGNATURE, _BESIDE = ".sig", "review"
_MOST, _LARGEST_PAGE = 1_000_000, 50_000_000


def review_folder(records: Path, given: str, run: str) -> Path:
    """Return the folder of the files of a run: `given`, or review beside the records, and the run's id."""
    return (Path(given).expanduser().absolute() if given else records.parent / _BESIDE) / run


def write_new(path: Path, text: str) -> Path:
    """Write a file of a review that is not there yet, or has this text already. Raises InvalidInput."""
    return write_new_file(path, _encoded(text), "Name another folder for the review: -p review_to DIR")


def text_hash_of(text: str) -> str:
    """Return the sha256 (hex) of a text as `write_new` writes it."""
    return hash_of(_encoded(text))


def _encoded(text: str) -> bytes:
    return text.encode(errors="backslashreplace")


def hash_of(content: bytes) -> str:
    """Return the sha256 (hex) of the content of a file."""
    return hashlib.sha256(content).hexdigest()


def is_changed(path: Path, sha256: str) -> bool:
    """Return whether a file is there, and is not the one of this hash."""
    try:
        return path.exists() and hash_of(read_small(path, pipes=False, most=_LARGEST_PAGE)) != sha256
    except OSError:
        return True


def read_answers(file: str) -> tuple[bytes, Mapping[str, Any]]:
    """Return the content of a file of answers, and its fields. Raises InvalidParameters."""
    try:
        content = read_small(Path(file).expanduser(), pipes=False, most=_MOST)
        return content, parse_mapping(decode(content))
    except (OSError, UnreadableFields) as problem:
        raise refusal(
            "unreadable",
            f"The answers {truncate(file)!r} cannot be read.",
            why=str(getattr(problem, "strerror", "") or problem),
            hint="Name the file that the review's page saved: -p answers '[\"alice.answers.yaml\"]'",
        ) from problem


def describe_signature_of(
    file: str, content: bytes, reviewer: str, keys: Iterable[Iterable[Approver]]
) -> str:
    """Return whose signature of the answers is beside their file.

    With lists of keys, a signature by a key of the reviewer that is in each of them is required. Raises
    InvalidParameters, MissingTool.
    """
    required = [tuple(each) for each in keys if each]
    signature = _signature(Path(file).expanduser())
    if not signature:
        if required:
            raise refusal(
                "unsigned", f"The answers {truncate(file)!r} are not signed.", why=_MUST, hint=_sign(file)
            )
        return "not signed"
    try:
        blob, purpose = signed_with(signature)
    except ValueError as problem:
        raise _invalid(file, "It is incomplete, or another text.") from problem
    key = key_fingerprint(blob)
    if purpose != REVIEW_NAMESPACE:
        raise _invalid(file, f"It was made for {purpose[:40]!r}, and not for {REVIEW_NAMESPACE!r}.")
    if not required:
        if not check_without_signers(content, signature, REVIEW_NAMESPACE):
            raise _invalid(file, "It is of another file, or the answers were changed since.")
        return f"signed with the key {key}, whose owner is not known here: set approvers"
    return _signer(file, content, signature, key, reviewer, required)


def _signer(
    file: str, content: bytes, signature: str, key: str, reviewer: str, required: list[tuple[Approver, ...]]
) -> str:
    for approvers in required:
        own = next((each for each in approvers if each.fingerprint == key), None)
        if own is None:
            raise _invalid(file, f"Its key {key} is none of the approvers.")
        if reviewer not in names_of(own.name):
            raise _invalid(file, f"Its key {key} is {own.name}'s, and these are the answers of {reviewer}.")
        if not verifies(content, signature, own, REVIEW_NAMESPACE):
            raise _invalid(
                file,
                "It is of another file, the answers were changed since, or its key is not valid for it now.",
            )
    return f"signed by {reviewer}, key {key}"


def _signature(file: Path) -> str:
    path = file.with_name(f"{file.name}{_SIGNATURE}")
    try:
        return read_small(path, pipes=False, most=_MOST).decode("ascii", "replace") if path.exists() else ""
    except OSError as problem:
        raise _invalid(str(file), f"{problem.strerror}.") from problem


def _invalid(file: str, why: str) -> InvalidInput:
    return refusal(
        "signature", f"The signature of {truncate(file)!r} is not valid.", why=why, hint=_sign(file)
    )


_MUST = "approvers lists public keys: each reviewer signs with one of them."


def _sign(file: str) -> str:
    name = Path(file).name
    return f"The reviewer signs it: ssh-keygen -Y sign -n {REVIEW_NAMESPACE} -f ~/.ssh/id_ed25519 {name}"
