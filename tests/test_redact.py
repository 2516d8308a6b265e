"""Secrets stay out of everything that is shown or written."""

import base64
import html
import json
import string
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from support.examples import ALICE, ROLE, a_grant
from support.processes import processor_limit
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.redaction.redact import (
    fingerprint,
    fingerprints_in,
    mask_secrets,
    redact,
    redact_all,
    restore_secrets,
    secrets_in,
)
from xacct_nb.runs.secrets import grant_secrets

TRUST = {"Statement": [{"Condition": {"StringEquals": {"sts:ExternalId": "hunter2-hunter2"}}}]}
KEY = "AKIAIOSFODNN7EXAMPLE"
SECRET_KEY = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
TOKEN = "IQoJb3JpZ2luX2VjEJr//////////wEaCXVzLWVhc3QtMSJHMEUCIQDexample"
external_ids = st.text(string.ascii_letters + string.digits + "_+=,.@:/-", min_size=12, max_size=60).filter(
    lambda text: not text.isdigit() and text not in "sts:ExternalId"
)


def test_a_fingerprint_is_the_same_for_the_same_secret() -> None:
    assert fingerprint("hunter2-hunter2") == fingerprint("hunter2-hunter2") == "secret:09ccb55459ac278f"


def test_another_secret_has_another_fingerprint() -> None:
    assert fingerprint("hunter2-hunter2") != fingerprint("hunter2-hunter3")


def test_a_masked_document_has_a_fingerprint_for_its_external_id() -> None:
    masked = mask_secrets(TRUST)

    assert masked["Statement"][0]["Condition"]["StringEquals"] == {
        "sts:ExternalId": fingerprint("hunter2-hunter2")
    }


@pytest.mark.parametrize("key", ["sts:ExternalId", "sts:externalid", "STS:EXTERNALID"])
@pytest.mark.parametrize("value", ["hunter2", ["hunter2"], ["hunter2", "hunter3"], 12345678])
def test_every_spelling_of_the_key_and_every_shape_of_the_value_is_masked(key: str, value: Any) -> None:
    masked = json.dumps(mask_secrets({"ForAnyValue:StringLike": {key: value}}))

    assert "hunter" not in masked
    assert "12345678" not in masked


def test_masking_twice_is_masking_once() -> None:
    assert mask_secrets(mask_secrets(TRUST)) == mask_secrets(TRUST)


def test_other_values_stay_as_they_are() -> None:
    document = {"StringEquals": {"aws:PrincipalOrgID": "o-a1b2c3d4e5"}, "n": 1, "none": None, "list": [True]}

    assert mask_secrets(document) == document


def test_a_masked_secret_is_restored() -> None:
    assert restore_secrets(mask_secrets(TRUST), ["hunter2-hunter2", "another-one"]) == TRUST


def test_an_unknown_secret_stays_a_fingerprint() -> None:
    assert fingerprints_in(restore_secrets(mask_secrets(TRUST), ["another-one"])) == {
        fingerprint("hunter2-hunter2")
    }


def test_secrets_are_found_and_fingerprints_are_not() -> None:
    assert secrets_in([TRUST]) == {"hunter2-hunter2"}
    assert secrets_in(mask_secrets(TRUST)) == set()


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
def test_keys_tokens_and_passwords_are_redacted_by_their_pattern(words: str) -> None:
    clean = redact(words, [])

    assert "[redacted]" in clean
    for secret in (KEY, SECRET_KEY, TOKEN, "abcdefghijklmnop", "123456", "correct-horse", "MIIE"):
        assert secret not in clean


