"""What a kernel sends to its runner alone: secrets that it learns, and lines that say what it does."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# Comms between a kernel and its runner: they use their private sockets, and no output or file has them.
SECRETS, PROGRESS = "xacct_nb.secrets", "xacct_nb.progress"
AddSecrets = Callable[[set[str]], object]
ShowLine = Callable[[str], object]


def send_secrets(secrets: Iterable[str]) -> None:
    """Send the secrets ahead of any output that may hold them; do nothing outside of a kernel."""
    _send(SECRETS, {"secrets": sorted(secrets)})


def send_progress(line: str) -> None:
    """Send a line that says what the run just did; do nothing outside of a kernel."""
    _send(PROGRESS, {"line": line})


def secrets_in(message: Mapping[str, Any]) -> set[str]:
    """Return the secrets in the message that the runner's client receives; none where a cell sent it."""
    found = message["content"]["data"].get("secrets")
    return {each for each in found if isinstance(each, str) and each} if isinstance(found, list) else set()


def line_in(message: Mapping[str, Any]) -> str:
    """Return the line in the message that the runner's client receives; "" where a cell sent another."""
    found = message["content"]["data"].get("line")
    return found if isinstance(found, str) else ""


def _send(target: str, data: Mapping[str, Any]) -> None:
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from comm import create_comm

        create_comm(target_name=target, data=data)
