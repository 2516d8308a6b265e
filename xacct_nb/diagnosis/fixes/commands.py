"""Commands of the AWS CLI that write policies and repeat a request, quoted for the shell."""

import json
import re
import shlex
from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprint, fingerprints_in

MFA_CODE, EXTERNAL_ID = "MFA_CODE", "EXTERNAL_ID"
_VARIABLE_OR_MARK = re.compile(r"(\$\{[A-Z_0-9]+:\?\}|secret:[0-9a-f]{16})")
_OPTIONS = {
    "RoleArn": "role-arn",
    "RoleSessionName": "role-session-name",
    "DurationSeconds": "duration-seconds",
    "SourceIdentity": "source-identity",
    "SerialNumber": "serial-number",
}


def iam_command(operation: str, principal: str, options: Mapping[str, Any]) -> str:
    """Return a command for a user, role or group, whose type replaces {} in the operation."""
    arn = Arn.parse(principal)
    return aws_command(f"iam {operation.format(arn.kind)}", {f"{arn.kind}-name": arn.name, **options})


def _external_id(secret: str) -> str:
    return secret if fingerprints_in(secret) else fingerprint(secret)


def tag_principal(principal: str, tags: Mapping[str, str]) -> str:
    """Return the command that gives a user or role tags."""
    return iam_command("tag-{}", principal, {"tags": _tag_list(tags)})


def assume_role(attempt: Attempt) -> str:
    """Return the command that makes the request; secrets are shell variables."""
    wanted = {"RoleArn": attempt.role, "RoleSessionName": "my-session", **attempt.parameters}
    options = {option: wanted[name] for name, option in _OPTIONS.items() if wanted.get(name)}
    command = aws_command("sts assume-role", options)
    tags = {str(tag["Key"]): str(tag["Value"]) for tag in wanted.get("Tags") or []}
    command += f" --tags {shlex.quote(_tag_list(tags))}" if tags else ""
    command += f" --policy {shlex.quote(wanted['Policy'])}" if wanted.get("Policy") else ""
    command += f" --external-id {_external_id(wanted['ExternalId'])}" if wanted.get("ExternalId") else ""
    return command + (f" --token-code {_shell_variable(MFA_CODE)}" if wanted.get("TokenCode") else "")


def with_variables(commands: Iterable[str]) -> tuple[tuple[str, ...], str]:
    """Return commands with a shell variable for each fingerprint, and which variable is which secret.

    A fingerprint must never be sent to AWS.
    """
    given = tuple(commands)
    marks = sorted(fingerprints_in(given))
    names = {mark: EXTERNAL_ID + (f"_{number}" if number > 1 else "") for number, mark in enumerate(marks, 1)}
    note = "; ".join(f"{name} is the one whose fingerprint is {mark}" for mark, name in names.items())
    return tuple(_with_names(command, names) for command in given), note and f"{note}."


def _with_names(command: str, names: Mapping[str, str]) -> str:
    """Return a command with each fingerprint as a variable, quoted so that the shell reads the same words."""
    if not command.startswith("aws ") or not fingerprints_in(command):
        return command
    return " ".join(_quoted(word, names) for word in shlex.split(command))


def _quoted(word: str, names: Mapping[str, str]) -> str:
    pieces = [piece for piece in _VARIABLE_OR_MARK.split(word) if piece]
    variables = {mark: _shell_variable(name) for mark, name in names.items()}
    return (
        "".join(
            variables.get(piece)
            or (f'"{piece}"' if _VARIABLE_OR_MARK.fullmatch(piece) else shlex.quote(piece))
            for piece in pieces
        )
        or "''"
    )


def aws_command(operation: str, options: Mapping[str, Any]) -> str:
    """Return one command of the AWS CLI; documents are written as JSON, "" is an option without a value."""
    quoted = (f"--{name} {shlex.quote(option_text(value))}" for name, value in options.items() if value != "")
    flags = (f"--{name}" for name, value in options.items() if value == "")
    return " ".join(["aws", operation, *quoted, *flags])


def option_text(value: Any) -> str:
    """Return a value as text for an option of the AWS CLI."""
    return json.dumps(_as_text(value), separators=(",", ":")) if isinstance(value, Mapping) else str(value)


def _as_text(value: Any) -> Any:
    """Return a policy with its numbers and booleans as text, in which a secret number can be replaced."""
    if isinstance(value, Mapping):
        return {key: _as_text(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_as_text(item) for item in value]
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) else str(value)


def scoped(command: str, profile: str, endpoint_url: str = "") -> str:
    """Return a command of the AWS CLI for a profile, and for an endpoint that is not AWS's own."""
    endpoint = f" --endpoint-url {shlex.quote(endpoint_url)}" if endpoint_url else ""
    return f"{command} --profile {shlex.quote(profile)}{endpoint}" if command.startswith("aws ") else command


def _tag_list(tags: Mapping[str, str]) -> str:
    """Return tags for an option: in the short form where the AWS CLI reads it right, else as JSON."""
    if len(tags) == 1 and not re.search(r"""[\s,='"\[\]{}\\]""", "".join((*tags, *tags.values()))):
        return "".join(f"Key={key},Value={value}" for key, value in tags.items())
    return json.dumps([{"Key": key, "Value": value} for key, value in tags.items()], separators=(",", ":"))


def _shell_variable(name: str) -> str:
    """Return a reference to a shell variable that stops the command if the variable is not set."""
    return f'"${{{name}:?}}"'
