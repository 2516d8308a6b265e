"""Reports of use for the case that most tests begin with, and a value of each kind that narrowing shows."""

from typing import Any

from support.examples import ALICE, ROLE, a_grant
from xacct_nb.changes.narrowing import NarrowedItem, Narrowing
from xacct_nb.changes.source_use import SourceUse
from xacct_nb.changes.usage import (
    GeneratedActions,
    PolicyActions,
    PrincipalUsage,
    ServiceUsage,
    TrackedAction,
    Usage,
)
from xacct_nb.fleets.fleet_narrowing import FleetNarrowing
from xacct_nb.runs.narrowing_run import NarrowedFile

READ_AT, USED_AT, SINCE = "2026-11-29T12:00:00Z", "2026-11-01T12:00:00Z", "2026-01-01T00:00:00Z"


def service(name: str, last: str = "", **actions: str) -> ServiceUsage:
    """A service with its last attempt, and the tracked actions with theirs."""
    return ServiceUsage(name, last, tuple(TrackedAction(*each) for each in actions.items()))


def used(*services: ServiceUsage, role: str = ROLE, since: str = SINCE, **rest: Any) -> PrincipalUsage:
    """The use of a role, read on one day, tracked since the start of that year."""
    return PrincipalUsage(role, READ_AT, since, services, **rest)


USAGE_VALUES: tuple[Any, ...] = (
    Usage(
        (used(service("s3", USED_AT, CreateBucket=USED_AT, DeleteBucket="")), PrincipalUsage("role")),
        (used(role=ALICE, unknown=("reason",)),),
        (PolicyActions("policy", unknown="why"),),
        (GeneratedActions(ROLE, ("s3:CreateBucket",), SINCE, READ_AT), GeneratedActions("r", unknown="no")),
    ),
    Narrowing(
        "reports",
        (
            NarrowedItem("where", "what", "dropped", (), "unused", "because"),
            NarrowedItem("where", "what", "narrowed", ("stays",), "used", "because"),
        ),
        a_grant(permissions=()),
        sources=(SourceUse(ALICE, "never", "says"),),
        notes=("note",),
    ),
    Narrowing("reports", (), ends=True),
    NarrowedFile("file", asked=True),
    FleetNarrowing("fleet", (Narrowing("reports", (), notes=("note",)),)),
    NarrowedFile(),
)
