"""Every state of profile, credentials, network and terminal: one clear error, and a cause with its mend."""

import base64
import hashlib
import io
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from botocore import credentials

from support.denial_stage import Stage
from support.examples import endpoint_of
from support.in_process_sandbox import in_process_sandbox
from support.odd_endpoints import endpoint_that_answers
from xacct_nb.aws import sign_in
from xacct_nb.aws.diagnosis_sessions import open_for_diagnosis
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.retries import Retries
from xacct_nb.aws.sessions import Sessions, open_sessions, profile_identities
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.diagnosis import diagnose as explained
from xacct_nb.diagnosis.snapshot import ClientSettings, Snapshot
from xacct_nb.errors import InvalidInput, XacctError
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.aws_profiles import read_client

sandbox = in_process_sandbox
SECRET = "hunter2/hunter2hunter2hunter2hunter2hunt"
KEY = f"aws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = {SECRET}\n"
ASSUMES = "role_arn = arn:aws:iam::111111111111:role/x\n"
ROLE = "arn:aws:iam::222222222222:role/reader"
SESSION = "arn:aws:iam::111111111111:user/me"
SSO = (
    "sso_session = s\nsso_account_id = 111111111111\nsso_role_name = r\n[sso-session s]\n"
    "sso_region = eu-west-1\nsso_start_url = https://example.awsapps.com/start\n"
)
NETWORK, DEAD = "Check the network", "http://127.0.0.1:9"


class State(NamedTuple):
    """A state: the config file ({home} is a folder), variables, files, a part of the hint, and the cause."""

    config: str
    hint: str
    code: str
    variables: dict[str, str] = {}  # noqa: RUF012  it is never changed
    files: dict[str, str | bytes] = {}  # noqa: RUF012


def key_at(endpoint: str) -> str:
    return f"[profile p]\n{KEY}endpoint_url = {endpoint}\n"


def answered(name: str, hint: str, code: str) -> State:
    return State(key_at(endpoint_that_answers(name)), hint, code)


def sso(content: str) -> State:
    name = f"sso/cache/{hashlib.sha1(b's').hexdigest()}.json"
    return State(
        f"[profile p]\n{SSO}", "aws sso login --profile p", "expired-credentials", files={name: content}
    )


def token(**fields: Any) -> str:
    return json.dumps({"accessToken": SECRET, "expiresAt": "2030-01-01T00:00:00Z", **fields})


def printed(**fields: Any) -> str:
    """A credential_process that prints a key with some fields as given. The braces are for `format`."""
    found = {"Version": 1, "AccessKeyId": "AKIAIOSFODNN7EXAMPLE", "SecretAccessKey": SECRET, **fields}
    return f"echo '{json.dumps(found)}'".replace("{", "{{").replace("}", "}}")


