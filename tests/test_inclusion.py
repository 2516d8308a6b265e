"""Whether others match all that a pattern matches: for every text, with wildcards on both sides."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.inclusion import TooManySteps, is_included, is_pair_included
from xacct_nb.iam.patterns import ACTION, LIKE, RESOURCE, matches

PATTERNS = st.text("ab*?", max_size=6)
READ, ANY_READ, ALL = "s3:GetObject", "s3:Get*", "s3:*"
REPORTS, LOGS, EVERYTHING = "arn:aws:s3:::reports/*", "arn:aws:s3:::logs/*", "*"


@pytest.mark.parametrize(
    ("pattern", "others", "is_in"),
    [
        ("s3:GetObject", ["s3:Get*"], True),
        ("s3:getobject", ["S3:GET*"], True),
        ("s3:Get*", ["s3:GetObject"], False),
        ("s3:Get*", ["s3:Get?"], False),
        ("s3:Get?", ["s3:Get*"], True),
        ("s3:Get*", ["s3:Get", "s3:Get?*"], True),
        ("s3:Get*", ["s3:GetO*", "s3:GetB*"], False),
        ("s3:*", ["*"], True),
        ("*", ["s3:*"], False),
        ("s3:GetObject", [], False),
    ],
)
def test_an_action_is_included_in_others(pattern: str, others: list[str], is_in: bool) -> None:
    assert is_included(pattern, others, ACTION) is is_in


@pytest.mark.parametrize(
    ("pattern", "others", "is_in"),
    [
        (REPORTS, [EVERYTHING], True),
        (EVERYTHING, [REPORTS], False),
        (REPORTS, ["arn:aws:s3:::reports*"], True),
        ("arn:aws:s3:::Reports/a", [REPORTS], False),
        ("arn:aws:sqs:eu-west-1:222222222222:a", ["arn:aws:sqs:*:222222222222:a"], True),
        ("arn:aws:sqs:*:222222222222:a", ["arn:aws:sqs:eu-*:222222222222:a"], False),
        ("arn:aws:s3:::h/${aws:username}/*", ["arn:aws:s3:::h/*"], True),
        ("arn:aws:s3:::h/${aws:username}/*", ["arn:aws:s3:::h/${AWS:UserName}/*"], True),
        ("arn:aws:s3:::h/${aws:username}/*", ["arn:aws:s3:::h/${aws:userid}/*"], False),
        ("arn:aws:s3:::h/${aws:username}", ["arn:aws:s3:::h/?*"], False),
        ("arn:aws:s3:::h/*", ["arn:aws:s3:::h/${aws:username}"], False),
        ("arn:aws:s3:::h/${*}", ["arn:aws:s3:::h/?"], True),
    ],
)
def test_a_resource_is_included_in_others(pattern: str, others: list[str], is_in: bool) -> None:
    assert is_included(pattern, others, RESOURCE) is is_in


@given(PATTERNS, st.lists(PATTERNS, max_size=3), st.text("ab", max_size=7))
def test_no_text_matches_an_included_pattern_and_none_of_the_others(
    pattern: str, others: list[str], text: str
) -> None:
    if is_included(pattern, others) and matches(pattern, text):
        assert any(matches(each, text) for each in others)


@given(PATTERNS, st.lists(PATTERNS, max_size=3))
def test_of_a_pattern_that_is_not_included_some_text_matches_none_of_the_others(
    pattern: str, others: list[str]
) -> None:
    examples = [pattern.replace("?", "z").replace("*", some) for some in ("", "z", "zz" * 9)]
    plain = [each for each in examples if matches(pattern, each)]
    if not any(re.search(r"[*?]", each) for each in others) and re.search(r"[*?]", pattern):
        assert plain
        assert not is_included(pattern, others)


@given(PATTERNS, st.lists(PATTERNS, max_size=3))
def test_a_pattern_is_included_in_itself_and_in_any_text(pattern: str, others: list[str]) -> None:
    assert is_included(pattern, [*others, pattern])
    assert is_included(pattern, [*others, "*"])


@pytest.mark.parametrize(
    ("pair", "others", "is_in"),
    [
        ((READ, REPORTS), [(ANY_READ, EVERYTHING)], True),
        ((READ, REPORTS), [(READ, LOGS), (ALL, "arn:aws:s3:::reports")], False),
        # Two permissions together allow it, and neither of them alone.
        ((ALL, REPORTS), [(ALL, "arn:aws:s3:::reports/a*"), (ALL, REPORTS)], True),
        (("s3:G*", REPORTS), [(ANY_READ, REPORTS), ("s3:G*", LOGS)], False),
        ((READ, "arn:aws:s3:::*"), [(ANY_READ, "arn:aws:s3:::?*"), (READ, "arn:aws:s3:::")], True),
        ((ANY_READ, "arn:aws:s3:::*"), [(ANY_READ, "arn:aws:s3:::?*"), (READ, "arn:aws:s3:::")], False),
        ((ANY_READ, REPORTS), [], False),
        ((ANY_READ, REPORTS), [("*", "*")], True),
    ],
)
def test_an_action_on_a_resource_is_included_in_others(
    pair: tuple[str, str], others: list[tuple[str, str]], is_in: bool
) -> None:
    assert is_pair_included(pair, others) is is_in


def test_patterns_that_would_take_too_long_are_refused_and_not_guessed() -> None:
    others = [f"*{'?' * number}a{'?' * (number + 7)}*" for number in range(9)]

    with pytest.raises(TooManySteps):
        is_included("*a*b*", others, LIKE)
