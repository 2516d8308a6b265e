"""The start of a recorded run: the kernel's process loads what it needs while the parameters are checked."""

import atexit
import gc
import os
from collections.abc import Iterator
from contextlib import contextmanager

from xacct_nb.jupyter.import_blocker import STORES, hide_packages
from xacct_nb.jupyter.prepared import PreparedKernel

_PREPARATIONS = ("xacct_nb.runs.startup:warm_up",)


def warm_up() -> None:
    """Load what the cells of a run need: modules, AWS's service models, the HTML template."""
    from xacct_nb.runs.secrets import forward_secrets

    forward_secrets()
    from xacct_nb.aws import profile_clients, writer  # noqa: F401
    from xacct_nb.runs import sandboxes, start  # noqa: F401
    from xacct_nb.views import Text, html

    profile_clients.warm_up()
    html(Text(""))


@contextmanager
def single_run() -> Iterator[PreparedKernel]:
    """Start the process that becomes the run's kernel, and load only what the run uses."""
    # The garbage of one run is small, and the process ends: it needs no collection.
    gc.disable()
    atexit.register(gc.freeze)
    try:
        with PreparedKernel(_PREPARATIONS) as prepared, hide_packages(*STORES):
            # Set after the kernel's process has its environment. nbformat's own choice of validator takes
            # longer to compile than this one takes to check all notebooks of a run.
            os.environ.setdefault("NBFORMAT_VALIDATOR", "jsonschema")
            yield prepared
    finally:
        gc.enable()
