"""What is there (State), what would change (Change, Plan), and the difference of the two."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import canonical_json, same_policy
from xacct_nb.redaction.redact import fingerprints_in, mask_secrets, secrets_in
from xacct_nb.views import Diff, Page, Shown, Table, Text, View, as_json

SIGNS = {"+": "add", "~": "change", "-": "destroy"}
_DOCUMENT_KINDS = ("trust", "inline-policy")


@dataclass(frozen=True, repr=False)
class Change(Shown):
    """One thing that differs: None before is an addition, None after a removal.

    Besides the kinds of Key: `trust`, `settings`, `boundary`, `tags`, which change a part of what exists.
    """

    kind: str
    target: str
    name: str
    before: Any
    after: Any

    @property
    def sign(self) -> str:
        """`+`, `~` or `-`."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    @property
    def account(self) -> str:
        """The account that is changed."""
        return Arn.parse(self.target).account

    @property
    def title(self) -> str:
        """What is changed, in words."""
        subject = Arn.parse(self.target).resource
        named = {
            "attachment": f"{_short(self.name)} on {subject}",
            "inline-policy": f"{self.name} on {subject}",
        }
        return f"{self.kind} {named.get(self.kind, subject)}"

    def reverse(self) -> "Change":
        """The change that takes this one back."""
        return replace(self, before=self.after, after=self.before)

    def to_json(self) -> dict[str, Any]:
        """Plain data; external IDs as fingerprints."""
        return {
            "sign": self.sign,
            "kind": self.kind,
            "target": self.target,
            "name": self.name,
            "before": mask_secrets(self.before),
            "after": mask_secrets(self.after),
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Change":
        """The Change that `to_json` was made from."""
        return cls(*(fields[name] for name in ("kind", "target", "name", "before", "after")))

    def view(self) -> View:
        """The two sides of the change, line by line."""
        return Diff(f"{self.sign} {self.title}", _lines(self.before), _lines(self.after))


@dataclass(frozen=True, repr=False)
class Plan(Shown):
    """The changes that make the live state what the grant says, in the order in which they are made."""

    grant: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    unaccepted: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """sha256 hex over the canonical JSON of the grant's name and the changes: what an approval names."""
        content = {"grant": self.grant, "changes": [change.to_json() for change in self.changes]}
        return hashlib.sha256(canonical_json(content).encode()).hexdigest()

    @property
    def summary(self) -> str:
        """Terraform's last line."""
        count = {sign: sum(change.sign == sign for change in self.changes) for sign in SIGNS}
        if not self.changes:
            return "No changes. The live state is what the grant says."
        return f"Plan: {count['+']} to add, {count['~']} to change, {count['-']} to destroy."

    def reverse(self) -> "Plan":
        """The plan that takes this one back."""
        return replace(self, changes=tuple(change.reverse() for change in reversed(self.changes)))

    def to_json(self) -> dict[str, Any]:
        """Plain data with the digest and the summary."""
        return {
            "grant": self.grant,
            "changes": [change.to_json() for change in self.changes],
            "notes": list(self.notes),
            "unaccepted": list(self.unaccepted),
            "digest": self.digest,
            "summary": self.summary,
        }

    @classmethod
    def from_json(cls, fields: Mapping[str, Any]) -> "Plan":
        """The Plan that `to_json` was made from."""
        return cls(
            fields["grant"],
            tuple(map(Change.from_json, fields["changes"])),
            tuple(fields["notes"]),
            tuple(fields["unaccepted"]),
        )

    def view(self) -> View:
        """The changes as a table, then each in full, then the last line and the digest."""
        whole = self.overview()
        details = tuple(change.view() for change in self.changes if change.kind != "attachment")
        first = 1 if self.changes else 0
        return Page(whole.title, (*whole.parts[:first], *details, *whole.parts[first:]))

    def overview(self) -> Page:
        """The changes as a table, the last line and the digest."""
        rows = tuple((change.sign, change.account, change.title) for change in self.changes)
        tones = tuple(SIGNS[change.sign] for change in self.changes)
        table = (Table(("", "account", "what"), rows, tones=tones),) if rows else ()
        last = (
            Text(self.summary),
            *(Text(note, "note") for note in self.notes),
            Text(f"Digest: {self.digest}"),
        )
        return Page(f"Plan for {self.grant}", (*table, *last))

    @property
    def secrets(self) -> set[str]:
        """The external IDs in the changes, to be kept out of what is written."""
        return {
            secret
            for change in self.changes
            for side in (change.before, change.after)
            for secret in secrets_in(side)
        }

    @property
    def unresolved_fingerprints(self) -> set[str]:
        """The fingerprints whose external IDs are not known here."""
        return {
            mark
            for change in self.changes
            for side in (change.before, change.after)
            for mark in fingerprints_in(side)
        }


def differs(kind: str, before: Any, after: Any) -> bool:
    """Whether two values of a thing differ in meaning."""
    if before is None or after is None:
        return before is not after
    if kind in _DOCUMENT_KINDS:
        return not same_policy(before, after)
    if kind == "managed-policy":
        return not same_policy(before["document"], after["document"])
    if kind == "role":
        return not same_policy(before["trust"], after["trust"]) or _rest(before) != _rest(after)
    return bool(before != after)


def _rest(role: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in role.items() if key != "trust"}


def _short(policy: str) -> str:
    return policy.rsplit("/", 1)[-1]


def _lines(value: Any) -> str:
    return "" if value is None else as_json(mask_secrets(value))
