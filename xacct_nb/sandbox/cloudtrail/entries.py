"""What all events of CloudTrail have: the header, who called, and the entry that LookupEvents returns."""

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


def read_response(body: bytes) -> Texts | None:
    """Read a response of STS in the query protocol; None for anything else."""
    try:
        root = ElementTree.fromstring(body)
    except ElementTree.ParseError:
        return None
    return {each.tag.rpartition("}")[2]: each.text or "" for each in root.iter()}


def header(call: Call, agent: str, moment: datetime) -> Event:
    """Return the fields that do not depend on the operation and its result."""
    return {
        "eventVersion": "1.11",
        "eventTime": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
        "eventSource": f"{call.service}.amazonaws.com",
        "eventName": call.action,
        "awsRegion": call.region,
        "sourceIPAddress": call.client,
        "userAgent": agent,
        "eventType": "AwsApiCall",
        "managementEvent": True,
        "eventCategory": "Management",
    }


def entry(common: Event, account: str, identity: Event, resources: list[Event], moment: datetime) -> Event:
    """Return the event of one account as LookupEvents returns it."""
    event = {**common, "userIdentity": identity, "eventID": str(uuid4()), "recipientAccountId": account}
    return {
        "EventId": event["eventID"],
        "EventName": event["eventName"],
        "EventSource": event["eventSource"],
        "EventTime": int(moment.timestamp()),
        "Username": _user(identity),
        "AccessKeyId": identity.get("accessKeyId", ""),
        "ReadOnly": str(event["readOnly"]).lower(),
        "Resources": resources,
        "CloudTrailEvent": json.dumps(event),
    }


def caller_identity(call: Call, caller: ResolvedCredential) -> Event:
    """Return who called, as an event of the caller's own account names them."""
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