@pytest.mark.parametrize(
    "words",
    [
        f"\\n{KEY}\\n",
        f"%0A{KEY}, {SECRET_KEY}",
        f"{KEY}\n{SECRET_KEY}",
        f"{SECRET_KEY} is the secret of {KEY}",
        f"ReadOnlyCredentials(access_key='', secret_key='{SECRET_KEY}', token='abcdefghijklmnopqrstuv')",
        f"<SecretAccessKey>{SECRET_KEY}</SecretAccessKey>",
        f"&lt;SecretAccessKey&gt;{SECRET_KEY}&lt;/SecretAccessKey&gt;",
        f"<td>SecretAccessKey</td>\n<td class='x'>{SECRET_KEY}</td>",
        f"|  SecretAccessKey |  {SECRET_KEY} |",
        f"%22SecretAccessKey%22%3A%20%22{SECRET_KEY}%22",
        f"SecretAccessKey=&quot;{SECRET_KEY}&quot;",
        f"aws configure set aws_secret_access_key {SECRET_KEY}",
        f"'X-Amz-Security-Token': b'{TOKEN}'",
        f"X-Amz-Security-Token={TOKEN.replace('/', '%2F')}&X-Amz-Signature={'ab' * 32}",
        f"'Authorization': b'AWS4-HMAC-SHA256 Credential={KEY}/us-east-1, Signature={'ab' * 32}'",
        "Authorization: Basic correct-horse",
        "{'authorization': 'Bearer correct-horse'}",
        "https://ada:correct-horse@example.org/x",
        "redis://:correct-horse@example.org:6379/0",
        "TokenCode=123456&Version=2011-06-15",
        '{"password": "it is, <so> & correct-horse"}',
        "password\x1b[39m=\x1b[32m'correct-horse'\x1b[39m",
        "Password(value='correct-horse')",
        "PGPASSWORD=correct-horse",
        '{"accessToken": "correct-horse"}',
        '{"sts:ExternalId": "correct-horse"}',
        "**External ID:** `correct-horse`",
        "**ExternalId**: correct-horse",
        "<code>ExternalId</code>: <code>correct-horse</code>",
        "<strong>sts:ExternalId</strong> = <code>correct-horse</code>",
        "&lt;b&gt;External ID:&lt;/b&gt; correct-horse",
        '{\\"sts:ExternalId\\": \\"correct-horse\\"}',
        "-----BEGIN EC PRIVATE KEY-----\\nMIIE\\n-----END EC PRIVATE KEY-----",
        "-----BEGIN PRIVATE KEY-----\nMIIEabcdefghijklmnopq\nabcdefghijklmnopq",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.correct-horse",
    ],
)
def test_a_secret_is_redacted_by_name_or_pattern_in_every_notation(words: str) -> None:
    clean = redact(words, [])

    assert "[redacted]" in clean
    for secret in (KEY, SECRET_KEY, TOKEN[12:30], "correct-horse", "123456", "abab", "MIIE", "defghijklmnop"):
        assert secret not in clean


@pytest.mark.parametrize(
    "words",
    [
        "the session token",
        "secret_access_key",
        "AKIA",
        "password = x",
        "password: env:NAME",
        "session_token = answer['SessionToken']",
        "def enter(password: str, secret_key: str = '') -> None",
        ALICE,
        "arn:aws:iam::111111111111:role/aws-service-role/AWSReservedSSO_AdministratorAccess_0123456789abcdef",
        "AROAIOSFODNN7EXAMPLE:session",
        "AIDAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLE111",
        "commit da39a3ee5e6b4b0d3255bfef95601890afd80709",
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "request c6104cbe-af31-11e0-8154-cbc7ccf896c7",
        "20261124T101500Z-reports-readers-plan_and_apply-1f3a",
        "http://127.0.0.1:4566/a@b and https://localhost:8080?mail=a@b.c",
        "iam:UpdateAccountPasswordPolicy, aws:TokenIssueTime, NextToken=abcdefgh",
        '"sts:ExternalId": "secret:0123456789abcdef", "ExternalId": "<the external ID>", "external_id": ""',
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==",
    ],
)
def test_ordinary_words_are_not_redacted(words: str) -> None:
    assert redact(words, []) == words


def test_a_digest_beside_a_key_id_stays() -> None:
    words = "{} at da39a3ee5e6b4b0d3255bfef95601890afd80709"

    assert redact(words.format(KEY), []) == words.format("[redacted]")


@pytest.mark.parametrize(
    "write",
    [
        repr,
        json.dumps,
        lambda secret: json.dumps(json.dumps([secret])),
        lambda secret: json.dumps(secret, ensure_ascii=False).replace("/", "\\/"),
        html.escape,
        lambda secret: html.escape(json.dumps(secret)),
        quote,
        lambda secret: quote(secret, safe="").lower(),
        quote_plus,
        lambda secret: quote(quote(secret)),
        lambda secret: repr(secret.encode()),
        lambda secret: secret.encode().hex(),
        lambda secret: base64.b64encode(secret.encode()).decode(),
        lambda secret: base64.urlsafe_b64encode(f"a{secret}".encode()).decode(),
        lambda secret: base64.encodebytes(f"ab{secret * 9}".encode()).decode(),
        lambda secret: base64.b64encode(f"abc{secret}d".encode()).decode(),
        lambda secret: f"{secret[:5]}\x1b[1;31m{secret[5:8]}\x1b[0m{secret[8:]}",
        lambda secret: f"{secret[:5]}\\u001b[31m{secret[5:]}",
        lambda secret: f"{secret[:5]}\n    {secret[5:]}",
        lambda secret: repr(base64.encodebytes(secret.encode() * 9)),
    ],
)
def test_a_known_secret_is_redacted_in_every_form(write: Callable[[str], str]) -> None:
    secret = 'gr\u00fcn "it\'s" <a/b> & c\\d+1='
    written = write(secret)
    clean = redact(f"({written})", [secret])
    left = clean.replace(fingerprint(secret), "")

    assert fingerprint(secret) in clean
    assert [written[at : at + 12] for at in range(len(written) - 11) if written[at : at + 12] in left] == []


