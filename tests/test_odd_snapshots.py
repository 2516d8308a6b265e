"""Snapshots that somebody sent, odd at any place: an error or a diagnosis, and never a traceback."""

import copy
import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.diagnosis.snapshot import SCHEMA, Snapshot
from xacct_nb.errors import InvalidInput
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.views import html

USER, ROLE = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:role/reader"
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: "
    f"User: {USER} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
)
CONDITION = {
    "StringEquals": {"aws:RequestTag/x": ["a"], "sts:ExternalId": "e"},
    "Bool": {"aws:MultiFactorAuthPresent": "true"},
    "NumericLessThan": {"aws:MultiFactorAuthAge": "3600"},
    "IpAddress": {"aws:SourceIp": ["10.0.0.0/8"]},
    "DateLessThan": {"aws:CurrentTime": "2027-01-01T00:00:00Z"},
    "ForAllValues:StringLike": {"aws:TagKeys": ["a*"]},
    "ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"},
    "Null": {"aws:PrincipalTag/${aws:username}": "true"},
}
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "s",
            "Effect": "Allow",
            "Principal": {"AWS": ["arn:aws:iam::111111111111:root"], "Service": "ec2.amazonaws.com"},
            "Action": ["sts:AssumeRole", "sts:TagSession"],
            "Condition": CONDITION,
        },
        {"Effect": "Deny", "NotPrincipal": {"AWS": "*"}, "NotAction": "s3:*"},
    ],
}
IDENTITY = {
    "Version": "2012-10-17",
    "Statement": {"Effect": "Allow", "Action": "sts:*", "Resource": "*", "Condition": CONDITION},
}
POLICY = {"name": "n", "kind": "inline", "holder": USER, "document": IDENTITY, "newer": IDENTITY}
FULL = {
    "schema": SCHEMA,
    "taken": "2026-11-28T10:00:00Z",
    "caller": {"arn": USER, "account": "111111111111", "user_id": "AIDA"},
    "source": {
        "principal": {"arn": USER, "id": "AIDA", "tags": {"a": "b"}, "boundary": POLICY},
        "policies": [POLICY],
        "loose": [POLICY],
        "groups": ["g"],
        "mfa_devices": ["d"],
        "organization_allows": True,
        "simulated": "allowed",
    },
    "destination": {
        "role": {"arn": ROLE, "id": "AROA", "trust": TRUST, "max_session": 3600, "boundary": POLICY},
        "policies": [POLICY],
        "others": [f"{ROLE}s"],
        "resource_policies": {"arn:aws:s3:::b": TRUST},
    },
    "client": {"profile": "p", "profiles": {"p": {"role_arn": ROLE}}, "variables": {"AWS_PROFILE": "p"}},
    "unread": {"client": "why"},
    "calls": ["iam:GetRole"],
}
ODD: list[Any] = [
    *(
        None,
        "",
        [],
        {},
        0,
        -1,
        1.5,
        True,
        [[]],
        [None],
        {"": None},
        "x" * 5_000,
        "\ud800",
        "arn:",
        "*",
        10**30,
    ),
    *({"StringEquals": []}, {"StringEquals": {"aws:RequestTag/x": []}}, {"AWS": []}, {"AWS": [1]}, [{}]),
]


def places(value: Any, here: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield here
    for name, inner in value.items() if isinstance(value, dict) else []:
        yield from places(inner, (*here, name))
    for number, inner in enumerate(value) if isinstance(value, list) else []:
        yield from places(inner, (*here, number))


def with_odd(place: tuple[Any, ...], odd: Any) -> Any:
    changed = copy.deepcopy({"": FULL})
    inner: Any = changed
    for name in ("", *place)[:-1]:
        inner = inner[name]
    inner[("", *place)[-1]] = odd
    return changed[""]


def read_and_explain(sent: Any) -> str:
    """Return the code of the error, or "" where the snapshot was read and a denial explained with it."""
    try:
        snapshot = Snapshot.from_json(sent)
        found = diagnose(error=DENIED, snapshot=snapshot)
    except InvalidInput as refused:
        return refused.code
    shown = (str(snapshot), html(snapshot.view()), str(found), html(found.view()))
    assert all(shown)
    assert json.dumps([snapshot.to_json(), found.to_json()])
    return ""


def test_a_full_one_is_read() -> None:
    assert read_and_explain(FULL) == ""


@given(st.sampled_from(list(places(FULL))), st.sampled_from(ODD))
def test_whatever_stands_at_any_place_is_read_or_refused(place: tuple[Any, ...], odd: Any) -> None:
    assert read_and_explain(with_odd(place, odd)) in ("", "invalid-snapshot", "invalid-policy", "invalid-arn")


@pytest.mark.exhaustive
def test_every_odd_value_at_every_place_is_read_or_refused() -> None:
    found = [read_and_explain(with_odd(place, odd)) for place in places(FULL) for odd in ODD]
    read = found.count("")
    print(f"{len(found)} of {len(found)} odd snapshots: {read} explained, {len(found) - read} refused")

    assert set(found) <= {"", "invalid-snapshot", "invalid-policy", "invalid-arn"}
