"""A process that applies a plan or rolls it back, and kills itself at a chosen point."""

import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.storage.evidence import FILE, Evidence, events

# The calls to the system that write, by the names of their audit events, and those that lock.
FILE_CALLS = ("open", "os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.truncate", "fcntl.flock")
Action = Callable[[Sessions, "KillableEvidence"], None]


@dataclass
class KillPoint:
    """Counts the points that a process reaches, and kills it with SIGKILL when none is left.

    `everywhere`, every call to AWS has two points (before the request is sent, and after the response) and
    every line of the evidence three (before it is written, torn, and on disk); otherwise only writes to AWS.
    """

    left: int
    everywhere: bool
    lock: Any = field(default_factory=threading.Lock, repr=False)

    def reach(self, just_before: Callable[[], Any] = lambda: None) -> None:
        with self.lock:  # other threads stand still where this process dies
            self.left -= 1
            if self.left == 0:
                just_before()
                os.kill(os.getpid(), signal.SIGKILL)

    def follow(self, sessions: Sessions) -> None:
        for identity in sessions.identities:
            service = "sts" if identity.part == "caller" else "iam"
            hooks = sessions.client(identity.profile, service).meta.events
            hooks.register(f"before-send.{service}", self._called)
            hooks.register(f"response-received.{service}", self._called)

    def _called(self, event_name: str, **about: Any) -> None:
        operation = event_name.rpartition(".")[2]
        if self.everywhere or not operation.startswith(("Get", "List", "AssumeRole")):
            self.reach()


def kill_before_file_call(number: int) -> None:
    """Let this process be killed before the call in FILE_CALLS of that number."""
    point = KillPoint(number, everywhere=True)
    sys.addaudithook(lambda event, _: point.reach() if event in FILE_CALLS else None)


@dataclass
class KillableEvidence:
    """The evidence of a run."""

    evidence: Evidence
    kill_point: KillPoint

    def append(self, entry: Entry) -> None:
        self.add("entry", entry.__dict__)

    def add(self, kind: str, value: Any) -> None:
        if self.kill_point.everywhere:
            self.kill_point.reach()
            self.kill_point.reach(lambda: torn_line(self.evidence, kind, value))
        self.evidence.add(kind, value)
        if self.kill_point.everywhere:
            self.kill_point.reach()


def torn_line(evidence: Evidence, kind: str, value: Any) -> None:
    """Write the first half of a line."""
    line = json.dumps({"kind": kind, "value": value})
    with (evidence.folder / FILE).open("a") as file:
        file.write(line[: len(line) // 2])


def apply_plan(plan: Plan, sessions: Sessions, evidence: KillableEvidence) -> None:
    evidence.evidence.add("plan", plan.to_json())
    journal = apply(plan, sessions, approved=plan.digest, journal=evidence, patience=10)
    evidence.add("journal", journal.to_json())


def roll_back(journal: Journal, sessions: Sessions, evidence: KillableEvidence) -> None:
    evidence.add("journal", rollback(journal, sessions, sink=evidence, patience=10).to_json())


def kills(folder: Path, everywhere: bool) -> Iterator[tuple[int, "Killing"]]:
    """Yield one killing for each point; an action that is not killed has reached its end."""
    number = 0
    while True:
        number += 1
        yield number, Killing(folder / f"{number}", KillPoint(number, everywhere))


@dataclass(frozen=True)
class Killing:
    folder: Path
    kill_point: KillPoint

    def __call__(self, sessions: Sessions, action: Action) -> bool:
        """Run the action in its own process; return whether it was killed."""
        self.folder.mkdir()
        child = os.fork()
        if child == 0:
            self._run_and_die(sessions, action)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, (self.folder / "error").read_text()
        return os.WIFSIGNALED(status)

    def record(self) -> Record:
        """Return the record from the run's evidence."""
        return Record(
            self.folder.name,
            "plan_and_apply",
            "kernel-died",
            "",
            "",
            0.0,
            **fields_from_events(events(self.folder)),
        )

    def _run_and_die(self, sessions: Sessions, action: Action) -> None:
        """Never return, so that what is open in the parent stays as it is."""
        try:
            own = replace(sessions, _clients={})
            self.kill_point.follow(own)
            action(own, KillableEvidence(Evidence(self.folder), self.kill_point))
            os._exit(0)
        except BaseException as problem:
            (self.folder / "error").write_text(repr(problem))
            os._exit(1)
