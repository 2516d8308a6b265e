"""The pytest plugin, used as other people use it: in an empty folder, by a pytest of its own."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
EXAMPLE = ROOT / "docs" / "examples" / "testing"
GOLDEN = Path(__file__).parent / "golden" / "failed_can.txt"

Pytest = Callable[..., "subprocess.CompletedProcess[str]"]

# What is a user's own, and must not be read.
USERS_OWN = {
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
    "AWS_SECRET_ACCESS_KEY": "none",
    "AWS_ENDPOINT_URL": "http://127.0.0.1:9",
    "AWS_CONFIG_FILE": "/nowhere/config",
}


@pytest.fixture
def run_pytest(tmp_path: Path) -> Pytest:
    """Run pytest in an empty folder, with the entry points of the project as an installation gives them."""
    installed = tmp_path / "installed" / "plugin-0.dist-info"
    installed.mkdir(parents=True)
    points = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]["pytest11"]
    lines = "\n".join(f"{name} = {module}" for name, module in points.items())
    (installed / "entry_points.txt").write_text(f"[pytest11]\n{lines}\n")
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: plugin\nVersion: 0\n")
    folder = tmp_path / "project"
    folder.mkdir()

    def run(test: str = "", *options: str, with_example: bool = False) -> "subprocess.CompletedProcess[str]":
        if with_example:
            shutil.copytree(EXAMPLE, folder, dirs_exist_ok=True)
        else:
            (folder / "test_it.py").write_text(test)
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTEST_")}
        environment |= {**USERS_OWN, "PYTHONPATH": os.pathsep.join((str(ROOT), str(installed.parent)))}
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
        return subprocess.run(
            command, cwd=folder, env=environment, capture_output=True, text=True, check=False
        )

    return run


@pytest.mark.parametrize("options", [(), ("-n", "2")], ids=["one process", "two processes"])
def test_the_example_suite_passes(run_pytest: Pytest, options: tuple[str, ...]) -> None:
    ended = run_pytest("", *options, with_example=True)

    assert "5 passed" in ended.stdout, ended.stdout + ended.stderr


TWO_TESTS = """
import os
import boto3
import pytest

CHANGED = []

@pytest.fixture(scope="session", autouse=True)
def own():
    yield
    assert os.environ["AWS_PROFILE"] == "production"

@pytest.mark.parametrize("number", [1, 2])
def test_it(aws_world, monkeypatch, number):
    assert boto3.client("sts").get_caller_identity()["Account"] == aws_world.source
    iam = boto3.client("iam")
    assert [each["RoleName"] for each in iam.list_roles()["Roles"]] == ["hub"]
    iam.create_role(RoleName="mine", AssumeRolePolicyDocument=TRUST % aws_world.source)
    monkeypatch.setenv("AWS_PROFILE", "alice")
    assert boto3.Session().client("sts").get_caller_identity()["Arn"] == aws_world.user_arn("alice")
    CHANGED.append(aws_world.source)
    assert len(set(CHANGED)) == number

def test_afterwards_all_is_as_before():
    assert os.environ["AWS_PROFILE"] == "production"
    assert os.environ["AWS_ENDPOINT_URL"] == "http://127.0.0.1:9"
    assert boto3.DEFAULT_SESSION is None

TRUST = '''{"Version": "2012-10-17", "Statement": [
  {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::%s:root"}, "Action": "sts:AssumeRole"}]}'''
"""


def test_each_test_has_accounts_of_its_own_and_leaves_the_environment_as_it_was(run_pytest: Pytest) -> None:
    ended = run_pytest(TWO_TESTS)

    assert "3 passed" in ended.stdout, ended.stdout


FAILING = """
def test_alice(aws_world, can):
    assert not can("alice", "sts:AssumeRole", aws_world.role_arn("none"))
    assert can("alice", "sts:AssumeRole", aws_world.role_arn("summary-reader"))
"""


def test_a_failed_test_says_who_asked_what_and_why_it_is_denied(run_pytest: Pytest) -> None:
    ended = run_pytest(FAILING)

    shown = ended.stdout.partition("Who can do what")[2].partition("\n")[2].partition("====")[0]
    plain = re.sub(r"\b\d{12}\b", "ACCOUNT", shown).strip()
    assert plain == GOLDEN.read_text().strip()


FAILED_DECISION = """
def test_it(decides):
    assert decides("arn:aws:iam::111111111111:user/alice", "s3:GetObject", "arn:aws:s3:::reports/a")
