"""The policies of both sides: the article's to the letter, and each condition on its own side only."""

import json
from typing import Any

import pytest

from support.examples import ALICE, ROLE, a_grant, as_text, golden
from xacct_nb.errors import OverQuota, UnresolvedSecret
from xacct_nb.grants.documents import build
from xacct_nb.iam.quotas import size

BOB = "arn:aws:iam::111111111111:user/bob"
HUB = "arn:aws:iam::333333333333:role/hub"
WRITER = "arn:aws:iam::444444444444:role/reports-writer"
GROUP = "arn:aws:iam::111111111111:group/analysts"


def statement(policy: dict[str, Any]) -> dict[str, Any]:
    (only,) = policy["Statement"]
    return dict(only)


def trust_under(**conditions: Any) -> dict[str, Any]:
    return statement(build(a_grant(conditions=conditions)).trust_policies[ROLE])


def caller_under(**conditions: Any) -> dict[str, Any]:
    return statement(build(a_grant(conditions=conditions)).caller_policies[ALICE][0])


def test_the_caller_policy_is_the_articles_to_the_letter() -> None:
    (policy,) = build(a_grant()).caller_policies[ALICE]

    assert as_text(policy) == golden("caller_policy.json")


def test_the_trust_policy_is_the_articles_to_the_letter() -> None:
    policy = build(a_grant()).trust_policies[ROLE]

    assert as_text(policy) == golden("trust_policy.json")


def test_the_permissions_policy_says_what_the_role_may_do() -> None:
    policy = build(a_grant()).permissions_policies[ROLE]

    assert as_text(policy) == golden("permissions_policy.json")


def test_without_permissions_there_is_no_permissions_policy() -> None:
    assert build(a_grant(permissions=[])).permissions_policies == {}


@pytest.mark.parametrize("source", ["111111111111", "arn:aws:iam::111111111111:root"])
def test_a_whole_account_is_trusted_by_its_root_and_gets_no_caller_policy(source: str) -> None:
    documents = build(a_grant(sources=[source]))

    assert statement(documents.trust_policies[ROLE])["Principal"] == {"AWS": "arn:aws:iam::111111111111:root"}
    assert documents.caller_policies == {}


def test_a_role_chain_has_the_first_role_as_source() -> None:
    documents = build(a_grant(sources=[HUB]))

    assert statement(documents.trust_policies[ROLE])["Principal"] == {"AWS": HUB}
    assert list(documents.caller_policies) == [HUB]


def test_a_group_gets_the_caller_policy_and_is_not_trusted() -> None:
    documents = build(a_grant(sources=[ALICE, BOB], attach_to=GROUP))

    assert list(documents.caller_policies) == [GROUP]
    assert statement(documents.trust_policies[ROLE])["Principal"] == {"AWS": [ALICE, BOB]}


def test_a_group_gets_the_caller_policy_of_a_whole_account() -> None:
    documents = build(a_grant(sources=["111111111111"], attach_to=GROUP))

    assert list(documents.caller_policies) == [GROUP]


def test_many_sources_and_many_destinations_are_all_named() -> None:
    documents = build(a_grant(sources=[ALICE, HUB], destinations=[ROLE, WRITER]))

    assert list(documents.caller_policies) == [ALICE, HUB]
    assert [statement(each[0])["Resource"] for each in documents.caller_policies.values()] == [
        [ROLE, WRITER],
        [ROLE, WRITER],
    ]
    assert list(documents.trust_policies) == [ROLE, WRITER]
    assert [statement(each)["Principal"] for each in documents.trust_policies.values()] == [
        {"AWS": [ALICE, HUB]},
        {"AWS": [ALICE, HUB]},
    ]


CONDITIONS: list[tuple[dict[str, Any], dict[str, Any]]] = [
    ({"external_id": "partner-7"}, {"StringEquals": {"sts:ExternalId": "partner-7"}}),
    ({"require_mfa": True}, {"Bool": {"aws:MultiFactorAuthPresent": "true"}}),
    ({"organization_id": "o-a1b2c3d4e5"}, {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}}),
    ({"source_ips": ["203.0.113.0/24"]}, {"IpAddress": {"aws:SourceIp": ["203.0.113.0/24"]}}),
    ({"role_session_name": "audit"}, {"StringEquals": {"sts:RoleSessionName": "audit"}}),
    ({"role_session_name": "audit-*"}, {"StringLike": {"sts:RoleSessionName": "audit-*"}}),
    ({"source_identity": "alice"}, {"StringEquals": {"sts:SourceIdentity": "alice"}}),
    ({"session_tags": {"team": "data"}}, {"StringEquals": {"aws:RequestTag/team": "data"}}),
]


@pytest.mark.parametrize(("conditions", "expected"), CONDITIONS)
def test_a_condition_is_in_the_trust_policy_only(
    conditions: dict[str, Any], expected: dict[str, Any]
) -> None:
    assert trust_under(**conditions)["Condition"] == expected
    assert "Condition" not in caller_under(**conditions)


