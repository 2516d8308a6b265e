"""Rules on conditions that hold one by one, and never together."""

import ipaddress
from collections.abc import Iterable, Iterator
from decimal import Decimal

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.iam.operators import parse_date, parse_number
from xacct_nb.iam.quotas import minify
from xacct_nb.linting.rules.condition_keys import EXACT, is_never_met, never_present
from xacct_nb.linting.rules.requests import hold, sample
from xacct_nb.linting.rules.rule import WARNING, Hit, Rule
from xacct_nb.linting.rules.subjects import (
    ACCOUNT,
    ROLE,
    SSO,
    USER,
    Clause,
    LintStatement,
    principal_type,
)

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
# Values, and principals, that a rule tries; of longer lists it says nothing.
_MOST_TRIED = 60
_OF_CALLERS = ("aws:principalaccount", "aws:principalarn", "aws:username")
_WILD = {"*", "?"}
# Between two numbers, or two dates, there is one that is this much more than the lower.
_STEP = Decimal("0.000001")


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


def never_applies(statement: LintStatement) -> bool:
    """Return whether no request at all meets the statement's conditions."""
    together = (never_present, _address_and_endpoint, _contradicting, _other_principal)
    return any(map(is_never_met, statement.clauses)) or any(any(find(statement)) for find in together)


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
            candidates = dict.fromkeys((None, *_candidates(clauses)))
            if len(candidates) > _MOST_TRIED:
                continue
            tried = [hold(clauses, {key: value}) for value in candidates]
            if all(result is False for result in tried):
                names = summarize([each.written_operator for each in clauses], " and ")
                yield _at(statement, clauses[0]), f"{names} on {clauses[0].written}"


def _is_decidable(clauses: Iterable[Clause]) -> bool:
    """Return whether trying the values of the conditions shows whether any value meets them all."""
    listed = list(clauses)
    wild = [
        each
        for each in listed
        if each.plain not in EXACT and any(_WILD & set(value) for value in each.values)
    ]
    plain = not any(":" in each.operator or "${" in minify(list(each.values)) for each in listed)
    return plain and (len(wild) < 2 or any(each.plain in EXACT and not each.is_negated for each in listed))


def _candidates(clauses: Iterable[Clause]) -> Iterator[str]:
    for clause in clauses:
        for value in clause.values if clause.operator != "null" else ("x",):
            yield from (value, sample(value), value.replace("*", ""), value.replace("*", "q7"))
            if (
                clause.plain.startswith(("date", "numeric"))
                and (moment := _moment(clause, value)) is not None
            ):
                yield from (f"{moment - _STEP:f}", f"{moment:f}", f"{moment + _STEP:f}")
            if clause.plain.endswith("ipaddress"):
                yield from _addresses(value)


def _moment(clause: Clause, value: str) -> Decimal | None:
    return parse_date(value) if clause.plain.startswith("date") else parse_number(value)


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
    typed = statement.principals_of(USER, ROLE, SSO, ACCOUNT)
    others = statement.principals("Service") or statement.principals("Federated")
    known = clauses and principals and len(typed) == len(principals) and not others
    known = known and len(principals) <= _MOST_TRIED
    if known and statement.allows and not any(_may_meet(principal, clauses) for principal in principals):
        yield _at(statement, clauses[0]), summarize(clauses[0].values)


def _may_meet(principal: str, clauses: list[Clause]) -> bool:
    """Return whether a principal, or one of its account, may meet the conditions on the caller."""
    account = _account(principal)
    if principal_type(principal) == ACCOUNT:
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


CONTRADICTION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("address-and-endpoint", WARNING, _address_and_endpoint,
        why="A request has aws:SourceIp over the internet or {it} through a VPC endpoint, never both.",
        mend="Write two statements, one for each way."),
    Rule("contradicting-conditions", WARNING, _contradicting,
        why="No value meets {it} together, so the statement never applies.",
        mend="Remove one of the conditions, or write two statements."),
    Rule("condition-of-other-caller", WARNING, _other_principal, (TRUST, RESOURCE),
        why="The condition asks for {it}, and no principal of the statement is that: nobody meets both.",
        mend="Name the same account, user or role in both."),
)  # fmt: skip
