"""A kernel manager without the blind waits of the stock one: no silence to sit out, no slow farewell."""

import os
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any
from uuid import uuid4

from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from jupyter_client.provisioning.local_provisioner import LocalProvisioner

from xacct_nb.jupyter.prepared import Prepared

_ASK_AGAIN, _LOOK_AGAIN = 0.5, 0.005


class QuickClient(AsyncKernelClient):
    """A client that is ready when the kernel answers on both channels, not 0.2 s of silence later."""

    async def wait_for_ready(self, timeout: float | None = None) -> None:
        """Asks for kernel_info until the reply and the kernel's idle state came. Raises RuntimeError."""
        deadline = time.monotonic() + (timeout or 60)
        while time.monotonic() < deadline:
            asked = self.kernel_info()
            if await self._replied(self.get_shell_msg, "kernel_info_reply", asked):
                await self._replied(self.get_iopub_msg, "status", asked)
                return
            if not await self.is_alive():
                raise RuntimeError("Kernel died before replying to kernel_info")
        raise RuntimeError("Kernel didn't respond in time")

    async def _replied(self, channel: Any, kind: str, asked: str) -> bool:
        """Whether the answer to a request came within half a second; a status counts when it is idle."""
        deadline = time.monotonic() + _ASK_AGAIN
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = await channel(timeout=left)
            except Exception as problem:  # queue.Empty, in several classes
                if type(problem).__name__ != "Empty":
                    raise
                return False
            mine = message["parent_header"].get("msg_id") == asked and message["msg_type"] == kind
            if mine and message["content"].get("execution_state", "idle") == "idle":
                return True
        return False


class QuickProvisioner(LocalProvisioner):
    """Starts the kernel's process, or takes a prepared one."""

    prepared: Prepared | None = None

    async def launch_kernel(self, cmd: list[str], **kwargs: Any) -> Any:
        """Gives a prepared process the word, with the connection file that the command names."""
        if self.prepared is None:
            return await super().launch_kernel(cmd, **kwargs)
        self.process = self.prepared.become_kernel(cmd[cmd.index("-f") + 1])
        self.pid = self.pgid = self.process.pid
        return self.connection_info


class OwnKernel(KernelSpecManager):
    """Knows this Python's kernel alone, which a prepared process is; to look for others loads IPython."""

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        """How the kernel is started, whatever its name."""
        started = [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
        return KernelSpec(argv=started, display_name="Python 3", language="python")


class QuickManager(AsyncKernelManager):
    """A manager over local sockets, whose clients and provisioners are quick."""

    prepared: Prepared | None = None

    def __init__(self, **kwargs: Any) -> None:
        # Sockets of its own for every kernel: the stock names are the same for all kernels of a folder.
        self._sockets = Path(mkdtemp(prefix="xacct-nb-"))
        places = {"connection_file": str(self._sockets / "kernel.json"), "ip": str(self._sockets / "ipc")}
        known = {"kernel_spec_manager": OwnKernel()} if self.prepared else {}
        super().__init__(**{"transport": "ipc", **places, **known, **kwargs})
        self.client_factory = QuickClient

    async def _async_pre_start_kernel(self, **kwargs: Any) -> Any:
        if self.provisioner is None:
            self.provisioner = QuickProvisioner(
                kernel_id=str(uuid4()), kernel_spec=self.kernel_spec, parent=self
            )
            self.provisioner.prepared = self.prepared
        return await super()._async_pre_start_kernel(**kwargs)

    async def _async_wait(self, pollinterval: float = _LOOK_AGAIN) -> None:
        await super()._async_wait(_LOOK_AGAIN)

    async def _async_cleanup_resources(self, restart: bool = False) -> None:
        await super()._async_cleanup_resources(restart=restart)
        if not restart:
            self._end_processes()
            rmtree(self._sockets, ignore_errors=True)

    def _end_processes(self) -> None:
        """Ends what cells have started; a kernel that is ended takes it along, one that dies does not."""
        if group := getattr(self.provisioner, "pgid", None):
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)

    pre_start_kernel = _async_pre_start_kernel
    cleanup_resources = _async_cleanup_resources


def manager_for(prepared: Prepared | None) -> type[QuickManager]:
    """The manager's class, for a prepared process if there is one."""
    return type("Manager", (QuickManager,), {"prepared": prepared})
