"""What a grant owns in the trust policy of a role of others (`manage: trust`): a statement, or two.

Callers that match a pattern have a statement of their own, beside that for the principals that are named.
"""

from collections.abc import Mapping
from typing import Any

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.naming import statement_ids
from xacct_nb.grants.state import State
from xacct_nb.iam.canonical import statements_of

TRUST_STATEMENT = "trust-statement"
"""The kind of its key in a state, and of a change of it: role ARN, Sid."""


def statement_in(trust: Any, sid: str) -> Any:
    """Return the statement with this Sid, None where the policy has none."""
    return next((each for each in statements_of(trust) if _sid(each) == sid), None)


def other_statements(trust: Mapping[str, Any], *sids: str) -> dict[str, Any]:
    """Return the trust policy without the statements with these Sids."""
    return {**trust, "Statement": [each for each in statements_of(trust) if _sid(each) not in sids]}


def with_statement(trust: Mapping[str, Any], sid: str, statement: Any) -> dict[str, Any]:
    """Return the trust policy with this statement as the last one, without any where it is None."""
    rest = other_statements(trust, sid)
    return {**rest, "Statement": [*rest["Statement"], *([statement] if statement else [])]}


def merged_trust(documents: Documents, state: State, role: str) -> dict[str, Any]:
    """Return the trust policy of a role after the plan, with the statements of others as they were read."""
    planned = documents.trust_policies[role]
    if not (documents.grant.trust_only and (live := state.role(role))):
        return planned
    rest = other_statements(live["trust"], *statement_ids(documents.grant))
    return {**rest, "Statement": [*rest["Statement"], *planned["Statement"]]}


def _sid(statement: Any) -> Any:
    return statement.get("Sid") if isinstance(statement, Mapping) else None
