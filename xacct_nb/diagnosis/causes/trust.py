"""Finds causes in the trust policy: principals that only resemble the caller, conditions, Deny statements."""

import re
from collections.abc import Iterator
from dataclasses import replace

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, DESTINATION, LIKELY, POSSIBLE, Cause
from xacct_nb.diagnosis.causes.federation import federation_causes
from xacct_nb.diagnosis.causes.policy_causes import (
    allow_confidence,
    at_most_likely,
    deny_cause,
    extra_action_causes,
    is_allowed_by,
    together,
)
from xacct_nb.diagnosis.causes.unmet_conditions import UnmetCondition, trust_condition_cause
from xacct_nb.diagnosis.fixes.edits import new_policy
from xacct_nb.diagnosis.fixes.fix import Fix, repeat, smallest_policy
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, allowing, denying
from xacct_nb.diagnosis.fixes.trust_fixes import add_principal, trust_fix
from xacct_nb.diagnosis.near_names import difference
from xacct_nb.diagnosis.nearest import compared, nearest
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.iam import explain
from xacct_nb.iam.arns import UNIQUE_ID, Arn, is_arn, same_principal
from xacct_nb.iam.explain import PolicyCheck, StatementMatch, short_name

_PERMISSION_SET = re.compile(r"(AWSReservedSSO_.+)_[0-9a-f]{16}$")
_ASSUME = re.compile(r"sts:AssumeRole", re.IGNORECASE)


def trust_causes(case: Case) -> Iterator[Cause]:
    """Yield why the destination side denies AssumeRole, as far as it was read."""
    side, policy = case.snapshot.destination, case.trust_policy
    if side is None or not case.names_role or case.attempt.role_was_assumed:
        return
    if case.role_is_missing:
        yield _no_role(case)
        return
    if case.attempt.is_federated:
        yield from federation_causes(case)
        return
    decision = case.trust_decision()
    if decision is None or policy is None:
        return
    (check,) = (each for each in decision.checks if each.type == explain.RESOURCE)
    if check.effect != explain.NO_IMPACT:
        yield from together(deny_cause("trust-deny", each, case) for each in denying([policy], check))
        if not is_allowed_by(check):
            yield from _not_allowed(case, policy, check)
    yield from extra_action_causes(case, case.trust_decision, DESTINATION, trust_fix(case, policy))


def _no_role(case: Case) -> Cause:
    similar, why = case.similar_roles, f"No role has the ARN {case.role}"
    if not similar and case.role.endswith("role/OrganizationAccountAccessRole"):
        return cause("no-access-role", CERTAIN, f"{why}.")
    if not similar:
        return cause("no-such-role", CERTAIN, f"{why}.", "Create it, or ask its owner for the right ARN.")
    role = similar[0]
    why = f"{why}, but there is {', '.join(similar)} (another {difference(case.role, role)})."
    decided = case.for_role(role).source_as_read() if case.caller else None
    if decided and decided.allowed:
        why = f"{why} The caller's policies allow that one."
        return cause("no-such-role", CERTAIN, why, fix=repeat(case.attempt, f"Assume {role}.", RoleArn=role))
    return cause("no-such-role", CERTAIN, why, fix=_other_role_fix(case, role))


def _other_role_fix(case: Case, role: str) -> Fix:
    """Return the fix that assumes another role, and allows that to the caller."""
    mend = f"Assume {role}, and name it in the caller's policy."
    fix = repeat(case.attempt, mend, RoleArn=role)
    if not case.caller:
        return fix
    name, names = f"assume-{Arn.parse(role).name}", case.caller_policies.policy_names
    policy = new_policy(case.principal, name, smallest_policy(role, case.attempt.actions), names)
    return replace(fix, edits=(policy,))


def _not_allowed(case: Case, policy: SnapshotPolicy, check: PolicyCheck) -> Iterator[Cause]:
    """Yield what fails in the statements that name the caller; without such ones, whom they name instead."""
    statements, is_sure = allowing([policy], check), allow_confidence(check)[0] == CERTAIN
    naming = [each for each in statements if _holds(each.match, "Principal")]
    assuming = [each for each in naming if _holds(each.match, "Action")]
    for statement in assuming:
        for each in statement.unmet:
            yield trust_condition_cause(UnmetCondition(case, statement, each, is_sure))
    if naming and not assuming:
        others = (_other_action(case, each) for each in naming)
        yield from others if is_sure else map(at_most_likely, others)
    elif not naming:
        named = [text for each in statements for text in _principals(each.match)]
        similar = [each if is_sure else at_most_likely(each) for each in _similar(case, statements)]
        yield from similar or [_other_principals(case, policy, check, named)]


