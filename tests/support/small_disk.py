"""A disk of a few kilobytes that commands see and that really fills: a tmpfs in a mount namespace."""

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

COMMAND = Path(sys.executable).parent / "xacct-nb"
_MOUNT = 'mount -t tmpfs -o "size=$2k" tmpfs "$1" && echo mounted && exec cat'


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


class SmallDisk:
    """The disk at a folder, for commands that are started with `run`; it is gone when the block ends."""

    def __init__(self, place: Path, kilobytes: int) -> None:
        place.mkdir(parents=True, exist_ok=True)
        self.place = place
        self._holder = subprocess.Popen(
            ["unshare", "--map-root-user", "--mount", "sh", "-c", _MOUNT, "sh", str(place), str(kilobytes)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._holder.stdout is not None
        self._mounted = self._holder.stdout.readline() == "mounted\n"

    @property
    def seen(self) -> Path:
        """The folder as this process can read it."""
        return Path(f"/proc/{self._holder.pid}/root") / self.place.relative_to("/")

    def start(self, *words: str, environment: dict[str, str]) -> Ended:
        """Run any program that sees the disk."""
        inside = ["nsenter", "-t", str(self._holder.pid), "-U", "-m", "--preserve-credentials"]
        done = subprocess.run(
            [*inside, *words],
            env=os.environ | environment,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        return Ended(done.returncode, done.stdout, done.stderr)

    def run(self, *words: str, environment: dict[str, str]) -> Ended:
        """Run a command xacct-nb that sees the disk."""
        return self.start(str(COMMAND), *words, environment=environment)

    def resize(self, kilobytes: int) -> None:
        """Give the disk another size, and let it be written."""
        size = f"remount,rw,size={kilobytes}k"
        assert self.start("mount", "-o", size, str(self.place), environment={}).code == 0

    def __enter__(self) -> "SmallDisk":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, where: TracebackType | None
    ) -> None:
        self._holder.communicate()


@cache
def can_mount() -> bool:
    """Whether this system lets its tests make namespaces and mount in them."""
    if sys.platform != "linux" or not (shutil.which("unshare") and shutil.which("nsenter")):
        return False
    done = subprocess.run(
        ["unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "tmpfs", "/mnt"],
        capture_output=True,
        check=False,
    )
    return done.returncode == 0
