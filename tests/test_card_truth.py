"""The card is true: the evaluation of both sides, before and after a plan, agrees with its sentences."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.changes.entitlements import losses
from xacct_nb.changes.plan import ROLE_PARTS, Change
from xacct_nb.changes.planner import desired_resources, diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.sentences import access_sentences, describe_arn
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.linting.access_after_plan import access_after_plan

HOME = "arn:aws:iam::111111111111"
MALLORY, HUB, GROUP = f"{HOME}:user/mallory", f"{HOME}:role/hub", f"{HOME}:group/readers"
WRITER, LIMIT = "arn:aws:iam::222222222222:role/writer", "arn:aws:iam::222222222222:policy/limit"
CALLERS, ROLES = (ALICE, MALLORY, HUB), (ROLE, WRITER)
CONTEXTS = (
    {},
    {"sts:ExternalId": "partner-7"},
    {"sts:ExternalId": "partner-8"},
    {"aws:MultiFactorAuthPresent": "true"},
    {"sts:ExternalId": "partner-7", "aws:MultiFactorAuthPresent": "true"},
)
Resources = dict[ResourceKey, Any]


def members(everyone: tuple[str, ...]) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(everyone), min_size=1, max_size=len(everyone), unique=True)


users = st.fixed_dictionaries(
    {"sources": members((ALICE, MALLORY)), "attach_to": st.sampled_from(["", GROUP])}
)
anyone = st.fixed_dictionaries({"sources": members(CALLERS) | st.just(["111111111111"])})
wishes = st.builds(
    lambda who, rest: {**who, **rest},
    users | anyone,
    st.fixed_dictionaries(
        {
            "destinations": members(ROLES),
            "conditions": st.sampled_from(
                [{}, {}, {"external_id": "partner-7"}, {"external_id": "partner-8"}, {"require_mfa": True}]
            ),
            "caller_policy": st.sampled_from(["managed", "inline"]),
            "self_assume": st.booleans(),
            "session_minutes": st.sampled_from([60, 90]),
        }
    ),
).filter(lambda wish: not (wish["self_assume"] and "require_mfa" in wish["conditions"]))


def in_place(grant: Grant) -> State:
    """Both accounts with the grant, and what the administrator sees of the group."""
    group = {ResourceKey("group", GROUP): ["alice"]} if grant.attach_to else {}
    return State({**desired_resources(build(grant), State({})), **group})


def after(live: State, changes: tuple[Change, ...]) -> Resources:
    found = dict(live.resources)
    for each in changes:
        role = ResourceKey("role", each.target)
        if each.kind in ROLE_PARTS:
            found[role] = found[role] | ({"trust": each.after} if each.kind == "trust" else {})
        elif each.after is None:
            del found[each.key]
        else:
            found[each.key] = each.after
    return found


def policies_of(caller: str, found: Resources) -> Iterator[Any]:
    holders = (caller, GROUP) if caller == ALICE else (caller,)
    for key, value in found.items():
        if key.target in holders and key.kind == "inline-policy":
            yield value
        if key.target in holders and key.kind == "attachment":
            yield found[ResourceKey("managed-policy", key.name)]["document"]


def lets_in(found: Resources, caller: str, role: str, context: dict[str, str]) -> bool:
    if (live := found.get(ResourceKey("role", role))) is None:
        return False
    session = f"arn:aws:sts::111111111111:assumed-role/{caller.rpartition('/')[2]}/s"
    who, keys = (session, {"aws:PrincipalArn": caller}) if ":role/" in caller else (caller, {})
    own = list(policies_of(caller, found))
    return evaluate(who, "sts:AssumeRole", role, {**context, **keys}, own, live["trust"]).allowed


def names(sentence: str, caller: str, role: str) -> bool:
    """Whether a sentence says that this caller loses the role, by name or as one of many."""
    gone = sentence.startswith(f"{describe_arn(role)} will be deleted")
    many = ("Everyone", "Every member of group/readers") if caller == ALICE else ("Everyone",)
    return gone or (
        describe_arn(role) in sentence and (describe_arn(caller) in sentence or sentence.startswith(many))
    )


@given(was=wishes, becomes=wishes)
def test_whoever_a_plan_shuts_out_of_a_role_is_named_as_a_loser(was: Any, becomes: Any) -> None:
    live = in_place(a_grant(**was))
    if becomes.get("attach_to"):
        live = replace(live, resources={**live.resources, ResourceKey("group", GROUP): ["alice"]})
    changes = diff(build(a_grant(**becomes)), live).changes
    said, then = losses(live, changes), after(live, changes)

    for caller in CALLERS:
        for role in ROLES:
            for context in CONTEXTS:
                if lets_in(live.resources, caller, role, context) and not lets_in(
                    then, caller, role, context
                ):
                    assert [each for each in said if names(each, caller, role)], (caller, role, context, said)


def test_a_member_of_the_group_that_gets_the_policy_loses_nothing() -> None:
    live = State({**in_place(a_grant()).resources, ResourceKey("group", GROUP): ["alice"]})
    changes = diff(build(a_grant(attach_to=GROUP)), live).changes

    assert losses(live, changes) == ()


def test_a_boundary_that_a_role_gets_and_a_shorter_session_are_losses() -> None:
    live = in_place(a_grant(session_minutes=90))
    changes = diff(build(a_grant(permissions_boundary=LIMIT)), live).changes
    session = f"Every session of {describe_arn(ROLE)}"

    assert losses(live, changes) == (
        f"{session} will be able to do at most what the boundary limit allows.",
        f"{session} will last 60 minutes at most, not 90.",
    )


def allows(*actions: str, effect: str = "Allow") -> dict[str, Any]:
    statement = {"Effect": effect, "Action": list(actions), "Resource": "*"}
    return {"Version": "2012-10-17", "Statement": [statement]}


def with_details(**details: Any) -> State:
    """The grant's two accounts, and what the reader found around its resources."""
    keys = {name: ResourceKey(*each) for name, each in KEYS.items()}
    return State(in_place(a_grant()).resources, {keys[name]: value for name, value in details.items()})


