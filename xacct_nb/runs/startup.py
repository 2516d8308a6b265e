"""The first moments of a recorded run: the kernel's process starts before anything else is loaded."""

import atexit
import gc
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from xacct_nb.jupyter.import_blocker import STORES, postpone, spared, spared_plugins
from xacct_nb.jupyter.prepared import PreparedKernel

_PREPARATIONS = ("xacct_nb.runs.startup:warm_up",)


def warm_up() -> None:
    """Loads what the cells of a run need: modules, AWS's service models, the HTML template."""
    from xacct_nb.runs.secrets import forward_secrets

    forward_secrets()
    from xacct_nb.aws import sessions
    from xacct_nb.views import Text, html

    sessions.warm_up()
    html(Text(""))


def prepare_kernel() -> PreparedKernel:
    """The process that loads what the kernel of a recorded run needs, and waits for the word."""
    return PreparedKernel(_PREPARATIONS)


@contextmanager
def single_run() -> Iterator[PreparedKernel]:
    """For a process that does one run and ends: its kernel is on the way, and it loads what it uses."""
    # Such a process has no garbage to collect, and nothing to take apart at its end.
    gc.disable()
    atexit.register(gc.freeze)
    # What talks to the kernel is to have its turn at once, while another thread loads the export.
    sys.setswitchinterval(0.0005)
    with prepare_kernel() as prepared:
        # From here on nothing reaches the kernel's environment. The stock validator of notebooks compiles
        # itself for longer than the other one needs for all of a run's notebooks.
        os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
        postpone("requests")  # papermill's, for notebooks that it reads from the web
        with spared(*STORES), spared_plugins():
            yield prepared
