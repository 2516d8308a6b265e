"""Builds the site: JupyterLite, Pyodide, the wheels, the sheets; and says what it weighs."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import xacct_nb
from xacct_nb.errors import DiskFull, InvalidInput, MissingTool
from xacct_nb.storage.shipped import NOTEBOOKS, SHIPPED
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.site import fetching, packages
from xacct_nb.workshop.site.lock import OWN, lock_file
from xacct_nb.workshop.site.pages import PROGRESS, site_pages
from xacct_nb.workshop.site.wheels import write_own, write_pure, write_smaller

_MARK = "xacct-nb-workshop.json"
_RUNTIME = ("pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip")
_KERNEL = "@jupyterlite/pyodide-kernel-extension:kernel"
_FRONT_ENDS = ("jupyterlab-widgets", "anywidget")

Report = Callable[[str], None]


@dataclass(frozen=True, repr=False)
class BuiltSite(Shown, Serializable):
    """A site that was built: its folder, and the bytes of each of its parts."""

    folder: str
    parts: tuple[tuple[str, int], ...]

    @property
    def size(self) -> int:
        """The bytes of all parts."""
        return sum(size for _, size in self.parts)

    def view(self) -> View:
        """Return the parts with their sizes, and how the site is opened."""
        rows = tuple((name, f"{size / 1e6:.1f} MB") for name, size in self.parts)
        total = Text(f"The site in {self.folder} has {self.size / 1e6:.1f} MB.", "good")
        serve = f"{Path(sys.executable).name} -m http.server --bind 127.0.0.1 --directory {self.folder} 8000"
        steps = Text(f"Open it: {serve} and then http://127.0.0.1:8000/ in a browser.")
        return Page("The browser edition", (total, Table(("part", "size"), rows), steps))


def build_site(folder: Path, cache: Path, report: Report) -> BuiltSite:
    """Build the site into a folder, and return what it weighs; what was fetched stays in `cache`.

    A site that is there already is replaced. Raises InvalidInput where the folder holds anything else,
    MissingTool where something that it is made of cannot be had, DiskFull where files cannot be written.
    """
    try:
        return _build(folder.absolute(), cache, report)
    except OSError as problem:
        raise DiskFull(
            f"The site could not be written to {folder}.",
            why=f"{problem.strerror or problem}: {problem.filename or folder}",
            hint="It needs 60 MB there, and 150 MB in the cache folder. Then run the command again.",
        ) from problem


def default_cache() -> Path:
    """Return the folder in which what was fetched is kept: `xacct-nb/site` in the user's cache (XDG)."""
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "xacct-nb" / "site"


def _build(folder: Path, cache: Path, report: Report) -> BuiltSite:
    _check_folder(folder)
    _check_jupyterlite()
    needed = packages.needed_packages()
    report(f"1/3 Fetching Pyodide {fetching.PYODIDE} and {len(needed)} packages, unless they are in {cache}")
    pyodide = fetching.fetch_pyodide(cache)
    fetched = fetching.fetch_wheels(needed, cache)
    front_ends = fetching.fetch_front_ends({name: packages.version_of(name) for name in _FRONT_ENDS}, cache)
    report(f"2/3 Building JupyterLite, after {_size_of(cache) / 1e6:.0f} MB were fetched or found")
    _begin(folder)
    work = cache / "build"
    _build_jupyterlite(work, folder, front_ends)
    _mark(folder)  # JupyterLite removes what it does not know
    report("3/3 Writing the Python packages without what the sheets do not use")
    _add_pyodide(folder / "static" / "pyodide", pyodide, fetched)
    shutil.copy(folder / "icon-120x120.png", folder / "favicon.ico")  # a browser asks for it by this name
    for name, text in site_pages():
        (folder / name).write_text(text, encoding="utf-8")
    return BuiltSite(str(folder), tuple(_parts(folder)))


def _check_folder(folder: Path) -> None:
    names = {each.name for each in folder.iterdir()} if folder.is_dir() else set[str]()
    if (names and _MARK not in names) or (folder.exists() and not folder.is_dir()):
        raise InvalidInput(
            f"{folder} is not an empty folder, and it is no site of the workshop.",
            why="A site replaces everything in its folder.",
            hint="Name a new folder.",
        )