def _holds(match: StatementMatch, element: str) -> bool:
    return all(each.holds for each in match.compared if each.element.removeprefix("Not") == element)


def _other_action(case: Case, statement: LocatedStatement) -> Cause:
    elements = {each.element.removeprefix("Not"): each.expected for each in statement.match.failed}
    why = f"{statement} allows the caller {', '.join(elements['Action'])}, not sts:AssumeRole."
    fix = trust_fix(case, statement.policy)
    return cause("other-assume-action", CERTAIN, why, fix=fix, nearest=compared(statement))


def _principals(match: StatementMatch) -> tuple[str, ...]:
    texts = (text for each in match.compared if each.element == "Principal" for text in each.expected)
    return tuple(text.partition(": ")[2] or text for text in texts)


def _other_principals(case: Case, policy: SnapshotPolicy, check: PolicyCheck, named: list[str]) -> Cause:
    """Return the cause of a trust policy whose principals do not resemble the caller."""
    entities = [text for text in named if _is_entity(text)]
    account = Arn.parse(case.caller).account
    if case.principal == case.role:
        code, missing = "self-assume", "not the role itself: the caller is a session of this role already"
    elif named and not entities:
        code, missing = "other-assume-action", "no user or role"
    elif any(account in text for text in entities):
        code, missing = "other-principal-trusted", f"not {case.principal}"
    else:
        code, missing = "account-not-trusted", f"no principal of account {account}"
    why = f"The trust policy names {', '.join(named) or 'no principal'}, and {missing}."
    confidence, doubt = allow_confidence(check)
    near = nearest([policy], check)
    return cause(code, confidence, f"{why}{doubt}", fix=trust_fix(case, policy), nearest=near)


def _is_entity(text: str) -> bool:
    """Return whether a principal is a user, a role, a session or an account; no service, no provider."""
    is_principal = is_arn(text) and "-provider/" not in text
    return is_principal or bool(UNIQUE_ID.fullmatch(text)) or text.isdecimal()


def _similar(case: Case, statements: list[LocatedStatement]) -> Iterator[Cause]:
    """Yield the named principals that resemble the caller."""
    for statement in statements:
        for named in _principals(statement.match):
            if found := _resemblance(case, named):
                code, confidence, why = found
                fix = add_principal(case, statement, named)
                why = f"{statement} names {named}; {why}."
                yield cause(code, confidence, why, fix=fix, nearest=compared(statement))


def _resemblance(case: Case, named: str) -> tuple[str, str, str] | None:
    """Return how a named principal resembles the caller: code, confidence, reason."""
    principal = case.principal
    own_set = _permission_set(principal)
    is_old_name = bool(own_set) and own_set == _permission_set(named) and named != principal
    if own_set and (is_old_name or named.startswith("AROA")):
        confidence = CERTAIN if is_old_name else LIKELY
        return "permission-set-replaced", confidence, f"the permission set's role is now {principal}"
    if UNIQUE_ID.fullmatch(named):
        confidence = LIKELY if named.startswith("AROA" if case.is_chained else "AIDA") else POSSIBLE
        why = f"that principal was deleted, and {short_name(principal)} was created later"
        return "deleted-principal-trusted", confidence, why
    if named == case.caller or not same_principal(named, principal):
        return None
    if ":assumed-role/" in named:
        return "session-arn-trusted", CERTAIN, f"this session is {case.caller}"
    return ("role-path-left-out", CERTAIN, f"the caller's ARN is {principal}") if named != principal else None


def _permission_set(arn: str) -> tuple[str, str] | None:
    """Return the account and the permission set of a role that Identity Center made; None for another."""
    found = _PERMISSION_SET.match(arn.rpartition("/")[2]) if is_arn(arn) else None
    return (Arn.parse(arn).account, found[1]) if found else None
