"""The server process of a sandbox: MiniStack behind the guard, on a socket that was opened for it.

    python -m xacct_nb.sandbox.server.serve detached|attached SOCKET_FD LOCK_FD INSTANCE

`detached` outlives its parent; `attached` ends, and removes its folder, when its standard input does.
`process` sets the environment; the working folder is the sandbox's.
"""

import asyncio
import os
import resource
import shutil
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from xacct_nb.sandbox.server.process import TOKEN_VARIABLE


def main(mode: str, listener: int, lock: int, instance: str) -> None:
    """Serve until a signal ends this process."""
    if not os.path.samestat(os.fstat(lock), Path("server.lock").stat()):
        sys.exit("The working folder is not the sandbox's.")
    {"detached": _leave_parent, "attached": _follow_parent}[mode](lock)
    os.set_inheritable(lock, False)
    Path(os.environ["TMPDIR"]).mkdir(mode=0o700, exist_ok=True)
    _allow_many_connections()
    asyncio.run(_serve(listener, instance))


async def _serve(listener: int, instance: str) -> None:
    from hypercorn.asyncio import serve
    from hypercorn.config import Config

    from xacct_nb.sandbox.server.layers import layers

    app = layers(instance, os.environ.pop(TOKEN_VARIABLE))
    config = Config()
    config.bind = [f"fd://{listener}"]
    config.backlog = 1024
    config.keep_alive_timeout = 75
    config.loglevel = "WARNING"
    # There is nothing to save, so a signal may end the process at once.
    await serve(app, config, shutdown_trigger=asyncio.Event().wait, mode="asgi")


def _leave_parent(lock: int) -> None:
    if server := os.fork():
        _write_pid(lock, server)
        os._exit(0)
    os.setsid()


def _follow_parent(lock: int) -> None:
    _write_pid(lock, os.getpid())
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _write_pid(lock: int, server: int) -> None:
    os.ftruncate(lock, 0)
    os.pwrite(lock, str(server).encode(), 0)


def _end_with_parent() -> None:
    sys.stdin.buffer.read()
    shutil.rmtree(Path.cwd(), ignore_errors=True)
    os.killpg(0, signal.SIGKILL)


def _allow_many_connections() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        wanted = 65536 if hard == resource.RLIM_INFINITY else min(hard, 65536)
        with suppress(ValueError, OSError):  # macOS has a limit below the hard one
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
