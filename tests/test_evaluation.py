"""The laws that every decision obeys, whatever the policies (AWS's rules: see tests/cases/decisions)."""

import json
from copy import deepcopy
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.decision_worlds import (
    ALICE,
    NOBODY,
    REPORT,
    ROLE,
    SLOTS,
    Document,
    any_world,
    bucket_statements,
    identity_lists,
    identity_statements,
    levels,
    policy,
    roles,
    trust_statements,
)
from support.slow_reasons import slow_reasons
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.policy import parse


@given(any_world)
def test_the_same_request_has_the_same_decision(world: Document) -> None:
    before = deepcopy(world)
    first, second = evaluate(**world), evaluate(**deepcopy(world))

    assert (first, world) == (second, before)


@given(any_world, st.data())
def test_a_further_deny_never_gives_access(world: Document, data: st.DataObject) -> None:
    slot = data.draw(st.sampled_from([*SLOTS, "resource_policy"]))
    own_statements = trust_statements if world["action"] == "sts:AssumeRole" else bucket_statements
    more = data.draw(own_statements if slot == "resource_policy" else identity_statements)
    more = {**more, "Effect": "Deny"}
    if slot == "resource_policy":
        own = world[slot] or {"Statement": []}
        more["Action"] = "sts:*" if world["action"] == "sts:AssumeRole" else "*"
        wider = {**world, slot: policy(*own["Statement"], more)}
    else:
        wider = {**world, slot: [*(world[slot] or []), policy(more)]}

    assert evaluate(**world).allowed or not evaluate(**wider).allowed


@given(any_world, st.data())
def test_a_further_allow_never_takes_access_away(world: Document, data: st.DataObject) -> None:
    more = {**data.draw(identity_statements), "Effect": "Allow"}
    wider = {**world, "identity_policies": [*world["identity_policies"], policy(more)]}

    assert not evaluate(**world).allowed or evaluate(**wider).allowed


@given(any_world, st.sampled_from(["permissions_boundaries", "session_policies"]), identity_lists)
def test_a_boundary_or_session_policy_never_gives_access(
    world: Document, slot: str, limit: list[Document]
) -> None:
    free, limited = {**world, slot: None}, {**world, slot: limit}

    assert evaluate(**free).allowed or not evaluate(**limited).allowed


@given(any_world, levels)
def test_control_policies_never_give_access(world: Document, limit: list[list[Document]] | None) -> None:
    free, limited = {**world, "service_control_policies": None}, {**world, "service_control_policies": limit}

    assert evaluate(**free).allowed or not evaluate(**limited).allowed


@given(roles)
def test_without_a_trust_policy_no_caller_assumes_a_role(world: Document) -> None:
    assert not evaluate(**{**world, "resource_policy": None}).allowed
    assert not evaluate(**{**world, "resource_policy": policy(NOBODY)}).allowed


@given(any_world)
def test_across_accounts_both_sides_are_needed(world: Document) -> None:
    owner = {"resource_account": "222222222222"} if world["action"] == "s3:GetObject" else {"resource": ROLE}
    across = {**world, **owner}

    assert not evaluate(**{**across, "identity_policies": []}).allowed
    assert not evaluate(**{**across, "resource_policy": None}).allowed


@given(any_world)
def test_the_order_of_statements_and_policies_does_not_matter(world: Document) -> None:
    def turned(document: Document) -> Document:
        return {**document, "Statement": document["Statement"][::-1]}

    other = {
        **world,
        **{slot: world[slot] and [turned(each) for each in world[slot][::-1]] for slot in SLOTS},
        "resource_policy": world["resource_policy"] and turned(world["resource_policy"]),
    }

    assert evaluate(**other).result == evaluate(**world).result


@given(any_world)
def test_parsed_policies_decide_as_their_documents_do(world: Document) -> None:
    kind = "trust" if world["action"] == "sts:AssumeRole" else "resource"
    own = world["resource_policy"]
    read = {
        **world,
        **{slot: world[slot] and [parse(each) for each in world[slot]] for slot in SLOTS},
        "resource_policy": own and parse(own, kind),
    }

    assert evaluate(**read) == evaluate(**world)


@given(any_world)
def test_the_result_follows_from_the_checks(world: Document) -> None:
    decision = evaluate(**world)
    found = [check.effect for check in decision.checks]
    wanted = (
        "ExplicitlyDenied"
        if "EXPLICIT_DENY" in found
        else "ImplicitlyDenied"
        if "IMPLICIT_DENY" in found
        else "Allowed"
    )

    assert decision.result == wanted


@given(any_world)
def test_an_explicit_deny_names_the_statement_that_denies(world: Document) -> None:
    for check in evaluate(**world).checks:
        denying = [match for match in check.matched if match.effect == "Deny"]

        assert bool(denying) == (check.effect == "EXPLICIT_DENY")


@given(any_world)
def test_a_statement_applies_where_all_its_elements_match(world: Document) -> None:
    for check in evaluate(**world).checks:
        for match in check.statements:
            assert match.applies == all(each.holds for each in match.compared)


@given(any_world)
def test_every_decision_goes_to_json_and_back(world: Document) -> None:
    decision = evaluate(**world)

    assert Decision.from_json(json.loads(json.dumps(decision.to_json()))) == decision


