"""One statement of a policy's text is put in, replaced and taken out; every other character stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.statement_text import put_statement

OURS = {"Sid": "ours", "Effect": "Allow"}
OTHER = '{"Sid":"a",  "Effect" : "Allow", "Condition":{"NumericLessThan":{"aws:MultiFactorAuthAge":3.60e3}}}'
ODD = f'\n{{ "Version": "2012-10-17" ,\n\t"Statement": [ {OTHER} ],\n "Id":"\\u0041" }} '


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (ODD, ODD.replace(OTHER, OTHER + ',{"Sid":"ours","Effect":"Allow"}')),
        ('{"Statement":{"Sid":"a"}}', '{"Statement":[{"Sid":"a"},{"Sid":"ours","Effect":"Allow"}]}'),
        ('{"Statement":[]}', '{"Statement":[{"Sid":"ours","Effect":"Allow"}]}'),
        (
            '{"Statement":[{"Sid":"ours", "Effect":"Deny"} , {"Sid":"a"}]}',
            '{"Statement":[{"Sid":"ours","Effect":"Allow"} , {"Sid":"a"}]}',
        ),
    ],
)
def test_a_statement_is_put_in_its_place_or_at_the_end(before: str, after: str) -> None:
    assert put_statement(before, "ours", OURS) == after


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ('{"Statement":[{"Sid":"ours"}, {"Sid":"a"}]}', '{"Statement":[{"Sid":"a"}]}'),
        ('{"Statement":[{"Sid":"a"} , {"Sid":"ours"} ]}', '{"Statement":[{"Sid":"a"} ]}'),
        ('{"Statement":[{"Sid":"a"},{"Sid":"ours"}, {}]}', '{"Statement":[{"Sid":"a"},{}]}'),
        (ODD, ODD),
    ],
)
def test_a_statement_is_taken_out(before: str, after: str) -> None:
    assert put_statement(before, "ours", None) == after


def test_the_name_of_an_element_inside_a_statement_is_not_taken_for_the_list_of_statements() -> None:
    text = (
        '{"Id":"\\"Statement\\": []","Statement":[{"Sid":"a","Condition":{"Bool":{"Statement":["ours"]}}}]}'
    )

    assert json.loads(put_statement(text, "ours", OURS))["Statement"][1:] == [OURS]


@pytest.mark.parametrize("text", ['{"Statement":[{"Sid":"ours"}]}', '{"Statement":{"Sid":"ours"}}'])
def test_the_only_statement_is_not_taken_out(text: str) -> None:
    with pytest.raises(ValueError, match="a policy needs a statement"):
        put_statement(text, "ours", None)


def test_what_is_no_policy_is_refused() -> None:
    with pytest.raises(ValueError, match="there is no Statement"):
        put_statement('{"Version":"2012-10-17"}', "ours", OURS)


WORDS = st.text(st.characters(codec="utf-8"), max_size=6)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | WORDS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(WORDS, inner, max_size=3),
    max_leaves=8,
)
STATEMENTS = st.lists(
    st.dictionaries(WORDS.filter(lambda name: name != "Sid"), VALUES, max_size=3), min_size=1
)
INDENTS = st.sampled_from([None, 0, 1, "\t"])


@given(STATEMENTS, VALUES, INDENTS, st.booleans())
def test_put_in_and_taken_out_again_the_text_is_what_it_was(
    statements: list[Any], rest: Any, indent: Any, escaped: bool
) -> None:
    policy = {"Id": rest, "Statement": statements, "Version": "2012-10-17"}
    text = json.dumps(policy, indent=indent, ensure_ascii=escaped)
    written = put_statement(text, "ours", OURS)

    assert json.loads(written) == {**policy, "Statement": [*statements, OURS]}
    assert put_statement(written, "ours", OURS) == written
    assert put_statement(written, "ours", None) == text
