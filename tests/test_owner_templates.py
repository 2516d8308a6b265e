"""The CloudFormation template of a side is valid, and makes that side in its account alone."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from hypothesis import given

from support.boto3_clients import policy
from support.examples import a_grant, an_account, grant_in, plan_of, root_iam, sessions_in
from support.hostile_grants import TEXTS, TEXTS_ANYWHERE, grants, policy_with, with_text
from support.in_process_sandbox import in_process_sandbox
from support.owner_scripts import OwnerDesk, aws_cli
from support.owner_templates import AGREED, GRANTS, cloudformation, documents_in
from xacct_nb.aws.probes import prove
from xacct_nb.errors import InvalidInput
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms.half import half_of
from xacct_nb.handoff.forms.quick_create import quick_create_link
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
__all__ = ["aws_cli"]
SIDES = ("destination", "source")
TEMPLATE_URL = "https://forms.s3.eu-west-1.amazonaws.com/reports.template.json"


def template(grant: Any, side: str) -> dict[str, Any]:
    return dict(json.loads(hand_over(grant, side, "cloudformation")))


def create(world: World, account: str, grant: Grant, side: str) -> None:
    text = hand_over(grant, side, "cloudformation")
    agreed = [{"ParameterKey": "ExternalId", "ParameterValue": AGREED}] if "NoEcho" in text else []
    client = cloudformation(world, account)
    client.create_stack(
        StackName=f"xacct-reports-{side}",
        TemplateBody=text,
        Parameters=agreed,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(
        StackName=f"xacct-reports-{side}", WaiterConfig={"Delay": 1}
    )


def test_two_stacks_make_the_grant_and_go_without_a_trace(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": AGREED}, session_minutes=90)
    sessions, accounts = sessions_in(world, grant), (world.destination, world.source)

    for side, account in zip(SIDES, accounts, strict=True):
        create(world, account, grant, side)

    assert not plan_of(grant, sessions).changes
    assert prove(grant, sessions).holds
    stack = cloudformation(world, world.destination).describe_stacks()["Stacks"][0]
    assert [each["OutputValue"] for each in stack["Outputs"]] == list(grant.destinations)
    assert AGREED not in json.dumps(stack, default=str)

    for side, account in zip(SIDES, accounts, strict=True):
        client = cloudformation(world, account)
        client.delete_stack(StackName=f"xacct-reports-{side}")
        client.get_waiter("stack_delete_complete").wait(
            StackName=f"xacct-reports-{side}", WaiterConfig={"Delay": 1}
        )

    assert all(change.sign == "+" for change in plan_of(grant, sessions).changes)


def test_many_principals_inline_policies_and_a_boundary_are_made_as_the_grant_says(world: World) -> None:
    here, there = f"arn:aws:iam::{world.source}", f"arn:aws:iam::{world.destination}"
    client = root_iam(world, world.destination)
    bound = client.create_policy(PolicyName="bound", PolicyDocument=policy("s3:*"))["Policy"]["Arn"]
    grant = grant_in(
        world,
        sources=[f"{here}:user/alice", f"{here}:role/hub"],
        destinations=[f"{there}:role/team/x/reports-reader", f"{there}:role/other"],
        caller_policy="inline",
        managed_policies=["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        permissions_boundary=bound,
        conditions={"role_session_name": "a-*", "session_tags": {"team": "x y"}},
    )
    for side, account in zip(SIDES, (world.destination, world.source), strict=True):
        create(world, account, grant, side)

    assert not plan_of(grant, sessions_in(world, grant)).changes


def test_no_other_account_can_launch_a_template(world: World) -> None:
    grant = grant_in(world)

    for side, account in zip(SIDES, (world.source, world.destination), strict=True):
        client = cloudformation(world, account)
        with pytest.raises(client.exceptions.ClientError, match=r"for the account \d{12} only"):
            create(world, account, grant, side)


@pytest.mark.parametrize("name", GRANTS)
def test_cfn_lint_has_nothing_to_say(name: str) -> None:
    for side in SIDES:
        text = str(hand_over(a_grant(**GRANTS[name]), side, "cloudformation"))  # it takes no other class

        assert [str(match) for match in lint(text, config=ManualArgs(regions=["us-east-1"]))] == []


@given(grant=grants())
def test_the_policies_of_any_grant_stand_in_its_template_as_they_are(grant: Grant) -> None:
    half = half_of(grant, "destination")
    expected = [each for role in half.roles for each in (role.trust, *role.inline.values())]
    assert documents_in(template(grant, "destination")) == expected

    half = half_of(grant, "source")
    assert documents_in(template(grant, "source")) == [each.document for each in half.caller_policies]


@given(text=TEXTS_ANYWHERE)
def test_a_text_is_no_intrinsic_function_of_a_template(text: str) -> None:
    for side in SIDES:
        assert all(each == policy_with(text) for each in documents_in(template(with_text(text), side)))


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_stands_in_a_template_as_it_is(name: str) -> None:
    assert documents_in(template(with_text(TEXTS[name]), "source")) == [policy_with(TEXTS[name])]


@pytest.mark.parametrize("text", ["{{resolve:ssm:/a}}", "a{{RESOLVE:secretsmanager:b}}"])
def test_a_text_that_cloudformation_would_look_up_is_refused(text: str) -> None:
    resource = {"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::{text}/*"]}

    with pytest.raises(InvalidInput, match="CloudFormation would replace"):
        hand_over(a_grant(permissions=[resource]), "destination", "cloudformation")


def test_a_quick_create_link_has_the_template_the_stack_and_nothing_else() -> None:
    grant = a_grant(name="a1-b", conditions={"external_id": "env:NAME"})
    link = quick_create_link(grant, "destination", f"{TEMPLATE_URL}?X=1&Y=a b#c")

    parts = urlsplit(link.url)
    page, _, query = parts.fragment.partition("?")
    assert (parts.scheme, parts.netloc) == ("https", "eu-west-1.console.aws.amazon.com")
    assert (parts.path, parts.query, page) == (
        "/cloudformation/home",
        "region=eu-west-1",
        "/stacks/quickcreate",
    )
    assert parse_qs(query, strict_parsing=True) == {
        "templateURL": [f"{TEMPLATE_URL}?X=1&Y=a b#c"],
        "stackName": ["xacct-a1-b-destination"],
    }
    told = str(link)
    assert [
        each for each in ("external ID", "CAPABILITY_NAMED_IAM", "execution role") if each not in told
    ] == []


@pytest.mark.parametrize(
    ("partition", "host"),
    [
        ("aws", "us-east-1.console.aws.amazon.com"),
        ("aws-cn", "cn-north-1.console.amazonaws.cn"),
        ("aws-us-gov", "us-gov-west-1.console.amazonaws-us-gov.com"),
    ],
)
def test_a_quick_create_link_is_to_the_console_of_the_partition(partition: str, host: str) -> None:
    account = an_account()
    grant = a_grant(
        sources=[f"arn:{partition}:iam::{account}:user/alice"],
        destinations=[f"arn:{partition}:iam::{an_account()}:role/reader"],
        permissions=[{"actions": ["s3:GetObject"], "resources": ["*"]}],
    )

    assert urlsplit(quick_create_link(grant, "source", "https://s3.amazonaws.com/a/b").url).netloc == host


@pytest.mark.parametrize(
    "address",
    [
        "http://forms.s3.amazonaws.com/a",
        "https://example.com/a",
        "https://s3.amazonaws.com.example.com/a",
        "reports.template.json",
        f"{TEMPLATE_URL}?{'x' * 1024}",
        "",
    ],
)
def test_an_address_that_cloudformation_does_not_take_is_refused(address: str) -> None:
    for region in ("", "eu-west-1"):
        with pytest.raises(InvalidInput, match="does not take this address"):
            quick_create_link(a_grant(), "destination", address, region=region)


def test_a_region_is_a_part_of_the_host_and_nothing_else() -> None:
    link = quick_create_link(a_grant(), "destination", TEMPLATE_URL, region="eu-central-1")
    assert link.url.startswith(
        "https://eu-central-1.console.aws.amazon.com/cloudformation/home?region=eu-central-1#"
    )

    for region in ("example.com/#", "eu-west-1.example.com/", "EU-WEST-1", "eu-west-1\n"):
        with pytest.raises(InvalidInput, match="There is no region"):
            quick_create_link(a_grant(), "destination", TEMPLATE_URL, region=region)


@pytest.mark.exhaustive
def test_the_command_in_a_template_deploys_it_and_the_script_deletes_its_stack(
    served_sandbox: Sandbox, aws_cli: Path, tmp_path: Path
) -> None:
    world = add_accounts(served_sandbox, an_account(), an_account(), tmp_path)
    grant = grant_in(world, conditions={"external_id": AGREED})
    for side in SIDES:
        desk = OwnerDesk(world, f"{side}-admin", aws_cli, tmp_path / side)
        (desk.folder / "FILE").write_text(hand_over(grant, side, "cloudformation"))
        command = template(grant, side)["Metadata"]["HowTo"][0]
        for pause in ("", "sleep 1; "):  # the AWS CLI names a change set by the second
            done = desk.run(pause + command, XACCT_EXTERNAL_ID=AGREED, AWS_REGION="us-east-1")
            assert (done.returncode, done.stderr) == (0, ""), done

    assert not plan_of(grant, sessions_in(world, grant)).changes

    for side in SIDES:
        desk = OwnerDesk(world, f"{side}-admin", aws_cli, tmp_path / side)
        other = OwnerDesk(world, f"{SIDES[side == SIDES[0]]}-admin", aws_cli, tmp_path / "other")
        refused, done = (each.run(take_back(grant, side, "cloudformation")) for each in (other, desk))
        assert (refused.returncode, done.returncode, done.stderr) == (1, 0, "")

    assert all(change.sign == "+" for change in plan_of(grant, sessions_in(world, grant)).changes)
