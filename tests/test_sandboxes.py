"""The sandbox as the commands and notebooks open it: furnished, reset, closed."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from xacct_nb.aws.clients import connect
from xacct_nb.runs.sandboxes import open_sandbox, reset_sandbox, throw_away_sandbox
from xacct_nb.sandbox.server import server
from xacct_nb.sandbox.server.state import Sandbox

WHO = "import boto3; print(boto3.Session(profile_name='alice').client('sts').get_caller_identity()['Arn'])"

OPEN = """
import pathlib, sys
from xacct_nb.runs.sandboxes import open_sandbox
print(open_sandbox(pathlib.Path(sys.argv[1])).credentials_file.read_text())
"""


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    folder = tmp_path_factory.mktemp("opened") / "sandbox"
    yield open_sandbox(folder)
    server.down(folder)


def test_its_environment_is_all_that_boto3_needs(opened: Sandbox) -> None:
    assert _python(WHO, opened.environment()) == "arn:aws:iam::111111111111:user/alice\n"


def test_opening_again_keeps_the_keys(opened: Sandbox) -> None:
    before = opened.credentials_file.read_text()

    assert open_sandbox(opened.folder) == opened
    assert opened.credentials_file.read_text() == before


def test_two_processes_that_open_it_at_once_share_the_keys(tmp_path: Path) -> None:
    command = [sys.executable, "-c", OPEN, str(tmp_path)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in "ab"]
    seen = {process.communicate()[0] for process in both}

    assert server.down(tmp_path)
    assert len(seen) == 1
    assert b"aws_secret_access_key" in seen.pop()


def test_one_that_was_started_empty_is_furnished_and_a_closed_one_leaves_no_keys(tmp_path: Path) -> None:
    empty = server.up(tmp_path)
    assert not empty.config_file.exists()

    open_sandbox(tmp_path)
    assert empty.config_file.exists()
    assert server.down(tmp_path)
    assert not empty.config_file.exists()
    assert not empty.credentials_file.exists()


def test_reset_empties_every_account_and_furnishes_again(opened: Sandbox) -> None:
    before = opened.credentials_file.read_text()
    iam = connect(
        "iam",
        endpoint_url=opened.endpoint,
        access_key_id="222222222222",
        secret_access_key=opened.root_secret("222222222222"),
    )
    iam.create_user(UserName="carol")
    reset_sandbox(opened.folder)

    assert [user["UserName"] for user in iam.list_users()["Users"]] == ["admin"]
    assert opened.credentials_file.read_text() != before
    assert _python(WHO, opened.environment()) == "arn:aws:iam::111111111111:user/alice\n"


def test_a_throw_away_is_furnished() -> None:
    with throw_away_sandbox() as sandbox:
        assert _python(WHO, sandbox.environment()) == "arn:aws:iam::111111111111:user/alice\n"


def test_clients_owe_nothing_to_the_users_own_configuration(
    opened: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "not-there")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "another")
    monkeypatch.setenv("AWS_USE_FIPS_ENDPOINT", "true")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    sts = connect(
        "sts",
        endpoint_url=opened.endpoint,
        access_key_id="222222222222",
        secret_access_key=opened.root_secret("222222222222"),
    )

    assert sts.get_caller_identity()["Account"] == "222222222222"


def _python(code: str, environment: dict[str, str]) -> str:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    command = [sys.executable, "-c", code]
    return subprocess.run(
        command, env=kept | environment, check=True, stdout=subprocess.PIPE, text=True
    ).stdout