@given(any_world)
def test_every_decision_has_a_reason(world: Document) -> None:
    assert evaluate(**world).reasons


@given(any_world, st.sampled_from([[], ["aws:PrincipalTag/*"], ["*"]]))
def test_the_reasons_from_the_match_are_those_that_all_elements_give(
    world: Document, unknown_keys: list[str]
) -> None:
    decision = evaluate(**{**world, "unknown_keys": unknown_keys})

    assert decision.reasons == slow_reasons(decision)


@given(any_world, st.data())
def test_a_document_that_changed_in_between_gives_no_old_answer(world: Document, data: st.DataObject) -> None:
    changed = deepcopy(world)
    evaluate(**changed)
    for document in changed["identity_policies"]:
        # In place, in the same objects, which were evaluated a moment ago.
        for statement in document["Statement"]:
            statement.update(data.draw(identity_statements))
    fresh = {**changed, "identity_policies": [parse(deepcopy(each)) for each in changed["identity_policies"]]}

    assert evaluate(**changed) == evaluate(**fresh)


def allowing(**fields: Any) -> Document:
    return policy({"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **fields})


def is_met(context: dict[str, Any], condition: Document) -> bool:
    identity = [allowing(Condition=condition)]
    return evaluate(ALICE, "s3:GetObject", REPORT, context, identity_policies=identity).allowed


@pytest.mark.parametrize(
    ("value", "condition"),
    [
        (True, {"Bool": {"custom:Key": "true"}}),
        (7, {"NumericEquals": {"custom:Key": "7"}}),
        (0.5, {"NumericLessThan": {"custom:Key": "1"}}),
        (b"abc", {"BinaryEquals": {"custom:Key": "YWJj"}}),
        (datetime(2026, 6, 1, tzinfo=UTC), {"DateEquals": {"custom:Key": "2026-06-01T00:00:00Z"}}),
        (("a", "b"), {"ForAllValues:StringEquals": {"custom:Key": ["a", "b"]}}),
        ({"a"}, {"StringEquals": {"custom:Key": "a"}}),
        (None, {"Null": {"custom:Key": "true"}}),
        ([None], {"Null": {"custom:Key": "true"}}),
    ],
)
def test_a_key_accepts_values_of_python(value: Any, condition: Document) -> None:
    assert is_met({"custom:Key": value}, condition)


def test_none_removes_a_key_that_follows_from_the_caller() -> None:
    assert is_met({}, {"Null": {"aws:username": "false"}})
    assert is_met({"aws:UserName": None}, {"Null": {"aws:username": "true"}})


def test_a_key_twice_in_another_case_is_refused() -> None:
    with pytest.raises(InvalidInput, match="The context has a key twice"):
        is_met({"aws:SourceIp": "203.0.113.7", "AWS:SourceIP": "203.0.113.8"}, {})


def test_a_value_of_another_type_is_refused_and_not_quoted() -> None:
    with pytest.raises(InvalidInput, match="context: the value of sts:ExternalId has a type") as refused:
        is_met({"sts:ExternalId": {"partner": 7}}, {})

    assert "partner" not in str(refused.value)


@pytest.mark.parametrize("action", ["", "AssumeRole", "sts:*", "sts:Assume?ole", "sts:AssumeRole ", "*"])
def test_a_text_that_is_not_an_action_is_refused(action: str) -> None:
    with pytest.raises(InvalidInput, match="is not an action"):
        evaluate(ALICE, action, ROLE)


@pytest.mark.parametrize(
    "request_", [(None, "s3:GetObject", REPORT), (ALICE, 7, REPORT), (ALICE, "s3:GetObject", [])]
)
def test_a_principal_action_or_resource_that_is_not_text_is_refused(request_: tuple[Any, ...]) -> None:
    with pytest.raises(InvalidInput, match="is a value of type"):
        evaluate(*request_)


@pytest.mark.parametrize("context", [None, ["aws:SourceIp"], {7: "203.0.113.7"}])
def test_a_context_that_is_not_a_mapping_of_keys_is_refused(context: Any) -> None:
    with pytest.raises(InvalidInput, match="The context is not a mapping"):
        evaluate(ALICE, "s3:GetObject", REPORT, context)


@pytest.mark.parametrize("resource", ["", "reports", "arn:aws:s3", "222222222222"])
def test_a_text_that_is_not_a_resource_is_refused(resource: str) -> None:
    with pytest.raises(InvalidArn, match="is not the ARN of a resource"):
        evaluate(ALICE, "s3:GetObject", resource)


@pytest.mark.parametrize("account", ["", "2222", "333333333333"])
def test_an_account_that_is_not_valid_or_not_the_resources_is_refused(account: str) -> None:
    with pytest.raises(InvalidInput, match="is not the account of"):
        evaluate(ALICE, "sts:AssumeRole", ROLE, resource_account=account)


def test_the_resources_own_account_may_be_given_too() -> None:
    assert evaluate(ALICE, "sts:AssumeRole", ROLE, resource_account="222222222222").allowed is False


def test_a_policy_of_aws_is_in_the_callers_account() -> None:
    identity = [policy({"Effect": "Allow", "Action": "iam:GetPolicy", "Resource": "*"})]
    managed = "arn:aws:iam::aws:policy/ReadOnlyAccess"

    assert evaluate(ALICE, "iam:GetPolicy", managed, identity_policies=identity).allowed
