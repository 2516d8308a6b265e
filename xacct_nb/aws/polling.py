"""Waits for IAM by polling: a deadline, a growing pause, and a progress line that names what is awaited."""

import re
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

_FIRST_PAUSE, _LONGEST_PAUSE, _QUIET = 0.1, 2.0, 1.0

_SHOWN = re.compile(r"Waiting for IAM|\w+ [\w ]+ \w+: retry \d+, \d+ s left")


class Wait:
    """One wait of at most `patience` seconds; shows a progress line once it lasts longer than a second."""

    def __init__(self, what: str, patience: float) -> None:
        self.what, self.patience = what, patience
        self.tries = 1
        self._began = time.monotonic()
        self._pause = _FIRST_PAUSE
        self._bar: Any = None
        self._announced = False

    @property
    def seconds(self) -> float:
        """Return how long the wait has lasted."""
        return round(time.monotonic() - self._began, 3)

    def pause(self) -> bool:
        """Pause before the next try; return False, without a pause, once the time is over."""
        left = self.patience - self.seconds
        if left <= 0:
            return False
        time.sleep(min(self._pause, left))
        self._pause = min(self._pause * 2, _LONGEST_PAUSE)
        self.tries += 1
        self._show()
        return True

    @contextmanager
    def uncounted(self) -> Iterator[None]:
        """Make the wait longer by what this block takes: a read, which has a patience of its own."""
        began = time.monotonic()
        try:
            yield
        finally:
            self.patience += time.monotonic() - began

    def close(self) -> None:
        """End the progress line."""
        if self._bar is not None:
            self._bar.close()
        elif self._announced:
            print(f"{self.what}: after {self.seconds:.0f} s", file=sys.stderr, flush=True)

    def _show(self) -> None:
        if self.seconds < _QUIET:
            return
        if sys.stderr.isatty():
            from tqdm import tqdm

            what, form = f"Waiting for IAM: {self.what}", "{desc} {n_fmt} of {total_fmt} s"
            self._bar = self._bar or tqdm(total=round(self.patience), desc=what, bar_format=form)
            self._bar.n = round(self.seconds)
            self._bar.refresh()
        elif not self._announced:
            what = f"Waiting for IAM, at most {self.patience:.0f} s: {self.what}"
            print(what, file=sys.stderr, flush=True)
        self._announced = True


def tell(line: str) -> None:
    """Show a line of progress on standard error: in a notebook, it is among the cell's outputs."""
    print(line, file=sys.stderr, flush=True)


def is_wait(line: str) -> bool:
    """Return whether a line of output says what a run waits for."""
    return bool(_SHOWN.match(line))


def countdown(seconds: float) -> Callable[[], float]:
    """Return a function that returns how many of these seconds are left; they begin now."""
    end = time.monotonic() + seconds
    return lambda: max(0.0, end - time.monotonic())
