"""Conditions that the request does not meet, as tables: the cause of each key, and its fix."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case, PolicyHolder
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, SOURCE, Cause
from xacct_nb.diagnosis.locations import LocatedStatement, allowing
from xacct_nb.diagnosis.policy_causes import Fix
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.explain import ElementMatch, PolicyCheck, short_name
from xacct_nb.redaction.redact import mask_secrets

# Keys whose value only AWS knows.
_AWS_ONLY = re.compile(
    r"aws:(?:source(?:ip|vpc|vpce)|vpcsource(?:ip)|principalorg(?:id|paths)|requestedregion|tokenissuetime"
    r"|viaawsservice|calledvia.*|userag?ent|referer|resourceorg.*|ec2instancesource.*)$"
)


@dataclass(frozen=True)
class UnmetCondition:
    """A condition of a statement that the request does not meet."""

    case: Case
    statement: LocatedStatement
    comparison: ElementMatch

    @property
    def key(self) -> str:
        """The condition key as the policy writes it."""
        return self.comparison.key

    @property
    def expected(self) -> tuple[str, ...]:
        """The values that the policy allows."""
        return self.comparison.expected

    def cause(self, code: str, fix: Fix = (), side: str = "") -> Cause:
        """Return the cause of that code; only likely if only AWS knows the request's value."""
        each, expected = self.comparison, " or ".join(self.expected) or "nothing"
        confidence, given = CERTAIN, f"the request has no {self.key}"
        if each.actual:
            given = f"the request has {', '.join(each.actual)}"
        elif each.actual is None and _AWS_ONLY.match(self.key.lower()):
            confidence, given = LIKELY, "only AWS knows the request's value"
        why = f"{self.statement}: {each.operator} requires {self.key} {expected}, and {given}."
        return cause(code, confidence, why, *fix, side=side)

    def without_key(self) -> str:
        """Return the command that removes the key from the condition."""
        return self.statement.changed(lambda statement: fixes.remove_condition_key(statement, self.key))


def unmet_conditions(case: Case, holder: PolicyHolder, check: PolicyCheck) -> list[UnmetCondition]:
    """Return the failed conditions of the Allow statements that would apply but for their conditions."""
    return [
        UnmetCondition(case, statement, each)
        for statement in allowing(holder.policies, check)
        if {each.element for each in statement.match.failed} == {"Condition"}
        for each in statement.match.failed
    ]


def trust_condition_cause(unmet: UnmetCondition) -> Cause:
    """Return the cause of a condition of the trust policy."""
    rows = (row for row in _TRUST_KEYS if re.fullmatch(row[0], unmet.key.lower()))
    _, code, find_fix = next(row for row in rows if _applies(row[1], unmet))
    # A condition without a value is met by no request.
    return unmet.cause(code, find_fix(unmet) if unmet.expected else ())


def caller_condition_cause(unmet: UnmetCondition) -> Cause:
    """Return the cause of a condition of one of the caller's policies."""
    if found := old_language_cause(unmet.statement, unmet.expected):
        return found
    _, code, find_fix = next(row for row in _CALLER_KEYS if re.fullmatch(row[0], unmet.key.lower()))
    return unmet.cause(code, find_fix(unmet), side=SOURCE)


def old_language_cause(statement: LocatedStatement, texts: tuple[str, ...]) -> Cause | None:
    """Return the cause of variables that the policy's old Version makes plain text, if there are any."""
    document = statement.policy.document or {}
    version = document.get("Version", "none")
    if version == VERSION or not any("${" in each for each in texts):
        return None
    why = f"{statement} has {', '.join(texts)}, and the policy's Version is {version}."
    command = fixes.write_policy(statement.policy, {**document, "Version": VERSION})
    return cause("old-policy-language", CERTAIN, why, "", command)


def mfa_request(case: Case) -> str:
    """Return the command that repeats the request with MFA: IAM's device, else the one of the usual ARN."""
    devices = case.source.mfa_devices or (case.principal.replace(":user/", ":mfa/"),)
    return fixes.assume_role(case.attempt, SerialNumber=devices[0], TokenCode=True)


