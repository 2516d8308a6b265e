"""Control policies limit every call that MiniStack serves, and its answer says so."""

from collections.abc import Callable, Mapping
from contextvars import ContextVar
from typing import Any

from xacct_nb.sandbox.rules import control_policies
from xacct_nb.sandbox.rules.control_policies import Asked

_why: ContextVar[str] = ContextVar("why", default="")


def by_control_policies(enforce: Callable[..., Any]) -> Callable[..., Any]:
    """MiniStack's check of a call, after which the control policies have to allow it, to root users too."""

    def ask(
        key: str, action: str, service: str, region: str, resource_arn: str = "*", service_context: Any = None
    ) -> Any:
        _why.set("")
        refused = enforce(key, action, service, region, resource_arn, service_context)
        asked = None if refused is not None else _asked(key, action, region, resource_arn, service_context)
        if asked is None or not (why := control_policies.why_denied(asked)):
            return refused
        _why.set(f"User: {asked.principal} is not authorized to perform: {action} on resource: "
                 f"{resource_arn} {why}")  # fmt: skip
        return _refusal(asked)

    return ask


def saying_why(respond: Callable[..., Any]) -> Callable[..., Any]:
    """The answer to a call that is denied, with the control policy's words where one denied it."""

    def answer(*args: Any, **more: Any) -> Any:
        if (why := _why.get()) and not more.get("error_code"):
            more["message"] = why
        return respond(*args, **more)

    return answer


def _asked(key: str, action: str, region: str, resource: str, context: Mapping[str, Any] | None) -> Any:
    from ministack.core import iam_evaluator, responses

    account = responses.get_account_id()
    owner = iam_evaluator._account_from_arn(resource) or account
    if not control_policies.limits(account, owner):
        return None
    who = iam_evaluator.resolve_principal(key or "", account)
    if isinstance(who, iam_evaluator.AuthError):
        return None
    address, secure = iam_evaluator._request_origin.get()
    keys = control_policies.surroundings(address, secure, region)
    keys |= {"s3:resourceaccount": owner} if action.startswith("s3:") else {}
    given = {name.lower(): value for name, value in (context or {}).items()}
    return Asked(who.arn, account, action, resource, keys | given | dict(who.keys), owner)


def _refusal(asked: Asked) -> Any:
    from ministack.core import iam_evaluator

    return iam_evaluator.EvalResult("Deny", asked.principal, "", "control policy")
