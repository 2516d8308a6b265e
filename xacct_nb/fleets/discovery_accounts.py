"""The accounts that were read, as a discovery looks things up: roles, policies, and who has which policy."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.grants.documents import Policy
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG, grant_named_in
from xacct_nb.grants.pictures.live_access import AccountDetails, default_document, document_of, roles_of
from xacct_nb.iam.arns import Arn

_KINDS = {"UserDetailList": "User", "RoleDetailList": "Role", "GroupDetailList": "Group"}


@dataclass(frozen=True)
class LiveHolder:
    """A user, role or group with its own policies: `inline` by name, `attached` by ARN."""

    arn: str
    inline: Mapping[str, Policy]
    attached: tuple[str, ...] = ()
    boundary: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, repr=False)
class LiveRole:
    """A role as it was read; `session_seconds` is 0 where the account's roles could not be listed."""

    holder: LiveHolder
    trust: Policy
    session_seconds: int
    description: str

    @property
    def arn(self) -> str:
        """Return the role's ARN."""
        return self.holder.arn

    @property
    def account(self) -> str:
        """Return the role's account."""
        return Arn.parse(self.arn).account

    @property
    def owner(self) -> str:
        """Return the grant that made or adopted the role, "" for none."""
        return self.holder.tags.get(OWNER_TAG, "")

    @property
    def is_adopted(self) -> bool:
        """Return whether a grant took it over."""
        return ADOPTED_TAG in self.holder.tags


@dataclass(frozen=True, repr=False)
class LiveAccounts:
    """The roles, and the users, roles and groups by ARN; `attached` says by policy who has it.

    `inline` says by account and name of a policy of a grant who has it as its own. `read` are the accounts of
    which everything was read, `managed` the policies as IAM described them.
    """

    roles: tuple[LiveRole, ...]
    holders: Mapping[str, LiveHolder]
    managed: Mapping[str, Mapping[str, Any]]
    attached: Mapping[str, Sequence[str]]
    inline: Mapping[tuple[str, str], Sequence[str]]
    read: frozenset[str]

    def document(self, policy: str) -> Policy | None:
        """Return the document of a managed policy, None where it was not read."""
        return default_document(self.managed.get(policy, {}))


def live_accounts(accounts: Iterable[AccountDetails]) -> LiveAccounts:
    """Return what was read in the accounts, without service-linked roles."""
    given = tuple(accounts)
    holders = {each.arn: each for account in given for each in _holders(account)}
    attached, inline = defaultdict[str, list[str]](list), defaultdict[tuple[str, str], list[str]](list)
    for arn, holder in holders.items():
        for policy in holder.attached:
            attached[policy].append(arn)
        for name in filter(grant_named_in, holder.inline):
            inline[Arn.parse(arn).account, name].append(arn)
    roles = (_role(each, holders[each["Arn"]]) for account in given for each in roles_of(account))
    managed = {each["Arn"]: each for account in given for each in account.details.get("Policies", ())}
    read = frozenset(each.account for each in given if each.whole)
    return LiveAccounts(tuple(roles), holders, managed, attached, inline, read)


def _holders(account: AccountDetails) -> Iterator[LiveHolder]:
    arns = {each["GroupName"]: each["Arn"] for each in account.details.get("GroupDetailList", ())}
    for name, kind in _KINDS.items():
        for each in account.details.get(name, ()):
            inline = each.get(f"{kind}PolicyList", ())
            yield LiveHolder(
                each["Arn"],
                {policy["PolicyName"]: document_of(policy["PolicyDocument"]) for policy in inline},
                tuple(policy["PolicyArn"] for policy in each.get("AttachedManagedPolicies", ())),
                str(each.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn", "")),
                {tag["Key"]: tag["Value"] for tag in each.get("Tags", ())},
                tuple(arns[group] for group in each.get("GroupList", ()) if group in arns),
            )


def _role(role: Mapping[str, Any], holder: LiveHolder) -> LiveRole:
    trust = document_of(role["AssumeRolePolicyDocument"])
    return LiveRole(holder, trust, int(role.get("MaxSessionDuration", 0)), str(role.get("Description", "")))
