"""Proves that an edited policy takes nothing away: every Allow is kept, and no Deny applies to more."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.diagnosis.fixes.exemptions import plain_operator
from xacct_nb.iam.arns import UNIQUE_ID
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.grammar import Document

_ROOT = re.compile(r"arn:[a-z-]+:iam::([0-9]{12}):root$")
_NEGATED = re.compile(r"(string|arn|numeric|date)not|notipaddress")


def losses(before: Document | None, after: Document) -> tuple[str, ...]:
    """Return what somebody may lose by an edit, a line for each statement; () where nobody loses anything.

    It is a proof, so it may name a statement by which nobody loses anything.
    """
    return tuple(_losses(before, after)) if before is not None else ()


def _losses(before: Document, after: Document) -> Iterator[str]:
    then, now = statements_of(before), statements_of(after)
    is_other_language = before.get("Version") != after.get("Version")
    for number, statement in enumerate(then):
        if _applies_to_nobody(statement):
            continue
        has_variables = is_other_language and "${" in str(statement)
        allows = statement["Effect"] == "Allow"
        if allows and not any(_is_allow(each) and applies_whenever(each, statement) for each in now):
            yield f"what Statement[{number}] allows"
        elif not allows and has_variables:
            yield f"what Statement[{number}] would deny"
    for number, statement in enumerate(now):
        denies = statement["Effect"] == "Deny"
        if denies and not any(not _is_allow(each) and applies_whenever(each, statement) for each in then):
            yield f"what Statement[{number}] would deny"


def applies_whenever(wide: Document, narrow: Document) -> bool:
    """Return whether it is certain that one statement applies to each request to which another applies."""
    return (
        _covers_list("Action", wide, narrow)
        and _covers_list("Resource", wide, narrow)
        and _covers_principals(wide, narrow)
        and _covers_conditions(wide.get("Condition", {}), narrow.get("Condition", {}))
    )


def _applies_to_nobody(statement: Document) -> bool:
    """Return whether a statement names deleted principals alone."""
    named = statement.get("Principal")
    return named is not None and not _is_everybody(statement) and not _names(named)


def _is_allow(statement: Document) -> bool:
    return bool(statement["Effect"] == "Allow")


def _covers_list(element: str, wide: Document, narrow: Document) -> bool:
    if f"Not{element}" in wide and f"Not{element}" in narrow:
        return _patterns_cover(narrow[f"Not{element}"], wide[f"Not{element}"], element)
    if element in wide and element in narrow:
        return _patterns_cover(wide[element], narrow[element], element)
    if element in wide:
        return "*" in as_list(wide[element])
    return element not in narrow and f"Not{element}" not in narrow and f"Not{element}" not in wide


def _patterns_cover(wide: Any, narrow: Any, element: str) -> bool:
    flags = re.IGNORECASE if element == "Action" else 0
    patterns = [re.compile(_expression(each), flags | re.DOTALL) for each in as_list(wide)]
    return all(
        each in as_list(wide) or any(pattern.fullmatch(each) for pattern in patterns)
        for each in as_list(narrow)
    )


def _expression(pattern: str) -> str:
    """Return an expression for the patterns that match nothing but what this pattern matches.

    A wildcard of the other pattern is matched by `*` alone, and a variable by itself or by `*`.
    """
    parts = re.split(r"(\$\{[^}]*\}|[*?])", pattern)
    return "".join({"*": ".*", "?": r"[^*?$]"}.get(part, re.escape(part)) for part in parts)


def _covers_principals(wide: Document, narrow: Document) -> bool:
    if "NotPrincipal" in wide or "NotPrincipal" in narrow:
        names = [_names(each.get("NotPrincipal")) for each in (wide, narrow)]
        return "NotPrincipal" in narrow and (
            _is_everybody(wide) or ("NotPrincipal" in wide and names[0] <= names[1])
        )
    return _is_everybody(wide) or _names(narrow.get("Principal")) <= _names(wide.get("Principal"))


def _is_everybody(statement: Document) -> bool:
    principal = statement.get("Principal")
    return principal == "*" or (isinstance(principal, Mapping) and "*" in as_list(principal.get("AWS", [])))


def _names(principal: Any) -> set[tuple[str, str]]:
    """Return the principals with their types; not the ID of a deleted one, which nobody has."""
    named = {"AWS": "*"} if principal == "*" else principal or {}
    pairs = ((kind, text) for kind, texts in named.items() for text in as_list(texts))
    return {(kind, _account(text)) for kind, text in pairs if not UNIQUE_ID.fullmatch(text)}


def _account(text: str) -> str:
    found = _ROOT.match(text)
    return found[1] if found else text


def _covers_conditions(wide: Document, narrow: Document) -> bool:
    """Return whether each condition of the one is in the other, with the same values or stricter ones."""
    known = {
        (operator.lower(), key.lower()): set(map(str, as_list(values)))
        for operator, keys in narrow.items()
        for key, values in keys.items()
    }
    return all(
        _covers_values(
            operator.lower(), set(map(str, as_list(values))), known.get((operator.lower(), key.lower()))
        )
        for operator, keys in wide.items()
        for key, values in keys.items()
    )


def _covers_values(operator: str, wide: set[str], narrow: set[str] | None) -> bool:
    if narrow is None:
        return False
    prefix, _, name = operator.rpartition(":")
    is_negated = bool(_NEGATED.match(plain_operator(name)))
    if prefix == "foranyvalue" and is_negated:
        return wide == narrow
    return wide <= narrow if is_negated else narrow <= wide
