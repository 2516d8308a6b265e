"""Conditions that the request does not meet, as tables: the cause of each key, and its fix."""

import re
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.causes.copied_fingerprints import COPIED, copied_fingerprints, written_out
from xacct_nb.diagnosis.causes.policy_causes import allow_confidence, allow_fix
from xacct_nb.diagnosis.fixes.edits import Edit, append, new_policy, with_statement
from xacct_nb.diagnosis.fixes.fix import NO_FIX, Fix, repeat, smallest_policy, trust_statement, without_key
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, allowing
from xacct_nb.diagnosis.fixes.losses import losses
from xacct_nb.diagnosis.fixes.request_values import conditions_of, passing_request
from xacct_nb.diagnosis.fixes.trust_fixes import possible_conditions
from xacct_nb.diagnosis.known_keys import is_time, who_says
from xacct_nb.diagnosis.nearest import compared
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.diagnosis.snapshot import INLINE, TRUST, SnapshotPolicy
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.explain import ElementMatch, PolicyCheck, short_name
from xacct_nb.iam.grammar import Document
from xacct_nb.redaction.redact import mask_secrets

_UNKNOWN = {"aws:principalarn": "the ARN of a session leaves out the path of its role, on which it hangs"}


@dataclass(frozen=True)
class UnmetCondition:
    """A condition of a statement that the request does not meet, or does not surely meet.

    `is_sure` says whether no other statement could allow the request.
    """

    case: Case
    statement: LocatedStatement
    comparison: ElementMatch
    is_sure: bool = True

    @property
    def key(self) -> str:
        """The condition key as the policy writes it."""
        return self.comparison.key

    @property
    def expected(self) -> tuple[str, ...]:
        """The values that the policy allows."""
        return self.comparison.expected

    def cause(self, code: str, fix: Fix = NO_FIX, side: str = "") -> Cause:
        """Return the cause of that code; only likely if only AWS sees the request's value."""
        each, expected = self.comparison, " or ".join(self.expected) or "nothing"
        given = (
            f"the request has {', '.join(each.actual)}" if each.actual else f"the request has no {self.key}"
        )
        if each.holds is None:
            given = _UNKNOWN.get(self.key.lower(), f"what the request has, {who_says([self.key])}")
        confidence = CERTAIN if each.holds is False and self.is_sure and not is_time(self.key) else LIKELY
        why = f"{self.statement}: {each.operator} requires {self.key} {expected}, and {given}."
        why += COPIED if copied_fingerprints(self.case, self.statement, self.key) else ""
        return cause(code, confidence, why, fix=fix, side=side, nearest=compared(self.statement))

    def for_caller_without_key(self) -> Edit:
        """Return the edit that adds a statement without the key for this caller, and leaves the others."""
        policy, case = self.statement.policy, self.case
        conditions = without_key(statements_of(policy.document)[self.statement.number], self.key)
        if policy.kind == TRUST:
            possible = possible_conditions(case, conditions)
            return with_statement(policy, trust_statement(case.principal, case.attempt.actions, possible))
        holder = case.caller_policies
        document = smallest_policy(case.role, case.attempt.actions, conditions)
        return new_policy(holder.arn, holder.new_policy, document, holder.policy_names)


def unmet_conditions(case: Case, holder: PolicyHolder, check: PolicyCheck) -> list[UnmetCondition]:
    """Return the failed conditions of the Allow statements that would apply but for their conditions."""
    is_sure = allow_confidence(check, holder.incomplete)[0] == CERTAIN
    return [
        UnmetCondition(case, statement, each, is_sure)
        for statement in allowing(holder.policies, check)
        if {each.element for each in statement.unmet} == {"Condition"}
        for each in statement.unmet
    ]


def trust_condition_cause(unmet: UnmetCondition) -> Cause:
    """Return the cause of a condition of the trust policy."""
    rows = (row for row in _TRUST_KEYS if re.fullmatch(row[0], unmet.key.lower()))
    _, code, find_fix = next(row for row in rows if _applies(row[1], unmet))
    # A condition without a value is met by no request.
    return unmet.cause(code, find_fix(unmet) if unmet.expected else NO_FIX)


def caller_condition_cause(unmet: UnmetCondition) -> Cause:
    """Return the cause of a condition of one of the caller's policies."""
    if found := old_language_cause(unmet.case, unmet.statement, unmet.expected):
        return found
    _, code, find_fix = next(row for row in _CALLER_KEYS if re.fullmatch(row[0], unmet.key.lower()))
    return unmet.cause(code, find_fix(unmet), side=SOURCE)