KEYS = {
    "caller": ("principal", ALICE),
    "limit": ("policy", LIMIT),
    "own_limit": ("policy", f"{HOME}:policy/limit"),
}


def test_without_obstacles_the_card_says_what_the_grant_says() -> None:
    grant = a_grant(sources=[ALICE, MALLORY], destinations=[ROLE, WRITER])

    assert tuple(access_after_plan(build(grant), State({}))) == access_sentences(grant)


@pytest.mark.parametrize(
    ("caller", "end"),
    [
        (
            LivePrincipal(ALICE, boundary=f"{HOME}:policy/limit"),
            "boundary limit denies sts:AssumeRole.",
        ),
        (
            LivePrincipal(ALICE, inline={"no-sts": allows("sts:*", effect="Deny")}),
            "inline policy no-sts of user/alice, Statement[0] denies sts:AssumeRole.",
        ),
        (
            LivePrincipal(ALICE, groups=(LivePrincipal(GROUP, inline={"no": allows("*", effect="Deny")}),)),
            "inline policy no of group/readers, Statement[0] denies sts:AssumeRole.",
        ),
    ],
)
def test_a_caller_that_something_else_shuts_out_is_not_promised_the_role(
    caller: LivePrincipal, end: str
) -> None:
    live = with_details(caller=caller, own_limit={"version": "v1", "document": allows("s3:*")})
    (sentence,) = access_after_plan(build(a_grant()), live)

    assert sentence == f"{describe_arn(ALICE)} will not be able to assume {describe_arn(ROLE)}: {end}"


def test_what_an_adopted_role_is_denied_by_its_own_boundary_or_policy_is_not_promised() -> None:
    limit = {"version": "v1", "document": allows("sqs:*")}
    live = with_details(limit=limit)
    role = ResourceKey("role", ROLE)
    bounded = State({**live.resources, role: {**live.resources[role], "boundary": LIMIT}}, live.details)
    denied = State(
        {**live.resources, ResourceKey("inline-policy", ROLE, "no-s3"): allows("s3:*", effect="Deny")}
    )
    grant = a_grant(adopt=True)
    (by_boundary,), (by_policy,) = (
        tuple(access_after_plan(build(grant), each)) for each in (bounded, adopted(denied))
    )

    assert "(at most what the boundary limit allows)" in by_boundary
    assert by_boundary.endswith("But not s3:GetObject on arn:aws:s3:::reports/*: boundary limit denies it.")
    assert "But not s3:GetObject on arn:aws:s3:::reports/*: inline policy no-s3" in by_policy


def adopted(state: State) -> State:
    """The same, where the role was not made for the grant, so that the plan leaves its other policies."""
    role = ResourceKey("role", ROLE)
    return State({**state.resources, role: {**state.resources[role], "tags": {}}}, state.details)


def test_the_boundary_is_in_the_sentence_of_the_role_that_has_it_alone() -> None:
    live = with_details(limit={"version": "v1", "document": allows("s3:*")})
    role = ResourceKey("role", ROLE)
    bounded = State({**live.resources, role: {**live.resources[role], "boundary": LIMIT}}, live.details)
    said = tuple(access_after_plan(build(a_grant(destinations=[ROLE, WRITER])), bounded))

    assert ["boundary limit" in each for each in said] == [True, False]
    assert READ["actions"][0] in said[1]
