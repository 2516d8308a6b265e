"""Standard output and standard error that a command can always write to, whatever became of the terminal."""

import errno
import io
import os
import sys

_STREAMS = {"stdout": 1, "stderr": 2}


class LastingFile(io.FileIO):
    """A file whose first failed write is in `problem`, and no error: its reader has gone, or it is full."""

    problem: OSError | None = None

    def write(self, data: "bytes | memoryview", /) -> int:  # type: ignore[override]
        """Write the bytes, and return how many were taken: all of them after a failure."""
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
