"""SSH signatures of the ledger's lines, in files beside the records; ssh-keygen makes and checks them."""

import subprocess
from base64 import b64decode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from xacct_nb.errors import InvalidKey, MissingTool, UnknownRecord
from xacct_nb.grants.approvers import Approver, ssh_strings
from xacct_nb.records.repair_entry import parse_repair
from xacct_nb.records.sealing import broken_links, parse_ledger_line, text_hash
from xacct_nb.storage.chain import LEDGER, ledger_lines, shared_lock
from xacct_nb.storage.durable_files import write_file
from xacct_nb.storage.plain_files import read_plain

# A signature names its purpose, so that one made for another purpose is not valid here.
NAMESPACE = "xacct-nb-ledger"
_SUFFIX = ".sig"
_ARMOUR, _SSHSIG = "SSH SIGNATURE", b"SSHSIG\0\0\0\1"
_LARGEST = 100_000


@dataclass(frozen=True)
class Signature:
    """A signature: the line that it signs, its signer if the signers are known, and what is wrong with it."""

    record: str
    line: int
    signer: str = ""
    broken: str = ""


def sign(records: Path, key: Path) -> Path:
    """Sign the ledger's last line, and through the chain all lines before; return the signature's file.

    `key` is a private key, or a public one whose private key an agent holds. Raises UnknownRecord where the
    ledger has no line or a broken chain, InvalidKey, MissingTool.
    """
    with shared_lock(records):
        lines = ledger_lines(records)
    # The name of a signature is its record's; a repair signs as the hash of its line.
    broken, about = broken_links(lines), _name_of(lines[-1]) if lines else ""
    if not about or broken:
        raise UnknownRecord(
            f"The ledger {str(records / LEDGER)!r} cannot be signed.",
            why="; ".join(broken) or "It has no line.",
            hint="Find the change with: xacct-nb records verify",
        )
    signature = sign_text(lines[-1], key, NAMESPACE)
    path = records / f"{about}{_SUFFIX}"
    try:
        write_file(path, signature.encode())
    except OSError as problem:
        raise InvalidKey(
            f"The signature {str(path)!r} cannot be written.",
            why=f"{problem.strerror}.",
            hint="Correct the records folder, and sign again.",
        ) from problem
    return path


def sign_text(text: str, key: Path, namespace: str) -> str:
    """Return the signature of a text with its line break, for one purpose. Raises InvalidKey, MissingTool."""
    done = keygen("sign", "-n", namespace, "-f", str(key), signed=text)
    if done.returncode:
        output = done.stderr.decode("utf-8", "replace").strip()
        raise InvalidKey(
            f"Nothing was signed with the key {str(key)!r}.",
            why=output.replace("\r", "").replace("\n", "; "),
            hint="Name an SSH key with --key, such as ~/.ssh/id_ed25519.",
        )
    return done.stdout.decode("ascii")


def signing_key(signature: str) -> bytes:
    """Return the public key in a signature. Raises ValueError."""
    return signed_with(signature)[0]


def signed_with(signature: str) -> tuple[bytes, str]:
    """Return the public key in a signature, and the purpose that it was made for. Raises ValueError.

    Source: OpenSSH, PROTOCOL.sshsig.
    """
    first, *lines, last = signature.strip().split("\n")
    if (first, last) != (f"-----BEGIN {_ARMOUR}-----", f"-----END {_ARMOUR}-----"):
        raise ValueError("no SSH signature")
    blob = b64decode("".join(lines), validate=True)
    if blob[:10] != _SSHSIG:
        raise ValueError("no SSH signature")
    key, purpose, *_ = ssh_strings(blob[10:])
    return key, purpose.decode("utf-8", "replace")


