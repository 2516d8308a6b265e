"""AWS's limits on the size and number of policies."""

from typing import Any

import pytest

from xacct_nb.errors import OverQuota
from xacct_nb.iam import quotas
from xacct_nb.iam.quotas import check_count, check_size, minify, size


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


def test_more_documents_than_allowed_are_refused() -> None:
    with pytest.raises(OverQuota, match="user/alice would need 3 caller policies"):
        check_count([{}, {}, {}], 2, "user/alice")


def test_the_maximum_of_a_quota_is_never_below_its_default() -> None:
    assert all(quotas.ATTACHED[kind] <= most for kind, most in quotas.ATTACHED_MAX.items())
    assert quotas.TRUST_POLICY <= quotas.TRUST_POLICY_MAX
