"""What would change: a Change of one resource, and a Plan of all of them with its digest."""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Any

from xacct_nb.changes.access import Loss, PolicyAccess
from xacct_nb.grants.expiry import describe_end
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.grants.state import ResourceKey
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import canonical_json, same_policy
from xacct_nb.redaction.redact import fingerprints_in, mask_secrets, secrets_in
from xacct_nb.validation import Serializable, as_plain
from xacct_nb.views import Diff, Page, Shown, Table, Text, View, as_json

_NO_CHANGES, _NOTHING_LEFT = "The live state is what the grant says.", "There is nothing left to undo."
_NOTHING_OF_IT = "Nothing of it is there, and nothing is made."
_WHAT_STAYS = "What stays, and why, is in the notes."
_LONGER_AGAIN = (
    "A later run with the file alone plans the longer access again: write that end into it, as expires."
)
_ALSO_COVERED = ("accepted", "access", "lost")
SIGNS = {"+": "add", "~": "change", "-": "destroy"}
ROLE_PARTS: dict[str, Callable[[Any], Any]] = {
    "trust": lambda role: role["trust"],
    "settings": lambda role: {name: role[name] for name in ("description", "session_seconds")},
    "boundary": lambda role: role["boundary"] or None,
    "tags": lambda role: role["tags"],
}
"""The kinds of changes to a part of a role: each returns that part of a role's value."""


@dataclass(frozen=True, repr=False)
class Change(Shown, Serializable):
    """One resource that differs: None before is an addition, None after a removal.

    Besides the kinds of ResourceKey: `trust`, `settings`, `boundary`, `tags`, which change part of a role.
    """

    kind: str
    target: str
    name: str
    before: Any
    after: Any

    @property
    def key(self) -> ResourceKey:
        """Return which resource is changed."""
        return ResourceKey(self.kind, self.target, self.name)

    @property
    def sign(self) -> str:
        """Return `+`, `~` or `-`."""
        return "+" if self.before is None else "-" if self.after is None else "~"

    @property
    def account(self) -> str:
        """Return the account that is changed."""
        return Arn.parse(self.target).account

    @property
    def title(self) -> str:
        """Return what is changed, as people read it."""
        subject = Arn.parse(self.target).resource
        policy = self.name.rsplit("/", 1)[-1]  # of an attachment, the name is an ARN
        return f"{self.kind} {policy} on {subject}" if policy else f"{self.kind} {subject}"

    def reverse(self) -> "Change":
        """Return the change that undoes this one."""
        return replace(self, before=self.after, after=self.before)

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        return {"sign": self.sign, **super().to_json(), **self.masked_sides}

    @property
    def masked_sides(self) -> dict[str, Any]:
        """Return both values, external IDs as fingerprints."""
        return {"before": mask_secrets(self.before), "after": mask_secrets(self.after)}

    def view(self) -> View:
        """Return the two sides of the change, line by line."""
        return Diff(f"{self.sign} {self.title}", _lines(self.before), _lines(self.after))


