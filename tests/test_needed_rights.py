"""The printed rights are the least: with them nothing is denied, and each of them is used."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from support.adopted_role import by_hand, policy_by_hand, policy_of, trusting
from support.desk import Desk
from support.examples import SOME_POLICY, endpoint_of, grant_in, root_iam
from support.fleet_world import LISTS_USERS, FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from support.limited_admins import NAME, PROFILES, LimitedAdmins, Recording, give, recording
from support.role_patterns import a_caller, set_role
from xacct_nb.aws.clients import connect
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.fleets.result import FleetResult
from xacct_nb.fleets.rights import NeededRights, needed_rights
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import policy_name
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.fleet.fleet_work import (
    apply_fleet,
    plan_fleet,
    plan_rollback,
    prove_fleet,
    roll_back_fleet,
)
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
pytestmark = pytest.mark.slow
CALLERS = {"caller_profiles": ["alice", "mallory", "hub"]}
POWER_USER = "arn:aws:iam::aws:policy/PowerUserAccess"
TRAIL = "cloudtrail:LookupEvents"
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"


class Stage:
    """A grant of which each step is run by administrators who have the rights for this step alone."""

    def __init__(self, desk: Desk, grant: Grant, seen: Recording) -> None:
        self.desk, self.grant, self.seen = replace(desk, in_process=True), grant, seen
        self.world, self.admins = desk.world, LimitedAdmins(desk.world)
        self.needed: NeededRights = needed_rights(grant)
        self.callers = CALLERS

    def run(self, step: str, notebook: str = "plan_and_apply", **more: Any) -> Any:
        self.admins.have(self.needed, step)
        fields = {} if notebook == "roll_back" else self.grant.to_json()
        return self.desk.run(notebook, **{**fields, "sandbox": False, **PROFILES, **self.callers, **more})

    def apply(self) -> str:
        digest = self.run("plan").to_json()["digest"]
        done = self.run("apply", approve=digest)
        return str(done.record.status)

    def prove(self) -> str:
        return str(self.run("prove", "prove_the_access").record.status)

    def narrow(self) -> str:
        return str(self.run("narrow", "narrow_the_access").record.status)

    def roll_back(self, **more: Any) -> str:
        digest = self.run("roll-back", "roll_back", **more).to_json()["digest"]
        done = self.run("roll-back", "roll_back", approve=digest, **more)
        return str(done.record.status)

    def diagnose(self, **more: Any) -> None:
        self.admins.have(self.needed, "diagnose")
        sessions = open_sessions(self.grant, **PROFILES, **self.callers, endpoint=endpoint_of(self.world))
        diagnose(self.grant, sessions, **more)

    def denied(self) -> list[Any]:
        return self.seen.denied_to(NAME)

    def unused(self) -> list[tuple[str, str]]:
        found = []
        for side in ("source", "destination"):
            policies = [policy for each in self.needed.needed if each.side == side for policy in each.merged]
            found += self.seen.unused(NAME, policies)
        return [each for each in found if each[0] != TRAIL]  # test_a_proof_reads_who_changed_...


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> Iterator[Recording]:
    with recording(monkeypatch) as found:
        yield found


def lived_in(world: World) -> None:
    """Give alice and her group policies of others, and both a boundary of AWS, as in an account in use."""
    iam, text = root_iam(world, world.source), json.dumps(SOME_POLICY)
    own = iam.create_policy(PolicyName="own", PolicyDocument=text)["Policy"]["Arn"]
    iam.put_user_policy(UserName="alice", PolicyName="own", PolicyDocument=text)
    iam.put_group_policy(GroupName="analysts", PolicyName="own", PolicyDocument=text)
    iam.attach_group_policy(GroupName="analysts", PolicyArn=own)
    iam.put_user_permissions_boundary(UserName="alice", PermissionsBoundary=POWER_USER)
    iam.put_role_policy(RoleName="hub", PolicyName="own", PolicyDocument=text)


def drift(stage: Stage, *, more: bool = False) -> None:
    """Let others change what the grant made; with `more`, also what a rollback may not restore."""
    world, grant, text = stage.world, stage.grant, json.dumps(SOME_POLICY)
    source, destination = root_iam(world, world.source), root_iam(world, world.destination)
    for policy in source.list_policies(Scope="Local")["Policies"]:
        if policy["PolicyName"].startswith(policy_name(grant)):
            others_write(source, policy["Arn"])
    for arn in grant.destinations:
        role = {"RoleName": arn.rpartition("/")[2]}
        trust = json.dumps(trusting(others(world)))
        destination.update_assume_role_policy(**role, PolicyDocument=trust)
        destination.update_role(**role, MaxSessionDuration=7200)
        destination.put_role_policy(**role, PolicyName="another", PolicyDocument=text)
        for policy in grant.managed_policies:
            destination.detach_role_policy(**role, PolicyArn=policy)
        if more:
            name = f"own-{role['RoleName']}"
            own = destination.create_policy(PolicyName=name, PolicyDocument=text)["Policy"]["Arn"]
            for policy in (own, READ_ONLY):
                destination.attach_role_policy(**role, PolicyArn=policy)
        if more and grant.permissions_boundary:
            destination.delete_role_permissions_boundary(**role)


def others(world: World) -> list[str]:
    """A user and a role of each account."""
    return [
        f"arn:aws:iam::{world.source}:user/mallory",
        f"arn:aws:iam::{world.source}:role/hub",
        f"arn:aws:iam::{world.destination}:user/admin",
        f"arn:aws:iam::{world.destination}:role/summary-reader",
    ]


def others_write(iam: Any, policy: str) -> None:
    """Fill a managed policy with versions of others; the last one of the five is the default."""
    versions = iam.list_policy_versions(PolicyArn=policy)["Versions"]
    spare = [each["VersionId"] for each in versions if not each["IsDefaultVersion"]]
    for version in spare[-1:] if len(versions) == 5 else ():
        iam.delete_policy_version(PolicyArn=policy, VersionId=version)
    for _ in range(max(1, 5 - len(versions))):
        iam.create_policy_version(PolicyArn=policy, PolicyDocument=json.dumps(SOME_POLICY), SetAsDefault=True)


def narrow(unused: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Leave out what `test_several_caller_policies_...` and `test_a_proof_reads_who_changed_...` need."""
    return [each for each in unused if not each[1].endswith(".*") and each[0] != TRAIL]


