"""Edits of the policies in a snapshot: the policy before, the document after, the commands for it."""

import copy
import shlex
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from xacct_nb.diagnosis.fixes.commands import aws_command, iam_command, option_text
from xacct_nb.diagnosis.snapshot import (
    BUCKET,
    KEY,
    MANAGED,
    OF_RESOURCES,
    SECRET,
    TRUST,
    Principal,
    Snapshot,
    SnapshotPolicy,
)
from xacct_nb.iam.arns import UNIQUE_ID, Arn, is_arn
from xacct_nb.iam.canonical import as_list, deleted_ids, statements_of
from xacct_nb.iam.grammar import Document

_PROTECTED = (":role/aws-reserved/", ":role/aws-service-role/")
WRITE, ATTACH, SET_DEFAULT, CREATE = "write", "attach", "set-default", "create"
# Longer documents are written to a file first: Windows takes 32,767 characters on a command line.
_LONGEST = 32_000


@dataclass(frozen=True)
class Edit:
    """A policy as it is, and the document that its holder has afterwards; a new policy has no document yet.

    `how` says what brings that about: the document is written, the managed policy is attached to the holder,
    or created and attached, or the policy's newer version becomes the default version.
    """

    policy: SnapshotPolicy
    after: Document
    how: str = WRITE

    @property
    def is_new(self) -> bool:
        """Whether the holder does not have the policy yet."""
        return self.policy.document is None or self.how in (ATTACH, CREATE)

    @property
    def is_protected(self) -> bool:
        """Whether AWS owns the policy or its holder, so that nobody can edit it."""
        is_owned = (
            self.how not in (ATTACH, CREATE)
            and self.policy.kind == MANAGED
            and ":iam::aws:" in self.policy.arn
        )
        return is_owned or any(path in self.policy.holder for path in _PROTECTED)

    @property
    def note(self) -> str:
        """What else the commands change."""
        if self.policy.kind == TRUST:
            gone = sorted({*deleted_ids(self.policy.document)} - {*deleted_ids(self.after)})
            return f"AWS writes no ID of a deleted principal: {', '.join(gone)} is left out." if gone else ""
        if self.policy.kind != MANAGED or self.how != WRITE or not self.policy.full_of:
            return ""
        kept = f"IAM keeps no more versions of {self.policy.name}"
        return f"{kept}: {self.policy.full_of}, the oldest that is not the default one, is deleted first."

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands that make the edit."""
        return tuple(_commands(self))


def new_policy(holder: str, name: str, document: Document, taken: Iterable[str] = ()) -> Edit:
    """Return the edit that gives a user, role or group an inline policy, under a name that is free."""
    return Edit(SnapshotPolicy(name=free_name(name, taken), holder=holder), document)


def is_holder(arn: str) -> bool:
    """Return whether a policy can be given to somebody: a user or a role, whose ARN is known."""
    return is_arn(arn) and Arn.parse(arn).kind in ("user", "role")


def free_name(name: str, taken: Iterable[str]) -> str:
    """Return a name that is not taken: the name, else with a number after it. IAM ignores letter case."""
    known = {each.lower() for each in taken}
    numbered = (f"{name}-{number}" for number in range(2, len(known) + 3))
    return next(each for each in (name, *numbered) if each.lower() not in known)


def free_sid(sid: str, taken: Iterable[str]) -> str:
    """Return a Sid that is not taken: IAM accepts letters and digits only."""
    return free_name(sid, taken).replace("-", "")


def without_deleted(document: Document) -> dict[str, Any]:
    """Return a trust policy without the IDs of deleted principals: AWS refuses to write them again.

    A statement that names nobody else is left out.
    """
    kept = [_without_deleted(each) for each in statements_of(document)]
    return {**document, "Statement": [each for each in kept if each]}


def _without_deleted(statement: dict[str, Any]) -> dict[str, Any] | None:
    principals = statement.get("Principal")
    if not isinstance(principals, dict) or "AWS" not in principals:
        return statement
    named = as_list(principals["AWS"])
    left = [each for each in named if not UNIQUE_ID.fullmatch(each)]
    if left == named:
        return statement
    others = {kind: each for kind, each in principals.items() if kind != "AWS"} | (
        {"AWS": left} if left else {}
    )
    return {**statement, "Principal": others} if others else None


def changed(policy: SnapshotPolicy, number: int, change: Callable[[dict[str, Any]], object]) -> Edit:
    """Return the edit that changes one statement in place by `change`."""
    document = policy.document or {}
    statements = copy.deepcopy(statements_of(document))
    change(statements[number])
    return _edit(policy, {**document, "Statement": statements})


def with_statement(policy: SnapshotPolicy, statement: Document) -> Edit:
    """Return the edit that adds a statement after the others."""
    document = policy.document or {}
    return _edit(policy, {**document, "Statement": [*statements_of(document), dict(statement)]})


def with_statements(policy: SnapshotPolicy, number: int, first: Document, *more: Document) -> Edit:
    """Return the edit that has the first statement in the place of one, and the others after all."""
    document, written = policy.document or {}, [dict(each) for each in more]
    known = copy.deepcopy(statements_of(document))
    return Edit(
        policy, {**document, "Statement": [*known[:number], dict(first), *known[number + 1 :], *written]}
    )


def merged(edit: Edit, earlier: Edit) -> Edit | None:
    """Return the edit with what an earlier one of the same policy changes; None where they contradict."""
    before, then, now = map(statements_of, (edit.policy.document, earlier.after, edit.after))
    if edit.is_new or earlier.is_new or len(then) < len(before) or len(now) < len(before):
        return None
    both: list[Any] = []
    for number, statement in enumerate(before):
        changes = [each[number] for each in (then, now) if each[number] != statement]
        if len(changes) == 2 and changes[0] != changes[1]:
            return None
        both += [changes[0] if changes else statement]
    more = [*then[len(before) :], *(each for each in now[len(before) :] if each not in then)]
    return Edit(edit.policy, {**earlier.after, **edit.after, "Statement": [*both, *more]}, edit.how)


def is_same(one: SnapshotPolicy, other: SnapshotPolicy) -> bool:
    """Return whether two values are of one policy; a managed policy is one for all its holders."""
    if MANAGED in (one.kind, other.kind):
        return one.kind == other.kind and one.arn == other.arn
    return (one.kind, one.holder, one.name.lower()) == (other.kind, other.holder, other.name.lower())


def edited(snapshot: Snapshot, edits: Iterable[Edit]) -> Snapshot:
    """Return the snapshot as it is after the edits."""
    for edit in edits:
        source, destination = snapshot.source, snapshot.destination
        if source and source.principal:
            changes = _holder(source.principal, source.policies, edit)
            source = source.model_copy(update=dict(zip(("principal", "policies"), changes, strict=True)))
        if destination and destination.role:
            changes = _holder(destination.role, destination.policies, edit)
            destination = destination.model_copy(update=dict(zip(("role", "policies"), changes, strict=True)))
        if destination and edit.policy.kind in OF_RESOURCES:
            resources = destination.resource_policies | {edit.policy.arn: dict(edit.after)}
            destination = destination.model_copy(update={"resource_policies": resources})
        snapshot = snapshot.model_copy(update={"source": source, "destination": destination})
    return snapshot


def _holder(
    holder: Principal, policies: tuple[SnapshotPolicy, ...], edit: Edit
) -> tuple[Principal, tuple[SnapshotPolicy, ...]]:
    """Return a user or role, and its policies, after an edit."""
    after = edit.policy.model_copy(update={"document": dict(edit.after)})
    if edit.policy.kind == TRUST and edit.policy.holder == holder.arn:
        return holder.model_copy(update={"trust": dict(edit.after)}), policies
    if holder.boundary and is_same(holder.boundary, edit.policy) and edit.how != ATTACH:
        holder = holder.model_copy(update={"boundary": after})
    if edit.is_new:
        return holder, (*policies, *([after] if edit.policy.holder == holder.arn else ()))
    kept = (
        each.model_copy(update={"document": dict(edit.after)}) if is_same(each, edit.policy) else each
        for each in policies
    )
    return holder, tuple(kept)


def _edit(policy: SnapshotPolicy, after: dict[str, Any]) -> Edit:
    return Edit(policy, without_deleted(after) if policy.kind == TRUST else after)


def append(holder: dict[str, Any], name: str, value: str) -> None:
    """Append a value to a list of a statement, in place; a single value becomes a list."""
    values = as_list(holder.get(name, []))
    holder[name] = values if value in values else [*values, value]


def _commands(edit: Edit) -> Iterator[str]:
    policy, document = edit.policy, edit.after
    if edit.how == SET_DEFAULT:
        options: dict[str, Any] = {"policy-arn": policy.arn, "version-id": policy.newer_version}
        yield aws_command("iam set-default-policy-version", options)
    elif edit.how in (ATTACH, CREATE):
        if edit.how == CREATE:
            yield from _writing(
                "iam create-policy", {"policy-name": policy.name}, "policy-document", document
            )
        yield iam_command("attach-{}-policy", policy.holder, {"policy-arn": policy.arn})
    elif policy.kind == MANAGED:
        if policy.full_of:
            options = {"policy-arn": policy.arn, "version-id": policy.full_of}
            yield aws_command("iam delete-policy-version", options)
        options = {"policy-arn": policy.arn, "set-as-default": ""}
        yield from _writing("iam create-policy-version", options, "policy-document", document)
    elif policy.kind == TRUST:
        options = {"role-name": Arn.parse(policy.holder).name}
        yield from _writing("iam update-assume-role-policy", options, "policy-document", document)
    elif policy.kind in OF_RESOURCES:
        yield from _of_resource(policy, document)
    else:
        holder = Arn.parse(policy.holder)
        options = {f"{holder.kind}-name": holder.name, "policy-name": policy.name}
        yield from _writing(f"iam put-{holder.kind}-policy", options, "policy-document", document)


def _of_resource(policy: SnapshotPolicy, document: Document) -> Iterator[str]:
    """Yield the command that writes a resource's own policy; only a bucket needs no region."""
    region = {"region": Arn.parse(policy.arn).region} if policy.kind != BUCKET else {}
    if policy.kind == BUCKET:
        yield from _writing("s3api put-bucket-policy", {"bucket": policy.name}, "policy", document)
    elif policy.kind == KEY:
        options = {"key-id": policy.arn, "policy-name": "default", **region}
        yield from _writing("kms put-key-policy", options, "policy", document)
    elif policy.kind == SECRET:
        options = {"secret-id": policy.arn, **region}
        yield from _writing("secretsmanager put-resource-policy", options, "resource-policy", document)
    else:
        attributes = {"Policy": option_text(document)}
        options = {"queue-url": _queue_url(policy.arn), **region}
        yield from _writing("sqs set-queue-attributes", options, "attributes", attributes)


def _queue_url(queue: str) -> str:
    """Return the URL of a queue. Source: SQS developer guide, sqs-queue-message-identifiers."""
    arn = Arn.parse(queue)
    suffix = "amazonaws.com.cn" if arn.partition == "aws-cn" else "amazonaws.com"
    return f"https://sqs.{arn.region}.{suffix}/{arn.account}/{arn.name}"


def _writing(operation: str, options: dict[str, Any], option: str, document: Document) -> Iterator[str]:
    """Yield the command that writes a document, from a file where it is too long for a command line."""
    if len(option_text(document)) <= _LONGEST:
        yield aws_command(operation, {**options, option: document})
        return
    name = f"{operation.rpartition(' ')[2]}.json"
    yield f"printf %s {shlex.quote(option_text(document))} > {name}"
    yield aws_command(operation, {**options, option: f"file://{name}"})
