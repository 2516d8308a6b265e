"""The actions that IAM Access Analyzer sees in a trail of CloudTrail for a role.

It reads 90 days at most. Calls for data, such as s3:GetObject, are never among them.
Source: IAM user guide, access-analyzer-policy-generation.
"""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.usage import GeneratedActions, as_moment
from xacct_nb.errors import AwsRefused, WrongAccount
from xacct_nb.grants.grant import account_of
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, statements_of

_DAYS = timedelta(days=89)


def generated_actions(
    sessions: Sessions, trail: str, analyzer_role: str, patience: float, role: str
) -> GeneratedActions:
    """Return what a trail shows of a role; `analyzer_role` is the name of the role that may read the trail.

    Where the session may not ask for it, or it fails, the value says why.
    """
    try:
        return _generated(sessions, trail, analyzer_role, patience, role)
    except (AwsRefused, WrongAccount) as problem:
        return GeneratedActions(role, unknown=f"Not seen in the trail: {problem.what}")


def _generated(
    sessions: Sessions, trail: str, analyzer_role: str, patience: float, role: str
) -> GeneratedActions:
    account, name, until = account_of(role), Arn.parse(role).resource, datetime.now(UTC)
    analyzer = sessions.admin(account, "accessanalyzer")
    with translate_errors(f"access-analyzer:StartPolicyGeneration for {name}"):
        job = analyzer.start_policy_generation(
            policyGenerationDetails={"principalArn": role},
            cloudTrailDetails={
                "trails": [{"cloudTrailArn": trail, "allRegions": True}],
                "accessRole": f"arn:{sessions.partition}:iam::{account}:role/{analyzer_role}",
                "startTime": until - _DAYS,
            },
        )["jobId"]
    wait = Wait(f"what the trail shows of {name}", patience)
    with translate_errors(f"access-analyzer:GetGeneratedPolicy for {name}"):
        found = analyzer.get_generated_policy(jobId=job)
        while found["jobDetails"]["status"] == "IN_PROGRESS" and wait.pause():
            found = analyzer.get_generated_policy(jobId=job)
        wait.close()
        return _actions(role, found, wait)


def _actions(role: str, found: Any, wait: Wait) -> GeneratedActions:
    """Return the actions of a generated policy. Raises AwsRefused where there is none."""
    details = found["jobDetails"]
    if details["status"] == "IN_PROGRESS":
        what = f"IAM Access Analyzer was not ready after {wait.seconds:.0f} seconds."
        raise AwsRefused(what, aws_code="Timeout", hint="Raise patience_seconds, then run it again.")
    if details["status"] != "SUCCEEDED":
        error = details.get("jobError", {})
        what = f"IAM Access Analyzer: {error.get('code', details['status'])}: {error.get('message', '')}"
        raise AwsRefused(what, aws_code=str(error.get("code", details["status"])))
    result = found["generatedPolicyResult"]
    policies = [json.loads(each["policy"]) for each in result.get("generatedPolicies", ())]
    statements = [each for policy in policies for each in statements_of(policy)]
    period = result["properties"]["cloudTrailProperties"]
    return GeneratedActions(
        role,
        tuple(dict.fromkeys(action for each in statements for action in as_list(each.get("Action", [])))),
        as_moment(period["startTime"]),
        as_moment(period.get("endTime", details.get("completedOn"))),
        bool(result["properties"].get("isComplete")),
    )
