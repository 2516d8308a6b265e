"""AWS's limits, and the packing of many ARNs into few policies."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.errors import OverQuota
from xacct_nb.iam import quotas
from xacct_nb.iam.quotas import check_count, check_size, minify, pack, size


def policy(arns: list[str]) -> dict[str, Any]:
    return {"Resource": arns}


def test_white_space_is_not_counted() -> None:
    assert minify({"a": [1, 2]}) == '{"a":[1,2]}'
    assert size({"a": [1, 2]}) == 11


def test_a_document_at_the_limit_is_accepted() -> None:
    assert check_size({"a": "12"}, 10, "It") == {"a": "12"}


def test_a_document_over_the_limit_is_refused_with_both_numbers() -> None:
    with pytest.raises(OverQuota) as refusal:
        check_size({"a": "123"}, 10, "The trust policy")

    assert refusal.value.what == "The trust policy has 11 characters."
    assert refusal.value.why == "AWS accepts 10 here, white space not counted."


def test_what_fits_stays_in_one_document() -> None:
    assert pack(["a", "b"], policy, 100) == [{"Resource": ["a", "b"]}]


def test_what_does_not_fit_goes_into_the_next_document() -> None:
    assert pack(["a", "b", "c"], policy, 22) == [{"Resource": ["a", "b"]}, {"Resource": ["c"]}]


def test_a_single_arn_that_does_not_fit_is_refused() -> None:
    with pytest.raises(OverQuota, match="A caller policy has"):
        pack(["a" * 50], policy, 40)


def test_more_documents_than_allowed_are_refused() -> None:
    with pytest.raises(OverQuota, match="user/alice would need 3 caller policies"):
        check_count([{}, {}, {}], 2, "user/alice")


@given(st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=50), st.integers(40, 200))
def test_packing_loses_nothing_and_keeps_the_limit(arns: list[str], limit: int) -> None:
    packed = pack(arns, policy, limit)

    assert [arn for part in packed for arn in part["Resource"]] == arns
    assert all(size(part) <= limit for part in packed)


def test_the_maximum_of_a_quota_is_never_below_its_default() -> None:
    assert all(quotas.ATTACHED[kind] <= most for kind, most in quotas.ATTACHED_MAX.items())
    assert quotas.TRUST_POLICY <= quotas.TRUST_POLICY_MAX
