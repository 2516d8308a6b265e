"""How far the work on a fleet is: a bar for a person, a line every few seconds in a headless run."""

import time
from typing import Any

from xacct_nb.jupyter.runner_channel import send_progress

_EVERY = 5.0  # seconds


class WorkProgress:
    """Shows how many slices are done, and how long the rest may take."""

    def __init__(self, headless: bool) -> None:
        self.headless = headless
        self._what, self._began, self._shown = "", 0.0, 0.0
        self._bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note that one more is done."""
        if what != self._what:
            self._what, self._began, self._shown = what, time.monotonic(), 0.0
        if self.headless:
            self._line(done, total)
        else:
            self._advance(done, total)

    def _line(self, done: int, total: int) -> None:
        lasted = time.monotonic() - self._began
        if done < total and lasted < self._shown + _EVERY:
            return
        self._shown = lasted
        rest = lasted / done * (total - done)
        left = f", about {_in_words(rest)} left" if done < total else f" in {_in_words(lasted)}"
        send_progress(f"{self._what}: {done} of {total} slices{left}")

    def _advance(self, done: int, total: int) -> None:
        from tqdm.auto import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, desc=self._what, unit="slice", leave=False)
        self._bar.update(1)
        if done == total:
            self._bar.close()
            self._bar = None


def _in_words(seconds: float) -> str:
    """Return a duration as a person reads it: seconds up to two minutes, then minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
