"""Conditions of a trust policy that are not met, as a table: which cause each key means, and its mend."""

import re
from collections.abc import Callable
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause
from xacct_nb.diagnosis.locations import failing, index_of, is_unseen, place_of
from xacct_nb.diagnosis.source import mfa_serial
from xacct_nb.iam.explain import ElementMatch, StatementMatch
from xacct_nb.redaction.redact import mask_secrets

Mend = tuple[str, tuple[str, ...]]
_SESSION_ARN = re.compile(r":assumed-role/([^/]+)/")


def condition_cause(case: Case, match: StatementMatch, each: ElementMatch) -> Cause:
    """The cause behind a condition of the trust policy that the call does not meet."""
    code, mend = next(
        (code, mend)
        for pattern, code, mend in _KEYS
        if re.fullmatch(pattern, each.key.lower()) and _fits(code, case, each)
    )
    confidence = LIKELY if is_unseen(each) else CERTAIN
    words, commands = mend(case, match, each)
    return cause(code, confidence, f"{place_of(None, match)}: {failing(each)}.", words, commands)


def _fits(code: str, case: Case, each: ElementMatch) -> bool:
    """Whether a key means this cause here: some keys mean different ones by what the call has."""
    return {
        "external-id-missing": each.actual is None,
        "mfa-in-chain": case.is_chained,
        "principal-arn-of-session": any(_SESSION_ARN.search(text) for text in each.expected),
    }.get(code, True)


def _general(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    return "", ()


def _external_id(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    marks = ", ".join(mask_secrets({"sts:ExternalId": list(each.expected)})["sts:ExternalId"])
    words = f"Give the external ID whose fingerprint is {marks}."
    return words, (fixes.assume(case.attempt, ExternalId=True),)


def _mfa(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    return "", (fixes.assume(case.attempt, SerialNumber=mfa_serial(case), TokenCode=True),)


def _no_mfa(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    words = "Have MFA required at the first hop, where a person signs in, and taken out of this condition."
    return words, (_dropped(case, match, each),)


def _parameter(name: str) -> Callable[[Case, StatementMatch, ElementMatch], Mend]:
    def mend(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
        wanted = _plain(case, each.expected[0] if each.expected else "")
        return f"Call with {name} {wanted}.", (fixes.assume(case.attempt, **{name: wanted}),)

    return mend


def _tags(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    wanted = (
        {each.key.partition("/")[2]: each.expected[0]}
        if "/" in each.key
        else dict.fromkeys(each.expected, "x")
    )
    tags = {tag["Key"]: tag["Value"] for tag in case.attempt.parameters.get("Tags", [])} | wanted
    passed = [{"Key": key, "Value": _plain(case, value)} for key, value in tags.items()]
    words = f"Call with the session tags {', '.join(wanted)}; both sides need sts:TagSession for it."
    return words, (fixes.assume(case.attempt, Tags=passed),)


def _drop(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    words = f"Take {each.key} out of the condition: no user and no role ever has it."
    return words, (_dropped(case, match, each),)


def _role_arn(case: Case, match: StatementMatch, each: ElementMatch) -> Mend:
    def write(statement: dict[str, Any]) -> None:
        for keys in statement["Condition"].values():
            for name in keys:
                if name.lower() == each.key.lower():
                    keys[name] = case.principal

    document = fixes.changed(case.trust or {}, index_of(match), write)
    return f"Write {case.principal} into the condition.", (fixes.trust(case.role, document),)


def _dropped(case: Case, match: StatementMatch, each: ElementMatch) -> str:
    document = fixes.changed(case.trust or {}, index_of(match), lambda one: fixes.drop_key(one, each.key))
    return fixes.trust(case.role, document)


def _plain(case: Case, pattern: str) -> str:
    """A value that fits a pattern: the caller's name for its variable, x for a wildcard."""
    name = case.principal.rpartition("/")[2]
    return pattern.replace("${aws:username}", name).replace("*", "x").replace("?", "x")


_KEYS: tuple[tuple[str, str, Callable[[Case, StatementMatch, ElementMatch], Mend]], ...] = (
    ("sts:externalid", "external-id-missing", _external_id),
    ("sts:externalid", "external-id-differs", _external_id),
    ("aws:multifactorauth(present|age)", "mfa-in-chain", _no_mfa),
    ("aws:multifactorauth(present|age)", "mfa-required", _mfa),
    ("aws:principalorg(id|paths)", "other-organization", _general),
    ("aws:(vpc)?source(ip|vpc|vpce)", "source-address", _general),
    ("aws:(currenttime|epochtime)", "outside-dates", _general),
    ("sts:rolesessionname", "session-name", _parameter("RoleSessionName")),
    ("(sts|aws):sourceidentity", "source-identity-required", _parameter("SourceIdentity")),
    ("aws:source(arn|account|orgid|orgpaths|owner)", "service-key-on-principal", _drop),
    ("aws:principalarn", "principal-arn-of-session", _role_arn),
    ("sts:durationseconds", "request-condition", _parameter("DurationSeconds")),
    ("aws:(tagkeys|requesttag/.*)", "request-condition", _tags),
    ("sts:transitivetagkeys", "request-condition", _general),
    (".*", "trust-condition", _general),
)
