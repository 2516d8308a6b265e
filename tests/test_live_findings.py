"""Findings from the live state, before a plan is approved: real accounts of the sandbox, made so by hand."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from support.desk import Desk
from support.examples import SOME_POLICY, grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.reader import read
from xacct_nb.errors import InvalidGrant, NotAccepted, NotOwned
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import ResourceKey
from xacct_nb.linting.findings import Findings, lint
from xacct_nb.linting.managers import managers
from xacct_nb.linting.rules.live import LIVE_RULES
from xacct_nb.linting.rules.rule import Finding
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox
ASSUME = "sts:AssumeRole"
tried: set[str] = set()


def statement(effect: str, action: Any, resource: Any = "*", **more: Any) -> str:
    fields = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [fields]})


def findings(world: World, grant: Grant | None = None, **profiles: str) -> Findings:
    grant = grant or grant_in(world)
    documents = build(grant)
    return lint(documents, read(documents, sessions_in(world, grant, **profiles)))


def found(world: World, code: str, **fields: Any) -> list[Finding]:
    """The findings of one code, of the article's case with these fields."""
    tried.add(code)
    return [each for each in findings(world, grant_in(world, **fields)).found if each.code == code]


def one(world: World, code: str, **fields: Any) -> Finding:
    (finding,) = found(world, code, **fields)
    return finding


@pytest.fixture
def source(world: World) -> Any:
    return root_iam(world, world.source)


@pytest.fixture
def destination(world: World) -> Any:
    return root_iam(world, world.destination)


def make_role(iam: Any, name: str = "reports-reader", trusted: str = "*", **fields: Any) -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": trusted}, "Action": ASSUME}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [allow]})
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust, **fields)


def make_policy(iam: Any, name: str, document: str = json.dumps(SOME_POLICY), **fields: Any) -> str:
    return str(iam.create_policy(PolicyName=name, PolicyDocument=document, **fields)["Policy"]["Arn"])


def tags(**named: str) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in named.items()]


def test_the_articles_case_has_no_finding_in_fresh_accounts(world: World) -> None:
    assert findings(world).found == ()


@pytest.mark.parametrize(("count", "is_full"), [(9, False), (10, True)])
def test_a_user_with_10_of_10_attached_policies(world: World, source: Any, count: int, is_full: bool) -> None:
    have = len(source.list_attached_user_policies(UserName="alice")["AttachedPolicies"])
    for number in range(count - have):
        source.attach_user_policy(UserName="alice", PolicyArn=make_policy(source, f"other{number}"))
    hits = found(world, "many-attachments")

    assert [(each.where, each.severity) for each in hits] == [
        ("attachments of user/alice", "warning")
    ] * is_full
    assert all("11 policies; AWS accepts 10, or 20 where the quota was raised" in each.why for each in hits)


def test_a_group_that_is_full(world: World, source: Any) -> None:
    for number in range(10):
        source.attach_group_policy(GroupName="analysts", PolicyArn=make_policy(source, f"other{number}"))
    group = f"arn:aws:iam::{world.source}:group/analysts"

    assert one(world, "many-attachments", attach_to=group).where == "attachments of group/analysts"


def test_the_grants_own_policy_is_not_counted_twice(world: World, source: Any) -> None:
    own = make_policy(source, "xacct-reports", Tags=[{"Key": "xacct-nb:grant", "Value": "reports"}])
    source.attach_user_policy(UserName="alice", PolicyArn=own)
    quotas = findings(world).headroom
    assert quotas is not None

    assert [each.used for each in quotas.quotas if each.name == "attachments of user/alice"] == [1]


def test_inline_policies_of_the_caller_use_its_quota(world: World, source: Any) -> None:
    long = statement("Allow", [f"s3:Get{number:040d}" for number in range(38)])
    source.put_user_policy(UserName="alice", PolicyName="other", PolicyDocument=long)

    assert one(world, "inline-policies-full", caller_policy="inline").where == "inline policies of user/alice"
    assert found(world, "inline-policies-full") == []


