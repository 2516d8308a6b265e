"""SSH signatures of hand-over files: made with the owner's key, and checked against a file of signers."""

import os
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from xacct_nb.errors import InvalidHandoff, InvalidKey, MissingTool
from xacct_nb.grants.approvers import key_fingerprint
from xacct_nb.handoff.signed_file import NAMESPACE, SignedFile, unusable
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.storage.signatures import check_without_signers, keygen, sign_text, signed_with

Signed = TypeVar("Signed", bound=SignedFile)


def sign_handoff(value: Signed, key: str) -> Signed:
    """Return the value with a signature by this SSH key, as it is where `key` is "".

    Raises InvalidKey, MissingTool.
    """
    if not key:
        return value
    return value.model_copy(
        update={"signature": sign_text(value.text, Path(os.path.expanduser(key)), NAMESPACE)}
    )


def describe_signature(value: SignedFile, signers: str = "") -> str:
    """Return who signed a value. `signers` is a file of allowed signers; with it, a signature is required.

    Raises InvalidHandoff where the signature is missing or wrong, InvalidKey, MissingTool.
    """
    if not value.signature:
        if signers:
            raise _refused("It has no signature.", f"The file of signers {signers!r} was given.")
        return "not signed"
    try:
        blob, purpose = signed_with(value.signature)
    except ValueError as problem:
        raise _refused(
            "Its signature is none of an SSH key.", "It is incomplete, or another text."
        ) from problem
    key = key_fingerprint(blob)
    if purpose != NAMESPACE:
        raise _refused(
            "Its signature was made for another purpose.",
            f"It is for {on_one_line(purpose)[:60]!r}, and not for {NAMESPACE!r}. Its key is {key}.",
        )
    if not signers:
        return f"signed by the key {key}, {_unknown_signer(value)}"
    with TemporaryDirectory(prefix="xacct-nb-") as folder:
        file = Path(folder) / "signature"
        file.write_text(f"{value.signature.strip()}\n", encoding="utf-8", errors="replace")
        return f"signed by {_signer(value, file, Path(os.path.expanduser(signers)), key)}, key {key}"


def _signer(value: SignedFile, file: Path, signers: Path, key: str) -> str:
    if not signers.is_file():
        raise InvalidKey(
            f"There is no file of signers {str(signers)!r}.",
            why="Such a file has one signer per line: a name and a public key.",
            hint="Create one: echo ada@example.com $(cat id_ed25519.pub) > allowed_signers",
        )
    found = keygen("find-principals", "-s", str(file), "-f", str(signers))
    signer = found.stdout.decode("utf-8", "replace").partition("\n")[0]
    if found.returncode or not signer:
        raise _refused("Its signature is by none of the signers.", f"Its key is {key}.")
    about = ("-n", NAMESPACE, "-I", signer, "-s", str(file), "-f", str(signers))
    if keygen("verify", *about, signed=value.text).returncode:
        raise _refused(
            "Its signature does not match its content.",
            f"Or {signers.name} does not allow the key {key} to sign for {NAMESPACE!r}.",
        )
    return signer


def _unknown_signer(value: SignedFile) -> str:
    try:
        matches = check_without_signers(value.text, value.signature, NAMESPACE)
    except MissingTool:
        return "not checked: there is no ssh-keygen"
    if not matches:
        raise _refused("Its signature does not match its content.", "Someone changed it, or copied it here.")
    return "whose owner is not known here: name a file of signers to check it"


def _refused(what: str, why: str) -> InvalidHandoff:
    return unusable(
        "signature",
        f"The hand-over file cannot be trusted. {what}",
        why=why,
        hint="Ask the other owner which key they signed with, and for the file again.",
    )
