"""Fetches what the site is made of, by pip and npm, into a folder that the next build finds again."""

import shutil
import subprocess
import sys
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from xacct_nb.errors import MissingTool
from xacct_nb.workshop.site.packages import ABI, PLATFORM, PYTHON, REPACKED

PYODIDE, KERNEL = "314.0.6", "0.8.6"
_SECONDS = 600
_TARGET = (
    "--python-version", PYTHON, "--implementation", "cp", "--abi", ABI, "--abi", "abi3", "--abi", "none",
    "--platform", PLATFORM, "--platform", "any",
)  # fmt: skip


def fetch_pyodide(cache: Path) -> Path:
    """Return the folder with Pyodide, fetched from npm unless it is there."""
    folder = cache / f"pyodide-{PYODIDE}" / "package"
    if not (folder / "pyodide.asm.wasm").exists():
        npm = shutil.which("npm")
        if npm is None:
            raise MissingTool(
                "npm is not installed.",
                why="Pyodide, the Python of the browser, comes from npm.",
                hint="Install Node.js, which has npm: on Debian or Ubuntu, apt-get install npm",
            )
        cache.mkdir(parents=True, exist_ok=True)
        _run([npm, "pack", f"pyodide@{PYODIDE}", "--silent"], cache)
        with tarfile.open(cache / f"pyodide-{PYODIDE}.tgz") as archive:
            archive.extractall(folder.parent, filter="data")
    return folder


def fetch_wheels(packages: Mapping[str, str], cache: Path) -> list[Path]:
    """Return the wheels of packages for the tab, fetched unless they are there; not those of REPACKED."""
    wanted = {name: version for name, version in packages.items() if name not in REPACKED}
    return _fetch(wanted, cache / "wheels", _TARGET)


def fetch_front_ends(packages: Mapping[str, str], cache: Path) -> list[Path]:
    """Return the wheels whose front ends JupyterLite needs: its kernel, and those of the widgets."""
    wanted = {**packages, "jupyterlite-pyodide-kernel": KERNEL}
    return _fetch(wanted, cache / "front-ends", ("--only-binary=:all:",))


def _fetch(packages: Mapping[str, str], folder: Path, target: Sequence[str]) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    missing = [
        f"{name}=={version}" for name, version in packages.items() if not _wheel(folder, name, version)
    ]
    if missing:
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        _run([*pip, "--only-binary=:all:", *target, "--dest", str(folder), *missing], folder)
    return [found for name, version in packages.items() if (found := _wheel(folder, name, version))]


def _wheel(folder: Path, name: str, version: str) -> Path | None:
    """Return the wheel of a version in a folder; the file names it with underscores, in any case."""
    start = f"{name.replace('-', '_')}-{version}-".lower()
    found = (
        each
        for each in folder.glob("*.whl")
        if each.name.lower().replace(".", "_").startswith(start.replace(".", "_"))
    )
    return next(found, None)


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        done = subprocess.run(
            command, cwd=folder, capture_output=True, text=True, timeout=_SECONDS, check=False
        )
    except subprocess.TimeoutExpired as problem:
        raise _failed(command, f"It took more than {_SECONDS} seconds.") from problem
    if done.returncode:
        lines = [each for each in done.stderr.splitlines() if not each.startswith("WARNING")]
        raise _failed(command, "\n".join(lines[-3:]))


def _failed(command: Sequence[str], why: str) -> MissingTool:
    tool = "npm" if "npm" in command[0] else "pip"
    return MissingTool(
        f"{tool} could not fetch what the site is made of.",
        why=why,
        hint="Check the network and the disk, then run the command again: what was fetched is kept.",
    )
