"""A bad day on purpose: in a sandbox of one's own AWS is late, throttles, fails or hangs up."""

import atexit
import time
from contextlib import ExitStack
from dataclasses import dataclass

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Endpoint, Sessions, open_sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, Proof, assume_parameters
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.faults.statistics import Misbehaviour
from xacct_nb.sandbox.server import client
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import Page, Shown, Table, Text, View

CALLER = "alice"
GRANT = Grant(
    name="bad-day",
    sources=["arn:aws:iam::111111111111:user/alice"],
    destinations=["arn:aws:iam::222222222222:role/reports-reader"],
    permissions=[{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
)


@dataclass(frozen=True)
class AssumeTry:
    """One try to assume the role: seconds since the first one, the verdict, AWS's code for a denial."""

    seconds: float
    verdict: str
    detail: str


@dataclass(frozen=True, repr=False)
class AssumeTries(Shown):
    """All tries until one was let in, or until the patience was over."""

    attempts: tuple[AssumeTry, ...]

    @property
    def last(self) -> AssumeTry:
        """The one that decided."""
        return self.attempts[-1]

    def view(self) -> View:
        """One line a try."""
        rows = tuple((f"{each.seconds:.1f} s", each.verdict, each.detail) for each in self.attempts)
        tones = tuple("good" if each.verdict == ALLOWED else "bad" for each in self.attempts)
        table = Table(("after", "AssumeRole", "AWS says"), rows, tones=tones)
        done = "Let in" if self.last.verdict == ALLOWED else "Still not let in"
        words = f"{done} after {self.last.seconds:.1f} s, at try {len(self.attempts)}."
        return Page("alice assumes the role", (table, Text(words, tones[-1])))


@dataclass(frozen=True, repr=False)
class Rehearsal(Shown):
    """A throw-away sandbox with one grant to make and take back, under whatever faults are set."""

    sandbox: Sandbox
    sessions: Sessions

    def misbehave(self, *faults: Fault, seed: int = 0) -> Misbehaviour:
        """From now on these faults strike, and no others; none given, AWS behaves. Raises InvalidFault."""
        return client.misbehave(self.sandbox, *faults, seed=seed)

    def misbehaviour(self) -> Misbehaviour:
        """The faults that are set, with their counts."""
        return client.misbehaviour(self.sandbox)

    def let_in(self, patience: float = 0.0) -> Journal:
        """Makes the grant; waits so many seconds for IAM. Raises RolledBack, RollbackFailed."""
        documents = build(GRANT)
        plan = diff(documents, read(documents, self.sessions))
        return apply(plan, self.sessions, approved=plan.digest, patience=patience)

    def watch(self, patience: float = 120.0, pause: float = 1.0) -> AssumeTries:
        """Assumes the role as alice again and again, until it works or the seconds of patience are over."""
        began, attempts = time.monotonic(), [self._try(0.0)]
        while attempts[-1].verdict != ALLOWED and attempts[-1].seconds < patience:
            time.sleep(pause)
            attempts.append(self._try(time.monotonic() - began))
        return AssumeTries(tuple(attempts))

    def prove(self, patience: float = 0.0) -> Proof:
        """Asks every question of the grant."""
        return prove(GRANT, self.sessions, patience=patience)

    def take_back(self, journal: Journal) -> Journal:
        """Takes back what a journal says was done. Raises RollbackFailed."""
        return rollback(journal, self.sessions)

    def view(self) -> View:
        """Where it is, and who is in it."""
        where = Text(f"A sandbox of its own at {self.sandbox.endpoint}; it ends with this process.", "note")
        return Page("Rehearsal", (where, self.sessions.view()))

    def _try(self, seconds: float) -> AssumeTry:
        sts = self.sessions.client(CALLER, "sts")
        parameters = assume_parameters(GRANT, GRANT.destinations[0], "", CALLER)
        given = call_aws(lambda: sts.assume_role(**parameters))
        return AssumeTry(round(seconds, 1), given.verdict, given.detail)


def rehearse() -> Rehearsal:
    """A rehearsal in a new sandbox, which ends with this process. Raises SandboxError."""
    stack = ExitStack()
    atexit.register(stack.close)
    sandbox = stack.enter_context(throw_away_sandbox())
    endpoint = Endpoint(str(sandbox.config_file), str(sandbox.credentials_file), sandbox.endpoint)
    sessions = open_sessions(
        GRANT,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        caller_profiles=[CALLER, "mallory"],
        endpoint=endpoint,
    )
    return Rehearsal(sandbox, sessions)
