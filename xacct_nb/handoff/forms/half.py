"""What a grant needs in one account of one side: the content of every form."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from pydantic import SecretStr

from xacct_nb.changes.planner import desired_resources
from xacct_nb.changes.self_trust import first_trust
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.caller_statement import caller_statement, reached
from xacct_nb.grants.conditions import is_reference
from xacct_nb.grants.documents import VERSION, Documents, Policy, build
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import is_caller_policy
from xacct_nb.grants.own_statement import TRUST_STATEMENT
from xacct_nb.grants.sentences import describe_arn, join_words
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.redact import fingerprint, fingerprints_in

SIDES = ("source", "destination")
EXTERNAL_ID = "<the external ID that you agreed on>"
"""What stands in a trust policy for the external ID: STS accepts no such one, so it never lets anybody in."""
_EXTERNAL_ID_KEY = "sts:externalid"


@dataclass(frozen=True)
class OwnRole:
    """A role of the destination account; `trust` has EXTERNAL_ID where the external ID belongs.

    `inline` are its permissions policies by name, `managed` the ARNs of the policies to attach.
    """

    arn: str
    description: str
    session_seconds: int
    boundary: str
    tags: Mapping[str, str]
    trust: Policy
    inline: Mapping[str, Policy]
    managed: tuple[str, ...]

    @property
    def first_trust(self) -> Policy:
        """Return the trust policy that the role is made with: AWS refuses one that names a missing role."""
        return dict(first_trust(self.arn, self.trust))

    @property
    def trusts_itself(self) -> bool:
        """Return whether the role is to get its trust policy once it is there."""
        return self.first_trust != self.trust

    @property
    def name(self) -> str:
        """Return the role's name without its path."""
        return Arn.parse(self.arn).name

    @property
    def path(self) -> str:
        """Return the role's path."""
        return Arn.parse(self.arn).path


@dataclass(frozen=True)
class OwnStatement:
    """The grant's statement in the trust policy of a role that others made; `sid` is its Sid.

    It has EXTERNAL_ID where the external ID belongs.
    """

    role: str
    sid: str
    statement: Policy


@dataclass(frozen=True)
class OwnCallerPolicy:
    """A caller policy of the source account, and the ARNs of the users, roles or groups that get it.

    `arn` is that of a managed policy, "" for an inline policy.
    """

    name: str
    document: Policy
    holders: tuple[str, ...]
    arn: str = ""
    description: str = ""
    tags: Mapping[str, str] | None = None


@dataclass(frozen=True)
class Half:
    """The roles or caller policies of a grant in one account of one side.

    `needs_external_id` is whether a trust policy has one. `fingerprint` is its fingerprint, "" if unknown.
    `suggested` is the caller policy with which a user or role of an account that is trusted as a whole may
    assume the roles; no form attaches it to anybody.
    """

    grant: Grant
    side: str
    account: str
    roles: tuple[OwnRole, ...]
    statements: tuple[OwnStatement, ...]
    caller_policies: tuple[OwnCallerPolicy, ...]
    needs_external_id: bool
    fingerprint: str
    suggested: Policy

    @property
    def is_empty(self) -> bool:
        """Return whether there is nothing to make: the grant trusts the whole account, or a pattern."""
        return not (self.roles or self.statements or self.caller_policies)

    @property
    def left_to_owner(self) -> str:
        """Return in words whom of this account the roles trust, and who gets no policy; "" for nobody."""
        if self.side != "source" or self.grant.attach_to:
            return ""
        if self.account in self.grant.whole_accounts:
            return f"the whole account {self.account}"
        own = [each for each in self.grant.role_patterns if account_of(each) == self.account]
        if self.grant.caller_policy == "none":
            own += [each for each in self.grant.principals if account_of(each) == self.account]
        return join_words(map(describe_arn, own))

    @property
    def role_arns(self) -> tuple[str, ...]:
        """Return the ARNs of the half's roles, also of those that others made."""
        return tuple(role.arn for role in self.roles) + tuple(each.role for each in self.statements)


def half_of(documents: Documents | Grant, side: str, account: str = "") -> Half:
    """Return what a grant needs on a side, in one account of it. Raises InvalidInput.

    `account` may be left out where the side has one account only. The external ID of the grant may be a
    reference: its value is not needed.
    """
    documents = _built(documents, side)
    account = _account(documents.grant, side, account)
    return _half(documents.grant, side, account, _wanted(documents).get(account, {}))


def halves_of(documents: Documents | Grant, side: str) -> tuple[Half, ...]:
    """Return what a grant needs on a side, in each account of it. Raises InvalidInput."""
    documents = _built(documents, side)
    wanted = _wanted(documents)
    accounts = _accounts(documents.grant, side)
    return tuple(_half(documents.grant, side, each, wanted.get(each, {})) for each in accounts)


def _wanted(documents: Documents) -> Mapping[str, Mapping[ResourceKey, Any]]:
    """Return what the documents require, by account."""
    found = dict[str, dict[ResourceKey, Any]]()
    for key, value in desired_resources(documents, State({})).items():
        found.setdefault(Arn.parse(key.target).account, {})[key] = value
    return found


