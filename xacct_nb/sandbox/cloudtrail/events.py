"""What CloudTrail records of an AssumeRole: one event for the caller's account, one for the role's.

IAM user guide, "Logging IAM and AWS STS API calls with AWS CloudTrail". The external ID is in it, as on
AWS; a secret key, a session token or an MFA code never is.
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
class Who:
    """The caller: ARN, unique id, kind (User, AssumedRole, FederatedUser, Root), account, a user's name."""

    arn: str
    id: str
    kind: str
    account: str
    name: str


@dataclass(frozen=True)
class Answer:
    """What STS answered: the texts of its XML by their tags; `Code` and `Message` are those of an error."""

    request: str
    texts: Mapping[str, str]

    @property
    def code(self) -> str:
        """The error code; "" where the role was assumed."""
        return self.texts.get("Code", "")


def answer_from(body: bytes) -> Answer | None:
    """An answer of STS in the query protocol; None for what is none."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None
    texts = {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}
    return Answer(texts.get("RequestId", ""), texts)


def events_of(call: Call, who: Who, answer: Answer, agent: str, moment: datetime) -> list[tuple[str, Event]]:
    """Each account with the event that it can look up, in the shape of LookupEvents.

    A refusal is for the caller's account alone, and names the role only in its message.
    """
    common = _event(call, answer, agent, moment)
    own = _caller(call, who)
    if answer.code or (owner := call.parameter("RoleArn").split(":")[4]) == who.account:
        return [(who.account, _entry(common, who.account, own, answer, moment))]
    common |= {"sharedEventID": str(uuid4())}
    from_outside = {"type": "AWSAccount", "principalId": who.id, "accountId": who.account}
    sides = ((who.account, own), (owner, from_outside))
    return [(account, _entry(common, account, identity, answer, moment)) for account, identity in sides]


def _event(call: Call, answer: Answer, agent: str, moment: datetime) -> Event:
    """What the events of both accounts have in common."""
    refused = {"errorCode": answer.code, "errorMessage": answer.texts.get("Message", "")}
    return {
        "eventVersion": "1.11",
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": "sts.amazonaws.com",
        "eventName": "AssumeRole",
        "awsRegion": call.region,
        "sourceIPAddress": call.client,
        "userAgent": agent,
        **(refused if answer.code else {}),
        "requestParameters": None if answer.code else _asked(call),
        "responseElements": None if answer.code else _given(answer.texts),
        "requestID": answer.request,
        "readOnly": True,
        **({} if answer.code else {"resources": [_role(call.parameter("RoleArn"))]}),
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def _entry(common: Event, account: str, identity: Event, answer: Answer, moment: datetime) -> Event:
    """The event of one account as LookupEvents gives it."""
    event = {**common, "userIdentity": identity, "eventID": str(uuid4()), "recipientAccountId": account}
    return {
        "EventId": event["eventID"],
        "EventName": "AssumeRole",
        "EventSource": "sts.amazonaws.com",
        "EventTime": moment.timestamp(),
        "Username": _user(identity),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "ReadOnly": "true",
        "Resources": [] if answer.code else _resources(answer.texts, common),
        "CloudTrailEvent": json.dumps(event),
    }


def _caller(call: Call, who: Who) -> Event:
    kinds = {"User": "IAMUser"}
    identity = {
        "type": kinds.get(who.kind, who.kind),
        "principalId": who.id,
        "arn": who.arn,
        "accountId": who.account,
        "accessKeyId": call.key,
    }
    if who.kind == "User":
        return identity | {"userName": who.name}
    if who.kind == "AssumedRole":
        return identity | {"sessionContext": {"sessionIssuer": _issuer(who)}}
    return identity


def _user(identity: Event) -> str:
    """The name by which an event is looked up: of the user, of the session, or none of another account's."""
    session = identity["principalId"].partition(":")[2]
    names = {"IAMUser": identity.get("userName", ""), "AssumedRole": session, "Root": "root"}
    return str(names.get(identity["type"], ""))


def _issuer(who: Who) -> Event:
    role = who.arn.split("/")[1]
    arn = f"arn:aws:iam::{who.account}:role/{role}"
    unique = who.id.partition(":")[0]
    return {"type": "Role", "principalId": unique, "arn": arn, "accountId": who.account, "userName": role}


def _asked(call: Call) -> Event:
    asked: Event = {_lower(name): call.parameter(name) for name in _PARAMETERS if call.parameter(name)}
    if seconds := call.parameter("DurationSeconds"):
        asked["durationSeconds"] = int(seconds)
    if tags := call.tags():
        asked["tags"] = [{"key": key, "value": value} for key, value in tags.items()]
    if keys := call.members("TransitiveTagKeys"):
        asked["transitiveTagKeys"] = keys
    return asked


def _given(texts: Mapping[str, str]) -> Event:
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
