"""CloudTrail's events of an AssumeRole: one for the caller's account, one for the role's.

Source: cloudtrail-integration. An event has the external ID, as on AWS, and never a secret key, a session
token or an MFA code.
"""

import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import uuid4
from xml.etree import ElementTree

from ministack.core.iam_evaluator import ResolvedCredential

from xacct_nb.sandbox.http.calls import Call

Event = dict[str, Any]
Texts = Mapping[str, str]
"""The texts of an XML response by their tags; an error has `Code` and `Message`."""
_PARAMETERS = ("RoleArn", "RoleSessionName", "ExternalId", "SourceIdentity", "SerialNumber")


def read_response(body: bytes) -> Texts | None:
    """Read a response of STS in the query protocol; None for anything else."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None
    return {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}


def events_of(
    call: Call, caller: ResolvedCredential, response: Texts, agent: str, moment: datetime
) -> list[tuple[str, Event]]:
    """Return each account with the event that it can look up, in the shape of LookupEvents.

    A refusal is in the caller's account only, and names the role only in its message.
    """
    common, account = _event(call, response, agent, moment), caller.account_id
    own = _caller(call, caller)
    if "Code" in response or (owner := call.parameter("RoleArn").split(":")[4]) == account:
        return [(account, _entry(common, account, own, response, moment))]
    common |= {"sharedEventID": str(uuid4())}
    from_outside = {"type": "AWSAccount", "principalId": caller.principal_id, "accountId": account}
    sides = ((account, own), (owner, from_outside))
    return [(account, _entry(common, account, identity, response, moment)) for account, identity in sides]


def _event(call: Call, response: Texts, agent: str, moment: datetime) -> Event:
    """Return the fields that the events of both accounts share."""
    role = call.parameter("RoleArn")
    if "Code" in response:
        error = {"errorCode": response["Code"], "errorMessage": response.get("Message", "")}
        result: Event = {**error, "requestParameters": None, "responseElements": None}
    else:
        result = {
            "requestParameters": _request_parameters(call),
            "responseElements": _response_elements(response),
            "resources": [{"accountId": role.split(":")[4], "type": "AWS::IAM::Role", "ARN": role}],
        }
    return {
        "eventVersion": "1.11",
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": call.region,
        "sourceIPAddress": call.client,
        "userAgent": agent,
        **result,
        "requestID": response.get("RequestId", ""),
        "readOnly": True,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def _entry(common: Event, account: str, identity: Event, response: Texts, moment: datetime) -> Event:
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
        "Resources": [] if "Code" in response else _resources(response, common),
        "CloudTrailEvent": json.dumps(event),
    }


def _caller(call: Call, caller: ResolvedCredential) -> Event:
    account, kind, unique_id = caller.account_id, caller.principal_type, caller.principal_id
    identity = {
        "type": "IAMUser" if kind == "User" else kind,
        "principalId": unique_id,
        "arn": caller.principal_arn,
        "accountId": account,
        "accessKeyId": call.key,
    }
    if kind == "User":
        return identity | {"userName": caller.principal_name}
    if kind != "AssumedRole":
        return identity
    role = caller.principal_arn.split("/")[1]
    issuer = {
        "type": "Role",
        "principalId": unique_id.partition(":")[0],
        "arn": f"arn:aws:iam::{account}:role/{role}",
        "accountId": account,
        "userName": role,
    }
    return identity | {"sessionContext": {"sessionIssuer": issuer}}


def _user(identity: Event) -> str:
    """Return the name by which an event is looked up; none for a caller of another account."""
    session = identity["principalId"].partition(":")[2]
    names = {"IAMUser": identity.get("userName", ""), "AssumedRole": session, "Root": "root"}
    return str(names.get(identity["type"], ""))


def _request_parameters(call: Call) -> Event:
    parameters: Event = {
        f"{name[0].lower()}{name[1:]}": call.parameter(name) for name in _PARAMETERS if call.parameter(name)
    }
    if seconds := call.parameter("DurationSeconds"):
        parameters["durationSeconds"] = int(seconds)
    if tags := call.tags():
        parameters["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    if keys := call.members("TransitiveTagKeys"):
        parameters["transitiveTagKeys"] = keys
    return parameters


def _response_elements(texts: Texts) -> Event:
    identity = texts.get("SourceIdentity", "")
    expiration = datetime.fromisoformat(texts["Expiration"]).strftime("%b %d, %Y, %I:%M:%S %p")
    return {
        "credentials": {"accessKeyId": texts["AccessKeyId"], "expiration": expiration},
        "assumedRoleUser": {"assumedRoleId": texts["AssumedRoleId"], "arn": texts["Arn"]},
        **({"sourceIdentity": identity} if identity else {}),
    }


def _resources(texts: Texts, common: Event) -> list[Event]:
    names = (
        ("AWS::IAM::AccessKey", texts["AccessKeyId"]),
        ("AWS::STS::AssumedRole", texts["Arn"].rpartition("/")[2]),
        ("AWS::STS::AssumedRole", texts["AssumedRoleId"]),
        ("AWS::STS::AssumedRole", texts["Arn"]),
        ("AWS::IAM::Role", common["requestParameters"]["roleArn"]),
    )
    return [{"ResourceType": kind, "ResourceName": name} for kind, name in names]