def test_a_users_grant_needs_every_right_of_its_own(desk: Desk, seen: Recording) -> None:
    lived_in(desk.world)
    role = f"arn:aws:iam::{desk.world.destination}:role/team/reports-reader"
    stage = Stage(desk, grant_in(desk.world, destinations=[role]), seen)
    ended = [stage.apply(), stage.roll_back(), stage.apply(), stage.prove()]
    stage.narrow()
    drift(stage, more=True)
    ended += [stage.apply()]
    drift(stage)
    ended += [stage.apply(), stage.roll_back(revoke_sessions=True)]
    stage.diagnose()
    stage.diagnose(action="s3:PutObject", resource=f"arn:aws:s3:::{desk.world.bucket}/x")

    print(ended)
    assert stage.denied() == []
    assert narrow(stage.unused()) == []


def test_roles_with_a_boundary_and_policies_need_them_in_the_conditions(desk: Desk, seen: Recording) -> None:
    lived_in(desk.world)
    iam = root_iam(desk.world, desk.world.destination)
    text = json.dumps({**SOME_POLICY, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]})
    boundary = iam.create_policy(PolicyName="bound", PolicyDocument=text)["Policy"]["Arn"]
    fields = {
        "destinations": [f"arn:aws:iam::{desk.world.destination}:role/team/reports-reader"],
        "sources": [f"arn:aws:iam::{desk.world.source}:role/hub"],
        "caller_policy": "inline",
        "permissions_boundary": boundary,
        "managed_policies": [READ_ONLY],
        "accept": ["full-access-policy"],
    }
    stage = Stage(desk, grant_in(desk.world, **fields), seen)
    applied = [stage.apply(), stage.roll_back(), stage.apply()]
    stage.narrow()
    drift(stage, more=True)
    applied += [stage.apply()]
    drift(stage)
    applied += [stage.apply(), stage.roll_back(revoke_sessions=True)]
    stage.diagnose()
    stage.diagnose(action="s3:PutObject", resource=f"arn:aws:s3:::{desk.world.bucket}/x")

    assert applied[1::4] == ["succeeded"] * 2
    assert stage.denied() == []
    assert stage.unused() == []


