"""Finds causes in the parameters of AssumeRole, by AWS's rules for them."""

import json
import re
from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, Cause
from xacct_nb.diagnosis.fixes.fix import NO_FIX, repeat
from xacct_nb.diagnosis.role_session import passed_policies
from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.policy import parse

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_MAX_POLICY, _MAX_POLICY_ARNS, _MAX_TAGS = 2048, 10, 50
_MIN_SECONDS, _CHAIN_SECONDS, _MAX_SECONDS = 900, 3600, 43200


def request_causes(case: Case) -> Iterator[Cause]:
    """Yield what is wrong with the parameters, without a call to AWS."""
    if not case.attempt.role_was_assumed:
        for find in _FINDERS:
            yield from find(case)


def _duration(case: Case) -> Iterator[Cause]:
    given = str(case.attempt.parameters.get("DurationSeconds") or 0)
    if not given.isdecimal():
        yield cause("duration-out-of-range", CERTAIN, f"DurationSeconds is {given!r}, which is no number.")
        return
    seconds = int(given)
    longest = case.destination.role.max_session if case.destination.role else _MAX_SECONDS
    if seconds and not _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        code, wanted = "duration-out-of-range", _CHAIN_SECONDS
        rule = f"; STS accepts {_MIN_SECONDS} to {_MAX_SECONDS}."
    elif case.is_chained and seconds > _CHAIN_SECONDS:
        code, wanted = "longer-than-chain-allows", _CHAIN_SECONDS
        rule = f", and {case.caller} is itself a session of a role."
    elif not case.is_chained and seconds > longest:
        code, wanted = "longer-than-role-allows", longest
        rule = f", and the role's MaxSessionDuration is {longest}."
    else:
        return
    fix = repeat(case.attempt, DurationSeconds=wanted)
    yield cause(code, CERTAIN, f"DurationSeconds is {seconds}{rule}", fix=fix)


def _session_name(case: Case) -> Iterator[Cause]:
    name = str(case.attempt.parameters.get("RoleSessionName") or "my-session")
    if not _SESSION_NAME.fullmatch(name):
        plain = re.sub(r"[^\w+=,.@-]+", "-", name, flags=re.ASCII).strip("-")
        valid = plain[:64] if len(plain) > 1 else "my-session"
        fix = repeat(case.attempt, RoleSessionName=valid)
        yield cause("invalid-session-name", CERTAIN, f"The session name is {name!r}.", fix=fix)


def _external_id(case: Case) -> Iterator[Cause]:
    secret = case.attempt.external_id
    if secret and not _EXTERNAL_ID.fullmatch(secret):
        why = "The external ID has characters that STS rejects, or is too short or too long."
        yield cause("invalid-external-id", CERTAIN, why)


def _role_arn(case: Case) -> Iterator[Cause]:
    role = case.attempt.role if case.attempt.role != case.denial.resource else ""  # AWS found that one valid
    if role and not _ROLE.fullmatch(role):
        yield cause("invalid-role-arn", CERTAIN, f"The request's RoleArn is {role!r}.")


def _serial_number(case: Case) -> Iterator[Cause]:
    """Yield that the request names an MFA device that is not the caller's."""
    given, devices = case.attempt.parameters.get("SerialNumber"), case.source.mfa_devices
    if given and devices is not None and given not in devices:
        why = f"The request names {given}; the caller's devices are {', '.join(devices) or 'none'}."
        fix = repeat(case.attempt, SerialNumber=devices[0], TokenCode=True) if devices else NO_FIX
        yield cause("wrong-mfa-serial", CERTAIN, why, fix=fix)


def _session_policy(case: Case) -> Iterator[Cause]:
    """Yield that STS does not accept the session policies of the request."""
    passed, text = passed_policies(case.attempt), case.attempt.parameters.get("Policy")
    if problem := _policy_problem(text) if text else "":
        yield cause("malformed-session-policy", CERTAIN, f"The session policy of the request {problem}")
    if len(passed) > _MAX_POLICY_ARNS:
        why = f"The request passes {len(passed)} policy ARNs; STS accepts {_MAX_POLICY_ARNS}."
        yield cause("malformed-session-policy", CERTAIN, why)


def _policy_problem(text: object) -> str:
    """Return what is wrong with the text of a session policy; "" for nothing."""
    if len(str(text)) > _MAX_POLICY:
        return f"has {len(str(text))} characters; STS accepts {_MAX_POLICY}."
    try:
        parse(json.loads(str(text)))
    except ValueError as problem:
        return f"is not JSON: {problem}."
    except InvalidPolicy as problem:
        return f"is not a policy: {problem.what}"
    return ""


def _tags(case: Case) -> Iterator[Cause]:
    """Yield that STS does not accept the session tags of the request."""
    keys = [str(tag.get("Key", "")) for tag in case.attempt.parameters.get("Tags") or ()]
    carried = {str(tag.get("Key", "")).lower() for tag in case.attempt.carried.get("Tags") or ()}
    twice = sorted({key for key in keys if [each.lower() for each in keys].count(key.lower()) > 1})
    inherited = sorted(key for key in keys if key.lower() in carried)
    problems = {
        f"The request passes {len(keys)} session tags; STS accepts {_MAX_TAGS}.": len(keys) > _MAX_TAGS,
        f"The request passes {', '.join(twice)} more than once; letter case does not count.": bool(twice),
        f"The caller's session carries {', '.join(inherited)}; no request sets it again.": bool(inherited),
    }
    for why, is_so in problems.items():
        if is_so:
            yield cause("invalid-session-tags", CERTAIN, why)


def _source_identity(case: Case) -> Iterator[Cause]:
    """Yield that the chain has another source identity: AWS says so before it asks any policy."""
    carried, passed = (
        case.attempt.carried.get("SourceIdentity"),
        case.attempt.parameters.get("SourceIdentity"),
    )
    is_other = bool(carried and passed and carried != passed)
    if not is_other and "source identity is already set" not in case.denial.text.lower():
        return
    why = (
        f"An earlier session of the chain has a source identity, and the request sets {passed or 'another'}."
    )
    yield cause("other-source-identity", CERTAIN, why, fix=repeat(case.attempt, SourceIdentity=""))


_FINDERS = (
    _duration,
    _session_name,
    _external_id,
    _role_arn,
    _serial_number,
    _session_policy,
    _tags,
    _source_identity,
)
