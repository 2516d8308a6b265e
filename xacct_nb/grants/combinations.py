"""Fields of a grant that cannot stand together: AWS would never let anybody in, or nothing could use them."""

from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.grants.conditions import Conditions
from xacct_nb.validation import require


def check_self_assume(conditions: Conditions) -> None:
    """Check that a session of the role can meet the conditions. Raises InvalidGrant.

    Source: id_credentials_mfa_configure-api-require (credentials of AssumeRole have no information on MFA),
    reference_policies_variables (only a user has aws:username).
    """
    require(
        not conditions.require_mfa,
        "self_assume: a session of the role can never meet conditions.require_mfa.",
        "Credentials that AssumeRole returns hold no information on MFA.",
        "Leave out one of the two.",
    )
    name = conditions.role_session_name
    require(
        "${aws:username}" not in name,
        f"self_assume: a session of the role can never meet conditions.role_session_name {name!r}.",
        "Only a user has aws:username.",
        "Leave out one of the two, or write another session name.",
    )


def check_caller_policy(fields: Mapping[str, Any]) -> None:
    """Check that a caller policy that is attached is one that the grant writes. Raises InvalidGrant."""
    require(
        not fields["attach_to"] or fields["caller_policy"] != "none",
        "attach_to: with caller_policy: none there is nothing to attach.",
        "The callers' own account lets them call already, and the grant writes no policy there.",
        "Leave out one of the two.",
    )


def check_caller_reach(fields: Mapping[str, Any]) -> None:
    """Check that a caller policy of role names is limited to an organization. Raises InvalidGrant."""
    if fields["caller_reach"] == "roles":
        require(
            not fields["outside_roles"],
            "outside_roles: with caller_reach: roles the callers reach no role that is not named.",
            "The proof asks for them where the caller policy names roles in any account.",
            "Leave outside_roles out, or set caller_reach: role-name.",
        )
        return
    _check_outside_roles(fields["outside_roles"], fields["destinations"])
    require(
        fields["conditions"].organization_id,
        "caller_reach: role-name needs conditions.organization_id.",
        "Without it the caller policy would reach roles of these names in every account of AWS.",
        "Write conditions: {organization_id: o-...}, or leave caller_reach out.",
    )
    require(
        fields["caller_policy"] != "none",
        "caller_reach: with caller_policy: none there is no caller policy.",
        "The callers' own account lets them call already, and the grant writes no policy there.",
        "Leave out one of the two.",
    )


def _check_outside_roles(outside: Iterable[str], destinations: Iterable[str]) -> None:
    """Check that only the condition on the organization can keep the callers out of these roles."""
    names, accounts = ({each.split(":", 5)[at] for each in destinations} for at in (5, 4))
    for role in outside:
        *_, account, name = role.split(":", 5)
        require(
            name in names and account not in accounts,
            f"outside_roles: {role} is not such a role.",
            "It needs the name and path of a destination, and an account that has no destination.",
            "Name a role that another account, outside of the organization, has under the same name.",
        )


def check_trust_only(fields: Mapping[str, Any]) -> None:
    """Check that a grant of one statement writes nothing else of the role. Raises InvalidGrant."""
    for name in ("managed_policies", "permissions_boundary"):
        require(
            not fields[name],
            f"{name}: with manage: trust the grant writes no permissions.",
            "The role belongs to somebody else; the grant owns one statement of its trust policy.",
            f"Leave {name} out, or ask the role's owner to set it. permissions say what the proof calls.",
        )