def test_adopted_resources_are_restored_with_the_rights(desk: Desk, seen: Recording) -> None:
    world = desk.world
    lived_in(world)
    iam, role = by_hand(world), {"RoleName": "reports-reader"}
    policy_by_hand(world)
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))["Policy"]["Arn"]
    iam.attach_role_policy(**role, PolicyArn=own)
    iam.update_assume_role_policy(**role, PolicyDocument=json.dumps(trusting(others(world))))
    fields = {
        "attach_to": f"arn:aws:iam::{world.source}:group/analysts",
        "adopt": True,
        "session_minutes": 240,
        "permissions_boundary": READ_ONLY,
        "managed_policies": [POWER_USER],
        "accept": ["full-access-policy"],
    }
    stage = Stage(desk, grant_in(world, **fields), seen)
    ended = [stage.apply(), stage.roll_back()]
    iam.delete_role_permissions_boundary(**role)
    remove_policy(world)
    ended += [stage.apply(), stage.roll_back(revoke_sessions=True)]
    remove_role(iam)
    ended += [stage.apply()]
    stage.narrow()
    ended += [stage.roll_back()]
    stage.diagnose()
    stage.diagnose(action="s3:PutObject", resource=f"arn:aws:s3:::{world.bucket}/x")

    assert ended[1::2] == ["succeeded"] * 3
    assert stage.denied() == []
    assert narrow(stage.unused()) == []


def remove_policy(world: World) -> None:
    """Delete the policy that a grant adopts."""
    iam, policy = root_iam(world, world.source), policy_of(world)
    iam.detach_user_policy(UserName="mallory", PolicyArn=policy)
    for each in iam.list_policy_versions(PolicyArn=policy)["Versions"]:
        if not each["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=policy, VersionId=each["VersionId"])
    iam.delete_policy(PolicyArn=policy)


def remove_role(iam: Any) -> None:
    """Delete the role that a grant adopts."""
    role = {"RoleName": "reports-reader"}
    for name in iam.list_role_policies(**role)["PolicyNames"]:
        iam.delete_role_policy(**role, PolicyName=name)
    for each in iam.list_attached_role_policies(**role)["AttachedPolicies"]:
        iam.detach_role_policy(**role, PolicyArn=each["PolicyArn"])
    iam.delete_role(**role)


def test_one_statement_for_a_whole_account_needs_nothing_to_change_there(desk: Desk, seen: Recording) -> None:
    world = desk.world
    iam = root_iam(world, world.destination)
    trust = json.dumps(trusting(f"arn:aws:iam::{world.destination}:user/admin"))
    iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=trust)
    own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))["Policy"]["Arn"]
    for policy in (own, READ_ONLY):
        iam.attach_role_policy(RoleName="reports-reader", PolicyArn=policy)
    iam.put_role_policy(RoleName="reports-reader", PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))
    lived_in(world)
    fields = {"sources": [world.source], "manage": "trust", "accept": ["whole-account-trust"]}
    stage = Stage(desk, grant_in(world, **fields), seen)
    ended = [stage.apply()]
    stage.narrow()
    ended += [stage.roll_back()]
    for caller in ("user/alice", "role/hub"):
        stage.diagnose(caller=f"arn:aws:iam::{world.source}:{caller}", role=stage.grant.destinations[0])
    alice, role = f"arn:aws:iam::{world.source}:user/alice", stage.grant.destinations[0]
    stage.diagnose(caller=alice, role=role, action="s3:PutObject", resource=f"arn:aws:s3:::{world.bucket}/x")

    assert ended == ["succeeded"] * 2
    assert stage.denied() == []
    assert stage.unused() == []


