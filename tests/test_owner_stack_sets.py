"""The template of a stack set makes the roles of a grant in each account, and its scripts deploy it there."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from cfnlint.api import lint
from cfnlint.config import ManualArgs
from hypothesis import given

from support.examples import a_grant, an_account, endpoint_of, golden, grant_in, plan_of, root_iam
from support.fleet_world import a_fleet_world
from support.hostile_grants import TEXTS, grants, policy_with, with_text
from support.in_process_sandbox import in_process_sandbox
from support.owner_scripts import OwnerDesk, aws_cli
from support.owner_templates import AGREED, GRANTS, cloudformation, documents_in
from support.stack_sets import StackSets, serve
from xacct_nb.aws.clients import connect
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.writer import apply
from xacct_nb.changes.planner import diff
from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms import stackset
from xacct_nb.handoff.forms.half import half_of
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet, prove_fleet
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import Resident, World, add_user
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
__all__ = ["aws_cli"]
ONE, TWO = "222222222222", "333333333333"
UNIT = "ou-ab12-11111111"
ANY_BUCKET: dict[str, Any] = {
    "permissions": [{"actions": ["s3:ListAllMyBuckets"], "resources": ["*"]}],
    "accept": ["wildcard-resource"],
}


def role_in(account: str, name: str = "reader") -> str:
    return f"arn:aws:iam::{account}:role/{name}"


def template(asked: Any) -> dict[str, Any]:
    return dict(json.loads(hand_over(asked, "destination", "stackset")))


def in_account(value: Any, account: str) -> Any:
    """What CloudFormation makes of a value in an account."""
    if isinstance(value, Mapping):
        match dict(value):
            case {"Ref": "AWS::AccountId"}:
                return account
            case {"Fn::Sub": str(text)}:
                assert text.count("$") == text.count("${AWS::AccountId}")
                return text.replace("${AWS::AccountId}", account)
            case {"Fn::Join": ["", list(pieces)]}:
                return "".join(in_account(pieces, account))
        return {key: in_account(item, account) for key, item in value.items()}
    return [in_account(each, account) for each in value] if isinstance(value, list) else value


def policies_in(found: Mapping[str, Any], account: str) -> list[Any]:
    """The policies that the template makes in an account."""
    return documents_in({"Resources": in_account(found["Resources"], account)})


def expected(grant: Any, account: str) -> list[Any]:
    half = half_of(grant, "destination", account)
    return [each for role in half.roles for each in (role.trust, *role.inline.values())]


@pytest.fixture
def other(world: World) -> str:
    """A second destination account, with a bucket and the profile other-admin."""
    account = an_account()
    add_user(root_iam(world, account), world, Resident("other-admin", "destination", "admin", allowed="*"))
    s3 = connect(
        "s3",
        endpoint_url=world.endpoint,
        access_key_id=account,
        secret_access_key=world.root_secret(account),
    )
    s3.create_bucket(Bucket=f"reports-{account}")
    s3.put_object(Bucket=f"reports-{account}", Key="2026/summary.csv", Body=b"quarter")
    return account


def sessions_of(world: World, grant: Grant, *admins: str) -> Sessions:
    return open_sessions(
        grant,
        source_profiles=["source-admin"],
        destination_profiles=list(admins),
        caller_profiles=["alice", "mallory"],
        endpoint=endpoint_of(world),
    )


def deploy(world: World, account: str, text: str) -> None:
    """Make the stack that a stack set makes in an account."""
    client = cloudformation(world, account)
    agreed = [{"ParameterKey": "ExternalId", "ParameterValue": AGREED}] if "NoEcho" in text else []
    client.create_stack(
        StackName="StackSet-xacct",
        TemplateBody=text,
        Parameters=agreed,
        Capabilities=["CAPABILITY_NAMED_IAM"],
    )
    client.get_waiter("stack_create_complete").wait(StackName="StackSet-xacct", WaiterConfig={"Delay": 1})


def make_source_side(grant: Grant, sessions: Sessions) -> None:
    documents = build(grant, "source")
    plan = diff(documents, read(documents, sessions))
    apply(plan, sessions, approved=plan.digest, patience=1)


def test_the_access_to_both_accounts_holds_once_their_stacks_are_there(world: World, other: str) -> None:
    grant = grant_in(
        world,
        destinations=[role_in(world.destination), role_in(other)],
        conditions={"external_id": AGREED},
        **ANY_BUCKET,
    )
    text = str(hand_over(grant, "destination", "stackset"))
    assert AGREED not in text
    for account in (world.destination, other):
        deploy(world, account, text)
    sessions = sessions_of(world, grant, "destination-admin", "other-admin")
    make_source_side(grant, sessions)

    assert not plan_of(grant, sessions).changes
    proof = prove(grant, sessions)
    assert proof.holds
    told = str(proof)
    assert world.destination in told
    assert other in told
    stack = cloudformation(world, other).describe_stacks(StackName="StackSet-xacct")["Stacks"][0]
    assert AGREED not in json.dumps(stack, default=str)


def test_the_roles_of_a_fleet_are_one_stack_set_each_with_its_own_account_s_resources(
    world: World, other: str
) -> None:
    declared = {
        "name": "reports",
        "sources": [f"arn:aws:iam::{world.source}:user/alice"],
        "accounts": [world.destination, other],
        "role": "reader",
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports-{account}/*"]}],
    }
    (expanded,) = expand(Fleet(name="all", grants=[declared])).grants
    grants = [each.grant for each in expanded.slices() if each.side == "destination"]
    text = str(hand_over(grants, "destination", "stackset"))
    for account in (world.destination, other):
        deploy(world, account, text)
    source = expanded.source
    make_source_side(source, sessions_of(world, source, "destination-admin", "other-admin"))

    for grant, admin in zip(grants, ("destination-admin", "other-admin"), strict=True):
        sessions = sessions_of(world, grant, admin)
        documents = build(grant, "destination")
        assert not diff(documents, read(documents, sessions)).changes
        assert prove(grant, sessions).holds


def test_a_fleet_takes_the_roles_that_stacks_made_as_its_own_and_names_the_account_without(
    sandbox: Sandbox, world: World
) -> None:
    members = a_fleet_world(sandbox, world, 3)
    fleet = members.fleet()
    text = str(
        hand_over(
            [each.grant for each in fleet.slices if each.side == "destination"], "destination", "stackset"
        )
    )
    with_stacks, without = members.members[:2], members.members[2]
    for account in with_stacks:
        deploy(world, account, text)
    plan = plan_fleet(fleet, members.access)
    unchanged = [each.account for each in plan.slices if not each.plan.changes]
    sources = members.fleet(accounts=with_stacks)
    first = plan_fleet(sources, members.access)
    result = apply_fleet(sources, first, members.access, approved=first.digest)
    proven = prove_fleet(fleet, members.access)

    assert sorted(unchanged) == sorted(with_stacks)
    assert {each.account for each in first.slices if each.plan.changes} == {world.source}
    assert result.holds
    assert {each.account for each in proven.missing} == {without, world.source}


def test_a_new_account_has_the_role_and_no_caller_gets_in_before_the_grant_names_it(
    world: World, other: str
) -> None:
    grant, wider = (
        grant_in(world, destinations=destinations, **ANY_BUCKET)
        for destinations in ([role_in(world.destination)], [role_in(world.destination), role_in(other)])
    )
    text = str(hand_over(grant, "destination", "stackset"))
    for account in (world.destination, other):
        deploy(world, account, text)
    make_source_side(grant, sessions_of(world, grant, "destination-admin"))

    sessions = sessions_of(world, wider, "destination-admin", "other-admin")
    assert not prove(wider, sessions).holds

    make_source_side(wider, sessions)

    assert prove(wider, sessions).holds


def test_a_template_of_one_account_is_the_grant_there_and_takes_its_id_for_that_of_each_account() -> None:
    grant = a_grant(
        name="reports-222222222222",
        sources=[f"arn:aws:iam::{ONE}:user/alice"],
        permissions=[
            {
                "actions": ["s3:GetObject"],
                "resources": [
                    f"arn:aws:s3:::a-{ONE}/${{aws:username}}/*",
                    f"arn:aws:s3:::1{ONE}",
                    f"arn:aws:sqs:eu-west-1:{ONE}:{TWO}",
                ],
            }
        ],
        managed_policies=[f"arn:aws:iam::{ONE}:policy/own", "arn:aws:iam::aws:policy/ReadOnlyAccess"],
        permissions_boundary=f"arn:aws:iam::{ONE}:policy/bound",
    )
    found = template(grant)

    assert policies_in(found, ONE) == expected(grant, ONE)
    trusting, granted = policies_in(found, TWO)
    assert trusting == expected(grant, ONE)[0]
    assert granted["Statement"][0]["Resource"] == [
        f"arn:aws:s3:::a-{TWO}/${{aws:username}}/*",
        f"arn:aws:s3:::1{ONE}",
        f"arn:aws:sqs:eu-west-1:{TWO}:{TWO}",
    ]
    about = in_account(found["Resources"], TWO)["Role1"]["Properties"]
    assert about["PermissionsBoundary"] == f"arn:aws:iam::{TWO}:policy/bound"
    assert about["ManagedPolicyArns"][0] == f"arn:aws:iam::{TWO}:policy/own"
    assert about["Tags"] == [{"Key": "xacct-nb:grant", "Value": f"reports-{ONE}"}]
    assert f"have the id {ONE}, each account has its own id" in " ".join(found["Metadata"]["Gives"])


def test_an_id_that_all_accounts_share_stays_that_of_one_account() -> None:
    grant = a_grant(
        sources=[f"arn:aws:iam::{ONE}:user/alice"],
        destinations=[role_in(ONE), role_in(TWO)],
        permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::central-{ONE}/*"]}],
    )

    for account in (ONE, TWO, "444444444444"):
        assert policies_in(template(grant), account) == expected(grant, ONE)


def test_roles_by_name_and_path_are_the_same_in_any_order() -> None:
    one, two = "x/one", "two"
    grant = a_grant(destinations=[role_in(ONE, one), role_in(ONE, two), role_in(TWO, two), role_in(TWO, one)])
    roles = [each["Properties"] for each in template(grant)["Resources"].values()]

    assert sorted((each["Path"], each["RoleName"]) for each in roles) == [("/", "two"), ("/x/", "one")]


def test_a_name_with_the_id_of_its_account_is_made_so_in_each() -> None:
    found = template(a_grant(destinations=[role_in(ONE, f"reader-{ONE}"), role_in(TWO, f"reader-{TWO}")]))

    name = found["Resources"]["Role1"]["Properties"]["RoleName"]
    assert name == {"Fn::Sub": "reader-${AWS::AccountId}"}
    assert in_account(name, "444444444444") == "reader-444444444444"
    assert ONE not in json.dumps(found["Outputs"])


DIFFERENT: dict[str, tuple[Any, str]] = {
    "names": (
        a_grant(destinations=[role_in(ONE, "one"), role_in(TWO, "two")]),
        "Their names: '/one' in 222222222222, but '/two' in 333333333333",
    ),
    "paths": (a_grant(destinations=[role_in(ONE, "a/x"), role_in(TWO, "b/x")]), "'/a/x' in 222222222222"),
    "number": (a_grant(destinations=[role_in(ONE), role_in(ONE, "b"), role_in(TWO)]), "Their names"),
    "the id of another account in the name": (
        a_grant(destinations=[role_in(ONE, f"r-{ONE}"), role_in(TWO, f"r-{ONE}0")]),
        "Their names",
    ),
    "resources": (
        [
            a_grant(destinations=[role_in(account)], permissions=[{"actions": ["s3:*"], "resources": [it]}])
            for account, it in ((ONE, "arn:aws:s3:::a/*"), (TWO, "arn:aws:s3:::b/*"))
        ],
        "Resource: 'arn:aws:s3:::a/*' in 222222222222, but 'arn:aws:s3:::b/*' in 333333333333",
    ),
    "permissions": (
        [a_grant(destinations=[role_in(ONE)]), a_grant(destinations=[role_in(TWO)], permissions=[])],
        "The role reader, Properties: ",
    ),
    "conditions": (
        [
            a_grant(destinations=[role_in(ONE)]),
            a_grant(destinations=[role_in(TWO)], conditions={"require_mfa": True}),
        ],
        "AssumeRolePolicyDocument",
    ),
    "session lengths": (
        [a_grant(destinations=[role_in(ONE)]), a_grant(destinations=[role_in(TWO)], session_minutes=90)],
        "MaxSessionDuration: 3600 in 222222222222, but 5400 in 333333333333",
    ),
    "external IDs": (
        [
            a_grant(destinations=[role_in(account)], conditions={"external_id": f"agreed-{account}"})
            for account in (ONE, TWO)
        ],
        "The external ID",
    ),
    "grants": (
        [a_grant(destinations=[role_in(ONE)]), a_grant(name="others", destinations=[role_in(TWO)])],
        "The name of the grant: 'reports' in 222222222222, but 'others'",
    ),
    "two grants in one account": (
        [a_grant(destinations=[role_in(ONE)]), a_grant(destinations=[role_in(ONE, "b")])],
        "in the same account",
    ),
}


@pytest.mark.parametrize("what", DIFFERENT)
def test_roles_that_differ_in_more_than_the_account_are_refused_with_what_differs(what: str) -> None:
    asked, says = DIFFERENT[what]

    for form in ("stackset", "stackset-commands"):
        with pytest.raises(InvalidInput) as caught:
            hand_over(asked, "destination", form)

        assert says in str(caught.value)
        assert "agreed-" not in str(caught.value)


def test_a_stack_set_is_for_the_roles_of_all_accounts() -> None:
    grant = a_grant()

    for form in ("stackset", "stackset-commands"):
        with pytest.raises(InvalidInput, match="is for roles"):
            hand_over(grant, "source", form)
        with pytest.raises(InvalidInput, match="not for the account 222222222222 alone"):
            take_back(grant, "destination", form, ONE)
        with pytest.raises(InvalidInput, match="is for roles"):
            hand_over([], "destination", form)
        for fields in ({"self_assume": True}, {"manage": "trust"}):
            with pytest.raises(InvalidInput, match="Use the form commands or steps"):
                hand_over(a_grant(**fields), "destination", form)
    with pytest.raises(InvalidInput, match="Several grants do not fit"):
        hand_over([grant], "destination", "cloudformation")


LINTED = {
    **{name: [a_grant(**fields)] for name, fields in GRANTS.items()},
    "two accounts": [
        a_grant(
            destinations=[role_in(account, f"reader-{account}")],
            permissions=[
                {
                    "actions": ["s3:GetObject"],
                    "resources": [
                        f"arn:aws:s3:::a-{account}/*",
                        f"arn:aws:s3:::b-{account}/${{aws:userid}}/*",
                    ],
                }
            ],
            managed_policies=[f"arn:aws:iam::{account}:policy/own"],
            permissions_boundary=f"arn:aws:iam::{account}:policy/bound",
        )
        for account in (ONE, TWO)
    ],
}


@pytest.mark.parametrize("name", LINTED)
def test_cfn_lint_has_nothing_to_say_of_a_stack_set(name: str) -> None:
    text = str(hand_over(LINTED[name], "destination", "stackset"))

    assert [str(match) for match in lint(text, config=ManualArgs(regions=["us-east-1"]))] == []


@given(grant=grants())
def test_the_policies_of_any_grant_are_in_each_account_what_they_are_in_its_own(grant: Grant) -> None:
    (account,) = grant.destination_accounts
    assert policies_in(template(grant), account) == expected(grant, account)

    both = grant.model_copy(
        update={"destinations": (*grant.destinations, grant.destinations[0].replace(account, "444444444444"))}
    )
    for each in (account, "444444444444"):
        assert policies_in(template(both), each) == expected(both, each)


@pytest.mark.parametrize("name", TEXTS)
def test_a_hostile_text_beside_an_account_id_is_no_function(name: str) -> None:
    text = f"{TEXTS[name]}{ONE}{TEXTS[name]}"

    for policy in policies_in(template(with_text(text)), ONE):
        assert policy == policy_with(text)


def test_two_thousand_accounts_are_one_template_of_the_same_size() -> None:
    accounts = [f"{number:012d}" for number in range(500_000_000_000, 500_000_002_000)]
    grant = a_grant(destinations=[role_in(account) for account in accounts])

    assert len(hand_over(grant, "destination", "stackset")) < 9_000


@pytest.mark.parametrize(
    ("file", "text_of", "form"),
    [
        ("owner_form_stackset.template.json", hand_over, "stackset"),
        ("owner_form_stackset.sh", hand_over, "stackset-commands"),
        ("owner_form_stackset_removal.sh", take_back, "stackset"),
    ],
)
def test_a_stack_set_is_the_one_that_was_looked_at(file: str, text_of: Any, form: str) -> None:
    asked = a_grant(
        permissions=[{"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::reports-{ONE}/*"]}],
        conditions={"external_id": "env:NAME"},
    )

    assert text_of(asked, "destination", form) == golden(file)


def test_what_stack_sets_leave_out_is_in_the_template_and_at_the_head_of_the_script() -> None:
    grant = a_grant()
    script = hand_over(grant, "destination", "stackset-commands")

    assert template(grant)["Metadata"]["WhatStackSetsLeaveOut"] == list(stackset.LEFT_OUT)
    for said in stackset.LEFT_OUT:
        assert f"#   {said}\n" in script
    for topic in ("management account", "moves", "leaves", "suspended", "automatic deployment", "delegated"):
        assert topic in " ".join(stackset.LEFT_OUT)


@pytest.fixture
def served_world(served_sandbox: Sandbox, tmp_path: Path) -> World:
    return add_accounts(served_sandbox, an_account(), an_account(), tmp_path)


@pytest.fixture
def stack_sets(served_world: World) -> Iterator[StackSets]:
    """The organization of two destination accounts in one unit."""
    with serve(StackSets(served_world, {UNIT: [served_world.destination, an_account()]})) as sets:
        yield sets


@pytest.fixture
def desk(served_world: World, aws_cli: Path, tmp_path: Path) -> OwnerDesk:
    return OwnerDesk(served_world, "destination-admin", aws_cli, tmp_path / "desk")


def test_the_script_makes_the_stack_set_updates_it_and_the_other_one_removes_it(
    stack_sets: StackSets, desk: OwnerDesk
) -> None:
    world = stack_sets.world
    accounts = stack_sets.units[UNIT]
    grant = grant_in(
        world,
        destinations=[role_in(account) for account in accounts],
        conditions={"external_id": AGREED},
        **ANY_BUCKET,
    )
    wider = grant.model_copy(update={"session_minutes": 90})

    for asked in (grant, wider):
        done = desk.run(
            hand_over(asked, "destination", "stackset-commands"),
            **stack_sets.environment(),
            XACCT_EXTERNAL_ID=AGREED,
            XACCT_UNITS=f" {UNIT}, ",
        )
        assert (done.returncode, done.stderr) == (0, ""), done
        assert AGREED not in done.stdout
        assert [each.name for each in desk.folder.iterdir()] == ["script.sh"]

    for account in accounts:
        role = root_iam(world, account).get_role(RoleName="reader")["Role"]
        assert role["MaxSessionDuration"] == 5400
        assert AGREED in json.dumps(role["AssumeRolePolicyDocument"])
    (made,), (first, second) = stack_sets.asked("CreateStackSet"), stack_sets.asked("CreateStackInstances")
    assert (made["PermissionModel"], made["AutoDeployment.Enabled"]) == ("SERVICE_MANAGED", "true")
    assert first["Regions.member.1"] == first["region"] == "us-east-1"
    assert first["OperationPreferences.FailureTolerancePercentage"] == "10"
    assert second["OperationPreferences.ConcurrencyMode"] == "SOFT_FAILURE_TOLERANCE"

    removal = take_back(grant, "destination", "stackset-commands")
    for _ in range(2):
        done = desk.run(removal, **stack_sets.environment())
        assert (done.returncode, done.stderr) == (0, ""), done

    assert not stack_sets.sets
    for account in accounts:
        with pytest.raises(root_iam(world, account).exceptions.NoSuchEntityException):
            root_iam(world, account).get_role(RoleName="reader")


def test_the_script_names_the_accounts_that_have_no_role(stack_sets: StackSets, desk: OwnerDesk) -> None:
    account, suspended = stack_sets.units[UNIT]
    stack_sets.suspended = {suspended}
    grant = grant_in(stack_sets.world, destinations=[role_in(account)])

    done = desk.run(
        hand_over(grant, "destination", "stackset-commands"),
        **stack_sets.environment(),
        XACCT_UNITS=UNIT,
        XACCT_CALL_AS="DELEGATED_ADMIN",
        XACCT_REGION="eu-west-1",
        XACCT_TOLERATED="100",
    )

    assert done.returncode == 1
    assert f"{suspended}\teu-west-1\tOUTDATED\tSKIPPED_SUSPENDED_ACCOUNT" in done.stderr
    assert account not in done.stderr
    assert {call["CallAs"] for call in stack_sets.calls} == {"DELEGATED_ADMIN"}
    assert {call["region"] for call in stack_sets.calls} == {"eu-west-1"}
    preferred = stack_sets.asked("CreateStackInstances")[0]["OperationPreferences.FailureTolerancePercentage"]
    assert preferred == "100"


def test_the_script_fails_where_an_operation_did_or_no_account_is_there(
    stack_sets: StackSets, desk: OwnerDesk
) -> None:
    script = hand_over(grant_in(stack_sets.world), "destination", "stackset-commands")
    stack_sets.units = {UNIT: []}
    for ended, why in (("SUCCEEDED", "No account is in these units"), ("FAILED", "has ended: FAILED")):
        stack_sets.ended = ended
        done = desk.run(script, **stack_sets.environment(), XACCT_UNITS=UNIT)

        assert (done.returncode, why in done.stderr, "Done" in done.stdout) == (1, True, False), done


def test_hostile_texts_reach_aws_as_they_are_and_run_nothing(stack_sets: StackSets, desk: OwnerDesk) -> None:
    text = ONE.join(TEXTS.values())
    stack_sets.units = {UNIT: []}
    desk.run(
        hand_over(with_text(text), "destination", "stackset-commands"),
        **stack_sets.environment(),
        XACCT_UNITS=UNIT,
    )

    (made,) = stack_sets.asked("CreateStackSet")
    assert policies_in(json.loads(made["TemplateBody"]), ONE) == [policy_with(text)] * 2
    assert [each.name for each in desk.folder.iterdir()] == ["script.sh"]


def test_a_stack_set_of_others_is_left_as_it_is(stack_sets: StackSets, desk: OwnerDesk) -> None:
    grant = grant_in(stack_sets.world)
    own = stackset.description(half_of(grant, "destination"))
    for model, about in (("SELF_MANAGED", own), ("SERVICE_MANAGED", "baseline")):
        there = {"PermissionModel": model, "Description": about}
        stack_sets.sets["xacct-reports-destination"] = there
        for text_of in (hand_over, take_back):
            done = desk.run(
                text_of(grant, "destination", "stackset-commands"),
                **stack_sets.environment(),
                XACCT_UNITS=UNIT,
            )

            assert (done.returncode, "was not made for this grant" in done.stderr) == (1, True)
    assert {call["Action"] for call in stack_sets.calls} == {"DescribeStackSet"}


@pytest.mark.parametrize(
    ("units", "why"),
    [
        ("", "Set XACCT_UNITS"),
        (" , ", "Set XACCT_UNITS"),
        ("222222222222", "is no id"),
        ("ou-ab12-11111111,OU-ab12-11111111", "is no id"),
        ("* $(touch canary)", "is no id"),
        (",".join(f"ou-ab12-{number:08d}" for number in range(51)), "AWS takes 50 units, not 51"),
    ],
)
def test_units_that_are_none_are_refused_before_anything_is_asked(
    stack_sets: StackSets, desk: OwnerDesk, units: str, why: str
) -> None:
    done = desk.run(
        hand_over(grant_in(stack_sets.world), "destination", "stackset-commands"),
        **stack_sets.environment(),
        XACCT_UNITS=units,
    )

    assert (done.returncode, why in done.stderr) == (1, True), done
    assert not stack_sets.calls
    assert [each.name for each in desk.folder.iterdir()] == ["script.sh"]


def test_the_commands_in_a_template_do_the_same_by_hand(stack_sets: StackSets, desk: OwnerDesk) -> None:
    world = stack_sets.world
    grant = grant_in(world, destinations=[role_in(world.destination)], conditions={"external_id": AGREED})
    found = template(grant)
    (desk.folder / "FILE").write_text(json.dumps(found))
    parameters = [{"ParameterKey": "ExternalId", "ParameterValue": AGREED}]
    (desk.folder / "PARAMETERS").write_text(json.dumps(parameters))
    first, *commands = [each for each in found["Metadata"]["HowTo"] if "region=" in each or each[:3] == "aws"]

    done = desk.run(
        "\n".join(["set -e", first.replace("OU-ID,OU-ID", UNIT), *commands]), **stack_sets.environment()
    )

    assert (done.returncode, done.stderr) == (0, ""), done
    assert [call["Action"] for call in stack_sets.calls] == [
        "CreateStackSet",
        "CreateStackInstances",
        "ListStackSetOperations",
        "ListStackInstances",
        "UpdateStackSet",
        "DeleteStackInstances",
        "DeleteStackSet",
    ]


def test_a_template_that_is_too_large_for_a_command_is_refused() -> None:
    grant = a_grant(destinations=[role_in(ONE, f"reader-{number}") for number in range(60)])

    with pytest.raises(InvalidInput, match="too large for a command"):
        hand_over(grant, "destination", "stackset-commands")
    assert len(template(grant)["Resources"]) == 60
