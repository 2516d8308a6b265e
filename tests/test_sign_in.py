"""Profiles that cannot sign in, from real files and processes: one error each, in time, without a secret."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from support.examples import a_grant
from xacct_nb.aws import sign_in
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.diagnosis_sessions import open_for_diagnosis
from xacct_nb.aws.profile_clients import warm_up
from xacct_nb.aws.sessions import open_sessions, profile_identities
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.errors import InvalidInput, MissingProfile, NoCredentials

SECRET = "hunter2/hunter2hunter2hunter2hunter2hunt"
KEY = f"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"
ROLE = "role_arn = arn:aws:iam::111111111111:role/x\n"
SSO = "sso_account_id = 111111111111\nsso_role_name = r\n"
NONE, EMPTY = "It has no credentials.", "One of its keys is empty."
NO_JSON = "Its credential_process printed no JSON object with credentials."
EXPIRED = "Its credential_process printed credentials that have expired."
NO_TEXT = "Its credential_process printed a key that is no text."
UNPARSED = "Unable to parse config file: "
SCRIPTS = {
    "silent": ("exit 0", "Its credential_process printed nothing."),
    "failing": (f"echo {SECRET} >&2; exit 3", "Its credential_process ended with the exit code 3."),
    "no JSON": (f"echo '{{{SECRET}'", NO_JSON),
    "a list": ("echo '[]'", NO_JSON),
    "null": ("echo null", NO_JSON),
    "bytes": ("printf '\\377\\376'", NO_JSON),
    "hanging": ("exec sleep 60", "Its credential_process did not end within 1 seconds."),
    "closing its output": ("exec >&-; exec sleep 60", "Its credential_process did not end within"),
    "without end": ("exec head -c 300000000 /dev/zero", "Its credential_process printed more than "),
    "waiting for input": ("read line; echo \"[$line]\"", NO_JSON),
    "another version": ("echo '{\"Version\": 2}'", "Unsupported version '2' for credential process provider"),
    "no key": ("echo '{\"Version\": 1}'", "Missing required key in response: 'AccessKeyId'"),
    "expired": (
        f'echo \'{{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "{SECRET}", '
        '"Expiration": "2020-01-01T00:00:00Z"}\'',
        EXPIRED,
    ),
    "no time": (
        f'echo \'{{"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": "{SECRET}", '
        '"Expiration": "never"}\'',
        NO_JSON,
    ),
    "numbers": ("echo '{\"Version\": 1, \"AccessKeyId\": 1, \"SecretAccessKey\": []}'", NO_TEXT),
}  # fmt: skip
PROFILES = {
    "no settings": ("[profile p]\nregion = eu-west-1\n", NONE),
    "no such process": ("[profile p]\ncredential_process = /not/there\n", "'/not/there': No such file"),
    "an open quote": ('[profile p]\ncredential_process = "x\n', "a quotation mark or an escape is"),
    "no process": ("[profile p]\ncredential_process =\n", "cannot be started: it is empty"),
    "no token file": (
        f"[profile p]\n{ROLE}web_identity_token_file = /not/there\n",
        "'/not/there', which it names, cannot be used: No such file or directory.",
    ),
    "a folder of tokens": (f"[profile p]\n{ROLE}web_identity_token_file = /\n", "used: Is a directory."),
    "a token without a role": ("[profile p]\nweb_identity_token_file = /x\n", "no role ARN configured"),
    "no INI": ("garbage\n", UNPARSED),
    "a section twice": ("[profile p]\nregion = a\n[profile p]\nregion = b\n", UNPARSED),
    "a setting twice": ("[profile p]\nregion = a\nregion = b\n", UNPARSED),
    "itself as its source": (f"[profile p]\n{ROLE}source_profile = p\n", "Infinite loop in credential"),
    "a loop": (
        f"[profile p]\n{ROLE}source_profile = q\n[profile q]\n{ROLE}source_profile = p\n",
        "Infinite loop in credential configuration",
    ),
    "no such source": (f"[profile p]\n{ROLE}source_profile = q\n", 'The source_profile "q" referenced'),
    "no source": (f"[profile p]\n{ROLE}", "missing: source_profile or credential_source"),
    "an unknown source": (f"[profile p]\n{ROLE}credential_source = X\n", 'The credential source "X"'),
    "an empty environment": (f"[profile p]\n{ROLE}credential_source = Environment\n", "No credentials found"),
    "no EC2": (f"[profile p]\n{ROLE}credential_source = Ec2InstanceMetadata\n", "No credentials found"),
    "SSO without a sign-in": (
        f"[profile p]\nsso_session = s\n{SSO}[sso-session s]\nsso_region = eu-west-1\n"
        "sso_start_url = https://example.awsapps.com/start\n",
        "Nobody has signed in with SSO on this machine.",
    ),
    "no SSO session": (f"[profile p]\nsso_session = s\n{SSO}", "The specified sso-session does not exist"),
    "half an SSO session": (
        "[profile p]\nsso_session = s\n[sso-session s]\nsso_region = eu-west-1\n",
        "missing the following configuration",
    ),
    "empty keys": ("[profile p]\naws_access_key_id =\naws_secret_access_key =\n", EMPTY),
    "half a key": ("[profile p]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\n", "missing: aws_secret"),
    "a key with spaces": (f"[profile p]\n{KEY.replace('2/h', '2 h')}", "secret access key has a space"),
    "a key of two lines": (f"[profile p]\n{KEY}  more\n", "Its secret access key has a"),
    "a key of other letters": (f"[profile p]\n{KEY.replace('AKIA', 'AKI' + chr(196))}", "Its access key id"),
    "no region": (f"[profile p]\n{KEY}region = no where\n", "Provided region_name 'no where'"),
}  # fmt: skip


@pytest.fixture(autouse=True)
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An AWS config of its own; no call leaves this machine."""
    file = tmp_path / "config"
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    for name in ("AWS_ENDPOINT_URL", "AWS_EC2_METADATA_SERVICE_ENDPOINT"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    monkeypatch.setattr(sign_in, "PATIENCE", 1.0)
    return file


def refused() -> InvalidInput:
    """Open the profile as a run does; return the error."""
    with pytest.raises(InvalidInput) as found:
        open_sessions(a_grant(), source_profiles=["p"], destination_profiles=["p"])
    assert SECRET not in f"{found.value} {found.value.to_json()}"
    return found.value


def script(folder: Path, source: str) -> Path:
    path = folder / "process"
    path.write_text(f"#!/bin/sh\n{source}\n")
    path.chmod(0o755)
    return path


@pytest.mark.parametrize(("source", "why"), SCRIPTS.values(), ids=SCRIPTS)
def test_a_credential_process_that_gives_no_credentials(
    config: Path, tmp_path: Path, source: str, why: str
) -> None:
    config.write_text(f"[profile p]\ncredential_process = {script(tmp_path, source)}\n")
    problem = refused()

    assert isinstance(problem, NoCredentials)
    assert why in problem.why


def test_also_where_it_is_the_source_of_a_role(config: Path, tmp_path: Path) -> None:
    process = script(tmp_path, "exec sleep 60")
    config.write_text(f"[profile p]\n{ROLE}source_profile = q\n[profile q]\ncredential_process = {process}\n")

    assert refused().why == "Its credential_process did not end within 1 seconds."


@pytest.mark.parametrize(("content", "why"), PROFILES.values(), ids=PROFILES)
def test_a_profile_that_cannot_sign_in_is_one_error(config: Path, content: str, why: str) -> None:
    config.write_text(content)
    problem = refused()

    assert problem.what == "The profile 'p' cannot sign in."
    assert why in problem.why
    assert problem.hint


def test_the_profile_that_a_chain_begins_with_is_the_one_to_sign_in(config: Path) -> None:
    config.write_text(
        f"[profile p]\n{ROLE}source_profile = q\n[profile q]\n{ROLE}source_profile = corp\n"
        f"[profile corp]\nsso_session = s\n{SSO}[sso-session s]\nsso_region = eu-west-1\n"
        "sso_start_url = https://example.awsapps.com/start\n"
    )
    problem = refused()

    assert problem.hint.endswith(": aws sso login --profile corp")
    assert problem.why.endswith("Its chain begins with the profile 'corp'.")


def test_a_profile_that_is_not_there_is_named(config: Path) -> None:
    config.write_text("[profile q]\nregion = eu-west-1\n")

    assert isinstance(refused(), MissingProfile)


def test_an_mfa_code_is_not_asked_for_where_nobody_is(config: Path) -> None:
    config.write_text(
        f"[profile p]\n{ROLE}source_profile = q\nmfa_serial = arn:aws:iam::111111111111:mfa/me\n"
        f"[profile q]\n{KEY}"
    )

    assert refused().why == "It has mfa_serial, and this process has no terminal."


def _pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize("make", [Path.mkdir, _pipe])
@pytest.mark.parametrize("name", ["config", "credentials"])
def test_what_is_no_file_is_named_and_not_waited_for(
    tmp_path: Path, name: str, make: Callable[[Path], None]
) -> None:
    make(tmp_path / name)

    assert refused().what == f"The AWS file {str(tmp_path / name)!r} cannot be read."


@pytest.mark.parametrize(
    "content", [b"[profile p]\nregion = \xff\n", "[profile p]\n".encode("utf-16"), b"\x00"]
)
def test_a_config_in_another_encoding_is_named(config: Path, content: bytes) -> None:
    config.write_bytes(content)

    assert refused().why == f"{UNPARSED}{config}."


@pytest.mark.parametrize("content", [content for content, _ in PROFILES.values()], ids=PROFILES)
def test_a_diagnosis_reports_it_and_goes_on(config: Path, content: str) -> None:
    config.write_text(content)
    role = "arn:aws:iam::222222222222:role/r"
    found = open_for_diagnosis(Attempt(caller="", role=role), caller_profiles=["p"])

    assert found.caller is None
    assert found.problems["caller"]
    assert SECRET not in found.problems["caller"]


def test_the_doctor_reports_each_profile(config: Path, tmp_path: Path) -> None:
    silent = script(tmp_path, "exit 0")
    config.write_text(f"[profile p]\ncredential_process = {silent}\n[profile q]\n{KEY.replace('/', ' ')}")
    found = {name: (arn, why) for name, arn, why in profile_identities(AwsClock())}

    assert found["p"] == ("", "Its credential_process printed nothing.")
    assert found["q"][1].startswith("Its secret access key has a space")


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_STS"])
@pytest.mark.parametrize("value", ["notaurl", "http://[::", "ftp://example.com", "//user:pass@example.com"])
def test_an_endpoint_that_is_no_url_is_named_and_not_shown(
    config: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    config.write_text(f"[profile p]\n{KEY}")
    monkeypatch.setenv(name, value)
    warm_up()
    problem = refused()

    assert problem.what == f"No AWS service can be reached: {name} is no URL."
    assert problem.hint.endswith(f"unset {name}")
    assert value not in str(problem)
