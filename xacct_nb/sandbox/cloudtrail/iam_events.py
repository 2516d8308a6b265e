"""CloudTrail's events of calls that change IAM, in the caller's account.

Source: cloudtrail-integration. An event has the policies and tags that were written, as on AWS, and never a
secret access key or a password. Which resources an event names, and the codes of its errors, are those of
recorded events: no page of AWS lists them.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any
from xml.etree import ElementTree

from ministack.core.iam_evaluator import ResolvedCredential

from xacct_nb.sandbox.cloudtrail.entries import Event, Texts, caller_identity, entry, header
from xacct_nb.sandbox.http.calls import Call
from xacct_nb.sandbox.ministack.internals import service_model

_READS = ("Get", "List", "Simulate", "Generate")
_DENIED = ("AccessDenied", "AccessDeniedException")
# The parameters that name a resource, with its type.
_NAMES = {
    "policyArn": "AWS::IAM::Policy",
    "policyName": "AWS::IAM::Policy",
    "roleName": "AWS::IAM::Role",
    "userName": "AWS::IAM::User",
    "groupName": "AWS::IAM::Group",
}
_MADE = {"policy": ("policyId", "arn"), "role": ("roleId", "arn"), "user": ("userId", "arn")}


def changes_iam(call: Call) -> bool:
    """Return whether a call is one that changes IAM, or would."""
    return call.service == "iam" and bool(call.action) and not call.action.startswith(_READS)


def iam_event(
    call: Call, caller: ResolvedCredential, body: bytes, response: Texts, agent: str, moment: datetime
) -> tuple[str, Event] | None:
    """Return the account and the event that it can look up; None for an operation that IAM does not have."""
    model = service_model("iam")
    operation = model["operations"].get(call.action)
    if operation is None:
        return None
    code = response.get("Code", "")
    asked = None if code in _DENIED else _parameters(call, model["shapes"], operation.get("input"))
    made = None if code else _elements(body, model["shapes"], operation.get("output"))
    error = {
        "errorCode": _error(code, operation, model["shapes"]),
        "errorMessage": response.get("Message", ""),
    }
    result = {
        **(error if code else {}),
        "requestParameters": asked,
        "responseElements": made,
        "requestID": response.get("RequestId", ""),
        "readOnly": False,
    }
    common = header(call, agent, moment) | result
    resources = [] if code else list(_resources(asked or {}, made or {}))
    return caller.account_id, entry(
        common, caller.account_id, caller_identity(call, caller), resources, moment
    )


def _parameters(call: Call, shapes: Mapping[str, Any], given: Mapping[str, str] | None) -> Event | None:
    """Return the parameters of a call by the names and types of its model."""
    return _asked(call.parameters, shapes, given["shape"], "") if given else None


def _asked(parameters: Mapping[str, str], shapes: Mapping[str, Any], shape: str, before: str) -> Any:
    """Return the value of one parameter, whose names begin with `before`; None where it was not given."""
    about = shapes[shape]
    if about["type"] == "structure":
        prefix = f"{before}." if before else ""
        found = {
            _camel(name): _asked(parameters, shapes, member["shape"], prefix + name)
            for name, member in about["members"].items()
            if not shapes[member["shape"]].get("sensitive")
        }
        return {name: value for name, value in found.items() if value is not None} or None
    if about["type"] == "list":
        items = list[Any]()
        while (
            each := _asked(parameters, shapes, about["member"]["shape"], f"{before}.member.{len(items) + 1}")
        ) is not None:
            items.append(each)
        return items or None
    return _typed(about["type"], parameters[before]) if before in parameters else None


def _typed(kind: str, text: str) -> Any:
    if kind == "boolean":
        return text == "true"
    return int(text) if kind == "integer" and text.isdigit() else text


def _elements(body: bytes, shapes: Mapping[str, Any], made: Mapping[str, str] | None) -> Event | None:
    """Return what a call made, without secrets; None where it returns nothing."""
    if made is None:
        return None
    root = ElementTree.fromstring(body)
    result = next((each for each in root if _tag(each) == made.get("resultWrapper")), None)
    return _made(result, shapes, made["shape"]) if result is not None else None


def _made(element: ElementTree.Element, shapes: Mapping[str, Any], shape: str) -> Any:
    about = shapes[shape]
    if about["type"] == "structure":
        found = {
            _camel(_tag(each)): _made(each, shapes, about["members"][_tag(each)]["shape"])
            for each in element
            if _tag(each) in about["members"]
            and not shapes[about["members"][_tag(each)]["shape"]].get("sensitive")
        }
        return found or None
    if about["type"] == "list":
        return [_made(each, shapes, about["member"]["shape"]) for each in element]
    return _typed(about["type"], element.text or "")


def _resources(asked: Event, made: Event) -> Iterator[Event]:
    """Yield the resources by whose names an event is looked up."""
    names = [(kind, asked[name]) for name, kind in _NAMES.items() if asked.get(name)]
    names += [
        (f"AWS::IAM::{thing.title()}", made[thing][field])
        for thing, fields in _MADE.items()
        for field in fields
        if isinstance(made.get(thing), Mapping) and made[thing].get(field)
    ]
    yield from ({"ResourceType": kind, "ResourceName": name} for kind, name in dict.fromkeys(names))


def _error(code: str, operation: Mapping[str, Any], shapes: Mapping[str, Any]) -> str:
    """Return the code of an error as an event has it: the name of its exception, where IAM models it."""
    names = (each["shape"] for each in operation.get("errors", ()))
    return next((name for name in names if shapes[name].get("error", {}).get("code") == code), code)


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _camel(name: str) -> str:
    return name[0].lower() + name[1:]
