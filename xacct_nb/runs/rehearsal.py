"""A rehearsal of faults: in a separate sandbox, AWS is slow, throttles, fails or closes connections."""

import atexit
import time
from contextlib import ExitStack
from dataclasses import dataclass

from xacct_nb.aws.answers import call_aws
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, Proof, assume_parameters
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.runs.sandboxes import sandbox_endpoint, throw_away_sandbox
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
    """One call of AssumeRole: seconds since the first one, the verdict, AWS's error code."""

    seconds: float
    verdict: str
    detail: str


@dataclass(frozen=True, repr=False)
class AssumeTries(Shown):
    """All calls until AWS allowed one, or until the patience was over."""

    tries: tuple[AssumeTry, ...]

    @property
    def last(self) -> AssumeTry:
        """The last call, which decided."""
        return self.tries[-1]

    def view(self) -> View:
        """Return one line for each call."""
        rows = tuple((f"{each.seconds:.1f} s", each.verdict, each.detail) for each in self.tries)
        tones = tuple("good" if each.verdict == ALLOWED else "bad" for each in self.tries)
        table = Table(("after", "AssumeRole", "AWS's answer"), rows, tones=tones)
        verdict = "Allowed" if self.last.verdict == ALLOWED else "Still denied"
        text = f"{verdict} after {self.last.seconds:.1f} s, at call {len(self.tries)}."
        return Page("alice assumes the role", (table, Text(text, tones[-1])))


@dataclass(frozen=True, repr=False)
class Rehearsal(Shown):
    """A throw-away sandbox with one grant to apply and to roll back while faults strike."""

    sandbox: Sandbox
    sessions: Sessions

    def misbehave(self, *faults: Fault, seed: int = 0) -> Misbehaviour:
        """Set these faults and no others; without any, AWS works normally. Raises InvalidFault."""
        return client.misbehave(self.sandbox, *faults, seed=seed)

    def misbehaviour(self) -> Misbehaviour:
        """Return the faults that are set, with their counts."""
        return client.misbehaviour(self.sandbox)

    def let_in(self, patience: float = 0.0) -> Journal:
        """Apply the grant; wait for IAM at most `patience` seconds. Raises RolledBack, RollbackFailed."""
        documents = build(GRANT)
        plan = diff(documents, read_resources(documents, self.sessions))
        return apply(plan, self.sessions, approved=plan.digest, patience=patience)

    def watch(self, patience: float = 120.0, pause: float = 1.0) -> AssumeTries:
        """Assume the role as alice again and again, until AWS allows it or `patience` seconds are over."""
        began, tries = time.monotonic(), [self._try(0.0)]
        while tries[-1].verdict != ALLOWED and tries[-1].seconds < patience:
            time.sleep(pause)
            tries.append(self._try(time.monotonic() - began))
        return AssumeTries(tuple(tries))

    def prove(self, patience: float = 0.0) -> Proof:
        """Send every probe of the grant to AWS."""
        return prove(GRANT, self.sessions, patience=patience)

    def take_back(self, journal: Journal) -> Journal:
        """Roll back what a journal lists. Raises RollbackFailed."""
        return rollback(journal, self.sessions)

    def view(self) -> View:
        """Return where the sandbox is, and its sessions."""
        where = Text(f"A separate sandbox at {self.sandbox.endpoint}; it ends with this process.", "note")
        return Page("Rehearsal", (where, self.sessions.view()))

    def _try(self, seconds: float) -> AssumeTry:
        sts = self.sessions.client(CALLER, "sts")
        parameters = assume_parameters(GRANT, GRANT.destinations[0], "", CALLER)
        given = call_aws(lambda: sts.assume_role(**parameters))
        return AssumeTry(round(seconds, 1), given.verdict, given.detail)


def rehearse() -> Rehearsal:
    """Return a rehearsal in a new sandbox, which ends with this process. Raises SandboxError."""
    stack = ExitStack()
    atexit.register(stack.close)
    sandbox = stack.enter_context(throw_away_sandbox())
    sessions = open_sessions(
        GRANT,
        source_profiles=["source-admin"],
        destination_profiles=["destination-admin"],
        caller_profiles=[CALLER, "mallory"],
        endpoint=sandbox_endpoint(sandbox),
    )
    return Rehearsal(sandbox, sessions)
