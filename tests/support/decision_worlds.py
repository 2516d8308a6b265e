"""Random requests with all kinds of policies, as arguments of `evaluate`."""

from typing import Any

from hypothesis import strategies as st

ALICE = "arn:aws:iam::111111111111:user/alice"
SESSION = "arn:aws:sts::111111111111:assumed-role/app/deploy"
APP = "arn:aws:iam::111111111111:role/app"
ROLE = "arn:aws:iam::222222222222:role/reader"
NEAR = "arn:aws:iam::111111111111:role/reader"
REPORT = "arn:aws:s3:::reports/a.txt"
NOBODY = {"Effect": "Deny", "Principal": {"AWS": "999999999999"}, "Action": "sts:AssumeRole"}
Document = dict[str, Any]


def policy(*statements: Document) -> Document:
    return {"Version": "2012-10-17", "Statement": list(statements)}


# Most policies allow, without a condition: otherwise nearly every decision would be a denial.
effects = st.sampled_from(["Allow"] * 7 + ["Deny"])
actions = st.sampled_from(["sts:AssumeRole", "sts:*", "sts:TagSession", ["sts:Assume*", "sts:TagSession"]])
any_actions = st.sampled_from(["*", "*", "s3:*", "s3:GetObject"]) | actions
resources = st.sampled_from(["*", "*", "*", ROLE, NEAR, "arn:aws:iam::*:role/*", "arn:aws:s3:::reports/*"])
principals = st.sampled_from(
    ["*", {"AWS": ALICE}, {"AWS": APP}, {"AWS": SESSION}, {"AWS": "111111111111"}, {"AWS": [ALICE, APP]}]
)
conditions = st.sampled_from(
    [
        *[{}] * 6,
        {"StringEquals": {"aws:PrincipalTag/team": "red"}},
        {"StringNotEquals": {"aws:PrincipalTag/team": "red"}},
        {"BoolIfExists": {"aws:MultiFactorAuthPresent": "true"}},
        {"StringEquals": {"aws:PrincipalTag/team": ["red", "blue"]}},
        {"StringNotEqualsIfExists": {"aws:PrincipalTag/team": "red"}},
        {"Bool": {"aws:MultiFactorAuthPresent": "false"}},
        {"Null": {"aws:PrincipalTag/team": "true"}},
        {"Null": {"aws:TagKeys": "false"}},
        {"ForAnyValue:StringNotEquals": {"aws:TagKeys": ["a", "b"]}},
        {"ForAllValues:StringEquals": {"aws:TagKeys": ["a", "b"]}},
        {"StringLike": {"aws:username": "${aws:PrincipalTag/team}*"}},
    ]
)
identity_statements = st.fixed_dictionaries(
    {"Effect": effects, "Action": any_actions, "Resource": resources, "Condition": conditions}
)
sparing = st.fixed_dictionaries(
    {
        "Effect": st.just("Deny"),
        "NotPrincipal": st.sampled_from([{"AWS": [ALICE, "111111111111"]}, {"AWS": [APP, "111111111111"]}]),
        "Action": any_actions,
    }
)
trusting = st.fixed_dictionaries(
    {"Effect": effects, "Principal": principals, "Action": actions, "Condition": conditions}
)
sharing = st.fixed_dictionaries(
    {"Effect": effects, "Principal": principals, "Action": any_actions, "Condition": conditions}
)


def seldom(rare: st.SearchStrategy[Any], usual: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.integers(0, 9).flatmap(lambda chance: rare if chance == 9 else usual)


trust_statements, bucket_statements = trusting, seldom(sparing, sharing)
documents = st.lists(identity_statements, min_size=1, max_size=3).map(lambda each: policy(*each))
identity_lists = st.lists(documents, max_size=2)
limits = st.one_of(st.none(), st.lists(documents, min_size=1, max_size=2), seldom(st.just([]), st.none()))
contexts = st.fixed_dictionaries(
    {},
    optional={
        "aws:PrincipalTag/team": st.sampled_from(["red", "blue", "ali"]),
        "aws:MultiFactorAuthPresent": st.sampled_from(["true", "false"]),
        "aws:TagKeys": st.lists(st.sampled_from(["a", "b", "c"]), max_size=2),
    },
)
levels = st.one_of(st.none(), st.lists(st.lists(documents, min_size=1, max_size=2), max_size=2))


def worlds(resource: st.SearchStrategy[str], statements: st.SearchStrategy[Document]) -> Any:
    owned = st.lists(statements, min_size=1, max_size=3).map(lambda each: policy(*each))
    return st.fixed_dictionaries(
        {
            "principal": st.sampled_from([ALICE, SESSION]),
            "resource": resource,
            "context": contexts,
            "identity_policies": identity_lists,
            "resource_policy": seldom(st.none(), owned),
            "permissions_boundaries": limits,
            "session_policies": limits,
            "service_control_policies": levels,
        }
    )


roles = worlds(st.sampled_from([ROLE, NEAR]), trust_statements).map(
    lambda world: {**world, "action": "sts:AssumeRole"}
)
buckets = st.builds(
    lambda world, owner: {**world, "action": "s3:GetObject", "resource_account": owner},
    worlds(st.just(REPORT), bucket_statements),
    st.sampled_from([None, "111111111111", "222222222222"]),
)
any_world = roles | buckets
SLOTS = ["identity_policies", "permissions_boundaries", "session_policies"]
