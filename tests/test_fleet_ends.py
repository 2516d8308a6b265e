"""A fleet's grant that has ended is removed in all accounts; a rollback leaves what a later run changed."""

from dataclasses import replace

import pytest

import xacct_nb as xa
from support.desk import Desk
from support.fleet_world import LISTS_USERS, ROLE, FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.result import PROVEN, FleetResult
from xacct_nb.records.model import Record
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 2)


def two_grants(members: FleetWorld, expires: str) -> ExpandedFleet:
    """Two grants in all accounts, of which the first ends."""
    usual = {
        "sources": [members.alice],
        "accounts": list(members.members),
        "permissions": [LISTS_USERS],
        "accept": ["wildcard-resource"],
    }
    first = {**usual, "name": "readers", "role": ROLE, "expires": expires}
    return expand(Fleet(name="both", grants=[first, {**usual, "name": "listers", "role": "lister"}]))


def changed(fleet: ExpandedFleet, members: FleetWorld) -> FleetResult:
    plan = xa.plan_fleet(fleet, members.access)
    result: FleetResult = xa.apply_fleet(fleet, plan, members.access, approved=plan.digest)
    return result


def test_an_ended_grant_is_removed_everywhere_and_the_other_stays(members: FleetWorld) -> None:
    lasting, ended = two_grants(members, "2099-01-01"), two_grants(members, "2020-01-01")
    changed(lasting, members)
    removed = changed(ended, members)
    again = xa.plan_fleet(ended, members.access)

    assert {each.status for each in removed.results if each.side == "destination"} == {PROVEN}
    assert removed.summary == "Fleet: 2 of 2 roles proven, 2 of 2 removed, since their grants have ended."
    assert not any(map(members.has_role, members.members))
    assert {change.target.rpartition("/")[2] for each in removed.results for change in each.changes} == {
        "alice", "xacct-readers", ROLE,
    }  # fmt: skip
    assert again.changed == ()
    assert xa.prove_fleet(lasting, members.access).holds is False


def test_a_run_over_a_fleet_shortens_removes_and_rolls_back(desk: Desk, members: FleetWorld) -> None:
    at = replace(desk, in_process=True)
    fields = members.fields

    def run(**more: str) -> Record:
        return at.run("grant_a_fleet", **fields, **more).record

    def approved(**more: str) -> Record:
        plan = run(**more).plan
        assert plan
        return run(approve=plan.digest, **more)

    made = approved(expires="2099-12-31", until="2098-01-01")
    removed = approved(expires="2020-01-01")
    again = run(expires="2020-01-01")
    undone = at.rolled_back(record=removed.id).record

    assert [each.status for each in (made, removed, again, undone)] == [
        "succeeded", "succeeded", "no-change", "succeeded",
    ]  # fmt: skip
    assert made.approval
    assert made.approval.shortened == (
        "'readers' ends at 2098-01-01T00:00:00Z instead of at 2099-12-31T00:00:00Z"
    )
    assert [each.plan.notes[0] for each in (removed, again) if each.plan] == [
        "The grant 'readers' ended at 2020-01-01 00:00 UTC. "
        "This plan removes what was made for it, in 3 accounts.",
        "The grant 'readers' ended at 2020-01-01 00:00 UTC. Nothing of it is left to remove.",
    ]
    assert all(map(members.has_role, members.members))


def test_a_rollback_says_before_its_approval_what_a_later_run_changed(
    desk: Desk, members: FleetWorld
) -> None:
    at, fields = (
        replace(desk, in_process=True),
        {
            "name": "readers",
            "sources": [members.alice],
            "role": ROLE,
            "accept": ["wildcard-resource"],
        },
    )

    def approved(accounts: tuple[str, ...], action: str) -> Record:
        more = {"accounts": list(accounts), "permissions": [{"actions": [action], "resources": ["*"]}]}
        plan = at.run("grant_a_fleet", **fields, **more).record.plan
        assert plan
        return at.run("grant_a_fleet", approve=plan.digest, **fields, **more).record

    first = approved(members.members, "iam:ListUsers")
    approved(members.members[:1], "iam:ListRoles")
    planned = at.run("roll_back", record=first.id).record
    assert planned.card
    assert planned.plan
    undone = at.run("roll_back", record=first.id, approve=planned.plan.digest).record

    assert planned.card.sentences[0].startswith("This undoes the change of the fleet readers in the record")
    assert "left as" in planned.card.sentences[1]
    assert members.members[0] in planned.card.sentences[1]
    assert undone.status == "rollback-failed"
    assert undone.error
    assert "drifted" in undone.error.what
    assert "It was changed since that run, by a later run or by another actor." in undone.error.why
    assert undone.error.hint.startswith("Roll later runs back first")
    assert [members.has_role(account) for account in members.members] == [True, False]
