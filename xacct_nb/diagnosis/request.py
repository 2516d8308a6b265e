"""Finds causes in the parameters of the call, as a table of rules that AWS has for them."""

import re
from collections.abc import Callable, Iterator
from typing import Any

from xacct_nb.diagnosis import fixes
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import cause
from xacct_nb.diagnosis.cause import CERTAIN, LIKELY, Cause

_SESSION_NAME = re.compile(r"[\w+=,.@-]{2,64}", re.ASCII)
_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_ROLE = re.compile(r"arn:aws[\w-]*:iam::\d{12}:role/.+")
_CHAIN_SECONDS = 3600

Found = tuple[str, dict[str, Any]]
"""Why a rule is broken, and what to call with instead; nothing where it is kept."""


def call_causes(case: Case) -> Iterator[Cause]:
    """What is wrong with the parameters, seen without asking AWS."""
    if case.attempt.after:
        return
    for code, confidence, rule in _RULES:
        if found := rule(case):
            why, instead = found
            commands = (fixes.assume(case.attempt, **instead),) if instead else ()
            yield cause(code, confidence, why, commands=commands)


def _seconds(case: Case) -> int:
    return int(case.attempt.parameters.get("DurationSeconds") or 0)


def _out_of_range(case: Case) -> Found | None:
    seconds = _seconds(case)
    if not seconds or 900 <= seconds <= 43200:
        return None
    return f"DurationSeconds is {seconds}; STS takes 900 to 43200.", {"DurationSeconds": 3600}


def _longer_than_chain(case: Case) -> Found | None:
    if not (case.is_chained and _CHAIN_SECONDS < _seconds(case) <= 43200):
        return None
    why = f"DurationSeconds is {_seconds(case)}, and {case.caller} is a session of a role itself."
    return why, {"DurationSeconds": _CHAIN_SECONDS}


def _longer_than_role(case: Case) -> Found | None:
    side = case.snapshot.destination
    longest = side.role.max_session if side and side.role else 43200
    if case.is_chained or not longest < _seconds(case) <= 43200:
        return None
    why = f"DurationSeconds is {_seconds(case)}, and the role's MaxSessionDuration is {longest}."
    return why, {"DurationSeconds": longest}


def _session_name(case: Case) -> Found | None:
    name = str(case.attempt.parameters.get("RoleSessionName") or "my-session")
    if _SESSION_NAME.fullmatch(name):
        return None
    fitting = re.sub(r"[^\w+=,.@-]", "-", name, flags=re.ASCII)[:64].ljust(2, "-")
    return f"The session name is {name!r}.", {"RoleSessionName": fitting}


def _external_id(case: Case) -> Found | None:
    secret = case.attempt.external_id
    if not secret or _EXTERNAL_ID.fullmatch(secret):
        return None
    return "The external ID holds characters that STS refuses, or is too short or too long.", {}


def _role(case: Case) -> Found | None:
    if not case.attempt.role or _ROLE.fullmatch(case.attempt.role):
        return None
    return f"The role is given as {case.attempt.role!r}.", {}


def _serial(case: Case) -> Found | None:
    """The MFA device is none of the caller's."""
    given, source = case.attempt.parameters.get("SerialNumber"), case.snapshot.source
    devices = source.mfa_devices if source else None
    if not given or devices is None or given in devices:
        return None
    instead = {"SerialNumber": devices[0], "TokenCode": True} if devices else {}
    return f"The call names {given}; the caller's devices are {', '.join(devices) or 'none'}.", instead


def _other_identity(case: Case) -> Found | None:
    """Both sides allow sts:SetSourceIdentity, and it is denied: the chain has another one already."""
    action = "sts:SetSourceIdentity"
    if case.denial.action != action or not case.is_chained:
        return None
    near, far = case.near(action), case.far(action)
    if (near and not near.allowed) or (far and not far.allowed) or not (near or far):
        return None
    given = case.attempt.parameters.get("SourceIdentity", "")
    why = (
        f"The call sets the source identity {given!r}, which both sides allow; the chain has another already."
    )
    return why, {"SourceIdentity": ""}


_RULES: tuple[tuple[str, str, Callable[[Case], Found | None]], ...] = (
    ("duration-out-of-range", CERTAIN, _out_of_range),
    ("longer-than-chain-allows", CERTAIN, _longer_than_chain),
    ("longer-than-role-allows", CERTAIN, _longer_than_role),
    ("invalid-session-name", CERTAIN, _session_name),
    ("invalid-external-id", CERTAIN, _external_id),
    ("invalid-role-arn", CERTAIN, _role),
    ("wrong-mfa-serial", CERTAIN, _serial),
    ("other-source-identity", LIKELY, _other_identity),
)
