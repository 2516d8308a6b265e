"""Scripts of another owner, run by bash with the AWS CLI in one account of a sandbox."""

import os
import subprocess
import sys
from pathlib import Path

from xacct_nb.sandbox.server.accounts import World

BIN = Path(sys.executable).parent


def run_script(
    text: str, world: World, profile: str, folder: Path, **variables: str
) -> subprocess.CompletedProcess[str]:
    """Run a script in an empty folder; nothing is on its standard input."""
    folder.mkdir(exist_ok=True)
    (folder / "script.sh").write_text(text)
    usual = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "XACCT_"))}
    aws = {
        "AWS_CONFIG_FILE": str(world.config_file),
        "AWS_SHARED_CREDENTIALS_FILE": str(world.credentials_file),
        "AWS_PROFILE": profile,
        "TMPDIR": str(folder),
    }
    return subprocess.run(
        ["bash", "script.sh"],
        cwd=folder,
        env={**usual, "PATH": f"{BIN}:{usual['PATH']}", **aws, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
