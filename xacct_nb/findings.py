"""What deserves a second look before it is applied; what widens access needs the grant's own word."""

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.documents import Documents
from xacct_nb.quotas import TRUST_POLICY, size
from xacct_nb.views import Page, Shown, Table, Text, View

WIDENS, NOTE = "widens", "note"
_FULL_ACCESS = ("AdministratorAccess", "PowerUserAccess", "IAMFullAccess")


@dataclass(frozen=True)
class Finding:
    """One point: its code, severity (`widens` needs a word, `note` does not), place, why it matters, mend."""

    code: str
    severity: str
    where: str
    why: str
    mend: str


@dataclass(frozen=True, repr=False)
class Findings(Shown):
    """All findings on the documents of a grant; `accepted` are the codes that the grant says are wanted."""

    found: tuple[Finding, ...]
    accepted: tuple[str, ...] = ()

    @property
    def unaccepted(self) -> tuple[str, ...]:
        """Codes of what widens access without the grant's word."""
        widening = (finding.code for finding in self.found if finding.severity == WIDENS)
        return tuple(code for code in dict.fromkeys(widening) if code not in self.accepted)

    def to_json(self) -> list[dict[str, Any]]:
        """One object a finding."""
        return [asdict(finding) | {"accepted": finding.code in self.accepted} for finding in self.found]

    def view(self) -> View:
        """The findings, and the word that is still needed."""
        if not self.found:
            return Text("No findings.", "good")
        rows = tuple((each.code, each.severity, each.where, each.why, each.mend) for each in self.found)
        word = f"To go on, the grant must say accept: [{', '.join(self.unaccepted)}]."
        last = Text(word, "bad") if self.unaccepted else Text("Nothing here needs a word more.", "good")
        return Page("Findings", (Table(("code", "severity", "where", "why", "mend"), rows), last))


def lint(documents: Documents) -> Findings:
    """The findings on the documents, in the order of the table of rules."""
    return Findings(tuple(found for rule in _RULES for found in rule(documents)), documents.grant.accept)


def _whole_account(documents: Documents) -> Iterator[Finding]:
    for account in documents.grant.whole_accounts:
        yield Finding(
            "whole-account-trust",
            WIDENS,
            f"sources: {account}",
            "Every user and role there that may assume roles gets in; its administrator decides who.",
            "Name the users or roles, or accept it.",
        )


def _wildcard_action(documents: Documents) -> Iterator[Finding]:
    for action in (action for each in documents.grant.permissions for action in each.actions):
        if not action.rpartition(":")[2].strip("*?"):
            yield Finding(
                "wildcard-action",
                WIDENS,
                f"permissions: {action}",
                "It allows every action, those that AWS adds later too.",
                "Name the actions, or accept it.",
            )


def _wildcard_resource(documents: Documents) -> Iterator[Finding]:
    for permission in documents.grant.permissions:
        if any(not resource.split(":", 5)[-1].strip("*?/") for resource in permission.resources):
            yield Finding(
                "wildcard-resource",
                WIDENS,
                f"permissions: {', '.join(permission.actions)}",
                "It allows these actions on every resource, those that come later too.",
                "Name the resources, or accept it.",
            )


def _full_access(documents: Documents) -> Iterator[Finding]:
    for policy in documents.grant.managed_policies:
        if policy.rpartition("/")[2] in _FULL_ACCESS:
            yield Finding(
                "full-access-policy",
                WIDENS,
                f"managed_policies: {policy}",
                "With it the role can do nearly everything, or give itself the right to.",
                "Attach a narrower policy, or accept it.",
            )


def _long_trust(documents: Documents) -> Iterator[Finding]:
    for role, trust in documents.trust_policies.items():
        if (length := size(trust)) > TRUST_POLICY:
            yield Finding(
                "long-trust-policy",
                NOTE,
                role,
                f"It has {length:,} characters; AWS's default quota is 2,048.",
                "Have the quota L-C07B4B0D raised in us-east-1, or name fewer sources.",
            )


_RULES: tuple[Callable[[Documents], Iterator[Finding]], ...] = (
    _whole_account,
    _wildcard_action,
    _wildcard_resource,
    _full_access,
    _long_trust,
)
