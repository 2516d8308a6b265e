"""Kernels for the runs of one test process: a process loads what a kernel needs once, and forks for each run.

A run in the test process would otherwise start a Python of its own and load everything again, which takes
half a second of processor time. Whole processes are tested where the process is what the test is about.
"""

import array
import ctypes
import json
import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

from support.quick_clients import make_once
from xacct_nb.aws import retries
from xacct_nb.jupyter import prepared
from xacct_nb.jupyter.prepared import PreparedKernel

_PREPARATIONS = ("xacct_nb.runs.startup:warm_up",)
_TESTS = Path(__file__).parent.parent
_PR_SET_CHILD_SUBREAPER = 36


class KernelServer:
    """The process that forks, started with the first fork. Only on Linux does a fork become our own child."""

    def __init__(self) -> None:
        self._one_at_a_time = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, preparations: Any = ()) -> "ForkedKernel":
        """Return a process that is about to be a kernel."""
        with self._one_at_a_time:
            if self._process is None:
                self._start()
            return ForkedKernel(self)

    def fork(self, stdin: int) -> int:
        """Return the process id of a fork that reads its request from `stdin`: a child of this process."""
        state = {"environment": dict(os.environ), "folder": os.getcwd(), "parent": os.getpid()}
        _adopt_orphans(True)
        try:
            rights = (socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array("i", [stdin, 2]))
            self._socket.sendmsg([json.dumps(state).encode()], [rights])
            return int(self._socket.recv(64))
        finally:
            _adopt_orphans(False)

    def close(self) -> None:
        if self._process is not None:
            self._socket.close()
            self._process.wait()

    def _start(self) -> None:
        self._socket, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        path = os.pathsep.join(filter(None, [str(_TESTS), os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            [sys.executable, "-m", "support.kernel_server", str(its.fileno())],
            env=os.environ | {"PYTHONPATH": path, "JPY_PARENT_PID": str(os.getpid())},
            pass_fds=[its.fileno()],
            start_new_session=True,
        )
        its.close()


class ForkedKernel(PreparedKernel):
    """A fork of the server instead of a separate process."""

    def __init__(self, server: KernelServer) -> None:
        self.environment = {}
        read, write = os.pipe()
        self.process = _child(server.fork(read))
        os.close(read)
        self.process.stdin = os.fdopen(write, "wb", 0)


def _child(pid: int) -> "subprocess.Popen[bytes]":
    """Return the Popen of a child that subprocess has not started."""
    child: subprocess.Popen[bytes] = subprocess.Popen.__new__(subprocess.Popen)
    known = {"args": ["kernel"], "pid": pid, "returncode": None, "stdout": None, "stderr": None}
    inner = {"_child_created": True, "_waitpid_lock": threading.Lock(), "_sigint_wait_secs": 0.25}
    child.__dict__ |= known | inner
    return child


def _adopt_orphans(adopt: bool) -> None:
    """Make this process the parent of descendants that lose theirs, or no longer."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, int(adopt), 0, 0, 0)


class _Forks:
    """Standard input of the server: reading a line forks, and only the fork gets a line."""

    def __init__(self, channel: socket.socket) -> None:
        self.channel = channel

    def readline(self) -> str:
        """Return a fork's request; in the server "" when no more forks are needed."""
        while message := self._next():
            state, (stdin, stderr) = message
            between = os.fork()
            if between == 0:
                if os.fork():
                    os._exit(0)  # the fork is adopted by the test process
                return self._become_fork(state, stdin, stderr)
            os.waitpid(between, 0)
            os.close(stdin)
            os.close(stderr)
        return ""

    def _next(self) -> tuple[dict[str, Any], list[int]] | None:
        data, rights, _, _ = self.channel.recvmsg(1 << 20, socket.CMSG_SPACE(8))
        return (json.loads(data), list(array.array("i", rights[0][2]))) if data else None

    def _become_fork(self, state: dict[str, Any], stdin: int, stderr: int) -> str:
        while os.getppid() != state["parent"]:
            time.sleep(0.0005)
        os.setsid()
        for old, new in ((stdin, 0), (stderr, 1), (stderr, 2)):
            os.dup2(old, new)
        os.close(stdin)
        os.close(stderr)
        os.chdir(state["folder"])
        os.environ.clear()
        os.environ.update(state["environment"], JPY_PARENT_PID=str(state["parent"]))
        prepared._end_with_parent()
        return self._answered()

    def _answered(self) -> str:
        retries.backoff = lambda retry: 0.02  # as in the process of the tests
        self.channel.send(str(os.getpid()).encode())
        self.channel.close()
        sys.stdin = os.fdopen(0)
        return sys.stdin.readline()


if __name__ == "__main__":
    make_once(setattr)
    sys.stdin = _Forks(socket.socket(fileno=int(sys.argv[1])))  # type: ignore[assignment]
    prepared.main(_PREPARATIONS)