def test_a_diagnosis_reads_the_policies_of_the_resources_that_a_grant_names(
    desk: Desk, seen: Recording
) -> None:
    world, text = desk.world, json.dumps({"Version": "2012-10-17", "Statement": []})
    key, queue, secret = (root(world, service) for service in ("kms", "sqs", "secretsmanager"))
    resources = {
        "kms:Decrypt": key.create_key()["KeyMetadata"]["Arn"],
        "sqs:SendMessage": f"arn:aws:sqs:us-east-1:{world.destination}:orders",
        "secretsmanager:GetSecretValue": secret.create_secret(Name="token", SecretString="s")["ARN"],
    }
    queue.create_queue(QueueName="orders", Attributes={"Policy": text})
    permissions = [{"actions": [action], "resources": [arn]} for action, arn in resources.items()]
    stage = Stage(desk, grant_in(world, permissions=permissions), seen)
    for action, arn in resources.items():
        stage.diagnose(action=action, resource=arn)
    policies = stage.needed.of("destination").of_step("diagnose")
    found = [each for each in seen.unused(NAME, policies) if not each[0].startswith("iam:")]

    assert stage.denied() == []
    assert found == []


def test_the_callers_of_a_pattern_are_looked_up_by_their_path(desk: Desk, seen: Recording) -> None:
    world = desk.world
    lived_in(world)
    path, name = set_role("ReadOnly")
    callers = [a_caller(world, path, name), a_caller(world, "/build/", "runner")]
    sources = [
        {"permission_set": "ReadOnly", "account": world.source},
        f"arn:aws:iam::{world.source}:role/build/*",
    ]
    stage = Stage(desk, grant_in(world, sources=sources), seen)
    stage.callers = {"caller_profiles": [*callers, "hub"]}
    ended = [stage.apply(), stage.prove(), stage.roll_back(revoke_sessions=True), stage.apply()]
    stage.narrow()
    drift(stage, more=True)
    ended += [stage.apply()]
    drift(stage)
    ended += [stage.apply(), stage.roll_back()]
    for caller in (f"role{path}{name}", "role/build/runner"):
        stage.diagnose(caller=f"arn:aws:iam::{world.source}:{caller}", role=stage.grant.destinations[0])
    stage.diagnose(action="s3:PutObject", resource=f"arn:aws:s3:::{world.bucket}/x")

    assert ended == ["succeeded"] * 7
    assert stage.denied() == []
    assert stage.unused() == []


def test_callers_that_may_call_already_need_no_policy_to_be_written(desk: Desk, seen: Recording) -> None:
    world = desk.world
    lived_in(world)
    allow = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}
    root_iam(world, world.source).put_user_policy(
        UserName="alice",
        PolicyName="calls",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [allow]}),
    )
    stage = Stage(desk, grant_in(world, caller_policy="none"), seen)
    ended = [stage.apply(), stage.prove(), stage.roll_back(revoke_sessions=True), stage.apply()]
    stage.narrow()
    drift(stage, more=True)
    ended += [stage.apply()]
    drift(stage)
    ended += [stage.apply(), stage.roll_back()]
    stage.diagnose()
    stage.diagnose(action="s3:PutObject", resource=f"arn:aws:s3:::{world.bucket}/x")

    assert ended == ["succeeded"] * 7
    assert stage.denied() == []
    assert stage.unused() == []


def root(world: World, service: str) -> Any:
    """A client of the destination's root user."""
    account = world.destination
    return connect(
        service,
        endpoint_url=world.endpoint,
        access_key_id=account,
        secret_access_key=world.root_secret(account),
    )


