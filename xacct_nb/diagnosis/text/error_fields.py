"""The fields of an error text: one table of patterns a field, the first one that matches counts."""

import re
from collections.abc import Callable, Collection
from itertools import islice

from xacct_nb.diagnosis.text.decoded_message import decoded_fields
from xacct_nb.diagnosis.text.denied_actions import action_of, as_known, needs_object

_Q = r"[\"'`]?"
_IS = rf"{_Q}\s*(?:=>|[:=>])\s*{_Q}"
# An ARN ends where no ARN can go on: IAM's and STS's have fewer characters than those of other services.
_IAM_ARN = r"arn:aws[\w-]*:(?:iam|sts)::[^:\s\"'/]*:(?:[\w*+=.@/-]|<[\w -]{1,64}>|,(?!\s|arn:|\w+=)|:(?=\w))+"
_OTHER_ARN = r"arn:aws[\w-]*:(?!iam:|sts:)[\w-]+:[\w-]*:[^:\s\"']*:[^\s\"'<>`|\\]+"
_ARN = rf"(?:{_IAM_ARN}|{_OTHER_ARN})"
_NAME = r"[A-Z]\w*(?:\.[A-Z]\w*)?"
_ACTION = r"[a-zA-Z][\w-]*:[A-Za-z*]\w*"
_ID = r"[0-9A-Za-z][0-9A-Za-z-]{7,}"
_DENIED_TEXT = r"(?:User:|Not authorized|Access Denied|Access denied|You are not authorized|Forbidden|\")"

