"""The table of operators, and the laws between them (what each does: see tests/cases/conditions)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.operators import OPERATORS, UnknownOperator, condition

# What each kind of operator compares, and something that it is compared with.
SAMPLES = {
    "String": ("a", "b"),
    "Numeric": ("1", "2"),
    "Date": ("2026-01-01", "2026-06-01T12:00:00Z"),
    "Bool": ("true", "false"),
    "Binary": ("YWJj", "eHl6"),
    "Ip": ("203.0.113.0/24", "198.51.100.7"),
    "NotIp": ("203.0.113.0/24", "198.51.100.7"),
    "Arn": ("arn:aws:sns:eu-west-1:222222222222:jobs", "arn:aws:sns:eu-west-1:222222222222:mails"),
}
NEGATIONS = {
    "StringEquals": "StringNotEquals",
    "StringEqualsIgnoreCase": "StringNotEqualsIgnoreCase",
    "StringLike": "StringNotLike",
    "NumericEquals": "NumericNotEquals",
    "DateEquals": "DateNotEquals",
    "IpAddress": "NotIpAddress",
    "ArnEquals": "ArnNotEquals",
    "ArnLike": "ArnNotLike",
}


def sample(operator: str) -> tuple[str, str]:
    (pair,) = (pair for kind, pair in SAMPLES.items() if operator.startswith(kind))
    return pair


def holds(operator: str, wanted: tuple[str, ...], actual: tuple[str, ...]) -> bool:
    return condition(operator, "custom:Key", wanted, True).holds({"custom:key": actual} if actual else {})


def test_every_operator_of_the_language_is_in_the_table() -> None:
    assert sorted(OPERATORS) == [
        "ArnEquals",
        "ArnLike",
        "ArnNotEquals",
        "ArnNotLike",
        "BinaryEquals",
        "Bool",
        "DateEquals",
        "DateGreaterThan",
        "DateGreaterThanEquals",
        "DateLessThan",
        "DateLessThanEquals",
        "DateNotEquals",
        "IpAddress",
        "NotIpAddress",
        "NumericEquals",
        "NumericGreaterThan",
        "NumericGreaterThanEquals",
        "NumericLessThan",
        "NumericLessThanEquals",
        "NumericNotEquals",
        "StringEquals",
        "StringEqualsIgnoreCase",
        "StringLike",
        "StringNotEquals",
        "StringNotEqualsIgnoreCase",
        "StringNotLike",
    ]


@pytest.mark.parametrize(
    "operator", ["StringLikes", "Equals", "", "IfExists", "NullIfExists", "ForAllValues:"]
)
def test_an_operator_that_is_not_in_the_table_is_an_error_that_names_it(operator: str) -> None:
    with pytest.raises(UnknownOperator, match=f"there is no operator '{operator}'"):
        condition(operator, "custom:Key", ("a",), True)


@pytest.mark.parametrize("operator", OPERATORS)
def test_an_operator_matches_a_missing_key_only_where_it_is_negated(operator: str) -> None:
    wanted, _ = sample(operator)

    assert holds(operator, (wanted,), ()) is (operator in NEGATIONS.values())


@pytest.mark.parametrize("operator", OPERATORS)
def test_with_if_exists_every_operator_matches_a_missing_key(operator: str) -> None:
    wanted, _ = sample(operator)

    assert holds(f"{operator}IfExists", (wanted,), ())


@pytest.mark.parametrize("operator", OPERATORS)
def test_with_if_exists_a_present_key_is_compared_as_without(operator: str) -> None:
    wanted, other = sample(operator)

    assert holds(f"{operator}IfExists", (wanted,), (wanted,)) == holds(operator, (wanted,), (wanted,))
    assert holds(f"{operator}IfExists", (wanted,), (other,)) == holds(operator, (wanted,), (other,))


@pytest.mark.parametrize("operator", OPERATORS)
def test_for_all_values_matches_a_missing_key_and_for_any_value_does_not(operator: str) -> None:
    wanted, _ = sample(operator)

    assert holds(f"ForAllValues:{operator}", (wanted,), ())
    assert not holds(f"ForAnyValue:{operator}", (wanted,), ())


@pytest.mark.parametrize(("operator", "negated"), NEGATIONS.items())
def test_a_negation_is_the_opposite_where_the_key_is_present(operator: str, negated: str) -> None:
    wanted, other = sample(operator)

    assert holds(operator, (wanted,), (wanted,)) is not holds(negated, (wanted,), (wanted,))
    assert holds(operator, (wanted,), (other,)) is not holds(negated, (wanted,), (other,))


words = st.text(alphabet="abAB*?", max_size=3)
texts = sorted(name for name in OPERATORS if name.startswith("String"))


@given(
    st.sampled_from(texts), st.lists(words, max_size=3), st.lists(words.filter(bool), min_size=1, max_size=3)
)
def test_all_values_match_where_no_value_matches_the_negation(
    operator: str, wanted: list[str], actual: list[str]
) -> None:
    opposite = {**NEGATIONS, **{value: key for key, value in NEGATIONS.items()}}[operator]
    every = holds(f"ForAllValues:{operator}", tuple(wanted), tuple(actual))

    assert every is not holds(f"ForAnyValue:{opposite}", tuple(wanted), tuple(actual))


@given(st.sampled_from(texts), st.lists(words, max_size=4), words)
def test_the_order_of_the_values_does_not_matter(operator: str, wanted: list[str], value: str) -> None:
    assert holds(operator, tuple(wanted), (value,)) == holds(operator, tuple(reversed(wanted)), (value,))


@given(st.text(alphabet="ab*?", max_size=6), st.text(alphabet="ab", max_size=6))
def test_a_pattern_matches_as_if_it_were_tried_letter_by_letter(pattern: str, value: str) -> None:
    def fits(wanted: str, actual: str) -> bool:
        if not wanted:
            return not actual
        if wanted[0] == "*":
            return any(fits(wanted[1:], actual[at:]) for at in range(len(actual) + 1))
        return bool(actual) and wanted[0] in ("?", actual[0]) and fits(wanted[1:], actual[1:])

    assert holds("StringLike", (pattern,), (value,)) == fits(pattern, value)


@given(st.text(), st.text())
def test_a_variable_compares_its_value_exactly(value: str, other: str) -> None:
    keys = {"custom:key": (other,), "aws:principaltag/team": (value,)}
    like = condition("StringLike", "custom:Key", ("${aws:PrincipalTag/team}",), True)

    assert like.holds(keys) == (value == other)


@given(st.text())
def test_any_text_is_accepted_and_equals_itself_in_an_old_policy(value: str) -> None:
    assert condition("StringEquals", "custom:Key", (value,), False).holds({"custom:key": (value,)})