def check_signatures(records: Path, signers: Path | None = None) -> Iterator[Signature]:
    """Yield every signature; check it where `signers` is a file of allowed signers.

    Source of the file's format: ssh-keygen(1), ALLOWED SIGNERS. Raises InvalidKey where it cannot be read,
    MissingTool.
    """
    if signers is not None and not signers.is_file():
        raise InvalidKey(
            f"There is no file of signers {str(signers)!r}.",
            why="Such a file has one signer per line: a name and a public key.",
            hint="Create one: echo ada@example.com $(cat id_ed25519.pub) > allowed_signers",
        )
    every = ledger_lines(records)
    lines = {_name_of(line): (number, line) for number, line in enumerate(every, start=1)}
    for path in sorted(records.glob(f"*{_SUFFIX}")):
        number, line = lines.get(path.stem, (0, ""))
        if problem := _problem(path):
            yield Signature(path.stem, 0, broken=f"{path.name}: cannot be read: {problem}")
        elif not number:
            yield Signature(path.stem, 0, broken=f"{path.name}: the line that it signs is not in {LEDGER}")
        else:
            yield _checked(path, number, line, signers) if signers else Signature(path.stem, number)


def _problem(path: Path) -> str:
    """Return why ssh-keygen must not read a file, "" where it may."""
    try:
        read_plain(path, _LARGEST)
    except OSError as problem:
        return str(problem.strerror)
    return ""


def _name_of(line: str) -> str:
    if fields := parse_ledger_line(line):
        return str(fields["id"])
    return f"repair-{text_hash(line)[:12]}" if parse_repair(line) else ""


def _checked(path: Path, number: int, line: str, signers: Path) -> Signature:
    found = keygen("find-principals", "-s", str(path), "-f", str(signers))
    signer = found.stdout.decode("utf-8", "replace").partition("\n")[0]
    if found.returncode or not signer:
        return Signature(path.stem, number, broken=f"{path.name}: is by none of the allowed signers")
    about = ("-n", NAMESPACE, "-I", signer, "-s", str(path), "-f", str(signers))
    if keygen("verify", *about, signed=line).returncode:
        return Signature(path.stem, number, broken=f"{path.name}: does not match line {number} of {LEDGER}")
    return Signature(path.stem, number, signer)


def verifies(signed: str | bytes, signature: str, approver: Approver, namespace: str) -> bool:
    """Return whether a signature of this is by the approver's key, for one purpose. Raises MissingTool."""
    with TemporaryDirectory(prefix="xacct-nb-") as folder:
        signers, file = Path(folder) / "allowed_signers", Path(folder) / "signature"
        line = approver.signers_line("approver", namespace)
        signers.write_text(f"{line}\n", encoding="ascii", errors="strict")
        file.write_text(signature, encoding="ascii", errors="replace")
        about = ("-n", namespace, "-I", "approver", "-s", str(file), "-f", str(signers))
        return keygen("verify", *about, signed=signed).returncode == 0


def check_without_signers(signed: str | bytes, signature: str, namespace: str) -> bool:
    """Return whether a signature is one of this by any key, for one purpose. Raises MissingTool."""
    with TemporaryDirectory(prefix="xacct-nb-") as folder:
        file = Path(folder) / "signature"
        file.write_text(f"{signature.strip()}\n", encoding="utf-8", errors="replace")
        return keygen("check-novalidate", "-n", namespace, "-s", str(file), signed=signed).returncode == 0


def keygen(action: str, *options: str, signed: str | bytes = "") -> "subprocess.CompletedProcess[bytes]":
    """Let ssh-keygen sign or verify a text with its line break, or bytes as they are. Raises MissingTool."""
    try:
        return subprocess.run(
            ["ssh-keygen", "-Y", action, *options],
            input=signed if isinstance(signed, bytes) else f"{signed}\n".encode(),
            capture_output=True,
            check=False,
        )
    except FileNotFoundError as problem:
        raise MissingTool(
            "There is no ssh-keygen on this machine.",
            why="SSH keys sign and check the ledger and approvals.",
            hint="Install OpenSSH's client (on Debian: apt install openssh-client).",
        ) from problem
