"""Laws of IAM that hold whatever the policies say: small random worlds are put to the sandbox."""

from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.in_process_sandbox import in_process_sandbox
from support.questions import Room, outcome
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

Statement = dict[str, Any]
ALICE, BOB = "arn:aws:iam::{source}:user/alice", "arn:aws:iam::{source}:user/bob"
NOBODY = {"Effect": "Allow", "Principal": {"AWS": "{third}"}, "Action": "sts:AssumeRole"}
FEW = settings(max_examples=25, deadline=None)

effects = st.sampled_from(["Allow", "Allow", "Deny"])
conditions = st.sampled_from(
    [
        {},
        {},
        {"StringEquals": {"sts:ExternalId": "first"}},
        {"StringNotEquals": {"sts:ExternalId": "first"}},
        {"Null": {"sts:ExternalId": "true"}},
        {"StringLike": {"sts:RoleSessionName": "s*"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "true"}},
    ]
)
own_statements = st.fixed_dictionaries(
    {
        "Effect": effects,
        "Action": st.sampled_from(["sts:AssumeRole", "sts:*", "*", "s3:*"]),
        "Resource": st.sampled_from(["*", "arn:aws:iam::*:role/reader", "arn:aws:iam::*:role/writer"]),
        "Condition": conditions,
    }
)
trust_statements = st.fixed_dictionaries(
    {
        "Effect": effects,
        "Principal": st.sampled_from(
            [ALICE, BOB, "{source}", "arn:aws:iam::{source}:root", "{third}", "*"]
        ).map(lambda name: {"AWS": name}),
        "Action": st.sampled_from(["sts:AssumeRole", "sts:*", "sts:TagSession"]),
        "Condition": conditions,
    }
)


@dataclass(frozen=True)
class Small:
    """Alice's own policy, the trust policy of a role, where the role is, and her call."""

    own: list[Statement]
    trust: list[Statement]
    account: str
    external_id: str


worlds = st.builds(
    Small,
    st.lists(own_statements, max_size=3),
    st.lists(trust_statements, min_size=1, max_size=3),
    st.sampled_from(["source", "destination"]),
    st.sampled_from(["", "first", "second"]),
)
across = worlds.map(lambda small: replace(small, account="destination"))


@pytest.fixture(scope="module")
def room(sandbox: Sandbox) -> Room:
    room = Room(sandbox)
    for user in ("alice", "bob"):
        room.do({"source": "CreateUser", "UserName": user})
    room.do({"source": "CreateAccessKey", "UserName": "alice", "as": "alice"})
    for account in ("source", "destination"):
        room.do({account: "CreateRole", "RoleName": "reader", "AssumeRolePolicyDocument": NOBODY})
    return room


def allowed(room: Room, small: Small) -> bool:
    """What the sandbox says, after its policies are written."""
    never = {"Effect": "Allow", "Action": "none:Nothing", "Resource": "*"}
    own = {"UserName": "alice", "PolicyName": "own", "PolicyDocument": small.own or never}
    room.do({"source": "PutUserPolicy", **own})
    room.do({small.account: "UpdateAssumeRolePolicy", "RoleName": "reader", "PolicyDocument": small.trust})
    role = {"RoleArn": f"arn:aws:iam::{{{small.account}}}:role/reader", "RoleSessionName": "s1"}
    code, message, _ = outcome(room, {"alice": "AssumeRole", **role, **_external_id(small)})
    assert code in ("allowed", "AccessDenied"), message
    return code == "allowed"


@FEW
@given(small=worlds)
def test_without_the_trust_it_is_denied(room: Room, small: Small) -> None:
    denies = [each for each in small.trust if each["Effect"] == "Deny"]

    assert not allowed(room, replace(small, trust=[*denies, NOBODY]))


@FEW
@given(small=across)
def test_across_accounts_it_is_denied_without_the_callers_side(room: Room, small: Small) -> None:
    assert not allowed(room, replace(small, own=[each for each in small.own if each["Effect"] == "Deny"]))


@FEW
@given(small=worlds, deny=own_statements)
def test_a_deny_of_the_caller_never_turns_a_denial_into_an_allow(
    room: Room, small: Small, deny: Statement
) -> None:
    more = replace(small, own=[*small.own, {**deny, "Effect": "Deny"}])

    assert allowed(room, small) or not allowed(room, more)


@FEW
@given(small=worlds, deny=trust_statements)
def test_a_deny_of_the_role_never_turns_a_denial_into_an_allow(
    room: Room, small: Small, deny: Statement
) -> None:
    more = replace(small, trust=[*small.trust, {**deny, "Effect": "Deny"}])

    assert allowed(room, small) or not allowed(room, more)


@FEW
@given(small=worlds, allow=own_statements, trust=trust_statements)
def test_an_allow_never_turns_an_allow_into_a_denial(
    room: Room, small: Small, allow: Statement, trust: Statement
) -> None:
    more = replace(
        small,
        own=[*small.own, {**allow, "Effect": "Allow"}],
        trust=[*small.trust, {**trust, "Effect": "Allow"}],
    )

    assert allowed(room, more) or not allowed(room, small)


@FEW
@given(small=worlds, side=st.sampled_from(["own", "trust"]))
def test_a_deny_of_everything_on_either_side_denies(room: Room, small: Small, side: str) -> None:
    everything = {
        "own": {"Effect": "Deny", "Action": "*", "Resource": "*"},
        "trust": {"Effect": "Deny", "Principal": {"AWS": "{source}"}, "Action": "sts:*"},
    }
    more = replace(small, **{side: [everything[side], *getattr(small, side)]})

    assert not allowed(room, more)


@FEW
@given(small=worlds)
def test_the_order_of_statements_does_not_matter(room: Room, small: Small) -> None:
    turned = replace(small, own=small.own[::-1], trust=small.trust[::-1])

    assert allowed(room, small) == allowed(room, turned)


@FEW
@given(small=across)
def test_what_is_allowed_across_accounts_is_allowed_in_one(room: Room, small: Small) -> None:
    assert allowed(room, replace(small, account="source")) or not allowed(room, small)


@FEW
@given(small=worlds, condition=conditions, side=st.sampled_from(["own", "trust"]))
def test_a_condition_on_what_allows_never_turns_a_denial_into_an_allow(
    room: Room, small: Small, condition: dict[str, Any], side: str
) -> None:
    narrowed = [
        {**each, "Condition": _both(each["Condition"], condition)} if each["Effect"] == "Allow" else each
        for each in getattr(small, side)
    ]

    assert allowed(room, small) or not allowed(room, replace(small, **{side: narrowed}))


@FEW
@given(small=worlds)
def test_a_policy_as_a_list_of_one_says_what_it_says_alone(room: Room, small: Small) -> None:
    listed = [{**each, "Action": [each["Action"]], "Resource": [each["Resource"]]} for each in small.own]

    assert allowed(room, small) == allowed(room, replace(small, own=listed))


def _external_id(small: Small) -> dict[str, str]:
    return {"ExternalId": small.external_id} if small.external_id else {}


def _both(one: dict[str, Any], other: dict[str, Any]) -> dict[str, Any]:
    """Both conditions; of two on the same operator and key the first."""
    return {**other, **one}
