"""The ways into roles are those that the evaluation allows, and no way is left out or guessed."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.grants.pictures.access_graph import AccessEdge
from xacct_nb.grants.pictures.ways_in import Holder, Trusts, ways_in
from xacct_nb.iam.evaluation import evaluate

SOURCE, DESTINATION = "111111111111", "222222222222"
CALLERS = [f"arn:aws:iam::{SOURCE}:{name}" for name in ("user/alice", "user/team/bob", "role/hub")]
ROLES = [f"arn:aws:iam::{DESTINATION}:role/{name}" for name in ("reader", "app/writer")]
CONDITIONS: list[dict[str, Any]] = [
    {},
    {"Condition": {"Bool": {"aws:MultiFactorAuthPresent": "true"}}},
    {"Condition": {"ArnLike": {"aws:PrincipalArn": f"arn:aws:iam::{SOURCE}:user/*"}}},
    {"Condition": {"StringEquals": {"aws:PrincipalAccount": DESTINATION}}},
]
ACTIONS = ["sts:AssumeRole", "sts:*", "*", "s3:GetObject"]
PRINCIPALS = [*CALLERS, SOURCE, f"arn:aws:iam::{SOURCE}:root", "*", "333333333333"]


def documents(element: str, values: list[Any], actions: list[str]) -> st.SearchStrategy[dict[str, Any]]:
    """Policies of up to three statements with these values in their Principal or Resource."""
    statement = st.builds(
        lambda effect, action, named, condition: {
            "Effect": effect,
            "Action": action,
            element: {"AWS": named} if element == "Principal" else named,
            **condition,
        },
        st.sampled_from(["Allow", "Allow", "Allow", "Deny"]),
        st.sampled_from(actions),
        st.lists(st.sampled_from(values), min_size=1, max_size=2, unique=True),
        st.sampled_from(CONDITIONS),
    )
    statements = st.lists(statement, min_size=1, max_size=3)
    return st.builds(lambda found: {"Version": "2012-10-17", "Statement": found}, statements)


resources = [*ROLES, "*", f"arn:aws:iam::{DESTINATION}:role/app/*", "arn:aws:iam::*:role/rea?er"]
own = st.lists(documents("Resource", resources, ACTIONS), max_size=2).map(tuple)
bounds = st.none() | documents("Resource", ["*", ROLES[0]], ["sts:*", "*"])
worlds = st.builds(
    Trusts,
    st.fixed_dictionaries(
        {role: documents("Principal", PRINCIPALS, ["sts:AssumeRole", "sts:*"]) for role in ROLES}
    ),
    st.fixed_dictionaries({caller: st.builds(Holder, own, bounds) for caller in CALLERS}),
    st.just(frozenset({SOURCE, DESTINATION})),
)


@given(worlds)
def test_a_way_is_open_where_the_evaluation_allows_it_under_some_condition(world: Trusts) -> None:
    drawn = {(each.source, each.target) for each in ways_in(world) if each.state == "open"}

    assert {ends for ends in drawn if ends[0] in CALLERS} == {
        (caller, role)
        for caller, holder in world.holders.items()
        for role, trust in world.policies.items()
        if not evaluate(
            principal=caller,
            action="sts:AssumeRole",
            resource=role,
            identity_policies=holder.policies,
            resource_policy=trust,
            permissions_boundaries=None if holder.boundary is None else [holder.boundary],
            unknown_keys=["*"],
        ).denied
    }


@given(worlds)
def test_one_pair_has_ways_of_one_state_only(world: Trusts) -> None:
    states: dict[tuple[str, str], set[str]] = {}
    for each in ways_in(world):
        states.setdefault((each.source, each.target), set()).add(each.state)

    assert [ends for ends, found in states.items() if len(found) > 1] == []


@given(worlds)
def test_without_the_callers_policies_nothing_of_them_is_open(world: Trusts) -> None:
    found = ways_in(Trusts(world.policies))

    assert {each.state for each in found if each.source in CALLERS} <= {"unread", "denied"}


@given(worlds)
def test_equal_worlds_have_equal_ways_in_the_same_order(world: Trusts) -> None:
    assert ways_in(world) == ways_in(Trusts(dict(world.policies), dict(world.holders), world.read))


def test_the_statement_that_asks_least_is_the_way() -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": CALLERS[0]}, "Action": "sts:AssumeRole"}
    trust = {"Version": "2012-10-17", "Statement": [{**allow, **CONDITIONS[1]}, allow]}
    may = {"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": ROLES[0]}}

    assert ways_in(Trusts({ROLES[0]: trust}, {CALLERS[0]: Holder((may,))})) == (
        AccessEdge(CALLERS[0], ROLES[0], ("without a condition",)),
    )


def test_two_statements_with_conditions_are_two_ways() -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": CALLERS[0]}, "Action": "sts:AssumeRole"}
    until = {"Condition": {"DateLessThan": {"aws:CurrentTime": "2027-01-01"}}}
    trust = {"Version": "2012-10-17", "Statement": [{**allow, **CONDITIONS[1]}, {**allow, **until}]}
    may = {"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*", **CONDITIONS[1]}}

    assert [each.lines for each in ways_in(Trusts({ROLES[0]: trust}, {CALLERS[0]: Holder((may,))}))] == [
        ("with MFA", "its own policy: with MFA"),
        ("until 2027-01-01", "its own policy: with MFA"),
    ]


def test_a_deny_under_the_condition_of_the_allow_leaves_no_way() -> None:
    allow = {"Effect": "Allow", "Principal": {"AWS": CALLERS[0]}, "Action": "sts:AssumeRole", **CONDITIONS[1]}
    trust = {"Version": "2012-10-17", "Statement": [allow, {**allow, "Effect": "Deny"}]}
    may = {"Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}}

    assert ways_in(Trusts({ROLES[0]: trust}, {CALLERS[0]: Holder((may,))})) == (
        AccessEdge(CALLERS[0], ROLES[0], ("a Deny takes away all that is allowed",), "denied"),
    )
