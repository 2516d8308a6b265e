"""IAM's policy simulator, asked with and without a kind of policy: the difference names what denies."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.exceptions import ClientError, ParamValidationError

ALLOWED, EXPLICIT = "allowed", "explicitDeny"
# The kinds that can be left out, in the order in which they are tried. The first one nobody but the
# organization can read; the others only matter where the caller's own policies were not read.
ORGANIZATION, OTHERS = "scp", ("permission-boundary", "inline", "user-managed", "aws-managed")
_NO_RIGHT = "The session needs iam:SimulatePrincipalPolicy."
_OLD = "The installed botocore does not know PolicyExclusionList: pip install -U boto3."

Ask = Callable[..., Mapping[str, Any]]


def simulate(ask: Ask, principal: str, action: str, role: str, *, unread: bool) -> tuple[dict[str, Any], str]:
    """Return what the simulator says as fields of Source, and why a question was not asked.

    `ask` calls SimulatePrincipalPolicy; `unread` says that the caller's own policies are not all known. A
    condition key that the simulator does not have makes its answer less than certain. Source: IAM API
    reference, SimulatePrincipalPolicy; it ignores trust policies.
    """
    known = {"PolicySourceArn": principal, "ActionNames": [action], "ResourceArns": [role]}
    try:
        first = _result(ask(**known))
        decision = str(first.get("EvalDecision", ""))
        organization = first.get("OrganizationsDecisionDetail", {}).get("AllowedByOrganizations")
        found: dict[str, Any] = {
            "simulated": decision,
            "organization_allows": organization,
            "missing_keys": tuple(first.get("MissingContextValues", ())),
        }
    except ClientError as problem:
        return {}, _reason(problem)
    if decision in ("", ALLOWED):
        return found, ""
    try:
        kinds = (ORGANIZATION, *(OTHERS if unread else ()))
        return found | {"denied_by": next(_culprits(ask, known, kinds, decision), "")}, ""
    except ParamValidationError:
        return found, _OLD
    except ClientError as problem:
        return found, _reason(problem)


def _culprits(ask: Ask, known: Mapping[str, Any], kinds: tuple[str, ...], decision: str) -> Iterator[str]:
    """Yield the kinds that deny: without one the request is allowed, or an explicit deny ends."""
    for kind in kinds:
        answer = _result(ask(**known, PolicyExclusionList=[{"PolicyType": kind}])).get("EvalDecision")
        if answer == ALLOWED or (decision == EXPLICIT and answer not in (None, EXPLICIT)):
            yield kind


def _result(response: Mapping[str, Any]) -> Mapping[str, Any]:
    return next(iter(response["EvaluationResults"]), {})


def _reason(problem: ClientError) -> str:
    error = problem.response.get("Error", {})
    return (
        _NO_RIGHT if error.get("Code") == "AccessDenied" else f"{error.get('Code')}: {error.get('Message')}"
    )
