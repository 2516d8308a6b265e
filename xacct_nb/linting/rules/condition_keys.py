"""Rules on condition keys that are misspelt, absent, compared as another type, or contradicted."""

import ipaddress
from collections.abc import Iterable, Iterator
from difflib import get_close_matches

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.iam.operators import parse_date
from xacct_nb.iam.quotas import minify
from xacct_nb.linting.rules.global_keys import (
    ACCOUNT,
    ADDRESS,
    ARN,
    BOOL,
    DATE,
    KEYS,
    NUMBER,
    TEXT,
    TYPE_OF,
)
from xacct_nb.linting.rules.requests import hold, sample
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule
from xacct_nb.linting.rules.subjects import ACCOUNT as ACCOUNT_ROOT
from xacct_nb.linting.rules.subjects import ROLE, SSO, USER, Clause, LintStatement, principal_type

_TAGGED = ("aws:principaltag/", "aws:requesttag/", "aws:resourcetag/")
# The operators that compare values of one type; text is compared by the String operators with any key.
_FAMILIES = {
    "bool": BOOL,
    "numeric": NUMBER,
    "date": DATE,
    "ipaddress": ADDRESS,
    "notipaddress": ADDRESS,
    "arn": ARN,
}
_EXACT = ("stringequals", "stringnotequals", "stringequalsignorecase", "stringnotequalsignorecase")
_FREE_TEXT = ("kms:encryptioncontext",)
_MFA = ("aws:multifactorauthpresent", "aws:multifactorauthage")
_ORGANIZATION = ("aws:principalorgid", "aws:principalorgpaths")
# The keys that a request never has, by the kind of its caller.
_ABSENT = {
    "Federated": ("sts:externalid", "aws:username", *_MFA, *_ORGANIZATION),
    "Service": ("aws:username", "aws:principalaccount", "aws:principalarn", *_MFA, *_ORGANIZATION),
}
_KINDS = {"Federated": "a user of an identity provider", "Service": "an AWS service"}
# The keys of a request over the internet, and those of one through a VPC endpoint.
_PUBLIC, _ENDPOINT = (
    ("aws:sourceip",),
    ("aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip", "aws:sourcevpcarn"),
)
_SEVERAL = (
    "aws:tagkeys",
    "aws:calledvia",
    "aws:principalorgpaths",
    "sts:transitivetagkeys",
    "aws:resourceorgpaths",
)
_WHO = (*_ORGANIZATION, "aws:principaltag/", "aws:sourceip", "aws:sourcevpc", "aws:sourcevpce")
# A condition that these keys are there, whatever their value, is meant so.
_PRESENCE = (
    *("sts:externalid", "sts:sourceidentity", "aws:sourceidentity", "aws:requesttag/", "aws:principaltag/"),
    *("aws:resourcetag/", "s3:prefix"),
)
_OF_CALLERS = ("aws:principalaccount", "aws:principalarn", "aws:username")
_WILD = {"*", "?"}


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


def _effect(clause: Clause) -> str:
    return "always holds" if clause.is_negated else "never holds"


def _near_key(clause: Clause) -> str:
    """Return the global key that a misspelt one resembles, "" where it is none."""
    if not clause.key.startswith("aws:") or clause.key in KEYS or clause.key.startswith(_TAGGED):
        return ""
    return next((KEYS[near] for near in get_close_matches(clause.key, KEYS, 1, 0.86)), "")


