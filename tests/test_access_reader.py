"""The picture of the live accounts says what AWS decides, and what could not be read."""

import json
from typing import Any

from botocore.exceptions import ClientError

import xacct_nb as xa
from support.examples import applied, endpoint_of, grant_in, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.access_reader import read_access
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.grants.pictures.access_graph import AccessEdge, AccessGraph
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def policy(*statements: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [*statements]})


def trusting(principal: Any, effect: str = "Allow", **more: Any) -> dict[str, Any]:
    return {"Effect": effect, "Principal": principal, "Action": "sts:AssumeRole", **more}


def make_role(world: World, name: str, *statements: dict[str, Any]) -> str:
    iam = root_iam(world, world.destination)
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=policy(*statements))
    return f"arn:aws:iam::{world.destination}:role/{name}"


def user_of(world: World, name: str) -> str:
    return f"arn:aws:iam::{world.source}:user/{name}"


def opened(world: World, **profiles: list[str]) -> Sessions:
    return open_sessions(None, endpoint=endpoint_of(world), **profiles)  # type: ignore[arg-type]


def graph_in(world: World) -> AccessGraph:
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    return read_access(opened(world, **profiles))


def ways(graph: AccessGraph, role: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """The state and the lines of each way into a role, by the name of who goes it."""
    names = {node.key: node.name for node in graph.nodes}
    found = [each for each in graph.edges if each.target == role]
    assert len({each.source for each in found}) == len(found)
    return {names[each.source]: (each.state, each.lines) for each in found}


def assumes(world: World, profile: str, role: str, **more: str) -> bool:
    """Whether AWS gives a session of the role to this profile."""
    sts = opened(world, caller_profiles=[profile]).client(profile, "sts")
    try:
        sts.assume_role(RoleArn=role, RoleSessionName="asked", **more)
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "AccessDenied":
            raise
        return False
    return True


def test_a_chain_is_shown_with_all_its_hops(world: World) -> None:
    hub, reader = (
        f"arn:aws:iam::{world.source}:role/hub",
        f"arn:aws:iam::{world.destination}:role/summary-reader",
    )
    deep = make_role(world, "deep", trusting({"AWS": reader}))
    root_iam(world, world.destination).put_role_policy(
        RoleName="summary-reader",
        PolicyName="hop",
        PolicyDocument=policy({"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": deep}),
    )

    chain = xa.picture(graph_in(world), focus="deep").graph

    admin = user_of(world, "admin")
    for hop in ((admin, hub), (hub, reader), (reader, deep)):
        assert AccessEdge(*hop, ("without a condition",)) in chain.edges
    assert assumes(world, "source-admin", hub)


def test_who_is_trusted_but_not_allowed_by_its_own_account_has_no_access(world: World) -> None:
    role = make_role(world, "r", trusting({"AWS": [user_of(world, "alice"), user_of(world, "mallory")]}))

    assert ways(graph_in(world), role) == {
        "alice": ("half", ("its own policies do not allow it",)),
        "mallory": ("open", ("without a condition",)),
    }
    assert not assumes(world, "alice", role)
    assert assumes(world, "mallory", role)


def test_a_whole_account_is_one_principal_beside_those_in_it_that_can(world: World) -> None:
    role = make_role(
        world,
        "r",
        trusting({"AWS": world.source}, Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    )

    assert ways(graph_in(world), role) == {
        world.source: ("open", ("with MFA",)),
        "admin": ("open", ("with MFA",)),
        "mallory": ("open", ("with MFA",)),
    }


def test_anyone_is_shown_as_anyone(world: World) -> None:
    role = make_role(
        world, "r", trusting({"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "only-a-test"}})
    )

    assert ways(graph_in(world), role) == dict.fromkeys(
        ("anyone in any account", "admin", "mallory"), ("open", ("with an external ID",))
    )
    assert not assumes(world, "mallory", role)
    assert assumes(world, "mallory", role, ExternalId="only-a-test")


def test_a_deny_that_always_applies_is_no_access(world: World) -> None:
    mallory = {"AWS": user_of(world, "mallory")}
    role = make_role(world, "r", trusting(mallory), trusting(mallory, "Deny"))

    assert ways(graph_in(world), role) == {"mallory": ("denied", ("denied by the trust policy",))}
    assert not assumes(world, "mallory", role)


def test_a_deny_with_a_condition_is_an_exception(world: World) -> None:
    elsewhere = {"NotIpAddress": {"aws:SourceIp": "127.0.0.0/8"}}
    role = make_role(
        world, "r", trusting({"AWS": world.source}), trusting({"AWS": "*"}, "Deny", Condition=elsewhere)
    )

    lines = ("not if aws:SourceIp is not in 127.0.0.0/8",)
    assert ways(graph_in(world), role) == dict.fromkeys((world.source, "admin", "mallory"), ("open", lines))


def test_a_deny_of_ones_own_account_is_no_access(world: World) -> None:
    iam = root_iam(world, world.source)
    forbidding = {"Effect": "Deny", "Action": "sts:*", "Resource": "*"}
    iam.put_user_policy(UserName="mallory", PolicyName="no", PolicyDocument=policy(forbidding))
    role = make_role(world, "r", trusting({"AWS": world.source}))

    assert ways(graph_in(world), role)["mallory"] == ("denied", ("denied by its own policy",))
    assert not assumes(world, "mallory", role)


def test_a_boundary_takes_away_what_a_policy_gives(world: World) -> None:
    iam = root_iam(world, world.source)
    reading = {"Effect": "Allow", "Action": "s3:*", "Resource": "*"}
    edge = iam.create_policy(PolicyName="edge", PolicyDocument=policy(reading))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="mallory", PermissionsBoundary=edge)
    role = make_role(world, "r", trusting({"AWS": user_of(world, "mallory")}))

    assert ways(graph_in(world), role)["mallory"][0] == "half"
    assert not assumes(world, "mallory", role)


def test_a_boundary_of_aws_is_read_too(world: World) -> None:
    iam = root_iam(world, world.source)
    iam.put_user_permissions_boundary(
        UserName="mallory", PermissionsBoundary="arn:aws:iam::aws:policy/ReadOnlyAccess"
    )
    role = make_role(world, "r", trusting({"AWS": user_of(world, "mallory")}))

    assert ways(graph_in(world), role)["mallory"][0] == "half"
    assert not assumes(world, "mallory", role)


def test_a_group_gives_its_members_their_way(world: World) -> None:
    role = make_role(world, "r", trusting({"AWS": world.source}))
    allowing = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": role}
    root_iam(world, world.source).put_group_policy(
        GroupName="analysts", PolicyName="go", PolicyDocument=policy(allowing)
    )

    assert ways(graph_in(world), role)["alice"] == ("open", ("without a condition",))
    assert assumes(world, "alice", role)


def test_services_and_identity_providers_are_principals_too(world: World) -> None:
    iam = root_iam(world, world.destination)
    provider = iam.create_open_id_connect_provider(Url="https://token.example.com", ClientIDList=["sts"])
    federated = {
        "Effect": "Allow",
        "Principal": {"Federated": provider["OpenIDConnectProviderArn"]},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {"token.example.com:sub": "repo:a"}},
    }
    role = make_role(world, "r", trusting({"Service": "lambda.amazonaws.com"}), federated)
    graph = graph_in(world)

    assert ways(graph, role) == {
        "lambda.amazonaws.com": ("open", ("without a condition",)),
        "token.example.com": ("open", ("token.example.com:sub is repo:a",)),
    }
    assert {node.kind for node in graph.nodes if "." in node.name} == {"service", "provider"}


def test_a_policy_that_names_a_role_that_does_not_trust_is_no_access(world: World) -> None:
    role = make_role(world, "r", trusting({"AWS": world.destination}))
    wanted = [role, f"arn:aws:iam::{world.destination}:role/gone", "arn:aws:iam::999999999999:role/far"]
    allowing = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": wanted}
    root_iam(world, world.source).put_user_policy(
        UserName="alice", PolicyName="go", PolicyDocument=policy(allowing)
    )

    alice = {
        each.target: (each.state, each.lines)
        for each in graph_in(world).edges
        if each.source == user_of(world, "alice")
    }

    assert alice == {
        role: ("half", ("the role does not trust it",)),
        wanted[1]: ("half", ("the role does not exist",)),
        wanted[2]: ("unread", ("account 999999999999 was not read",)),
    }


def test_an_account_that_was_not_read_is_not_known(world: World) -> None:
    role = make_role(world, "r", trusting({"AWS": [user_of(world, "mallory"), world.source]}))

    graph = read_access(opened(world, destination_profiles=["destination-admin"]))

    assert ways(graph, role) == {
        "mallory": ("unread", (f"account {world.source} was not read", "without a condition")),
        world.source: ("open", ("without a condition",)),
    }


def test_a_session_that_may_only_list_roles_sees_the_trust_policies_alone(world: World) -> None:
    role = make_role(world, "r", trusting({"AWS": user_of(world, "mallory")}))
    iam = root_iam(world, world.destination)
    iam.put_user_policy(
        UserName="admin",
        PolicyName="admin",
        PolicyDocument=policy({"Effect": "Allow", "Action": "iam:ListRoles", "Resource": "*"}),
    )

    graph = graph_in(world)

    assert ways(graph, role) == {"mallory": ("open", ("without a condition",))}
    (note,) = (each for each in graph.notes if each.startswith(f"Account {world.destination}"))
    assert "users and their policies were not read" in note
    assert "AccessDenied" in note


def test_a_session_that_may_read_nothing_is_said(world: World) -> None:
    iam = root_iam(world, world.destination)
    iam.delete_user_policy(UserName="admin", PolicyName="admin")

    graph = graph_in(world)

    assert any("nothing was read" in note for note in graph.notes)
    assert [each.state for each in graph.edges if each.target.endswith("summary-reader")] == ["unread"]


def test_the_picture_of_a_grant_that_was_applied_is_among_the_live_ways(world: World) -> None:
    grant = grant_in(world, conditions={"external_id": "only-a-test"})
    sessions = sessions_in(world, grant)
    applied(grant, sessions)

    (edge,) = (each for each in read_access(sessions).edges if each.target == grant.destinations[0])

    assert edge == AccessEdge(grant.sources[0], grant.destinations[0], ("with an external ID",))
    assert "only-a-test" not in str(xa.picture(read_access(sessions)))


def test_control_policies_are_said_to_be_left_out(world: World) -> None:
    assert graph_in(world).notes[-1].startswith("Control policies of an organization are not read")
