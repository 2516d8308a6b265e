"""Fixes: what to change in the policies and in the request, and the smallest statements for it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.diagnosis.attempt import ASSUME, Attempt
from xacct_nb.diagnosis.fixes.commands import assume_role, tag_principal
from xacct_nb.diagnosis.fixes.edits import Edit
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.grants.documents import VERSION, one_or_many
from xacct_nb.iam.grammar import Document


@dataclass(frozen=True)
class Fix:
    """What to change, "" for the catalogue's text: edits of policies, and the request as it is repeated.

    `tags` are new tags of the principal `tagged`. The commands follow from all three. `unsure` is why it
    cannot be shown to work, whatever the evaluation says.
    """

    mend: str = ""
    edits: tuple[Edit, ...] = ()
    request: Attempt | None = field(default=None, repr=False)
    tagged: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    unsure: str = ""

    @property
    def is_empty(self) -> bool:
        """Whether it is a text only."""
        return not (self.edits or self.request or self.tags)

    @property
    def commands(self) -> tuple[str, ...]:
        """The commands of the fix, in their order."""
        edited = (command for edit in self.edits for command in edit.commands)
        tagging = [tag_principal(self.tagged, self.tags)] if self.tags else []
        return (*edited, *tagging, *([assume_role(self.request)] if self.request else ()))

    def with_tags(self, snapshot: Snapshot) -> Snapshot:
        """Return the snapshot with the tags on the caller's user or role."""
        source = snapshot.source
        if not self.tags or source is None or source.principal is None:
            return snapshot
        principal = source.principal.model_copy(update={"tags": {**source.principal.tags, **self.tags}})
        return snapshot.model_copy(update={"source": source.model_copy(update={"principal": principal})})


NO_FIX = Fix()


def repeat(attempt: Attempt, mend: str = "", **changes: Any) -> Fix:
    """Return the fix that repeats the request with these parameters of AssumeRole in place of its own."""
    role = changes.get("RoleArn", attempt.role)
    parameters = attempt.parameters | changes
    return Fix(mend, request=attempt.model_copy(update={"role": role, "parameters": parameters}))


def smallest_policy(
    resource: str, actions: tuple[str, ...] = (ASSUME,), conditions: Document | None = None
) -> dict[str, Any]:
    """Return the smallest identity policy that allows these actions on a resource."""
    statement = {"Effect": "Allow", "Action": one_or_many(actions), "Resource": resource}
    return {"Version": VERSION, "Statement": [statement | _condition(conditions)]}


def trust_statement(principal: str, actions: tuple[str, ...], conditions: Document | None) -> dict[str, Any]:
    """Return the smallest statement of a trust policy that allows the principal these actions."""
    statement = {"Effect": "Allow", "Principal": {"AWS": principal}, "Action": one_or_many(actions)}
    return statement | _condition(conditions)


def without_key(statement: Document, key: str) -> dict[str, Any]:
    """Return the conditions of a statement without one key."""
    left = {
        operator: {name: value for name, value in keys.items() if name.lower() != key.lower()}
        for operator, keys in statement.get("Condition", {}).items()
    }
    return {operator: keys for operator, keys in left.items() if keys}


def _condition(conditions: Document | None) -> dict[str, Any]:
    return {"Condition": dict(conditions)} if conditions else {}
