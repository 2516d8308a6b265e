"""Checks of everything that the package needs: one line for each, with its fix."""

import json
import shlex
import shutil
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import AwsClock
from xacct_nb.changes.clock_offset import describe_offset
from xacct_nb.errors import XacctError
from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.views import Shown, Table, View

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
        """Whether everything that is needed is installed."""
        return all(check.state != "bad" for check in self.checks)

    def to_json(self) -> list[dict[str, Any]]:
        """Return one object for each check."""
        return [asdict(check) for check in self.checks]

    def _repr_html_(self) -> str:
        """Return the table with the style sheet, which the cells below use too."""
        return f"<style>{style()}</style>{super()._repr_html_()}"

    def view(self) -> View:
        """Return one line for each check."""
        rows = tuple((check.what, _MARKS[check.state], check.seen, check.mend) for check in self.checks)
        return Table(("what", "", "found", "fix"), rows, tones=tuple(check.state for check in self.checks))


_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_MARKS = {"good": "ok", "note": "-", "bad": "WRONG"}


def examine() -> Examination:
    """Check Python, the packages, the kernel, the browser for tests, the sandbox, and the AWS profiles."""
    return Examination(tuple(check for checks in _CHECKS for check in checks()))


def _python() -> Iterator[HealthCheck]:
    found, well = ".".join(map(str, sys.version_info[:3])), sys.version_info >= (3, 11)
    fix = "Install Python 3.11 or later."
    yield HealthCheck("Python", *(("good", found) if well else ("bad", found, fix)))


def _packages() -> Iterator[HealthCheck]:
    for name in _NEEDED:
        try:
            yield HealthCheck(name, "good", version(name))
        except PackageNotFoundError:
            yield HealthCheck(name, "bad", "is missing", f"pip install {name}")


def _kernel() -> Iterator[HealthCheck]:
    from jupyter_core.paths import jupyter_path

    files = [Path(folder, "python3", "kernel.json") for folder in jupyter_path("kernels")]
    found = [file for file in files if file.exists()]
    problem = _kernel_problem(found[0]) if found else "is missing"
    fix = "python -m ipykernel install --sys-prefix"
    yield HealthCheck(
        "kernel python3", *(("bad", problem, fix) if problem else ("good", str(found[0].parent)))
    )


def _kernel_problem(file: Path) -> str:
    try:
        argv = json.loads(file.read_text(encoding="utf-8"))["argv"]
    except (OSError, ValueError, KeyError, TypeError):
        return f"{file} cannot be read"
    # Jupyter uses its own Python where the kernel names none by its path.
    python = Path(str((argv or [""])[0]))
    return f"{file.parent} starts {python}" if python.is_absolute() and python != Path(sys.executable) else ""


def _browser() -> Iterator[HealthCheck]:
    found = next(filter(None, map(shutil.which, _BROWSERS)), "")
    missing = "note", "is missing; only the project's own tests need it", "apt-get install chromium"
    yield HealthCheck("browser for tests", *(("good", found) if found else missing))


def _sandbox() -> Iterator[HealthCheck]:
    from xacct_nb.sandbox.ministack.version import require_ministack
    from xacct_nb.sandbox.server import server

    try:
        running, installed = server.status(), version("ministack")
        require_ministack()
        found = f"runs at {running.endpoint}" if running else f"MiniStack {installed}, not running"
        yield HealthCheck("sandbox", "good", found, "" if running else "xacct-nb sandbox up")
    except PackageNotFoundError:
        yield HealthCheck("sandbox", "note", "is not installed", "pip install 'xacct-nb[sandbox]'")
    except XacctError as problem:
        yield HealthCheck("sandbox", "bad", problem.what, problem.hint)


def _profiles() -> Iterator[HealthCheck]:
    from xacct_nb.aws.sessions import profile_identities

    clock = AwsClock()
    try:
        found = profile_identities(clock)
    except XacctError as problem:
        fix = "Correct the file, or name another: AWS_CONFIG_FILE"
        yield HealthCheck("AWS profiles", "bad", problem.what, fix)
        return
    for name, arn, why in found:
        fix = f"aws sts get-caller-identity --profile {shlex.quote(name)}"
        yield HealthCheck(f"AWS profile {name}", *(("good", arn) if arn else ("note", why, fix)))
    if offset := describe_offset(clock.offset()):
        yield HealthCheck("clock", "note", offset, "timedatectl set-ntp true")
    if not found:
        fix = "aws configure --profile NAME"
        yield HealthCheck("AWS profiles", "note", "none; the sandbox needs none", fix)


_CHECKS = (_python, _packages, _kernel, _browser, _sandbox, _profiles)
