"""MiniStack's own modules, and MiniStack without patches, or with only the guard around it, as a server."""

import importlib.util
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from xacct_nb.sandbox.server.state import Sandbox, sandbox_in

BARE = "app = app"
# As `xacct_nb.sandbox.server.serve` has it, without faults, CloudTrail and the check for web pages.
GUARDED = (
    "from functools import partial; from xacct_nb.sandbox.server.state import root_secret; "
    "from xacct_nb.sandbox.ministack import patches, root_keys; "
    "from xacct_nb.sandbox.rules.decisions import decide; "
    "patches.install(decide); root_keys.install(partial(root_secret, '')); "
    "from xacct_nb.sandbox.http.authentication import authenticated; "
    "from xacct_nb.sandbox.rules.guard import guarded; app = authenticated(guarded(app))"
)
SERVE = """
import asyncio, sys
from hypercorn.asyncio import serve
from hypercorn.config import Config
from ministack.app import app
{layers}
config = Config()
config.bind, config.backlog, config.keep_alive_timeout = [f"fd://{{sys.argv[1]}}"], 1024, 75
config.loglevel = "WARNING"
asyncio.run(serve(app, config, shutdown_trigger=asyncio.Event().wait, mode="asgi"))
"""


def fresh_module(name: str) -> Any:
    """Return a copy of one of MiniStack's modules that nothing patches, whatever this process has loaded."""
    spec = importlib.util.find_spec(f"ministack.{name}")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@contextmanager
def ministack(layers: str = BARE) -> Iterator[Sandbox]:
    """A MiniStack that ends with this block."""
    with tempfile.TemporaryDirectory() as name, socket.create_server(("127.0.0.1", 0)) as listener:
        folder, port = Path(name), listener.getsockname()[1]
        kept = {each: os.environ[each] for each in ("PATH", "HOME") if each in os.environ}
        scratch = dict.fromkeys(("TMPDIR", "STATE_DIR", "S3_DATA_DIR"), name)
        server = subprocess.Popen(
            [sys.executable, "-c", SERVE.format(layers=layers), str(listener.fileno())],
            env=kept
            | scratch
            | {
                "AUTH": "true",
                "BIND_HOST": "127.0.0.1",
                "GATEWAY_PORT": str(port),
                "LOG_LEVEL": "ERROR",
                "PYTHONPATH": str(Path(__file__).parents[2]),
                "IOT_MTLS_ENABLED": "0",
                "SFTP_ENABLED": "0",
                "DOCKER_HOST": f"unix://{name}/no-docker",
            },
            pass_fds=[listener.fileno()],
            stderr=subprocess.DEVNULL,
        )
        try:
            endpoint = f"http://127.0.0.1:{port}"
            _await(endpoint)
            yield sandbox_in(folder, endpoint=endpoint, pid=server.pid, instance="", token="")
        finally:
            server.kill()
            server.wait()


def _await(endpoint: str) -> None:
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        with urllib.request.urlopen(f"{endpoint}/_ministack/health", timeout=20) as answer:
            if json.load(answer):
                return
    raise TimeoutError(endpoint)
