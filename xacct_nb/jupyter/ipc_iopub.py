"""A kernel without a TCP port: the output of its forked processes comes through a local socket too.

ipykernel opens a TCP port on the loopback for that output, which every user of the machine can connect to.
"""

import os
from typing import Any

import zmq
from ipykernel import kernelapp
from ipykernel.iostream import IOPubThread
from zmq.eventloop.zmqstream import ZMQStream


class IpcIOPubThread(IOPubThread):
    """ipykernel's thread for outputs, with its pipe from forks beside the kernel's other sockets.

    It drops no message: without the last one of a cell, the cell would seem to run for ever.
    """

    def __init__(self, socket: "zmq.Socket[bytes]", *args: Any, **options: Any) -> None:
        socket.sndhwm = 0  # no limit to what waits for a runner that is slower than its kernel
        super().__init__(socket, *args, **options)  # type: ignore[no-untyped-call]

    def _setup_pipe_in(self) -> None:
        self._pipe_uuid = os.urandom(16)
        self._address = f"{self.socket.last_endpoint.decode()}-f"
        end = self.socket.context.socket(zmq.PULL)
        end.linger = 0
        end.bind(self._address)
        self._pipe_in = ZMQStream(end, self.io_loop)
        self._pipe_in.on_recv(self._handle_pipe_msg)

    def _setup_pipe_out(self) -> "tuple[zmq.Context[zmq.Socket[bytes]], zmq.Socket[bytes]]":
        context = zmq.Context()  # a context does not survive a fork
        end = context.socket(zmq.PUSH)
        end.linger = 3000
        end.connect(self._address)
        return context, end


def use_ipc_sockets() -> None:
    """Let the kernel that this process becomes open no TCP port."""
    kernelapp.IOPubThread = IpcIOPubThread  # type: ignore[attr-defined]