def test_a_policy_with_five_versions_loses_one(world: World, source: Any) -> None:
    arn = make_policy(source, "xacct-reports", Tags=[{"Key": "xacct-nb:grant", "Value": "reports"}])
    for _ in range(4):
        source.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(SOME_POLICY), SetAsDefault=True)
    finding = one(world, "oldest-version-deleted")

    assert (finding.where, finding.severity) == ("policy/xacct-reports", "note")
    assert "v1 is deleted for good" in finding.why


@pytest.mark.parametrize("name", ["xacct-reports", "XACCT-Reports"])
def test_a_policy_of_the_name_under_another_path(world: World, source: Any, name: str) -> None:
    there = make_policy(source, name, Path="/team/")

    assert f"{there} has this name" in one(world, "name-taken").why


def test_a_policy_that_somebody_else_made(world: World, source: Any) -> None:
    make_policy(source, "xacct-reports", Tags=[{"Key": "xacct-nb:grant", "Value": "another"}])
    grant = grant_in(world)

    assert "is of the grant another" in one(world, "name-taken").why
    assert found(world, "name-taken", adopt=True) == []
    with pytest.raises(NotOwned):
        plan_of(grant, sessions_in(world, grant))


def test_a_role_that_somebody_else_made(world: World, destination: Any) -> None:
    make_role(destination)

    assert one(world, "name-taken").where == "role/reports-reader"
    assert found(world, "name-taken", adopt=True) == []


def test_an_inline_policy_of_the_name_that_no_grant_wrote(world: World, source: Any) -> None:
    source.put_user_policy(
        UserName="alice", PolicyName="xacct-reports", PolicyDocument=json.dumps(SOME_POLICY)
    )
    finding = one(world, "inline-policy-replaced", caller_policy="inline")

    assert finding.where == "user/alice"
    source.put_user_policy(
        UserName="alice", PolicyName="xacct-reports", PolicyDocument=statement("Allow", ASSUME)
    )
    assert found(world, "inline-policy-replaced", caller_policy="inline") == []


def test_an_inline_policy_of_the_name_on_a_role_that_is_taken_over(world: World, destination: Any) -> None:
    make_role(destination)
    destination.put_role_policy(
        RoleName="reports-reader", PolicyName="xacct-reports", PolicyDocument=json.dumps(SOME_POLICY)
    )

    assert one(world, "inline-policy-replaced", adopt=True).where == "role/reports-reader"


@pytest.mark.parametrize(
    ("source_path", "hint"), [("user/team/alice", "user/alice"), ("user/Alice", "user/")]
)
def test_a_source_with_another_path_is_named(world: World, source_path: str, hint: str) -> None:
    grant = grant_in(world, sources=[f"arn:aws:iam::{world.source}:{source_path}"])

    with pytest.raises(InvalidGrant) as refusal:
        findings(world, grant)
    assert "does not exist" in refusal.value.what


def test_a_group_with_another_path_is_refused_with_its_arn(world: World, source: Any) -> None:
    source.create_group(GroupName="auditors", Path="/team/")
    grant = grant_in(world, attach_to=f"arn:aws:iam::{world.source}:group/auditors")

    with pytest.raises(InvalidGrant, match=f"but arn:aws:iam::{world.source}:group/team/auditors does"):
        findings(world, grant)


def deny_inline(iam: Any, document: str) -> str:
    iam.put_user_policy(UserName="alice", PolicyName="stop", PolicyDocument=document)
    return "inline policy stop of user/alice, Statement[0]"


def deny_managed(iam: Any, document: str) -> str:
    iam.attach_user_policy(UserName="alice", PolicyArn=make_policy(iam, "stop", document))
    return "policy stop of user/alice, Statement[0]"


def deny_by_group(iam: Any, document: str) -> str:
    iam.put_group_policy(GroupName="analysts", PolicyName="stop", PolicyDocument=document)
    return "inline policy stop of group/analysts, Statement[0]"


@pytest.mark.parametrize("deny", [deny_inline, deny_managed, deny_by_group])
def test_a_deny_in_another_policy_of_the_caller(
    world: World, source: Any, deny: Callable[[Any, str], str]
) -> None:
    place = deny(source, statement("Deny", "sts:Assume*", f"arn:aws:iam::{world.destination}:role/*"))
    finding = one(world, "caller-denied")

    assert finding.where == "user/alice"
    assert f"{place}: {ASSUME} on arn:aws:iam::{world.destination}:role/reports-reader" in finding.why


