"""Finds causes in the policies of either side: a Deny, a boundary, an action that no policy allows."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xacct_nb.diagnosis.assume_request import EXTRA_ACTIONS
from xacct_nb.diagnosis.attempt import ASSUME, SET_SOURCE_IDENTITY, TAG_SESSION
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, CONFIDENCES, DESTINATION, LIKELY, POSSIBLE, SOURCE, Cause
from xacct_nb.diagnosis.fixes.commands import option_text
from xacct_nb.diagnosis.fixes.edits import is_holder, new_policy, with_statement
from xacct_nb.diagnosis.fixes.exemptions import exempt, is_aws_managed
from xacct_nb.diagnosis.fixes.fix import Fix, repeat, smallest_policy
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, denying
from xacct_nb.diagnosis.fixes.request_values import avoiding_request, conditions_of
from xacct_nb.diagnosis.known_keys import is_time, who_says
from xacct_nb.diagnosis.nearest import compared, nearest
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.diagnosis.snapshot import INLINE, SnapshotPolicy
from xacct_nb.iam import explain
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, StatementMatch, short_name, summarize


def deny_cause(code: str, statement: LocatedStatement, case: Case) -> Cause:
    """Return the cause of that code for a Deny statement that applies, or may apply, to the request."""
    confidence, doubt = deny_confidence(statement)
    fix = _avoidance(statement, case) or exemption(statement, case.holder)
    return cause(code, confidence, f"{statement} denies it{doubt}.", fix=fix, nearest=compared(statement))


def together(causes: Iterable[Cause]) -> Iterator[Cause]:
    """Yield one cause for each code and side: all must be mended, so it lists the statements of all."""
    found: dict[tuple[str, str], list[Cause]] = {}
    for each in causes:
        found.setdefault((each.code, each.side), []).append(each)
    for same in found.values():
        first, *others = sorted(same, key=lambda each: CONFIDENCES.index(each.confidence))
        whys = dict.fromkeys(each.why for each in (first, *others))
        compared_elements = tuple(element for each in (first, *others) for element in each.nearest)
        yield replace(first, why=" ".join(whys), nearest=compared_elements)


def deny_confidence(statement: LocatedStatement) -> tuple[str, str]:
    """Return how sure it is that a Deny applies, and the keys on which it hangs, as the end of a sentence."""
    if statement.match.applies:
        by_time = any(is_time(each.key) for each in statement.match.compared)
        return (LIKELY, " at the time that was read here") if by_time else (CERTAIN, "")
    return LIKELY, f" if it applies, which hangs on {join(unknown_keys_of([statement.match]))}"


def unknown_keys_of(matches: Iterable[StatementMatch]) -> tuple[str, ...]:
    """Return the keys whose values are not known, and that these statements need."""
    elements = (each for match in matches for each in match.compared if each.holds is None)
    return tuple(dict.fromkeys(key for each in elements for key in each.depends_on))


def join(keys: Sequence[str]) -> str:
    """Return keys as words, with who knows them."""
    return f"{summarize(keys, ' and ')} ({who_says(keys)})"


def exemption(statement: LocatedStatement, holder: PolicyHolder) -> Fix:
    """Return the fix that exempts the holder from a Deny statement; AWS's own policies have none."""
    name = short_name(holder.arn) or "the caller"
    if is_aws_managed(statement.policy):
        return _owned_by_aws(statement.policy)
    if not is_holder(holder.arn):
        return Fix(f"A Deny is usually intended: ask its author to exempt {name} from {statement}.")
    if holder.resource == "*" and statement.policy.kind == INLINE and statement.policy.holder == holder.arn:
        return Fix(
            "A Deny is usually intended: agree with its author first. Which resource was denied is not known "
            f"here, so no command leaves it out of {statement}."
        )
    edit, left = exempt(statement.policy, statement.number, holder.arn, holder.resource)
    agreed = f"A Deny is usually intended: agree with its author first, then exempt {name} from {statement}."
    return Fix(f"{agreed} {left}", (edit,))


def _avoidance(statement: LocatedStatement, case: Case) -> Fix | None:
    """Return the fix that passes parameters to which a Deny does not apply; None where none are found."""
    if case.attempt.role_was_assumed or not statement.match.applies:
        return None
    changes = avoiding_request(case, conditions_of(statement))
    if changes is None:
        return None
    passed = ", ".join(f"{name} {value}" if value else f"no {name}" for name, value in _shown(changes))
    return repeat(case.attempt, f"Pass {passed}: {statement} does not apply then.", **changes)


