"""Random conditions over the keys that a call of STS, S3 or IAM has or has not; their values often fit."""

from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st

Draw = st.SearchStrategy[Any]
ALICE, HUB = "arn:aws:iam::{source}:user/team/alice", "arn:aws:iam::{source}:role/app/hub"
HUB_SESSION = "arn:aws:sts::{source}:assumed-role/hub/s0"


def often(usual: Any, *others: Any) -> Draw:
    """The usual one in about half of the draws."""
    return st.sampled_from([usual] * max(len(others), 1) + list(others))


def some(values: Iterable[str], most: int = 2) -> Draw:
    """One of them, or several in a list."""
    each = st.sampled_from(list(values))
    return st.one_of(each, each, st.lists(each, min_size=1, max_size=most, unique=True))


_TEXT = [
    f"String{negation}{name}"
    for name in ("Equals", "EqualsIgnoreCase", "Like")
    for negation in ("", "", "Not")
]
_ARN = ["ArnEquals", "ArnLike", "ArnNotEquals", "ArnNotLike"]
_ORDERS = ["Equals", "NotEquals", "LessThan", "LessThanEquals", "GreaterThan", "GreaterThanEquals"]
_NUMERIC, _DATE = [f"Numeric{order}" for order in _ORDERS], [f"Date{order}" for order in _ORDERS]
_TRUTHS = ("true", "false", "True", True, False)
_TIMES = ("2000-01-01T00:00:00Z", "2100-01-01", "2100-06", "2000", "4102444800", "2099-12-31T23:00:00-05:00")
_ONE_VALUE: dict[str, tuple[tuple[list[str], tuple[Any, ...]], ...]] = {
    "sts:ExternalId": (
        (_TEXT, ("first", "f*", "First", "fir?t", "*", "second", "${aws:PrincipalTag/team}", "12")),
        (_NUMERIC, ("12", "12.0", 13, "1.2e1")),
    ),
    "sts:RoleSessionName": ((_TEXT, ("s1", "s*", "S1", "${aws:username}", "${aws:username, 's1'}", "${*}")),),
    "sts:SourceIdentity": ((_TEXT, ("ann", "a*", "${aws:SourceIdentity}", "ANN", "alice")),),
    "aws:SourceIdentity": ((_TEXT, ("ann", "a??", "bob")),),
    "aws:PrincipalArn": (
        (
            [*_ARN, *_TEXT],
            (
                ALICE,
                HUB,
                "arn:aws:iam::{source}:*",
                "arn:aws:iam::*:*/hub",
                "arn:aws:iam::*:role/hub",
                "arn:aws:iam::*",
                "arn:aws:iam::{source}:user/${aws:username}",
                "arn:aws:iam::{source}:user/team/${aws:username}",
                "arn:*:iam::{destination}:role/?eader",
                HUB_SESSION,
            ),
        ),
    ),
    "aws:PrincipalAccount": ((_TEXT, ("{source}", "{destination}", "${aws:PrincipalAccount}", "{third}")),),
    "aws:PrincipalOrgID": ((_TEXT, ("{organization}", "o-*", "o-x1b2c3d4e5")),),
    "aws:PrincipalType": ((_TEXT, ("User", "AssumedRole", "user", "A*")),),
    "aws:username": ((_TEXT, ("alice", "a*", "Alice", "bob")),),
    "aws:userid": ((["StringLike", "StringNotLike"], ("AIDA*", "AROA*:s?", "*:s0", "AROA*")),),
    "aws:SourceIp": ((["IpAddress", "NotIpAddress"], ("127.0.0.0/8", "10.0.0.0/8", "127.0.0.1", "::/0")),),
    "aws:MultiFactorAuthPresent": ((["Bool"], _TRUTHS), (_TEXT, ("true", "false"))),
    "aws:MultiFactorAuthAge": ((_NUMERIC, ("3600", 0)),),
    "aws:SecureTransport": ((["Bool"], _TRUTHS),),
    "aws:PrincipalIsAWSService": ((["Bool"], _TRUTHS),),
    "aws:ViaAWSService": ((["Bool"], _TRUTHS),),
    "iam:ResourceTag/team": ((_TEXT, ("red", "blue")),),
    "s3:ResourceAccount": ((_TEXT, ("{source}", "{destination}")),),
    "aws:CurrentTime": ((_DATE, _TIMES),),
    "aws:TokenIssueTime": ((_DATE, _TIMES),),
    "aws:EpochTime": ((_NUMERIC, ("946684800", "4102444800")), (_DATE, _TIMES)),
    "aws:RequestedRegion": ((_TEXT, ("us-east-1", "us-*", "eu-west-1")),),
    "aws:RequestTag/team": ((_TEXT, ("red", "r*", "RED", "blue", "${aws:PrincipalTag/team}")),),
    "aws:requesttag/Cost": ((_NUMERIC, ("12", "12.0", "100")), (_TEXT, ("12", "1*"))),
    "aws:PrincipalTag/team": ((_TEXT, ("red", "?ed", "blue", "${aws:RequestTag/team}")),),
    "aws:ResourceTag/team": ((_TEXT, ("red", "blue", "${aws:PrincipalTag/team}")),),
    "aws:ResourceAccount": ((_TEXT, ("{source}", "{destination}", "${aws:PrincipalAccount}")),),
    "s3:prefix": ((_TEXT, ("alice/", "alice/*", "${aws:username}/", "bob/")),),
    "s3:max-keys": ((_NUMERIC, ("10", 9, 11)),),
}
_SEVERAL: dict[str, tuple[list[str], tuple[str, ...]]] = {
    "aws:TagKeys": (_TEXT, ("team", "Cost", "t*", "Team", "cost", "stage")),
    "sts:TransitiveTagKeys": (_TEXT, ("team", "Cost", "t*", "stage")),
    "aws:PrincipalOrgPaths": (_TEXT, ("{organization}/r-ab12/*", "{organization}/r-ab12/", "o-*", "*/ou-*")),
}
_USUAL = [
    *("sts:ExternalId", "sts:RoleSessionName", "aws:PrincipalArn", "aws:PrincipalAccount"),
    *("aws:RequestTag/team", "aws:TagKeys", "aws:SourceIp", "aws:PrincipalTag/team"),
]
_KEYS = [*_ONE_VALUE, *_SEVERAL, *_USUAL, *_USUAL]


