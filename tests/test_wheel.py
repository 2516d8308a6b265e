"""The wheel works where there is no clone, and wheel and sdist hold what they need."""

import json
import os
import re
import subprocess
import sys
import tarfile
import venv
from collections.abc import Iterator
from pathlib import Path
from urllib.request import urlopen
from zipfile import ZipFile

import pytest

from support.jupyterlab import TOKEN, wait_for
from xacct_nb.storage.ledger import verify_records

ROOT = Path(__file__).parent.parent
SHARED = [path for path in sys.path if path.endswith("-packages")]
JUPYTER = [Path(path).parents[2] / "share" / "jupyter" for path in SHARED]


@pytest.fixture(scope="module")
def dist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the sdist, as `make dist` builds them."""
    folder = tmp_path_factory.mktemp("dist")
    build = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return folder


@pytest.fixture(scope="module")
def wheel(dist: Path) -> ZipFile:
    return ZipFile(next(dist.glob("*.whl")))


@pytest.fixture(scope="module")
def environment(wheel: ZipFile, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel in it, and the dependencies of this one."""
    folder = tmp_path_factory.mktemp("installed")
    venv.create(folder, symlinks=True)
    packages = next(folder.glob("lib/python*/site-packages"))
    # An editable install of the clone stays out: Python reads no .pth file in a folder that one names.
    (packages / "shared.pth").write_text("\n".join(SHARED))
    wheel.extractall(packages)
    command = folder / "bin" / "xacct-nb"
    command.write_text(f"#!{folder}/bin/python\nfrom xacct_nb.__main__ import main\nmain()\n")
    command.chmod(0o755)
    return folder / "bin"


@pytest.fixture
def run(environment: Path, tmp_path: Path) -> Iterator["Run"]:
    """Runs a command of the wheel in an empty folder, with nothing of this project in the environment."""
    run = Run(environment, tmp_path)
    yield run
    if (tmp_path / ".sandbox").exists():
        run("xacct-nb", "sandbox", "down")


