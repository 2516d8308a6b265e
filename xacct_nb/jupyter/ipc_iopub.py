"""What a kernel's forked processes print comes through a local socket; ipykernel opens a TCP port for it."""

import os
from typing import Any

import zmq
from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream


class LocalPipe(IOPubThread):
    """ipykernel's thread for outputs, with its pipe from forks beside the kernel's other sockets."""

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        self._address = f"{self.socket.last_endpoint.decode()}-f"
        end = self.socket.context.socket(zmq.PULL)
        end.linger = 0
        end.bind(self._address)
        self._pipe_in = ZMQStream(end, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> tuple[Any, Any]:
        context = zmq.Context()  # a context does not survive a fork
        end = context.socket(zmq.PUSH)
        end.linger = 3000
        end.connect(self._address)
        return context, end


def keep_local() -> None:
    """The kernel that this process becomes opens no TCP port."""
    kernelapp.IOPubThread = LocalPipe  # type: ignore[attr-defined]