def old_language_cause(case: Case, statement: LocatedStatement, texts: tuple[str, ...]) -> Cause | None:
    """Return the cause of variables that the policy's old Version makes plain text, if that is why."""
    document = statement.policy.document or {}
    version, newer = document.get("Version", "none"), {**document, "Version": VERSION}
    if version == VERSION or not any("${" in each for each in texts) or not case.would_be_allowed_by(newer):
        return None
    why = f"{statement} has {', '.join(texts)}, and the policy's Version is {version}."
    return cause(
        "old-policy-language",
        CERTAIN,
        why,
        fix=_language_fix(case, statement.policy, newer),
        nearest=compared(statement),
    )


def _language_fix(case: Case, policy: SnapshotPolicy, newer: Document) -> Fix:
    """Return the fix that writes the new Version, unless others have the policy, or a Deny would change."""
    holder = case.caller_policies
    if policy.kind != INLINE or policy.holder != holder.arn or losses(policy.document, newer):
        return allow_fix(holder)
    return Fix("", (Edit(policy, newer),))


def mfa_request(case: Case) -> Fix:
    """Return the fix that repeats the request with MFA: with a device that IAM lists, else with a guess."""
    devices, name = case.source.mfa_devices, short_name(case.principal)
    if ":user/" not in case.principal:
        return Fix(f"Only a user has MFA: a session of {name} never does. Make the request as a user.")
    with_codes = [each for each in devices or () if ":u2f/" not in each]
    if with_codes:
        mend = f"Make the request with MFA, with the device {with_codes[0]}."
        return repeat(case.attempt, mend, SerialNumber=with_codes[0], TokenCode=True)
    if devices is not None:
        has = "lists security keys only, which show no code" if devices else "lists none"
        return Fix(f"Give {name} an MFA device with codes first: IAM {has}. Then make the request with MFA.")
    guess = case.principal.replace(":user/", ":mfa/")
    mend = f"Make the request with MFA. The serial number {guess} is a guess: see list-mfa-devices."
    fix = repeat(case.attempt, mend, SerialNumber=guess, TokenCode=True)
    return replace(fix, unsure="the serial number of the MFA device is a guess")


def _applies(code: str, unmet: UnmetCondition) -> bool:
    """Return whether a code fits the request; some keys have several codes."""
    return {
        "external-id-missing": not unmet.comparison.actual,
        "mfa-in-chain": unmet.case.is_chained,
        "principal-arn-of-session": any(":assumed-role/" in text for text in unmet.expected),
    }.get(code, True)


def _no_fix(unmet: UnmetCondition) -> Fix:
    return NO_FIX


def _external_id(unmet: UnmetCondition) -> Fix:
    if copied := copied_fingerprints(unmet.case, unmet.statement, unmet.key):
        return written_out(unmet.case, copied)
    conditions = conditions_of(unmet.statement)
    changes = passing_request(unmet.case, conditions, unmet.key)
    if changes is None:
        return _not_chosen(unmet, "the external ID")
    values = [changes["ExternalId"]]
    marks = ", ".join(mask_secrets({"sts:ExternalId": values})["sts:ExternalId"])
    mend = f"Pass the external ID whose fingerprint is {marks}." if values[0] else "Pass no external ID."
    return repeat(unmet.case.attempt, mend, **changes)


def _caller_external_id(unmet: UnmetCondition) -> Fix:
    if not unmet.case.attempt.external_id:
        return _external_id(unmet)
    mend = "Allow it without the condition: the role's trust policy checks the external ID."
    return Fix(mend, (unmet.for_caller_without_key(),))


def _mfa(unmet: UnmetCondition) -> Fix:
    return mfa_request(unmet.case)


def _no_mfa(unmet: UnmetCondition) -> Fix:
    mend = (
        "Require MFA for the first role of the chain, where a person signs in, and trust this caller in a "
        "statement without the condition."
    )
    return Fix(mend, (unmet.for_caller_without_key(),))


def _principal_tag(unmet: UnmetCondition) -> Fix:
    """Return the fix that tags the caller; a tag that it has with another value stays as it is."""
    principal, entity, name = unmet.case.principal, unmet.case.entity, unmet.key.partition("/")[2]
    has_tag = entity is not None and name.lower() in (each.lower() for each in entity.tags)
    is_literal = len(unmet.expected) == 1 and not {"*", "?", "$"} & set(unmet.expected[0])
    if entity is None or has_tag or not is_literal or _is_negated(unmet) or "/aws-reserved/" in principal:
        mend = (
            f"Allow it to {short_name(principal)} in a statement without {unmet.key}, if its author agrees."
        )
        return Fix(mend, (unmet.for_caller_without_key(),))
    mend = f"Tag {short_name(principal)}; other policies may have conditions on that tag, too."
    return Fix(mend, tagged=principal, tags={name: unmet.expected[0]})


