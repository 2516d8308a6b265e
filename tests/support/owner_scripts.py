"""Scripts of another owner, run by bash with the AWS CLI in one account of a sandbox."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from xacct_nb.sandbox.server.accounts import World

SERVER = Path(__file__).parent / "aws_cli_server.py"


@pytest.fixture(scope="session")
def aws_cli() -> Iterator[Path]:
    """A folder with the program `aws`: the real AWS CLI, loaded once for all commands of this process."""
    with tempfile.TemporaryDirectory(prefix="xacct-nb-") as name:
        folder, path = Path(name), f"{name}/socket"
        program = folder / "aws"
        program.write_text(f'#!/bin/sh\nexec {sys.executable} -I -S {SERVER} {path} run "$@"\n')
        program.chmod(0o700)
        # Not -I, so that a folder of packages which the tests were given is one here, too.
        command = [sys.executable, str(SERVER), path]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, cwd=folder, text=True) as server:
            assert server.stdout
            assert server.stdout.readline() == "ready\n"
            yield folder
            assert server.stdin
            server.stdin.close()


class OwnerDesk:
    """One owner's shell: a profile in a world, the AWS CLI, and a folder of its own."""

    def __init__(self, world: World, profile: str, aws_cli: Path, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)
        usual = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XACCT_"))}
        self._variables = {
            **usual,
            "PATH": f"{aws_cli}:{usual['PATH']}",
            "TMPDIR": str(folder),
            "AWS_CONFIG_FILE": str(world.config_file),
            "AWS_SHARED_CREDENTIALS_FILE": str(world.credentials_file),
            "AWS_PROFILE": profile,
        }

    def run(self, text: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a script; nothing is on its standard input."""
        (self.folder / "script.sh").write_text(text)
        return subprocess.run(
            ["bash", "script.sh"],
            cwd=self.folder,
            env={**self._variables, **variables},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