CODES = (
    rf"An error occurred \((?P<it>{_NAME}|\d{{3}})\)",
    rf"api error (?P<it>{_NAME}):",
    rf"Error Code: (?P<it>{_NAME})",
    rf"<Code>(?P<it>{_NAME})</Code>",
    rf"{_Q}(?:errorCode|error_code|ErrorCode|HandlerErrorCode|__type|Code|code){_IS}(?:Some\()?{_Q}(?:[\w.]+#)?(?P<it>{_NAME})\b",
    rf"::Errors::(?P<it>{_NAME})",
    rf"(?:error|Error) \((?P<it>{_NAME})\)",
    rf"\b(?P<it>{_NAME}) \(client\):",
    rf"(?<![\w.])(?P<it>(?=[A-Z])\w*(?:Denied|Unauthorized|Forbidden)\w*):?\s+(?={_DENIED_TEXT})",
)
# The names of exceptions, where the text has no code of AWS's.
EXCEPTIONS = (
    r"(?:^|\s)(?:[a-z]\w*\.)+(?P<it>[A-Z]\w+):(?:\s|$)",
    r"^(?P<it>(?!User:|Error:|Resource:|Note:)[A-Z]\w{3,}):\s",
)
OPERATIONS = (
    r"when calling the (?P<it>\w+) operation",
    r"operation error [\w ]+?: (?P<it>[A-Z]\w+)",
    r"Error executing \"(?P<it>[A-Z]\w+)\"",
    rf"{_Q}eventName{_IS}(?P<it>[A-Z]\w+)",
    r"\bde_(?P<it>[A-Z]\w+)CommandError",
    r"\b(?P<it>AssumeRole\w*)(?:Command|Request)\b",
)
# The service of the operation; another service that the text names may be one that it calls.
SERVICES = (
    rf"{_Q}eventSource{_IS}(?P<it>[\w.-]+)",
    r"operation error (?P<it>[\w ]+?): [A-Z]",
)
CALLED_SERVICES = (r"\(Service: (?P<it>[\w .-]+?)[;,]",)
DENIED = (
    rf"(?:User|Principal):\s*(?P<caller>{_ARN}|[\w+=,.@:*/-]+(?=\s+is not))?\s*is not authorized to perform"
    rf":?\s*\[?(?P<action>{_ACTION})",
    rf"(?P<caller>(?<![:\w])arn:[^\s\"']{{1,700}}) is not authorized to perform:? ?\[?(?P<action>{_ACTION})",
    rf"User:\s*(?P<caller>{_ARN})\W+Action:\s*(?P<action>{_ACTION})",
    r"(?:[Nn]ot authorized|(?:don't|do not) have permissions?) to(?: perform)?"
    rf":?\s*\[?(?P<action>{_ACTION})",
    rf"to allow the (?P<action>{_ACTION}) action",
    rf"API: (?P<action>{_ACTION}) (?:User|You are not|Access)",
    rf"[Aa]ccess denied when calling (?P<action>{_ACTION})",
)
# A client's words just before the message of AWS.
_CLIENTS_WORDS = re.compile(
    r"(?:operation|Denied|DeniedException|Exception|UnauthorizedOperation|message\"?):\s*\"?$"
)
# What may stand between the action and the type of policy: the resource, and the word that joins them.
_UNTIL_TYPE = re.compile(
    r"[\s\"'`\]),.;]{0,9}(?:[Oo]n (?:this |the )?(?:resource|role)(?:\(s\))?:?\s*"
    r"(?:\"[^\"]{0,2000}\"|'[^']{0,2000}'|\S{1,2000}(?:, \S{1,2000}){0,50}(?: \S{1,200})?)?)?"
    r"[\s\"'`\]),.;]{0,9}(?:Context: )?"
    r"(?=with an explicit|because |(?:no|the|an?) (?:[\w-]+ ){0,3}(?:policy|permissions boundary) )"
)
_NEXT_DENIAL = re.compile(r"An error occurred \(|is not authorized to perform")
_LONGEST_TYPE, _LONGEST_POLICY, _MOST = 160, 600, 50
CALLERS = (
    rf"User:\s*(?P<it>{_ARN})",
    rf"userIdentity\W.{{0,300}}?{_Q}\barn{_IS}(?P<it>{_ARN})",
    rf"[Rr]ole (?P<it>{_IAM_ARN}) is not authorized to perform AssumeRole on",
)
RESOURCES = (
    r"[Oo]n (?:this )?resource(?:\(s\))?:\s*[\"'](?P<it>[^\"']+)[\"']",
    rf"[Oo]n (?:this )?resource(?:\(s\))?:\s*(?P<it>{_ARN}|\*|(?!arn\s)[\w./+=@:*-]+)",
    rf"could not be used to assume [\"']?(?P<it>{_ARN})",
    rf"IAM Role \((?P<it>{_ARN})\) cannot be assumed",
    rf"not authorized to perform:?\s*\[?[\w-]+:\w+\]? on (?:role |resource )?[\"']?(?P<it>{_ARN})",
    rf"not authorized to (?:perform AssumeRole on role|assume (?:IAM )?[Rr]ole) (?P<it>{_IAM_ARN})",
    rf"{_Q}(?:roleArn|RoleArn|role_arn|role-to-assume|role-arn){_IS}\s*(?P<it>{_IAM_ARN})",
    rf"{_Q}ARN{_IS}(?P<it>{_ARN})",
)
# Source: IAM user guide, troubleshoot_access-denied, the formats of its messages.
_TYPE = r"(?:[\w-]+ ){0,3}(?:policy|permissions boundary)"
EXPLICIT_DENY = (
    rf"with an explicit deny in (?:the |an? )?(?P<it>{_TYPE})",
    rf"(?:^|[:,.]\s*|because |Context:\s*)(?:the |an? )(?P<it>{_TYPE}) explicitly denies",
)
NO_ALLOW = (rf"\bno (?P<it>{_TYPE}) allows\b",)
EITHER = (r"no (?P<it>resource-based polic)ies allow access, or a resource-based policy explicitly denies",)
POLICIES = (rf"(?:explicit deny in|explicitly denies).{{0,80}}?:\s*(?P<it>{_ARN})",)
REQUEST_IDS = (rf"(?i)\b(?:x-amzn-|aws_)?request[ _-]?id{_Q}\s*(?:=>|[:=>])\s*(?:Some\()?{_Q}(?P<it>{_ID})",)
AUTHORIZATION_IDS = (rf"(?i)authorization[ _-]?id{_IS}(?P<it>[\w:/+=.-]{{8,}})",)
HOST_IDS = (
    rf"(?i)(?:host[ _]?id|extended[ _]?request[ _]?id|x-amz-id-2){_IS}(?P<it>[0-9A-Za-z+/]{{16,}}={{0,2}})",
)
_REGION = r"[a-z]{2,4}(?:-[a-z]+){1,3}-\d"
REGIONS = (
    rf"{_Q}awsRegion{_IS}(?P<it>{_REGION})",
    rf"https?://[\w.-]*?\.?(?P<it>{_REGION})\.(?:amazonaws\.com|api\.aws)",
    rf"(?i)\bregion{_IS}(?P<it>{_REGION})\b",
)
_WHOLE_ARN = re.compile(r"arn:[^:]+:[^:]+:[^:]*:[^:]*:.")
_CUT_OFF = re.compile(r"\s?[\[(<]?(?:\.{2,}|\u2026|truncated)")
_BALANCED = {")": "(", "]": "[", "}": "{"}
_S3_URI = re.compile(r"\bs3://(?P<bucket>[\w.-]{3,63})(?P<key>/[^\s\"',;]*)?")
_QUEUE = re.compile(r"https?://sqs\.(?P<region>[\w-]+)\.amazonaws\.com/(?P<account>\d{12})/(?P<name>[\w.-]+)")
_BUCKET, _KEY = rf"{_Q}bucketName{_IS}(?P<it>[\w.-]+)", rf"{_Q}\bkey{_IS}(?P<it>[^\s\"',;}}]+)"
_S3_ERROR = re.compile(
    r"S3Exception|S3ServiceException|denied on S3 path"
    r"|\(Service: (?:Amazon )?S3[;,]|<HostId>|to s3://|s3://\S+ to "
)
_S3_WRITE = re.compile(r"(?i)access denied when writing|upload failed|copy failed: \./")
# Consoles and services that say in their own words that AWS denied a request.
_DENIED_WORDS = re.compile(
    r"\bAccess ?[Dd]enied\b|AccessDenied|is not authorized|[Nn]ot authorized to|don't have permission"
    r"|[Ii]nsufficient permissions|Permission denied on S3 path|could not be used to assume"
    r"|IAM Role \(\S+ cannot be assumed"
    r"|not authorized to perform this operation|Access to KMS is not allowed"
)
# Other systems deny access in the same words. Without one of these marks, only a few words count as AWS's.
_OF_AWS = re.compile(
    r"(?i)aws|amazon|arn:|s3|\(service: |<code>|request ?id|cloudformation|athena|glue|kms|bucket|sts:"
    r"|iam:|sdk"
)
_FEW_WORDS = 20
_ASSUMED = re.compile(r"used to assume|cannot be assumed|authorized to (?:perform AssumeR|assume)")

