"""Signing in with a profile: one error says what is wrong with it, and nothing waits without end."""

import getpass
import json
import os
import re
import select
import shlex
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from botocore import exceptions as botocore
from botocore.credentials import ProcessProvider
from botocore.parsers import ResponseParserError
from botocore.session import Session as Core
from botocore.utils import is_valid_endpoint_url, parse_timestamp

from xacct_nb.aws.sign_in_failures import NETWORK_HINT, NOT_AWS, explain
from xacct_nb.errors import MissingProfile, NoCredentials, XacctError
from xacct_nb.redaction.redact import redact
from xacct_nb.validation import truncate

PATIENCE = 60.0  # seconds for a credential_process
_LARGEST = 1_000_000  # bytes of its output
_BAD_PORT = "Its endpoint_url is no URL: a port is a number up to 65535."
_BAD_QUOTES = ("No closing quotation", "No escaped character")  # shlex
_KEY = re.compile(r"[!-~]+")  # what a header of HTTP can hold
# What botocore's providers let through, where a file or a process gives them something unexpected.
_UNEXPECTED = (OSError, ValueError, TypeError, AttributeError, LookupError, RuntimeError, EOFError,
               subprocess.SubprocessError)  # fmt: skip


@contextmanager
def sign_in_errors(profile: str, part: str = "") -> Iterator[None]:
    """Translate whatever goes wrong while a profile signs in. Raises MissingProfile, NoCredentials."""
    try:
        with unexpected_errors(profile):
            yield
    except botocore.ProfileNotFound as problem:
        raise MissingProfile(
            f"The AWS config has no profile {profile!r}.",
            why=f"It was given as a {part} profile." if part else "",
            hint="Correct the name, or add it: aws configure --profile NAME.",
        ) from problem
    except (botocore.BotoCoreError, botocore.ClientError) as problem:
        raise _no_credentials(profile, *explain(problem, profile)) from problem


@contextmanager
def unexpected_errors(profile: str) -> Iterator[None]:
    """Translate the errors that are neither botocore's nor of this package. Raises NoCredentials."""
    try:
        yield
    except (botocore.BotoCoreError, botocore.ClientError, XacctError):
        raise
    except _UNEXPECTED as problem:
        raise _no_credentials(profile, _reason(problem), "") from problem


@contextmanager
def response_errors(profile: str) -> Iterator[None]:
    """Translate what botocore makes of a response that is none of AWS's. Raises NoCredentials."""
    try:
        yield
    except (botocore.BotoCoreError, botocore.ClientError, XacctError):
        raise
    except (*_UNEXPECTED, ResponseParserError) as problem:
        is_port = not isinstance(problem, ResponseParserError) and "port" in str(problem).lower()
        raise _no_credentials(profile, _BAD_PORT if is_port else NOT_AWS, NETWORK_HINT) from problem


def check_credentials(profile: str, credentials: Any) -> None:
    """Check that there are credentials, and that a request can be signed with them.

    Raises NoCredentials; the values are not quoted.
    """
    if credentials is None:
        raise _no_credentials(profile, "It has no credentials.", "")
    keys = credentials.get_frozen_credentials()
    if not keys.access_key or not keys.secret_key:
        raise _no_credentials(profile, "One of its keys is empty.", "")
    names = {"access_key": "access key id", "secret_key": "secret access key", "token": "session token"}
    for name, label in names.items():
        if (value := getattr(keys, name)) and not _KEY.fullmatch(value):
            why = f"Its {label} has a space, a line break or a character that no key has."
            raise _no_credentials(profile, why, "Copy the key again, into one line without spaces.")


def bound(core: Core) -> None:
    """Make a session refuse what would wait without end: pipes, silent processes, prompts without a terminal.

    Raises NoCredentials, ProfileNotFound, BotoCoreError.
    """
    check_files(core)
    _check_endpoints()
    for provider in core.get_component("credential_provider").providers:
        if isinstance(provider, ProcessProvider):
            provider._popen = _BoundedProcess
        if hasattr(provider, "_prompter"):
            provider._prompter = ask_for_code
        if builder := getattr(provider, "_profile_provider_builder", None):
            builder._create_process_provider = lambda profile: ProcessProvider(
                profile_name=profile, load_config=lambda: core.full_config, popen=_BoundedProcess
            )


def check_files(core: Core) -> None:
    """Check that the config and the credentials file are files, or not there. Raises NoCredentials."""
    for name in ("config_file", "credentials_file"):
        _check_file(str(core.get_config_variable(name)))


