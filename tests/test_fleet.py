"""A fleet's declaration: its fields, the accounts that it expands to, and its table as CSV."""

from pathlib import Path
from typing import Any

import pytest

import xacct_nb as xa
from support.examples import an_account
from xacct_nb.errors import InvalidGrant, InvalidInput, UnreadableGrant
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.organization import Account, Organization
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.views import text

ALICE, BOB = (f"arn:aws:iam::111111111111:user/{name}" for name in ("alice", "bob"))
LOGS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}


def fields(**more: Any) -> dict[str, Any]:
    return {"name": "readers", "sources": [ALICE], "accounts": ["222222222222"], "role": "reader"} | more


def fleet(*grants: dict[str, Any]) -> Fleet:
    return Fleet(name="reports", grants=list(grants or [fields()]))


class TestDeclaration:
    @pytest.mark.parametrize(
        ("more", "said"),
        [
            ({"accounts": [222222222222]}, "grants.1: accounts.0: 222222222222 is not text"),
            ({"accounts": ["22222222222"]}, "grants.1: accounts: '22222222222' is not an account id"),
            ({"accounts": []}, "grants.1: accounts: no destination account is named"),
            ({"except_accounts": ["all"]}, "grants.1: except_accounts: 'all' is not an account id"),
            ({"destinations": []}, "grants.1: destinations: there is no such field in a fleet"),
            ({"role": "no role"}, "grants.1: destinations: "),
            ({"sources": []}, "grants.1: sources: is empty"),
            ({"acounts": []}, "grants.1: acounts: there is no such field"),
            (
                {"managed_policies": ["arn:aws:iam::333333333333:policy/x"]},
                "is not in the account of every role",
            ),
        ],
    )
    def test_what_is_not_valid_is_said_with_the_grant_and_the_field(
        self, more: dict[str, Any], said: str
    ) -> None:
        with pytest.raises(InvalidInput) as problem:
            fleet(fields(**more))

        assert said in problem.value.what
        assert problem.value.hint

    def test_two_grants_of_one_name_are_refused(self) -> None:
        with pytest.raises(InvalidGrant, match="two grants have the name 'readers'"):
            fleet(fields(), fields(role="another"))

    def test_it_goes_to_json_and_back(self) -> None:
        declared = fleet(fields(permissions=[LOGS], managed_policies=["arn:aws:iam::{account}:policy/logs"]))

        assert Fleet(**declared.to_json()) == declared

    def test_an_external_id_is_a_fingerprint_in_json(self) -> None:
        shown = str(fleet(fields(conditions={"external_id": "a-secret-of-the-vendor"})).to_json())

        assert "a-secret-of-the-vendor" not in shown


