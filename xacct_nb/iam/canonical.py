"""When two policy documents say the same: order, one-item lists, an account's spelling do not count."""

import json
import re
from collections.abc import Mapping
from typing import Any

_ROOT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root$")
_UNIQUE_ID = re.compile(r"A(IDA|ROA)[A-Z0-9]{12,124}")
_ACTIONS = ("Action", "NotAction")
_RESOURCES = ("Resource", "NotResource")
_PRINCIPALS = ("Principal", "NotPrincipal")


def same_policy(one: Any, other: Any) -> bool:
    """Whether two policy documents mean the same to AWS (a Sid and the order of statements do not count)."""
    return bool(canonical(one) == canonical(other))


def canonical(document: Any) -> Any:
    """The one form of all documents of one meaning; None for no document.

    Source: IAM JSON policy grammar (one-item lists), elements_principal (account id and root ARN).
    """
    if document is None:
        return None
    statements = [_statement(each) for each in as_list(document.get("Statement", []))]
    return {"Version": document.get("Version", "2008-10-17"), "Statement": _sorted(statements)}


def restore_deleted_arns(found: Any, written: Any) -> Any:
    """The document found, with the ARNs as they were written in the place of AWS's ids of deleted principals.

    AWS keeps a principal's unique id, and shows it once the principal is deleted (elements_principal). Where
    it is not plain who is meant, the document is as it was found.
    """
    now, then = principals_in(found), principals_in(written)
    dead, gone = sorted(name for name in now - then if _UNIQUE_ID.fullmatch(name)), sorted(then - now)
    if not dead or len(dead) != len(gone):
        return found
    text = canonical_json(found)
    for unique_id, arn in zip(dead, gone, strict=True):
        text = text.replace(f'"{unique_id}"', f'"{arn}"')
    return json.loads(text)


def principals_in(document: Any) -> set[str]:
    """The accounts, users and roles that a trust policy names, as they are written there."""
    named = [each.get("Principal", {}) for each in as_list(document.get("Statement", []))]
    return {name for each in named if isinstance(each, Mapping) for name in as_list(each.get("AWS", []))}


def canonical_json(value: Any) -> str:
    """JSON with sorted keys and no white space: equal values give equal text, which UTF-8 can hold."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    # Half of a surrogate pair becomes its escape, which JSON reads back.
    return text.encode(errors="backslashreplace").decode()


def _statement(statement: Mapping[str, Any]) -> dict[str, Any]:
    # The console writes an empty Condition, which says nothing.
    said = {
        key: value for key, value in statement.items() if key != "Sid" and (key, value) != ("Condition", {})
    }
    return {key: _element(key, value) for key, value in said.items()}


def _element(key: str, value: Any) -> Any:
    if key in _ACTIONS:
        return _sorted({action.lower() for action in as_list(value)})
    if key in _RESOURCES:
        return _sorted(set(as_list(value)))
    if key in _PRINCIPALS:
        return _principal(value)
    return _condition(value) if key == "Condition" else value


def _principal(value: Any) -> Any:
    named = {"AWS": "*"} if value == "*" else value
    return {kind: _sorted({_ROOT.sub(r"\1", each) for each in as_list(who)}) for kind, who in named.items()}


def _condition(operators: Mapping[str, Any]) -> dict[str, Any]:
    return {
        operator: {
            key.lower(): _sorted({_value_text(each) for each in as_list(values)})
            for key, values in keys.items()
        }
        for operator, keys in operators.items()
    }


def _value_text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def as_list(value: Any) -> list[Any]:
    """The items of what stands alone or in a list, as AWS takes both."""
    return list(value) if isinstance(value, (list, tuple)) else [value]


def _sorted(values: Any) -> list[Any]:
    return sorted(values, key=canonical_json)
