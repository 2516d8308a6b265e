"""The doctor says what is missing, and how to fix it."""

import json
from pathlib import Path

import pytest

from xacct_nb.runs import doctor
from xacct_nb.runs.doctor import HealthCheck, examine
from xacct_nb.sandbox.ministack import version as ministack
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import set_clock
from xacct_nb.sandbox.server.state import Sandbox


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No AWS profile and no sandbox of the user's own."""
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("XACCT_SANDBOX_DIR", str(tmp_path / "sandbox"))


def found(what: str) -> HealthCheck:
    (check,) = (check for check in examine().checks if check.what == what)
    return check


def test_what_is_installed_is_good_and_needs_no_fix() -> None:
    assert examine().well
    assert (found("boto3").state, found("boto3").mend) == ("good", "")
    assert (found("kernel python3").state, found("kernel python3").mend) == ("good", "")


def test_a_missing_package_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "_NEEDED", ("no-such-package",))

    assert found("no-such-package") == HealthCheck(
        "no-such-package", "bad", "is missing", "pip install no-such-package"
    )
    assert not examine().well


def test_a_kernel_of_another_python_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["/another/bin/python", "-m", "ipykernel_launcher"]}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    assert found("kernel python3") == HealthCheck(
        "kernel python3",
        "bad",
        f"{kernel.parent} starts /another/bin/python",
        "python -m ipykernel install --sys-prefix",
    )


def test_a_kernel_that_takes_jupyters_own_python_is_well(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text(json.dumps({"argv": ["python", "-m", "ipykernel_launcher"]}))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    assert found("kernel python3").state == "good"


def test_a_browser_is_only_for_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")

    assert found("browser for tests").state == "note"
    assert examine().well


def test_without_profiles_the_sandbox_still_works() -> None:
    assert found("AWS profiles").state == "note"
    assert found("sandbox").mend == "xacct-nb sandbox up"


def test_a_ministack_that_does_not_fit_is_not_well(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ministack, "VERSION", "0.0.1")

    assert found("sandbox").state == "bad"
    assert "it fits 0.0.1 only" in found("sandbox").seen
    assert found("sandbox").mend.endswith("pip install 'ministack==0.0.1'")


def test_each_profile_shows_the_identity_from_sts(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(world.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))
    with world.config_file.open("a") as config:
        config.write("\n[profile empty]\nregion = us-east-1\n")

    checks = {check.what: check for check in examine().checks}

    assert checks["AWS profile alice"].state == "good"
    assert checks["AWS profile alice"].seen == f"arn:aws:iam::{world.source}:user/alice"
    assert checks["AWS profile empty"].state == "note"
    assert checks["AWS profile empty"].mend == "aws sts get-caller-identity --profile empty"


def test_a_config_that_cannot_be_read_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config").write_text("[profile alice\nregion")
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))

    assert found("AWS profiles").state == "bad"
    assert str(tmp_path / "config") in found("AWS profiles").seen


def test_a_kernel_that_cannot_be_read_is_not_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kernel = tmp_path / "kernels" / "python3" / "kernel.json"
    kernel.parent.mkdir(parents=True)
    kernel.write_text("{")
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))

    assert found("kernel python3").state == "bad"


def test_a_clock_that_is_off_is_a_line_of_its_own(
    sandbox: Sandbox, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_CONFIG_FILE", str(world.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))
    set_clock(sandbox, 242)
    off = examine()
    set_clock(sandbox, 0)
    right = examine()

    assert [each.seen.partition(" min")[0] for each in off.checks if each.what == "clock"] == [
        "This machine's clock is 4"
    ]
    assert [each for each in right.checks if each.what == "clock"] == []
