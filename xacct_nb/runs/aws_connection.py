"""A run's connection to AWS or the sandbox: the retries of its calls, and AWS's clock."""

from dataclasses import replace
from typing import Any, TypeVar

from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.retries import Retries
from xacct_nb.changes.clock_offset import clock_note, describe_offset
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.proof import Proof
from xacct_nb.storage.evidence import Evidence

T = TypeVar("T")


class AwsConnection:
    """Notes in a run's evidence its retries, with the seconds that they took, and how the clocks differ."""

    def __init__(self, evidence: Evidence, patience: float) -> None:
        self.evidence = evidence
        self.retries, self.clock = Retries(patience), AwsClock()
        self._noted: dict[str, Any] = {}

    def watched(self, endpoint: Endpoint) -> Endpoint:
        """Return the endpoint, whose clients retry and show AWS's time for this run."""
        return replace(endpoint, retries=self.retries, clock=self.clock)

    def note(self) -> None:
        """Write the retries and the difference of the clocks to the evidence, if they are news."""
        offset = self.clock.offset()
        found: dict[str, Any] = {"retries": self.retries.to_json()} if self.retries.count else {}
        if describe_offset(offset) and "clock_offset" not in self._noted:
            found["clock_offset"] = offset
        for kind, value in found.items():
            if self._noted.get(kind) != value:
                self.evidence.add(kind, value)
        self._noted |= found

    def annotated(self, value: T) -> T:
        """Return the value; a plan or a proof with a note where the clocks differ."""
        self.note()
        note = clock_note(self.clock.offset())
        if note and isinstance(value, Plan | Proof):
            return replace(value, notes=(*value.notes, note))
        return value