class TestExpansion:
    def test_each_account_has_a_slice_with_its_own_role_and_id(self) -> None:
        policy = "arn:aws:iam::{account}:policy/logs"
        declared = fleet(
            fields(
                accounts=["222222222222", "333333333333"],
                role="reader-{account}",
                permissions=[LOGS],
                managed_policies=[policy],
                permissions_boundary=policy,
            )
        )
        last = expand(declared).slices[-1]

        assert last.key == ("readers", DESTINATION, "333333333333")
        assert last.grant.destinations == ("arn:aws:iam::333333333333:role/reader-333333333333",)
        assert last.grant.permissions[0].resources == ("arn:aws:s3:::logs-333333333333/*",)
        assert last.grant.managed_policies == ("arn:aws:iam::333333333333:policy/logs",)
        assert last.grant.permissions_boundary == "arn:aws:iam::333333333333:policy/logs"

    def test_a_slice_is_a_grant_as_if_it_had_been_declared(self) -> None:
        declared = fleet(fields(permissions=[LOGS], conditions={"require_mfa": True}, session_minutes=90))
        found = expand(declared).slices[-1].grant
        role = "arn:aws:iam::222222222222:role/reader"
        alone = xa.Grant(
            name="readers",
            sources=[ALICE],
            destinations=[role],
            permissions=[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-222222222222/*"]}],
            conditions={"require_mfa": True},
            session_minutes=90,
        )

        assert build(found, DESTINATION) == build(alone, DESTINATION)

    def test_the_source_side_has_one_slice_for_each_account_with_the_roles_of_all(self) -> None:
        carol = "arn:aws:iam::444444444444:role/carol"
        found = expand(
            fleet(
                fields(sources=[ALICE, carol, BOB, "555555555555"], accounts=["222222222222", "333333333333"])
            )
        )
        sources = [each for each in found.slices if each.side == "source"]

        assert [(each.account, each.grant.sources) for each in sources] == [
            ("111111111111", (ALICE, BOB)),
            ("444444444444", (carol,)),
        ]
        assert all(len(each.grant.destinations) == 2 for each in sources)

    def test_accounts_are_chosen_in_the_organization_and_those_left_out_have_a_reason(self) -> None:
        inside, outside, closed = (an_account() for _ in range(3))
        path = "o-a1b2c3d4e5/r-ab12/ou-ab12-11111111/"
        organization = Organization(
            "o-a1b2c3d4e5",
            inside,
            (
                Account(inside, "inside", "ACTIVE", path),
                Account(outside, "outside", "ACTIVE", "o-a1b2c3d4e5/r-ab12/"),
                Account(closed, "closed", "SUSPENDED", path),
            ),
        )
        found = expand(fleet(fields(accounts=[], organization_units=["ou-ab12-11111111"])), organization)

        assert found.accounts == (inside,)
        assert "SUSPENDED" in text(found.view())

    def test_units_need_the_organization(self) -> None:
        with pytest.raises(InvalidGrant, match="readers: organization_units and tags need the organization"):
            expand(fleet(fields(organization_units=["ou-ab12-11111111"])))

    def test_two_grants_with_the_same_role_are_refused(self) -> None:
        with pytest.raises(
            InvalidGrant, match="readers and others both have the role 'reader' of account 222"
        ):
            expand(fleet(fields(), fields(name="others", role="Reader")))

    def test_a_fleet_without_an_account_left_is_refused(self) -> None:
        with pytest.raises(InvalidGrant, match="readers: no destination account is left"):
            expand(fleet(fields(except_accounts=["222222222222"])))


class TestFile:
    def test_a_yaml_file_is_read(self, tmp_path: Path) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(
            "name: reports\ngrants:\n- name: readers\n"
            f"  sources: [{ALICE}]\n  accounts: ['222222222222']\n  role: reader\n"
        )

        assert xa.load_fleet(file) == fleet()

    def test_a_csv_table_is_read(self, tmp_path: Path) -> None:
        file = tmp_path / "reports.csv"
        file.write_text(
            "grant,source,account,role,actions,resources\n"
            f"readers,{ALICE},222222222222,reader,s3:GetObject,arn:aws:s3:::logs-{{account}}/*\n"
        )

        assert xa.load_fleet(file) == fleet(fields(permissions=[LOGS]))

    @pytest.mark.parametrize(
        ("content", "said"),
        [
            ("grant,source,account\na,b,c\n", "has no column 'role'"),
            ("grant,source,account,role\n", "The table has no rows"),
            ("grant,source,account,role\nreaders,,222222222222,reader\n", "Row 1: source is empty"),
            ("grant,source,account,role,action\nr,s,a,r,x\n", "Row 1: there is no column 'action'"),
            (
                f"grant,source,account,role\nr,{ALICE},222222222222,x\nr,{BOB},333333333333,x\n",
                "grant 'r': arn:aws:iam::111111111111:user/alice has no row for account 333333333333",
            ),
            (
                f"grant,source,account,role\nr,{ALICE},222222222222,x\nr,{ALICE},333333333333,y\n",
                "grant 'r': role has different values: 'x', 'y'",
            ),
        ],
    )
    def test_a_table_that_is_no_fleet_is_refused(self, tmp_path: Path, content: str, said: str) -> None:
        file = tmp_path / "reports.csv"
        file.write_text(content)
        with pytest.raises(InvalidGrant) as problem:
            xa.load_fleet(file)

        assert said in problem.value.what

    @pytest.mark.parametrize("name", ["none.yaml", "none.csv"])
    def test_a_file_that_is_not_there_is_said(self, tmp_path: Path, name: str) -> None:
        with pytest.raises(UnreadableGrant, match="cannot be used"):
            xa.load_fleet(tmp_path / name)

    def test_what_steers_a_run_is_refused(self, tmp_path: Path) -> None:
        file = tmp_path / "fleet.yaml"
        file.write_text(f"name: reports\nsandbox: false\ngrants: []\nsources: [{ALICE}]\n")

        with pytest.raises(InvalidInput, match="sandbox"):
            xa.load_fleet(file)
