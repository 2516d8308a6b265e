"""A process that applies a plan or takes it back, and kills itself at a point that is chosen."""

import json
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.records.model import Record, fields_from_events
from xacct_nb.storage.evidence import FILE, Evidence, events

Deed = Callable[[Sessions, "Notes"], None]


@dataclass
class Fate:
    """Counts the points that a process comes by, and kills it with SIGKILL when none is left.

    `everywhere`, every call to AWS has two points (before the request leaves, and when AWS has answered) and
    every line of the evidence three (before it is written, torn, and on disk); otherwise only writes to AWS.
    """

    left: int
    everywhere: bool

    def comes_by(self, just_before: Callable[[], Any] = lambda: None) -> None:
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
            self.comes_by()


@dataclass
class Notes:
    """The evidence of a run."""

    evidence: Evidence
    fate: Fate

    def append(self, entry: Entry) -> None:
        self.add("entry", entry.__dict__)

    def add(self, kind: str, value: Any) -> None:
        if self.fate.everywhere:
            self.fate.comes_by()
            self.fate.comes_by(lambda: self._torn(kind, value))
        self.evidence.add(kind, value)
        if self.fate.everywhere:
            self.fate.comes_by()

    def _torn(self, kind: str, value: Any) -> None:
        line = json.dumps({"kind": kind, "value": value})
        with (self.evidence.folder / FILE).open("a") as file:
            file.write(line[: len(line) // 2])


def applies(plan: Plan, sessions: Sessions, notes: Notes) -> None:
    notes.evidence.add("plan", plan.to_json())
    journal = apply(plan, sessions, approved=plan.digest, journal=notes, patience=1)
    notes.add("journal", journal.to_json())


def takes_back(journal: Journal, sessions: Sessions, notes: Notes) -> None:
    notes.add("journal", rollback(journal, sessions, sink=notes, patience=1).to_json())


def kills(folder: Path, everywhere: bool) -> Iterator[tuple[int, "Killing"]]:
    """One killing a point, for all the points there may be; a deed that is not killed came to its end."""
    number = 0
    while True:
        number += 1
        yield number, Killing(folder / f"{number}", Fate(number, everywhere))


@dataclass(frozen=True)
class Killing:
    folder: Path
    fate: Fate

    def __call__(self, sessions: Sessions, deed: Deed) -> bool:
        """Whether the deed, in a process of its own, was killed."""
        self.folder.mkdir()
        child = os.fork()
        if child == 0:
            self._die_doing(sessions, deed)
        status = os.waitpid(child, 0)[1]
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, (self.folder / "error").read_text()
        return os.WIFSIGNALED(status)

    def record(self) -> Record:
        """What the evidence of the run says of it."""
        return Record(
            self.folder.name,
            "plan_and_apply",
            "kernel-died",
            "",
            "",
            0.0,
            **fields_from_events(events(self.folder)),
        )

    def _die_doing(self, sessions: Sessions, deed: Deed) -> None:
        """Never returns: what is open in the parent stays as it is."""
        try:
            own = replace(sessions, _clients={})
            self.fate.follow(own)
            deed(own, Notes(Evidence(self.folder), self.fate))
            os._exit(0)
        except BaseException as problem:
            (self.folder / "error").write_text(repr(problem))
            os._exit(1)
