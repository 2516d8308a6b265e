"""A record of a large fleet, with results of every kind, made without a call."""

from typing import Any

from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.organization import Account, Organization
from xacct_nb.fleets.result import (
    DRIFTED,
    FAILED,
    NOT_PROVEN,
    NOT_STARTED,
    PROOF_FAILED,
    PROVEN,
    ROLLBACK_FAILED,
    ROLLED_BACK,
    STALE,
    UNCHANGED,
    UNREADABLE,
    FleetResult,
    SliceResult,
)
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.records.model import Record

SOURCE = "111111111111"
UNITS = ("ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333")
BROKEN = (
    (ROLLBACK_FAILED, "AWS returned AccessDenied to DeleteRole.", ""),
    (FAILED, "An unexpected error.", ""),
    (
        PROOF_FAILED,
        "ListUsers: Allowed was expected, AWS returned Denied",
        "An SCP of the organization denies it.",
    ),
    (UNREADABLE, "The role OrganizationAccountAccessRole of {account} cannot be assumed.", ""),
    (ROLLED_BACK, "AWS returned LimitExceeded to PutRolePolicy.", ""),
    (STALE, "What is to be changed now was not approved: - role role/reader.", ""),
    (DRIFTED, "The live state differs from the declaration: missing: role role/reader.", ""),
    (NOT_PROVEN, "No profile with this caller's credentials was given.", ""),
    (NOT_STARTED, "", ""),
)
"""A status of each kind that is not as it should be, with its reason and its cause."""


def a_fleet(accounts: int, sources: int) -> ExpandedFleet:
    """Return a fleet whose accounts are in three units, each with a name."""
    members = tuple(
        Account(
            f"{200_000_000_000 + each * 7:012d}",
            f"team-{each:04d}",
            "ACTIVE",
            f"o-a/r-ab12/{UNITS[each % 3]}/",
        )
        for each in range(accounts)
    )
    grant = {
        "name": "readers",
        "sources": [f"arn:aws:iam::{SOURCE}:user/person-{each:02d}" for each in range(sources)],
        "organization_units": ["r-ab12"],
        "role": "reader",
        "permissions": [{"actions": ["iam:ListUsers"], "resources": ["*"]}],
        "accept": ["wildcard-resource"],
    }
    return expand(Fleet(name="many", grants=[grant]), Organization("o-a", "999999999999", members))


def results_of(fleet: ExpandedFleet, broken: int) -> FleetResult:
    """Return the results of a run in which so many accounts are not as they should be, each kind in turn.

    In each account whose proof failed, it failed for the second source alone.
    """
    sources = fleet.fleet.grants[0].template.sources
    found = [SliceResult("readers", "source", SOURCE, UNCHANGED)]
    for number, account in enumerate(fleet.accounts):
        about = ("readers", "destination", account)
        if number >= broken:
            found.append(SliceResult(*about, PROVEN, proof="Proof: 4 of 4 answered as expected."))
            continue
        status, reason, cause = BROKEN[number % len(BROKEN)]
        only = dict.fromkeys(sources, PROVEN) | {sources[1]: status} if status == PROOF_FAILED else {}
        found.append(
            SliceResult(
                *about, status, code=status, reason=reason.replace("{account}", account), cause=cause,
                hint="Mend it, then run it again.", by_source=only,
            )
        )  # fmt: skip
    return FleetResult(fleet.fleet.name, tuple(found))


def a_fleet_record(fleet: ExpandedFleet, result: FleetResult, **fields: Any) -> Record:
    """Return the record of a run over a fleet."""
    accounts = {each.declared.name: each.accounts for each in fleet.grants}
    recorded = RecordedFleet(fleet.fleet.to_json(), accounts, (), result, fleet.described)
    usual = {
        "id": "20261124T101500Z-many-grant_a_fleet-1f3a",
        "notebook": "grant_a_fleet",
        "status": "succeeded" if result.holds else "proof-failed",
        "started": "2026-11-24T10:15:00Z",
        "ended": "2026-11-24T10:15:04Z",
        "seconds": 4.25,
        "where": "sandbox",
    }
    return Record(**{**usual, "fleet": recorded, **fields})
