"""Prepares the process that becomes the kernel of a notebook that is graded: its limits, its imports."""

import resource
from contextlib import suppress

MOST_MEMORY = 2 * 1024**3  # bytes of data of one process
_MOST_FILE = 256 * 1024**2  # bytes of one file


def prepare() -> None:
    """Load what the cells of a sheet need, and limit what the process and those below it can use."""
    from xacct_nb.aws import clients
    from xacct_nb.workshop import graded_sheet, opening, sheets  # noqa: F401

    clients.warm_up()
    sheets.all_sheets()
    for limited, most in ((resource.RLIMIT_DATA, MOST_MEMORY), (resource.RLIMIT_FSIZE, _MOST_FILE)):
        with suppress(ValueError, OSError):  # a lower limit is there already
            resource.setrlimit(limited, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
