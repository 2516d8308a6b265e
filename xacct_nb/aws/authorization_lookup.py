"""AWS's own record of one denial, looked up by the authorization id that its text ends with."""

from collections.abc import Iterable, Mapping
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError, UnknownServiceError

from xacct_nb.aws.diagnosis_sessions import AccountSession
from xacct_nb.aws.sign_in import response_errors
from xacct_nb.diagnosis.snapshot import AuthorizationRecord, MatchedPolicy
from xacct_nb.errors import NoCredentials

SERVICE, OPERATION = "iam-toolbox", "get_request_authorization_details"
_MOST_PAGES = 3
_NO_CLIENT = "The installed botocore has no client for iam-toolbox: pip install -U boto3."
_RIGHT = "The session needs iam:GetRequestAuthorizationDetails."
_GONE = (
    "AWS has no such record for this session: it keeps one for a day, "
    "for the organization of the caller that was denied."
)
_REASONS = {
    "AccessDeniedException": _RIGHT,
    "AccessDenied": _RIGHT,
    "ResourceNotFoundException": _GONE,
    "ValidationException": "AWS does not accept the id: it may have been cut off.",
}


def look_up(
    authorization_id: str, sessions: Iterable[AccountSession]
) -> tuple[AuthorizationRecord | None, tuple[str, ...], str]:
    """Return AWS's record of a denial, the calls, and why there is none; the first session that may reads it.

    Source: IAM user guide, troubleshoot_access-denied-authorization-id: readable in the organization of the
    caller that was denied, for at least 24 hours; many services, not STS.
    """
    calls, why = list[str](), ""
    for session in sessions:
        try:
            client = session.client(SERVICE)
            if not hasattr(client, OPERATION):
                return None, tuple(calls), _NO_CLIENT
            return _record(authorization_id, client, session.profile, calls), tuple(calls), ""
        except UnknownServiceError:
            return None, tuple(calls), _NO_CLIENT
        except ClientError as problem:
            error = problem.response.get("Error", {})
            why = _REASONS.get(str(error.get("Code")), f"{error.get('Code')}: {error.get('Message')}")
        except (BotoCoreError, NoCredentials) as problem:
            why = f"{type(problem).__name__}: {problem}".splitlines()[0]
    return None, tuple(calls), why or "No session was given to look it up with."


def _record(authorization_id: str, client: Any, profile: str, calls: list[str]) -> AuthorizationRecord:
    evaluations, policies = list[Any](), dict[str, Any]()
    more: dict[str, str] = {}
    for _ in range(_MOST_PAGES):
        calls.append(f"{SERVICE}:{OPERATION}")
        with response_errors(profile):
            page = client.get_request_authorization_details(authorizationId=authorization_id, **more)
            evaluations += page.get("evaluations", [])
            policies |= {each["uri"]: each for each in page.get("policies", [])}
        if not page.get("nextToken"):
            break
        more = {"nextToken": page["nextToken"]}
    matched = (found for each in evaluations for found in _matched(each, policies))
    return AuthorizationRecord(
        id=authorization_id, matched=tuple(matched), denied=tuple(map(_denied, evaluations))
    )


def _denied(evaluation: Mapping[str, Any]) -> str:
    action, resource = evaluation.get("action", ""), evaluation.get("resource", "")
    return f"{evaluation.get('evaluatedEffect', '')}: {action} on {resource or 'no resource'}"


def _matched(evaluation: Mapping[str, Any], policies: Mapping[str, Any]) -> Iterable[MatchedPolicy]:
    """Yield the policies with a statement that denied the action."""
    for each in evaluation.get("matchedPolicies", []):
        statements = each.get("matchedStatements", [])
        denying = [one.get("sid", "") for one in statements if one.get("evaluatedEffect") == "DENY"]
        about = policies.get(each.get("uri", ""), {})
        if denying:
            yield MatchedPolicy(
                type=str(about.get("type", "")),
                uri=str(each.get("uri", "")),
                attached_to=tuple(str(one["arn"]) for one in about.get("attachedTo", []) if one.get("arn")),
                sids=tuple(filter(None, denying)),
                action=str(evaluation.get("action", "")),
            )
