"""Mends as documents and as commands of the AWS CLI: what to write, where, and what to call instead."""

import copy
import json
import shlex
from collections.abc import Callable, Mapping
from typing import Any

from xacct_nb.diagnosis.attempt import ASSUME, Attempt
from xacct_nb.diagnosis.snapshot import MANAGED, Policy
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprints_in

Document = Mapping[str, Any]
CODE, EXTERNAL_ID = "MFA_CODE", "EXTERNAL_ID"
_OPTIONS = (
    ("RoleArn", "role-arn"),
    ("RoleSessionName", "role-session-name"),
    ("DurationSeconds", "duration-seconds"),
    ("SourceIdentity", "source-identity"),
    ("SerialNumber", "serial-number"),
)


def allowing(role: str, actions: tuple[str, ...] = (ASSUME,)) -> dict[str, Any]:
    """The smallest caller policy that allows these actions on the role."""
    return {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": _one(actions), "Resource": role}]}


def give(principal: str, name: str, document: Document) -> str:
    """Gives a user, role or group an inline policy of its own."""
    arn = Arn.parse(principal)
    return aws(
        f"iam put-{arn.kind}-policy",
        **{f"{arn.kind}-name": arn.name, "policy-name": name, "policy-document": document},
    )


def attach(policy: str, principal: str) -> str:
    """Attaches a managed policy."""
    arn = Arn.parse(principal)
    return aws(f"iam attach-{arn.kind}-policy", **{f"{arn.kind}-name": arn.name, "policy-arn": policy})


def write(policy: Policy, document: Document) -> str:
    """Writes a policy anew: an inline one in its place, a managed one as its default version."""
    if policy.kind == MANAGED:
        named = {"policy-arn": policy.arn, "policy-document": document}
        return aws("iam create-policy-version", **named) + " --set-as-default"
    return give(policy.holder, policy.name, document)


def write_without(policy: Policy, number: int) -> tuple[str, Document | None]:
    """Takes a statement out of a policy; an inline policy with no other statement is deleted."""
    left = without(policy.document or {}, number)
    if left["Statement"]:
        return write(policy, left), left
    holder = Arn.parse(policy.holder)
    named = {f"{holder.kind}-name": holder.name}
    if policy.kind == MANAGED:
        return aws(f"iam detach-{holder.kind}-policy", **named, **{"policy-arn": policy.arn}), None
    return aws(f"iam delete-{holder.kind}-policy", **named, **{"policy-name": policy.name}), None


def trust(role: str, document: Document) -> str:
    """Writes a role's trust policy, which replaces it whole."""
    return aws(
        "iam update-assume-role-policy", **{"role-name": Arn.parse(role).name, "policy-document": document}
    )


def assume(attempt: Attempt, **changes: Any) -> str:
    """The call to make instead; secrets stand as names of variables."""
    wanted = {"RoleArn": attempt.role, "RoleSessionName": "my-session", **attempt.parameters, **changes}
    named = {option: wanted[name] for name, option in _OPTIONS if wanted.get(name)}
    command = aws("sts assume-role", **named)
    tags = [f"Key={tag['Key']},Value={tag['Value']}" for tag in wanted.get("Tags") or []]
    command += f" --tags {shlex.join(tags)}" if tags else ""
    command += f" --policy {shlex.quote(wanted['Policy'])}" if wanted.get("Policy") else ""
    command += f" --external-id {_variable(EXTERNAL_ID)}" if wanted.get("ExternalId") else ""
    return command + (f" --token-code {_variable(CODE)}" if wanted.get("TokenCode") else "")


def _variable(name: str) -> str:
    """A variable of the shell, without which the shell makes no call."""
    return f'"${{{name}:?}}"'


def with_variables(command: str) -> str:
    """The command with a variable in the place of each fingerprint, which AWS must never be given."""
    marks = sorted(fingerprints_in(command))
    for number, mark in enumerate(marks, start=1):
        name = EXTERNAL_ID if number == 1 else f"{EXTERNAL_ID}_{number}"
        command = command.replace(mark, f"'{_variable(name)}'")
    return command


def aws(call: str, **options: Any) -> str:
    """One line of the AWS CLI: a document is written as JSON."""
    return " ".join(
        ["aws", call, *(f"--{name} {shlex.quote(text(value))}" for name, value in options.items())]
    )


def added(document: Document, statement: Document) -> dict[str, Any]:
    """The document with one more statement."""
    return {**document, "Statement": [*statements(document), dict(statement)]}


def without(document: Document, number: int) -> dict[str, Any]:
    """The document without the statement of that number."""
    return {**document, "Statement": [each for n, each in enumerate(statements(document)) if n != number]}


def changed(document: Document, number: int, change: Callable[[dict[str, Any]], None]) -> dict[str, Any]:
    """The document with one statement changed."""
    whole = copy.deepcopy({**document, "Statement": statements(document)})
    change(whole["Statement"][number])
    return whole


def statements(document: Document) -> list[Any]:
    """The statements of a document, also where there is one without a list around it."""
    found = document.get("Statement", [])
    return list(found) if isinstance(found, (list, tuple)) else [found]


def trusting(
    principal: str, conditions: Document | None = None, actions: tuple[str, ...] = (ASSUME,)
) -> dict[str, Any]:
    """The smallest statement of a trust policy that lets the principal in."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": _one(actions)}
    return statement | ({"Condition": dict(conditions)} if conditions else {})


def drop_key(statement: dict[str, Any], key: str) -> None:
    """Takes a condition key out of a statement, in place."""
    left = {
        operator: {name: value for name, value in keys.items() if name.lower() != key.lower()}
        for operator, keys in statement.get("Condition", {}).items()
    }
    statement["Condition"] = {operator: keys for operator, keys in left.items() if keys}
    if not statement["Condition"]:
        del statement["Condition"]


def _one(values: tuple[str, ...]) -> Any:
    return values[0] if len(values) == 1 else list(values)


def text(value: Any) -> str:
    """A value as an option of the AWS CLI takes it."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, Mapping) else str(value)
