"""A Python process that has loaded what a kernel needs, and becomes one when it gets a connection file.

    python -m xacct_nb.jupyter.prepared MODULE:FUNCTION...

It reads one line of JSON on standard input: {"connection_file": path, "environment": {name: value}}. This
environment is in no process list. Where standard input ends without a line, the process ends.
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

_PR_SET_PDEATHSIG = 1


class PreparedKernel:
    """A process that can become a kernel; `close` ends it."""

    def __init__(self, preparations: Sequence[str]) -> None:
        command = [sys.executable, "-P", "-m", __name__, *preparations]
        # With its parent's id, ipykernel ends when the parent does, and prints nothing of its own.
        environment = os.environ | {"JPY_PARENT_PID": str(os.getpid())}
        # Standard output is the command's: errors before there is a kernel go to standard error.
        self.process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=2, start_new_session=True, env=environment
        )
        self.environment: dict[str, str] = {}

    def become_kernel(self, connection_file: str) -> "subprocess.Popen[bytes]":
        """Let the process become the kernel of this connection; return the process."""
        request = {"connection_file": connection_file, "environment": self.environment}
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request).encode() + b"\n")
        self.process.stdin.close()
        self.process.stdin = None
        return self.process

    def close(self) -> None:
        """End the process, whatever it is doing."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        self.process.kill()
        self.process.wait()

    def __enter__(self) -> "PreparedKernel":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def main(preparations: Sequence[str]) -> None:
    """Call the functions `MODULE:FUNCTION`, wait for the request, and run the kernel to its end."""
    gc.disable()
    _end_with_parent()
    from ipykernel.kernelapp import IPKernelApp

    from xacct_nb.jupyter.ipc_iopub import use_ipc_sockets

    use_ipc_sockets()
    for module, _, function in (each.partition(":") for each in preparations):
        getattr(import_module(module), function)()
    # What is loaded here is needed to the end, so garbage collection need not examine it.
    gc.freeze()
    gc.enable()
    if line := sys.stdin.readline():
        _become_kernel(json.loads(line), IPKernelApp)


def _end_with_parent() -> None:
    """Let Linux kill this process with its parent; elsewhere ipykernel notices within a second.

    So a run whose runner was killed changes nothing more, and the next command can close its record.
    """
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if str(os.getppid()) != os.environ["JPY_PARENT_PID"]:
            sys.exit()


def _become_kernel(request: Mapping[str, str | Mapping[str, str]], application: type) -> None:
    os.environ.update(dict(request["environment"]))  # type: ignore[arg-type]
    # The cells of a run are in its record; IPython's history is for what a person typed.
    history = "--HistoryManager.enabled=False"
    sys.argv = ["ipykernel_launcher", "-f", str(request["connection_file"]), history]
    kernel = application.instance()  # type: ignore[attr-defined]
    kernel.initialize()
    _discard_output()
    kernel.start()


def _discard_output() -> None:
    """Close this process's own output streams: what cells print is in the notebook.

    A process that outlives the kernel then holds no pipe open that the run's caller reads to its end.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    for stream in (sys.stdout, sys.stderr):
        # Within pytest, ipykernel does not redirect the streams, and they may have no file.
        with suppress(UnsupportedOperation):
            os.dup2(nowhere, stream.fileno(), inheritable=False)


if __name__ == "__main__":
    main(sys.argv[1:])
