"""Only a valid grant can be made: what is refused, the messages, and that no message holds the secret."""

from collections.abc import Callable
from typing import Any

import pytest

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.errors import InvalidGrant, UnresolvedSecret
from xacct_nb.grants.grant import Grant, external_id, from_parameters, resolve

LONG_ROLE = f"arn:aws:iam::222222222222:role/{'r' * 65}"
GROUP = "arn:aws:iam::111111111111:group/analysts"
SESSION = "arn:aws:sts::111111111111:assumed-role/hub/me"

# field, value, and the words that the refusal must hold
REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"name": ""}, "name: '' is refused: lower-case letters, digits and -"),
    ({"name": "Reports"}, "name: 'Reports' is refused"),
    ({"name": "reports\n"}, "name: 'reports\\n' is refused"),
    ({"name": "a" * 33}, "32 at most"),
    ({"name": 5}, "name: 5 is not text"),
    ({"sources": []}, "sources: is empty"),
    ({"sources": ALICE}, "is not a list"),
    ({"sources": None}, "sources: None is not a list"),
    ({"sources": ["alice"]}, "sources: 'alice' is neither an ARN nor an account id of 12 digits"),
    ({"sources": ["arn:aws:iam::111111111111"]}, "sources: 'arn:aws:iam::111111111111' is not an ARN"),
    ({"sources": ["11111111111"]}, "'11111111111' is neither an ARN nor an account id of 12 digits"),
    ({"sources": [111111111111]}, "sources.0: 111111111111 is not text"),
    ({"sources": [GROUP]}, "is a group, which cannot be trusted"),
    ({"sources": ["*"]}, "sources: '*' has a wildcard"),
    ({"sources": ["arn:aws:iam::111111111111:user/*"]}, "has a wildcard"),
    ({"sources": ["arn:aws:iam::*:role/team"]}, "has a wildcard"),
    ({"sources": [SESSION]}, "is a role session"),
    ({"sources": ["arn:aws:sts::111111111111:federated-user/al"]}, "is not the ARN of a user or role"),
    ({"sources": ["arn:awz:iam::111111111111:root"]}, "sources: 'arn:awz:iam::111111111111:root' names"),
    ({"sources": ["arn:aws:iam::11111111111:root"]}, "is not the ARN of a user or role"),
    ({"destinations": []}, "destinations: is empty"),
    ({"destinations": ["222222222222"]}, "destinations: '222222222222' is not an ARN"),
    ({"destinations": [ALICE]}, f"destinations: '{ALICE}' is not the ARN of a role"),
    ({"destinations": [LONG_ROLE]}, "is too long: 65 characters"),
    ({"destinations": ["arn:aws:iam::222222222222:role/*"]}, "has a name or path that IAM refuses"),
    ({"destinations": ["arn:aws:iam::222222222222:role/*/reader"]}, "has a name or path that IAM refuses"),
    ({"destinations": [ROLE, ROLE.replace("role/r", "role/team/R")]}, "cannot both exist"),
    (
        {"destinations": ["arn:aws-cn:iam::222222222222:role/r"], "permissions": []},
        "2 partitions: aws, aws-cn",
    ),
    ({"permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws-cn:s3:::x"]}]}, "2 partitions"),
    ({"permissions": [{"actions": [], "resources": ["*"]}]}, "permissions.0.actions: is empty"),
    ({"permissions": [{"actions": ["s3:GetObject"]}]}, "permissions.0.resources: is missing"),
    ({"permissions": [{"action": ["s3:GetObject"]}]}, "permissions.0.actions: is missing"),
    ({"permissions": [{**READ, "effect": "Allow"}]}, "permissions.0.effect: there is no such field"),
    (
        {"permissions": [{**READ, "actions": "s3:GetObject"}]},
        "permissions.0.actions: 's3:GetObject' is not a",
    ),
    ({"permissions": ["s3:GetObject"]}, "permissions.0: 's3:GetObject' is not a mapping of fields"),
    ({"permissions": [{**READ, "actions": ["GetObject"]}]}, "permissions: 'GetObject' is not an action"),
    ({"permissions": [{**READ, "resources": ["reports/*"]}]}, "permissions: 'reports/*' is not a resource"),
    ({"permissions": [{**READ, "resources": ["arn:aws:s3:::€"]}]}, "is not a resource"),
    ({"managed_policies": ["ReadOnlyAccess"]}, "managed_policies: 'ReadOnlyAccess' is not an ARN"),
    ({"managed_policies": [ROLE]}, f"managed_policies: '{ROLE}' is not the ARN of a managed policy"),
    ({"managed_policies": ["arn:aws:iam::aws:policy/a*"]}, "is not the ARN of a managed policy"),
    ({"managed_policies": ["arn:aws:iam::333333333333:policy/x"]}, "is not in the account of every role"),
    (
        {"permissions_boundary": "arn:aws:iam::aws:group/x"},
        "permissions_boundary: 'arn:aws:iam::aws:group/x'",
    ),
    ({"session_minutes": 14}, "session_minutes: 14 is too small: at least 15"),
    ({"session_minutes": 721}, "session_minutes: 721 is too large: at most 720"),
    ({"session_minutes": "60"}, "session_minutes: '60' is not a whole number"),
    ({"caller_policy": "both"}, "caller_policy: 'both' is not 'managed', 'inline' or 'none'"),
    ({"caller_policy": "none", "attach_to": GROUP}, "attach_to: with caller_policy: none there is nothing"),
    ({"adopt": "yes"}, "adopt: 'yes' is neither true nor false"),
    ({"attach_to": ALICE}, f"attach_to: '{ALICE}' is not the ARN of a group"),
    ({"attach_to": GROUP, "sources": ["arn:aws:iam::111111111111:role/hub"]}, "does not reach"),
    ({"attach_to": "arn:aws:iam::333333333333:group/analysts"}, "does not reach"),
    ({"attach_to": GROUP, "sources": ["333333333333"]}, "does not reach 333333333333"),
    ({"source": [ALICE]}, "source: there is no such field"),
    ({"conditions": "mfa"}, "conditions: the value is not a mapping of fields"),
    ({"conditions": {"mfa": True}}, "conditions.mfa: there is no such field"),
    ({"conditions": {"require_mfa": 1}}, "conditions.require_mfa: 1 is neither true nor false"),
    ({"conditions": {"organization_id": "x-1"}}, "conditions.organization_id: AWS does not accept 'x-1'"),
    ({"conditions": {"role_session_name": "a b"}}, "conditions.role_session_name: AWS does not accept 'a b'"),
    (
        {"conditions": {"source_identity": "aws:me"}},
        "conditions.source_identity: AWS does not accept 'aws:me'",
    ),
    ({"conditions": {"source_ips": ["10.0.0.0/33"]}}, "'10.0.0.0/33' is not an address range"),
    ({"conditions": {"source_ips": ["10.0.0.0/255.0.0.0"]}}, "is not an address range"),
    ({"conditions": {"session_tags": {"aws:team": "x"}}}, "conditions.session_tags: 'aws:team': 'x' is no"),
    (
        {"conditions": {"session_tags": {"team": ""}}},
        "conditions.session_tags: 'team': '' is not a session tag",
    ),
    (
        {"conditions": {"session_tags": {"team": "*"}}},
        "conditions.session_tags: 'team': '*' is not a session tag",
    ),
    ({"conditions": {"session_tags": {"team": 5}}}, "conditions.session_tags.team: 5 is not text"),
]


