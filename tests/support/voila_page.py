"""The page of a grant as `xacct-nb page` serves it: a server of its own, its sandbox and its records."""

import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from support.jupyterlab import environment

_ADDRESS = re.compile(r"http://127\.0\.0\.1:\d+/\?token=\w+")


@dataclass(frozen=True)
class PageAddress:
    """Where the page is served, with its token, and the folder that is served."""

    address: str
    root: Path

    @property
    def base(self) -> str:
        """The address without the token."""
        return self.address.partition("?")[0]


@contextmanager
def served_page(folder: Path, *options: str) -> Iterator[PageAddress]:
    """Run `xacct-nb page` with these options of Voila; end it by its process id, and its sandbox."""
    command = [str(Path(sys.executable).parent / "xacct-nb")]
    around = {name: each for name, each in environment(folder).items() if name != "XACCT_RECORDS"}
    root = folder / "work"
    root.mkdir()
    log = folder / "page.log"
    with log.open("w") as output:
        words = [*command, "page", "--folder", "mine", "--no-browser", "--port", str(_free_port()), *options]
        server = subprocess.Popen(words, env=around, cwd=root, stdout=output, stderr=output)
    try:
        yield PageAddress(_address(server, log), root)
    finally:
        server.terminate()
        server.wait(timeout=60)
        subprocess.run([*command, "sandbox", "down"], env=around, check=False, capture_output=True)


def _free_port() -> int:
    # Voila says the port that it was given, not the one that it got.
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def _address(server: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and server.poll() is None:
        if found := _ADDRESS.search(log.read_text()):
            return found[0]
        time.sleep(0.05)
    raise AssertionError(log.read_text())
