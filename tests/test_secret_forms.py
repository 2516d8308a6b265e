"""Secrets that nobody told the run of are redacted in every notation, and what an auditor reads stays."""

import json
import random
import string
from pathlib import Path

import pytest

from xacct_nb.redaction.patterns import credentials_in, has_credential
from xacct_nb.redaction.redact import redact, redact_all

CASES = Path(__file__).parent / "cases"
FORMS = json.loads((CASES / "secret_forms.json").read_text())
NAMES = json.loads((CASES / "credential_names.json").read_text())["credential"]
LETTERS = string.ascii_letters + string.digits
BASE32 = string.ascii_uppercase + "234567"
# How tokens of these kinds begin, and how many letters follow.
TOKENS = (
    ("ghp_", 36), ("gho_", 36), ("ghs_", 36), ("github_pat_", 82), ("glpat-", 20), ("xoxb-1234567890-", 24),
    ("npm_", 36), ("pypi-AgEI", 80), ("sk-proj-1", 48), ("sk-ant-api03-", 60), ("sk_live_", 24),
    ("hvs.", 30),
    ("AIza", 35), ("aB38Q~", 34), ("GOCSPX-", 28), ("ya29.", 60), ("dckr_pat_", 27), ("ABSK", 128),
    ("aoaA", 100),
    ("IQoJb3JpZ2lu", 300), ("FwoGZX", 300), ("bedrock-api-key-", 200), ("AKIA", 0),
)  # fmt: skip
SECRETS = [
    ("DB_PASSWORD", "h7/Kd-pq.Zr_93x"), ("external_id", "acme-prod-77"), ("ExternalId", "hunter2hunter2"),
    ("GITHUB_TOKEN", "xk29dkw02kd92kdls"), ("ApiKey", "AbCdEfGhIj123456"), ("TokenCode", "123456"),
    ("aws_secret_access_key", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"), ("VAULT_TOKEN", "correct-horse-1"),
    ("mfa_seed", "JBSWY3DPEHPK3PXP"), ("clientSecret", "~u.8Q:correct=horse"), ("password", "correct-horse"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "secret"), SECRETS)
@pytest.mark.parametrize("notation", FORMS["notations"])
def test_a_named_secret_is_redacted_in_every_notation(notation: str, name: str, secret: str) -> None:
    option = name.lower().replace("_", "-")
    text = notation.replace("NAME", name).replace("OPTION", option).replace("VALUE", secret)

    assert secret not in redact(text, [])


@pytest.mark.parametrize(("text", "secret"), [*FORMS["texts"], *FORMS["lines"]])
def test_a_secret_in_the_text_of_a_tool_is_redacted_and_twice_is_once(text: str, secret: str) -> None:
    clean = redact(text.replace("VALUE", secret), [])

    assert secret not in clean
    assert redact(clean, []) == clean


@pytest.mark.parametrize(("start", "length"), TOKENS)
@pytest.mark.parametrize("around", ["{}", "it is {}.", '"{}"', "({}, 1)", "a={}&b", "x\n{}\ny", "<b>{}</b>"])
def test_a_token_of_a_known_kind_is_redacted_without_a_name(around: str, start: str, length: int) -> None:
    drawn = random.Random(f"{start}{around}")
    secret = start + "".join(drawn.choices(LETTERS, k=length)) if length else "AKIAIOSFODNN7EXAMPLE"
    clean = redact(around.format(secret), [])

    assert secret[-12:] not in clean
    assert clean.startswith(around.partition("{")[0])


@pytest.mark.parametrize("letters", [32, 52, 64])
def test_the_seed_of_an_mfa_device_is_redacted_without_a_name(letters: int) -> None:
    seed = "".join(random.Random(letters).choices(BASE32, k=letters))

    assert seed not in redact(f"Scan the code, or type the seed {seed} into it", [])


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("notation", ["{} = {}", "export {}={}", '{{"{}": "{}"}}', "<{}>{}</x>"])
def test_every_known_name_is_found_in_a_text(notation: str, name: str) -> None:
    assert "h7/Kd-pq.Zr_93x" not in redact(notation.format(name, "h7/Kd-pq.Zr_93x"), [])


@pytest.mark.parametrize("names", [("name", "value"), ("Name", "Value"), ("ParameterKey", "ParameterValue")])
def test_a_value_beside_its_name_in_json_is_redacted(names: tuple[str, str]) -> None:
    data = {names[0]: "DB_PASSWORD", names[1]: "correct horse"}

    assert redact_all([data], []) == [{names[0]: "DB_PASSWORD", names[1]: "[redacted]"}]


@pytest.mark.parametrize("text", json.loads((CASES / "no_secrets.json").read_text()))
def test_what_an_auditor_reads_stays(text: str) -> None:
    assert redact(text, []) == text


def test_credentials_within_the_values_of_variables_are_known() -> None:
    variables = {
        "HTTPS_PROXY": "http://ada:pa/ss@word1@proxy:8080",
        "SERVICE": '{"type": "x", "nested": [{"private_key": "correct-horse"}]}',
        "DOCKER_AUTH_CONFIG": '{"auths": {"registry": {"auth": "YWRhOmNvcnJlY3Q="}}}',
        "GOOGLE_APPLICATION_CREDENTIALS": "/home/ada/key.json",
        "AWS_SECRET_ACCESS_KEY": "/starts/as/a/path",
        "PWD": "/home/ada/a-folder",
    }

    known = credentials_in(variables)

    assert {"pa/ss@word1", "correct-horse", "YWRhOmNvcnJlY3Q=", "/starts/as/a/path"} <= known
    assert known & {"/home/ada/key.json", "/home/ada/a-folder"} == set()


def test_an_external_id_may_contain_the_words() -> None:
    assert not has_credential("an-external-ID:of/somebody.else")
    assert has_credential("an-external-ID: password=correct-horse")


@pytest.mark.parametrize(
    "sentence",
    [
        "The external ID of the vendor is: {}",
        "my external id is: {}",
        "my password is: {}",
        "The secret key of my new account is : {}",
    ],
)
def test_a_secret_that_a_sentence_names_is_redacted(sentence: str) -> None:
    assert redact(sentence.format("Xk29-aa81-Zq7"), set()) == sentence.format("[redacted]")
