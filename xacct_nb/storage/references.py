"""References to secrets, env:NAME and file:PATH: which are allowed, and what they refer to."""

import os
import re
import shlex
from collections.abc import Collection
from pathlib import Path

from xacct_nb.errors import RefusedReference, UnresolvedSecret
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE, is_reference
from xacct_nb.redaction.names import is_credential_name
from xacct_nb.redaction.patterns import credentials_in, has_credential
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.credential_files import is_credential_file

# A secret access key, and what the tokens of other services begin with.
_KEY = re.compile(r"(?=.*[A-Z])(?=.*[a-z])(?=.*\d)[A-Za-z0-9+/]{40}")
_TOKEN = re.compile(
    r"(gh[opsur]_|github_pat_|glpat-|xox[abeoprs]-|npm_|pypi-|hvs\.|dop_v1_|AIza|ya29\.|SG\.|sk[-_]|ABSK).{16,}"
)
_LONG = 16  # characters of a credential that no external ID contains by chance


def check_allowed(reference: str, allowed: Collection[str]) -> None:
    """Check that a grant file's external ID is no reference, or one of those that the runner allowed.

    Raises RefusedReference.
    """
    if not is_reference(reference):
        return
    _refuse_credential(reference)
    known = (allowed,) if isinstance(allowed, str) else allowed  # a part of a text allows nothing
    if reference not in known or reference == f"env:{EXTERNAL_ID_VARIABLE}":
        raise RefusedReference(
            f"The grant file refers to {reference!r}, which is not allowed.",
            why="What is found there would go into the trust policy of the other account.",
            hint=f"If that is what you want, allow it: --allow-reference {shlex.quote(reference)}, or "
            "allow_references in a run file of your own (-r run.yaml).",
        )


def resolve_reference(reference: str) -> str:
    """Return the secret of `env:NAME` or `file:PATH`, without its line break.

    Raises UnresolvedSecret, and RefusedReference where it is a credential.
    """
    kind, _, name = reference.partition(":")
    if kind not in ("env", "file") or not name:
        # The text may be the secret itself, so it is not quoted.
        raise UnresolvedSecret(
            "This is not a reference to an external ID.",
            why="A reference is env:NAME or file:PATH; the external ID itself would appear in the record.",
            hint="Put it into a file or an environment variable, and give the reference to that.",
        )
    _refuse_credential(reference)
    try:
        if kind == "env":
            value = os.environ[name]
        else:  # the runner reads it, and then the kernel does: a pipe would be empty by then
            content = read_small(Path(name).expanduser(), pipes=False, most=10_000)
            value = content.decode("utf-8").rstrip("\r\n")
    except (KeyError, OSError, ValueError, RuntimeError) as problem:
        raise _unresolved(reference, _why(kind, problem)) from problem
    if not value:
        raise _unresolved(reference, "The value is empty.")
    if name != EXTERNAL_ID_VARIABLE and _is_credential(value):
        raise _refused(reference, "What is found there is a credential, or looks like one.")
    return value


def _refuse_credential(reference: str) -> None:
    kind, _, name = reference.partition(":")
    if kind == "env" and is_credential_name(name):
        raise _refused(reference, "A variable of this name holds a credential.")
    if kind == "file" and is_credential_file(name):
        raise _refused(reference, "A file of this name or in this folder may hold credentials.")


def _is_credential(value: str) -> bool:
    """Return whether a value is or contains a credential of the environment, or looks like one."""
    known = credentials_in(os.environ)
    contains = any(each in value for each in known if len(each) >= _LONG)
    shaped = _KEY.fullmatch(value) or _TOKEN.match(value) or has_credential(value)
    return value in known or contains or bool(shaped)


def _refused(reference: str, why: str) -> RefusedReference:
    return RefusedReference(
        f"The reference {reference!r} is refused.",
        why=f"{why} An external ID is no credential, and goes into the other account.",
        hint="Put the external ID into a variable or a file of its own, and name it for what it is: "
        "env:VENDOR_EXTERNAL_ID.",
    )


def _why(kind: str, problem: Exception) -> str:
    if kind == "env":
        return "There is no such environment variable."
    text = "It is not UTF-8 text" if isinstance(problem, UnicodeDecodeError) else str(problem)
    return f"The file cannot be read. {getattr(problem, 'strerror', None) or text.rstrip('.')}."


def _unresolved(reference: str, why: str) -> UnresolvedSecret:
    return UnresolvedSecret(
        f"The reference {reference!r} cannot be resolved.",
        why=why,
        hint="Set it in the shell or the folder that starts the run.",
    )
