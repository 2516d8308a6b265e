"""Signals end a process only after its notebook's file, or its record, is written."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)
_UNDISTURBED = 1.0  # seconds for a notebook's end after its interruption


@contextmanager
def finish_on_signals() -> Iterator[None]:
    """Let SIGTERM and SIGHUP interrupt the block as Ctrl-C does, and end the process after it.

    Handlers that the process has already stay; threads other than the main one have none.
    """
    received: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        received.append(number)
        signal.signal(number, signal.SIG_IGN)  # a second one does not interrupt the writing
        signal.default_int_handler(number, frame)

    in_main = current_thread() is main_thread()
    ours = [each for each in _SIGNALS if in_main and signal.getsignal(each) is signal.SIG_DFL]
    for each in ours:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
        for number in received:
            signal.raise_signal(number)


class HeldSignals:
    """While it is entered, what raises KeyboardInterrupt otherwise does so only in the block `released`.

    A signal before the block interrupts the block, and one right after another leaves its end undisturbed.
    In threads other than the main one, and for signals with another handler, it changes nothing.
    """

    def __init__(self) -> None:
        self._pending = self._released = False
        self._raised = -_UNDISTURBED
        self._held: list[int] = []

    def __enter__(self) -> "HeldSignals":
        if current_thread() is main_thread():
            known = (signal.SIGINT, *_SIGNALS)
            self._held = [each for each in known if signal.getsignal(each) is signal.default_int_handler]
        for each in self._held:
            signal.signal(each, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._held:
            signal.signal(each, signal.default_int_handler)

    @contextmanager
    def released(self) -> Iterator[None]:
        """Raise KeyboardInterrupt in the block for the first signal."""
        self._released = True
        try:
            if self._pending:
                raise KeyboardInterrupt
            yield
        finally:
            self._released = False

    def _note(self, number: int, frame: FrameType | None) -> None:
        self._pending, now = True, time.monotonic()
        if self._released and now - self._raised > _UNDISTURBED:
            self._raised = now
            raise KeyboardInterrupt
