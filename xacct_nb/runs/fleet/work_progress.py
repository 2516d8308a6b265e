"""How far the work on a fleet is: a bar for a person, a line every few seconds in a headless run."""

import time
from typing import Any

from xacct_nb.jupyter.runner_channel import send_progress

_EVERY = 5.0  # seconds


class WorkProgress:
    """Shows which part the work is at, how many slices are done, and how long all the rest may take."""

    def __init__(self, headless: bool) -> None:
        self.headless = headless
        self._what, self._done, self._total = "", 0, 0
        self._began, self._shown = 0.0, 0.0
        self._bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Note that one more is done."""
        if total != self._total or done <= self._done:
            self._began = time.monotonic()
        is_next, self._what = what != self._what, what
        if self.headless:
            self._line(done, total, is_next)
        else:
            self._advance(done, total)
        self._done, self._total = done, total

    def _line(self, done: int, total: int, is_next: bool) -> None:
        now = time.monotonic()
        lasted = now - self._began
        if done < total and not is_next and now < self._shown + _EVERY:
            return
        self._shown = now
        left = f" in {_in_words(lasted)}" if done == total else _left(lasted, done, total)
        send_progress(f"{self._what}: {done} of {total} slices{left}")

    def _advance(self, done: int, total: int) -> None:
        from tqdm.auto import tqdm

        if self._bar is None:
            self._bar = tqdm(total=total, unit="slice", leave=False)
        self._bar.set_description(self._what)
        self._bar.update(1)
        if done == total:
            self._bar.close()
            self._bar = None


def _left(lasted: float, done: int, total: int) -> str:
    """Return how long the rest takes at the pace since the first was done, "" while there is none yet."""
    return f", about {_in_words(lasted / (done - 1) * (total - done))} left" if done > 1 else ""


def _in_words(seconds: float) -> str:
    """Return a duration as a person reads it: seconds up to two minutes, then minutes."""
    return f"{seconds:.0f} s" if seconds < 120 else f"{seconds / 60:.0f} min"