@pytest.mark.parametrize(
    "document",
    [
        statement("Deny", ASSUME, "arn:aws:iam::*:role/other"),
        statement("Deny", "s3:*"),
        statement("Deny", ASSUME, Condition={"StringEquals": {"aws:PrincipalTag/team": "data"}}),
    ],
    ids=["another role", "another action", "another tag"],
)
def test_a_deny_that_does_not_apply_is_no_finding(world: World, source: Any, document: str) -> None:
    source.tag_user(UserName="alice", Tags=tags(team="sales"))
    deny_inline(source, document)

    assert found(world, "caller-denied") == found(world, "caller-denied-perhaps") == []


def test_a_deny_without_mfa_depends_on_the_session(world: World, source: Any) -> None:
    deny_inline(
        source, statement("Deny", "*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    )
    finding = one(world, "caller-denied-perhaps")

    assert (finding.severity, found(world, "caller-denied")) == ("note", [])
    assert "aws:MultiFactorAuthPresent" in finding.why


def test_what_the_grant_requires_is_known(world: World, source: Any) -> None:
    deny_inline(
        source, statement("Deny", "*", Condition={"BoolIfExists": {"aws:MultiFactorAuthPresent": "false"}})
    )
    required = {"conditions": {"require_mfa": True}}

    assert (
        found(world, "caller-denied-perhaps", **required) == found(world, "caller-denied", **required) == []
    )


@pytest.mark.parametrize(
    ("document", "is_denied"),
    [
        (statement("Allow", "s3:*"), True),
        (statement("Deny", ASSUME), True),
        (statement("Allow", ["s3:*", ASSUME]), False),
    ],
    ids=["not in it", "denied by it", "in it"],
)
def test_a_boundary_of_the_caller(world: World, source: Any, document: str, is_denied: bool) -> None:
    source.put_user_permissions_boundary(
        UserName="alice", PermissionsBoundary=make_policy(source, "edge", document)
    )
    hits = found(world, "caller-boundary")

    assert [each.where for each in hits] == ["user/alice"] * is_denied
    assert all("boundary edge" in each.why for each in hits)


def test_a_boundary_of_the_role_that_leaves_out_a_permission(world: World, destination: Any) -> None:
    edge = make_policy(destination, "edge", statement("Allow", "s3:ListBucket"))
    wide = make_policy(destination, "wide", statement("Allow", "s3:*"))

    assert "boundary edge" in one(world, "role-boundary", permissions_boundary=edge).why
    assert found(world, "role-boundary", permissions_boundary=wide) == []


def test_a_deny_that_the_role_keeps(world: World, destination: Any) -> None:
    make_role(destination)
    destination.put_role_policy(
        RoleName="reports-reader", PolicyName="stop", PolicyDocument=statement("Deny", "s3:GetObject")
    )
    finding = one(world, "role-denied", adopt=True)

    assert "inline policy stop, Statement[0]: s3:GetObject" in finding.why


MANAGED = {
    "Terraform by its name": ({"terraform": "true"}, "Terraform"),
    "Terraform by a value": ({"ManagedBy": "Terraform"}, "Terraform"),
    "the CDK": ({"managed-by": "aws-cdk"}, "the AWS CDK"),
    "StackSets": ({"provisioner": "StackSet baseline"}, "CloudFormation StackSets"),
    "Control Tower": ({"aws-control-tower": "managed"}, "AWS Control Tower"),
    "Pulumi": ({"pulumi:project": "x"}, "Pulumi"),
}


@pytest.mark.parametrize(("named", "who"), MANAGED.values(), ids=MANAGED)
def test_a_role_that_a_tool_manages_must_be_accepted(
    world: World, destination: Any, named: dict[str, str], who: str
) -> None:
    make_role(destination, Tags=tags(**named))
    finding = one(world, "managed-elsewhere", adopt=True)
    grant = grant_in(world, adopt=True)

    assert who in finding.why
    assert findings(world, grant).unaccepted == ("managed-elsewhere",)
    assert plan_of(grant, sessions_in(world, grant)).unaccepted == ("managed-elsewhere",)
    accepting = grant_in(world, adopt=True, accept=["managed-elsewhere"])
    assert plan_of(accepting, sessions_in(world, accepting)).unaccepted == ()


@pytest.mark.parametrize(
    "named", [{"team": "terraform"}, {"terraform": "false"}, {"ManagedBy": "alice"}, {"owner": "cdk"}]
)
def test_other_tags_name_no_manager(named: dict[str, str]) -> None:
    assert managers("arn:aws:iam::222222222222:role/r", named) == ()


@pytest.mark.parametrize(
    ("role", "who"),
    [
        ("role/aws-service-role/x.amazonaws.com/AWSServiceRoleForX", "an AWS service (service-linked role)"),
        ("role/aws-reserved/sso.amazonaws.com/eu-west-1/AWSReservedSSO_R_01", "IAM Identity Center"),
        ("role/stacksets-exec-0123abcd", "CloudFormation StackSets"),
        ("role/AWSControlTowerExecution", "AWS Control Tower"),
        ("role/cdk-hnb659fds-deploy-role-222222222222-eu-west-1", "the CDK's bootstrap stack"),
        ("role/OrganizationAccountAccessRole", "AWS Organizations"),
    ],
)
def test_a_role_is_known_by_its_path_or_name(role: str, who: str) -> None:
    (named,) = managers(f"arn:aws:iam::222222222222:{role}", {})

    assert who in named


def test_a_role_from_a_template_of_role_manager_must_be_accepted(world: World, destination: Any) -> None:
    make_role(destination)
    grant = grant_in(world, adopt=True)
    sessions, documents = sessions_in(world, grant), build(grant)
    template = "arn:aws:iam::aws:role-template/Reader"

    def with_template(parsed: dict[str, Any], **_: Any) -> None:
        parsed["Role"]["SourceRoleTemplate"] = {"TemplateArn": template, "TemplateMinorVersion": 1}

    iam = sessions.admin(world.destination, "iam")
    iam.meta.events.register("after-call.iam.GetRole", with_template)
    result = lint(documents, read(documents, sessions))

    assert result.unaccepted == ("managed-elsewhere",)
    assert f"role manager (template {template})" in json.dumps(result.to_json())


def test_a_caller_that_a_tool_manages_is_noted(world: World, source: Any) -> None:
    source.tag_user(UserName="alice", Tags=tags(ManagedBy="terraform"))
    finding = one(world, "caller-managed-elsewhere")

    assert (finding.where, finding.severity) == ("user/alice", "note")
    assert findings(world).unaccepted == ()


def test_a_permission_set_takes_no_policy_of_others(world: World, source: Any) -> None:
    path = "/aws-reserved/sso.amazonaws.com/eu-west-1/"
    make_role(source, "AWSReservedSSO_Reader_0123456789abcdef", Path=path)
    role = f"arn:aws:iam::{world.source}:role{path}AWSReservedSSO_Reader_0123456789abcdef"

    assert "IAM Identity Center" in one(world, "protected-caller", sources=[role]).why
    assert found(world, "protected-caller") == []


def test_an_account_without_room_for_the_role(world: World) -> None:
    grant = grant_in(world)
    documents, sessions = build(grant), sessions_in(world, grant)
    state = read(documents, sessions)
    root = ResourceKey("quotas", f"arn:aws:iam::{world.destination}:root")
    state.details[root].update(Roles=1000, RolesQuota=1000)  # type: ignore[attr-defined]
    tried.add("account-full")
    hits = [each for each in lint(documents, state).found if each.code == "account-full"]

    assert [(each.where, each.why) for each in hits] == [
        (f"account {world.destination}", "There would be 1,001 roles; its quota is 1,000.")
    ]


def test_what_a_session_may_not_read_is_said(world: World, source: Any) -> None:
    source.put_user_policy(
        UserName="admin",
        PolicyName="stop",
        PolicyDocument=statement(
            "Deny", ["iam:ListUserPolicies", "iam:ListGroupsForUser", "iam:ListPolicies"]
        ),
    )
    of_user, of_account = found(world, "not-read")

    assert (of_user.where, of_user.severity) == ("user/alice", "note")
    assert "ListUserPolicies, ListGroupsForUser" in of_user.why
    assert (of_account.where, "ListPolicies" in of_account.why) == (f"account {world.source}", True)


def refusal(world: World, **fields: Any) -> str:
    """What the planner says where it makes no plan."""
    grant = grant_in(world, **fields)
    with pytest.raises(NotOwned) as refused:
        plan_of(grant, sessions_in(world, grant))
    return refused.value.what


def test_a_role_whose_name_differs_in_case_only_is_found_before_the_approval(
    world: World, destination: Any
) -> None:
    make_role(destination, "Reports-READER")
    there = f"arn:aws:iam::{world.destination}:role/Reports-READER"
    hits = found(world, "name-taken")

    assert [(each.where, f"{there} has this name" in each.why) for each in hits] == [
        ("role/reports-reader", True)
    ]
    assert f"{there} has its name" in refusal(world)
    assert f"{there} has its name" in refusal(world, adopt=True)


def test_a_policy_under_another_path_stops_the_plan(world: World, source: Any) -> None:
    there = make_policy(source, "xacct-Reports", Path="/ops/")

    assert f"{there} has its name" in refusal(world)


def documents_of(world: World) -> tuple[str, str, str]:
    """The caller policy, the trust policy and the permissions policy that the grant writes."""
    made = build(grant_in(world))
    (caller,) = next(iter(made.caller_policies.values()))
    return (
        json.dumps(caller),
        json.dumps(*made.trust_policies.values()),
        json.dumps(*made.permissions_policies.values()),
    )


def test_a_policy_of_others_with_the_same_document_is_attached_only_once_it_is_taken_over(
    world: World, source: Any
) -> None:
    caller, _, _ = documents_of(world)
    arn = make_policy(source, "xacct-reports", caller)

    assert [each.where for each in found(world, "name-taken")] == ["policy/xacct-reports"]
    assert arn in refusal(world)
    source.attach_user_policy(UserName="alice", PolicyArn=arn)
    assert found(world, "name-taken") == []


@pytest.mark.parametrize("lacks", ["permissions", "managed policy", "boundary", "minutes", "nothing"])
def test_a_role_of_others_is_taken_over_only_where_the_plan_would_change_it(
    world: World, source: Any, destination: Any, lacks: str
) -> None:
    _, trust, permissions = documents_of(world)
    edge = make_policy(destination, "edge", statement("Allow", "s3:*"))
    destination.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=trust)
    if lacks != "permissions":
        destination.put_role_policy(
            RoleName="reports-reader", PolicyName="xacct-reports", PolicyDocument=permissions
        )
    fields: dict[str, Any] = {
        "managed policy": {"managed_policies": [edge]},
        "boundary": {"permissions_boundary": edge},
        "minutes": {"session_minutes": 90},
    }.get(lacks, {})
    hits = [each.where for each in found(world, "name-taken", **fields)]

    assert hits == ["role/reports-reader"] * (lacks != "nothing")
    if lacks == "nothing":
        assert plan_of(grant_in(world), sessions_in(world, grant_in(world))).changes
    else:
        assert "role/reports-reader exists" in refusal(world, **fields)


@pytest.mark.parametrize("field", ["managed_policies", "permissions_boundary"])
def test_a_policy_that_does_not_exist_is_found(world: World, destination: Any, field: str) -> None:
    absent = f"arn:aws:iam::{world.destination}:policy/nowhere"
    there = make_policy(destination, "somewhere", statement("Allow", "s3:*"))

    def named(policy: str) -> dict[str, Any]:
        return {field: [policy] if field == "managed_policies" else policy}

    assert f"{absent} does not exist" in one(world, "missing-policy", **named(absent)).why
    assert found(world, "missing-policy", **named(there)) == []


def test_a_policy_that_is_taken_over_from_another_user_is_said_to_be_replaced_there(
    world: World, source: Any
) -> None:
    arn = make_policy(source, "xacct-reports")
    source.attach_user_policy(UserName="alice", PolicyArn=arn)
    assert found(world, "shared-policy", adopt=True) == []
    source.attach_user_policy(UserName="mallory", PolicyArn=arn)

    assert "user/mallory has it too" in one(world, "shared-policy", adopt=True).why
    assert found(world, "shared-policy") == []


@pytest.mark.parametrize(("count", "is_full"), [(48, False), (49, True)])
def test_a_role_without_room_for_the_tags_of_the_grant(
    world: World, source: Any, destination: Any, count: int, is_full: bool
) -> None:
    many = tags(**{f"k{number}": "v" for number in range(count)})
    make_role(destination, Tags=many)
    make_policy(source, "xacct-reports", Tags=many)
    where = [each.where for each in found(world, "too-many-tags", adopt=True)]

    assert where == ["role/reports-reader", "policy/xacct-reports"] * is_full
    assert found(world, "too-many-tags") == []


@pytest.mark.parametrize("is_tagged", [False, True])
def test_the_tags_of_a_user_are_known(world: World, source: Any, is_tagged: bool) -> None:
    if is_tagged:
        source.tag_user(UserName="alice", Tags=tags(dept="research"))
    deny_inline(
        source, statement("Deny", "sts:*", Condition={"StringNotLike": {"aws:PrincipalTag/dept": "res*"}})
    )

    assert len(found(world, "caller-denied")) == (not is_tagged)
    assert found(world, "caller-denied-perhaps") == []


@pytest.mark.parametrize(
    ("name", "value", "who"),
    [
        ("aws:cloudformation:stack-name", "web", "the CloudFormation stack web"),
        ("TerraformWorkspace", "prod", "Terraform"),
        ("tf-module", "roles", "Terraform"),
        ("managed-with", "terraform", "Terraform"),
        ("DeployedVia", "AWS CDK", "the AWS CDK"),
        ("deployment-tool", "pulumi", "Pulumi"),
        ("orchestrator", "CloudFormation", "CloudFormation"),
    ],
)
def test_further_tags_name_a_manager(name: str, value: str, who: str) -> None:
    assert managers("arn:aws:iam::222222222222:role/r", {name: value}) == (f"{who} (tag {name}={value})",)
    assert managers("arn:aws:iam::222222222222:role/r", {"deployment": "blue", "terrain": "hills"}) == ()


def test_every_rule_on_the_live_state_has_a_case() -> None:
    assert {rule.code for rule in LIVE_RULES} - tried == set()


def test_a_run_shows_them_as_text_and_in_json_and_says_what_must_be_accepted(
    desk: Desk, world: World
) -> None:
    make_role(root_iam(world, world.destination), Tags=tags(ManagedBy="terraform"))
    result = replace(desk, in_process=True).run(adopt=True)
    shown, printed = str(result), result.to_json()

    assert "managed-elsewhere" in [each["code"] for each in printed["findings"]]
    assert printed["unaccepted"] == ["managed-elsewhere"]
    assert "Add to the grant: accept: [managed-elsewhere]" in " ".join(shown.split())
    assert "--approve" not in shown


def test_an_approval_without_the_accepted_code_changes_nothing(world: World, destination: Any) -> None:
    from xacct_nb.aws.writer import apply

    make_role(destination, Tags=tags(ManagedBy="terraform"))
    grant = grant_in(world, adopt=True)
    sessions = sessions_in(world, grant)
    plan = plan_of(grant, sessions)

    with pytest.raises(NotAccepted):
        apply(plan, sessions, approved=plan.digest, patience=1)


def test_the_rollback_of_a_role_that_a_tool_manages_says_so(desk: Desk, destination: Any) -> None:
    make_role(destination, Tags=tags(ManagedBy="terraform"))
    here = replace(desk, in_process=True)
    accepted = {"adopt": True, "accept": ["managed-elsewhere"]}
    assert here.applied(**accepted).record.status in ("succeeded", "proof-failed")
    plan = here.run("roll_back").record.plan
    assert plan is not None

    assert any("is managed by Terraform (tag ManagedBy=terraform)" in note for note in plan.notes)
