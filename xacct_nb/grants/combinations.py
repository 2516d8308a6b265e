"""Fields of a grant that cannot stand together: AWS would never let anybody in, or nothing could use them."""

from collections.abc import Mapping
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
        return
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


def check_trust_only(fields: Mapping[str, Any]) -> None:
    """Check that a grant of one statement writes nothing else of the role. Raises InvalidGrant."""
    for name in ("managed_policies", "permissions_boundary"):
        require(
            not fields[name],
            f"{name}: with manage: trust the grant writes no permissions.",
            "The role belongs to somebody else; the grant owns one statement of its trust policy.",
            f"Leave {name} out, or ask the role's owner to set it. permissions say what the proof calls.",
        )
