"""Secrets stay out of what is shown and written."""

import json
import string
from typing import Any

import pytest
from given import ALICE, ROLE, a_grant
from hypothesis import given, settings
from hypothesis import strategies as st

from xacct_nb.differences import diff
from xacct_nb.documents import build
from xacct_nb.journals import Journal
from xacct_nb.plans import State
from xacct_nb.shields import fingerprint, fingerprints_in, redact, redact_all, secrets_in, shield, unshield

TRUST = {"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": "hunter2-hunter2"}}}]}
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDexample"
external_ids = st.text(string.ascii_letters + string.digits + "_+=,.@:/-", min_size=12, max_size=60)


def test_a_fingerprint_is_the_same_for_the_same_secret() -> None:
    assert fingerprint("hunter2-hunter2") == fingerprint("hunter2-hunter2") == "secret:09ccb55459ac278f"


def test_a_fingerprint_is_another_for_another_secret() -> None:
    assert fingerprint("hunter2-hunter2") != fingerprint("hunter2-hunter3")


def test_a_shielded_document_has_a_fingerprint_for_its_external_id() -> None:
    shielded = shield(TRUST)

    assert shielded["Statement"][0]["Condition"]["StringEquals"] == {
        "sts:ExternalId": fingerprint("hunter2-hunter2")
    }


@pytest.mark.parametrize("key", ["sts:ExternalId", "sts:externalid", "STS:EXTERNALID"])
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], ["hunter2", "hunter3"], 12345678])
def test_every_spelling_of_the_key_and_every_shape_of_the_value_is_shielded(key: str, value: Any) -> None:
    shielded = json.dumps(shield({"ForAnyValue:StringLike": {key: value}}))

    assert "hunter" not in shielded
    assert "12345678" not in shielded


def test_shielding_twice_is_shielding_once() -> None:
    assert shield(shield(TRUST)) == shield(TRUST)


def test_other_values_stay_as_they_are() -> None:
    document = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "n": 1, "none": None, "list": [True]}

    assert shield(document) == document


def test_what_was_shielded_is_put_back() -> None:
    assert unshield(shield(TRUST), ["hunter2-hunter2", "another-one"]) == TRUST


def test_what_is_not_known_stays_a_fingerprint() -> None:
    assert fingerprints_in(unshield(shield(TRUST), ["another-one"])) == {fingerprint("hunter2-hunter2")}


def test_secrets_are_found_and_fingerprints_are_none() -> None:
    assert secrets_in([TRUST]) == {"hunter2-hunter2"}
    assert secrets_in(shield(TRUST)) == set()


@pytest.mark.parametrize(
    "words",
    [
        f"key {KEY} here",
        f'{{"SecretAccessKey": "{SECRET_KEY}"}}',
        f"{{'SecretAccessKey': '{SECRET_KEY}'}}",
        f'{{\\"SecretAccessKey\\": \\"{SECRET_KEY}\\"}}',
        f"&#34;SecretAccessKey&#34;: &#34;{SECRET_KEY}&#34;",
        f"aws_secret_access_key = {SECRET_KEY}",
        f"export AWS_SECRET_ACCESS_KEY={SECRET_KEY}",
        f"a token {TOKEN}.",
        "aws_session_token = abcdefghijklmnop",
        '{"TokenCode": "123456"}',
        "password: correct-horse",
        "-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----",
    ],
)
def test_what_looks_like_a_key_a_token_or_a_password_is_redacted(words: str) -> None:
    clean = redact(words, [])

    assert "[redacted]" in clean
    for secret in (KEY, SECRET_KEY, TOKEN, "abcdefghijklmnop", "123456", "correct-horse", "MIIE"):
        assert secret not in clean


@pytest.mark.parametrize("words", ["the session token", "secret_access_key", "AKIA", "password = x", ALICE])
def test_ordinary_words_stay(words: str) -> None:
    assert redact(words, []) == words


def test_a_secret_is_redacted_also_as_it_stands_in_a_url() -> None:
    mark = fingerprint("a+b/c=d:e@f")

    assert redact("a+b/c=d:e@f, a%2Bb%2Fc%3Dd%3Ae%40f", ["a+b/c=d:e@f"]) == f"{mark}, {mark}"


def test_a_secret_within_another_does_not_break_its_fingerprint() -> None:
    longer = fingerprint("hunter2-secret")

    assert redact("hunter2-secret and secret", ["secret", "hunter2-secret", ""]) == (
        f"{longer} and {fingerprint('secret')}"
    )


def test_keys_of_mappings_are_redacted_too() -> None:
    assert redact_all({"hunter2": ["hunter2", 1, None]}, ["hunter2"]) == {
        fingerprint("hunter2"): [fingerprint("hunter2"), 1, None]
    }


@settings(max_examples=25)
@given(external_ids, st.text(max_size=40), st.text(max_size=40))
def test_redaction_leaves_no_secret(secret: str, before: str, after: str) -> None:
    assert secret not in redact(f"{before}{secret}{after}{secret}", [secret])


@settings(max_examples=15)
@given(external_ids)
def test_no_value_shows_an_external_id(secret: str) -> None:
    documents = build(a_grant(conditions={"external_id": secret}))
    plan = diff(documents, State({}))
    values = [documents.grant, documents, plan, *plan.changes, plan.reverse(), Journal("x", plan.changes)]

    assert (
        documents.trust_policies[ROLE]["Statement"][0]["Condition"]["StringEquals"]["sts:ExternalId"]
        == secret
    )
    for value in values:
        shown = [str(value), repr(value), value._repr_html_(), json.dumps(value.to_json())]
        assert not any(secret in each for each in shown)
