"""Finds causes in the trust policy: who is named in place of the caller, and which condition is not met."""

import re
from collections.abc import Iterator
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.locations import index_of, place_of, said
from xacct_nb.diagnosis.snapshot import is_arn
from xacct_nb.diagnosis.source import FURTHER
from xacct_nb.diagnosis.trust_conditions import condition_cause
from xacct_nb.iam.arns import UNIQUE_ID, Arn
from xacct_nb.iam.canonical import as_list
from xacct_nb.iam.explain import EXPLICIT_DENY, IMPLICIT_DENY, RESOURCE, PolicyCheck, StatementMatch

_PERMISSION_SET = re.compile(r"(AWSReservedSSO_.+)_[0-9a-f]{16}$")
_ASSUMING = re.compile(r"sts:AssumeRole", re.IGNORECASE)


def trust_causes(case: Case) -> Iterator[Cause]:
    """What the destination side, as far as it is readable, has against the call."""
    side = case.snapshot.destination
    if side is None or not case.role or case.attempt.after:
        return
    if side.role is None or side.role.arn != case.role:
        yield _no_role(case)
        return
    decision = case.far()
    if decision is None:
        return
    for check in decision.checks:
        if (check.type, check.effect) == (RESOURCE, EXPLICIT_DENY):
            yield from _denied(case, check)
        elif (check.type, check.effect) == (RESOURCE, IMPLICIT_DENY):
            yield from _not_allowed(case, check)
    if decision.allowed:
        yield from _further_rights(case)


def _no_role(case: Case) -> Cause:
    side = case.snapshot.destination
    assert side is not None
    near = (*((side.role.arn,) if side.role else ()), *side.others)
    if case.role.endswith("role/OrganizationAccountAccessRole") and not near:
        return cause("no-access-role", CERTAIN, f"There is no {case.role}.")
    why = f"There is no {case.role}" + (f", but {', '.join(near)}." if near else ".")
    if not near:
        return cause("no-such-role", CERTAIN, why, "Create it, or ask for the right ARN.")
    call = fixes.assume(case.attempt, RoleArn=near[0])
    policy = fixes.give(case.principal, f"assume-{Arn.parse(near[0]).name}", fixes.allowing(near[0]))
    return cause(
        "no-such-role", CERTAIN, why, f"Call {near[0]}, and name it in the caller's policy.", (policy, call)
    )


