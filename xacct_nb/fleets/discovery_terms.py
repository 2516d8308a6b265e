"""What a statement of a trust policy says in the fields of a grant, or why no grant can say it."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from pydantic import ValidationError

from xacct_nb.errors import InvalidArn, InvalidGrant
from xacct_nb.grants.caller_statement import actions_under
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.naming import grant_of_statement
from xacct_nb.grants.pattern_trust import patterns_in, without_patterns
from xacct_nb.grants.sources import check_source
from xacct_nb.iam.arns import UNIQUE_ID, Arn, is_account_id, is_arn, parse_iam
from xacct_nb.iam.canonical import as_list, value_text
from xacct_nb.iam.condition_words import describe_condition
from xacct_nb.iam.patterns import covers

_ELEMENTS = {"Sid", "Effect", "Principal", "Action", "Condition"}
_ONE_VALUE = {
    ("StringEquals", "sts:externalid"): "external_id",
    ("StringEquals", "aws:principalorgid"): "organization_id",
    ("StringEquals", "sts:rolesessionname"): "role_session_name",
    ("StringLike", "sts:rolesessionname"): "role_session_name",
    ("StringEquals", "sts:sourceidentity"): "source_identity",
}
_TAG, _MFA = "aws:requesttag/", ("Bool", "aws:multifactorauthpresent")
_ADDRESSES, _ENDS = ("IpAddress", "aws:sourceip"), ("DateLessThan", "aws:currenttime")
_MIDNIGHT = "T00:00:00Z"


@dataclass(frozen=True)
class TrustTerms:
    """One statement in the fields of a grant; `names_itself`: the role is among its principals.

    `conditions` are the fields of `Conditions`, with the external ID itself.
    """

    sources: tuple[str, ...]
    conditions: Mapping[str, Any]
    expires: str = ""
    names_itself: bool = False


def read_terms(role: str, statement: Any) -> tuple[TrustTerms | None, tuple[str, ...]]:
    """Return what an Allow statement says, or None with the reasons why no grant says it."""
    if not isinstance(statement, Mapping):
        return None, ("it is no statement",)
    matched, condition = patterns_in(statement), statement.get("Condition") or {}
    fields, expires, odd = _read_conditions(without_patterns(condition) if matched else condition)
    named = matched or _principals(statement.get("Principal"))
    conditions, wrong = _conditions(fields)
    reasons = [
        *(f"it has {name}" for name in sorted(set(statement) - _ELEMENTS)),
        *(_odd_patterns(matched) if matched else _odd_principals(statement.get("Principal"), named)),
        *odd,
        *wrong,
        *_odd_actions(statement, conditions),
    ]
    if reasons:
        return None, tuple(dict.fromkeys(reasons))
    sources = dict.fromkeys(account if (account := _whole(each)) else each for each in named)
    others = tuple(each for each in sources if each != role)
    return TrustTerms(others or (role,), fields, expires, role in sources and bool(others)), ()


@dataclass(frozen=True)
class TrustPart:
    """What one statement of a trust policy says, or two that a grant writes: for names, and for patterns."""

    statements: tuple[Any, ...]
    terms: TrustTerms | None
    reasons: tuple[str, ...] = ()


def read_parts(role: str, statements: Sequence[Any]) -> list[TrustPart]:
    """Return what Allow statements say; one with patterns is joined to one that says the same of names."""
    parts = list[TrustPart]()
    for each in statements:
        part = TrustPart((each,), *read_terms(role, each))
        number = next((at for at, other in enumerate(parts) if _are_one(other, part)), None)
        if number is None:
            parts.append(part)
        else:
            parts[number] = _joined(role, parts[number], part)
    return parts


def _are_one(one: TrustPart, other: TrustPart) -> bool:
    """Return whether a grant would write both: the same terms, one of them for names, one for patterns."""
    if one.terms is None or other.terms is None or len(one.statements) > 1:
        return False
    same = replace(one.terms, sources=(), names_itself=False) == replace(
        other.terms, sources=(), names_itself=False
    )
    (first,), (second,) = one.statements, other.statements
    sids = {grant_of_statement(str(each.get("Sid", ""))) for each in (first, second)}
    return same and len(sids) == 1 and bool(patterns_in(first)) != bool(patterns_in(second))


def _joined(role: str, one: TrustPart, other: TrustPart) -> TrustPart:
    assert one.terms is not None
    assert other.terms is not None
    sources = (*one.terms.sources, *other.terms.sources)
    itself = role in sources or one.terms.names_itself or other.terms.names_itself
    rest = tuple(each for each in sources if each != role)
    terms = replace(one.terms, sources=rest, names_itself=itself)
    return TrustPart((*one.statements, *other.statements), terms)


def principals_of(statement: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the principals of type AWS of a statement, as written."""
    return _principals(statement.get("Principal"))


