"""The plan of 10,000 accounts by 20 sources, from nothing and with nothing to do: `make bench`."""

import gc
import time
from collections.abc import Mapping

from xacct_nb.changes.planner import diff_with
from xacct_nb.fleets.expansion import Slice, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.live_findings import in_any_account, new_findings
from xacct_nb.fleets.plan import FleetPlan, SlicePlan
from xacct_nb.grants.documents import build
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.linting.findings import lint
from xacct_nb.linting.rules.rule import Finding

ACCOUNTS, SOURCES, MOST_SECONDS = 10_000, 20, 10.0
States = Mapping[tuple[str, str, str], State]


def test_seconds_of_the_plan_of_10_000_accounts_by_20_sources() -> None:
    fleet = a_fleet(ACCOUNTS)
    first, planned = measured(fleet, {})
    live = {each.key: State({it.key: it.after for it in each.plan.changes}) for each in planned.slices}
    again, unchanged = measured(fleet, live)
    print(
        f"\n{ACCOUNTS:,} accounts by {SOURCES} sources, from nothing: {first:.1f} s; to reach: {MOST_SECONDS}"
    )
    print(f"with nothing to do: {again:.1f} s")

    assert planned.summary.startswith("Plan: ")
    assert [each.code for each in planned.findings.found] == ["account-full"]
    assert "1000 of 10000 destination accounts of readers" in planned.findings.found[0].where
    assert len(planned.changed) == ACCOUNTS + 2
    assert unchanged.changed == ()
    assert max(first, again) <= MOST_SECONDS


def a_fleet(accounts: int) -> Fleet:
    """Sources in two accounts that reach a role of one name in each of many accounts."""
    users = [f"arn:aws:iam::{number % 2:012d}:user/team/caller-{number}" for number in range(SOURCES)]
    entry = {
        "name": "readers",
        "sources": users,
        "accounts": [f"{number:012d}" for number in range(100, 100 + accounts)],
        "role": "reports-reader",
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports-{account}/*"]}],
        "conditions": {"organization_id": "o-a1b2c3d4e5", "external_id": "agreed"},
        "caller_reach": "role-name",
        "accept": ["role-name-reach"],
    }
    return Fleet(name="all", grants=[entry])


def measured(fleet: Fleet, live: States) -> tuple[float, FleetPlan]:
    """The seconds of processor time of a plan, with its summary and its digest."""
    gc.collect()
    began = time.process_time()
    parts, known = expand(fleet).slices, dict[str, frozenset[Finding]]()
    for each in (parts[0], parts[1], parts[-1]):
        found = lint(build(each.grant, each.side), State({})).found
        known.setdefault(each.side, frozenset(in_any_account(it, each.account) for it in found))
    slices = tuple(planned(each, live.get(each.key, State({})), known[each.side]) for each in parts)
    plan = FleetPlan(fleet.name, slices)
    assert plan.digest
    assert plan.summary
    assert plan.findings
    return time.process_time() - began, plan


def planned(part: Slice, live: State, known: frozenset[Finding]) -> SlicePlan:
    """The plan of a slice and the findings on it, as a worker makes them; every tenth account is full."""
    documents = build(part.grant, part.side)
    plan = diff_with(documents, live, lambda: ())
    if not plan.changes:
        return SlicePlan(part.side, part.account, plan)
    quotas = {"Roles": 1000 if part.account.endswith("0") else 3, "RolesQuota": 1000}
    details: dict[ResourceKey, object] = {
        ResourceKey("principal", each): LivePrincipal(each) for each in documents.caller_policies
    }
    details[ResourceKey("quotas", f"arn:aws:iam::{part.account}:root")] = quotas
    state = State(live.resources, details)
    return SlicePlan(part.side, part.account, plan, new_findings(documents, state, part.account, known))