def _half(grant: Grant, side: str, account: str, wanted: Mapping[ResourceKey, Any]) -> Half:
    secret = grant.conditions.external_id.get_secret_value()
    known = secret and not is_reference(secret)
    marks = fingerprints_in(secret)
    return Half(
        grant,
        side,
        account,
        _roles(grant, wanted) if side == "destination" else (),
        _statements(wanted) if side == "destination" else (),
        _caller_policies(grant, wanted) if side == "source" else (),
        bool(secret) and side == "destination",
        (secret if secret in marks else fingerprint(secret)) if known else "",
        _suggested(grant),
    )


def _built(asked: Documents | Grant, side: str) -> Documents:
    """Return the documents of a side, built with another external ID where the grant's is a reference."""
    if isinstance(asked, Documents) and asked.side in ("", side):
        return asked
    grant = asked.grant if isinstance(asked, Documents) else asked
    when = grant.conditions
    if not is_reference(when.external_id.get_secret_value()):
        return build(grant, side)
    other = when.model_copy(update={"external_id": SecretStr("external-id")})
    return replace(build(grant.model_copy(update={"conditions": other}), side), grant=grant)


def _suggested(grant: Grant) -> Policy:
    return {"Version": VERSION, "Statement": [caller_statement(grant, reached(grant))]}


def _accounts(grant: Grant, side: str) -> tuple[str, ...]:
    """Return the accounts of a side. Raises InvalidInput."""
    if side not in SIDES:
        raise InvalidInput(
            f"There is no side {side!r}.",
            why="The callers are on the source side, the roles on the destination side.",
            hint="Write source or destination.",
        )
    return grant.source_accounts if side == "source" else grant.destination_accounts


def _account(grant: Grant, side: str, account: str) -> str:
    accounts = _accounts(grant, side)
    if account not in accounts and (account or len(accounts) > 1):
        raise InvalidInput(
            f"The account {account!r} is not on the {side} side." if account else "The account is missing.",
            why=f"The {side} accounts of the grant {grant.name!r} are {', '.join(accounts)}; "
            "each owner gets a text for their own account.",
            hint=f"Write account={accounts[0]!r}, or another of them.",
        )
    return account or accounts[0]


def _roles(grant: Grant, wanted: Mapping[ResourceKey, Any]) -> tuple[OwnRole, ...]:
    return tuple(
        OwnRole(
            key.target,
            role["description"],
            role["session_seconds"],
            role["boundary"],
            role["tags"],
            without_external_id(role["trust"]),
            {
                name: wanted[ResourceKey("inline-policy", key.target, name)]
                for name in _names(wanted, "inline-policy", key.target)
            },
            tuple(arn for arn in _names(wanted, "attachment", key.target) if arn in grant.managed_policies),
        )
        for key, role in wanted.items()
        if key.kind == "role"
    )


def _statements(wanted: Mapping[ResourceKey, Any]) -> tuple[OwnStatement, ...]:
    return tuple(
        OwnStatement(key.target, key.name, without_external_id(statement))
        for key, statement in wanted.items()
        if key.kind == TRUST_STATEMENT
    )


def _caller_policies(grant: Grant, wanted: Mapping[ResourceKey, Any]) -> tuple[OwnCallerPolicy, ...]:
    inline = [
        OwnCallerPolicy(key.name, document, (key.target,))
        for key, document in wanted.items()
        if key.kind == "inline-policy" and key.target not in grant.destinations
    ]
    managed = [
        OwnCallerPolicy(
            Arn.parse(key.target).name,
            policy["document"],
            tuple(each.target for each in wanted if each.kind == "attachment" and each.name == key.target),
            key.target,
            policy["description"],
            policy["tags"],
        )
        for key, policy in wanted.items()
        if key.kind == "managed-policy" and is_caller_policy(grant, key.target)
    ]
    return (*inline, *managed)


def _names(wanted: Mapping[ResourceKey, Any], kind: str, target: str) -> list[str]:
    return [key.name for key in wanted if key.kind == kind and key.target == target]


def without_external_id(value: Any) -> Any:
    """Return a copy of a policy with EXTERNAL_ID in the place of every external ID."""
    if isinstance(value, Mapping):
        return {
            key: EXTERNAL_ID if key.lower() == _EXTERNAL_ID_KEY else without_external_id(item)
            for key, item in value.items()
        }
    return [without_external_id(each) for each in value] if isinstance(value, list) else value


def check_can_make(half: Half, tool: str) -> None:
    """Check that a tool which makes whole resources can make the half. Raises InvalidInput."""
    reasons = (
        (half.is_empty, f"the grant trusts {half.left_to_owner}, so there is nothing to make"),
        (half.statements, "others made the roles, and it cannot own one statement of a trust policy"),
        (
            any(role.trusts_itself for role in half.roles),
            "a role that trusts itself needs two steps: AWS refuses a trust policy with a missing role",
        ),
    )
    for holds, reason in reasons:
        if holds:
            raise InvalidInput(
                f"{tool} cannot make the {half.side} side of the grant {half.grant.name}.",
                why=f"{reason[0].upper()}{reason[1:]}.",
                hint="Use the form commands or steps.",
            )
