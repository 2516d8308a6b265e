"""One real call to AWS, and its answer: allowed, denied or error."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError
from botocore.parsers import ResponseParserError

from xacct_nb.aws.clients import AwsClient, Clients
from xacct_nb.changes.proof import ALLOWED, DENIED, ERROR, NOT_ASKED
from xacct_nb.changes.sample_calls import SampleCall
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.patterns import matches

_DENIED = ("AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError", "403")
# Errors that AWS returns only to a caller that is allowed.
_ALLOWED = ("NoSuchKey", "InvalidRange", "416")
_SMALL_READS = {"get_object": {"Range": "bytes=0-0"}}


@dataclass(frozen=True)
class Answer:
    """AWS's answer: the verdict, the error text, the request id, and the response; of an error, its parts."""

    verdict: str
    detail: str = ""
    request_id: str = ""
    value: Any = field(default=None, repr=False)
    code: str = ""
    message: str = ""


def call_aws(call: Callable[[], Mapping[str, Any]]) -> Answer:
    """Make the call and return the answer. A denial is a value here, not an exception."""
    try:
        given = call()
    except ClientError as problem:
        error, meta = problem.response.get("Error", {}), problem.response.get("ResponseMetadata", {})
        code = str(error.get("Code"))
        verdict = DENIED if code in _DENIED else ALLOWED if code in _ALLOWED else ERROR
        message = str(error.get("Message"))
        detail = code if verdict == DENIED else f"{code}: {message}"
        return Answer(verdict, detail, str(meta.get("RequestId", "")), None, code, message)
    except BotoCoreError as problem:
        return Answer(ERROR, str(problem))
    except (ResponseParserError, LookupError):  # the text of the first one quotes the response
        return Answer(ERROR, "The endpoint returned something that is no response of AWS.")
    return Answer(ALLOWED, "", str(given["ResponseMetadata"].get("RequestId", "")), given)


def call_identity(sts: AwsClient, role: str) -> Answer:
    """Call GetCallerIdentity; the answer is an error unless it names a session of the role."""
    given = call_aws(sts.get_caller_identity)
    arn, wanted = (given.value or {}).get("Arn", ""), Arn.parse(role)
    if given.verdict == ALLOWED and f":{wanted.account}:assumed-role/{wanted.name}/" not in arn:
        return Answer(ERROR, f"AWS returned the identity {arn}", given.request_id)
    return replace(given, detail=arn or given.detail)


def call_sample(call: SampleCall, client: Clients, key_of: Callable[[str, str, str], str]) -> Answer:
    """Make a read-only call; where it needs an object that exists, `key_of` finds its key.

    It takes the bucket, the prefix and the pattern of the key, and returns "" where it finds none.
    """
    parameters = dict(call.parameters)
    if "Prefix" in parameters:
        found = key_of(parameters["Bucket"], parameters.pop("Prefix"), parameters["Key"])
        if not found:
            return Answer(NOT_ASKED, f"No object to request was found in {parameters['Bucket']}.")
        parameters["Key"] = found
    operation = getattr(client(call.service), call.operation)
    given = call_aws(lambda: operation(**parameters, **_SMALL_READS.get(call.operation, {})))
    if given.value and "Body" in given.value:
        given.value["Body"].close()
    return given


def find_key(s3: AwsClient, bucket: str, prefix: str, pattern: str) -> str:
    """Return the first key that matches, among the first thousand."""
    given = call_aws(lambda: s3.list_objects_v2(Bucket=bucket, Prefix=prefix))
    keys = (str(each["Key"]) for each in (given.value or {}).get("Contents", []))
    return next((key for key in keys if matches(pattern, key)), "")