STATES = {
    "a key that AWS does not know": answered("unknown key", "deleted or deactivated", "unknown-access-key"),
    "expired credentials": answered("expired", "Sign in again", "expired-credentials"),
    "a wrong secret key": answered("wrong secret", "Copy its secret access key", "wrong-secret-key"),
    "a clock that is off": answered("late", "Set the clock", "clock-skew"),
    "an endpoint without XML": answered("no XML", NETWORK, "not-aws-endpoint"),
    "an endpoint with an empty answer": answered("nothing", NETWORK, "not-aws-endpoint"),
    "an endpoint with JSON": answered("JSON", NETWORK, "not-aws-endpoint"),
    "the sign-in page of a network": answered("a page", NETWORK, "not-aws-endpoint"),
    "a proxy that asks for a password": answered("a proxy", NETWORK, "not-aws-endpoint"),
    "no endpoint": State(key_at(DEAD), NETWORK, "no-route"),
    "no name in DNS": State(key_at("https://sts.nowhere.invalid"), NETWORK, "no-route"),
    "no TLS": State(
        key_at(endpoint_that_answers("JSON").replace("http", "https", 1)), "AWS_CA_BUNDLE", "tls-failure"
    ),
    "an endpoint that is no URL": State(key_at("nonsense"), "Test it", "invalid-setting"),
    "a proxy that is no URL": State(
        f"[profile p]\n{KEY}", NETWORK, "invalid-setting", {"HTTPS_PROXY": "rubbish:::"}
    ),
    "a dead proxy": State(f"[profile p]\n{KEY}", NETWORK, "no-route", {"HTTPS_PROXY": DEAD}),
    "no such region": State(f"[profile p]\n{KEY}region = no where\n", "set region", "no-region"),
    "no such mode": State(f"{key_at(DEAD)}defaults_mode = x\n", "Test it", "invalid-setting"),
    "no such services": State(f"{key_at(DEAD)}services = x\n", "Test it", "invalid-setting"),
    "no credentials": State("[profile p]\nregion = eu-west-1\n", "Test it", "no-credentials"),
    "an empty key": State(
        "[profile p]\naws_access_key_id =\naws_secret_access_key =\n", "Test it", "unusable-key"
    ),
    "a key with a space": State(f"[profile p]\n{KEY.replace('/', ' ')}", "Copy the key", "unusable-key"),
    "no such profile": State("[profile q]\nregion = eu-west-1\n", "Correct the name", "missing-profile"),
    "a config that is no INI": State("rubbish\n", "Correct the file", "unreadable-files"),
    "a loop of profiles": State(
        f"[profile p]\n{ASSUMES}source_profile = q\n[profile q]\n{ASSUMES}source_profile = p\n",
        "Set source_profile", "profile-loop",
    ),
    "a source profile with a key that AWS does not know, and no region": State(
        f"[profile p]\n{ASSUMES}source_profile = q\n[profile q]\n{KEY}",
        "deleted or deactivated", "unknown-access-key",
        {"AWS_ENDPOINT_URL": endpoint_that_answers("unknown key")},
    ),
    "MFA without a terminal": State(
        f"[profile p]\n{ASSUMES}source_profile = q\nmfa_serial = arn:aws:iam::111111111111:mfa/me\n"
        f"[profile q]\n{KEY}",
        "Get a session first", "no-terminal-for-mfa",
    ),
    "no container": State(
        f"[profile p]\n{ASSUMES}credential_source = EcsContainer\n",
        "Only a machine with such a role", "wrong-credential-source",
    ),
    "a dead container": State(
        f"[profile p]\n{ASSUMES}credential_source = EcsContainer\n",
        "Only a machine with such a role", "no-machine-credentials",
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{DEAD}/x"},
    ),
    "a container elsewhere": State(
        f"[profile p]\n{ASSUMES}credential_source = EcsContainer\n", "Test it", "cannot-sign-in",
        {"AWS_CONTAINER_CREDENTIALS_FULL_URI": "http://example.com/x"},
    ),
    "no instance": State(
        f"[profile p]\n{ASSUMES}credential_source = Ec2InstanceMetadata\n",
        "Only a machine with such a role", "wrong-credential-source",
    ),
    "an instance that is no URL": State(
        "[profile p]\nregion = eu-west-1\n", "AWS_EC2_METADATA_SERVICE_ENDPOINT", "invalid-setting",
        {"AWS_EC2_METADATA_SERVICE_ENDPOINT": "nonsense"},
    ),
    "a process that fails": State(
        "[profile p]\ncredential_process = false\n", "Test it", "credential-process-failed"
    ),
    "a process that hangs": State(
        "[profile p]\ncredential_process = sleep 60\n", "Test it", "credential-process-failed"
    ),
    "a process that prints rubbish": State(
        f"[profile p]\ncredential_process = echo {SECRET}\n", "Test it", "credential-process-failed"
    ),
    **{
        f"a process that {name}": State(f"[profile p]\ncredential_process = {command}\n", hint, code)
        for name, command, hint, code in (
            ("is not there", "/no/such/program", "Test it", "credential-process-failed"),
            ("is a folder", "/usr", "Test it", "credential-process-failed"),
            ("has an open quotation mark", "printf 'x", "Test it", "credential-process-failed"),
            ("is empty", "", "Test it", "credential-process-failed"),
            ("prints a list", "echo [1,2]", "Test it", "credential-process-failed"),
            ("prints another version", printed(Version=3), "by hand", "credential-process-failed"),
            ("prints one key", printed(SecretAccessKey=None), "Test it", "credential-process-failed"),
            ("prints numbers", printed(AccessKeyId=17), "Test it", "credential-process-failed"),
            ("prints an old session", printed(Expiration="2021-05-01T00:00:00Z"), "Test it",
             "credential-process-failed"),
            ("prints no date", printed(Expiration="soon"), "Test it", "credential-process-failed"),
        )
    },
    "a proxy that is overloaded": answered("overloaded", NETWORK, "not-aws-endpoint"),
    "an account that is not active": answered("not active", "completes it", "cannot-sign-in"),
    "an endpoint by FTP": State(key_at("ftp://127.0.0.1:9"), NETWORK, "invalid-setting"),
    "an endpoint with a port that there is not": State(
        key_at("http://127.0.0.1:70000"), NETWORK, "invalid-setting"
    ),
    "an empty environment as the source": State(
        f"[profile p]\n{ASSUMES}credential_source = Environment\n",
        "Set AWS_ACCESS_KEY_ID", "wrong-credential-source",
    ),
    "a config that begins with a BOM": State(
        f"\ufeff[profile p]\n{KEY}", "without a BOM", "unreadable-files"
    ),
    "a profile that is there twice": State(
        f"[profile p]\n{KEY}[profile p]\n{KEY}", "no name twice", "unreadable-files"
    ),
    "nobody signed in with SSO": State(f"[profile p]\n{SSO}", "aws sso login", "expired-credentials"),
    "an expired SSO session": sso(token(expiresAt="2020-01-01T00:00:00Z")),
    "an SSO cache without a token": sso(json.dumps({"expiresAt": "2030-01-01T00:00:00Z"})),
    "an SSO cache of another kind": sso("[]"),
    "a torn SSO cache": sso(token()[:-9]),
    "no token file": State(
        f"[profile p]\n{ASSUMES}web_identity_token_file = /not/there\n", "Test it", "cannot-sign-in"
    ),
    "an empty token file": State(
        f"[profile p]\n{ASSUMES}web_identity_token_file = {{home}}/token\n",
        "Test it", "web-identity-token-unusable", files={"token": ""},
    ),
    "a token file of bytes": State(
        f"[profile p]\n{ASSUMES}web_identity_token_file = {{home}}/token\n",
        "Test it", "cannot-sign-in", files={"token": b"\xff\xfe"},
    ),
}  # fmt: skip


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of its own; no call leaves this machine."""
    for name in [each for each in os.environ if each.startswith("AWS_")]:
        monkeypatch.delenv(name)
    folder = tmp_path / ".aws"
    folder.mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(folder / "config"))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(folder / "credentials"))
    monkeypatch.setenv("AWS_EC2_METADATA_SERVICE_ENDPOINT", DEAD)
    monkeypatch.setattr(sign_in, "PATIENCE", 0.5)
    return folder


def enter(home: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "config").write_text(state.config.format(home=home))
    for name, content in state.files.items():
        file = home / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    for name, value in state.variables.items():
        monkeypatch.setenv(name, value)


def impatient() -> Endpoint:
    return Endpoint(retries=Retries(0.2))


def diagnosed(**profiles: list[str]) -> Diagnosis:
    """The diagnosis of a call of the role, with a caller that nobody named."""
    attempt = Attempt(caller="", role=ROLE)
    return diagnose(sessions=open_for_diagnosis(attempt, endpoint=impatient(), **profiles), role=ROLE)


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_sessions_are_refused_with_one_clear_error(
    home: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(home, state, monkeypatch)
    with pytest.raises(XacctError) as refusal:
        open_sessions(caller_profiles=["p"], endpoint=impatient())

    assert state.hint in refusal.value.hint
    assert refusal.value.what
    assert SECRET not in f"{refusal.value} {refusal.value.to_json()}"


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_the_diagnosis_has_a_cause_with_its_mend(
    home: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(home, state, monkeypatch)
    found = diagnosed(caller_profiles=["p"])

    assert (found.causes[0].code, found.causes[0].side) == (state.code, "client"), found
    assert found.causes[0].mend
    assert SECRET not in f"{found} {json.dumps(found.to_json())}"


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_a_side_that_cannot_sign_in_is_unread_and_no_error(
    home: Path, state: State, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(home, state, monkeypatch)
    attempt = Attempt(caller=SESSION, role=ROLE)
    sides = open_for_diagnosis(
        attempt, source_profiles=["p"], destination_profiles=["p"], endpoint=impatient()
    )
    found = diagnose(sessions=sides, role=ROLE, caller=SESSION)

    assert {*sides.problems} == {"source", "destination"}
    assert any("role and its trust policy" in each.what and each.why for each in found.unknowns)


@pytest.mark.parametrize("state", STATES.values(), ids=STATES)
def test_the_doctor_goes_on(home: Path, state: State, monkeypatch: pytest.MonkeyPatch) -> None:
    enter(home, state, monkeypatch)
    if state.code == "unreadable-files":
        with pytest.raises(XacctError, match="without a BOM"):
            profile_identities(impatient().clock)
    else:
        assert all(arn or why for _, arn, why in profile_identities(impatient().clock))


@pytest.mark.parametrize("name", ["nobody", ""])
def test_the_doctor_lists_the_profiles_where_the_environment_names_none_of_them(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    enter(home, STATES["no endpoint"], monkeypatch)
    monkeypatch.setenv("AWS_PROFILE", name)

    assert [profile for profile, _, _ in profile_identities(impatient().clock)] == ["p"]


def test_a_file_that_only_its_owner_may_read_and_one_with_a_wrong_line_have_mends_of_their_own() -> None:
    def commands(why: str) -> tuple[str, ...]:
        client = ClientSettings(profile="p", unreadable={"/home/me/.aws/config": why})
        (found,) = explained(Snapshot(client=client)).causes
        return found.commands

    assert commands("Permission denied") == ("chmod 600 /home/me/.aws/config",)
    assert commands("line 3 belongs to no section, or is no setting") == ()


def test_a_password_in_the_address_of_an_endpoint_is_not_shown(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = endpoint_that_answers("a user").replace("http://", "http://me:opensesame@")
    enter(home, State(key_at(url), "", ""), monkeypatch)
    sessions = open_sessions(caller_profiles=["p"], endpoint=impatient())

    assert "opensesame" not in f"{sessions} {sessions.answered_by}"
    assert "127.0.0.1" in sessions.answered_by


@pytest.mark.parametrize("names", ["source-admin", [None], [7]])
def test_names_of_profiles_are_a_list_of_texts(names: Any) -> None:
    with pytest.raises(InvalidInput, match="no list of names of profiles"):
        open_sessions(source_profiles=names)


@pytest.mark.parametrize("closed", [None, io.StringIO()], ids=["none", "closed"])
def test_a_standard_input_that_is_not_there_is_no_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch, closed: io.StringIO | None
) -> None:
    if closed is not None:
        closed.close()
    monkeypatch.setattr(sys, "stdin", closed)
    enter(home, STATES["MFA without a terminal"], monkeypatch)
    asked = diagnosed(caller_profiles=["p"])
    enter(home, STATES["a process that prints rubbish"], monkeypatch)

    assert asked.causes[0].code == "no-terminal-for-mfa"
    assert diagnosed(caller_profiles=["p"]).causes[0].code == "credential-process-failed"


def login_token(expires: str) -> str:
    """What `aws login` caches: credentials, and a key of its own for renewing them."""
    keys = {"accessKeyId": "ASIAIOSFODNN7EXAMPLE", "secretAccessKey": SECRET, "sessionToken": SECRET}
    access = {**keys, "accountId": "111111111111", "expiresAt": expires}
    return json.dumps(
        {"accessToken": access, "refreshToken": SECRET, "clientId": "x",
         "dpopKey": base64.b64encode(b"no key").decode()}
    )  # fmt: skip


def login(home: Path, monkeypatch: pytest.MonkeyPatch, cached: str = "") -> State:
    name = f"{hashlib.sha256(SESSION.encode()).hexdigest()}.json"
    url = endpoint_that_answers("unknown key")
    config = f"[profile p]\nlogin_session = {SESSION}\nregion = eu-west-1\nendpoint_url = {url}\n"
    state = State(config, "", "", files={f"login/cache/{name}": cached} if cached else {})
    enter(home, state, monkeypatch)
    return state


def refused_login() -> XacctError:
    with pytest.raises(XacctError) as refusal:
        open_sessions(caller_profiles=["p"], endpoint=impatient())
    assert SECRET not in str(refusal.value)
    return refusal.value


def test_a_login_session_without_awscrt_names_the_extra(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(credentials, "EC", None)
    login(home, monkeypatch)
    (cause, *_) = diagnosed(caller_profiles=["p"]).causes

    assert refused_login().hint == "Install it: pip install 'xacct-nb[crt]'"
    assert (cause.code, "xacct-nb[crt]" in cause.mend) == ("login-session-needs-crt", True)


def test_a_login_session_that_nobody_made_is_mended_by_aws_login(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("awscrt")
    login(home, monkeypatch)
    (cause, *_) = diagnosed(caller_profiles=["p"]).causes

    assert refused_login().hint.endswith("aws login --profile p")
    assert cause.code == "login-session-expired"
    assert cause.commands == ("aws login --profile p",)


def test_a_login_session_signs_requests(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("awscrt")
    login(home, monkeypatch, login_token("2099-01-01T00:00:00Z"))

    assert "InvalidClientTokenId" in refused_login().why


def test_a_login_session_that_cannot_be_renewed_is_no_traceback(
    home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("awscrt")
    login(home, monkeypatch, login_token("2020-01-01T00:00:00Z"))

    assert refused_login().hint
    assert diagnosed(caller_profiles=["p"]).causes[0].side == "client"


SIGN_INS = {
    "aws login": (f"[profile p]\nlogin_session = {SESSION}\n", "aws login --profile p"),
    "aws login of a source": (
        f"[profile p]\n{ASSUMES}source_profile = q\n[profile q]\nlogin_session = {SESSION}\n",
        "aws login --profile q",
    ),
    "SSO": (f"[profile p]\n{SSO}", "aws sso login --profile p"),
}


@pytest.mark.parametrize(("config", "command"), SIGN_INS.values(), ids=SIGN_INS)
def test_expired_credentials_are_renewed_by_the_sign_in_of_their_profile(
    home: Path, config: str, command: str
) -> None:
    (home / "config").write_text(config)
    text = "An error occurred (ExpiredToken) when calling the AssumeRole operation: The token is expired"
    (cause, *others) = explained(Snapshot(client=read_client("p")), denial=read_denial(text)).causes

    assert (cause.code, cause.confidence, cause.commands) == ("expired-credentials", "certain", (command,))
    assert others == []


class TestOneSide:
    @pytest.fixture
    def stage(self, world: World) -> Stage:
        stage = Stage(world)
        stage.trust(stage.mallory)
        return stage

    @pytest.mark.parametrize(
        ("profiles", "read"),
        [
            ({"source_profiles": ["source-admin"]}, {"source"}),
            ({"destination_profiles": ["destination-admin"]}, {"destination"}),
            ({"caller_profiles": ["alice"]}, {"caller"}),
            ({"source_profiles": ["source-admin"], "caller_profiles": ["alice"]}, {"source", "caller"}),
            ({}, set[str]()),
        ],
        ids=["source", "destination", "caller", "source and caller", "none"],
    )
    def test_one_side_alone_is_enough(
        self, world: World, stage: Stage, profiles: dict[str, list[str]], read: set[str]
    ) -> None:
        sessions = open_sessions(endpoint=endpoint_of(world), **profiles) if profiles else None
        text = stage.try_it().denial.text
        found = diagnose(sessions=sessions, error=text, caller=stage.alice, role=stage.role)
        codes = {*(each.code for each in found.causes), *found.indistinguishable_causes}
        unread = " ".join(each.what for each in found.unknowns)

        assert "other-principal-trusted" in codes
        assert ("the role and its trust policy" not in unread) is ("destination" in read)
        assert ("the caller's policies" not in unread) is ("source" in read)
        assert bool(found.answer) is ("caller" in read)

    def test_a_caller_that_nobody_named_is_taken_from_its_session(self, world: World, stage: Stage) -> None:
        sessions = open_sessions(
            source_profiles=["source-admin"], caller_profiles=["alice"], endpoint=endpoint_of(world)
        )
        found = diagnose(sessions=sessions, role=stage.role)

        assert f"{stage.alice} is not authorized" in found.answer
        assert all("caller's policies" not in each.what for each in found.unknowns)

    def test_a_session_of_another_caller_is_said_to_be_one(self, world: World, stage: Stage) -> None:
        sessions = open_sessions(caller_profiles=["mallory", "alice"], endpoint=endpoint_of(world))
        found = diagnose(sessions=sessions, caller=stage.alice, role=stage.role)

        assert f"{stage.alice} is not authorized" in found.answer


def test_a_call_of_sessions_that_ends_midway_is_an_error_of_this_package(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    from support.examples import grant_in, plan_of

    grant = grant_in(world)
    sessions: Sessions = open_sessions(
        grant, source_profiles=["source-admin"], destination_profiles=["destination-admin"],
        endpoint=endpoint_of(world),
    )  # fmt: skip
    iam = sessions.admin(world.destination, "iam")
    redirect: Callable[..., None] = lambda request, **_: setattr(  # noqa: E731
        request, "url", endpoint_that_answers("a page")
    )
    iam.meta.events.register("before-send.iam", redirect)

    with pytest.raises(XacctError):
        plan_of(grant, sessions)