Patterns = tuple[str, ...]
_OF_DENIAL = ("caller", "action", "resource", "policy_type", "effect", "policy")


def read_fields(text: str, denied_codes: Collection[str]) -> dict[str, str]:
    """Return the fields of an error text in one line, by name; "" for what it leaves out."""
    denials = _denials(text)
    denied = denials[0] if denials else None
    code, operation = _first(CODES, text), _operation(text, denied)
    is_denied = bool(denied or code in denied_codes or (not code and _says_denied(text)))
    code = code or ("AccessDenied" if is_denied else _first(EXCEPTIONS, text))
    fields = {"code": code, "operation": operation}
    if not denied and (decoded := decoded_fields(text)):
        fields |= decoded
    elif is_denied:
        fields |= _of_denial(text, denials, operation)
    named = {"request_id": REQUEST_IDS, "authorization_id": AUTHORIZATION_IDS, "host_id": HOST_IDS}
    more = {name: _first(patterns, text) for name, patterns in (named | {"region": REGIONS}).items()}
    return dict.fromkeys(_OF_DENIAL, "") | fields | more


def _denials(text: str) -> list[re.Match[str]]:
    """Return the denials of a text in AWS's words, those after a client's own words first.

    A text may have several; its fields are those of the first one.
    """
    for pattern in DENIED:
        if found := list(islice(re.finditer(pattern, text), _MOST)):
            return sorted(found, key=lambda each: not _CLIENTS_WORDS.search(text, 0, each.start()))
    return []


def _operation(text: str, denied: re.Match[str] | None) -> str:
    """Return the operation: the last one that is named before the denial, else the first one of the text."""
    before = text[: denied.start()] if denied else ""
    named = [each["it"] for each in re.finditer(OPERATIONS[0], before)]
    return named[-1] if named else _first(OPERATIONS, text)


def _of_denial(text: str, denials: list[re.Match[str]], operation: str) -> dict[str, str]:
    """Return the fields of a denial, of which another denial in the text says nothing."""
    denied = denials[0] if denials else None
    action = _action(text, denied, operation)
    same = [each for each in denials if denied and each["action"] == denied["action"]]
    said = [_after(text, each) for each in same] or ([] if denials else [text])
    policy_type, effect = next(filter(any, map(_policy_type, said)), ("", ""))
    about = next((each for each in said if _search(RESOURCES, each)), text)
    typed = map(_from_type, said) if denials else iter(said)
    return {
        "caller": _caller(text, denied),
        "action": action,
        "resource": _resource(about, action),
        "policy_type": policy_type,
        "effect": effect,
        "policy": next(filter(None, (_first(POLICIES, each) for each in typed)), ""),
    }


