"""CloudTrail's events of an AssumeRole: one for the caller's account, one for the role's.

Source: cloudtrail-integration. An event has the external ID, as on AWS, and never a secret key, a session
token or an MFA code.
"""

from datetime import datetime
from uuid import uuid4

from ministack.core.iam_evaluator import ResolvedCredential

from xacct_nb.sandbox.cloudtrail.entries import Event, Texts, caller_identity, entry, header
from xacct_nb.sandbox.http.calls import Call

_PARAMETERS = ("RoleArn", "RoleSessionName", "ExternalId", "SourceIdentity", "SerialNumber")


def events_of(
    call: Call, caller: ResolvedCredential, response: Texts, agent: str, moment: datetime
) -> list[tuple[str, Event]]:
    """Return each account with the event that it can look up, in the shape of LookupEvents.

    A refusal is in the caller's account only, and names the role only in its message.
    """
    common, account = _event(call, response, agent, moment), caller.account_id
    own, resources = caller_identity(call, caller), [] if "Code" in response else _resources(response, common)
    if "Code" in response or (owner := call.parameter("RoleArn").split(":")[4]) == account:
        return [(account, entry(common, account, own, resources, moment))]
    common |= {"sharedEventID": str(uuid4())}
    from_outside = {"type": "AWSAccount", "principalId": caller.principal_id, "accountId": account}
    sides = ((account, own), (owner, from_outside))
    return [(account, entry(common, account, identity, resources, moment)) for account, identity in sides]


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
    return header(call, agent, moment) | {
        **result,
        "requestID": response.get("RequestId", ""),
        "readOnly": True,
    }


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
