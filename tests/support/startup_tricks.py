"""Run `xacct-nb run` without one of the tricks that shorten its start.

    python startup_tricks.py TRICK ARGUMENTS

Each function takes the trick of its name out of this process. The kernel's process is started by this script
too, so the trick is missing there as well.
"""

import gc
import importlib
import os
import pkgutil
import subprocess
import sys
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

KERNEL = "--kernel"


def none() -> None:
    """Leave everything as it is."""


def hidden_formats() -> None:
    """Let jsonschema load its optional checks of formats."""
    _module("jupyter.import_blocker").FORMATS = ()


def hidden_stores() -> None:
    """Let papermill load boto3 and the other libraries that it reads notebooks with."""
    _module("jupyter.import_blocker").STORES = ()


def jsonschema_validator() -> None:
    """Let nbformat compile its stock validator."""
    os.environ["NBFORMAT_VALIDATOR"] = "fastjsonschema"


def no_garbage_collection() -> None:
    """Collect garbage in both processes as Python does."""
    gc.disable = gc.freeze = do_nothing  # type: ignore[assignment]


def prepared_kernel() -> None:
    """Start a stock ipykernel when it is needed, which prepares nothing."""

    class Late:
        def __init__(self) -> None:
            self.environment: dict[str, str] = {}

        def become_kernel(self, connection_file: str) -> "subprocess.Popen[bytes]":
            command = [sys.executable, "-m", "ipykernel_launcher", "-f", connection_file]
            environment = os.environ | self.environment | {"JPY_PARENT_PID": str(os.getpid())}
            return subprocess.Popen(command, start_new_session=True, env=environment, stdout=2)

        def __enter__(self) -> "Late":
            return self

        def __exit__(self, *_: object) -> None:
            pass

    _module("runs.startup").PreparedKernel = lambda _: Late()


def kernel_warm_up() -> None:
    """Let the cells load the modules and AWS's service models that they need."""
    _module("runs.startup")._PREPARATIONS = ()


def export_warm_up() -> None:
    """Load the export only after the kernel has ended."""
    if KERNEL not in sys.argv:
        _module("runs.runner")._warm_up = do_nothing


def ready_without_silence() -> None:
    """Wait for a kernel as jupyter_client does, which sits 0.2 s of silence out."""
    if KERNEL not in sys.argv:
        from jupyter_client.asynchronous.client import AsyncKernelClient

        _module("jupyter.kernels").QuickClient = AsyncKernelClient


def frequent_polling() -> None:
    """Look every 0.1 s whether a kernel's process has ended, as jupyter_client does."""
    if KERNEL not in sys.argv:
        _module("jupyter.kernels")._POLL_INTERVAL = 0.1


def local_iopub() -> None:
    """Let ipykernel open its TCP port for the output of forked processes."""
    if KERNEL in sys.argv:
        _module("jupyter.ipc_iopub").use_ipc_sockets = do_nothing


def lazy_imports() -> None:
    """Import every module of the package at the start, but for the sandbox's server."""
    if KERNEL not in sys.argv:
        import xacct_nb

        for found in pkgutil.walk_packages(xacct_nb.__path__, "xacct_nb."):
            if not found.name.startswith(("xacct_nb.sandbox", "xacct_nb.__main__")):
                importlib.import_module(found.name)


TRICKS: tuple[Callable[[], None], ...] = (
    hidden_formats,
    hidden_stores,
    jsonschema_validator,
    no_garbage_collection,
    prepared_kernel,
    kernel_warm_up,
    export_warm_up,
    ready_without_silence,
    frequent_polling,
    local_iopub,
    lazy_imports,
)


def do_nothing(*_: object, **__: object) -> None:
    """Do nothing instead of what is left out."""


def _module(name: str) -> Any:
    return importlib.import_module(f"xacct_nb.{name}")


def _main(trick: str) -> None:
    known = {each.__name__: each for each in (none, *TRICKS)}
    prepared = _module("jupyter.prepared")
    if sys.argv[2:3] == [KERNEL]:
        known[trick]()
        prepared.main(sys.argv[3:])
        return

    def start(command: list[str], **options: Any) -> "subprocess.Popen[bytes]":
        return subprocess.Popen([sys.executable, __file__, trick, KERNEL, *command[4:]], **options)

    prepared.subprocess = SimpleNamespace(Popen=start, PIPE=subprocess.PIPE)
    known[trick]()
    del sys.argv[1]
    from xacct_nb.__main__ import main

    main()


if __name__ == "__main__":
    _main(sys.argv[1])
