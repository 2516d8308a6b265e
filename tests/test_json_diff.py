"""The differences between two values, path by path."""

from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.changes.json_diff import json_diff

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 3) | st.text(max_size=2),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=2), inner, max_size=3),
    max_leaves=8,
)


def test_a_difference_has_its_path_and_both_values() -> None:
    was = {"Statement": [{"Effect": "Allow", "Principal": {"AWS": "alice"}}]}
    now = {"Statement": [{"Effect": "Deny", "Principal": {"AWS": "alice"}, "Sid": "a"}]}

    assert json_diff(was, now) == (
        'Statement[0].Effect was "Allow", is "Deny"',
        'Statement[0].Sid was nothing, is "a"',
    )


def test_values_that_are_no_mappings_differ_as_a_whole() -> None:
    assert json_diff([1], [1, 2]) == ("was [1], is [1,2]",)
    assert json_diff(3600, 7200) == ("was 3600, is 7200",)


def test_of_many_differences_five_are_shown_and_the_others_counted() -> None:
    found = json_diff(dict.fromkeys("abcdefgh", 1), dict.fromkeys("abcdefgh", 2))

    assert len(found) == 6
    assert found[-1] == "3 more differences"


def test_a_long_value_is_truncated() -> None:
    assert json_diff("", "x" * 1000) == (f'was "", is "{"x" * 79}...',)


@given(VALUES, VALUES)
def test_equals_have_none_and_others_have_some(was: object, now: object) -> None:
    assert json_diff(was, was) == ()
    assert bool(json_diff(was, now)) == (was != now)
