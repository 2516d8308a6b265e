"""Reads what AWS reports of the use of a grant's roles and sources: IAM's last accessed data, and a trail's.

Source: IAM API reference, GenerateServiceLastAccessedDetails and GetServiceLastAccessedDetails.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from functools import partial
from typing import Any

from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.iam_reads import default_version, get
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.policy_generation import generated_actions
from xacct_nb.aws.polling import Wait
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.usage import (
    PolicyActions,
    PrincipalUsage,
    ServiceUsage,
    TrackedAction,
    Usage,
    as_moment,
    tracked_since,
)
from xacct_nb.errors import AwsRefused, WrongAccount
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, statements_of

_PATIENCE = 60.0
_THREADS = 8


def read_usage(
    grant: Grant, sessions: Sessions, *, trail: str = "", analyzer_role: str = "", patience: float = _PATIENCE
) -> Usage:
    """Return what AWS reports of the use of a grant's roles and of the users and roles among its sources.

    With the ARN of a `trail` of CloudTrail and the name of the role with which IAM Access Analyzer reads it
    (`analyzer_role`), also what the trail shows for the last 90 days. What a session may not read is not
    known, and the value says which right is missing. Waits at most `patience` seconds for each report.
    Sessions of one side read that side alone.
    """
    roles = grant.destinations if sessions.side != SOURCE else ()
    sources = grant.principals if sessions.side != DESTINATION else ()
    sides = [*roles, *sources]
    found = dict(
        zip(sides, each_at_once(partial(_usage_of, sessions, patience), sides, threads=_THREADS), strict=True)
    )
    policies = (_policy_actions(sessions, grant, each) for each in grant.managed_policies if roles)
    asked = roles if trail and analyzer_role else ()
    generate = partial(generated_actions, sessions, trail, analyzer_role, patience)
    return Usage(
        tuple(found[each] for each in roles),
        tuple(found[each] for each in sources),
        tuple(policies),
        tuple(each_at_once(generate, asked, threads=_THREADS)),
    )


def _usage_of(sessions: Sessions, patience: float, principal: str) -> PrincipalUsage:
    """Return the use of a user or role, as far as the sessions may read it."""
    unknown: list[str] = []
    entity = _read(unknown, lambda: get(sessions, principal, "get_{kind}")[Arn.parse(principal).kind.title()])
    report = _read(unknown, lambda: _report(sessions, patience, principal)) if entity else None
    if entity is None or report is None:
        last = entity.get("RoleLastUsed", {}).get("LastUsedDate") if entity else None
        return PrincipalUsage(principal, last_used=as_moment(last), unknown=tuple(unknown))
    at: datetime = report[0]["JobCompletionDate"]
    return PrincipalUsage(
        principal,
        as_moment(at),
        as_moment(tracked_since(entity["CreateDate"], at)),
        tuple(_service(each) for page in report for each in page["ServicesLastAccessed"]),
        as_moment(entity.get("RoleLastUsed", {}).get("LastUsedDate")),
    )


def _read(unknown: list[str], read: Callable[[], Any]) -> Any:
    """Return what a read returns; None where it is refused, and the reason among what is unknown."""
    try:
        return read()
    except WrongAccount as problem:
        unknown.append(problem.what)
    except AwsRefused as problem:
        unknown.append(f"Not read: {problem.what}")
    return None


def _report(sessions: Sessions, patience: float, principal: str) -> list[Any]:
    """Return the pages of IAM's report on a user or role. Raises AwsRefused."""
    iam, name = sessions.admin(account_of(principal), "iam"), Arn.parse(principal).resource
    with translate_errors(f"iam:GenerateServiceLastAccessedDetails for {name}"):
        job = iam.generate_service_last_accessed_details(Arn=principal, Granularity="ACTION_LEVEL")["JobId"]
    wait = Wait(f"the report of use of {name}", patience)
    with translate_errors(f"iam:GetServiceLastAccessedDetails for {name}"):
        page = iam.get_service_last_accessed_details(JobId=job)
        while page["JobStatus"] == "IN_PROGRESS" and wait.pause():
            page = iam.get_service_last_accessed_details(JobId=job)
        wait.close()
        if page["JobStatus"] != "COMPLETED":
            raise _not_completed(name, page, wait)
        return [page, *_more(iam, job, page)]


def _more(iam: Any, job: str, page: Any) -> Iterator[Any]:
    while page.get("IsTruncated"):
        page = iam.get_service_last_accessed_details(JobId=job, Marker=page["Marker"])
        yield page


def _not_completed(name: str, page: Any, wait: Wait) -> AwsRefused:
    error = page.get("Error", {})
    if page["JobStatus"] == "IN_PROGRESS":
        what = f"The report of use of {name} was not there after {wait.seconds:.0f} seconds."
        return AwsRefused(what, aws_code="Timeout", hint="Raise patience_seconds, then run it again.")
    what = f"The report of use of {name} failed: {error.get('Code')}: {error.get('Message')}"
    return AwsRefused(what, aws_code=str(error.get("Code")))


def _service(found: Any) -> ServiceUsage:
    actions = found.get("TrackedActionsLastAccessed", ())
    return ServiceUsage(
        found["ServiceNamespace"],
        as_moment(found.get("LastAuthenticated")),
        tuple(TrackedAction(each["ActionName"], as_moment(each.get("LastAccessedTime"))) for each in actions),
    )


def _policy_actions(sessions: Sessions, grant: Grant, policy: str) -> PolicyActions:
    """Return what a managed policy allows, by its default version."""
    unknown: list[str] = []
    version = _read(unknown, lambda: default_version(sessions, policy, grant.destination_accounts[0]))
    if version is None:
        return PolicyActions(policy, unknown="".join(unknown) or f"The policy {policy} does not exist.")
    statements = statements_of(version["document"])
    allows = [each for each in statements if each.get("Effect") == "Allow"]
    denies = len(allows) < len(statements)
    if any("NotAction" in each for each in allows):
        return PolicyActions(policy, None, denies, f"{policy} allows all actions but some (NotAction).")
    actions = dict.fromkeys(action for each in allows for action in as_list(each["Action"]))
    return PolicyActions(policy, tuple(actions), denies)
