"""A role that trusts itself, made in two steps: AWS refuses a trust policy that names a missing role."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.changes.plan import Change, differs
from xacct_nb.grants.documents import one_or_many
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.redaction.redact import mask_secrets


def first_trust(role: str, trust: Mapping[str, Any]) -> Any:
    """Return the trust policy that the role is made with: without itself."""
    statements = [_without(role, each) for each in statements_of(trust)]
    return {**trust, "Statement": [each for each in statements if each]}


def is_half_made(change: Change, value: Any) -> bool:
    """Return whether the value is the role of a change after the first step only."""
    whole = change.after or change.before
    if change.kind != "role" or not whole or not isinstance(value, Mapping):
        return False
    first = {**whole, "trust": first_trust(change.target, whole["trust"])}
    return first["trust"] != whole["trust"] and not differs("role", mask_secrets(value), mask_secrets(first))


def _without(role: str, statement: Any) -> Any:
    """Return a statement without the role among its principals, None where it names nobody else."""
    named = statement.get("Principal", {})
    names = as_list(named.get("AWS", [])) if isinstance(named, Mapping) else []
    if role not in names:
        return statement
    others = [name for name in names if name != role]
    rest = {kind: who for kind, who in named.items() if kind != "AWS"}
    principal = {**({"AWS": one_or_many(others)} if others else {}), **rest}
    return {**statement, "Principal": principal} if principal else None