def _principals(element: Any) -> tuple[str, ...]:
    if isinstance(element, str):
        return (element,)
    return tuple(map(str, as_list(element.get("AWS", [])))) if isinstance(element, Mapping) else ()


def _whole(principal: str) -> str:
    """Return the id of a whole account, "" for another principal."""
    if is_account_id(principal):
        return principal
    return Arn.parse(principal).account if principal.endswith(":root") and is_arn(principal) else ""


def _odd_principals(element: Any, named: Sequence[str]) -> Iterator[str]:
    for kind in sorted(set(element) - {"AWS"}) if isinstance(element, Mapping) else ():
        words = {"Service": "services", "Federated": "identity providers"}.get(kind, f"principals of {kind}")
        yield f"it names {words}: {', '.join(map(str, as_list(element[kind])))}"
    if not named and not (isinstance(element, Mapping) and element):
        yield "it names no principal"
    for each in named:
        if why := _odd_principal(each):
            yield why


def _odd_patterns(matched: Sequence[str]) -> Iterator[str]:
    for each in matched:
        try:
            check_source(each)
        except InvalidGrant as problem:
            yield problem.what.removeprefix("sources: ").rstrip(".")


def _odd_principal(name: str) -> str:
    if name == "*":
        return "it names anyone in any account"
    if UNIQUE_ID.fullmatch(name):
        return f"it names {name}, which was deleted"
    if _whole(name):
        return ""
    try:
        parse_iam(name, "user", "role")
    except InvalidArn:
        kind = "the session" if ":assumed-role/" in name else "the federated user"
        return f"it names {kind if ':sts:' in name else 'the principal'} {name}"
    return ""


def _conditions(fields: Mapping[str, Any]) -> tuple[Conditions, tuple[str, ...]]:
    """Return the conditions of a grant, or none of them and what is wrong with the values."""
    try:
        return Conditions(**fields), ()
    except InvalidGrant as problem:
        return Conditions(), (problem.what.rstrip("."),)
    except ValidationError:
        return Conditions(), ("its conditions have values that no grant has",)


def _odd_actions(statement: Mapping[str, Any], conditions: Conditions) -> Iterator[str]:
    if "Action" not in statement:
        return
    found = {str(each).lower() for each in as_list(statement["Action"])}
    wanted = {each.lower() for each in actions_under(conditions)}
    if more := sorted(found - wanted):
        yield f"it allows {', '.join(more)}, which a grant with these conditions does not"
    if missing := sorted(each for each in wanted if not any(covers(one, each) for one in found)):
        yield f"it does not allow {', '.join(missing)}"


def _read_conditions(written: Any) -> tuple[dict[str, Any], str, list[str]]:
    """Return the fields of the conditions, when the statement ends, and what no grant writes."""
    found, ends, odd = dict[str, Any](), "", list[str]()
    if not isinstance(written, Mapping) or not all(isinstance(each, Mapping) for each in written.values()):
        return found, ends, ["its Condition is none of IAM"]
    for operator, keys in written.items():
        for key, values in keys.items():
            texts, place = [value_text(each) for each in as_list(values)], (operator, str(key).lower())
            field, value = _field(place, str(key), texts)
            if field == "expires" and not ends:
                ends = value
            elif field == "session_tags":
                found.setdefault(field, {}).update(value)
            elif field and field != "expires" and field not in found:
                found[field] = value
            else:
                odd.append(f"its condition is none of a grant: {_words(operator, key, values)}")
    return found, ends, odd


def _field(place: tuple[str, str], key: str, texts: list[str]) -> tuple[str, Any]:
    """Return the field of a grant that an operator with a key stands for, "" for none, and its value."""
    if place == _ADDRESSES:
        return "source_ips", texts
    if len(texts) != 1:
        return "", None
    text = texts[0]
    if place == _MFA and text == "true":
        return "require_mfa", True
    if place == _ENDS:
        return "expires", text.removesuffix(_MIDNIGHT)
    if place[0] == "StringEquals" and place[1].startswith(_TAG):
        return "session_tags", {key[len(_TAG) :]: text}
    return _ONE_VALUE.get(place, ""), text


def _words(operator: str, key: str, values: Any) -> str:
    return " and ".join(describe_condition({operator: {key: values}}))