class _BoundedProcess(subprocess.Popen[bytes]):
    """A credential_process that must end in time, and may not write without end; its errors are not read."""

    def __init__(self, command: list[str], **options: Any) -> None:
        # Without a person at a terminal there is nothing to read; what it says there may be a secret.
        stdin = None if _has_terminal() else subprocess.DEVNULL
        try:
            super().__init__(command, **{**options, "stdin": stdin, "stderr": subprocess.DEVNULL})
        except (OSError, LookupError) as problem:
            reason = (
                f": {command[0]!r}: {problem.strerror}" if isinstance(problem, OSError) else ": it is empty"
            )
            raise _NoOutput(f"credential_process cannot be started{reason}") from problem

    def communicate(self, input: Any = None, timeout: float | None = None) -> tuple[bytes, bytes]:
        """Return its output. Raises ValueError, whose text is the reason."""
        try:
            output = self._output(time.monotonic() + PATIENCE)
        except (_NoOutput, subprocess.TimeoutExpired) as problem:
            self.kill()
            self.wait()
            raise problem if isinstance(problem, _NoOutput) else _too_slow() from problem
        finally:
            if self.stdout:
                self.stdout.close()
        if self.returncode:
            raise _NoOutput(f"credential_process ended with the exit code {self.returncode}")
        _check_output(output)
        return output, b""

    def _output(self, until: float) -> bytes:
        found, handle = bytearray(), self.stdout.fileno() if self.stdout else -1
        while select.select([handle], [], [], max(0.0, until - time.monotonic()))[0]:
            part = os.read(handle, 65_536)
            found += part
            if len(found) > _LARGEST:
                raise _NoOutput("credential_process printed more than credentials")
            if not part:
                self.wait(max(0.1, until - time.monotonic()))
                return bytes(found)
        raise _too_slow()


def _check_output(output: bytes) -> None:
    """Check that a credential_process printed credentials that are valid now. Raises ValueError."""
    if not output.strip():
        raise _NoOutput("credential_process printed nothing")
    try:
        found = json.loads(output)
        keys = [found.get(name, "") for name in ("AccessKeyId", "SecretAccessKey")]
        expires = parse_timestamp(found["Expiration"]) if found.get("Expiration") else None
    except (ValueError, TypeError, AttributeError, LookupError, OverflowError):
        raise _NoOutput("credential_process printed no JSON object with credentials") from None
    # botocore itself says what is wrong with the version, and which key is missing.
    if not all(isinstance(key, str) for key in keys):
        raise _NoOutput("credential_process printed a key that is no text")
    if expires and expires.timestamp() < time.time():
        raise _NoOutput("credential_process printed credentials that have expired")


class _NoOutput(ValueError):
    """A credential_process gave nothing that can be credentials; the text has no secret."""


def _too_slow() -> _NoOutput:
    return _NoOutput(f"credential_process did not end within {PATIENCE:.0f} seconds")


def ask_for_code(prompt: str) -> str:
    """Ask for an MFA code. Raises NoCredentials where nobody can be asked."""
    in_kernel = getpass.getpass.__module__.startswith("ipykernel")
    if not in_kernel and not _has_terminal():
        raise _mfa_needed()
    try:
        return getpass.getpass(prompt)
    except (EOFError, RuntimeError) as problem:  # a kernel without a person
        raise _mfa_needed() from problem


def _has_terminal() -> bool:
    """Return whether a person can be asked at standard input, which may be closed or not there."""
    try:
        return sys.stdin is not None and sys.stdin.isatty()
    except ValueError:  # a closed file
        return False


def _mfa_needed() -> NoCredentials:
    return NoCredentials(
        "A profile needs an MFA code, and there is nobody to ask for it.",
        why="It has mfa_serial, and this process has no terminal.",
        hint="Get a session first (aws sts assume-role, aws login), and name its profile, or use a terminal.",
    )


def _check_file(name: str) -> None:
    path = Path(name).expanduser()
    try:
        mode = path.stat().st_mode
    except OSError:
        return
    if not stat.S_ISREG(mode) and path != Path(os.devnull):
        raise NoCredentials(
            f"The AWS file {name!r} cannot be read.",
            why=f"It is a {'folder' if stat.S_ISDIR(mode) else 'pipe or device'}, and no file.",
            hint="Name a file: AWS_CONFIG_FILE, AWS_SHARED_CREDENTIALS_FILE.",
        )


def _check_endpoints() -> None:
    if os.environ.get("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "").lower() == "true":
        return
    for name, url in os.environ.items():
        if name.startswith("AWS_ENDPOINT_URL") and url and not _is_url(url):
            raise NoCredentials(
                f"No AWS service can be reached: {name} is no URL.",
                why="It must begin with http:// or https://, and name a host. Its value is not shown.",
                hint=f"Correct it, or remove it: unset {name}",
            )


def _is_url(text: str) -> bool:
    try:
        return text.startswith(("http://", "https://")) and bool(is_valid_endpoint_url(text))
    except ValueError:
        return False


def _reason(problem: Exception) -> str:
    """Return what of an unexpected error can be shown: the text of others may quote a secret."""
    if isinstance(problem, OSError) and problem.filename:
        return f"{str(problem.filename)!r}, which it names, cannot be used: {problem.strerror}."
    if isinstance(problem, _NoOutput):
        return f"Its {problem}."
    if isinstance(problem, ValueError) and str(problem).startswith(_BAD_QUOTES):
        return "Its credential_process cannot be started: a quotation mark or an escape is not closed."
    if isinstance(problem, ValueError) and str(problem).startswith("Invalid endpoint"):
        return "Its endpoint_url is no URL: it must begin with http:// or https://, and name a host."
    return "Its credential_process, a file or a setting gave something that is no valid session."


def _no_credentials(profile: str, why: str, hint: str) -> NoCredentials:
    return NoCredentials(
        f"The profile {profile!r} cannot sign in.",
        why=truncate(redact(" ".join(why.split()), ())),
        hint=hint
        or f"Test it: aws sts get-caller-identity{f' --profile {shlex.quote(profile)}' if profile else ''}",
    )
