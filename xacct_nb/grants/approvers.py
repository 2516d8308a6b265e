"""The public SSH keys of those who may approve, as a run file lists them."""

import base64
import binascii
import hashlib
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xacct_nb.errors import InvalidParameters

APPROVAL_NAMESPACE = "xacct-nb-approval"
"""The purpose that a signature of an approval names, so that one made for another purpose is not valid."""
_TYPES = (
    "ssh-ed25519",
    "ssh-rsa",
    "ecdsa-sha2-nistp256",
    "ecdsa-sha2-nistp384",
    "ecdsa-sha2-nistp521",
    "sk-ssh-ed25519@openssh.com",
    "sk-ecdsa-sha2-nistp256@openssh.com",
)
_TYPE = "|".join(map(re.escape, _TYPES))
_OPTION = r'(?:namespaces|valid-after|valid-before)="[^"]*"'
_LINE = re.compile(
    rf'(?:(?P<names>[^\s"*?!]+)[ \t]+(?:(?P<options>{_OPTION}(?:,{_OPTION})*)[ \t]+)?)?'
    rf"(?P<type>{_TYPE})[ \t]+(?P<key>[A-Za-z0-9+/]+=*)(?:[ \t]+(?P<comment>[^\x00-\x1f\x7f]*))?"
)
_EXAMPLE = "Write each as its .pub file has it: ssh-ed25519 AAAA... ada@example.com"


@dataclass(frozen=True)
class Approver:
    """A public key that may approve: its type, the key in base64, whose it is, and its fingerprint.

    `options` are those of a line of allowed signers, such as `valid-before="20270101"`. Source:
    ssh-keygen(1), ALLOWED SIGNERS.
    """

    type: str
    key: str
    name: str
    options: str

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint as `ssh-keygen -l` prints it."""
        return key_fingerprint(base64.b64decode(self.key))

    def signers_line(self, principal: str, namespace: str = APPROVAL_NAMESPACE) -> str:
        """Return the line of an allowed signers file that allows this key to sign, under this name."""
        own = "" if "namespaces=" in self.options else f'namespaces="{namespace}"'
        options = ",".join(filter(None, (self.options, own)))
        return f"{principal} {options} {self.type} {self.key}"


def parse_approvers(lines: Iterable[str]) -> tuple[Approver, ...]:
    """Return the keys in lines of .pub files or of an allowed signers file.

    Raises InvalidParameters, which never quotes a private key.
    """
    found = dict[str, Approver]()
    for number, line in enumerate(lines, start=1):
        approver = _parse(number, line)
        if approver.key in found:
            raise InvalidParameters(
                f"approvers: item {number} is a key that stands there already.",
                why="It would not be known whose signature it is.",
                hint="Give each key once.",
            )
        found[approver.key] = approver
    return tuple(found.values())


def key_fingerprint(blob: bytes) -> str:
    """Return the fingerprint of a public key in SSH's binary form."""
    return "SHA256:" + base64.b64encode(hashlib.sha256(blob).digest()).decode().rstrip("=")


def ssh_strings(blob: bytes) -> Iterator[bytes]:
    """Yield the strings in SSH's binary form, each after its length. Raises ValueError."""
    while blob:
        length = int.from_bytes(blob[:4], "big")
        if len(blob) < 4 + length:
            raise ValueError("a string is incomplete")
        yield blob[4 : 4 + length]
        blob = blob[4 + length :]


def _parse(number: int, line: str) -> Approver:
    if "PRIVATE KEY" in line.upper():
        raise InvalidParameters(
            f"approvers: item {number} is a private key. It is not shown here.",
            why="Whoever has a private key can approve with it.",
            hint=f"If anybody else has seen it, replace it. {_EXAMPLE}",
        )
    match = _LINE.fullmatch(line.strip())
    if match is None:
        raise _invalid(number, "It has another form, a key type without signatures, or a name with * ? or !.")
    kind, key = match["type"], match["key"]
    try:
        blob = base64.b64decode(key, validate=True)
        inside, *parts = ssh_strings(blob)
    except (binascii.Error, ValueError):
        raise _invalid(number, "Its key is incomplete.") from None
    if inside != kind.encode() or not parts:
        raise _invalid(number, "Its key is not of the type that it names.")
    names, comment = match["names"] or "", (match["comment"] or "").strip()
    key = base64.b64encode(blob).decode()
    return Approver(kind, key, names or comment or key_fingerprint(blob), match["options"] or "")


def _invalid(number: int, why: str) -> InvalidParameters:
    return InvalidParameters(f"approvers: item {number} is not a public SSH key.", why=why, hint=_EXAMPLE)
