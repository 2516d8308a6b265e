"""Who owns what in the trust policy of a role of others: the checks before a statement is written there."""

from collections.abc import Collection, Mapping
from typing import Any

from xacct_nb.changes.plan import Change
from xacct_nb.errors import InvalidGrant, NotOwned, OverQuota
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import OWNER_TAG
from xacct_nb.grants.own_statement import TRUST_STATEMENT, merged_trust
from xacct_nb.grants.pattern_trust import patterns_in
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import UNIQUE_ID, Arn
from xacct_nb.iam.canonical import as_list, deleted_ids, principals_in

_ACTIONS = {"sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"}
_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Condition"}
# The operators of a grant's statement. Others' statements have others, such as ArnEquals.
_OPERATORS = {"StringEquals", "StringLike", "Bool", "IpAddress", "DateLessThan"}


def check_roles(documents: Documents, state: State) -> None:
    """Check that the roles exist and are not the grant's own. Raises InvalidGrant."""
    for role in documents.trust_policies:
        live = state.role(role)
        if live is None:
            raise InvalidGrant(
                f"{role} does not exist.",
                why="With manage: trust the grant owns one statement of a role that others made.",
                hint="Let its owner create it first, or leave manage out: then the grant makes the role.",
            )
        if live["tags"].get(OWNER_TAG) == documents.grant.name:
            raise InvalidGrant(
                f"{role} was made for this grant itself.",
                why=f"It has the tag {OWNER_TAG}={documents.grant.name}: the grant owns all of it.",
                hint="Leave manage out. To give the role away, remove that tag first.",
            )


def check_statements(documents: Documents, state: State, changes: Collection[Change]) -> None:
    """Check that each statement can be written, and belongs to nobody else. Raises NotOwned, OverQuota."""
    for change in changes:
        if change.kind != TRUST_STATEMENT:
            continue
        if change.before is not None and not documents.grant.adopt:
            _check_owner(documents.grant, change)
        trust = merged_trust(documents, state, change.target)
        check_writable(change.target, trust)
        _check_size(state, change.target, trust)


def check_writable(role: str, trust: dict[str, Any]) -> None:
    """Check that AWS would write this trust policy: none with a deleted principal. Raises NotOwned."""
    if gone := deleted_ids(trust):
        raise NotOwned(
            f"AWS refuses to write the trust policy of {role}.",
            why=f"Another statement of it names {', '.join(gone)}, which was deleted.",
            hint="Let the role's owner remove that principal first.",
        )


def foreign_because(grant: Grant, role: str, statement: Any) -> str:
    """Return why a statement with the grant's Sid is not the grant's: form or accounts; "" where it is."""
    if not _has_form(statement):
        return "It has elements, actions or conditions that no grant writes."
    named = principals_in({"Statement": [statement]}) - {role}
    known = [each for each in named if not UNIQUE_ID.fullmatch(each)]
    if not known or any(account_of(each) in grant.source_accounts for each in known):
        return ""
    return f"It lets in {', '.join(sorted(known))}: another grant of this name may own it."


def _check_owner(grant: Grant, change: Change) -> None:
    """Check that the statement has the form and an account of the grant. Raises NotOwned."""
    if why := foreign_because(grant, change.target, change.before):
        raise NotOwned(
            f"The trust policy of {change.target} has a statement {change.name!r} that is not this grant's.",
            why=why,
            hint="Choose another name for the grant, or set adopt: true to replace that statement; "
            "a rollback restores it.",
        )


def _has_form(statement: Any) -> bool:
    principal, condition = statement.get("Principal"), statement.get("Condition", {})
    return (
        set(statement) <= _ELEMENTS
        and statement.get("Effect") == "Allow"
        and isinstance(principal, Mapping)
        and set(principal) == {"AWS"}
        and {*as_list(statement.get("Action", "?"))} <= _ACTIONS
        and set(condition) - ({"ArnLike"} if patterns_in(statement) else set()) <= _OPERATORS
    )


def _check_size(state: State, role: str, trust: dict[str, Any]) -> None:
    root = f"arn:{Arn.parse(role).partition}:iam::{Arn.parse(role).account}:root"
    quota = state.details.get(ResourceKey("quotas", root), {}).get("AssumeRolePolicySizeQuota")
    most, length = int(quota or quotas.TRUST_POLICY_MAX), quotas.size(trust)
    if length > most:
        raise OverQuota(
            f"The trust policy of {role} would have {length:,} characters.",
            why=f"AWS accepts {most:,} in this account, white space not counted; "
            "the statements of others count too.",
            hint="Name fewer sources, let the owner shorten the policy, or request a higher quota.",
        )
