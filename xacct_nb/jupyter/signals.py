"""A process that is told to end finishes its notebook's file first."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from threading import current_thread, main_thread
from types import FrameType

_ENDS = (signal.SIGTERM, signal.SIGHUP)


@contextmanager
def ended_in_order() -> Iterator[None]:
    """SIGTERM and SIGHUP interrupt the block as Ctrl-C does; when it is left, the process ends by them.

    Somebody else's handlers stay, and other threads than the main one have none.
    """
    told: list[int] = []

    def interrupt(number: int, frame: FrameType | None) -> None:
        told.append(number)
        signal.signal(number, signal.SIG_IGN)  # told twice, it still finishes
        signal.default_int_handler(number, frame)

    ours = [each for each in _ENDS if signal.getsignal(each) is signal.SIG_DFL]
    ours = ours if current_thread() is main_thread() else []
    for each in ours:
        signal.signal(each, interrupt)
    try:
        yield
    finally:
        for each in ours:
            signal.signal(each, signal.SIG_DFL)
        for number in told:
            signal.raise_signal(number)
