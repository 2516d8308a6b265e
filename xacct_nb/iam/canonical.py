"""Compares policies semantically: order, one-item lists and the spelling of an account do not matter."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from xacct_nb.iam.arns import UNIQUE_ID
from xacct_nb.iam.grammar import Document

_ROOT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root$")


def same_policy(one: Document | None, other: Document | None) -> bool:
    """Return whether AWS treats two policies as equal; Sids and the order of statements do not matter."""
    return canonical(one) == canonical(other)


def canonical(document: Document | None) -> dict[str, Any] | None:
    """Return the one form that all policies of the same meaning share; None for no document.

    Source: IAM JSON policy grammar (one-item lists), elements_principal (account id and root ARN).
    """
    if document is None:
        return None
    statements = [_statement(each) for each in statements_of(document)]
    return {"Version": document.get("Version", "2008-10-17"), "Statement": _sorted(statements)}


def restore_deleted_arns(found: Document, written: Document) -> Any:
    """Return the policy found, with the ARNs as written in place of AWS's ids of deleted principals.

    AWS keeps a principal's unique id, and shows it once the principal is deleted (elements_principal). Where
    an id cannot be matched to an ARN, the policy is returned as found.
    """
    now, then = principals_in(found), principals_in(written)
    ids, arns = sorted(name for name in now - then if UNIQUE_ID.fullmatch(name)), sorted(then - now)
    if not ids or len(ids) != len(arns):
        return found
    text = canonical_json(found)
    for unique_id, arn in zip(ids, arns, strict=True):
        text = text.replace(f'"{unique_id}"', f'"{arn}"')
    return json.loads(text)


def principals_in(document: Document) -> set[str]:
    """Return the accounts, users and roles that a trust policy names, as written."""
    elements = [each.get("Principal", {}) for each in statements_of(document)]
    return {name for each in elements if isinstance(each, Mapping) for name in as_list(each.get("AWS", []))}


def deleted_ids(trust: Document | None) -> list[str]:
    """Return the ids of deleted users and roles that a trust policy names: AWS refuses to write them."""
    return sorted(name for name in principals_in(trust or {}) if UNIQUE_ID.fullmatch(name))


def statements_of(document: Document | None) -> list[Any]:
    """Return the statements of a policy, of a single one outside a list too."""
    return as_list(document.get("Statement", [])) if document else []


def canonical_json(value: object) -> str:
    """Return JSON with sorted keys and no white space: equal values give equal text that UTF-8 can encode."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Half of a surrogate pair becomes its escape, which JSON reads back.
    return text.encode(errors="backslashreplace").decode()


def _statement(statement: Document) -> dict[str, Any]:
    # The console writes an empty Condition, which has no effect.
    return {
        key: _element(key, value)
        for key, value in statement.items()
        if key != "Sid" and (key, value) != ("Condition", {})
    }


def _element(key: str, value: Any) -> Any:
    if key in ("Action", "NotAction"):
        return _sorted({action.lower() for action in as_list(value)})
    if key in ("Resource", "NotResource"):
        return _sorted(set(as_list(value)))
    if key in ("Principal", "NotPrincipal"):
        return _principal(value)
    return _condition(value) if key == "Condition" else value


def _principal(value: Any) -> Any:
    named = {"AWS": "*"} if value == "*" else value
    return {
        kind: _sorted({_ROOT.sub(r"\1", each) for each in as_list(names)}) for kind, names in named.items()
    }


def _condition(operators: Mapping[str, Any]) -> dict[str, Any]:
    return {
        operator: {
            key.lower(): _sorted({value_text(each) for each in as_list(values)})
            for key, values in keys.items()
        }
        for operator, keys in operators.items()
    }


def value_text(value: object) -> str:
    """Return a condition value as text: true and false in lower case, as AWS compares them."""
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_list(value: object) -> list[Any]:
    """Return the items of a list, or a single value as a list of one: AWS accepts both."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _sorted(values: Iterable[Any]) -> list[Any]:
    return sorted(values, key=canonical_json)
