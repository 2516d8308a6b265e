"""The policy generation of IAM Access Analyzer: the actions that a trail showed of a user or role.

It covers 90 days at most, and management events only. Source: API reference of IAM Access Analyzer,
StartPolicyGeneration, GetGeneratedPolicy, ListPolicyGenerations; access-analyzer-policy-generation.
The sandbox generates no service-level template, and takes its own record of calls for the trail's.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

from xacct_nb.sandbox.http.calls import Call, read_call
from xacct_nb.sandbox.http.messages import App, Message, Receive, Send, read_and_replay, send_json
from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.authorization_request import AuthorizationRequest, Decide
from xacct_nb.sandbox.ministack.callers import caller_of
from xacct_nb.sandbox.usage import recorder
from xacct_nb.sandbox.usage.allowed_services import is_tracked
from xacct_nb.sandbox.usage.entities import entity_of

_PATH = "/policy/generation"
_MOST_DAYS = 90
_SERVICE = "access-analyzer"
_Authorize = Callable[..., None]
_PASSED_TO = {"iam:passedtoservice": f"{_SERVICE}.amazonaws.com"}


class _AnalyzerError(Exception):
    """An error of AWS: its HTTP status, its code and its message."""


@dataclass
class _Generation:
    account: str
    principal: str
    trail: Mapping[str, Any]
    start: float
    end: float
    made: float
    actions: tuple[str, ...] = ()
    error: tuple[str, str] = ("", "")
    looks: int = 0

    @property
    def status(self) -> str:
        """Return the status, as it is at the first look and afterwards."""
        return "IN_PROGRESS" if self.looks < 2 else "FAILED" if self.error[0] else "SUCCEEDED"


_generations: dict[str, _Generation] = {}


def generating(app: App, decide: Decide) -> App:
    """Return `app` with the operations of policy generation, which MiniStack lacks; `decide` authorizes."""

    async def serve(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(_PATH):
            return await app(scope, receive, send)
        call, receive = await read_call(scope, receive)
        if call.service != _SERVICE or not call.account:
            return await app(scope, receive, send)
        body, _ = await read_and_replay(receive)
        try:
            answer = _answer(
                partial(_authorize, decide, call),
                call,
                scope["method"],
                scope["path"].removeprefix(_PATH).strip("/"),
                body,
            )
        except _AnalyzerError as problem:
            status, code, message = problem.args
            return await send_json(send, status, {"__type": code, "message": message})
        await send_json(send, 200, answer)

    return serve


def forget() -> None:
    """Forget every generation."""
    _generations.clear()


def _answer(authorize: _Authorize, call: Call, method: str, job: str, body: bytes) -> Mapping[str, Any]:
    if method == "PUT":
        authorize("access-analyzer:StartPolicyGeneration")
        return _start(authorize, call, body)
    if job:
        authorize("access-analyzer:GetGeneratedPolicy")
        return _get(call, job)
    authorize("access-analyzer:ListPolicyGenerations")
    return {"policyGenerations": _listed(call)}


def _authorize(
    decide: Decide, call: Call, action: str, resource: str = "*", context: Mapping[str, Any] | None = None
) -> None:
    """Raise AccessDeniedException unless the caller may do this."""
    caller = caller_of(call.key, call.account)
    if caller is None:
        raise _AnalyzerError(403, "UnrecognizedClientException", "The security token is invalid.")
    request = AuthorizationRequest(caller, action, resource, context or {}, call.account, delegated=True)
    decision = decide(request)
    allowed = decision is not None and decision.allowed
    unique_id = str(caller.keys.get("aws:userid", "")).partition(":")[0]
    recorder.note(unique_id, action, call.region, clock.now(), allowed)
    if not allowed:
        message = f"User: {caller.arn} is not authorized to perform: {action} on resource: {resource}"
        raise _AnalyzerError(403, "AccessDeniedException", message)


def _start(authorize: _Authorize, call: Call, body: bytes) -> Mapping[str, Any]:
    try:
        given = json.loads(body)
        principal = str(given["policyGenerationDetails"]["principalArn"])
        details = given["cloudTrailDetails"]
        role, (trail, *_) = str(details["accessRole"]), details["trails"]
        start = _seconds(details["startTime"])
        end = _seconds(details["endTime"]) if "endTime" in details else clock.now()
    except (ValueError, KeyError, TypeError) as problem:
        raise _AnalyzerError(400, "ValidationException", f"The request is not valid: {problem}") from None
    if not 0 < end - start <= timedelta(days=_MOST_DAYS).total_seconds():
        message = f"The time range must be positive and at most {_MOST_DAYS} days."
        raise _AnalyzerError(400, "ValidationException", message)
    authorize("iam:PassRole", role, _PASSED_TO)
    job = str(uuid4())
    made = _Generation(call.account, principal, trail, start, end, clock.now())
    made.error = _error(call.account, principal, role, trail)
    made.actions = () if made.error[0] else _actions(made)
    _generations[job] = made
    return {"jobId": job}


def _error(account: str, principal: str, role: str, trail: Mapping[str, Any]) -> tuple[str, str]:
    """Return the error of a generation that cannot succeed, code and message; "" for none."""
    if entity_of(account, principal) is None:
        return "RESOURCE_NOT_FOUND_ERROR", f"{principal} was not found."
    found = internals.role(role)
    if found is None or f"{_SERVICE}.amazonaws.com" not in internals.as_text(
        found["AssumeRolePolicyDocument"]
    ):
        return "AUTHORIZATION_ERROR", f"IAM Access Analyzer could not assume {role}."
    if internals.trail(str(trail.get("cloudTrailArn"))) is None:
        return "RESOURCE_NOT_FOUND_ERROR", f"The trail {trail.get('cloudTrailArn')} was not found."
    return "", ""


def _actions(made: _Generation) -> tuple[str, ...]:
    """Return the allowed management calls of the period; none where the trail does not log."""
    entity = entity_of(made.account, made.principal)
    trail = internals.trail(str(made.trail["cloudTrailArn"]))
    if entity is None or trail is None or not trail["IsLogging"]:
        return ()
    found = [recorder.allowed_between(unique_id, made.start, made.end) for _, unique_id in entity.principals]
    return tuple(action for each in found for action in each if is_tracked(action))


def _get(call: Call, job: str) -> Mapping[str, Any]:
    made = _generations.get(job)
    if made is None or made.account != call.account:
        raise _AnalyzerError(400, "ValidationException", f"There is no policy generation {job}.")
    made.looks += 1
    policies = [{"policy": json.dumps(_policy(made.actions))}] if made.status == "SUCCEEDED" else []
    period = {"startTime": _moment(made.start), "endTime": _moment(made.end)}
    properties = {
        "isComplete": False,
        "principalArn": made.principal,
        "cloudTrailProperties": {"trailProperties": [dict(made.trail)], **period},
    }
    result = {"properties": properties, "generatedPolicies": policies}
    return {"jobDetails": _details(job, made), "generatedPolicyResult": result}


def _details(job: str, made: _Generation) -> dict[str, Any]:
    details: dict[str, Any] = {"jobId": job, "status": made.status, "startedOn": _moment(made.made)}
    if made.status != "IN_PROGRESS":
        details["completedOn"] = _moment(made.made)
    if made.status == "FAILED":
        details["jobError"] = {"code": made.error[0], "message": made.error[1]}
    return details


def _listed(call: Call) -> list[Mapping[str, Any]]:
    wanted = call.parameter("principalArn")
    return [
        {**_details(job, made), "principalArn": made.principal}
        for job, made in _generations.items()
        if made.account == call.account and wanted in ("", made.principal)
    ]


def _policy(actions: tuple[str, ...]) -> dict[str, Any]:
    """Return a policy with a statement for each service."""
    by_service: dict[str, list[str]] = {}
    for action in actions:
        by_service.setdefault(action.partition(":")[0], []).append(action)
    statements = [{"Effect": "Allow", "Action": each, "Resource": "*"} for each in by_service.values()]
    return {"Version": "2012-10-17", "Statement": statements}


def _seconds(moment: Any) -> float:
    if isinstance(moment, int | float):
        return float(moment)
    return datetime.fromisoformat(str(moment)).astimezone(UTC).timestamp()


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
