"""The committed version of a file: git is asked as a program, with a time limit, and never by a shell."""

import os
import re
import subprocess
from pathlib import Path

from xacct_nb.redaction.invisible import on_one_line

_SECONDS = 10
_MOST_BYTES = 1_000_000  # as for a file on the disk
# Variables with which git looks elsewhere than where the file is: a hook of git has some of them.
_ELSEWHERE = (
    *("GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR", "GIT_NAMESPACE"),
    *("GIT_OBJECT_DIRECTORY", "GIT_ALTERNATE_OBJECT_DIRECTORIES", "GIT_REPLACE_REF_BASE", "GIT_SHALLOW_FILE"),
)
# No question to a person, no lock, no fetch of what a partial clone lacks, messages in English.
_QUIET = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
    "LANGUAGE": "",
}
_REF = re.compile(r"(?!-)[!-~]{1,200}")
_ENTRY = re.compile(rb"([0-7]{6}) (\w+) ([0-9a-f]{40,64}) +([0-9]+|-)\t")


class NoCommittedVersion(ValueError):
    """Git has no answer; its text is the reason. `is_outside`: the file is in no repository."""

    def __init__(self, reason: str, *, is_outside: bool = False) -> None:
        super().__init__(reason)
        self.is_outside = is_outside


def committed_version(path: Path, ref: str) -> bytes | None:
    """Return the content of a file in a commit; None where the commit does not have the file.

    A repository without any commit has no file at `HEAD`. Raises NoCommittedVersion.
    """
    file = _resolved(path)
    _check_repository(file)
    if not _REF.fullmatch(ref):
        raise NoCommittedVersion(f"{ref[:80]!r} is not the name of a commit")
    commit = _git(file, "rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}")
    if commit.returncode:
        if ref == "HEAD" and not _git(file, "symbolic-ref", "--quiet", "HEAD").returncode:
            return None
        raise NoCommittedVersion(f"the repository has no commit {ref!r}")
    name = b"./" + os.fsencode(file.name)
    listed = _answer(file, "ls-tree", "-z", "-l", commit.stdout.decode().strip(), name)
    return _content(file, listed) if listed else None


def _content(file: Path, listed: bytes) -> bytes:
    found = _ENTRY.match(listed)
    if not found or found[2] != b"blob" or found[1] == b"120000":
        raise NoCommittedVersion("it is not a file there")
    if int(found[4]) > _MOST_BYTES:
        raise NoCommittedVersion(f"it is longer than {_MOST_BYTES:,} bytes there")
    return _answer(file, "cat-file", "blob", found[3].decode())


def _resolved(path: Path) -> Path:
    try:
        return path.resolve()
    except (OSError, RuntimeError) as problem:  # a link that leads to itself
        raise NoCommittedVersion("its path cannot be followed") from problem


def _check_repository(file: Path) -> None:
    found = _git(file, "rev-parse", "--is-inside-work-tree")
    if found.returncode == 0 and found.stdout.strip() == b"true":
        return
    reason = _message(found)
    if found.returncode == 0 or reason.startswith("not a git repository"):
        raise NoCommittedVersion("the file is in no git repository", is_outside=True)
    raise NoCommittedVersion(f"git says: {reason}")


def _answer(file: Path, *words: str | bytes) -> bytes:
    done = _git(file, *words)
    if done.returncode:
        raise NoCommittedVersion(f"git says: {_message(done)}")
    return done.stdout


def _git(file: Path, *words: str | bytes) -> "subprocess.CompletedProcess[bytes]":
    environment = {name: value for name, value in os.environ.items() if name not in _ELSEWHERE} | _QUIET
    try:
        return subprocess.run(
            ["git", "--no-pager", "--literal-pathspecs", "-C", file.parent, *words],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as problem:
        raise NoCommittedVersion(f"git did not answer within {_SECONDS} seconds") from problem
    except (OSError, ValueError) as problem:  # no git, no permission, a name with a zero byte
        raise NoCommittedVersion("there is no git that can be started") from problem


def _message(done: "subprocess.CompletedProcess[bytes]") -> str:
    first = done.stderr.decode("utf-8", "replace").strip().partition("\n")[0]
    return on_one_line(first.removeprefix("fatal: "))[:300] or f"it ended with {done.returncode}"