def _after(text: str, denied: re.Match[str]) -> str:
    """Return a denial from its action on, up to the next denial."""
    following = _NEXT_DENIAL.search(text, denied.end())
    return text[denied.start() : following.start() if following else len(text)]


def _says_denied(text: str) -> bool:
    """Return whether a text without a code of AWS's says in AWS's words that a request was denied."""
    return bool(_DENIED_WORDS.search(text) and (len(text) < _FEW_WORDS or _OF_AWS.search(text)))


def _search(patterns: Patterns, text: str) -> re.Match[str] | None:
    return next((found for each in patterns if (found := re.search(each, text))), None)


def _first(patterns: Patterns, text: str) -> str:
    """Return the value of the first pattern that matches, without what cannot be its end."""
    found = _search(patterns, text)
    if found is None:
        return ""
    value, end = found["it"], found.end("it")
    if not value.startswith("arn:"):
        return value
    is_whole = _WHOLE_ARN.match(value) and not value.endswith("..") and not _CUT_OFF.match(text, end)
    return _trimmed(value) if is_whole else ""


def _trimmed(value: str) -> str:
    """Return an ARN without the punctuation of the sentence or the brackets around it."""
    value = value.rstrip(".,;:!?=")
    while value and value[-1] in _BALANCED and value.count(value[-1]) > value.count(_BALANCED[value[-1]]):
        value = value[:-1].rstrip(".,;:!?=")
    return value


def _caller(text: str, denied: re.Match[str] | None) -> str:
    caller = (denied.groupdict().get("caller") or "") if denied else ""
    return _trimmed(caller) if caller.startswith("arn:") else _first(CALLERS, text)


def _action(text: str, denied: re.Match[str] | None, operation: str) -> str:
    """Return the action by AWS's words, else by the operation; "s3:*" for one of S3 without a name."""
    if denied:
        return as_known(denied["action"])
    if _ASSUMED.search(text):
        return "sts:AssumeRole"
    service = _first(SERVICES, text) or ("" if action_of(operation) else _first(CALLED_SERVICES, text))
    if found := action_of(operation, service):
        return found
    if _S3_WRITE.search(text):
        return "s3:PutObject"
    return "s3:*" if _S3_ERROR.search(text) else ""


def _resource(text: str, action: str) -> str:
    if _search(RESOURCES, text):
        return _first(RESOURCES, text)
    special: dict[str, Callable[[str, str], str]] = {"s3": _object, "sqs": _queue, "sts": _only_role}
    service = action.partition(":")[0].lower()
    return special[service](text, action) if service in special else ""


def _object(text: str, action: str) -> str:
    """Return the ARN of the only bucket or object that the text names by URI or by parameter."""
    bucket, key = _first((_BUCKET,), text), _first((_KEY,), text)
    found = {(each["bucket"], _trimmed(each["key"] or "").strip("/")) for each in _S3_URI.finditer(text)}
    if not bucket and len(found) == 1:
        bucket, key = found.pop()
    if not bucket:
        return ""
    return (
        f"arn:aws:s3:::{bucket}/{key}"
        if key and (needs_object(action) or "*" in action)
        else f"arn:aws:s3:::{bucket}"
    )


def _queue(text: str, action: str) -> str:
    found = _QUEUE.search(text)
    return f"arn:aws:sqs:{found['region']}:{found['account']}:{found['name']}" if found else ""


def _only_role(text: str, action: str) -> str:
    """Return the only role that the text names, if the action is to assume one."""
    named = (rf"(?P<it>{re.escape(each)})" for each in re.findall(_IAM_ARN, text) if ":role/" in each)
    roles = {_first((each,), text) for each in named} - {_caller(text, _search(DENIED, text))}
    return roles.pop() if len(roles) == 1 and "Assume" in action else ""


def _from_type(said: str) -> str:
    """Return what AWS says of a denial from the type of policy on, "" if it does not follow at once."""
    denied = _search(DENIED, said)
    until = _UNTIL_TYPE.match(said, denied.end()) if denied else None
    return said[until.end() : until.end() + _LONGEST_POLICY] if until else ""


def _policy_type(said: str) -> tuple[str, str]:
    """Return the type of the policy that AWS names, and its effect."""
    if found := _first(EITHER, said):
        return f"{found}y", ""
    text = _from_type(said)[:_LONGEST_TYPE] if _search(DENIED, said) else said
    if found := _first(EXPLICIT_DENY, text):
        return found, "explicit"
    if found := _first(NO_ALLOW, text):
        return found, "implicit"
    return "", "explicit" if "explicit deny" in text else ""
