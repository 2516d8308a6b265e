"""The sentences of a grant: who will be able to do what, through which role, when."""

from typing import Any

import pytest

from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences

ALICE, BUILD = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::333333333333:role/ci/build"
READER, AUDITOR = "arn:aws:iam::222222222222:role/reports-reader", "arn:aws:iam::222222222222:role/auditor"
READ = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}


def _sentences(**fields: Any) -> tuple[str, ...]:
    usual = {"name": "reports", "sources": [ALICE], "destinations": [READER], "permissions": [READ]}
    return access_sentences(Grant(**usual | fields))


def test_a_sentence_names_the_caller_the_action_the_resource_the_role_the_condition_and_the_length() -> None:
    sentences = _sentences(conditions={"external_id": "an-external-id-of-ours"})

    assert sentences == (
        "user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-reader of "
        "222222222222, with an external ID, for 1 hour at a time.",
    )


def test_each_caller_has_a_sentence_for_each_role() -> None:
    sentences = _sentences(sources=[ALICE, BUILD], destinations=[READER, AUDITOR])

    assert [(each.split(" of ")[0], "auditor" in each) for each in sentences] == [
        ("user/alice", False),
        ("user/alice", True),
        ("role/ci/build", False),
        ("role/ci/build", True),
    ]


@pytest.mark.parametrize(
    ("fields", "part"),
    [
        ({"sources": ["111111111111"]}, "Everyone whom 111111111111 allows it will be able to s3:GetObject"),
        (
            {"attach_to": "arn:aws:iam::111111111111:group/readers"},
            "user/alice of 111111111111, as a member of the group readers, will be able to s3:GetObject",
        ),
        (
            {"sources": ["111111111111"], "attach_to": "arn:aws:iam::111111111111:group/readers"},
            "Every user of the group readers of 111111111111 will be able to",
        ),
        (
            {"permissions": [{"actions": ["*"], "resources": ["*"]}]},
            "will be able to do everything on every resource through",
        ),
        (
            {"permissions": [READ, {"actions": ["kms:Decrypt", "kms:DescribeKey"], "resources": ["*"]}]},
            "s3:GetObject on reports/* and kms:Decrypt and kms:DescribeKey on every resource through",
        ),
        (
            {"permissions": [READ | {"resources": ["arn:aws:sqs:eu-west-1:222222222222:orders"]}]},
            "on arn:aws:sqs:eu-west-1:222222222222:orders through",
        ),
        (
            {"permissions": [], "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"]},
            "will be able to do what the policy ReadOnlyAccess allows through",
        ),
        (
            {"permissions_boundary": "arn:aws:iam::222222222222:policy/limit"},
            "on reports/* (at most what the boundary limit allows) through",
        ),
        ({"permissions": []}, "will be able to do nothing but open a session through"),
        ({"conditions": {"require_mfa": True}}, "222222222222, with MFA, for"),
        ({"conditions": {"source_ips": ["203.0.113.0/24"]}}, ", only from 203.0.113.0/24, for"),
        (
            {"conditions": {"session_tags": {"team": "red", "cost": "7"}}},
            ", only with the session tags team=red and cost=7, for",
        ),
        ({"session_minutes": 90}, ", for 90 minutes at a time."),
        ({"session_minutes": 720}, ", for 12 hours at a time."),
    ],
)
def test_what_the_grant_says_is_in_the_sentence(fields: dict[str, Any], part: str) -> None:
    (sentence,) = _sentences(**fields)

    assert part in sentence


def test_an_external_id_is_mentioned_and_not_shown() -> None:
    (sentence,) = _sentences(conditions={"external_id": "planted-and-secret-9"})

    assert "with an external ID" in sentence
    assert "planted" not in sentence
