"""SSH keys that ssh-keygen makes for a test."""

import shutil
import subprocess
from pathlib import Path

import pytest

needs_ssh_keygen = pytest.mark.skipif(
    not shutil.which("ssh-keygen"), reason="ssh-keygen is missing: apt install openssh-client"
)


def a_key(folder: Path, name: str, kind: str = "ed25519") -> Path:
    """Make a key without a passphrase, whose comment is its name, and return its file."""
    words = ["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", name, "-f", str(folder / name)]
    subprocess.run(words, check=True)
    return folder / name


def public(key: Path) -> str:
    """The line of a key's .pub file."""
    return Path(f"{key}.pub").read_text().strip()


def fingerprint(key: Path) -> str:
    """The fingerprint, as ssh-keygen prints it."""
    words = ["ssh-keygen", "-l", "-f", f"{key}.pub"]
    return subprocess.run(words, capture_output=True, text=True, check=True).stdout.split()[1]
