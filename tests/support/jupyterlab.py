"""The JupyterLab server of the browser tests, and the Chromium of this machine."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Any

from xacct_nb.jupyter.missing_names import startup_environment
from xacct_nb.storage.ledger import read_ledger

ROOT = Path(__file__).parent.parent.parent
TOKEN = "only-for-this-test"
NAMES = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
NOTHING: Mapping[str, str] = MappingProxyType({})
SETTINGS = {"apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False}}


@dataclass(frozen=True)
class LabServer:
    """A running JupyterLab: its address, the folder that it serves, and where its runs leave records."""

    address: str
    root: Path
    records: Path


@dataclass(frozen=True)
class Lab:
    """JupyterLab with one test's own copy of the notebooks."""

    server: LabServer
    notebooks: Path
    earlier: int
    """How many lines the ledger had before this test."""

    @property
    def records(self) -> Path:
        return self.server.records

    def ledger(self) -> list[dict[str, Any]]:
        """Return the lines of the ledger that this test's runs have written."""
        return read_ledger(self.records)[self.earlier :]

    def link(self, notebook: str) -> str:
        path = (self.notebooks / notebook).relative_to(self.server.root)
        return f"{self.server.address}lab/tree/{path}?token={TOKEN}&reset"


def command(notebooks: Path) -> list[str]:
    options = {
        "ServerApp.ip": "127.0.0.1",
        "ServerApp.port": "0",
        "IdentityProvider.token": TOKEN,
        "ServerApp.root_dir": str(notebooks),
        "ServerApp.allow_root": "True",
    }
    flags = [f"--{name}={value}" for name, value in options.items()]
    return [sys.executable, "-m", "jupyterlab", "--no-browser", *flags]


def environment(folder: Path) -> dict[str, str]:
    """Return the environment without the user's settings for Jupyter and AWS."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XACCT_"))}
    own = {
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
        "IPYTHONDIR": "ipython",
        "XACCT_SANDBOX_DIR": "sandbox",
        "XACCT_RECORDS": "work/records",
        "XACCT_WORKSHOP": "workshop",
    }
    return kept | startup_environment({}) | {name: str(folder / value) for name, value in own.items()}


def write_settings(folder: Path) -> None:
    for name, content in SETTINGS.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True)
        path.write_text(json.dumps(content))


@contextmanager
def running_lab(folder: Path, around: Mapping[str, str] = NOTHING) -> Iterator[LabServer]:
    """Run a JupyterLab on the loopback that serves `work` in the folder, and end it by its process id.

    As `xacct-nb lab` has it, the records are in the served folder. `around` are more variables.
    """
    (folder / "work").mkdir()
    write_settings(folder / "settings")
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            command(folder / "work"), env=environment(folder) | around, stdout=log, stderr=log, cwd=folder
        )
    try:
        yield LabServer(wait_for(server, folder), folder / "work", folder / "work" / "records")
    finally:
        server.terminate()
        server.wait(timeout=60)


def wait_for(server: subprocess.Popen[bytes], folder: Path) -> str:
    """Return the address that the server writes when it is ready."""
    told = folder / "runtime" / f"jpserver-{server.pid}.json"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        if told.exists() and told.read_text():
            about = json.loads(told.read_text())
            # JupyterLab writes its address before it listens there.
            with suppress(OSError), socket.create_connection((about["hostname"], about["port"]), timeout=5):
                return str(about["url"])
        time.sleep(0.05)
    raise AssertionError((folder / "log").read_text())


def installed() -> str | None:
    return next(filter(None, map(shutil.which, NAMES)), None)


def install() -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(
            ["apt-get", "-qq", *words],
            env=os.environ | quiet,
            check=False,
            timeout=300,
            stdout=subprocess.DEVNULL,
        )
