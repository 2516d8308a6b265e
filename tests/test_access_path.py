"""The hops to a role, and the name that each session gets."""

import pytest

from support.examples import ALICE, ROLE, a_grant
from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.access_path import hops_of, name_of_session

DESK = "arn:aws:iam::111111111111:role/team/desk"
HUB = "arn:aws:iam::333333333333:role/hub"


@pytest.mark.parametrize(
    ("pattern", "caller", "name"),
    [
        ("", "alice", "alice"),
        ("", "a", "a-session"),
        ("", "a" * 70, "a" * 64),
        ("fixed", "alice", "fixed"),
        ("${aws:username}", "alice", "alice"),
        ("desk-*", "alice", "desk-alice"),
        ("*-??-*", "alice", "alice-xx-"),
    ],
)
def test_a_session_has_the_callers_name_where_the_grant_allows_it(
    pattern: str, caller: str, name: str
) -> None:
    assert name_of_session(a_grant(conditions={"role_session_name": pattern}), caller) == name


def test_roles_that_are_destinations_and_sources_come_before_the_last_one() -> None:
    grant = a_grant(sources=[ALICE, DESK], destinations=[ROLE, DESK])

    assert [hop.role for hop in hops_of(grant)] == [DESK, ROLE]
    assert [hop.role for hop in hops_of(grant, DESK)] == [DESK]


def test_the_grants_before_come_first_and_a_whole_account_trusts_each_of_its_roles() -> None:
    desk = a_grant(name="desk", destinations=[DESK], permissions=[])
    hub = a_grant(name="hub", sources=["111111111111"], destinations=[HUB], permissions=[])
    last = a_grant(sources=[HUB])

    assert [hop.role for hop in hops_of(last, through=[desk, hub])] == [DESK, HUB, ROLE]


def test_a_hop_that_no_grant_allows_is_refused_with_both_roles() -> None:
    desk = a_grant(name="desk", destinations=[DESK], permissions=[])

    with pytest.raises(InvalidGrant, match=f"{DESK} may not assume {ROLE}."):
        hops_of(a_grant(), through=[desk])