def test_several_caller_policies_need_the_rights_for_each(desk: Desk, seen: Recording) -> None:
    world, path = desk.world, "a" * 480
    roles = [f"arn:aws:iam::{world.destination}:role/{path}/reader-{number}" for number in range(13)]
    grant = grant_in(world, destinations=roles)
    stage, iam = Stage(desk, grant, seen), root_iam(world, world.source)
    stage.admins.have(needed_rights(grant, side="source", steps=["apply", "roll-back"]))
    of_source = {"source_profiles": ["limited-source"], "side": "source"}
    sessions = open_sessions(grant, **of_source, endpoint=endpoint_of(world))  # type: ignore[arg-type]
    first = changed(grant, sessions)
    rollback(first, sessions, patience=1)
    changed(grant, sessions)
    for policy in iam.list_policies(Scope="Local", PathPrefix="/")["Policies"]:
        if policy["PolicyName"].startswith("xacct-reports"):
            others_write(iam, policy["Arn"])
    second = changed(grant, sessions)
    rollback(second, sessions, patience=1)
    rollback(changed(grant, sessions), sessions, patience=1)
    policies = stage.needed.of("source", world.source).merged

    assert len([change for change in first.changes if change.kind == "managed-policy"]) == 2
    assert stage.denied() == []
    assert [each for each in seen.unused(NAME, policies) if each[1].endswith(".*")] == []


def changed(grant: Grant, sessions: Sessions) -> Journal:
    """Apply the source side of a grant."""
    documents = build(grant, "source")
    plan = diff(documents, read(documents, sessions))
    return apply(plan, sessions, approved=plan.digest, patience=1)


def test_a_proof_reads_who_changed_what_with_the_right_of_that_step(desk: Desk, seen: Recording) -> None:
    stage = Stage(desk, grant_in(desk.world), seen)
    stage.apply()
    drift(stage)
    stage.needed = needed_rights(stage.grant, steps=["prove", "who-changed"])
    with_right = stage.run("", "prove_the_access").record.error
    denied = stage.denied()
    without = stage.run("prove", "prove_the_access").record.error

    assert denied == []
    assert f"by arn:aws:iam::{desk.world.destination}:root (UpdateAssumeRolePolicy" in with_right.why
    assert "lacks cloudtrail:LookupEvents in us-east-1" in without.why
    assert {each.action for each in stage.denied()} == {TRAIL}


