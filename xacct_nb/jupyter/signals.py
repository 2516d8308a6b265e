"""SIGTERM and SIGHUP end a process only after its notebook's file is written."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_SIGNALS = (signal.SIGTERM, signal.SIGHUP)


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
