"""Lets MiniStack note each authenticated call of a principal, and answer from what was noted."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

from ministack.core import iam_evaluator, responses
from ministack.services import iam

from xacct_nb.sandbox.ministack import clock, internals
from xacct_nb.sandbox.ministack.guard_result import HttpResponse

Note = Callable[[str, str, str, float, bool], None]
"""Takes the unique id of a principal, an action, a region, the moment, and whether the call was allowed."""
Answer = Callable[[str, str, Mapping[str, str]], str]
"""Takes the account, who calls, and the parameters; returns the result as XML, or raises an AWS error."""
_PARAMETERS = ("Arn", "Granularity", "JobId", "MaxItems", "Marker")


def install(
    note: Note,
    answers: Mapping[str, Answer],
    last_used: Callable[[Mapping[str, Any]], str],
    refused: type[Exception],
) -> None:
    """Note calls by `note`; serve `answers`, which raise `refused`; show `last_used` of a role in GetRole."""
    iam_evaluator.enforce = partial(_noted, note, iam_evaluator.enforce)
    for name, answer in answers.items():
        iam._IAM_HANDLERS[name] = partial(_serve, name, answer, refused)
    iam._IAM_HANDLERS["GetRole"] = partial(_with_last_use, last_used, iam._get_role)


def _noted(note: Note, enforce: Callable[..., Any], key: str, action: str, *request: Any, **more: Any) -> Any:
    """Check a call, and note it unless its caller is not known."""
    found = internals.credential(key, responses.get_account_id()) if key else None
    denial = enforce(key, action, *request, **more)
    if found and not isinstance(denial, iam_evaluator.AuthError):
        region = request[1] if len(request) > 1 else more.get("region", "")
        unique_id = str(found.principal_id).partition(":")[0]
        note(unique_id, action, str(region), clock.now(), denial is None)
    return denial


def _serve(name: str, answer: Answer, refused: type[Exception], parameters: Any) -> HttpResponse:
    given = {each: iam._p(parameters, each) for each in _PARAMETERS}
    response: HttpResponse
    try:
        result = answer(responses.get_account_id(), _caller(), given)
    except refused as problem:
        status, code, message = problem.args
        response = iam._error(status, code, message, ns="iam")
        return response
    response = iam._xml(200, f"{name}Response", f"<{name}Result>{result}</{name}Result>", ns="iam")
    return response


def _caller() -> str:
    """Return who calls: a user, whichever of its keys it uses; of a role one session alone."""
    key, found = internals.checked.get()
    return key if found is None or internals.session(key) else str(found.principal_id)


def _with_last_use(
    last_used: Callable[[Mapping[str, Any]], str], serve: Callable[[Any], HttpResponse], parameters: Any
) -> HttpResponse:
    status, headers, body = serve(parameters)
    role = iam._roles.get(iam._p(parameters, "RoleName"))
    if status != 200 or role is None:
        return status, headers, body
    return status, headers, body.replace(b"</Role>", f"{last_used(role)}</Role>".encode())
