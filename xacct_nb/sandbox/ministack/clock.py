"""The sandbox's clock, by which it decides and dates its responses: it can differ from this machine's."""

import math
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from ministack.core import iam_evaluator
from ministack.services import iam, sts

_MOST = 10 * 365 * 24 * 3600.0
_ahead = {"seconds": 0.0}


def now() -> float:
    """Return the sandbox's time in seconds since 1970."""
    return time.time() + _ahead["seconds"]


def moment() -> datetime:
    """Return the sandbox's time in UTC."""
    return datetime.fromtimestamp(now(), UTC)


def set_clock(given: Mapping[str, float]) -> None:
    """Let the clock be `seconds` ahead of this machine's. Raises ValueError for more than ten years."""
    seconds = float(given["seconds"])
    if not math.isfinite(seconds) or abs(seconds) > _MOST:
        raise ValueError("The seconds are a number of at most ten years.")
    _ahead["seconds"] = seconds


def show_clock() -> dict[str, float]:
    """Return how many seconds the clock is ahead of this machine's."""
    return dict(_ahead)


def forget() -> None:
    """Let the clock be this machine's again."""
    _ahead["seconds"] = 0.0


def install() -> None:
    """Let MiniStack issue sessions, and end them, by this clock."""
    for module in (iam, iam_evaluator, sts):
        module.time = _Time()


class _Time:
    """Python's module `time` by this clock."""

    time = staticmethod(now)

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
