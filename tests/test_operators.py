"""The table of operators, and the laws between them (what each does: see tests/cases/conditions)."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.case_files import table
from xacct_nb.iam.condition import condition
from xacct_nb.iam.operators import OPERATORS, UnknownOperator
from xacct_nb.iam.unknown import UnknownKeys

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


def holds(operator: str, wanted: tuple[str, ...], actual: tuple[str, ...]) -> bool | None:
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


TABLE = table("conditions/table.json")
NO_VALUE, SOME_KEY = "${aws:PrincipalTag/none}", "custom:Key"
Situation = tuple[list[str], dict[str, tuple[str, ...]]]


def situation(name: str, values: dict[str, list[str]]) -> Situation:
    """Return the values of the policy, and the keys of the request, in a situation of the table."""
    wanted, match, other = values["policy"], values["match"], values["other"]
    requested = {
        "match": match[:1],
        "other": other[:1],
        "both": match,
        "one of two": [match[0], other[0]],
        "neither": other,
        "no values": [],
        "empty text": [""],
        "null variable": match[:1],
        "null variable beside a match": match[:1],
    }
    policy = {
        "null variable": [NO_VALUE],
        "null variable, missing": [NO_VALUE],
        "null variable beside a match": [NO_VALUE, match[0]],
    }
    keys = {SOME_KEY.lower(): tuple(requested[name])} if name in requested else {}
    return policy.get(name, wanted), UnknownKeys({}, [SOME_KEY]) if name == "unknown" else keys


def written(row: dict[str, Any], operator: str) -> str:
    return f"{row['set']}{':' if row['set'] else ''}{operator}{'IfExists' if row['if_exists'] else ''}"


ROWS = [
    (written(row, operator), row, values)
    for operator, values in TABLE["operators"].items()
    for row in TABLE["rows"]
    if row["sense"] == values["sense"]
]
ONLY_TEXT = [name for name, meaning in TABLE["situations"].items() if "text only" in meaning]


@pytest.mark.parametrize(("name", "row", "values"), ROWS, ids=[row[0] for row in ROWS])
def test_an_operator_holds_in_each_situation_as_the_table_says(
    name: str, row: dict[str, Any], values: dict[str, Any]
) -> None:
    asked = [
        each for each in TABLE["situations"] if each in row and (values["text"] or each not in ONLY_TEXT)
    ]
    found = {}
    for each in asked:
        policy, keys = situation(each, values)
        found[each] = condition(name, SOME_KEY, tuple(policy), True).holds(keys)

    assert found == {each: row[each] for each in asked}


def test_the_table_has_every_operator_with_every_set_operator_and_if_exists() -> None:
    assert sorted(TABLE["operators"]) == sorted(OPERATORS)
    assert len(ROWS) == len(OPERATORS) * 3 * 2


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