"""


def test_a_failed_decision_says_its_reasons(run_pytest: Pytest) -> None:
    ended = run_pytest(FAILED_DECISION)

    assert "<user/alice calls s3:GetObject on reports/a: ImplicitlyDenied (evaluated)>" in ended.stdout
    assert "PRINCIPAL: no identity-based policy allows it." in ended.stdout, ended.stdout


LEAVING = """
import os
import boto3

os.environ.pop("AWS_PROFILE")
MADE_BEFORE = boto3.client("sts", endpoint_url="http://sts.example.com", region_name="us-east-1")

def test_it(aws_world):
    MADE_BEFORE.get_caller_identity()
"""


def test_a_call_that_would_leave_the_sandbox_is_refused(run_pytest: Pytest) -> None:
    ended = run_pytest(LEAVING)

    assert "A call to http://sts.example.com is refused." in ended.stdout
    assert "make clients within the test" in ended.stdout


SIMULATED = """
import json
import pytest

from xacct_nb.errors import InvalidInput

def test_it(aws_world, can):
    role = aws_world.role_arn("summary-reader")
    answer = can(role, "s3:GetObject", aws_world.object_arn("2026/a"))
    assert answer
    assert answer.by == "SimulatePrincipalPolicy"
    assert not can(role, "s3:PutObject", aws_world.object_arn("2026/a"))
    assert can("source-admin", "ec2:RunInstances").by == "SimulatePrincipalPolicy"
    assert can("source-admin", "iam:ListUsers").by == "ListUsers, a real call"
    statement = {"Effect": "Allow", "Action": "sqs:SendMessage", "Resource": "*",
                 "Condition": {"IpAddress": {"aws:SourceIp": "198.51.100.0/24"}}}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam = aws_world.admin("source", "iam")
    iam.put_user_policy(UserName="alice", PolicyName="p", PolicyDocument=document)
    alice = aws_world.user_arn("alice")
    assert can(alice, "sqs:SendMessage", **{"aws:SourceIp": "198.51.100.7"})
    assert not can(alice, "sqs:SendMessage", **{"aws:SourceIp": "203.0.113.7"})
    iam.create_user(UserName="carla")
    assert not can(aws_world.user_arn("carla"), "sts:AssumeRole", role)
    assert can("hub", "sts:AssumeRole", role)
    assert aws_world.session("hub").client("sts").get_caller_identity()["Account"] == aws_world.source
    with pytest.raises(InvalidInput, match="There is no call"):
        can("alice", "sts:AssumeRole", role, **{"aws:SourceIp": "198.51.100.7"})
"""


def test_what_no_call_can_ask_is_asked_of_the_policy_simulator(run_pytest: Pytest) -> None:
    ended = run_pytest(SIMULATED)

    assert "1 passed" in ended.stdout, ended.stdout


WITHOUT_MINISTACK = """
from importlib import metadata

real = metadata.version

def version(name):
    if name == "ministack":
        raise metadata.PackageNotFoundError(name)
    return real(name)

metadata.version = version

def test_it(aws_world):
    pass

def test_without_it(decides):
    assert not decides("arn:aws:iam::111111111111:user/alice", "s3:GetObject", "arn:aws:s3:::reports/a")
"""


def test_without_the_sandbox_extra_the_fixture_says_what_to_install(run_pytest: Pytest) -> None:
    ended = run_pytest(WITHOUT_MINISTACK)

    assert "pip install 'xacct-nb[sandbox]'" in ended.stdout, ended.stdout
    assert "1 passed, 1 error" in ended.stdout


UNUSED = """
import sys

def test_nothing_is_loaded():
    assert {"boto3", "botocore", "ministack", "pydantic"} & set(sys.modules) == set()
"""


def test_a_suite_that_uses_no_fixture_loads_neither_boto3_nor_the_sandbox(run_pytest: Pytest) -> None:
    ended = run_pytest(UNUSED)

    assert "1 passed" in ended.stdout, ended.stdout


def test_the_page_shows_the_example_suite_as_it_is() -> None:
    page, suite = (ROOT / "docs" / "testing.md").read_text(), EXAMPLE.joinpath("test_iam.py").read_text()
    blocks = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)

    assert [block for block in blocks if block not in suite] == []
    assert len(blocks) == 4
