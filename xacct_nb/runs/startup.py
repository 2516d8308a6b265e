"""The start of a recorded run: the kernel's process starts before anything else is loaded."""

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module

from xacct_nb.jupyter.import_blocker import STORES, postpone, spared, spared_plugins
from xacct_nb.jupyter.prepared import PreparedKernel

_PREPARATIONS = ("xacct_nb.runs.startup:warm_up",)
_MODULES = ("runs.notebook_run", "runs.sandboxes", "aws.writer")


def warm_up() -> None:
    """Load what the cells of a run need: modules, AWS's service models, the HTML template."""
    from xacct_nb.runs.secrets import forward_secrets

    forward_secrets()
    from xacct_nb.aws import sessions
    from xacct_nb.views import Text, html

    for name in _MODULES:
        import_module(f"xacct_nb.{name}")
    sessions.warm_up()
    html(Text(""))


def prepare_kernel() -> PreparedKernel:
    """Start the process that becomes the kernel: it loads what the run needs, then waits."""
    return PreparedKernel(_PREPARATIONS)


@contextmanager
def single_run() -> Iterator[PreparedKernel]:
    """Set up a process that does one run and ends: start its kernel, and load only what the run uses."""
    # The garbage of one run is small, and the process ends: it needs no collection.
    gc.disable()
    atexit.register(gc.freeze)
    # While another thread loads the export, the thread that talks to the kernel must not wait for it.
    sys.setswitchinterval(0.0005)
    with prepare_kernel() as prepared:
        # Set after the kernel's process has its environment. nbformat's own choice of validator takes longer
        # to compile than this one takes to check all notebooks of a run.
        os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
        postpone("requests")  # papermill imports it to read notebooks from the web
        with spared(*STORES), spared_plugins():
            yield prepared
