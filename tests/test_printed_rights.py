"""How rights are printed: by side and step, within AWS's quota, in words that AWS knows."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.examples import a_grant, an_account, endpoint_of, root_iam
from support.fleet_world import LISTS_USERS
from support.in_process_sandbox import in_process_sandbox
from support.limited_admins import NAME, LimitedAdmins, give, recording
from xacct_nb.aws.organization_reader import read_organization, read_tags, read_units
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.changes.rights import STEPS, Right, policies_of
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.organization import Account, Organization
from xacct_nb.fleets.rights import needed_rights
from xacct_nb.iam.quotas import MANAGED_POLICY, size
from xacct_nb.linting.findings import lint_policy
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
BOUNDARY = "arn:aws:iam::222222222222:policy/bound"


def a_fleet(accounts: list[str], organization: Organization | None = None, **more: object) -> ExpandedFleet:
    grant = {
        "name": "readers",
        "sources": ["arn:aws:iam::111111111111:user/alice"],
        "accounts": accounts,
        "role": "reader-{account}",
        "permissions": [LISTS_USERS],
        "accept": ["wildcard-resource"],
    }
    return expand(Fleet(name="readers", grants=[grant | more]), organization)


def test_every_printed_action_resource_and_key_is_one_of_aws() -> None:
    every = a_grant(permissions_boundary=BOUNDARY, managed_policies=[BOUNDARY], adopt=True)
    services = [f"arn:aws:{each}" for each in ("kms:us-east-1:222222222222:key/a", "sqs:us-east-1:2:q")]
    inline = a_grant(
        caller_policy="inline",
        permissions_boundary=BOUNDARY,
        permissions=[{"actions": ["kms:Decrypt", "sqs:SendMessage"], "resources": services}],
    )
    needed = needed_rights(every, inline, a_fleet(["222222222222"]), account_role="Admin")
    found = [lint_policy(policy, kind="identity") for each in needed.needed for policy in each.merged]
    codes = {finding.code for findings in found for finding in findings.found}

    assert not codes & {"unknown-action", "action-without-resource", "unknown-key", "unknown-resource-type"}


def test_a_step_alone_has_no_more_than_its_own_rights() -> None:
    whole, plan = needed_rights(a_grant()), needed_rights(a_grant(), steps=["plan"])
    names = {action for each in plan.needed for right in each.rights for action in [right.action]}

    assert [each.merged for each in plan.needed] == [each.of_step("plan") for each in whole.needed]
    assert {name.partition(":")[2][:3] for name in names} == {"Get", "Lis"}
    assert set(whole.needed[0].by_step) == set(STEPS)


def test_a_boundary_of_the_grant_is_required_and_cannot_be_taken_away() -> None:
    of = needed_rights(a_grant(permissions_boundary=BOUNDARY), side="destination").of("destination")
    bounded = {right.action for right in of.rights if right.condition}

    assert bounded == {"iam:CreateRole", "iam:PutRolePolicy", "iam:PutRolePermissionsBoundary"}
    assert "iam:DeleteRolePermissionsBoundary" not in {right.action for right in of.rights}


def test_rights_that_are_too_long_for_one_policy_are_printed_as_several() -> None:
    accounts = [f"{number:012d}" for number in range(1, 201)]
    needed = needed_rights(a_fleet(accounts), account_role="OrganizationAccountAccessRole")
    hub = needed.of("hub").merged
    named = [arn for policy in hub for each in policy["Statement"] for arn in each["Resource"]]

    assert sorted(named) == [f"arn:aws:iam::{each}:role/OrganizationAccountAccessRole" for each in accounts]
    assert len(hub) == 3
    assert all(size(policy) <= MANAGED_POLICY for policy in hub)


def test_a_policy_is_filled_up_to_the_limit_and_not_beyond() -> None:
    rights = [Right(f"iam:Get{number}", (f"arn:{number}",)) for number in range(40)]
    whole = size(policies_of(rights)[0])

    assert len(policies_of(rights, whole)) == 1
    assert [size(each) <= whole - 1 for each in policies_of(rights, whole - 1)] == [True, True]


def test_accounts_that_need_the_same_are_printed_once_and_each_can_be_asked_for() -> None:
    needed = needed_rights(a_fleet(["222222222222", "333333333333"]), side="destination")
    (group,) = needed.needed
    one = needed.of("destination", "333333333333")

    assert group.accounts == ("222222222222", "333333333333")
    assert "role/reader-{account}" in str(needed)
    assert "arn:aws:iam::333333333333:role/reader-333333333333" in json.dumps(one.merged)
    assert "222222222222" not in json.dumps(one.merged)


@pytest.mark.parametrize("wrong", [{"steps": ["deploy"]}, {"steps": "plan"}, {"side": "middle"}])
def test_a_step_or_side_that_there_is_not_is_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(InvalidInput):
        needed_rights(a_grant(), **wrong)  # type: ignore[arg-type]


def test_a_fleet_by_the_organization_needs_the_rights_to_read_it(
    sandbox: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    LimitedAdmins(world)
    other, unit, identifier = an_account(), "ou-ab12-11111111", f"o-{world.source}"
    root = f"{identifier}/r-ab12/"
    paths = {world.source: root, other: f"{root}{unit}/"}
    set_organization(sandbox, identifier, paths, management=world.source)
    account = Account(other, "one", "ACTIVE", paths[other], {"environment": "prod"})
    known = Organization(identifier, world.source, (account,))
    chosen = {"organization_units": [unit], "tags": {"environment": "prod"}}
    policies = needed_rights(a_fleet([], known, **chosen)).of("organization").merged
    give(root_iam(world, world.source), policies)
    sessions = open_sessions(source_profiles=["limited-source"], endpoint=endpoint_of(world))
    client = sessions.client("limited-source", "organizations")
    with recording(monkeypatch) as seen:
        found = read_organization(client)
        read_tags(client, read_units(client, found), [other])

    assert {each.id for each in found.accounts} == {world.source, other}
    assert seen.denied_to(NAME) == []
    assert seen.unused(NAME, policies) == []


def test_the_doctor_prints_the_rights_for_a_file(tmp_path: Path) -> None:
    file = tmp_path / "grant.json"
    file.write_text(json.dumps(a_grant().to_json()))
    asked = ["doctor", "--rights", str(file), "--side", "source", "--step", "apply"]
    shown, printed = (CliRunner().invoke(main, [*asked, *more]) for more in ([], ["--json"]))
    (rights,) = json.loads(printed.stdout)["rights"]

    assert "Source account 111111111111" in shown.stdout
    assert (rights["side"], rights["accounts"], list(rights["steps"])) == (
        "source",
        ["111111111111"],
        ["apply"],
    )
    assert rights["policies"] == rights["steps"]["apply"]


def test_the_doctor_prints_the_rights_for_a_fleet_whose_secrets_are_not_there(tmp_path: Path) -> None:
    file = tmp_path / "fleet.json"
    grant = a_fleet(["222222222222"], conditions={"external_id": "env:NO_SUCH_ID"}).fleet.to_json()
    file.write_text(json.dumps(grant))
    done = CliRunner().invoke(main, ["doctor", "--rights", str(file), "--account-role", "Admin", "--json"])

    assert [each["side"] for each in json.loads(done.stdout)["rights"]] == ["source", "destination", "hub"]


def test_a_file_that_is_no_grant_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["doctor", "--rights", str(tmp_path / "none.yaml")])

    assert done.exit_code == 2
    assert "none.yaml" in done.output
