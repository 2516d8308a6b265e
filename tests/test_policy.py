"""A policy document is parsed once; one that AWS would refuse is refused (cases: tests/cases/policies)."""

from collections import OrderedDict
from typing import Any

import pytest

from xacct_nb.errors import InvalidInput, InvalidPolicy
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.grammar import GRAMMARS, IDENTITY, TRUST
from xacct_nb.iam.policy import ParsedPolicy, parse

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reader"


def may(**fields: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": ROLE}
    return {"Version": "2012-10-17", "Statement": [{**allowed, **fields}]}


def trust(**fields: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**allowed, **fields}]}


def refusal(document: Any, kind: str = IDENTITY, name: str = "") -> InvalidPolicy:
    with pytest.raises(InvalidPolicy) as refused:
        parse(document, kind, name)
    return refused.value


def test_a_refusal_gives_the_path_the_reason_and_the_page() -> None:
    refused = refusal(may(Condition={"StringLikes": {"s3:prefix": "a"}}))

    assert refused.path == "Statement[0].Condition.StringLikes"
    assert refused.what == "Statement[0].Condition.StringLikes: there is no operator 'StringLikes'."
    assert refused.why == "AWS's rules for identity policies are in reference_policies_grammar."
    assert isinstance(refused, InvalidInput)


def test_a_refusal_names_the_document_where_there_are_several() -> None:
    with pytest.raises(InvalidPolicy, match=r"identity_policies\[1\]\.Statement\[0\]\.Effect"):
        evaluate(ALICE, "sts:AssumeRole", ROLE, identity_policies=[may(), may(Effect="Maybe")])


def test_a_refusal_names_the_level_of_a_control_policy() -> None:
    with pytest.raises(InvalidPolicy, match=r"service_control_policies\[1\]\[0\]\.Statement\[0\]\.Action"):
        evaluate(ALICE, "sts:AssumeRole", ROLE, service_control_policies=[[may()], [may(Action="x")]])


def test_a_refusal_quotes_no_value_of_a_condition() -> None:
    condition = {"StringEquals": {"sts:ExternalId": ["partner-7", {"partner-8": 1}]}}
    refused = refusal(trust(Condition=condition), TRUST)

    assert refused.path == "Statement[0].Condition.StringEquals.sts:ExternalId"
    assert "partner" not in str(refused)


def test_a_list_of_policies_has_to_be_a_list() -> None:
    with pytest.raises(InvalidPolicy, match="identity_policies is not a list"):
        evaluate(ALICE, "sts:AssumeRole", ROLE, identity_policies=may())  # type: ignore[arg-type]


def test_a_level_of_control_policies_has_to_be_a_list() -> None:
    with pytest.raises(InvalidPolicy, match=r"service_control_policies\[0\] is not a list"):
        evaluate(ALICE, "sts:AssumeRole", ROLE, service_control_policies=[may()])  # type: ignore[list-item]


def test_a_parsed_policy_is_returned_as_it_is() -> None:
    policy = parse(may())

    assert parse(policy) is policy


def test_a_policy_of_another_kind_is_refused() -> None:
    refused = refusal(parse(may()), TRUST, "resource_policy")

    assert refused.what == "resource_policy was parsed as identity policy, not as trust policy."


def test_a_policy_is_its_kind_its_version_and_its_statements() -> None:
    policy = parse({"Statement": may(Sid="Enter")["Statement"]})

    assert isinstance(policy, ParsedPolicy)
    assert (policy.kind, policy.version) == ("identity", "2008-10-17")
    assert [(each.path, each.sid, each.effect) for each in policy.statements] == [
        ("Statement[0]", "Enter", "Allow")
    ]


def test_a_policy_stays_as_it_was_when_its_document_changes() -> None:
    document = may()
    policy = parse(document)
    document["Statement"][0]["Effect"] = "Deny"
    document["Statement"].clear()

    assert [each.effect for each in policy.statements] == ["Allow"]


@pytest.mark.parametrize("kind", GRAMMARS)
def test_every_kind_names_the_page_of_its_rules(kind: str) -> None:
    assert GRAMMARS[kind].source


@pytest.mark.parametrize(
    "document",
    [
        None,
        7,
        "{}",
        [],
        {"Version": ["2012-10-17"], "Statement": []},
        {"Version": "2012-10-17", "Statement": None},
        {"Version": "2012-10-17", "Statement": [[]]},
        may(Effect=["Allow"]),
        may(Action={"s3": "x"}),
        may(Action=None),
        may(Resource=[[ROLE]]),
        may(Condition="x"),
        may(Condition={7: {"aws:x": "y"}}),
        may(Condition={"StringEquals": {"aws:x": [["y"]]}}),
        may(Condition={"Bool": {"aws:x": []}}),
        {**may(), 7: "x"},
        {"Version": "2012-10-17", "Statement": [{7: "x"}]},
    ],
)
def test_any_other_value_is_refused_without_another_error(document: Any) -> None:
    assert refusal(document).code == "invalid-policy"


def asked(document: dict[str, Any], value: object) -> bool:
    return evaluate(
        ALICE,
        "sts:AssumeRole",
        ROLE,
        {"custom:Key": value},
        [document],
        trust(Principal={"AWS": "111111111111"}),
    ).allowed


@pytest.mark.parametrize(
    ("first", "then"), [("1", True), (1, True), (True, "1"), ("red", "blue"), ([], ["x"]), (["x"], [])]
)
def test_a_value_that_was_changed_in_place_counts_at_once(first: Any, then: Any) -> None:
    condition = {"StringEquals": {"custom:Key": first}}
    document = may(Condition=condition)
    before = asked(document, first)
    condition["StringEquals"]["custom:Key"] = then

    assert (before, asked(document, first), asked(document, then)) == (bool(first), False, bool(then))


def test_a_statement_that_was_added_in_place_counts_at_once() -> None:
    document = may()
    before = asked(document, "red")
    document["Statement"].append({"Effect": "Deny", "Action": "*", "Resource": "*"})

    assert (before, asked(document, "red")) == (True, False)


class Name(str):
    """Text of a class of its own, as some libraries make it."""

    __slots__ = ()


@pytest.mark.parametrize(
    "document",
    [
        OrderedDict(may()),
        may(Action=Name("sts:AssumeRole")),
        may(Resource=(ROLE,)),
        OrderedDict(may(Sid=Name("May"))),
    ],
)
def test_dicts_and_texts_of_other_classes_are_read_as_plain_ones(document: Any) -> None:
    assert [asked(document, "red") for _ in range(2)] == [True, True]


def test_a_long_document_is_read_every_time_alike() -> None:
    document = may(Resource=[ROLE, *(f"{ROLE}-{number}" for number in range(3_000))])

    assert [asked(document, "red") for _ in range(2)] == [True, True]
