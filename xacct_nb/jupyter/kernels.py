"""A kernel manager that waits for events, where jupyter_client's own waits for fixed times."""

import fcntl
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4
from weakref import finalize

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.connect import KernelConnectionInfo
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner
from traitlets import Type

from xacct_nb.jupyter.import_blocker import FORMATS, hide_packages
from xacct_nb.jupyter.messages import TolerantChannel
from xacct_nb.jupyter.prepared import PreparedKernel

with hide_packages(*FORMATS):
    from nbclient.exceptions import DeadKernelError

_REPLY_TIMEOUT, _POLL_INTERVAL = 0.5, 0.005  # seconds
# An address of a local socket has 107 bytes at most, and the kernel's end in `/ipc-5-f`.
_LONGEST_FOLDER = 107 - len("/ipc-5-f")
_PREFIX = "xacct-nb-kernel-"

Receive = Callable[..., Awaitable[dict[str, Any]]]  # a message of Jupyter's protocol


class QuickClient(AsyncKernelClient):
    """A client that is ready when the kernel replies on both channels, without 0.2 s of silence after it."""

    shell_channel_class = iopub_channel_class = Type(TolerantChannel)

    def connect_iopub(self, identity: bytes | None = None) -> Any:
        """Return the socket of the kernel's outputs, of which none is dropped."""
        socket = super().connect_iopub(identity)
        socket.rcvhwm = 0
        return socket

    def stop_channels(self) -> None:
        """Close the sockets, also where one of them could not be opened: else this process would not end."""
        try:
            super().stop_channels()
        finally:
            if self._created_context and not self.context.closed:
                self.context.destroy(linger=0)

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Request kernel_info until the reply and the idle state have come. Raises DeadKernelError."""
        deadline = time.monotonic() + (timeout or 60)
        while time.monotonic() < deadline:
            request = self.kernel_info()
            if await self._replied(self.get_shell_msg, "kernel_info_reply", request):
                await self._replied(self.get_iopub_msg, "status", request)
                return
            if not await self.is_alive():
                raise DeadKernelError("Kernel died before replying to kernel_info")
        raise DeadKernelError("Kernel didn't respond in time")

    async def _replied(self, channel: Receive, kind: str, request: str) -> bool:
        """Return whether the reply to a request came in time; of a status, only the idle one is a reply."""
        deadline = time.monotonic() + _REPLY_TIMEOUT
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = await channel(timeout=left)
            except Exception as problem:  # queue.Empty, in several classes
                if type(problem).__name__ != "Empty":
                    raise
                return False
            ours = message["parent_header"].get("msg_id") == request and message["msg_type"] == kind
            if ours and message["content"].get("execution_state", "idle") == "idle":
                return True
        return False


class QuickProvisioner(LocalProvisioner):
    """Starts the kernel's process, or uses a prepared one."""

    prepared: PreparedKernel | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> KernelConnectionInfo:
        """Let the prepared process become the kernel, with the connection file that the command names."""
        if self.prepared is None:
            return await super().launch_kernel(cmd, **kwargs)
        try:
            self.process = self.prepared.become_kernel(cmd[cmd.index("-f") + 1])
        except OSError as problem:
            raise DeadKernelError("Kernel died before it was started") from problem
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class OwnKernelSpec(KernelSpecManager):
    """This Python's kernel, which is what a prepared process becomes, whatever kernels are installed."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """Return how the kernel is started, whatever its name."""
        started = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=started, display_name="Python 3", language="python")


class QuickManager(AsyncKernelManager):
    """A manager over local sockets, with the quick client and provisioner."""

    prepared: PreparedKernel | None = None

    def __init__(self, **kwargs: Any) -> None:
        # Each kernel has its own sockets: jupyter_client's names are the same for all kernels of a folder.
        self._sockets = _make_socket_folder()
        self._remove_sockets = finalize(self, _remove_held, self._sockets, _hold(self._sockets))
        paths = {"connection_file": str(self._sockets / "kernel.json"), "ip": str(self._sockets / "ipc")}
        known = {"kernel_spec_manager": OwnKernelSpec()} if self.prepared else {}
        super().__init__(**{"transport": "ipc", **paths, **known, **kwargs})
        self.client_factory = QuickClient

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.provisioner is None:
            self.provisioner = QuickProvisioner(
                kernel_id=str(uuid4()), kernel_spec=self.kernel_spec, parent=self
            )
            self.provisioner.prepared = self.prepared
        return await super()._async_pre_start_kernel(**kwargs)

    async def _async_wait(self, pollinterval: float = _POLL_INTERVAL) -> None:
        await super()._async_wait(_POLL_INTERVAL)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            self._end_processes()
            self._remove_sockets()

    def _end_processes(self) -> None:
        """Kill the processes that cells have started; a kernel that dies leaves them behind."""
        if group := getattr(self.provisioner, "pgid", None):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    pre_start_kernel = _async_pre_start_kernel
    cleanup_resources = _async_cleanup_resources


def _make_socket_folder() -> Path:
    """Make a temporary folder, in /tmp where the usual one has too long a name for a socket."""
    folder = Path(mkdtemp(prefix=_PREFIX))
    if len(os.fsencode(folder)) > _LONGEST_FOLDER:
        folder.rmdir()
        folder = Path(mkdtemp(prefix=_PREFIX, dir="/tmp"))
    return folder


def _hold(folder: Path) -> int:
    """Lock a folder for as long as this process lives; `storage.temporary_folders` removes others."""
    descriptor = os.open(folder, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _remove_held(folder: Path, descriptor: int) -> None:
    rmtree(folder, ignore_errors=True)
    os.close(descriptor)


def manager_for(prepared: PreparedKernel | None) -> type[QuickManager]:
    """Return the manager's class, for a prepared process if there is one."""
    return type("Manager", (QuickManager,), {"prepared": prepared})