def _parameter(name: str) -> Callable[[UnmetCondition], Fix]:
    def find_fix(unmet: UnmetCondition) -> Fix:
        changes = passing_request(unmet.case, conditions_of(unmet.statement), unmet.key)
        if changes is None:
            return _not_chosen(unmet, name)
        mend = f"Pass {name} {changes[name]}." if changes[name] else f"Pass no {name}."
        return repeat(unmet.case.attempt, mend, **changes)

    return find_fix


def _tags(unmet: UnmetCondition) -> Fix:
    changes = passing_request(unmet.case, conditions_of(unmet.statement), unmet.key)
    if changes is None:
        return _not_chosen(unmet, "session tags")
    names = ", ".join(tag["Key"] for tag in changes["Tags"])
    mend = f"Pass the session tags {names}; both sides must allow sts:TagSession for them."
    return repeat(unmet.case.attempt, mend if names else "Pass no session tags.", **changes)


def _not_chosen(unmet: UnmetCondition, name: str) -> Fix:
    wanted = f"{unmet.comparison.operator} {' or '.join(unmet.expected)}"
    return Fix(
        f"A value of {name} that passes {wanted} cannot be chosen here: ask the policy's author for one."
    )


def _remove_key(unmet: UnmetCondition) -> Fix:
    mend = f"Trust the caller in a statement without {unmet.key}: requests of users and roles never have it."
    return Fix(mend, (unmet.for_caller_without_key(),))


def _provider_key(unmet: UnmetCondition) -> Fix:
    """Return the fix for a key of an identity provider, which a session from one can have."""
    return NO_FIX if unmet.case.is_chained else _remove_key(unmet)


def _role_arn(unmet: UnmetCondition) -> Fix:
    """Return the fix that adds the caller to a list of principals; one that excludes it stays as it is."""
    principal = unmet.case.principal
    if _is_negated(unmet) or not re.match(r"(?i)(string|arn)", unmet.comparison.operator):
        mend = (
            f"The condition excludes {short_name(principal)}: if its author agrees, allow it apart from that."
        )
        return Fix(mend, (unmet.for_caller_without_key(),))

    if principal in unmet.expected:
        return Fix("Write the whole ARN of the caller's role, with its path, as GetRole returns it.")

    def write(statement: dict[str, Any]) -> None:
        keys = statement["Condition"][unmet.comparison.operator]
        for name in [each for each in keys if each.lower() == unmet.key.lower()]:
            append(keys, name, principal)

    mend = f"Add {principal} to {unmet.key} in {unmet.statement}."
    return Fix(mend, (unmet.statement.changed(write),))


def _is_negated(unmet: UnmetCondition) -> bool:
    return "not" in unmet.comparison.operator.lower()


_KeyRow = tuple[str, str, Callable[[UnmetCondition], Fix]]
_MFA_KEYS = "aws:multifactorauth(present|age)"
_CALLER_KEYS: tuple[_KeyRow, ...] = (
    ("sts:externalid", "external-id-in-caller-policy", _caller_external_id),
    (_MFA_KEYS, "identity-condition", _mfa),
    ("aws:principaltag/.*", "identity-condition", _principal_tag),
    (".*", "identity-condition", _no_fix),
)
_TRUST_KEYS: tuple[_KeyRow, ...] = (
    ("sts:externalid", "external-id-missing", _external_id),
    ("sts:externalid", "external-id-differs", _external_id),
    (_MFA_KEYS, "mfa-in-chain", _no_mfa),
    (_MFA_KEYS, "mfa-required", _mfa),
    ("aws:principalorg(id|paths)", "other-organization", _no_fix),
    ("aws:(vpc)?source(ip|vpc|vpce)", "source-address", _no_fix),
    ("aws:(currenttime|epochtime)", "outside-dates", _no_fix),
    ("sts:rolesessionname", "session-name", _parameter("RoleSessionName")),
    ("(sts|aws):sourceidentity", "source-identity-required", _parameter("SourceIdentity")),
    ("aws:source(arn|account|orgid|orgpaths|owner)", "service-key-on-principal", _remove_key),
    ("aws:principalarn", "principal-arn-of-session", _role_arn),
    ("aws:principalarn", "trust-condition", _role_arn),
    ("aws:principaltag/.*", "trust-condition", _principal_tag),
    ("sts:durationseconds", "request-condition", _parameter("DurationSeconds")),
    ("aws:(tagkeys|requesttag/.*)", "request-condition", _tags),
    ("sts:transitivetagkeys", "request-condition", _no_fix),
    ("(?!aws:|sts:|iam:).*|aws:federatedprovider", "trust-condition", _provider_key),
    (".*", "trust-condition", _no_fix),
)
