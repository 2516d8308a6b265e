"""The process of a command: streams that it can always write to, and interruptions that are not lost."""

import _thread
import errno
import io
import os
import sys
import threading
from typing import Any

_STREAMS = {"stdout": 1, "stderr": 2}
_AGAIN_AFTER = 1.1  # seconds, more than one interruption keeps others off in HeldSignals


class LastingFile(io.FileIO):
    """A file whose first failed write is in `problem`, and no error: its reader has gone, or it is full."""

    problem: OSError | None = None
    was_closed = False  # by whoever started this process: nobody gets what is written

    def write(self, data: "bytes | memoryview", /) -> int:  # type: ignore[override]
        """Write the bytes, and return how many were taken: all of them after a failure."""
        if self.was_closed and self.problem is None:
            self.problem = OSError(errno.EBADF, "it is closed")
        if self.problem is None:
            try:
                return super().write(data) or 0
            except OSError as problem:
                self.problem = problem
        return memoryview(data).nbytes


def protect_streams() -> None:
    """Make both streams lasting, and open what the caller has closed: no other file may take its number.

    A character that the stream's encoding does not have is written as its code.
    """
    while (opened := os.open(os.devnull, os.O_RDWR)) <= 2:
        os.set_inheritable(opened, True)
    os.close(opened)
    for name, number in _STREAMS.items():
        before = getattr(sys, name)
        encoding = before.encoding if before else "utf-8"
        lasting = LastingFile(number, "w", closefd=False)
        lasting.was_closed = before is None
        buffered = io.BufferedWriter(lasting)  # type: ignore[type-var]
        by_line = name == "stderr" or lasting.isatty()
        stream = io.TextIOWrapper(buffered, encoding, "backslashreplace", line_buffering=by_line)
        setattr(sys, name, stream)


def end_streams() -> bool:
    """Flush both streams; return whether all of standard output was written, as far as anybody reads it.

    Where it could not be written, standard error says why.
    """
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    problem = getattr(getattr(sys.stdout.buffer, "raw", None), "problem", None)
    if problem is None or problem.errno in (errno.EPIPE, errno.EIO):
        return True
    print(f"output-lost: Standard output cannot be written: {problem.strerror}.", file=sys.stderr, flush=True)
    return False


def keep_interruptions() -> None:
    """Repeat an interruption that came while Python removed an object: it prints such a one and goes on."""
    print_others = sys.unraisablehook

    def after_cleaning(unraisable: Any) -> None:
        if issubclass(unraisable.exc_type, KeyboardInterrupt):
            again = threading.Timer(_AGAIN_AFTER, _thread.interrupt_main)
            again.daemon = True
            again.start()
        else:
            print_others(unraisable)

    sys.unraisablehook = after_cleaning
