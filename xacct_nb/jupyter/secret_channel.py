"""Secrets that a kernel learns, sent to its runner, which redacts them in all that it writes."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# A comm between a kernel and its runner: it uses their private sockets, and no output or file has it.
TARGET = "xacct_nb.secrets"
AddSecrets = Callable[[set[str]], object]


def send_secrets(secrets: Iterable[str]) -> None:
    """Send the secrets ahead of any output that may hold them; do nothing outside of a kernel."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from comm import create_comm

        create_comm(target_name=TARGET, data={"secrets": sorted(secrets)})


def secrets_in(message: Mapping[str, Any]) -> set[str]:
    """Return the secrets in the message that the runner's client receives; none where a cell sent it."""
    found = message["content"]["data"].get("secrets")
    return {each for each in found if isinstance(each, str) and each} if isinstance(found, list) else set()
