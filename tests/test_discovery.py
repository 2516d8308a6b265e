"""Grants of the tool are discovered as they were; those of others plan no change, or it is said why not."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from support.discovered import SECRET, a_world, details, discovered, fields_in, make, plan_of_adopted, root_of
from support.examples import grant_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.fleets.discovery import Discovery, discover_in
from xacct_nb.fleets.discovery_fleet import fleet_fields
from xacct_nb.fleets.discovery_grants import DiscoveredGrant
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
STANDING = "summary-readers"  # what every world has from the start
READING = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::reports/*"}
ASSUMING = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}


def policy(*statements: Any) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def trusting(principal: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}


def by_hand(world: World, name: str, *trust: Any, inline: Any = (READING,), **more: Any) -> str:
    """Make a role with an inline policy `own` that others wrote."""
    iam = root_of(world, "destination")
    made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(*trust), **more)
    if inline:
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=policy(*inline))
    return str(made["Role"]["Arn"])


def mallory(world: World) -> str:
    """A user whose own policy lets her assume any role."""
    return f"arn:aws:iam::{world.source}:user/mallory"


def found_in(discovery: Discovery) -> dict[str, DiscoveredGrant]:
    return {each.name: each for each in discovery.declared.grants if each.name != STANDING}


def gaps(discovery: Discovery, role: str) -> list[tuple[str, str]]:
    return [(each.why, each.effect) for each in discovery.declared.gaps if each.role == role]


def without_secret(grant: Grant, name: str) -> Grant:
    """The grant with a reference in place of its external ID."""
    if not grant.conditions.external_id.get_secret_value():
        return grant
    reference = f"env:XACCT_EXTERNAL_ID_{name.upper()}"
    return Grant(
        **grant.to_json() | {"conditions": grant.to_json()["conditions"] | {"external_id": reference}}
    )


class TestGrantsOfTheTool:
    @settings(max_examples=8, phases=[Phase.generate])  # shrinking would make accounts for minutes
    @given(data=st.data())
    def test_random_ones_are_discovered_as_they_were_and_plan_nothing(
        self, sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
    ) -> None:
        world = a_world(sandbox, tmp_path_factory.mktemp("world"))
        fields = data.draw(fields_in(world))
        if "none" in fields.values() or (fields["sources"] == [world.source] and "attach_to" not in fields):
            fields["destinations"].sort()  # no policy names the roles in their order
        grant = Grant(name="made", **fields)
        make(world, grant)

        discovery = discovered(world)
        (found,) = found_in(discovery).values()

        assert (found.grants, found.changes) == ((without_secret(grant, "made"),), ())
        assert plan_of_adopted(found.grants[0], world).changes == ()
        assert found.made

    def test_one_statement_of_a_role_of_others_is_discovered_as_that(self, world: World) -> None:
        role = by_hand(world, "theirs", trusting({"AWS": world.destination}))
        grant = grant_in(world, destinations=[role], manage="trust", permissions=[])
        make(world, grant)

        (found,) = found_in(discovered(world)).values()

        permissions = [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}]
        assert found.grants == (
            grant_in(world, destinations=[role], manage="trust", permissions=permissions),
        )
        assert plan_of_adopted(found.grants[0], world).changes == ()

    def test_a_role_that_may_assume_itself_is_told_from_one_that_is_a_source(self, world: World) -> None:
        itself = grant_in(world, name="itself", self_assume=True)
        role = itself.destinations[0]
        make(world, itself)
        other = grant_in(world, name="other", sources=[role, *itself.sources], destinations=[f"{role}-2"])
        make(world, other)

        found = found_in(discovered(world))

        assert {name: each.grants for name, each in found.items()} == {"itself": (itself,), "other": (other,)}

    def test_destinations_are_in_the_order_of_the_caller_policies(self, world: World) -> None:
        front = f"arn:aws:iam::{world.destination}:role/{'path/' * 20}"
        roles = [f"{front}r{number}" for number in (5, 3, 8, 1)]
        grant = grant_in(world, destinations=roles)
        make(world, grant)

        (found,) = found_in(discovered(world)).values()

        assert found.grants == (grant,)

    def test_what_others_changed_since_is_a_planned_change(self, world: World) -> None:
        grant = grant_in(world)
        make(world, grant)
        root_of(world, "destination").put_role_policy(
            RoleName="reports-reader", PolicyName="more", PolicyDocument=policy(READING)
        )
        root_of(world, "source").detach_user_policy(
            UserName="alice", PolicyArn=f"arn:aws:iam::{world.source}:policy/xacct-reports"
        )

        (found,) = found_in(discovered(world)).values()

        assert found.grants == (grant,)
        assert found.changes == (
            f"- inline-policy more on role/reports-reader in {world.destination}",
            f"+ attachment xacct-reports on user/alice in {world.source}",
        )
        assert [change.sign for change in plan_of_adopted(grant, world).changes] == ["-", "+"]

    def test_a_role_whose_trust_others_changed_is_told_from_the_rest_of_its_grant(self, world: World) -> None:
        role = f"arn:aws:iam::{world.destination}:role/r"
        make(world, grant_in(world, destinations=[f"{role}1", f"{role}2", f"{role}3"]))
        wider = policy(trusting({"AWS": [f"arn:aws:iam::{world.source}:user/alice", mallory(world)]}))
        root_of(world, "destination").update_assume_role_policy(RoleName="r2", PolicyDocument=wider)

        discovery = discovered(world)
        (found,) = found_in(discovery).values()

        assert found.roles == (f"{role}1", f"{role}3")
        assert gaps(discovery, f"{role}2") == [
            ("it is of the grant 'reports', whose other roles differ in sources", "no grant gives it")
        ]


class TestGrantsOfOthers:
    def test_a_role_that_a_grant_can_say_whole_is_declared_and_adopting_it_plans_nothing(
        self, world: World
    ) -> None:
        asks = {"StringEquals": {"sts:ExternalId": SECRET}, "Bool": {"aws:MultiFactorAuthPresent": "true"}}
        role = by_hand(
            world, "Data.Reader", trusting({"AWS": mallory(world)}, Condition=asks), MaxSessionDuration=7200
        )
        root_of(world, "destination").attach_role_policy(
            RoleName="Data.Reader", PolicyArn="arn:aws:iam::aws:policy/ReadOnlyAccess"
        )

        (found,) = found_in(discovered(world)).values()

        (grant,) = found.grants
        assert grant == Grant(
            name="data-reader",
            sources=[mallory(world)],
            destinations=[role],
            permissions=[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
            managed_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
            conditions={"external_id": "env:XACCT_EXTERNAL_ID_DATA_READER", "require_mfa": True},
            session_minutes=120,
            caller_policy="none",
            adopt=True,
        )
        assert (found.made, found.changes) == (False, ())
        assert plan_of_adopted(grant, world).changes == ()

    def test_each_statement_of_a_mixed_trust_policy_is_a_grant_of_its_own(self, world: World) -> None:
        hub = f"arn:aws:iam::{world.source}:role/hub"
        role = by_hand(
            world,
            "mixed",
            trusting({"AWS": mallory(world)}, Condition={"StringEquals": {"sts:ExternalId": SECRET}}),
            trusting({"AWS": [hub]}),
            trusting({"Service": "lambda.amazonaws.com"}),
            {"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:TagSession"},
        )

        discovery = discovered(world)
        found = found_in(discovery)

        assert {name: (each.grants[0].sources, each.grants[0].manage) for name, each in found.items()} == {
            "mixed": ((mallory(world),), "trust"),
            "mixed-2": ((hub,), "trust"),
        }
        assert [plan_of_adopted(each.grants[0], world).changes for each in found.values()] == [(), ()]
        assert gaps(discovery, role)[:2] == [
            ("it names services: lambda.amazonaws.com", "no grant gives it"),
            ("its trust policy has a Deny statement", "stays as it is"),
        ]

    def test_a_role_that_is_alike_in_several_accounts_is_one_grant(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        one, other = a_world(sandbox, tmp_path), a_world(sandbox, tmp_path)
        for world in (one, other):
            by_hand(world, "audit", trusting({"AWS": one.source}))
        read = [*details(one), *details(other)]

        found = found_in(discover_in(read))["audit"]

        assert len(found.grants) == 1
        assert sorted(each.split(":")[4] for each in found.roles) == sorted(
            [one.destination, other.destination]
        )

    def test_one_that_only_its_own_account_tells_apart_is_one_declaration(
        self, sandbox: Sandbox, tmp_path: Path
    ) -> None:
        one, other = a_world(sandbox, tmp_path), a_world(sandbox, tmp_path)
        for world in (one, other):
            logs = {**READING, "Resource": f"arn:aws:s3:::logs-{world.destination}/*"}
            by_hand(world, f"audit-{world.destination}", trusting({"AWS": one.source}), inline=(logs,))
        read = [*details(one), *details(other)]

        found = found_in(discover_in(read))["audit"]
        fleet, rest = fleet_fields("all", [found])

        assert len(found.grants) == 2
        assert rest == {}
        assert fleet["grants"][0] | {"accounts": []} == {
            "name": "audit",
            "sources": [one.source],
            "accounts": [],
            "role": "audit-{account}",
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}],
            "adopt": True,
        }
        assert sorted(fleet["grants"][0]["accounts"]) == sorted([one.destination, other.destination])
