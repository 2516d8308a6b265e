"""Which destination stands in which caller policy: few policies, and few changes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

import xacct_nb as xa
from xacct_nb.errors import OverQuota
from xacct_nb.grants.documents import build
from xacct_nb.grants.packing import pack_stably
from xacct_nb.grants.state import State
from xacct_nb.iam.quotas import MANAGED_POLICY, size

ARNS = st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=50, unique=True)
NOTHING = State({})
ALICE = "arn:aws:iam::111111111111:user/alice"


def policy(arns: list[str]) -> dict[str, Any]:
    return {"Resource": arns}


def pack(arns: list[str], now: list[list[str]], limit: int = 22) -> list[list[str]]:
    return pack_stably(arns, now, policy, limit)


def readers(*accounts: int) -> xa.Grant:
    roles = [f"arn:aws:iam::{account}:role/reports-reader" for account in accounts]
    return xa.Grant(name="readers", sources=[ALICE], destinations=roles)


def applied(grant: xa.Grant, state: State = NOTHING) -> State:
    """Return the state in which the plan of a grant's source side leaves the account."""
    resources = dict(state.resources)
    for change in xa.diff(build(grant, "source"), state).changes:
        if change.after is None:
            del resources[change.key]
        else:
            resources[change.key] = change.after
    return State(resources)


def test_what_fits_stands_in_one_policy() -> None:
    assert pack(["a", "b"], []) == [["a", "b"]]


def test_what_does_not_fit_goes_into_the_next_policy() -> None:
    assert pack(["a", "b", "c"], []) == [["a", "b"], ["c"]]


def test_a_short_arn_goes_where_there_is_room() -> None:
    assert pack(["a", "b" * 20, "c"], [], 40) == [["a", "c"], ["b" * 20]]


def test_an_arn_stays_where_it_is_whatever_the_order() -> None:
    assert pack(["c", "b", "a"], [["a", "b"], ["c"]]) == [["a", "b"], ["c"]]


def test_a_new_arn_goes_into_the_room_that_another_left() -> None:
    assert pack(["d", "b", "c"], [["a", "b"], ["c"]]) == [["b", "d"], ["c"]]


def test_a_policy_is_given_up_where_the_others_have_room() -> None:
    assert pack(["b", "c"], [["a", "b"], ["c"]]) == [["b", "c"]]


def test_the_last_policy_moves_into_one_that_is_empty() -> None:
    assert pack(["c", "d", "e"], [["a", "b"], ["c", "d"], ["e"]]) == [["e"], ["c", "d"]]


def test_an_arn_in_two_policies_stays_in_the_first_one() -> None:
    assert pack(["a", "b", "c"], [["a", "b"], ["b", "c"]]) == [["a", "b"], ["c"]]


@given(ARNS, ARNS, st.integers(40, 200))
def test_nothing_is_lost_moved_or_too_long(before: list[str], after: list[str], limit: int) -> None:
    now = pack(before, [], limit)
    packed = pack(after, now, limit)

    assert sorted(arn for part in packed for arn in part) == sorted(after)
    assert all(size(policy(part)) <= limit for part in packed)
    assert pack(after, packed, limit) == packed
    assert len(packed) <= max(len(now), len(pack(after, [], limit)))


def test_one_account_more_changes_one_policy_of_many() -> None:
    accounts = [222222222222 + number for number in range(0, 600, 2)]
    state = applied(readers(*accounts))
    plan = xa.diff(build(readers(222222222223, *accounts), "source"), state)

    assert len(state.of("managed-policy")) == 3
    assert [(change.sign, change.kind) for change in plan.changes] == [("~", "managed-policy")]


def test_accounts_in_another_order_change_nothing() -> None:
    accounts = [222222222222 + number for number in range(300)]
    state = applied(readers(*accounts))

    assert xa.diff(build(readers(*reversed(accounts)), "source"), state).changes == ()


def test_accounts_that_leave_give_up_the_last_policy() -> None:
    accounts = [222222222222 + number for number in range(300)]
    state = applied(readers(*accounts))
    after = applied(readers(*accounts[::4]), state)

    assert [size(each["document"]) <= MANAGED_POLICY for each in after.of("managed-policy").values()] == [
        True
    ]
    assert xa.diff(build(readers(*accounts[::4]), "source"), after).changes == ()


def test_a_single_arn_that_does_not_fit_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("xacct_nb.iam.quotas.MANAGED_POLICY", 100)

    with pytest.raises(OverQuota, match="A caller policy has"):
        build(readers(222222222222), "source")