@pytest.mark.parametrize(("fields", "words"), REFUSED, ids=lambda value: str(value)[:40])
def test_a_bad_value_is_refused_in_one_clear_message(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(**fields)

    assert words in refusal.value.what
    assert refusal.value.why
    assert refusal.value.hint
    assert "pydantic" not in str(refusal.value)
    assert "Input should" not in str(refusal.value)


@pytest.mark.parametrize("field", ["name", "sources", "destinations"])
def test_a_missing_field_is_named(field: str) -> None:
    fields = {"name": "reports", "sources": [ALICE], "destinations": [ROLE]}
    del fields[field]

    with pytest.raises(InvalidGrant, match=f"{field}: is missing"):
        Grant(**fields)  # type: ignore[arg-type]


def test_the_error_of_an_unknown_field_lists_the_known_ones() -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(conditions={"mfa": True})

    assert refusal.value.hint.startswith("Known fields: external_id, require_mfa, organization_id")


def test_the_error_of_a_trusted_group_names_attach_to() -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(sources=[GROUP])

    assert f"attach_to: {GROUP}" in refusal.value.hint


def test_the_error_of_an_account_id_that_yaml_made_a_number_says_to_quote_it() -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(sources=[111111111111])

    assert refusal.value.hint.startswith("Put it in quotes")


@pytest.mark.parametrize("parameters", [["name"], "name: x", {1: "x"}, None])
def test_what_is_no_mapping_of_fields_is_no_grant(parameters: Any) -> None:
    with pytest.raises(InvalidGrant, match="This is not a grant"):
        from_parameters(parameters)


@pytest.mark.parametrize("secret", ["x", "with space", "with\nline", "ümlaut", "semi;colon", "l" * 1225])
def test_an_external_id_that_sts_refuses_is_refused_without_being_quoted(secret: str) -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(conditions={"external_id": secret})

    assert refusal.value.what == "conditions.external_id: STS does not accept this external ID."
    assert len(secret) < 3 or secret not in str(refusal.value)


@pytest.mark.parametrize(
    "fields",
    [
        {"conditions": {"external_id": ["hunter2-hunter2"]}},
        {"conditions": {"external_id": 4711471147114711}},
        {"conditions": {"external-id": "hunter2-hunter2"}},
        {"conditions": {"external_id": {"is": "hunter2-hunter2"}}},
        {"external_id": "hunter2-hunter2"},
        {"conditions": [{"external_id": "hunter2-hunter2"}]},
        {"conditions": "hunter2-hunter2"},
    ],
)
def test_an_external_id_in_the_wrong_place_is_not_quoted(fields: dict[str, Any]) -> None:
    with pytest.raises(InvalidGrant) as refusal:
        a_grant(**fields)

    assert "hunter2" not in str(refusal.value)
    assert "4711" not in str(refusal.value)
    assert refusal.value.__cause__ is None


SHOWN: list[Callable[[Grant], Any]] = [
    str,
    repr,
    Grant._repr_html_,
    Grant.to_json,
    Grant.model_dump,
    Grant.model_dump_json,
]


@pytest.mark.parametrize("show", SHOWN)
def test_a_grant_never_shows_its_external_id(show: Callable[[Grant], Any]) -> None:
    grant = a_grant(conditions={"external_id": "hunter2-hunter2"})

    assert "hunter2" not in str(show(grant))
    assert "hunter2" not in repr(grant.conditions)


def test_a_reference_is_shown_as_it_is() -> None:
    grant = a_grant(conditions={"external_id": "env:PARTNER_ID"})

    assert grant.to_json()["conditions"]["external_id"] == "env:PARTNER_ID"


def test_a_reference_is_looked_up() -> None:
    grant = resolve(
        a_grant(conditions={"external_id": "env:PARTNER_ID"}), {"env:PARTNER_ID": "hunter2"}.__getitem__
    )

    assert external_id(grant) == "hunter2"


def test_looking_up_keeps_the_other_conditions() -> None:
    grant = a_grant(
        conditions={"external_id": "env:X", "require_mfa": True, "session_tags": {"team": "data"}}
    )

    resolved = resolve(grant, lambda reference: "hunter2").conditions

    assert (resolved.require_mfa, resolved.session_tags) == (True, {"team": "data"})


def test_a_reference_without_a_value_does_not_become_a_grant_without_external_id() -> None:
    with pytest.raises(UnresolvedSecret, match="'env:PARTNER_ID' has no value"):
        resolve(a_grant(conditions={"external_id": "env:PARTNER_ID"}), lambda reference: "")


def test_what_is_looked_up_must_be_an_external_id_too() -> None:
    with pytest.raises(InvalidGrant, match="STS does not accept this external ID"):
        resolve(a_grant(conditions={"external_id": "env:X"}), lambda reference: "not good")


def test_a_reference_is_not_used_as_external_id() -> None:
    with pytest.raises(UnresolvedSecret, match="'env:PARTNER_ID'"):
        external_id(a_grant(conditions={"external_id": "env:PARTNER_ID"}))


@pytest.mark.parametrize(
    "fields",
    [
        {"sources": ["arn:aws:iam::111111111111:user/path/to/alice"]},
        {"sources": ["arn:aws:iam::111111111111:root"]},
        {"sources": ["000000000000"]},
        {"attach_to": GROUP},
        {"attach_to": GROUP, "sources": ["111111111111"]},
        {"attach_to": GROUP, "sources": ["arn:aws:iam::111111111111:user/role/alice"]},
        {"conditions": {"external_id": "a+b=c,d.e@f:g/h-i"}},
        {"conditions": {"source_ips": ["203.0.113.7", "203.0.113.0/24", "2001:db8::/32"]}},
        {"conditions": {"role_session_name": "${aws:username}"}},
        {"managed_policies": ["arn:aws:iam::aws:policy/job-function/ViewOnlyAccess"]},
        {"permissions_boundary": "arn:aws:iam::222222222222:policy/team/edge"},
        {"permissions": []},
        {"session_minutes": 15},
    ],
)
def test_what_aws_accepts_is_a_grant(fields: dict[str, Any]) -> None:
    assert a_grant(**fields)


@pytest.mark.parametrize("partition", ["aws-cn", "aws-us-gov", "aws-eusc"])
def test_a_grant_may_be_in_another_partition(partition: str) -> None:
    grant = a_grant(
        sources=["111111111111"], destinations=[f"arn:{partition}:iam::222222222222:role/r"], permissions=[]
    )

    assert grant.partition == partition


def test_principals_and_whole_accounts_are_distinguished() -> None:
    grant = a_grant(sources=[ALICE, "333333333333", "arn:aws:iam::333333333333:root"])

    assert grant.principals == (ALICE,)
    assert grant.whole_accounts == ("333333333333",)
    assert grant.source_accounts == ("111111111111", "333333333333")


def test_a_value_that_is_given_twice_is_kept_once() -> None:
    assert a_grant(sources=[ALICE, ALICE]).sources == (ALICE,)


def test_a_grant_does_not_change() -> None:
    with pytest.raises(Exception, match="frozen"):
        a_grant().name = "other"


def test_a_grant_goes_to_json_and_back() -> None:
    grant = a_grant(
        conditions={"external_id": "env:X", "source_ips": ["10.0.0.0/8"]}, accept=["wildcard-action"]
    )

    assert from_parameters(grant.to_json()) == grant


def test_an_editor_gets_a_schema() -> None:
    schema = Grant.model_json_schema()

    assert schema["required"] == ["name", "sources", "destinations"]
    assert schema["additionalProperties"] is False


def test_a_grant_shows_the_fields_that_have_a_value() -> None:
    assert str(a_grant()) == (
        "Grant reports\n"
        "field            value\n"
        "---------------  ---------------------------------------------\n"
        "name             reports\n"
        "sources          arn:aws:iam::111111111111:user/alice\n"
        "destinations     arn:aws:iam::222222222222:role/reports-reader\n"
        "permissions      actions: s3:GetObject\n"
        "                 resources: arn:aws:s3:::reports/*\n"
        "session_minutes  60\n"
        "manage           role\n"
        "caller_policy    managed\n"
        "caller_reach     roles"
    )