def _begin(folder: Path) -> None:
    """Empty the folder, and mark it first: a build that was interrupted can be run again."""
    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir(parents=True)
    _mark(folder)


def _mark(folder: Path) -> None:
    (folder / _MARK).write_text(json.dumps({"version": xacct_nb.__version__}), encoding="utf-8")


def _check_jupyterlite() -> None:
    if find_spec("jupyterlite_core") is None:
        raise MissingTool(
            "JupyterLite is not installed.",
            why="The browser edition is a site of JupyterLite.",
            hint="Install it: pip install 'xacct-nb[sandbox,lite]'",
        )


def _build_jupyterlite(work: Path, folder: Path, front_ends: list[Path]) -> None:
    """Build JupyterLite with the front ends and the sheets; nothing of this environment goes in besides."""
    shutil.rmtree(work, ignore_errors=True)
    contents = work / "contents"
    shutil.copytree(
        SHIPPED / NOTEBOOKS / "workshop", contents, ignore=shutil.ignore_patterns(".*", "solutions")
    )
    (contents / "progress").mkdir()
    (contents / "progress" / "README.md").write_text(PROGRESS, encoding="utf-8")
    (work / "jupyter_lite_config.json").write_text(json.dumps(_build_settings(contents, front_ends)))
    (work / "jupyter-lite.json").write_text(json.dumps(_site_settings()))
    command = [
        sys.executable,
        "-m",
        "jupyterlite_core",
        "build",
        "--output-dir",
        str(folder),
        "--lite-dir",
        str(work),
    ]
    done = subprocess.run(command, cwd=work, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise MissingTool(
            "JupyterLite could not be built.",
            why="\n".join((done.stdout + done.stderr).splitlines()[-5:]),
            hint="Check that its version is the one that xacct-nb[lite] asks for.",
        )


def _build_settings(contents: Path, front_ends: list[Path]) -> dict[str, Any]:
    return {
        "LiteBuildConfig": {
            "apps": ["lab", "notebooks"],
            "contents": [str(contents)],
            "federated_extensions": [str(each) for each in front_ends],
            "ignore_sys_prefix": ["federated_extensions"],
            "no_sourcemaps": True,
            "no_unused_shared_packages": True,
        }
    }


def _site_settings() -> dict[str, Any]:
    return {
        "jupyter-lite-schema-version": 0,
        "jupyter-config-data": {
            "appName": "Cross-account access: the workshop",
            "disabledExtensions": ["@jupyterlab/apputils-extension:announcements"],
            "litePluginSettings": {
                _KERNEL: {
                    "pyodideUrl": "./static/pyodide/pyodide.mjs",
                    "loadPyodideOptions": {
                        "packages": [OWN],
                        "lockFileURL": "./static/pyodide/pyodide-lock.json",
                    },
                }
            },
        },
    }


def _add_pyodide(target: Path, pyodide: Path, fetched: list[Path]) -> None:
    target.mkdir(parents=True)
    for name in _RUNTIME:
        shutil.copy(pyodide / name, target)
    wheels = [write_smaller(each, target) for each in fetched]
    wheels += [write_pure(name, target) for name in sorted(packages.REPACKED)]
    wheels.append(write_own(Path(xacct_nb.__file__).parent, "xacct_nb", xacct_nb.__version__, target))
    original = json.loads((pyodide / "pyodide-lock.json").read_text(encoding="utf-8"))
    text = json.dumps(lock_file(original, wheels), indent=1)
    (target / "pyodide-lock.json").write_text(text, encoding="utf-8")


def _size_of(folder: Path) -> int:
    return sum(each.stat().st_size for each in folder.rglob("*") if each.is_file())


def _parts(folder: Path) -> list[tuple[str, int]]:
    runtime = folder / "static" / "pyodide"
    sizes = {"JupyterLite": 0, "Python packages": 0, "Pyodide": 0}
    for path in folder.rglob("*"):
        if path.is_file():
            kind = "Python packages" if path.suffix == ".whl" else "Pyodide"
            sizes[kind if path.is_relative_to(runtime) else "JupyterLite"] += path.stat().st_size
    return list(sizes.items())