class FleetStage:
    """A fleet of two accounts, in each of which a role has the printed rights; the hub may assume these."""

    def __init__(self, members: FleetWorld, seen: Recording) -> None:
        self.members, self.seen, self.world = members, seen, members.world
        LimitedAdmins(self.world)
        reads = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}
        self.fleet = members.fleet(role="team/reports-reader", permissions=[LISTS_USERS, reads])
        self.needed = needed_rights(self.fleet, account_role=ACCESS_ROLE)
        profiles = ("limited-source",), ("limited-destination",)
        self.access = replace(members.access, source_profiles=profiles[0], destination_profiles=profiles[1])
        give(root_iam(self.world, self.world.destination), self.needed.of("hub").merged)
        for account in members.members:
            s3 = members.root(account, "s3")
            s3.create_bucket(Bucket=f"logs-{account}")
            s3.put_object(Bucket=f"logs-{account}", Key="one", Body=b"1")
            members.root(account).delete_role_policy(RoleName=ACCESS_ROLE, PolicyName="AdministratorAccess")

    def have(self, step: str) -> None:
        """Give the source's administrator and the role in each account the policies of a step."""
        source = self.needed.of("source", self.world.source)
        give(root_iam(self.world, self.world.source), source.of_step(step))
        for account in self.members.members:
            (policy,) = self.needed.of("destination", account).of_step(step)
            role = {"RoleName": ACCESS_ROLE, "PolicyName": "rights", "PolicyDocument": json.dumps(policy)}
            self.members.root(account).put_role_policy(**role)

    def plan(self) -> FleetPlan:
        self.have("plan")
        return plan_fleet(self.fleet, self.access)

    def apply(self) -> FleetResult:
        plan = self.plan()
        self.have("apply")
        return apply_fleet(self.fleet, plan, self.access, approved=plan.digest, tolerance=9)

    def roll_back(self, result: FleetResult) -> FleetResult:
        self.have("roll-back")
        changes = [change for each in result.results for change in each.changes]
        plan = plan_rollback(self.fleet, changes, self.access)
        return roll_back_fleet(self.fleet, plan, self.access, approved=plan.digest)

    def prove(self) -> FleetResult:
        self.have("prove")
        return prove_fleet(self.fleet, self.access)

    def drift(self, *, more: bool = False) -> None:
        """Let others change every role, and the caller policy."""
        others_write(
            root_iam(self.world, self.world.source), f"arn:aws:iam::{self.world.source}:policy/xacct-readers"
        )
        for account in self.members.members:
            iam, role = self.members.root(account), {"RoleName": "reports-reader"}
            trust = json.dumps(trusting(f"arn:aws:iam::{account}:root"))
            iam.update_assume_role_policy(**role, PolicyDocument=trust)
            iam.update_role(**role, MaxSessionDuration=7200)
            iam.put_role_policy(**role, PolicyName="another", PolicyDocument=json.dumps(SOME_POLICY))
            if more:
                own = iam.create_policy(PolicyName="own", PolicyDocument=json.dumps(SOME_POLICY))
                for policy in (own["Policy"]["Arn"], READ_ONLY):
                    iam.attach_role_policy(**role, PolicyArn=policy)

    def diagnose(self) -> None:
        """Ask why the first role cannot be assumed, as for a proof that fails there."""
        part = next(each for each in self.fleet.slices if each.side == "destination")
        sides = self.access.open().of(part.grant, part.side, part.account, and_source=True)
        diagnose(part.grant, sides)

    def deny_reading(self) -> None:
        """Let the organization deny what the roles may do."""
        unit = f"o-{self.world.destination}/r-ab12/"
        allow = {"Effect": "Allow", "Action": "*", "Resource": "*"}
        deny = {"Effect": "Deny", "Action": "s3:GetObject", "Resource": "*"}
        limit = [[{"Version": "2012-10-17", "Statement": [allow, deny]}]]
        accounts = self.members.members
        set_organization(
            self.members.sandbox,
            unit.partition("/")[0],
            dict.fromkeys(accounts, unit),
            service_control_policies=dict.fromkeys(accounts, limit),
        )


def test_a_fleet_needs_a_hub_that_assumes_one_role_and_a_role_for_its_own_names(
    sandbox: Sandbox, world: World, seen: Recording
) -> None:
    lived_in(world)
    stage = FleetStage(a_fleet_world(sandbox, world, 2), seen)
    first = stage.apply()
    undone = stage.roll_back(first)
    undone_already = stage.roll_back(first)
    again, proven = stage.apply(), stage.prove()
    stage.drift(more=True)
    mended = stage.apply()
    stage.drift()
    back = stage.roll_back(stage.apply())
    stage.deny_reading()
    denied = stage.apply()
    stage.diagnose()
    role = f"/{ACCESS_ROLE}"
    destination = [stage.needed.of("destination", each) for each in stage.members.members]

    assert [each.holds for each in (first, undone, again, proven, mended, back)] == [True] * 6
    assert undone_already.results == ()
    assert {"service control policy" in each.cause for each in denied.missing} == {True}
    assert [each for each in seen.denied if role in each.who or f"/{NAME}" in each.who] == []
    assert narrow(seen.unused(NAME, stage.needed.of("source").merged)) == []
    assert [narrow(seen.unused(ACCESS_ROLE, each.merged)) for each in destination] == [[], []]
    assert [each.accounts for each in stage.needed.needed] == [(world.source,), stage.members.members, ()]
