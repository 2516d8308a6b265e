"""Both matchers for wildcards agree, and no pattern takes endless time."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.patterns import LIKE, RESOURCE, pattern_set
from xacct_nb.iam.wildcards import MANY, MANY_BUT_COLON, ONE, ONE_BUT_COLON, TEXT, Atom, Automaton, glob

REGEX = {MANY: ".*", ONE: ".", MANY_BUT_COLON: "[^:]*", ONE_BUT_COLON: "[^:]"}
atoms = st.lists(
    st.tuples(st.just(TEXT), st.text(alphabet="ab:", min_size=1, max_size=2))
    | st.sampled_from([(kind, "") for kind in REGEX]),
    max_size=6,
)


@given(atoms, st.text(alphabet="ab:", max_size=8))
def test_the_automaton_matches_what_a_regular_expression_matches(pattern: list[Atom], text: str) -> None:
    regex = "".join(re.escape(literal) if kind == TEXT else REGEX[kind] for kind, literal in pattern)

    assert Automaton(pattern).fullmatch(text) == (re.fullmatch(regex, text) is not None)


def test_a_pattern_of_few_wildcards_is_a_regular_expression() -> None:
    assert isinstance(glob([(TEXT, "a"), (MANY, "")]), re.Pattern)
    assert isinstance(glob([(MANY, ""), (TEXT, "a"), (MANY, ""), (TEXT, "b"), (MANY, "")]), Automaton)


@pytest.mark.parametrize("style", [LIKE, RESOURCE])
def test_matching_many_wildcards_ends(style: str) -> None:
    pattern, text = "arn:aws:s3:::" + "*a" * 200 + "b", "arn:aws:s3:::" + "a" * 2_000

    assert not pattern_set((pattern,), style).match(text, {})
    assert pattern_set((pattern,), style).match(text + "b", {})


def test_matching_wildcards_for_parts_of_a_resource_ends() -> None:
    text = "arn:aws:s3:" + ":" * 1_000

    assert not pattern_set(("arn:aws:s3:*:*:x*y*z",), RESOURCE).match(text, {})
