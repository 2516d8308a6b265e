"""Makes the attempt of a diagnosis: AssumeRole once, with what AWS answers as a value."""

from collections.abc import Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import date_of, utc
from xacct_nb.aws.error_translation import text_of
from xacct_nb.aws.sign_in import response_errors
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.errors import NoCredentials


def try_once(attempt: Attempt, sts: AwsClient, profile: str = "") -> AttemptResult:
    """Make the attempt once, and note AWS's time. A denial is a value here, not an exception."""
    return try_for_credentials(attempt, sts, profile)[0]


def try_for_credentials(
    attempt: Attempt, sts: AwsClient, profile: str = ""
) -> tuple[AttemptResult, Mapping[str, Any]]:
    """Make the attempt once; return its result with the credentials of the session, none for a denial."""
    parameters = {"RoleSessionName": "xacct-nb-diagnosis", "RoleArn": attempt.role, **attempt.parameters}
    try:
        with response_errors(profile):
            response = sts.assume_role(**parameters)
    except ClientError as problem:
        request = str(problem.response.get("ResponseMetadata", {}).get("RequestId", ""))
        at = utc(date_of(problem.response))
        return AttemptResult(False, "", read_denial(f"{text_of(problem)} (Request ID: {request})"), at), {}
    except BotoCoreError as problem:
        kind = type(problem)
        denial = read_denial(f"{kind.__module__}.{kind.__name__}: {problem}")
        return AttemptResult(False, "", denial, utc()), {}
    except NoCredentials as problem:  # its credentials ended meanwhile
        return AttemptResult(False, "", read_denial(f"{problem.what} {problem.why}"), utc()), {}
    session = str(response["AssumedRoleUser"]["Arn"])
    return AttemptResult(True, session, at=utc(date_of(response))), response["Credentials"]
