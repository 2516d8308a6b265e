"""The one statement that a grant owns in the trust policy of a role of others (`manage: trust`)."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.naming import statement_id
from xacct_nb.grants.state import State
from xacct_nb.iam.canonical import statements_of

TRUST_STATEMENT = "trust-statement"
"""The kind of its key in a state, and of a change of it: role ARN, Sid."""


def statement_in(trust: Any, sid: str) -> Any:
    """Return the statement with this Sid, None where the policy has none."""
    return next((each for each in statements_of(trust) if _sid(each) == sid), None)


def other_statements(trust: Mapping[str, Any], sid: str) -> dict[str, Any]:
    """Return the trust policy without the statement with this Sid."""
    return {**trust, "Statement": [each for each in statements_of(trust) if _sid(each) != sid]}


def with_statement(trust: Mapping[str, Any], sid: str, statement: Any) -> dict[str, Any]:
    """Return the trust policy with this statement as the last one, without any where it is None."""
    rest = other_statements(trust, sid)
    return {**rest, "Statement": [*rest["Statement"], *([statement] if statement else [])]}


def merged_trust(documents: Documents, state: State, role: str) -> dict[str, Any]:
    """Return the trust policy of a role after the plan, with the statements of others as they were read."""
    planned = documents.trust_policies[role]
    if not (documents.grant.trust_only and (live := state.role(role))):
        return planned
    return with_statement(live["trust"], statement_id(documents.grant), planned["Statement"][0])


def _sid(statement: Any) -> Any:
    return statement.get("Sid") if isinstance(statement, Mapping) else None