def _denied(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in check.matched:
        if match.effect == "Deny":
            document = fixes.without(case.trust or {}, index_of(match))
            mend = "Somebody put it there on purpose: agree with them, then take the caller out of it."
            command = fixes.trust(case.role, document)
            yield cause(
                "trust-deny", CERTAIN, f"{place_of(None, match)} denies the caller.", mend, (command,)
            )


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Why no statement lets the caller in: first those that name the caller, then whom the others name."""
    naming = [match for match in _allowing(check) if _holds(match, "Principal")]
    for match in naming:
        if not _holds(match, "Action"):
            yield _other_action(case, match)
        else:
            yield from (condition_cause(case, match, each) for each in match.failed)
    if not naming:
        yield from _unnamed(case, check)


def _allowing(check: PolicyCheck) -> list[StatementMatch]:
    return [match for match in check.statements if match.effect == "Allow"]


def _holds(match: StatementMatch, element: str) -> bool:
    return all(each.holds for each in match.compared if each.element.removeprefix("Not") == element)


def _other_action(case: Case, match: StatementMatch) -> Cause:
    actions = next(each.expected for each in match.failed if each.element.removeprefix("Not") == "Action")
    why = f"{place_of(None, match)} lets the caller in by {', '.join(actions)}, not by sts:AssumeRole."
    return cause("other-assume-action", CERTAIN, why, *_trusted(case))


def _unnamed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Why nobody in the trust policy is the caller."""
    named = [(match, who) for match in _allowing(check) for who in _principals(match)]
    found = [made for match, who in named if (made := _nearly(case, match, who))]
    yield from found
    if found:
        return
    people = [who for _, who in named if is_arn(who) or UNIQUE_ID.fullmatch(who) or who.isdecimal()]
    shown = ", ".join(who for _, who in named) or "nobody"
    account = Arn.parse(case.caller).account
    if named and not people:
        code, why = "other-assume-action", f"The trust policy lets in {shown} only, and no user or role."
    elif case.principal == case.role:
        code, why = "self-assume", f"The trust policy names {shown}, and not the role itself."
    elif any(account in who for who in people):
        code, why = "other-principal-trusted", f"The trust policy names {shown}, and not {case.principal}."
    else:
        code, why = "account-not-trusted", f"The trust policy names {shown}, and nobody of account {account}."
    yield cause(code, CERTAIN, why, *_trusted(case))


def _principals(match: StatementMatch) -> tuple[str, ...]:
    texts = (text for each in match.compared if each.element == "Principal" for text in each.expected)
    return tuple(text.partition(": ")[2] or text for text in texts)


def _nearly(case: Case, match: StatementMatch, who: str) -> Cause | None:
    """The cause where somebody is named who is nearly the caller."""
    for code, fits in _NEAR.items():
        if found := fits(case, who):
            confidence, why = found
            return cause(
                code, confidence, f"{place_of(None, match)} names {who}; {why}.", *_renamed(case, match, who)
            )
    return None


def _is_replaced(case: Case, who: str) -> tuple[str, str] | None:
    """An Identity Center role that was made anew; the old one stands there by its id or its name."""
    if "/aws-reserved/" not in case.principal:
        return None
    why = f"the permission set's role is {case.principal} now"
    if who.startswith("AROA"):
        return LIKELY, why
    own = _permission_set(case.principal)
    return (CERTAIN, why) if own and own == _permission_set(who) and who != case.principal else None


def _is_deleted(case: Case, who: str) -> tuple[str, str] | None:
    """A deleted user cannot have been the caller's role, nor the other way round."""
    if not UNIQUE_ID.fullmatch(who):
        return None
    like = who.startswith("AROA" if case.is_chained else "AIDA")
    return LIKELY if like else POSSIBLE, f"that was deleted, and {said(case.principal)} was made since"


def _is_session(case: Case, who: str) -> tuple[str, str] | None:
    if not (is_arn(who) and case.is_chained and who != case.caller):
        return None
    named, own = Arn.parse(who), Arn.parse(case.caller)
    same = named.kind == own.kind and (named.account, _role_of(named)) == (own.account, _role_of(own))
    return (CERTAIN, f"this session is {case.caller}") if same else None


def _role_of(session: Arn) -> str:
    return session.resource.split("/")[1]


def _is_without_path(case: Case, who: str) -> tuple[str, str] | None:
    if not is_arn(who) or who == case.principal:
        return None
    named, own = Arn.parse(who), Arn.parse(case.principal)
    same = (named.account, named.kind, named.name) == (own.account, own.kind, own.name)
    return (CERTAIN, f"the caller's ARN is {case.principal}") if same else None


_NEAR = {
    "permission-set-replaced": _is_replaced,
    "deleted-principal-trusted": _is_deleted,
    "session-arn-trusted": _is_session,
    "role-path-left-out": _is_without_path,
}


def _permission_set(arn: str) -> str:
    found = _PERMISSION_SET.match(arn.rpartition("/")[2])
    return found[1] if found else ""


def _renamed(case: Case, match: StatementMatch, who: str) -> tuple[str, tuple[str, ...]]:
    """The mend that writes the caller in the place of somebody."""

    def rename(statement: dict[str, Any]) -> None:
        named = statement["Principal"]["AWS"]
        several = [case.principal if each == who else each for each in as_list(named)]
        statement["Principal"]["AWS"] = several if isinstance(named, list) else several[0]

    document = fixes.changed(case.trust or {}, index_of(match), rename)
    return f"Write {case.principal} in its place.", (fixes.trust(case.role, document),)


def _trusted(case: Case) -> tuple[str, tuple[str, ...]]:
    """The mend that adds the smallest statement for the caller, under the conditions that others have."""
    trust = case.trust or {}
    allowing = (each for each in fixes.statements(trust) if each.get("Effect") == "Allow")
    assuming = (each for each in allowing if _ASSUMING.search(str(each.get("Action", ""))))
    conditions = next((each.get("Condition") for each in assuming), None)
    statement = fixes.trusting(case.principal, conditions, case.attempt.actions)
    return f"If the caller is meant to get in, add to the trust policy: {fixes.text(statement)}", (
        fixes.trust(case.role, fixes.added(trust, statement)),
    )


def _further_rights(case: Case) -> Iterator[Cause]:
    for action, code in FURTHER.items():
        decision = case.far(action) if action in case.attempt.actions else None
        if decision and not decision.allowed:
            why = f"The trust policy does not let {said(case.principal)} do {action}."
            yield cause(code, CERTAIN, why, *_trusted(case), side="destination")
