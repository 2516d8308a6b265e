"""Grants of the tool are discovered as they were; those of others plan no change, or it is said why not."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

import xacct_nb as xa
from support.discovered import (
    SECRET,
    a_world,
    accounts_with,
    details,
    discovered,
    fields_in,
    make,
    plan_of_adopted,
    root_of,
)
from support.examples import grant_in, sessions_in
from support.in_process_sandbox import in_process_sandbox
from support.random_worlds import own_documents, trust_documents
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.discovery import Discovery, discover_in
from xacct_nb.fleets.discovery_fleet import fleet_fields
from xacct_nb.fleets.discovery_grants import DiscoveredGrant
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.linting.access_after_plan import access_after_plan
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.runs.discovery import write_grants
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
        if not build(Grant(name="made", **fields)).caller_policies:
            fields["destinations"].sort()  # no policy names the roles in their order
        grant = Grant(name="made", **fields)
        make(world, grant)

        discovery = discovered(world)
        (found,) = found_in(discovery).values()

        assert (found.grants, found.changes) == ((without_secret(grant, "made"),), ())
        assert plan_of_adopted(found.grants[0], world).changes == ()
        assert found.made

    @pytest.mark.parametrize("form", ["managed", "inline"])
    def test_a_caller_policy_of_role_names_is_discovered_as_that(self, world: World, form: str) -> None:
        fields = {"conditions": {"organization_id": "o-a1b2c3d4e5"}, "caller_reach": "role-name"}
        grant = grant_in(world, **fields, caller_policy=form, adopt=False)
        make(world, grant)

        (found,) = found_in(discovered(world)).values()
        assert (found.grants, found.changes) == ((grant,), ())

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


ASKS = {"StringEquals": {"sts:ExternalId": SECRET}}
SERVICE, ANYONE = {"Service": "ec2.amazonaws.com"}, {"AWS": "*"}
NO_GRANT: dict[str, tuple[Callable[[World], Any], str]] = {
    "a service": (lambda world: trusting(SERVICE), "it names services: ec2.amazonaws.com"),
    "anyone": (lambda world: trusting(ANYONE, Condition=ASKS), "it names anyone in any account"),
    "a session": (
        lambda world: trusting({"AWS": f"arn:aws:sts::{world.source}:assumed-role/hub/one"}),
        "it names the session ",
    ),
    "both kinds at once": (
        lambda world: trusting({"AWS": mallory(world), **SERVICE}),
        "it names services: ec2.amazonaws.com",
    ),
    "all actions but one": (
        lambda world: {
            "Effect": "Allow",
            "Principal": {"AWS": mallory(world)},
            "NotAction": "sts:TagSession",
        },
        "it has NotAction",
    ),
    "all of STS": (
        lambda world: trusting({"AWS": mallory(world)}) | {"Action": "sts:*"},
        "it allows sts:*, which a grant with these conditions does not",
    ),
    "tags that nobody asks for": (
        lambda world: trusting({"AWS": mallory(world)}) | {"Action": ["sts:AssumeRole", "sts:TagSession"]},
        "it allows sts:tagsession, which a grant with these conditions does not",
    ),
    "a condition of another kind": (
        lambda world: trusting(
            {"AWS": world.source}, Condition={"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a*"}}
        ),
        "its condition is none of a grant: only arn:aws:iam::*:role/a*",
    ),
    "one of two external IDs": (
        lambda world: trusting(
            {"AWS": world.source}, Condition={"StringEquals": {"sts:ExternalId": [SECRET, f"{SECRET}-2"]}}
        ),
        "its condition is none of a grant: with an external ID",
    ),
    "an external ID with a wildcard": (
        lambda world: trusting(
            {"AWS": world.source}, Condition={"StringLike": {"sts:ExternalId": f"{SECRET}*"}}
        ),
        "its condition is none of a grant: the external ID",
    ),
    "no MFA": (
        lambda world: trusting(
            {"AWS": world.source}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "false"}}
        ),
        "its condition is none of a grant: without MFA",
    ),
}


class TestWhatNoGrantSays:
    @pytest.mark.parametrize(("statement", "why"), NO_GRANT.values(), ids=NO_GRANT)
    def test_a_statement_that_no_grant_writes_is_listed_with_its_reason(
        self, world: World, statement: Callable[[World], Any], why: str
    ) -> None:
        role = by_hand(world, "odd", statement(world))

        discovery = discovered(world)

        (gap,) = gaps(discovery, role)
        assert gap[0].startswith(why)
        assert gap[1] == "no grant gives it"
        assert found_in(discovery) == {}
        assert SECRET not in everything(discovery)

    def test_a_deleted_principal_is_listed(self, world: World) -> None:
        root_of(world, "source").create_user(UserName="gone")
        role = by_hand(world, "r", trusting({"AWS": f"arn:aws:iam::{world.source}:user/gone"}))
        root_of(world, "source").delete_user(UserName="gone")

        (gap,) = gaps(discovered(world), role)

        assert "which was deleted" in gap[0]

    def test_policies_that_no_grant_writes_stay_and_the_statement_is_declared(self, world: World) -> None:
        role = by_hand(
            world, "r", trusting({"AWS": mallory(world)}), inline=(READING, {**READING, "Effect": "Deny"})
        )

        discovery = discovered(world)
        (found,) = found_in(discovery).values()

        assert (found.grants[0].manage, found.changes) == ("trust", ())
        assert gaps(discovery, role) == [("its policy own: it has a Deny statement", "stays as it is")]
        assert plan_of_adopted(found.grants[0], world).changes == ()

    def test_a_caller_whom_its_own_account_keeps_out_is_said(self, world: World) -> None:
        alice = f"arn:aws:iam::{world.source}:user/alice"
        role = by_hand(world, "r", trusting({"AWS": [alice, mallory(world)]}))

        discovery = discovered(world)
        (found,) = found_in(discovery).values()

        assert gaps(discovery, role) == [
            (f"{alice}: one side only: its own policies do not allow it", "stays as it is")
        ]
        assert plan_of_adopted(found.grants[0], world).changes == ()

    def test_a_boundary_of_a_caller_is_said(self, world: World) -> None:
        iam = root_of(world, "source")
        only_with_mfa = {**ASSUMING, "Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}}
        edge = iam.create_policy(PolicyName="edge", PolicyDocument=policy(only_with_mfa))["Policy"]["Arn"]
        iam.put_user_permissions_boundary(UserName="mallory", PermissionsBoundary=edge)
        role = by_hand(world, "r", trusting({"AWS": mallory(world)}))

        assert gaps(discovered(world), role) == [
            (f"{mallory(world)}: its boundary: with MFA", "stays as it is")
        ]

    def test_callers_of_an_account_that_was_not_read_are_not_known(self, world: World) -> None:
        grant = grant_in(world)
        make(world, grant)

        discovery = discovered(world, "destination-admin")
        (found,) = found_in(discovery).values()

        assert (found.grants, found.changes) == ((grant,), ())
        whys = [why for why, _ in gaps(discovery, grant.destinations[0])]
        assert f"account {world.source}, where the callers of the grant 'reports' are, was not read" in whys
        assert [(each[0], each[2]) for each in discovery.wide.trusts] == [
            (f"arn:aws:iam::{world.destination}:role/reports-reader", "of an account that was not read"),
            (f"arn:aws:iam::{world.destination}:role/summary-reader", "of an account that was not read"),
        ]

    def test_roles_that_their_own_account_alone_may_assume_are_counted(self, world: World) -> None:
        by_hand(world, "r", trusting({"AWS": world.destination}))

        discovery = discovered(world)

        assert discovery.within == 2  # with the hub, whom the administrator of its own account may assume
        assert found_in(discovery) == {}


class TestRandomTrustPolicies:
    @settings(max_examples=40)
    @given(trust=trust_documents("user"), inline=own_documents)
    def test_adopting_what_is_declared_of_them_plans_nothing(self, trust: Any, inline: Any) -> None:
        read = accounts_with(trust, inline)

        discovery = discover_in(read)
        declared = [each for each in discovery.declared.grants if each.changes]

        assert declared == []
        assert len(discovery.declared.gaps) + len(discovery.declared.grants) + discovery.within > 0


class TestSecrets:
    def test_external_ids_are_in_nothing_that_is_shown_or_written(self, world: World, tmp_path: Path) -> None:
        make(world, grant_in(world, conditions={"external_id": SECRET}))
        by_hand(world, "theirs", trusting({"AWS": world.source}, Condition=ASKS))

        discovery = discovered(world)
        write_grants(discovery, tmp_path / "fleet.yaml")

        assert SECRET not in everything(discovery) + (tmp_path / "fleet.yaml").read_text()
        assert discovery.secrets == {SECRET}
        assert {each.fingerprint for each in found_in(discovery).values()} == {fingerprint(SECRET)}

    def test_it_goes_to_json_and_back(self, world: World) -> None:
        make(world, grant_in(world, conditions={"external_id": SECRET}))
        discovery = discovered(world)

        again = Discovery.from_json(json.loads(json.dumps(discovery.to_json())))

        assert str(again.declared) == str(discovery.declared)
        assert again.to_json() == discovery.to_json()

    def test_a_file_that_is_there_is_not_overwritten(self, world: World, tmp_path: Path) -> None:
        file = tmp_path / "fleet.yaml"
        write_grants(discovered(world), file)
        write_grants(discovered(world), file)
        file.write_text("mine")

        with pytest.raises(InvalidInput, match="cannot be written"):
            write_grants(discovered(world), file)


def everything(discovery: Discovery) -> str:
    """All that a discovery shows and writes."""
    parts = (
        discovery,
        discovery.declared,
        discovery.picture(),
        discovery.matrix,
        discovery.chains,
        discovery.wide,
    )
    shown = "".join(str(each) + each._repr_html_() for each in parts)
    return shown + json.dumps(discovery.to_json()) + repr(discovery)


class TestWithoutACallerPolicy:
    def test_a_caller_whom_nobody_lets_call_is_promised_nothing(self, world: World) -> None:
        grant = grant_in(world, caller_policy="none")
        documents, sessions = xa.build(grant), sessions_in(world, grant)

        (said,) = access_after_plan(documents, xa.read(documents, sessions))

        assert said.endswith("the lack of a policy of its own denies sts:AssumeRole.")

    def test_one_whose_own_policy_lets_it_call_is(self, world: World) -> None:
        grant = grant_in(world, sources=[mallory(world)], caller_policy="none")
        documents, sessions = xa.build(grant), sessions_in(world, grant)

        (said,) = access_after_plan(documents, xa.read(documents, sessions))

        assert "will be able to s3:GetObject" in said
