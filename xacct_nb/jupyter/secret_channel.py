"""Secrets that a kernel gets to know, on their way to its runner, which keeps them out of what it writes."""

import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any

# A message between a kernel and its runner, through their private sockets; no output, and on no disk.
TARGET = "xacct_nb.secrets"
Hear = Callable[[set[str]], object]


def hand_over(secrets: Iterable[str]) -> None:
    """Sends the secrets ahead of any output that may hold them; nothing where no kernel runs."""
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython() is not None:
        from comm import create_comm

        create_comm(target_name=TARGET, data={"secrets": sorted(secrets)})


def taken(hear: Hear) -> Callable[[Mapping[str, Any]], None]:
    """Takes the message: what the runner's client does with it."""

    def take(message: Mapping[str, Any]) -> None:
        hear(set(message["content"]["data"]["secrets"]))

    return take
