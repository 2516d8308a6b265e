"""A condition in words: a line for each operator and key, and never an external ID."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.condition_words import describe_condition
from xacct_nb.iam.operators import OPERATORS

CASES: list[tuple[dict[str, Any], str]] = [
    ({"StringEquals": {"sts:ExternalId": "x7"}}, "with an external ID"),
    ({"StringEquals": {"STS:ExternalID": ["x7", "y8"]}}, "with an external ID"),
    ({"StringLike": {"sts:ExternalId": "*"}}, "with any external ID"),
    ({"StringLike": {"sts:ExternalId": "x7*"}}, "the external ID is like one that is not shown"),
    ({"StringNotEquals": {"sts:ExternalId": "x7"}}, "the external ID is not one that is not shown"),
    (
        {"StringEqualsIfExists": {"sts:ExternalId": "x7"}},
        "the external ID is one that is not shown or is missing",
    ),
    ({"Null": {"sts:ExternalId": "true"}}, "the external ID is missing"),
    ({"Null": {"sts:ExternalId": False}}, "the external ID is there"),
    ({"Bool": {"aws:MultiFactorAuthPresent": "true"}}, "with MFA"),
    ({"Bool": {"aws:MultiFactorAuthPresent": False}}, "without MFA"),
    (
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
        "aws:MultiFactorAuthPresent is true or is missing",
    ),
    ({"StringEquals": {"aws:PrincipalOrgID": "o-abcdefghij"}}, "only from the organization o-abcdefghij"),
    ({"IpAddress": {"aws:SourceIp": ["10.0.0.0/8", "::1"]}}, "only from 10.0.0.0/8 or ::1"),
    ({"NotIpAddress": {"aws:SourceIp": "10.0.0.0/8"}}, "aws:SourceIp is not in 10.0.0.0/8"),
    ({"StringLike": {"sts:RoleSessionName": "ann-*"}}, "only under the session name ann-*"),
    ({"StringEquals": {"aws:RequestTag/team": "data"}}, "only with the session tag team=data"),
    ({"DateLessThan": {"aws:CurrentTime": "2027-01-31T00:00:00Z"}}, "until 2027-01-31T00:00:00Z"),
    ({"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:role/a"}}, "only arn:aws:iam::*:role/a"),
    (
        {"ForAnyValue:StringLike": {"aws:PrincipalOrgPaths": "o-a/*"}},
        "a value of aws:PrincipalOrgPaths is like o-a/*",
    ),
    ({"NumericLessThan": {"sts:DurationSeconds": 900}}, "sts:DurationSeconds is below 900"),
]


@pytest.mark.parametrize(("condition", "line"), CASES)
def test_a_condition_is_said_in_words(condition: dict[str, Any], line: str) -> None:
    assert describe_condition(condition) == (line,)


def test_no_condition_has_no_line() -> None:
    assert describe_condition({}) == describe_condition(None) == ()


def test_operators_and_keys_each_have_a_line_in_their_order() -> None:
    condition = {"Bool": {"a:b": "true"}, "StringEquals": {"c:d": "1", "e:f": ["2", "3"]}}

    assert describe_condition(condition) == ("a:b is true", "c:d is 1", "e:f is 2 or 3")


@pytest.mark.parametrize("operator", [*OPERATORS, "Null"])
@given(value=st.text("abcxyz7-", min_size=6, max_size=20))
def test_an_external_id_is_never_said(operator: str, value: str) -> None:
    for name in (operator, f"{operator}IfExists", f"ForAnyValue:{operator}", f"ForAllValues:{operator}"):
        (line,) = describe_condition({name: {"sts:ExternalId": [f"#{value}", f"#{value}*"]}})

        assert "#" not in line
        assert "external ID" in line


@pytest.mark.parametrize("operator", OPERATORS)
def test_every_operator_has_words(operator: str) -> None:
    (line,) = describe_condition({operator: {"aws:SomeKey": "true"}})

    assert operator not in line
