"""Finds causes in the parameters of AssumeRole, as a table of AWS's rules for them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.attempt import SET_SOURCE_IDENTITY
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_MIN_SECONDS, _CHAIN_SECONDS, _MAX_SECONDS = 900, 3600, 43200

Violation = tuple[str, dict[str, Any]]
"""Why a rule is violated, and the parameters to change in the request."""


def request_causes(case: Case) -> Iterator[Cause]:
    """Yield what is wrong with the parameters, without asking AWS."""
    if case.attempt.role_was_assumed:
        return
    for code, confidence, rule in _RULES:
        if found := rule(case):
            why, changes = found
            commands = (fixes.assume_role(case.attempt, **changes),) if changes else ()
            yield cause(code, confidence, why, "", *commands)


def _duration(case: Case) -> int:
    return int(case.attempt.parameters.get("DurationSeconds") or 0)


def _out_of_range(case: Case) -> Violation | None:
    seconds = _duration(case)
    if not seconds or _MIN_SECONDS <= seconds <= _MAX_SECONDS:
        return None
    why = f"DurationSeconds is {seconds}; STS accepts {_MIN_SECONDS} to {_MAX_SECONDS}."
    return why, {"DurationSeconds": 3600}


def _longer_than_chain(case: Case) -> Violation | None:
    if not (case.is_chained and _CHAIN_SECONDS < _duration(case) <= _MAX_SECONDS):
        return None
    why = f"DurationSeconds is {_duration(case)}, and {case.caller} is itself a session of a role."
    return why, {"DurationSeconds": _CHAIN_SECONDS}


def _longer_than_role(case: Case) -> Violation | None:
    role = case.destination.role
    longest = role.max_session if role else _MAX_SECONDS
    if case.is_chained or not longest < _duration(case) <= _MAX_SECONDS:
        return None
    why = f"DurationSeconds is {_duration(case)}, and the role's MaxSessionDuration is {longest}."
    return why, {"DurationSeconds": longest}


def _session_name(case: Case) -> Violation | None:
    name = str(case.attempt.parameters.get("RoleSessionName") or "my-session")
    if _SESSION_NAME.fullmatch(name):
        return None
    valid = re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:64].ljust(2, "-")
    return f"The session name is {name!r}.", {"RoleSessionName": valid}


def _external_id(case: Case) -> Violation | None:
    secret = case.attempt.external_id
    if not secret or _EXTERNAL_ID.fullmatch(secret):
        return None
    return "The external ID has characters that STS rejects, or is too short or too long.", {}


def _role(case: Case) -> Violation | None:
    if not case.attempt.role or _ROLE.fullmatch(case.attempt.role):
        return None
    return f"The request's RoleArn is {case.attempt.role!r}.", {}


def _serial_number(case: Case) -> Violation | None:
    """The request names an MFA device that is not the caller's."""
    given, devices = case.attempt.parameters.get("SerialNumber"), case.source.mfa_devices
    if not given or devices is None or given in devices:
        return None
    changes = {"SerialNumber": devices[0], "TokenCode": True} if devices else {}
    return f"The request names {given}; the caller's devices are {', '.join(devices) or 'none'}.", changes


def _other_source_identity(case: Case) -> Violation | None:
    """AWS denies sts:SetSourceIdentity, which both sides allow: the chain has another source identity."""
    if case.denial.action != SET_SOURCE_IDENTITY or not case.is_chained:
        return None
    decisions = (case.source_decision(SET_SOURCE_IDENTITY), case.trust_decision(SET_SOURCE_IDENTITY))
    if not any(decisions) or any(each and not each.allowed for each in decisions):
        return None
    given = case.attempt.parameters.get("SourceIdentity", "")
    why = f"Both sides allow the source identity {given!r}, so the chain must already have another one."
    return why, {"SourceIdentity": ""}


_RULES: tuple[tuple[str, str, Callable[[Case], Violation | None]], ...] = (
    ("duration-out-of-range", CERTAIN, _out_of_range),
    ("longer-than-chain-allows", CERTAIN, _longer_than_chain),
    ("longer-than-role-allows", CERTAIN, _longer_than_role),
    ("invalid-session-name", CERTAIN, _session_name),
    ("invalid-external-id", CERTAIN, _external_id),
    ("invalid-role-arn", CERTAIN, _role),
    ("wrong-mfa-serial", CERTAIN, _serial_number),
    ("other-source-identity", LIKELY, _other_source_identity),
)