class Run:
    """Runs a command of an environment in a folder."""

    def __init__(self, commands: Path, folder: Path) -> None:
        self.commands, self.folder = commands, folder
        self.environment = {
            "HOME": str(folder),
            "JUPYTER_PATH": os.pathsep.join(map(str, JUPYTER)),
            "PATH": os.environ["PATH"],
            "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
            "JUPYTERLAB_DIR": str(next(path / "lab" for path in JUPYTER if (path / "lab").is_dir())),
            "XACCT_SANDBOX_DIR": str(folder / ".sandbox"),
        }

    def started(self, command: str, *words: str) -> subprocess.Popen[bytes]:
        """Starts a command whose output goes into the file `log`."""
        with (self.folder / "log").open("w") as log:
            around = {"cwd": self.folder, "env": self.environment, "stdout": log, "stderr": log}
            return subprocess.Popen([self.commands / command, *words], **around)  # type: ignore[call-overload]

    def __call__(self, command: str, *words: str) -> str:
        done = subprocess.run(
            [self.commands / command, *words],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout


def test_the_package_of_the_wheel_is_the_one_that_is_imported(run: Run, environment: Path) -> None:
    found = run("python", "-c", "import xacct_nb; print(xacct_nb.__file__)")

    assert Path(found).is_relative_to(environment.parent)


def test_the_demo_works_in_an_empty_folder_and_its_record_is_whole(run: Run) -> None:
    printed = json.loads(run("xacct-nb", "demo", "--json"))

    assert list(printed) == ["status", "record", "seconds"]
    assert printed["status"] == "succeeded"
    assert Path(printed["record"]).parent == run.folder / "records"
    assert Path(printed["record"], "run.html").stat().st_size < 100_000
    assert verify_records(run.folder / "records") == []


def test_a_notebook_is_run_by_its_name_in_an_empty_folder(run: Run) -> None:
    printed = json.loads(run("xacct-nb", "run", "plan_and_apply", "--json"))

    assert (printed["status"], printed["summary"]) == (
        "planned",
        "Plan: 4 to add, 0 to change, 0 to destroy.",
    )
    assert Path(printed["record"], "run.ipynb").is_file()


def test_a_copied_notebook_keeps_what_the_user_changed(run: Run) -> None:
    first = json.loads(run("xacct-nb", "notebooks", "copy", "mine", "--json"))
    changed = run.folder / "mine" / "notebooks" / "20_plan_and_apply.ipynb"
    changed.write_text("changed")
    again = run("xacct-nb", "notebooks", "copy", "mine")

    assert "notebooks/20_plan_and_apply.ipynb" in first["added"]
    assert "docs/glossary.md" in first["added"]
    assert again.splitlines()[1:] == ["Kept, because it was changed: notebooks/20_plan_and_apply.ipynb"]
    assert changed.read_text() == "changed"


def test_every_link_of_a_copied_notebook_or_doc_leads_to_a_copied_file(run: Run) -> None:
    run("xacct-nb", "notebooks", "copy", ".")
    pages = [*run.folder.glob("notebooks/*.ipynb"), *run.folder.glob("docs/**/*.md")]
    missing = []
    for page in pages:
        links = re.findall(r"\]\(([^)#\s:]+)[^)\s:]*\)", page.read_text())
        missing += [f"{page.name}: {link}" for link in links if not (page.parent / link).is_file()]

    assert missing == []
    assert run.folder / "docs" / "glossary.md" in pages


def test_the_lab_serves_notebooks_docs_and_records_in_one_folder(run: Run) -> None:
    record = run.folder / "records" / "a-record"
    record.mkdir(parents=True)
    (record / "run.html").write_text("<p>The page of a record.</p>")
    options = ["--no-browser", "--allow-root", f"--IdentityProvider.token={TOKEN}", "--ServerApp.port=0"]
    server = run.started("xacct-nb", "lab", *options)
    try:
        address = wait_for(server, run.folder)
        pages = [f"files/xacct-nb/{name}" for name in ("notebooks/00_start_here.ipynb", "docs/glossary.md")]
        for page in [*pages, f"files/records/{record.name}/run.html"]:
            with urlopen(f"{address}{page}?token={TOKEN}", timeout=60) as answer:
                assert answer.status == 200
        with urlopen(f"{address}?token={TOKEN}", timeout=60) as answer:
            assert "/lab/tree/xacct-nb/notebooks/00_start_here.ipynb" in answer.url
    finally:
        server.kill()
        server.wait(timeout=60)


def test_the_wheel_holds_notebooks_docs_schema_style_types_and_licence(wheel: ZipFile) -> None:
    names = set(wheel.namelist())
    notebooks = {f"xacct_nb/shipped/notebooks/{path.name}" for path in ROOT.glob("notebooks/*.ipynb")}
    modules = {path.relative_to(ROOT).as_posix() for path in ROOT.glob("xacct_nb/**/*.py")}

    assert notebooks | modules <= names
    assert {
        "xacct_nb/shipped/docs/glossary.md",
        "xacct_nb/records/record.schema.json",
        "xacct_nb/jupyter/style.css",
        "xacct_nb/jupyter/fleet_page.html",
        "xacct_nb/jupyter/fleet_page.css",
        "xacct_nb/jupyter/fleet_page.js",
        "xacct_nb/py.typed",
    } <= names
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")] != []


def test_neither_wheel_nor_sdist_holds_tests_or_what_runs_leave(dist: Path, wheel: ZipFile) -> None:
    with tarfile.open(next(dist.glob("*.tar.gz"))) as sdist:
        names = [*wheel.namelist(), *(name.partition("/")[2] for name in sdist.getnames())]

    assert {"pyproject.toml", "README.md", "LICENSE", "notebooks/00_start_here.ipynb"} <= set(names)
    assert [name for name in names if name.startswith(("tests/", "records/", ".xacct/"))] == []
    assert [name for name in names if "__pycache__" in name or ".ipynb_checkpoints" in name] == []
