"""Checks of everything that the package needs: one line for each, with its fix."""

import json
import shutil
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xacct_nb.errors import XacctError
from xacct_nb.views import Shown, Table, Text, View

_NEEDED = (
    "jupyterlab",
    "ipywidgets",
    "jupyterlab_widgets",
    "boto3",
    "papermill",
    "pydantic",
    "nbconvert",
    "ipykernel",
)


@dataclass(frozen=True)
class HealthCheck:
    """One check: its subject, its state, what was found, and how to fix it."""

    what: str
    state: str
    seen: str
    mend: str = ""


class Examination(Shown):
    """All checks; `.well` where none of them is bad (an optional part may be missing)."""

    def __init__(self, checks: tuple[HealthCheck, ...]) -> None:
        self.checks = checks

    @property
    def well(self) -> bool:
        """Whether everything that is needed is there."""
        return all(check.state != "bad" for check in self.checks)

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each check."""
        return [asdict(check) for check in self.checks]

    def view(self) -> View:
        """Return one line for each check."""
        if not self.checks:
            return Text("Nothing was checked.", "note")
        rows = tuple((check.what, _MARKS[check.state], check.seen, check.mend) for check in self.checks)
        return Table(("what", "", "found", "fix"), rows, tones=tuple(check.state for check in self.checks))


_MARKS = {"good": "ok", "note": "-", "bad": "WRONG"}


def examine() -> Examination:
    """Check Python, the packages, the kernel, the browser for tests, the sandbox, and the AWS profiles."""
    return Examination(tuple(check for checks in _CHECKS for check in checks()))


def _python() -> list[HealthCheck]:
    seen = ".".join(map(str, sys.version_info[:3]))
    well = sys.version_info >= (3, 11)
    return [
        HealthCheck(
            "Python", "good" if well else "bad", seen, "" if well else "Install Python 3.11 or later."
        )
    ]


def _packages() -> list[HealthCheck]:
    return [_package(name) for name in _NEEDED]


def _package(name: str) -> HealthCheck:
    try:
        return HealthCheck(name, "good", version(name))
    except PackageNotFoundError:
        return HealthCheck(name, "bad", "is missing", f"pip install {name}")


def _kernel() -> list[HealthCheck]:
    from jupyter_core.paths import jupyter_path

    files = (Path(folder, "python3", "kernel.json") for folder in jupyter_path("kernels"))
    found = next((file for file in files if file.exists()), None)
    install = "python -m ipykernel install --sys-prefix"
    if found is None:
        return [HealthCheck("kernel python3", "bad", "is missing", install)]
    try:
        argv = json.loads(found.read_text(encoding="utf-8"))["argv"]
    except (OSError, ValueError, KeyError, TypeError):
        return [HealthCheck("kernel python3", "bad", f"{found} cannot be read", install)]
    # Jupyter uses its own Python where the kernel names none by its path.
    python = str((argv or [""])[0])
    other = Path(python).is_absolute() and Path(python) != Path(sys.executable)
    if other:
        return [HealthCheck("kernel python3", "bad", f"{found.parent} starts {python}", install)]
    return [HealthCheck("kernel python3", "good", str(found.parent))]


def _browser() -> list[HealthCheck]:
    found = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if found:
        return [HealthCheck("browser for tests", "good", found)]
    return [
        HealthCheck(
            "browser for tests",
            "note",
            "is missing; only the project's own tests need it",
            "apt-get install chromium",
        )
    ]


def _sandbox() -> list[HealthCheck]:
    from xacct_nb.sandbox.server import server

    try:
        running = server.status()
        seen = f"runs at {running.endpoint}" if running else f"MiniStack {version('ministack')}, not running"
        return [HealthCheck("sandbox", "good", seen, "" if running else "xacct-nb sandbox up")]
    except PackageNotFoundError:
        return [HealthCheck("sandbox", "note", "is not installed", "pip install 'xacct-nb[sandbox]'")]
    except XacctError as problem:
        return [HealthCheck("sandbox", "bad", problem.what, problem.hint)]


def _profiles() -> list[HealthCheck]:
    from xacct_nb.aws.sessions import profile_identities

    try:
        found = [_profile(*each) for each in profile_identities()]
    except XacctError as problem:
        return [
            HealthCheck(
                "AWS profiles", "bad", problem.what, "Correct the file, or name another: AWS_CONFIG_FILE"
            )
        ]
    return found or [
        HealthCheck("AWS profiles", "note", "none; the sandbox needs none", "aws configure --profile NAME")
    ]


def _profile(name: str, arn: str, problem: str) -> HealthCheck:
    if arn:
        return HealthCheck(f"AWS profile {name}", "good", arn)
    return HealthCheck(
        f"AWS profile {name}", "note", problem, f"aws sts get-caller-identity --profile {name}"
    )


_CHECKS: tuple[Callable[[], list[HealthCheck]], ...] = (
    _python,
    _packages,
    _kernel,
    _browser,
    _sandbox,
    _profiles,
)