def _misspelt(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if near := _near_key(clause):
            yield _at(statement, clause), f"{clause.written}|{near}"


def _never_present(statement: LintStatement) -> Iterator[Hit]:
    for kind, keys in _ABSENT.items():
        others = [
            each for each in ("AWS", "Service", "Federated") if each != kind and statement.principals(each)
        ]
        if statement.allows and statement.principals(kind) and not others:
            for clause in statement.on(*keys):
                if clause.needs_key:
                    yield _at(statement, clause), f"{clause.written}|{_KINDS[kind]}"


def _is_of_other_type(clause: Clause) -> bool:
    kind = next((value for name, value in _FAMILIES.items() if clause.plain.startswith(name)), "")
    known = TYPE_OF.get(clause.key, TEXT if clause.key in ("sts:externalid", "sts:rolesessionname") else "")
    digits = known == ACCOUNT and kind == NUMBER
    as_text = known == ADDRESS and clause.plain in _EXACT and any("/" in each for each in clause.values)
    return as_text or bool(kind and known and kind != known and not digits)


def _other_type(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if _is_of_other_type(clause):
            yield _at(statement, clause), f"{clause.written_operator} with {clause.written}|{_effect(clause)}"


def _wild_text(clause: Clause) -> list[str]:
    """Return the values whose wildcards are compared as text."""
    exact = clause.plain in _EXACT and not clause.key.startswith(_FREE_TEXT)
    return [value for value in clause.values if exact and _WILD & set(value) and "${" not in value]


def _as_text(statement: LintStatement) -> Iterator[Hit]:
    for clause in statement.clauses:
        if wild := _wild_text(clause):
            alone = len(wild) == len(clause.values)
            effect = f"the condition {_effect(clause)}" if alone else "that value matches no request"
            yield _at(statement, clause), f"{clause.written_operator}|{effect}"


def is_never_met(clause: Clause) -> bool:
    """Return whether no request meets this condition: it needs a key or a value that there is not."""
    if not clause.needs_key:
        return False
    as_text = bool(clause.values) and len(_wild_text(clause)) == len(clause.values)
    return as_text or bool(_near_key(clause)) or (clause.operator != "null" and _is_of_other_type(clause))


def never_applies(statement: LintStatement) -> bool:
    """Return whether no request at all meets the statement's conditions."""
    together = (_never_present, _address_and_endpoint, _contradicting, _other_principal)
    return any(map(is_never_met, statement.clauses)) or any(any(find(statement)) for find in together)


def _any_value(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions that any value meets, on keys whose mere presence says nothing."""
    for clause in statement.clauses if statement.allows else ():
        wild = any(not value.strip("*") for value in clause.values)
        if (
            clause.plain == "stringlike"
            and wild
            and clause.needs_key
            and not clause.key.startswith(_PRESENCE)
        ):
            yield _at(statement, clause), clause.written


def _address_and_endpoint(statement: LintStatement) -> Iterator[Hit]:
    if statement.limited_by(*_PUBLIC) and statement.limited_by(*_ENDPOINT):
        other = next(each for each in statement.on(*_ENDPOINT) if each.needs_key)
        clause = next(each for each in statement.on(*_PUBLIC) if each.needs_key)
        yield _at(statement, clause), other.written


def _contradicting(statement: LintStatement) -> Iterator[Hit]:
    """Find keys whose conditions hold for no value, and not without one."""
    by_key: dict[str, list[Clause]] = {}
    for clause in statement.clauses:
        by_key.setdefault(clause.key, []).append(clause)
    for key, clauses in by_key.items():
        if len(clauses) > 1 and key not in _SEVERAL and _is_decidable(clauses):
            tried = [hold(clauses, {key: value}) for value in (None, *_candidates(clauses))]
            if tried and all(result is False for result in tried):
                names = summarize([each.written_operator for each in clauses], " and ")
                yield _at(statement, clauses[0]), f"{names} on {clauses[0].written}"


def _is_decidable(clauses: Iterable[Clause]) -> bool:
    """Return whether trying the values of the conditions shows whether any value meets them all."""
    listed = list(clauses)
    wild = [
        each
        for each in listed
        if each.plain not in _EXACT and any(_WILD & set(value) for value in each.values)
    ]
    plain = not any(":" in each.operator or "${" in minify(list(each.values)) for each in listed)
    return plain and (len(wild) < 2 or any(each.plain in _EXACT and not each.is_negated for each in listed))


def _candidates(clauses: Iterable[Clause]) -> Iterator[str]:
    for clause in clauses:
        for value in clause.values if clause.operator != "null" else ("x",):
            yield from (value, sample(value), value.replace("*", ""), value.replace("*", "q7"))
            if (
                clause.plain.startswith(("date", "numeric"))
                and (moment := _moment(clause, value)) is not None
            ):
                yield from (str(moment - 1), str(moment), str(moment + 1))
            if clause.plain.endswith("ipaddress"):
                yield from _addresses(value)


def _moment(clause: Clause, value: str) -> int | None:
    if clause.plain.startswith("date"):
        found = parse_date(value)
        return None if found is None else int(found)
    return int(float(value)) if value.lstrip("+-").replace(".", "", 1).isdigit() else None


def _addresses(value: str) -> Iterator[str]:
    try:
        network = ipaddress.ip_network(value, strict=False)
    except ValueError:
        return
    yield from (str(network[0]), str(network[-1]))


def _other_principal(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions on the caller that none of the named principals meets."""
    clauses = [each for each in statement.on(*_OF_CALLERS) if each.needs_key and each.operator != "null"]
    principals = statement.principals()
    typed = statement.principals_of(USER, ROLE, SSO, ACCOUNT_ROOT)
    others = statement.principals("Service") or statement.principals("Federated")
    known = clauses and principals and len(typed) == len(principals) and not others
    if known and statement.allows and not any(_may_meet(principal, clauses) for principal in principals):
        yield _at(statement, clauses[0]), summarize(clauses[0].values)


def _may_meet(principal: str, clauses: list[Clause]) -> bool:
    """Return whether a principal, or one of its account, may meet the conditions on the caller."""
    account = _account(principal)
    if principal_type(principal) == ACCOUNT_ROOT:
        wanted = [
            {_account(value) for value in each.values} for each in clauses if each.key != "aws:username"
        ]
        return all("" in accounts or account in accounts for accounts in wanted)
    keys = {"aws:principalarn": principal, "aws:principalaccount": account}
    keys |= {"aws:username": principal.rpartition("/")[2]} if principal_type(principal) == USER else {}
    return hold(clauses, keys) is not False


def _account(text: str) -> str:
    account = text.split(":")[4] if text.count(":") >= 5 else text
    return account if account.isdigit() and len(account) == 12 else ""


def _missing_passes(statement: LintStatement) -> Iterator[Hit]:
    """Find conditions that say who gets in, and that a request without the key meets."""
    for clause in statement.on(*_WHO) if statement.allows and "*" not in statement.principals() else ():
        passes = "ifexists" in clause.operator or clause.operator.startswith("forallvalues:")
        if passes and not clause.is_negated and not statement.limited_by(clause.key):
            yield _at(statement, clause), f"{clause.written_operator}|{clause.written}"


KEY_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("misspelt-condition-key", WARNING, _misspelt,
        why="AWS has no condition key {it}, so it is absent from every request.",
        mend="Write {more}."),
    Rule("key-never-present", WARNING, _never_present, (TRUST, RESOURCE),
        why="{it} is absent when {more} calls, so the condition never holds.",
        mend="Remove the condition, or use a key that such a call has."),
    Rule("operator-of-other-type", WARNING, _other_type,
        why="{it} compares values of different types, so the condition {more}.",
        mend="Use the operator of the key's type (IpAddress, Bool, Date, Numeric, Arn, String)."),
    Rule("wildcard-as-text", WARNING, _as_text,
        why="{it} compares * and ? as text, so {more}.",
        mend="Use StringLike or StringNotLike, or write the whole value."),
    Rule("any-value", NOTE, _any_value,
        why="* is every value of {it}: at most a request without the key is kept out.",
        mend="Write what the value must be, or remove the condition."),
    Rule("address-and-endpoint", WARNING, _address_and_endpoint,
        why="A request has aws:SourceIp over the internet or {it} through a VPC endpoint, never both.",
        mend="Write two statements, one for each way."),
    Rule("contradicting-conditions", WARNING, _contradicting,
        why="No value meets {it} together, so the statement never applies.",
        mend="Remove one of the conditions, or write two statements."),
    Rule("condition-of-other-caller", WARNING, _other_principal, (TRUST, RESOURCE),
        why="The condition asks for {it}, and no principal of the statement is that: nobody meets both.",
        mend="Name the same account, user or role in both."),
    Rule("missing-key-passes", WIDENS, _missing_passes, (TRUST, RESOURCE),
        why="With {it} a request without {more} meets the condition, so those without it get in too.",
        mend="Use the operator without IfExists and without ForAllValues."),
)  # fmt: skip
