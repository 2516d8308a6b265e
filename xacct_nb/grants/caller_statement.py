"""The statement with which callers may assume the roles of a grant, and who has to get it elsewhere."""

from collections.abc import Mapping, Sequence
from typing import Any

from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.expiry import expiry_condition
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import describe_arn, join_words
from xacct_nb.grants.sources import permission_set_of
from xacct_nb.iam import quotas
from xacct_nb.iam.canonical import as_list, statements_of


def caller_statement(grant: Grant, roles: Sequence[str]) -> dict[str, Any]:
    """Return the statement with which a caller may assume the roles, or those of their names (`reached`)."""
    statement = {"Effect": "Allow", "Action": assume_actions(grant), "Resource": list(roles)}
    when = {**_reach_condition(grant), **expiry_condition(grant.expires)}
    return statement | ({"Condition": when} if when else {})


def is_caller_document(document: Any) -> bool:
    """Return whether a policy only lets its principal assume roles, as the caller policies of grants do."""
    return all(
        isinstance(each, Mapping)
        and each.get("Effect") == "Allow"
        and {*as_list(each.get("Action", "?"))} <= {*_ACTIONS}
        for each in statements_of(document)
    )


_ACTIONS = ("sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity")


def reached(grant: Grant) -> tuple[str, ...]:
    """Return what the caller policy names: the roles, or with `caller_reach: role-name` their names.

    Such a name is one in any account of the organization (aws:ResourceOrgID).
    """
    if grant.caller_reach == "roles":
        return grant.destinations
    named = (role.split(":", 5) for role in grant.destinations)
    return tuple(dict.fromkeys(":".join((*front, "*", name)) for *front, _, name in named))


def _reach_condition(grant: Grant) -> dict[str, Any]:
    """Return what limits a caller policy that names no account.

    Source: reference_policies_condition-keys (aws:ResourceOrgID).
    """
    if grant.caller_reach == "roles":
        return {}
    return {"StringEquals": {"aws:ResourceOrgID": grant.conditions.organization_id}}


def unattached_note(grant: Grant) -> str:
    """Return who gets no caller policy by the grant, and the statement that they need; "" for nobody.

    Source: IAM API, UnmodifiableEntity (roles that only AWS can change); Identity Center user guide,
    permissionsetcustom (inline policies of a permission set).
    """
    if not grant.role_patterns:
        return ""
    named = join_words(map(describe_arn, grant.role_patterns))
    why, where = _OF_A_SET if any(map(permission_set_of, grant.role_patterns)) else _OF_ROLES
    roles = reached(grant)
    statement = quotas.minify(caller_statement(grant, roles[:_MOST_SHOWN]))
    more = len(roles) - _MOST_SHOWN
    rest = f", with {more:,} more roles in its Resource" if more > 0 else ""
    return (
        f"The grant attaches no policy to {named}: {why}. Put this statement into {where}{rest}: {statement}"
    )


_MOST_SHOWN = 20


_OF_A_SET = (
    "AWS lets nobody else change the roles of a permission set (UnmodifiableEntity)",
    "the permission set",
)
_OF_ROLES = ("it does not know which roles there are", "a policy of each of them")


def assume_actions(grant: Grant) -> list[str]:
    """Return the actions that both sides must allow."""
    return actions_under(grant.conditions)


def actions_under(when: Conditions) -> list[str]:
    """Return the actions to allow under these conditions: tags and a source identity need their own."""
    wanted = (
        ("sts:AssumeRole", True),
        ("sts:TagSession", when.session_tags),
        ("sts:SetSourceIdentity", when.source_identity),
    )
    return [action for action, needed in wanted if needed]
