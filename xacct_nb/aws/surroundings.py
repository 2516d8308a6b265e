"""Reads what is around a grant's resources: other policies of the callers, names in use, quotas, managers."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.iam_reads import default_version, get, inline_policy, list_all, optional, tags_of
from xacct_nb.aws.sessions import Sessions, needed_accounts
from xacct_nb.errors import AwsRefused
from xacct_nb.grants.documents import DESTINATION, Documents
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.naming import policy_arn
from xacct_nb.grants.state import ResourceKey
from xacct_nb.iam.arns import Arn
from xacct_nb.linting.managers import managers

# The operation that lists an account's roles or policies, its items, and its parameters.
_LISTS: dict[str, tuple[str, str, dict[str, str]]] = {
    "role": ("list_roles", "Roles", {}),
    "policy": ("list_policies", "Policies", {"Scope": "Local"}),
}
_LARGE_PAGES = {"PageSize": 1000}
_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation")


def read_surroundings(
    documents: Documents, sessions: Sessions, resources: Mapping[ResourceKey, Any]
) -> dict[ResourceKey, Any]:
    """Return the details that findings need, by key, as far as the sessions may read them.

    `principal` (ARN): a LivePrincipal; `policy` (ARN): its default version; `quotas` (ARN of the account's
    root): AWS's summary; `same-name` (ARN of a role or policy): the ARN of the one that has its name;
    `unread` (ARN of the account's root): the operations that AWS denied. Raises AwsRefused for another error.
    """
    reading = _Surroundings(sessions)
    grant, accounts = documents.grant, needed_accounts(documents.grant, documents.side)
    for arn in dict.fromkeys((*documents.caller_policies, *grant.principals)):
        if account_of(arn) in accounts and documents.side != DESTINATION:
            reading.principal(arn)
    for role in documents.trust_policies:
        if ResourceKey("role", role) in resources or grant.trust_only:
            reading.role(role)
        else:
            reading.name(role)
    for account in accounts:
        reading.quotas(f"arn:{grant.partition}:iam::{account}:root")
    for carrier, policies in documents.caller_policies.items() if grant.caller_policy == "managed" else ():
        for number in range(1, len(policies) + 1):
            if (
                ResourceKey("managed-policy", arn := policy_arn(grant, account_of(carrier), number))
                not in resources
            ):
                reading.name(arn)
    return reading.found


def managed_notes(sessions: Sessions, roles: Iterable[str]) -> Iterator[str]:
    """Yield a sentence for each role that somebody else manages. Raises AwsRefused."""
    for arn in roles:
        role = optional(partial(get, sessions, arn, "get_role"))
        found = managers(arn, tags_of(role["Role"]), _template(role["Role"])) if role else ()
        if found:
            yield f"{arn} is managed by {' and '.join(found)}, which may undo this."


@dataclass
class _Surroundings:
    """The reads of one state: what was found, and the names and groups that were read already."""

    sessions: Sessions
    found: dict[ResourceKey, Any] = field(default_factory=dict)
    _names: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    _groups: dict[str, LivePrincipal] = field(default_factory=dict)

    def principal(self, arn: str) -> None:
        """Read a user, role or group with its groups, and the documents of all managed policies."""
        read = self._holder(arn)
        self.found[ResourceKey("principal", arn)] = read
        attached = [policy for holder in read.holders for policy in holder.attached]
        for policy in filter(None, (*attached, read.boundary)):
            key = ResourceKey("policy", policy)
            if key not in self.found:
                read_document = partial(default_version, self.sessions, policy, account_of(arn))
                if document := self._allowed(_root(arn), read_document, None):
                    self.found[key] = document

    def role(self, arn: str) -> None:
        """Read which template AWS made a destination role from."""
        read = partial(get, self.sessions, arn, "get_role")
        role = (self._allowed(_root(arn), lambda: optional(read), {}) or {}).get("Role", {})
        live = LivePrincipal(arn, tags=tags_of(role), template=_template(role))
        self.found.setdefault(ResourceKey("principal", arn), live)

    def quotas(self, root: str) -> None:
        """Read the account's own quotas, which AWS may have raised, and what of them is used."""
        iam = self.sessions.admin(account_of(root), "iam")

        def summary() -> Any:
            with translate_errors(f"GetAccountSummary {account_of(root)}"):
                return iam.get_account_summary()["SummaryMap"]

        if found := self._allowed(root, summary, {}):
            self.found[ResourceKey("quotas", root)] = found

    def name(self, arn: str) -> None:
        """Read whether another role or policy of the account has this name: AWS ignores path and case."""
        account, kind = account_of(arn), Arn.parse(arn).kind
        if (account, kind) not in self._names:
            self._names[account, kind] = self._allowed(_root(arn), lambda: self._all_names(account, kind), {})
        if other := self._names[account, kind].get(Arn.parse(arn).name.lower()):
            self.found[ResourceKey("same-name", arn)] = other

    def _all_names(self, account: str, kind: str) -> dict[str, str]:
        iam, (operation, items, about) = self.sessions.admin(account, "iam"), _LISTS[kind]
        with translate_errors(f"List{items} {account}"):
            pages = list(iam.get_paginator(operation).paginate(**about, PaginationConfig=_LARGE_PAGES))
        return {each[f"{kind.title()}Name"].lower(): each["Arn"] for page in pages for each in page[items]}

    def _holder(self, arn: str) -> LivePrincipal:
        sessions, kind, unread = self.sessions, Arn.parse(arn).kind, list[str]()
        about = self._noted(lambda: optional(lambda: get(sessions, arn, "get_{kind}")), {}, unread) or {}
        entity = about.get(kind.title(), {})
        attached = self._listed(arn, "list_attached_{kind}_policies", "AttachedPolicies", unread)
        names = self._listed(arn, "list_{kind}_policies", "PolicyNames", unread)
        inline = self._noted(lambda: {name: inline_policy(sessions, arn, name) for name in names}, {}, unread)
        groups = self._listed(arn, "list_groups_for_user", "Groups", unread) if kind == "user" else []
        return LivePrincipal(
            arn,
            tuple(each["PolicyArn"] for each in attached),
            inline,
            entity.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", ""),
            tuple(self._group(each["Arn"]) for each in groups),
            tags_of(entity),
            _template(entity),
            tuple(unread),
        )

    def _group(self, arn: str) -> LivePrincipal:
        if arn not in self._groups:
            self._groups[arn] = self._holder(arn)
        return self._groups[arn]

    def _listed(self, arn: str, operation: str, items: str, unread: list[str]) -> list[Any]:
        found = self._noted(
            lambda: optional(lambda: list_all(self.sessions, arn, operation, items)), [], unread
        )
        return found or []

    def _noted(self, call: Callable[[], Any], otherwise: Any, unread: list[str]) -> Any:
        """Return the result of a read; note its operation and return `otherwise` where AWS denies it."""
        try:
            return call()
        except AwsRefused as problem:
            if problem.aws_code not in _DENIED:
                raise
            unread.append(problem.what.partition(" ")[0])
            return otherwise

    def _allowed(self, root: str, call: Callable[[], Any], otherwise: Any) -> Any:
        """Return the result of a read; note its operation on the account where AWS denies it."""
        unread = list[str]()
        found = self._noted(call, otherwise, unread)
        if unread:
            key = ResourceKey("unread", root)
            self.found[key] = tuple(dict.fromkeys((*self.found.get(key, ()), *unread)))
        return found


def _template(role: Mapping[str, Any]) -> str:
    return str(role.get("SourceRoleTemplate", {}).get("TemplateArn", ""))


def _root(arn: str) -> str:
    named = Arn.parse(arn)
    return f"arn:{named.partition}:iam::{named.account}:root"
