"""Which policies are the same to AWS, and which are not."""

import json
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.iam.canonical import canonical, canonical_json, restore_deleted_arns, same_policy

ALICE = "arn:aws:iam::111111111111:user/alice"
BOB = "arn:aws:iam::111111111111:user/bob"
ROOT = "arn:aws:iam::111111111111:root"


def trust(**fields: Any) -> dict[str, Any]:
    allowed = {"Effect": "Allow", "Principal": {"AWS": ALICE}, "Action": "sts:AssumeRole"}
    return {"Version": "2012-10-17", "Statement": [{**allowed, **fields}]}


SAME: list[tuple[str, Any, Any]] = [
    ("a one-item list and its item", trust(), trust(Action=["sts:AssumeRole"])),
    (
        "principals in another order",
        trust(Principal={"AWS": [ALICE, BOB]}),
        trust(Principal={"AWS": [BOB, ALICE]}),
    ),
    ("a principal twice", trust(Principal={"AWS": [ALICE, ALICE]}), trust()),
    (
        "an account id and its root ARN",
        trust(Principal={"AWS": "111111111111"}),
        trust(Principal={"AWS": ROOT}),
    ),
    ("everybody in two spellings", trust(Principal="*"), trust(Principal={"AWS": ["*"]})),
    ("an action in another case", trust(Action="STS:assumerole"), trust()),
    ("a statement with a Sid", trust(Sid="Alice"), trust()),
    ("an empty Condition, as the console writes it", trust(Condition={}), trust()),
    ("a document with an Id", trust() | {"Id": "x"}, trust()),
    ("a lone statement and a list of it", {**trust(), "Statement": trust()["Statement"][0]}, trust()),
    (
        "a condition key in another case",
        trust(Condition={"StringEquals": {"STS:externalid": "a"}}),
        trust(Condition={"StringEquals": {"sts:ExternalId": ["a"]}}),
    ),
    (
        "true and the word true",
        trust(Condition={"Bool": {"aws:MultiFactorAuthPresent": True}}),
        trust(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    ),
]
OTHER: list[tuple[str, Any, Any]] = [
    ("another principal", trust(), trust(Principal={"AWS": BOB})),
    ("another account", trust(Principal={"AWS": "111111111111"}), trust(Principal={"AWS": "111111111112"})),
    ("a service and an account", trust(Principal={"Service": "*"}), trust(Principal={"AWS": "*"})),
    ("a user and a root", trust(Principal={"AWS": ROOT}), trust()),
    ("another effect", trust(Effect="Deny"), trust()),
    ("another action", trust(Action="sts:TagSession"), trust()),
    ("all but an action", trust(NotAction="sts:AssumeRole"), trust()),
    (
        "a resource in another case",
        {"Statement": {"Resource": "arn:A"}},
        {"Statement": {"Resource": "arn:a"}},
    ),
    ("a condition more", trust(Condition={"Bool": {"aws:MultiFactorAuthPresent": "true"}}), trust()),
    (
        "a condition value in another case",
        trust(Condition={"StringEquals": {"sts:ExternalId": "A"}}),
        trust(Condition={"StringEquals": {"sts:ExternalId": "a"}}),
    ),
    (
        "another operator",
        trust(Condition={"StringLike": {"sts:ExternalId": "a"}}),
        trust(Condition={"StringEquals": {"sts:ExternalId": "a"}}),
    ),
    ("an older version, which knows no variables", trust() | {"Version": "2008-10-17"}, trust()),
    ("no document", None, trust()),
]


@pytest.mark.parametrize(("one", "other"), [row[1:] for row in SAME], ids=[row[0] for row in SAME])
def test_these_policies_are_the_same(one: Any, other: Any) -> None:
    assert same_policy(one, other)


@pytest.mark.parametrize(("one", "other"), [row[1:] for row in OTHER], ids=[row[0] for row in OTHER])
def test_these_policies_are_not_the_same(one: Any, other: Any) -> None:
    assert not same_policy(one, other)


def test_a_policy_without_a_version_has_the_old_version() -> None:
    assert same_policy({"Statement": []}, {"Version": "2008-10-17", "Statement": []})


def test_no_policy_is_the_same_as_no_policy() -> None:
    assert same_policy(None, None)


def test_canonical_json_does_not_depend_on_the_order_of_keys() -> None:
    assert canonical_json({"b": 1, "a": "é"}) == canonical_json({"a": "é", "b": 1}) == '{"a":"é","b":1}'


names = st.lists(st.sampled_from(["a", "b", "c", "d"]), min_size=1, max_size=4)
statements = st.fixed_dictionaries(
    {
        "Effect": st.sampled_from(["Allow", "Deny"]),
        "Principal": names.map(
            lambda found: {"AWS": [f"arn:aws:iam::111111111111:user/{name}" for name in found]}
        ),
        "Action": names.map(lambda found: [f"sts:{name}" for name in found]),
        "Resource": names.map(lambda found: [f"arn:aws:s3:::{name}" for name in found]),
        "Condition": names.map(lambda found: {"StringEquals": {"aws:PrincipalOrgID": found}}),
    }
)
documents = st.lists(statements, min_size=1, max_size=3).map(lambda found: {"Statement": found})


def shuffled(value: Any, chance: random.Random) -> Any:
    """The value with every list and every object in another order, one-item lists sometimes unpacked."""
    if isinstance(value, dict):
        pairs = [(key, shuffled(item, chance)) for key, item in value.items()]
        return dict(chance.sample(pairs, len(pairs)))
    if isinstance(value, list):
        mixed = [shuffled(item, chance) for item in chance.sample(value, len(value))]
        return mixed[0] if len(mixed) == 1 and chance.random() < 0.5 else mixed
    return value


@pytest.mark.parametrize(
    ("found", "written", "read"),
    [
        (["AIDAJQABLZS4A3QDU576Q"], [ALICE], [ALICE]),
        (["AIDAJQABLZS4A3QDU576Q", BOB], [ALICE, BOB], [ALICE, BOB]),
        (["AIDAJQABLZS4A3QDU576Q"], [ALICE, BOB], ["AIDAJQABLZS4A3QDU576Q"]),
        ([BOB], [ALICE], [BOB]),
    ],
)
def test_the_id_of_a_deleted_principal_is_read_as_its_arn(
    found: list[str], written: list[str], read: list[str]
) -> None:
    documents = (trust(Principal={"AWS": found}), trust(Principal={"AWS": written}))

    assert same_policy(restore_deleted_arns(*documents), trust(Principal={"AWS": read}))


@given(documents, st.randoms(use_true_random=False))
def test_order_and_one_item_lists_never_matter(document: Any, chance: random.Random) -> None:
    assert same_policy(document, shuffled(document, chance))


@given(documents)
def test_the_canonical_form_is_the_same_policy(document: Any) -> None:
    once = canonical(document)

    assert canonical(json.loads(json.dumps(once))) == once
