"""A Python process that has loaded what a kernel needs, and becomes one on a word.

    python -m xacct_nb.jupyter.prepared MODULE:FUNCTION...

The word is one line of JSON on standard input: {"connection_file": path, "environment": {name: value}}.
What is in the environment stands in no process list. Without a word there is no kernel: the process ends.
"""

import ctypes
import gc
import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module
from io import UnsupportedOperation

from xacct_nb.jupyter.import_blocker import spared, spared_plugins

_PR_SET_PDEATHSIG = 1


class Prepared:
    """The process on its way to be a kernel; `close` ends it where it is not needed."""

    def __init__(self, preparations: Sequence[str]) -> None:
        command = [sys.executable, "-m", __name__, *preparations]
        # ipykernel ends with its parent where it is told who that is, and prints nothing of its own then.
        environment = os.environ | {"JPY_PARENT_PID": str(os.getpid())}
        # Standard output is the command's own: what goes wrong before there is a kernel is told beside it.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=2, start_new_session=True, env=environment
        )
        self.environment: dict[str, str] = {}

    def become_kernel(self, connection_file: str) -> "subprocess.Popen[bytes]":
        """Gives the word."""
        word = {"connection_file": connection_file, "environment": self.environment}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(word).encode() + b"\n")
        self.process.stdin.close()
        self.process.stdin = None
        return self.process

    def close(self) -> None:
        """Ends the process if it is still there."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "Prepared":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def main(preparations: Sequence[str]) -> None:
    """Loads what is needed by calling the functions, waits for the word, and runs the kernel to its end."""
    gc.disable()
    _end_with_parent()
    # Nobody attaches a debugger to a run, and debugpy is a fourth of what a kernel loads.
    with spared("debugpy"):
        import ipykernel.debugger  # noqa: F401
        from ipykernel.kernelapp import IPKernelApp

        from xacct_nb.jupyter.ipc_iopub import keep_local
    keep_local()
    with spared_plugins():
        for module, _, function in (each.partition(":") for each in preparations):
            getattr(import_module(module), function)()
    # What is loaded now stays: no collection needs to look at it again.
    gc.freeze()
    gc.enable()
    if line := sys.stdin.readline():
        _become(json.loads(line), IPKernelApp)


def _end_with_parent() -> None:
    """The system kills this process with its parent, on Linux; elsewhere ipykernel notices within a second.

    A run whose runner was killed changes nothing more, and the next command can close it at once.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if str(os.getppid()) != os.environ["JPY_PARENT_PID"]:
            sys.exit()


def _become(word: Mapping[str, str | Mapping[str, str]], application: type) -> None:
    os.environ.update(dict(word["environment"]))  # type: ignore[arg-type]
    # The cells of a run are in its record, and not in the history of what a person typed.
    history = "--HistoryManager.enabled=False"
    sys.argv = ["ipykernel_launcher", "-f", str(word["connection_file"]), history]
    kernel = application.instance()  # type: ignore[attr-defined]
    kernel.initialize()
    _be_silent()
    kernel.start()


def _be_silent() -> None:
    """What cells and their processes print stands in the notebook, and ipykernel copies it nowhere else.

    A process that outlives the kernel keeps nothing open that the run's caller reads from, either.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        # In the tests of a project ipykernel takes no stream over, and has no file to copy to.
        with suppress(UnsupportedOperation):
            os.dup2(nowhere, stream.fileno(), inheritable=False)


if __name__ == "__main__":
    main(sys.argv[1:])