def test_text_around_a_wrapped_or_coloured_secret_stays() -> None:
    words = "one\n\x1b[32mhunter2-\x1b[0mhunter2\x1b[0m\ntwo hunter2\n-hunter2 three"
    mark = fingerprint("hunter2-hunter2")

    assert redact(words, ["hunter2-hunter2"]) == (f"one\n\x1b[32m{mark}\x1b[0m\x1b[0m\ntwo {mark}\n three")


def test_a_short_secret_is_redacted_as_a_whole_word_only() -> None:
    mark = fingerprint("123456")

    assert redact("code 123456, account 111111123456", ["123456"]) == f"code {mark}, account 111111123456"


def test_fields_of_a_record_are_not_redacted_where_an_external_id_is_a_word_in_them() -> None:
    data = {"plan": [{"kind": "x", "text/plain": 1}], "by": "arn:aws:iam::111111111111:role/x"}

    assert redact_all(data, ["plan", "kind", "text", "111111111111"]) == data


@pytest.mark.parametrize("external_id", ["111111111111", "reports", "user/alice"])
def test_an_external_id_that_the_grant_uses_elsewhere_is_not_secret(external_id: str) -> None:
    assert grant_secrets(a_grant(conditions={"external_id": external_id})) == set()
    assert grant_secrets(a_grant(conditions={"external_id": f"{external_id}-1"})) == {f"{external_id}-1"}


def test_a_secret_split_over_two_pieces_of_a_stream_is_redacted() -> None:
    def stream(name: str, text: str | list[str]) -> dict[str, Any]:
        return {"output_type": "stream", "name": name, "text": text}

    outputs = [
        stream("stdout", "it is hunt"),
        stream("stderr", "look"),
        stream("stdout", ["er2-hun", "ter2!"]),
    ]
    mark = fingerprint("hunter2-hunter2")

    assert redact_all({"outputs": outputs}, ["hunter2-hunter2"])["outputs"] == [
        stream("stdout", f"it is {mark}"),
        stream("stderr", "look"),
        stream("stdout", "!"),
    ]


def test_a_value_under_the_name_of_a_secret_is_redacted() -> None:
    data = {"TokenCode": 123456, "db_password": ["x", None], "SecretAccessKey": {"secret_key": "", "a": "b"}}

    assert redact_all(data, []) == {
        "TokenCode": "[redacted]",
        "db_password": ["[redacted]", None],
        "SecretAccessKey": {"secret_key": "", "a": "b"},
    }


@pytest.mark.parametrize("name", ["external_id", "sts:ExternalId", "session_token"])
@pytest.mark.parametrize("value", ["env:NAME", "file:/run/x", "secret:0123456789abcdef", "[redacted]", True])
def test_references_and_fingerprints_stay(name: str, value: Any) -> None:
    assert redact_all({name: value}, []) == {name: value}


@pytest.mark.parametrize(
    "piece",
    [
        "password='",
        "password=",
        "password" + " " * 99,
        "password" + "\\" * 8,
        "password</td>" + " " * 99 + "<td" + " " * 99,
        "external_id: '",
        "-----BEGIN RSA PRIVATE KEY-----",
        "-----BEGIN RSA PRIVATE KEY-----" + "\n" * 99,
        "://a:",
        "://" + "a" * 250 + ":" + "b" * 250,
        "eyJaaaaaaaaaa.",
        "eyJaaaaaaaaaa",
        "AKIA",
        f"{KEY} ",
        f"{KEY} aB3{'%2F' * 39}",
        "authorization: Basic ",
        "\x1b[",
        "\x1b]0;",
        "\n ",
        "hunter2-hunter",
        "a,password\n",
        "|password|x|\n",
        "password: |\n  ",
        'password=["a",',
        "password" + " " * 40,
        'password" value=',
        "password=a.b.c(",
        "&lt;password&gt;",
        "\npassword = a b ",
        "authorization: digest ",
        "login a -p ",
        "%2F%2Fa%3A",
        "AB2" * 11,
    ],
)
def test_no_text_takes_long(piece: str) -> None:
    with processor_limit():
        redact(piece * (100_000 // len(piece)), ["hunter2-hunter2"])


def test_a_secret_is_redacted_in_a_url_too() -> None:
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
