"""A shell function in the place of the AWS CLI: it writes down the words of each command, and their files."""

import json
import re
import subprocess
import sys
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

# IAM has nothing yet, and the account is the expected one. Each word ends with NUL, each command with two.
_FUNCTION = r"""
aws() {
  case $* in
    'sts get-caller-identity'*) printf '%s\tarn' "$expected"; return 0 ;;
    *' get-'* | *' list-'*) echo 'NoSuchEntity' >&2; return 254 ;;
  esac
  for each in "$@"; do
    printf '%s\0' "$each"
    case $each in
      file://* | --*=file://*) cat "${each#*file://}"; printf '\0' ;;
    esac
  done >> commands
  printf '\0' >> commands
}
"""

_FILE = re.compile(r"(--[a-z-]+=)?file:///\S+\.json")


@dataclass(frozen=True)
class ShellRun:
    """How a script ended, the words of its writing commands, and the files that it left."""

    code: int
    errors: str
    commands: list[list[str]]
    left: list[str]

    def documents(self) -> list[Any]:
        """The documents that were passed to AWS, in their order."""
        words = [word for command in self.commands for word in command]
        return [json.loads(after) for word, after in pairwise(words) if _FILE.fullmatch(word)]

    def values(self, option: str) -> list[str]:
        """The values of an option, in the order of the commands."""
        found = []
        for command in self.commands:
            for word, after in zip(command, [*command[1:], ""], strict=True):
                if word == f"--{option}":
                    found.append(after)
                elif word.startswith(f"--{option}="):
                    found.append(word.partition("=")[2])
        return found


def run_in_shell(text: str, account: str, folder: Path, external_id: str = "") -> ShellRun:
    """Run a script in an empty folder, where a command that breaks out would leave something."""
    folder.mkdir(exist_ok=True)
    for each in folder.iterdir():
        each.unlink()
    done = subprocess.run(
        ["bash", "-c", _FUNCTION + text],
        cwd=folder,
        env={
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "HOME": str(folder),
            "TMPDIR": str(folder),
            "expected": account,
            "XACCT_EXTERNAL_ID": external_id,
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    written = folder / "commands"
    commands = written.read_text().split("\0\0")[:-1] if written.exists() else []
    left = sorted(each.name for each in folder.iterdir() if each != written)
    return ShellRun(done.returncode, done.stderr, [each.split("\0") for each in commands], left)
