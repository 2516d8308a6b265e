"""Fixes: smallest policies, edited policies, and the commands of the AWS CLI that write them."""

import json
import shlex
from collections.abc import Mapping
from typing import Any

from xacct_nb.diagnosis.attempt import ASSUME, Attempt
from xacct_nb.diagnosis.snapshot import BUCKET, MANAGED, TRUST, SnapshotPolicy
from xacct_nb.grants.documents import VERSION, one_or_many
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.grammar import Document
from xacct_nb.redaction.redact import fingerprints_in

MFA_CODE, EXTERNAL_ID = "MFA_CODE", "EXTERNAL_ID"
_OPTIONS = {
    "RoleArn": "role-arn",
    "RoleSessionName": "role-session-name",
    "DurationSeconds": "duration-seconds",
    "SourceIdentity": "source-identity",
    "SerialNumber": "serial-number",
}


def smallest_policy(resource: str, actions: tuple[str, ...] = (ASSUME,)) -> dict[str, Any]:
    """Return the smallest identity policy that allows these actions on a resource."""
    statement = {"Effect": "Allow", "Action": one_or_many(actions), "Resource": resource}
    return {"Version": VERSION, "Statement": [statement]}


def trust_statement(principal: str, actions: tuple[str, ...], conditions: Document | None) -> dict[str, Any]:
    """Return the smallest statement of a trust policy that allows the principal these actions."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": one_or_many(actions)}
    return statement | ({"Condition": dict(conditions)} if conditions else {})


def put_inline_policy(principal: str, name: str, document: Document) -> str:
    """Return the command that gives a user, role or group an inline policy."""
    return iam_command("put-{}-policy", principal, {"policy-name": name, "policy-document": document})


def iam_command(operation: str, principal: str, options: Mapping[str, Any]) -> str:
    """Return a command for a user, role or group, whose type replaces {} in the operation."""
    arn = Arn.parse(principal)
    return aws_command(f"iam {operation.format(arn.kind)}", {f"{arn.kind}-name": arn.name, **options})


def write_policy(policy: SnapshotPolicy, document: Document) -> str:
    """Return the command that replaces a policy's document; a managed policy gets a new default version."""
    if policy.kind == MANAGED:
        options = {"policy-arn": policy.arn, "policy-document": document}
        return aws_command("iam create-policy-version", options) + " --set-as-default"
    if policy.kind == TRUST:
        options = {"role-name": Arn.parse(policy.holder).name, "policy-document": document}
        return aws_command("iam update-assume-role-policy", options)
    if policy.kind == BUCKET:
        return aws_command("s3api put-bucket-policy", {"bucket": policy.name, "policy": document})
    return put_inline_policy(policy.holder, policy.name, document)


def remove_statement(policy: SnapshotPolicy, number: int) -> str:
    """Return the command that removes a statement; a policy without another one is deleted or detached."""
    left = without_statement(policy, number)
    if left["Statement"] or policy.kind == TRUST:
        return write_policy(policy, left)
    if policy.kind == BUCKET:
        return aws_command("s3api delete-bucket-policy", {"bucket": policy.name})
    if policy.kind == MANAGED:
        return iam_command("detach-{}-policy", policy.holder, {"policy-arn": policy.arn})
    return iam_command("delete-{}-policy", policy.holder, {"policy-name": policy.name})


def assume_role(attempt: Attempt, **changes: Any) -> str:
    """Return the command that repeats the request with these parameters; secrets are shell variables."""
    wanted = {"RoleArn": attempt.role, "RoleSessionName": "my-session", **attempt.parameters, **changes}
    options = {option: wanted[name] for name, option in _OPTIONS.items() if wanted.get(name)}
    command = aws_command("sts assume-role", options)
    tags = [f"Key={tag['Key']},Value={tag['Value']}" for tag in wanted.get("Tags") or []]
    command += f" --tags {shlex.join(tags)}" if tags else ""
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


def with_statement(policy: SnapshotPolicy, statement: Document) -> dict[str, Any]:
    """Return the document with one more statement."""
    return {**(policy.document or {}), "Statement": [*statements_of(policy.document), dict(statement)]}


def without_statement(policy: SnapshotPolicy, number: int) -> dict[str, Any]:
    """Return the document without one statement."""
    left = [each for n, each in enumerate(statements_of(policy.document)) if n != number]
    return {**(policy.document or {}), "Statement": left}


def remove_condition_key(statement: dict[str, Any], key: str) -> None:
    """Remove a condition key from a statement, in place."""
    left = {
        operator: {name: value for name, value in keys.items() if name.lower() != key.lower()}
        for operator, keys in statement.pop("Condition", {}).items()
    }
    if any(left.values()):
        statement["Condition"] = {operator: keys for operator, keys in left.items() if keys}


def _shell_variable(name: str) -> str:
    """Return a reference to a shell variable that stops the command if the variable is not set."""
    return f'"${{{name}:?}}"'
