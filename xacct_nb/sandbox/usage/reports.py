"""IAM's reports of services and actions last accessed: jobs that are made, looked at, and completed.

A report is what was known when its job was made. The sandbox reports calls at once, AWS within about four
hours.
Source: IAM API reference, GenerateServiceLastAccessedDetails and GetServiceLastAccessedDetails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from xacct_nb.sandbox.ministack import clock
from xacct_nb.sandbox.ministack.xml_text import escape_xml
from xacct_nb.sandbox.usage import recorder
from xacct_nb.sandbox.usage.allowed_services import (
    allowed_services,
    is_tracked,
    service_name,
    tracked_actions,
)
from xacct_nb.sandbox.usage.entities import ReportedEntity, entity_of
from xacct_nb.sandbox.usage.recorder import LastAttempt

_PAGE = 100
Used = Mapping[str, tuple[str, LastAttempt]]
"""By action: who attempted it last, and when."""


class ReportError(Exception):
    """An error of AWS: its HTTP status, its code and its message."""


@dataclass
class _Job:
    owner: tuple[str, str]
    kind: str
    made: float
    services: list[str]
    looks: int = field(default=0)


_jobs: dict[str, _Job] = {}


def generate(account: str, owner: str, parameters: Mapping[str, str]) -> str:
    """Make a job for an ARN, and return its id as XML. Raises ReportError for an ARN of nothing."""
    arn = parameters.get("Arn", "")
    entity = entity_of(account, arn)
    if entity is None:
        raise ReportError(404, "NoSuchEntity", f"ARN {arn} not found.")
    kind = parameters.get("Granularity") or "SERVICE_LEVEL"
    job = str(uuid4())
    _jobs[job] = _Job((account, owner), kind, clock.now(), _services(entity, kind == "ACTION_LEVEL"))
    return f"<JobId>{job}</JobId>"


def get(account: str, owner: str, parameters: Mapping[str, str]) -> str:
    """Return a job as XML: at its first look in progress, then its report. Raises ReportError."""
    name = parameters.get("JobId", "")
    job = _jobs.get(name)
    if job is None or job.owner != (account, owner):
        raise ReportError(404, "NoSuchEntity", f"The job ID: {name} could not be found.")
    job.looks += 1
    made = f"<JobCreationDate>{_moment(job.made)}</JobCreationDate>"
    if job.looks == 1:
        return f"<JobStatus>IN_PROGRESS</JobStatus>{made}"
    start = int(parameters.get("Marker") or 0)
    end = start + int(parameters.get("MaxItems") or _PAGE)
    more = end < len(job.services)
    marker = f"<Marker>{end}</Marker>" if more else ""
    return (
        f"<JobStatus>COMPLETED</JobStatus><JobType>{job.kind}</JobType>{made}"
        f"<JobCompletionDate>{_moment(job.made)}</JobCompletionDate>"
        f"<ServicesLastAccessed>{''.join(job.services[start:end])}</ServicesLastAccessed>"
        f"<IsTruncated>{str(more).lower()}</IsTruncated>{marker}"
    )


def role_last_used(role: Mapping[str, Any]) -> str:
    """Return when a role was used last, as the XML of GetRole; empty for never. Source: RoleLastUsed."""
    if (last := recorder.last_attempt(str(role["RoleId"]), clock.now())) is None:
        return "<RoleLastUsed/>"
    when = f"<LastUsedDate>{_moment(last.moment)}</LastUsedDate>"
    return f"<RoleLastUsed>{when}<Region>{escape_xml(last.region)}</Region></RoleLastUsed>"


def forget() -> None:
    """Forget every job."""
    _jobs.clear()


def _services(entity: ReportedEntity, with_actions: bool) -> list[str]:
    now = clock.now()
    attempts = [(arn, recorder.attempts_of(unique_id, now)) for arn, unique_id in entity.principals]
    services = {action.partition(":")[0] for _, found in attempts for action in found}
    return [
        _service(each, entity, attempts, with_actions)
        for each in allowed_services(entity.documents, services)
    ]


def _service(
    service: str,
    entity: ReportedEntity,
    attempts: list[tuple[str, dict[str, LastAttempt]]],
    with_actions: bool,
) -> str:
    """Return a service as XML, with the last attempt at it."""
    used: dict[str, tuple[str, LastAttempt]] = {}
    entities = set()
    for arn, found in attempts:
        for action, attempt in found.items():
            if action.partition(":")[0].lower() == service:
                entities.add(arn)
                used[action] = max(used.get(action, (arn, attempt)), (arn, attempt), key=lambda each: each[1])
    last = _last(max(used.values(), key=lambda each: each[1]), "LastAuthenticated", "") if used else ""
    tracked = "".join(_action(name, service, used) for name in tracked_actions(service, entity.documents))
    return (
        f"<member><ServiceName>{escape_xml(service_name(service))}</ServiceName>"
        f"<ServiceNamespace>{escape_xml(service)}</ServiceNamespace>{last}"
        f"<TotalAuthenticatedEntities>{len(entities)}</TotalAuthenticatedEntities>"
        + (
            f"<TrackedActionsLastAccessed>{tracked}</TrackedActionsLastAccessed>"
            if with_actions and tracked
            else ""
        )
        + "</member>"
    )


def _action(name: str, service: str, used: Used) -> str:
    found = used.get(f"{service}:{name}") if is_tracked(f"{service}:{name}") else None
    last = _last(found, "LastAccessed", "Time") if found else ""
    return f"<member><ActionName>{name}</ActionName>{last}</member>"


def _last(found: tuple[str, LastAttempt], front: str, end: str) -> str:
    """Return who attempted something last, when and where, by the names of a service or of an action."""
    arn, attempt = found
    return (
        f"<{front}{end}>{_moment(attempt.moment)}</{front}{end}>"
        f"<{front}Entity>{escape_xml(arn)}</{front}Entity><{front}Region>{escape_xml(attempt.region)}</{front}Region>"
    )


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


ANSWERS = {"GenerateServiceLastAccessedDetails": generate, "GetServiceLastAccessedDetails": get}
"""The operations of IAM that are answered here."""