def _applies(code: str, unmet: UnmetCondition) -> bool:
    """Return whether a code fits the request; some keys have several codes."""
    return {
        "external-id-missing": unmet.comparison.actual is None,
        "mfa-in-chain": unmet.case.is_chained,
        "principal-arn-of-session": any(":assumed-role/" in text for text in unmet.expected),
    }.get(code, True)


def _no_fix(unmet: UnmetCondition) -> Fix:
    return ()


def _external_id(unmet: UnmetCondition) -> Fix:
    marks = ", ".join(mask_secrets({"sts:ExternalId": list(unmet.expected)})["sts:ExternalId"])
    command = fixes.assume_role(unmet.case.attempt, ExternalId=True)
    return f"Pass the external ID whose fingerprint is {marks}.", command


def _caller_external_id(unmet: UnmetCondition) -> Fix:
    if not unmet.case.attempt.external_id:
        return "Pass that external ID.", fixes.assume_role(unmet.case.attempt, ExternalId=True)
    mend = "Remove the condition from the caller's policy: the role's trust policy checks the external ID."
    return mend, unmet.without_key()


def _mfa(unmet: UnmetCondition) -> Fix:
    return "Make the request with MFA.", mfa_request(unmet.case)


def _no_mfa(unmet: UnmetCondition) -> Fix:
    mend = "Require MFA for the first role of the chain, where a person signs in, and remove this condition."
    return mend, unmet.without_key()


def _principal_tag(unmet: UnmetCondition) -> Fix:
    principal = unmet.case.principal
    if len(unmet.expected) != 1 or Arn.parse(principal).kind not in ("user", "role"):
        return ()
    tag = f"Key={unmet.key.partition('/')[2]},Value={unmet.expected[0]}"
    command = fixes.iam_command("tag-{}", principal, {"tags": tag})
    return f"Tag {short_name(principal)}, or change the condition.", command


def _parameter(name: str) -> Callable[[UnmetCondition], Fix]:
    def find_fix(unmet: UnmetCondition) -> Fix:
        value = _example(unmet, unmet.expected[0])
        return f"Pass {name} {value}.", fixes.assume_role(unmet.case.attempt, **{name: value})

    return find_fix


def _tags(unmet: UnmetCondition) -> Fix:
    _, slash, key = unmet.key.partition("/")
    wanted = {key: unmet.expected[0]} if slash else dict.fromkeys(unmet.expected, "x")
    tags = {tag["Key"]: tag["Value"] for tag in unmet.case.attempt.parameters.get("Tags", [])} | wanted
    passed = [{"Key": key, "Value": _example(unmet, value)} for key, value in tags.items()]
    mend = f"Pass the session tags {', '.join(wanted)}; both sides must allow sts:TagSession for them."
    return mend, fixes.assume_role(unmet.case.attempt, Tags=passed)


def _remove_key(unmet: UnmetCondition) -> Fix:
    mend = f"Remove {unmet.key} from the condition: requests of users and roles never have it."
    return mend, unmet.without_key()


def _role_arn(unmet: UnmetCondition) -> Fix:
    principal = unmet.case.principal

    def write(statement: dict[str, Any]) -> None:
        for keys in statement["Condition"].values():
            keys |= {name: principal for name in keys if name.lower() == unmet.key.lower()}

    return f"Write {principal} into the condition.", unmet.statement.changed(write)


def _example(unmet: UnmetCondition, pattern: str) -> str:
    """Return a value that matches a pattern: the caller's name for its variable, x for a wildcard."""
    name = unmet.case.principal.rpartition("/")[2]
    return pattern.replace("${aws:username}", name).replace("*", "x").replace("?", "x")


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
    ("sts:durationseconds", "request-condition", _parameter("DurationSeconds")),
    ("aws:(tagkeys|requesttag/.*)", "request-condition", _tags),
    ("sts:transitivetagkeys", "request-condition", _no_fix),
    (".*", "trust-condition", _no_fix),
)