def _shown(changes: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield parameters as text; an external ID is a secret."""
    for name, value in changes.items():
        if name == "ExternalId" and value:
            yield "the ExternalId", "that the statement names"
            continue
        tags = (
            ", ".join(f"{tag['Key']}={tag['Value']}" for tag in value) if isinstance(value, list) else value
        )
        yield name, str(tags)


def _owned_by_aws(policy: SnapshotPolicy) -> Fix:
    return Fix(f"AWS owns the policy {policy.name}, and nobody can edit it: ask who attached it.")


def boundary_causes(code: str, holder: PolicyHolder, check: PolicyCheck) -> Iterator[Cause]:
    """Yield the cause of that code if the permissions boundary was read; its fix changes the boundary."""
    boundary, request = holder.boundary, f"{holder.actions[0]} on {holder.resource}"
    if boundary is None or boundary.document is None:
        return
    if denies := denying([boundary], check):
        yield from together(_denied_by_boundary(code, each, holder) for each in denies)
        return
    why = f"The boundary {boundary.name} of {short_name(holder.arn)} does not allow {request}."
    confidence, doubt = allow_confidence(check)
    only = {"ArnEquals": {"aws:PrincipalArn": holder.arn}}
    (statement,) = smallest_policy(holder.resource, holder.actions, only)["Statement"]
    is_fixed = is_aws_managed(boundary)
    fix = _owned_by_aws(boundary) if is_fixed else Fix("", (with_statement(boundary, statement),))
    yield cause(code, confidence, f"{why}{doubt}", fix=fix, nearest=nearest([boundary], check))


def _denied_by_boundary(code: str, deny: LocatedStatement, holder: PolicyHolder) -> Cause:
    confidence, doubt = deny_confidence(deny)
    why = f"{deny}, the permissions boundary, denies it{doubt}."
    return cause(code, confidence, why, fix=exemption(deny, holder), nearest=compared(deny))


def at_most_likely(found: Cause) -> Cause:
    """Return a cause that is likely where it would be certain: something that it rests on is not known."""
    return replace(found, confidence=LIKELY) if found.confidence == CERTAIN else found


def is_allowed_by(check: PolicyCheck) -> bool:
    """Return whether a statement of a check surely allows the request."""
    return any(each.effect == "Allow" and each.applies for each in check.statements)


def unread_boundary_causes(code: str, holder: PolicyHolder) -> Iterator[Cause]:
    """Yield the cause of that code as a possible one if the document of the boundary was not read."""
    if holder.boundary and holder.has_unread_boundary:
        name, owner = holder.boundary.name, short_name(holder.arn)
        why = f"The boundary {name} of {owner} must allow it, too, and its document was not read."
        yield cause(code, POSSIBLE, why)


def allow_confidence(check: PolicyCheck, incomplete: str = "") -> tuple[str, str]:
    """Return how sure it is that no statement allows the request, and a sentence on the doubt."""
    allows = [each for each in check.statements if each.effect == "Allow"]
    if incomplete:
        return LIKELY, f" That is only of those that were read. {incomplete}"
    if keys := unknown_keys_of(each for each in allows if each.applies is None):
        return LIKELY, f" It hangs on {join(keys)}."
    return CERTAIN, ""


def not_allowed_cause(code: str, holder: PolicyHolder, check: PolicyCheck) -> Cause:
    """Return the cause of that code: none of the holder's policies allows the action."""
    request, owner = f"{holder.actions[0]} on {holder.resource}", short_name(holder.arn)
    why = {
        0: f"{owner} has no policy, so nothing allows {request}.",
        1: f"The only policy of {owner} does not allow {request}.",
    }.get(len(holder.policies), f"None of the {len(holder.policies)} policies of {owner} allows {request}.")
    confidence, doubt = allow_confidence(check, holder.incomplete)
    near = nearest(holder.policies, check)
    return cause(code, confidence, f"{why}{doubt}", fix=allow_fix(holder), nearest=near)


def allow_fix(holder: PolicyHolder) -> Fix:
    """Return the fix that gives the holder one more policy, which allows its actions and nothing else."""
    document = smallest_policy(holder.resource, holder.actions)
    if "/aws-reserved/" in holder.arn:
        return Fix(f"Add to the permission set in Identity Center: {option_text(document)}")
    actions, name = ", ".join(holder.actions), short_name(holder.arn) or "the caller"
    mend = f"Give {name} a policy that allows {actions} on {holder.resource}."
    if not is_holder(holder.arn):
        return Fix(mend)
    return Fix(mend, (new_policy(holder.arn, holder.new_policy, document, holder.policy_names),))


def extra_action_causes(
    case: Case, decide: Callable[[str], Decision | None], side: str, fix: Fix
) -> Iterator[Cause]:
    """Yield the actions that session tags and a source identity need, and that a side does not allow.

    Where nothing on the side allows AssumeRole either, one cause and its fix are enough.
    """
    assuming = decide(ASSUME)
    for action, code in EXTRA_ACTIONS.items():
        decision = decide(action) if action in case.attempt.actions else None
        if decision is None or decision.allowed or not assuming or not _is_about(assuming, side):
            continue
        if assuming.allowed or not _is_about(decision, side):
            why = f"The {side} side does not allow {short_name(case.principal)} {action} on {case.role}."
            if case.attempt.is_carried and action.lower() == case.attempt.action.lower():
                why += f" The request passes no {_PASSED[action]}: the caller's session carries one."
            if decision.depends_on:
                why += f" It hangs on {join(decision.depends_on)}."
            yield cause(code, CERTAIN if decision.denied else LIKELY, why, fix=fix, side=side)


_PASSED = {TAG_SESSION: "session tag", SET_SOURCE_IDENTITY: "source identity"}


def unread_extra_causes(case: Case) -> Iterator[Cause]:
    """Yield that a side which was not read may not allow the action that AWS names; either side can be it."""
    code = EXTRA_ACTIONS.get(case.denial.action)
    decided = {SOURCE: case.source_decision, DESTINATION: case.trust_decision}
    results = {side: decide(case.denial.action) for side, decide in decided.items()} if code else {}
    # Where the other side surely denies it, nothing says that this one does, too.
    sure = POSSIBLE if any(each and each.denied for each in results.values()) else LIKELY
    for side, result in results.items():
        if code and result is None:
            why = f"AWS denies {case.denial.action}, and whether the {side} side allows it was not read."
            yield cause(code, sure, why, side=side)


def _is_about(decision: Decision, side: str) -> bool:
    """Return whether an Allow statement of a side names the action."""
    checked = explain.PRINCIPAL if side == SOURCE else explain.RESOURCE
    allows = (
        match
        for check in decision.checks
        if check.type == checked
        for match in check.statements
        if match.effect == "Allow"
    )
    return any(match.compared[0].holds for match in allows)
