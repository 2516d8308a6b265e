"""Random grants of accounts that no other test has, and what a discovery finds of them."""

import json
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

import xacct_nb as xa
from support.examples import an_account, applied, endpoint_of, plan_of, root_iam, sessions_in
from xacct_nb.aws.account_reader import read_accounts
from xacct_nb.changes.plan import Plan
from xacct_nb.fleets.discovery import Discovery
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.grants.pictures.live_access import AccountDetails
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

SECRET = "an-external-id-of-a-test"
_POLICIES = ("ReadOnlyAccess", "job-function/ViewOnlyAccess")


def a_world(sandbox: Sandbox, folder: Path) -> World:
    """Two accounts of their own, with their AWS files in a folder of their own."""
    account = an_account()
    place = folder / account
    place.mkdir()
    return add_accounts(sandbox, account, an_account(), place)


def discovered(world: World, *profiles: str) -> Discovery:
    return xa.discover(profiles or ("source-admin", "destination-admin"), endpoint=endpoint_of(world))


def plan_of_adopted(grant: Grant, world: World, secret: str = SECRET) -> Plan:
    """The plan of a declared grant, its external ID looked up, against what is really there."""
    resolved = resolve(grant, lambda reference: secret)
    documents = xa.build(resolved)
    return xa.diff(documents, xa.read(documents, sessions_in(world, resolved)))


def make(world: World, grant: Grant) -> None:
    """Make what the tool makes for the grant, in accounts that have its users and its group.

    What a person accepts is in no account.
    """
    accepting = grant.model_copy(update={"accept": plan_of(grant, sessions_in(world, grant)).unaccepted})
    applied(accepting, sessions_in(world, accepting))


def fields_in(world: World) -> st.SearchStrategy[dict[str, Any]]:
    """Fields of grants from the source account of a world into its destination account."""
    source, destination = world.source, world.destination
    users = [f"arn:aws:iam::{source}:user/{name}" for name in ("alice", "mallory")]
    hub, group = f"arn:aws:iam::{source}:role/hub", f"arn:aws:iam::{source}:group/analysts"
    callers = st.sampled_from(
        [
            {"sources": users[:1]},
            {"sources": users},
            {"sources": [hub, users[0]], "caller_policy": "inline"},
            {"sources": users, "attach_to": group},
            {"sources": users[:1], "attach_to": group, "caller_policy": "inline"},
            {"sources": [source]},
            {"sources": [source], "attach_to": group},
            {"sources": [{"permission_set": "ReadOnly", "account": source}]},
            {"sources": [users[0], f"arn:aws:iam::{source}:role/ci-*", f"arn:aws:iam::{source}:role/x/*"]},
            {"sources": [source, f"arn:aws:iam::{source}:role/ci-*"]},
            {"sources": [users[1]], "caller_policy": "none"},
        ]
    )
    roles = st.lists(st.sampled_from(["a", "b-1", "team/c", "d_x", "E"]), min_size=1, max_size=4, unique=True)
    return st.fixed_dictionaries(
        {
            "destinations": roles.map(
                lambda names: [f"arn:aws:iam::{destination}:role/{each}" for each in names]
            ),
            "permissions": st.lists(_permissions(), max_size=3),
            "managed_policies": st.lists(
                st.sampled_from([f"arn:aws:iam::aws:policy/{name}" for name in _POLICIES]),
                unique=True,
                max_size=2,
            ).map(sorted),
            "permissions_boundary": st.sampled_from(["", "arn:aws:iam::aws:policy/PowerUserAccess"]),
            "conditions": _conditions(),
            "session_minutes": st.sampled_from([60, 61, 90, 720]),
            "expires": st.sampled_from(["", "2199-12-31", "2199-12-31T18:00:30Z"]),
        }
    ).flatmap(lambda fields: callers.map(lambda more: fields | more))


def _permissions() -> st.SearchStrategy[dict[str, Any]]:
    actions = st.lists(
        st.sampled_from(["s3:GetObject", "s3:List*", "ec2:Describe*"]), min_size=1, unique=True
    )
    resources = st.lists(
        st.sampled_from(["*", "arn:aws:s3:::b/*", "arn:aws:s3:::c"]), min_size=1, unique=True
    )
    return st.fixed_dictionaries({"actions": actions, "resources": resources})


def _conditions() -> st.SearchStrategy[dict[str, Any]]:
    """Conditions of a grant: a few of them at once."""
    known = {
        "external_id": SECRET,
        "require_mfa": True,
        "organization_id": "o-a1b2c3d4e5",
        "source_ips": ["203.0.113.0/24", "2001:db8::/32"],
        "role_session_name": "${aws:username}",
        "source_identity": "alice",
        "session_tags": {"team": "data", "Cost": "1"},
    }
    return st.sets(st.sampled_from(sorted(known))).map(
        lambda names: {name: known[name] for name in sorted(names)}
    )


def root_of(world: World, side: str) -> Any:
    """An IAM client of the administrator of a side."""
    return root_iam(world, world.source if side == "source" else world.destination)


def details(world: World) -> tuple[AccountDetails, ...]:
    """What a discovery reads in both accounts of a world."""
    return read_accounts(["source-admin", "destination-admin"], endpoint=endpoint_of(world)).accounts


def accounts_with(trust: Any, inline: Any) -> list[AccountDetails]:
    """Two accounts as IAM describes them: a user of the one, a role of the other with these policies."""
    source, destination, third = "111111111111", "222222222222", "333333333333"
    names = {
        "{source}": source,
        "{destination}": destination,
        "{third}": third,
        "{organization}": "o-a1b2c3d4e5",
    }
    written = json.dumps({"trust": trust, "inline": inline})
    for name, value in names.items():
        written = written.replace(name, value)
    documents = json.loads(written)
    everything = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
    alice = {
        "Arn": f"arn:aws:iam::{source}:user/team/alice",
        "UserPolicyList": [{"PolicyName": "own", "PolicyDocument": everything}],
    }
    reader = {
        "Arn": f"arn:aws:iam::{destination}:role/reader",
        "Path": "/",
        "AssumeRolePolicyDocument": documents["trust"],
        "RolePolicyList": [{"PolicyName": "own", "PolicyDocument": documents["inline"]}],
        "MaxSessionDuration": 3600,
    }
    return [
        AccountDetails(source, {"UserDetailList": [alice]}),
        AccountDetails(destination, {"RoleDetailList": [reader]}),
    ]
