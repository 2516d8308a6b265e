"""Finds causes in the source account: from the evaluator's reasons to statement, value and mend."""

from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.attempt import ASSUME
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause
from xacct_nb.diagnosis.locations import MFA_KEYS, failing, index_of, is_unseen, place_of, said, statement_of
from xacct_nb.diagnosis.snapshot import Policy
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import (
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    ElementMatch,
    PolicyCheck,
    StatementMatch,
)

_SIMULATED = {"implicitDeny": "no-identity-allow", "explicitDeny": "identity-deny"}


def source_causes(case: Case) -> Iterator[Cause]:
    """What the source side, as far as it is readable, has against the call."""
    source = case.snapshot.source
    if source is None or not case.known or case.attempt.after or case.within:
        return
    if source.organization_allows is False:
        yield cause(
            "service-control-policy", CERTAIN, "AWS's simulator says that the organization does not allow it."
        )
    decision = case.near()
    if decision is None:
        yield from _simulated(case)
        return
    for check in decision.checks:
        yield from _FINDERS.get((check.type, check.effect), _nothing)(case, check)
    if decision.allowed:
        yield from _further_rights(case)


def _nothing(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    yield from ()


def _simulated(case: Case) -> Iterator[Cause]:
    said_by_aws = case.snapshot.source.simulated if case.snapshot.source else ""
    if said_by_aws in _SIMULATED:
        yield cause(
            _SIMULATED[said_by_aws], LIKELY, f"AWS's simulator says {said_by_aws} of the source side alone."
        )


def _not_allowed(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    """Why no policy allows it: the nearest statement, a version, a policy elsewhere, or nothing at all."""
    found = [*_near_resources(case, check), *_unmet(case, check), *_newer(case), *_loose(case)]
    yield from found
    if found:
        return
    code = "chained-role-without-allow" if case.is_chained else "no-identity-allow"
    count = len(case.policies("source"))
    why = f"None of the {count} policies of {said(case.principal)} allows {ASSUME} on {case.role}."
    document = fixes.allowing(case.role, case.attempt.actions)
    yield cause(code, CERTAIN, why, *_gift(case, document))


def _gift(case: Case, document: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """The mend that gives the caller a policy of its own, in words and as a command."""
    if "/aws-reserved/" in case.principal:
        return f"Add to the permission set in Identity Center: {fixes.text(document)}", ()
    name = f"assume-{Arn.parse(case.role).name}"
    words = (
        f"Give {said(case.principal)} a policy that allows {', '.join(case.attempt.actions)} on {case.role}."
    )
    return words, (fixes.give(case.principal, name, document),)


def _near_resources(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in check.statements:
        names = [each.element for each in match.failed]
        if match.effect != "Allow" or names != ["Resource"]:
            continue
        policy, expected = _policy(case, match), match.failed[0].expected
        if _is_old(policy, expected):
            yield _old_language(case, policy, match, expected)
        elif nearly := [arn for arn in expected if is_nearly(arn, case.role)]:
            number = index_of(match)
            document = fixes.changed(
                policy.document or {}, number, lambda each: each.update(Resource=case.role)
            )
            why = f"{place_of(policy, match)} names {', '.join(nearly)}; the role is {case.role}."
            mend = f"Write {case.role} in its place."
            yield cause("other-resource-arn", CERTAIN, why, mend, (fixes.write(policy, document),))


def is_nearly(pattern: str, role: str) -> bool:
    """Whether a resource is the role's ARN but for account, path, case, service or partition."""
    return (
        "*" not in pattern
        and pattern != role
        and pattern.rpartition("/")[2].lower() == role.rpartition("/")[2].lower()
    )


def _is_old(policy: Policy, texts: tuple[str, ...]) -> bool:
    return any("${" in each for each in texts) and (policy.document or {}).get("Version") != VERSION


def _old_language(case: Case, policy: Policy, match: StatementMatch, texts: tuple[str, ...]) -> Cause:
    document = {**(policy.document or {}), "Version": VERSION}
    version = (policy.document or {}).get("Version", "none")
    why = f"{place_of(policy, match)} says {', '.join(texts)}, and its Version is {version}."
    return cause("old-policy-language", CERTAIN, why, commands=(fixes.write(policy, document),))


def _unmet(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in check.statements:
        if (
            match.effect == "Allow"
            and match.failed
            and all(each.element == "Condition" for each in match.failed)
        ):
            for each in match.failed:
                yield _condition(case, match, each)


def _condition(case: Case, match: StatementMatch, each: ElementMatch) -> Cause:
    policy, key = _policy(case, match), each.key.lower()
    if _is_old(policy, each.expected):
        return _old_language(case, policy, match, each.expected)
    code = "external-id-in-caller-policy" if key == "sts:externalid" else "identity-condition"
    confidence = LIKELY if is_unseen(each) else CERTAIN
    why = f"{place_of(policy, match)}: {failing(each)}."
    return cause(code, confidence, why, *_met(case, policy, match, each), side="source")


def _met(
    case: Case, policy: Policy, match: StatementMatch, each: ElementMatch
) -> tuple[str, tuple[str, ...]]:
    key, arn = each.key.lower(), Arn.parse(case.principal)
    if key.startswith("aws:principaltag/") and len(each.expected) == 1 and arn.kind in ("user", "role"):
        tag = {
            f"{arn.kind}-name": arn.name,
            "tags": f"Key={each.key.partition('/')[2]},Value={each.expected[0]}",
        }
        return f"Tag {said(case.principal)}, or change the condition.", (
            fixes.aws(f"iam tag-{arn.kind}", **tag),
        )
    if key in MFA_KEYS:
        return "Call with MFA.", (fixes.assume(case.attempt, SerialNumber=mfa_serial(case), TokenCode=True),)
    if key == "sts:externalid" and case.attempt.external_id:
        document = fixes.changed(
            policy.document or {}, index_of(match), lambda one: fixes.drop_key(one, each.key)
        )
        return "Take the condition out of the caller's policy: the role's owner checks it.", (
            fixes.write(policy, document),
        )
    if key == "sts:externalid":
        return "Give that external ID.", (fixes.assume(case.attempt, ExternalId=True),)
    return "Meet the condition, or change it.", ()


def mfa_serial(case: Case) -> str:
    """The caller's MFA device: the one that IAM has, else the ARN that it usually has."""
    devices = case.snapshot.source.mfa_devices if case.snapshot.source else None
    return devices[0] if devices else case.principal.replace(":user/", ":mfa/")


def _newer(case: Case) -> Iterator[Cause]:
    for policy in case.policies("source"):
        if policy.newer and case.alone(policy.newer):
            named = {"policy-arn": policy.arn, "version-id": policy.newer_version}
            why = (
                f"Version {policy.newer_version} of {policy.name} would allow it, and is not the default one."
            )
            yield cause(
                "old-policy-version",
                CERTAIN,
                why,
                f"Make {policy.newer_version} the default version.",
                (fixes.aws("iam set-default-policy-version", **named),),
            )


def _loose(case: Case) -> Iterator[Cause]:
    for policy in case.snapshot.source.loose if case.snapshot.source else ():
        if not (policy.document and case.alone(policy.document)):
            continue
        holder = f"is on {said(policy.holder)}" if policy.holder else "is attached to nobody"
        why = f"The policy {policy.name} would allow it, and {holder}, not on {said(case.principal)}."
        yield cause("policy-not-attached", CERTAIN, why, *_joined(case, policy))


def _joined(case: Case, policy: Policy) -> tuple[str, tuple[str, ...]]:
    who, caller = said(case.principal), Arn.parse(case.principal)
    if ":group/" in policy.holder and caller.kind == "user":
        named = {"group-name": Arn.parse(policy.holder).name, "user-name": caller.name}
        return f"Add {who} to {said(policy.holder)}.", (fixes.aws("iam add-user-to-group", **named),)
    if policy.arn:
        return f"Attach {policy.name} to {who}.", (fixes.attach(policy.arn, case.principal),)
    return f"Give {who} the same policy.", (fixes.give(case.principal, policy.name, policy.document or {}),)


def _denied(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    for match in check.matched:
        if match.effect != "Deny":
            continue
        policy = _policy(case, match)
        without_mfa = any(each.key.lower() in MFA_KEYS for each in match.compared)
        if without_mfa:
            call = fixes.assume(case.attempt, SerialNumber=mfa_serial(case), TokenCode=True)
            why = f"{place_of(policy, match)} denies it without MFA, and the call carries none."
            yield cause("deny-without-mfa", CERTAIN, why, commands=(call,))
        else:
            command, _ = fixes.write_without(policy, index_of(match))
            mend = (
                "It was put there on purpose: agree with who did, then take it out, or this role out of it."
            )
            yield cause("identity-deny", CERTAIN, f"{place_of(policy, match)} denies it.", mend, (command,))


def _bounded(case: Case, check: PolicyCheck) -> Iterator[Cause]:
    principal = case.snapshot.source.principal if case.snapshot.source else None
    boundary = principal.boundary if principal else None
    if boundary is None or boundary.document is None:
        return
    why = f"The boundary {boundary.name} of {said(case.principal)} does not allow {ASSUME} on {case.role}."
    document: Mapping[str, Any] = fixes.added(
        boundary.document, fixes.allowing(case.role, case.attempt.actions)["Statement"][0]
    )
    denying = [match for match in check.matched if match.effect == "Deny"]
    if denying:
        why = f"{place_of(boundary, denying[0])}, the permissions boundary, denies it."
        document = fixes.without(boundary.document, index_of(denying[0]))
    yield cause("caller-boundary", CERTAIN, why, commands=(fixes.write(boundary, document),))


def _further_rights(case: Case) -> Iterator[Cause]:
    """Tags and a source identity need rights of their own."""
    for action, code in FURTHER.items():
        if action in case.attempt.actions and not _allows(case.near(action)):
            document = fixes.allowing(case.role, case.attempt.actions)
            why = f"No policy of {said(case.principal)} allows {action} on {case.role}."
            yield cause(code, CERTAIN, why, *_gift(case, document), side="source")


FURTHER = {"sts:TagSession": "no-tag-session", "sts:SetSourceIdentity": "no-set-source-identity"}


def _allows(decision: Decision | None) -> bool:
    return decision is None or decision.allowed


def _policy(case: Case, match: StatementMatch) -> Policy:
    return case.policies("source")[statement_of(match)]


_FINDERS = {
    (PRINCIPAL, IMPLICIT_DENY): _not_allowed,
    (PRINCIPAL, EXPLICIT_DENY): _denied,
    (PERMISSIONS_BOUNDARY, IMPLICIT_DENY): _bounded,
    (PERMISSIONS_BOUNDARY, EXPLICIT_DENY): _bounded,
}
