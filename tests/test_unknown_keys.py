"""The laws of decisions with unknown keys (cases: tests/cases/decisions/unknown_keys.json)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.decision_worlds import ALICE, REPORT, SESSION, Document, any_world, policy
from xacct_nb.errors import InvalidInput
from xacct_nb.iam.evaluation import evaluate

APP = "arn:aws:iam::111111111111:role/{}app"
# The keys that the policies of the worlds use, each with values that its conditions tell apart, and None.
VALUES: dict[str, list[Any]] = {
    "aws:PrincipalTag/team": [None, "red", "blue", "ali", "alice", ""],
    "aws:MultiFactorAuthPresent": [None, "true", "false"],
    "aws:TagKeys": [None, ["a"], ["a", "b"], ["a", "c"], ["c"], []],
}
contexts = st.fixed_dictionaries({key: st.sampled_from(values) for key, values in VALUES.items()})
paths = st.sampled_from(["", "team/", "a/b/", "apps/*/", "app/", "a/"]) | st.text(
    alphabet="ab/*?", min_size=1, max_size=5
).map(lambda path: f"{path}/")
patterns = st.text(alphabet="ab/?*", max_size=6).map(APP.format) | st.sampled_from(
    [APP.format(""), APP.format("team/"), APP.format("*"), APP.format("*/"), APP.format("?/"), "*", "*app*"]
)
operators = st.sampled_from(["ArnLike", "ArnNotEquals", "StringLike", "StringEquals", "StringNotLike"])


@given(any_world, contexts)
def test_a_definite_result_is_right_whatever_the_unknown_keys_are(
    world: Document, values: dict[str, Any]
) -> None:
    decision = evaluate(**{**world, "context": {}, "unknown_keys": list(VALUES)})
    real = evaluate(**{**world, "context": values})

    assert real.result in decision.possible
    assert decision.result in ("Unknown", real.result)
    assert not (decision.denied and real.allowed)


@given(any_world, contexts)
def test_a_result_is_definite_once_the_keys_on_which_it_hangs_are_given(
    world: Document, values: dict[str, Any]
) -> None:
    decision = evaluate(**{**world, "context": {}, "unknown_keys": ["*"]})
    stated = {key: values.get(key) for key in decision.depends_on}

    assert evaluate(**{**world, "context": stated, "unknown_keys": ["*"]}).result != "Unknown"
    assert (decision.result == "Unknown") == bool(decision.depends_on)


@given(any_world)
def test_more_unknown_keys_never_rule_out_a_result(world: Document) -> None:
    some = evaluate(**{**world, "unknown_keys": ["aws:PrincipalTag/*"]})
    more = evaluate(**{**world, "unknown_keys": ["*"]})

    assert set(some.possible) <= set(more.possible)


@given(any_world)
def test_an_unknown_result_has_reasons_with_the_keys_and_is_no_access(world: Document) -> None:
    decision = evaluate(**{**world, "context": {}, "unknown_keys": ["*"]})
    reasons = " ".join(decision.reasons)

    assert [key for key in decision.depends_on if key not in reasons] == []
    assert not (decision.allowed and decision.result == "Unknown")


@given(operators, st.lists(patterns, min_size=1, max_size=3), paths)
def test_what_holds_for_an_unknown_path_holds_for_each(operator: str, wanted: list[str], path: str) -> None:
    condition = {operator: {"aws:PrincipalArn": wanted}}
    allow = {"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition}
    asked = {"action": "s3:GetObject", "resource": REPORT, "identity_policies": [policy(allow)]}
    decision = evaluate(SESSION, **asked)
    real = evaluate(SESSION, **asked, context={"aws:PrincipalArn": APP.format(path)})

    assert real.result in decision.possible


@pytest.mark.parametrize("names", ["aws:SourceIp", [7], [""], ["aws:*Ip"], {"aws:SourceIp": "x"}, [None]])
def test_what_is_no_list_of_keys_is_refused(names: Any) -> None:
    with pytest.raises(InvalidInput, match="unknown_keys is not a list of condition keys"):
        evaluate(ALICE, "s3:GetObject", REPORT, unknown_keys=names)