@st.composite
def condition(draw: st.DrawFn) -> dict[str, dict[str, Any]]:
    """One operator with one key. Operators without ForAllValues or ForAnyValue on keys of several values are
    left out: AWS says that these keys need one, and does not say what happens without.
    """
    key = draw(st.sampled_from(_KEYS))
    if draw(st.integers(0, 9)) == 0:
        return {"Null": {key: draw(st.sampled_from(_TRUTHS))}}
    several = key in _SEVERAL
    operators, values = _SEVERAL[key] if several else draw(st.sampled_from(_ONE_VALUE[key]))
    operator = draw(st.sampled_from(operators))
    sets = ["ForAllValues:", "ForAnyValue:"]
    front = draw(st.sampled_from(sets if several else [*[""] * 8, *sets]))
    after = draw(often("", "", "IfExists"))
    one = operator == "Bool"
    return {f"{front}{operator}{after}": {key: draw(st.sampled_from(values) if one else some(values))}}


@st.composite
def conditions(draw: st.DrawFn, usual: int = 5) -> dict[str, dict[str, Any]]:
    """None in about half of the draws, else one or two."""
    found: dict[str, dict[str, Any]] = {}
    for _ in range(max(draw(st.integers(0, usual + 2)) - usual, 0)):
        for operator, keys in draw(condition()).items():
            if not {key.lower() for key in found.get(operator, {})} & {key.lower() for key in keys}:
                found[operator] = found.get(operator, {}) | keys
    return found
