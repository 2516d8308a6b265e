"""The one sandbox within this process: for tests, and for a browser tab, which can have no server."""

import atexit
import tempfile
from functools import cache
from pathlib import Path

from xacct_nb.aws.in_process import send_in_process
from xacct_nb.sandbox.in_process import ENDPOINT, ConnectionCut, serve_in_process
from xacct_nb.sandbox.server.state import Sandbox


@cache
def start_in_process() -> Sandbox:
    """Return the sandbox of this process; it is started by the first call, and ends with the process.

    Every AWS client that calls its endpoint is answered by it. It is empty: `add_accounts` makes accounts.
    Raises SandboxError where MiniStack is not installed.
    """
    folder = tempfile.TemporaryDirectory(prefix="xacct-nb-")
    atexit.register(folder.cleanup)
    sandbox, application = serve_in_process(Path(folder.name))
    send_in_process(ENDPOINT, application, ConnectionCut)
    return sandbox
