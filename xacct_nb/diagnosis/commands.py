"""Commands of the AWS CLI that write policies and repeat a request, quoted for the shell."""

import json
import re
import shlex
from collections.abc import Mapping
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprints_in

MFA_CODE, EXTERNAL_ID = "MFA_CODE", "EXTERNAL_ID"
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
    command += f" --external-id {_shell_variable(EXTERNAL_ID)}" if wanted.get("ExternalId") else ""
    return command + (f" --token-code {_shell_variable(MFA_CODE)}" if wanted.get("TokenCode") else "")


def with_variables(command: str) -> str:
    """Return the command with a shell variable for each fingerprint, which must never be sent to AWS."""
    for number, mark in enumerate(sorted(fingerprints_in(command)), start=1):
        name = EXTERNAL_ID if number == 1 else f"{EXTERNAL_ID}_{number}"
        command = command.replace(mark, f"'{_shell_variable(name)}'")
    return command


def aws_command(operation: str, options: Mapping[str, Any]) -> str:
    """Return one command of the AWS CLI; documents are written as JSON."""
    quoted = (f"--{name} {shlex.quote(option_text(value))}" for name, value in options.items())
    return " ".join(["aws", operation, *quoted])


def option_text(value: Any) -> str:
    """Return a value as text for an option of the AWS CLI."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping) else str(value)


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
