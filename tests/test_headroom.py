"""The headroom that a grant leaves under AWS's quotas, and that its figures are right."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, ROLE, SOME_POLICY, a_grant, golden
from support.sample_views import characters_of
from xacct_nb.grants.documents import build
from xacct_nb.grants.naming import OWNER_TAG
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam import quotas
from xacct_nb.iam.quotas import size
from xacct_nb.linting.headroom import Headroom, Quota, headroom


def users(count: int) -> list[str]:
    return [f"arn:aws:iam::111111111111:user/{number:020d}" for number in range(count)]


def roles(count: int) -> list[str]:
    return [f"arn:aws:iam::222222222222:role/{number:020d}" for number in range(count)]


def space(of: str, state: State | None = None, **fields: Any) -> Quota:
    return next(each for each in headroom(build(a_grant(**fields)), state).quotas if each.name == of)


def a_role(tags: dict[str, str], **hanging: dict[str, Any]) -> State:
    """The role with these tags, and what hangs on it by kind and name."""
    resources: dict[ResourceKey, Any] = {ResourceKey("role", ROLE): {"tags": tags, "trust": {}}}
    return State(
        resources
        | {
            ResourceKey(kind.replace("_", "-"), ROLE, name): value
            for kind, named in hanging.items()
            for name, value in named.items()
        }
    )


def test_the_articles_grant_has_headroom() -> None:
    assert f"{headroom(build(a_grant()))}\n" == golden("room.txt")


@pytest.mark.parametrize(("have", "more"), [(1, 34), (20, 15), (35, 0), (40, 0)])
def test_a_trust_policy_takes_35_users_with_names_of_20_characters(have: int, more: int) -> None:
    assert space("trust policy of role/reports-reader", sources=users(have)).more == more


@given(st.integers(1, 34))
def test_as_many_more_sources_fit_as_it_says_and_not_one_more(have: int) -> None:
    more = space("trust policy of role/reports-reader", sources=users(have)).more
    (full,) = build(a_grant(sources=users(have + more))).trust_policies.values()
    (over,) = build(a_grant(sources=users(have + more + 1))).trust_policies.values()

    assert size(full) <= quotas.TRUST_POLICY < size(over)


@given(st.integers(1, 111))
def test_as_many_more_destinations_fit_as_it_says_and_not_one_more(have: int) -> None:
    more = space("caller policy of user/alice", destinations=roles(have)).more
    (full,) = build(a_grant(destinations=roles(have + more))).caller_policies.values()
    (over,) = build(a_grant(destinations=roles(have + more + 1))).caller_policies.values()

    assert (len(full), len(over)) == (1, 2)


def test_the_last_of_several_caller_policies_has_headroom() -> None:
    found = headroom(build(a_grant(destinations=roles(120)))).quotas

    assert [(each.name, each.used) for each in found[:2]] == [
        ("caller policy 2 of user/alice", 584),
        ("attachments of user/alice", 2),
    ]


def test_inline_policies_of_a_user_share_a_quota() -> None:
    found = space("inline policies of user/alice", caller_policy="inline")

    assert (found.used, found.limit, found.most) == (146, 2_048, 2_048)


def test_equal_roles_share_a_line() -> None:
    found = [each.name for each in headroom(build(a_grant(destinations=roles(3)))).quotas]

    assert found[2:] == [
        f"trust policy of role/{0:020d} and 2 more",
        f"inline policies of role/{0:020d} and 2 more",
    ]


def test_retained_policies_of_an_adopted_role_are_counted() -> None:
    hanging: dict[str, Any] = {
        "inline_policy": {"old": SOME_POLICY},
        "attachment": {"arn:a": True, "arn:b": True},
    }
    found = headroom(build(a_grant()), a_role({}, **hanging)).quotas

    assert [(each.name, each.used) for each in found[3:]] == [
        ("inline policies of role/reports-reader", 224),
        ("attachments of role/reports-reader", 2),
    ]


def test_policies_that_the_grant_removes_are_not_counted() -> None:
    state = a_role({OWNER_TAG: "reports"}, inline_policy={"old": SOME_POLICY})

    assert space("inline policies of role/reports-reader", state).used == 121


def test_the_grants_own_policy_is_counted_once() -> None:
    state = a_role({}, inline_policy={"xacct-reports": SOME_POLICY})

    assert space("inline policies of role/reports-reader", state).used == 121


def test_other_policies_of_the_user_are_counted() -> None:
    policies = [f"arn:aws:iam::111111111111:policy/xacct-reports.{number}" for number in (2, 3, 4)]
    beyond = {ResourceKey("attachment", ALICE, policy): True for policy in policies}

    assert space("attachments of user/alice", State(beyond)).used == 3


def test_headroom_goes_to_json() -> None:
    first = headroom(build(a_grant())).to_json()[0]

    assert (first["what"], first["left"], first["unit"]) == ("caller policy", 5_998, "characters")


@given(st.lists(st.builds(Quota)))
def test_headroom_shows_the_same_as_text_and_as_html(quotas: list[Quota]) -> None:
    as_text, as_html = characters_of(Headroom(tuple(quotas)).view())

    assert as_text == as_html
