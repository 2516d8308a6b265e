"""The demo: one grant planned, applied, proven and recorded in a throw-away sandbox."""

from collections.abc import Iterator
from typing import Any

from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.jupyter.prepared import PreparedKernel
from xacct_nb.records.fields import status_tone
from xacct_nb.records.model import Record
from xacct_nb.runs.notebooks import find_notebook, known_parameters
from xacct_nb.runs.progress import Progress
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import Page, Shown, Text, View

NOTEBOOK = "plan_and_apply"


class Demonstration(Shown):
    """The result of the demo: accounts, policies, plan, proof, outcome, and the record's folder."""

    def __init__(self, grant: Grant, result: RunResult) -> None:
        self.grant, self.result = grant, result

    @property
    def record(self) -> Record:
        """The record of the run that applied the grant."""
        return self.result.record

    def to_json(self) -> dict[str, Any]:
        """Return what `demo --json` prints."""
        status, seconds = self.record.status, self.record.seconds
        return {"status": status, "record": str(self.result.folder), "seconds": seconds}

    def view(self) -> View:
        """Return the whole demo as one page."""
        return Page("One grant, planned, applied, proven and recorded", tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        record, grant = self.record, self.grant
        source, destination = ", ".join(grant.source_accounts), ", ".join(grant.destination_accounts)
        yield Text(
            f"Source account {source}: {grant.sources[0]} is to assume a role.\n"
            f"Destination account {destination}: the role is {grant.destinations[0]}."
        )
        yield build(grant).view()
        if record.plan:
            yield record.plan.overview()
        if record.journal:
            yield record.journal.view()
        if record.proof:
            yield record.proof.view()
        if record.error:
            yield Text(record.error.what, "bad")
        yield Text(f"Outcome: {record.status} in {record.seconds:.2f} s", status_tone(record.status))
        yield Text(f"Record: {self.result.folder}")


def demonstrate(records: str = "", report: Progress | None = None) -> Demonstration:
    """Plan the notebook's example grant in a new sandbox, approve exactly that plan, apply it and prove it.

    Raises SandboxError, and what `run` raises.
    """
    known = known_parameters(find_notebook(NOTEBOOK))
    grant = grant_of({name: parameter.default for name, parameter in known.items()})
    with throw_away_sandbox() as sandbox:
        planned = _run(sandbox, records, report)
        digest = planned.record.plan.digest if planned.record.plan else ""
        return Demonstration(grant, _run(sandbox, records, report, digest))


def _run(sandbox: Sandbox, records: str, report: Progress | None, approve: str = "") -> RunResult:
    """Run the notebook in a kernel that uses this sandbox."""
    with PreparedKernel(()) as kernel:
        kernel.environment["XACCT_SANDBOX_DIR"] = str(sandbox.folder)
        return run(NOTEBOOK, records=records, approve=approve, report=report, prepared=kernel)
