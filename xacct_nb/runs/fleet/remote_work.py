"""The work on a slice in another process, which notes its calls in the spool in case it is lost."""

import multiprocessing
import signal
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from threading import current_thread, main_thread
from uuid import uuid4

from xacct_nb.errors import EvidenceLost
from xacct_nb.fleets.result import FAILED, SliceResult
from xacct_nb.runs.fleet.slice_work import SliceOutcome, SliceTask
from xacct_nb.storage.spool import AttemptFile

Work = Callable[..., SliceOutcome]


def work_elsewhere(task: SliceTask, *, do: Work, spool: str) -> SliceOutcome:
    """Do the work in this process, which another one asked for; without a spool its calls are noted nowhere.

    Where the spool cannot be written to, nothing is done.
    """
    _leave_interruptions_to_the_parent()
    if not spool:
        return do(task)
    attempt = uuid4().hex
    try:
        file = AttemptFile(Path(spool), attempt, task.slice.key)
    except EvidenceLost as problem:
        reason = f"{problem.what} {problem.why}"
        failed = SliceResult(*task.slice.key, FAILED, code=problem.code, reason=reason, hint=problem.hint)
        return SliceOutcome(failed)
    return replace(do(task, sink=file), attempt=attempt)


def _leave_interruptions_to_the_parent() -> None:
    """Let a process of a pool ignore Ctrl-C, which a terminal sends to it too: its work is awaited."""
    if multiprocessing.parent_process() and current_thread() is main_thread():
        signal.signal(signal.SIGINT, signal.SIG_IGN)
