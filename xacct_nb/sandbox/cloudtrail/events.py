"""CloudTrail's events of an AssumeRole: one for the caller's account, one for the role's.

Source: cloudtrail-integration. An event has the external ID, as on AWS, and never a secret key, a session
token or an MFA code.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

from xacct_nb.sandbox.http.calls import Call

Event = dict[str, Any]
_PARAMETERS = ("RoleArn", "RoleSessionName", "ExternalId", "SourceIdentity", "SerialNumber")


@dataclass(frozen=True)
class EventCaller:
    """The caller: ARN, unique id, kind (User, AssumedRole, FederatedUser, Root), account, a user's name."""

    arn: str
    id: str
    kind: str
    account: str
    name: str


@dataclass(frozen=True)
class StsResponse:
    """A response of STS: the texts of its XML by their tags; `Code` and `Message` are those of an error."""

    request: str
    texts: Mapping[str, str]

    @property
    def code(self) -> str:
        """Return the error code; "" where the role was assumed."""
        return self.texts.get("Code", "")


def read_response(body: bytes) -> StsResponse | None:
    """Read a response of STS in the query protocol; None for anything else."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None
    texts = {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}
    return StsResponse(texts.get("RequestId", ""), texts)


def events_of(
    call: Call, caller: EventCaller, response: StsResponse, agent: str, moment: datetime
) -> list[tuple[str, Event]]:
    """Return each account with the event that it can look up, in the shape of LookupEvents.

    A refusal is in the caller's account only, and names the role only in its message.
    """
    common = _event(call, response, agent, moment)
    own = _caller(call, caller)
    if response.code or (owner := call.parameter("RoleArn").split(":")[4]) == caller.account:
        return [(caller.account, _entry(common, caller.account, own, response, moment))]
    common |= {"sharedEventID": str(uuid4())}
    from_outside = {"type": "AWSAccount", "principalId": caller.id, "accountId": caller.account}
    sides = ((caller.account, own), (owner, from_outside))
    return [(account, _entry(common, account, identity, response, moment)) for account, identity in sides]


def _event(call: Call, response: StsResponse, agent: str, moment: datetime) -> Event:
    """Return the fields that the events of both accounts share."""
    refused = {"errorCode": response.code, "errorMessage": response.texts.get("Message", "")}
    return {
        "eventVersion": "1.11",
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": call.region,
        "sourceIPAddress": call.client,
        "userAgent": agent,
        **(refused if response.code else {}),
        "requestParameters": None if response.code else _request_parameters(call),
        "responseElements": None if response.code else _response_elements(response.texts),
        "requestID": response.request,
        "readOnly": True,
        **({} if response.code else {"resources": [_role(call.parameter("RoleArn"))]}),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def _entry(common: Event, account: str, identity: Event, response: StsResponse, moment: datetime) -> Event:
    """Return the event of one account as LookupEvents returns it."""
    event = {**common, "userIdentity": identity, "eventID": str(uuid4()), "recipientAccountId": account}
    return {
        "EventId": event["eventID"],
        "EventName": "AssumeRole",
        "EventSource": "sts.amazonaws.com",
        "EventTime": moment.timestamp(),
        "Username": _user(identity),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "ReadOnly": "true",
        "Resources": [] if response.code else _resources(response.texts, common),
        "CloudTrailEvent": json.dumps(event),
    }


def _caller(call: Call, caller: EventCaller) -> Event:
    kinds = {"User": "IAMUser"}
    identity = {
        "type": kinds.get(caller.kind, caller.kind),
        "principalId": caller.id,
        "arn": caller.arn,
        "accountId": caller.account,
        "accessKeyId": call.key,
    }
    if caller.kind == "User":
        return identity | {"userName": caller.name}
    if caller.kind == "AssumedRole":
        return identity | {"sessionContext": {"sessionIssuer": _issuer(caller)}}
    return identity


def _user(identity: Event) -> str:
    """Return the name by which an event is looked up; none for a caller of another account."""
    session = identity["principalId"].partition(":")[2]
    names = {"IAMUser": identity.get("userName", ""), "AssumedRole": session, "Root": "root"}
    return str(names.get(identity["type"], ""))


def _issuer(caller: EventCaller) -> Event:
    role = caller.arn.split("/")[1]
    arn = f"arn:aws:iam::{caller.account}:role/{role}"
    unique = caller.id.partition(":")[0]
    return {"type": "Role", "principalId": unique, "arn": arn, "accountId": caller.account, "userName": role}


def _request_parameters(call: Call) -> Event:
    parameters: Event = {_lower(name): call.parameter(name) for name in _PARAMETERS if call.parameter(name)}
    if seconds := call.parameter("DurationSeconds"):
        parameters["durationSeconds"] = int(seconds)
    if tags := call.tags():
        parameters["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    if keys := call.members("TransitiveTagKeys"):
        parameters["transitiveTagKeys"] = keys
    return parameters


def _response_elements(texts: Mapping[str, str]) -> Event:
    identity = texts.get("SourceIdentity", "")
    return {
        "credentials": {"accessKeyId": texts["AccessKeyId"], "expiration": _moment(texts["Expiration"])},
        "assumedRoleUser": {"assumedRoleId": texts["AssumedRoleId"], "arn": texts["Arn"]},
        **({"sourceIdentity": identity} if identity else {}),
    }


def _role(arn: str) -> Event:
    return {"accountId": arn.split(":")[4], "type": "AWS::IAM::Role", "ARN": arn}


def _resources(texts: Mapping[str, str], common: Event) -> list[Event]:
    names = (
        ("AWS::IAM::AccessKey", texts["AccessKeyId"]),
        ("AWS::STS::AssumedRole", texts["Arn"].rpartition("/")[2]),
        ("AWS::STS::AssumedRole", texts["AssumedRoleId"]),
        ("AWS::STS::AssumedRole", texts["Arn"]),
        ("AWS::IAM::Role", common["requestParameters"]["roleArn"]),
    )
    return [{"ResourceType": kind, "ResourceName": name} for kind, name in names]


def _moment(iso: str) -> str:
    return datetime.fromisoformat(iso).strftime("%b %d, %Y, %I:%M:%S %p")


def _lower(name: str) -> str:
    return name[0].lower() + name[1:]