@dataclass(frozen=True, repr=False)
class Plan(Shown, Serializable):
    """The changes that make the live state match the grant, in the order in which they are made.

    An approval covers them, and with them: the findings that the grant accepts, the policies that the roles
    have besides (`access`), and what is lost for good.

    `reference` is where the external ID comes from: `env:NAME`, `file:PATH`, or "" where it was given itself.
    The digest does not hold it, but the fingerprint of the external ID that was found there.
    `ended` is when the grant ended (UTC), where the plan removes what it made; "" where it has not ended.
    `shortened` says which end `until` shortened, from which moment to which.
    """

    grant: str
    changes: tuple[Change, ...]
    notes: tuple[str, ...] = ()
    unaccepted: tuple[str, ...] = ()
    reference: str = ""
    accepted: tuple[str, ...] = ()
    access: tuple[PolicyAccess, ...] = ()
    lost: tuple[Loss, ...] = ()
    ended: str = ""
    shortened: tuple[str, ...] = ()

    @property
    def digest(self) -> str:
        """Return the sha256 (hex) that an approval names: of all that the approval covers."""
        content = {"grant": self.grant, "changes": [change.to_json() for change in self.changes]}
        return hashlib.sha256(canonical_json(content | self._also_covered).encode()).hexdigest()

    @property
    def summary(self) -> str:
        """Return the number of additions, changes and removals, as Terraform's last line has them."""
        count = {sign: sum(change.sign == sign for change in self.changes) for sign in SIGNS}
        if not self.changes and self.ended:
            return f"No changes. {self.end_sentence} {_WHAT_STAYS if self.notes else _NOTHING_OF_IT}"
        if not self.changes:
            return f"No changes. {_NO_CHANGES if self.grant else _NOTHING_LEFT}"
        return f"Plan: {count['+']} to add, {count['~']} to change, {count['-']} to destroy."

    @property
    def end_sentence(self) -> str:
        """Return when the grant ended, "" where it has not."""
        return f"The grant {self.grant!r} {describe_end(self.ended)}." if self.ended else ""

    @property
    def shortening(self) -> tuple[str, ...]:
        """Return the sentence on an end that was shortened, and what keeps it so, none where it was not."""
        return (f"{'; '.join(self.shortened)} (until). {_LONGER_AGAIN}",) if self.shortened else ()

    def reverse(self) -> "Plan":
        """Return the plan that undoes this one."""
        return replace(self, changes=tuple(change.reverse() for change in reversed(self.changes)))

    def to_json(self) -> dict[str, Any]:
        """Return plain data with the digest and the summary; what is empty of the last fields is left out."""
        empty = (name for name in ("reference", "ended", "shortened") if not getattr(self, name))
        left_out = (*_ALSO_COVERED, *empty)
        fields = {name: each for name, each in super().to_json().items() if name not in left_out}
        return {**fields, **self._also_covered, "digest": self.digest, "summary": self.summary}

    def view(self) -> View:
        """Return the changes as a table, then each in full, then the summary and the digest."""
        return self.overview(change.view() for change in self.changes if change.kind != "attachment")

    def overview(self, details: Iterable[View] = ()) -> Page:
        """Return the changes, the details, the summary, what the approval also covers, notes and digest."""
        rows = tuple((change.sign, change.account, change.title) for change in self.changes)
        tones = tuple(SIGNS[change.sign] for change in self.changes)
        table = (Table(("", "account", "change"), rows, tones=tones),) if rows else ()
        notes = (Text(note, "note") for note in (*self.notes, *self.origin, *self.shortening))
        last = (Text(self.summary), *self._also_shown(), *notes, Text(f"Digest: {self.digest}"))
        return Page(f"Plan for {self.grant}" if self.grant else "Plan", (*table, *details, *last))

    def _also_shown(self) -> Iterator[View]:
        """Yield what the approval covers beside the changes."""
        attached = {change.key for change in self.changes if change.kind == "attachment"}
        yield from (Text(each.sentence(each.key in attached), "change") for each in self.access)
        yield from (Text(each.sentence, "bad") for each in self.lost)
        if self.accepted:
            yield Text(f"The grant accepts these findings: {', '.join(self.accepted)}.", "change")

    @property
    def _also_covered(self) -> dict[str, Any]:
        """Return what the approval covers beside the changes, as plain data; empty fields are left out."""
        return {name: as_plain(value) for name in _ALSO_COVERED if (value := getattr(self, name))}

    @property
    def origin(self) -> tuple[str, ...]:
        """Return the sentence that says where the external ID comes from, if it came from a reference."""
        return (f"The external ID comes from {self.reference}.",) if self.reference else ()

    @property
    def secrets(self) -> set[str]:
        """Return the external IDs in the plan, which must not be written anywhere."""
        kept = [*(each.value for each in self.access), *(each.value for each in self.lost)]
        return secrets_in([kept, *((change.before, change.after) for change in self.changes)])

    @property
    def unresolved_fingerprints(self) -> set[str]:
        """Return the fingerprints that the changes would write, because their external IDs are not known."""
        return fingerprints_in([change.after for change in self.changes])


def differs(kind: str, before: Any, after: Any) -> bool:
    """Return whether two values of a resource differ in meaning."""
    if before is None or after is None:
        return before is not after
    if kind in ("trust", "inline-policy"):
        return not same_policy(before, after)
    if kind == TRUST_STATEMENT:
        return not same_policy({"Statement": [before]}, {"Statement": [after]})
    if kind == "managed-policy":
        return not same_policy(before["document"], after["document"])
    if kind == "role":
        rest_differs = {**before, "trust": None} != {**after, "trust": None}
        return rest_differs or not same_policy(before["trust"], after["trust"])
    return bool(before != after)


def changes_between(key: ResourceKey, before: Any, after: Any) -> Iterator[Change]:
    """Yield what changes of one resource: of a role or a policy that stays, only the parts that differ."""
    parts = _PARTS.get(key.kind, {}) if before is not None and after is not None else {}
    for kind, part in (parts or {key.kind: lambda value: value}).items():
        if differs(kind, part(before), part(after)):
            yield Change(kind, key.target, key.name, part(before), part(after))


_PARTS: dict[str, dict[str, Callable[[Any], Any]]] = {
    "role": ROLE_PARTS,
    "managed-policy": {"managed-policy": lambda policy: policy, "tags": lambda policy: policy["tags"]},
}


def _lines(value: object) -> str:
    return "" if value is None else as_json(mask_secrets(value))


def missing_sides(grant: Grant, drift: Plan) -> tuple[str, ...]:
    """Return what each side lacks, from the plan that would repair it."""
    return tuple(
        f"{side} side, account {change.account}: {change.title} {_STATES[change.sign]}"
        for side, accounts in (("source", grant.source_accounts), ("destination", grant.destination_accounts))
        for change in drift.changes
        if change.account in accounts
    )


_STATES = {"+": "is missing.", "~": "is not what the grant says.", "-": "is too much."}