def test_without_conditions_no_side_has_any() -> None:
    assert "Condition" not in trust_under()
    assert "Condition" not in caller_under()


def test_conditions_of_one_operator_are_grouped() -> None:
    when = trust_under(external_id="partner-7", organization_id="o-a1b2c3d4e5", require_mfa=True)["Condition"]

    assert when == {
        "StringEquals": {"sts:ExternalId": "partner-7", "aws:PrincipalOrgID": "o-a1b2c3d4e5"},
        "Bool": {"aws:MultiFactorAuthPresent": "true"},
    }


def test_the_external_id_is_not_in_the_caller_policy() -> None:
    documents = build(a_grant(conditions={"external_id": "partner-7"}))

    assert "partner-7" not in json.dumps(documents.caller_policies)


def test_session_tags_need_a_right_on_both_sides() -> None:
    assert caller_under(session_tags={"team": "data"})["Action"] == ["sts:AssumeRole", "sts:TagSession"]
    assert trust_under(session_tags={"team": "data"})["Action"] == ["sts:AssumeRole", "sts:TagSession"]


def test_a_source_identity_needs_a_right_on_both_sides() -> None:
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]

    assert caller_under(source_identity="alice")["Action"] == both
    assert trust_under(source_identity="alice")["Action"] == both


def test_no_other_condition_needs_a_further_right() -> None:
    conditions = {"external_id": "partner-7", "require_mfa": True, "role_session_name": "audit"}

    assert caller_under(**conditions)["Action"] == ["sts:AssumeRole"]
    assert trust_under(**conditions)["Action"] == "sts:AssumeRole"


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-eusc"])
def test_the_root_of_a_whole_account_is_in_the_partition_of_the_roles(partition: str) -> None:
    role = f"arn:{partition}:iam::222222222222:role/reports-reader"
    documents = build(a_grant(sources=["111111111111"], destinations=[role], permissions=[]))

    assert statement(documents.trust_policies[role])["Principal"] == {
        "AWS": f"arn:{partition}:iam::111111111111:root"
    }


def roles(count: int) -> list[str]:
    return [f"arn:aws:iam::{222222222222 + number}:role/reports-reader-xacct" for number in range(count)]


def test_300_destinations_fit_into_three_managed_policies() -> None:
    policies = build(a_grant(destinations=roles(300))).caller_policies[ALICE]

    assert [len(statement(policy)["Resource"]) for policy in policies] == [111, 111, 78]
    assert all(size(policy) <= 6144 for policy in policies)
    assert [role for policy in policies for role in statement(policy)["Resource"]] == roles(300)


def test_more_policies_than_a_user_may_carry_are_refused() -> None:
    with pytest.raises(OverQuota, match="would need 21 caller policies") as refusal:
        build(a_grant(destinations=roles(2230)))

    assert refusal.value.why == "AWS allows 20 of this kind and length on it."


def test_destinations_that_do_not_fit_into_one_inline_policy_are_refused() -> None:
    with pytest.raises(OverQuota, match="would need 2 caller policies"):
        build(a_grant(destinations=roles(40), caller_policy="inline"))


def test_a_role_holds_more_inline_than_a_user() -> None:
    documents = build(a_grant(sources=[HUB], destinations=roles(40), caller_policy="inline"))

    assert len(documents.caller_policies[HUB]) == 1


def test_a_trust_policy_over_the_largest_quota_is_refused() -> None:
    users = [f"arn:aws:iam::111111111111:user/{number:020d}" for number in range(200)]

    with pytest.raises(OverQuota, match="The trust policy has 10,905 characters"):
        build(a_grant(sources=users))


def test_a_permissions_policy_over_the_quota_is_refused() -> None:
    many = {"actions": ["s3:GetObject"], "resources": [f"arn:aws:s3:::reports/{n:090d}" for n in range(100)]}

    with pytest.raises(OverQuota, match="The permissions policy has"):
        build(a_grant(permissions=[many]))


def test_documents_need_the_external_id_itself() -> None:
    with pytest.raises(UnresolvedSecret):
        build(a_grant(conditions={"external_id": "env:PARTNER_ID"}))


def test_documents_show_both_sides() -> None:
    shown = str(build(a_grant()))

    assert "Source account 111111111111" in shown
    assert "Caller policy of user/alice" in shown
    assert "Destination account 222222222222" in shown
    assert "Trust policy of role/reports-reader" in shown
    assert "Permissions policy of role/reports-reader" in shown


def test_documents_never_show_the_external_id() -> None:
    documents = build(a_grant(conditions={"external_id": "hunter2-hunter2"}))

    assert documents.trust_policies[ROLE]["Statement"][0]["Condition"] == {
        "StringEquals": {"sts:ExternalId": "hunter2-hunter2"}
    }
    assert "hunter2" not in f"{documents} {documents!r} {documents._repr_html_()} {documents.to_json()}"
