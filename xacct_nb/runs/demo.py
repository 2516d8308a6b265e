"""The main job, for the article's own case, in a throw-away sandbox."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.parameters import grant_of
from xacct_nb.runs.notebooks import find_notebook, known_parameters
from xacct_nb.runs.runner import Progress, RunResult, run
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import Page, Shown, Text, View

NOTEBOOK = "plan_and_apply"


class Demonstration(Shown):
    """What the demo shows: accounts, policies, plan, proof, outcome, and the path of the record."""

    def __init__(self, grant: Grant, ended: RunResult) -> None:
        self.grant, self.ended = grant, ended

    def to_json(self) -> dict[str, Any]:
        """What `demo --json` prints."""
        record = self.ended.record
        return {"status": record.status, "record": str(self.ended.folder), "seconds": record.seconds}

    def view(self) -> View:
        """The main job as one page."""
        return Page("One grant, planned, applied, proven and recorded", tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        record, grant = self.ended.record, self.grant
        yield Text(
            f"Source account {', '.join(grant.source_accounts)}: {grant.sources[0]} wants in.\n"
            f"Destination account {', '.join(grant.destination_accounts)}: it gets {grant.destinations[0]}."
        )
        yield build(grant).view()
        if record.plan:
            yield record.plan.overview()
        if record.journal:
            yield record.journal.view()
        if record.proof:
            yield record.proof.view()
        if record.error:
            yield Text(str(record.error.what), "bad")
        good = record.status == "succeeded"
        yield Text(f"Outcome: {record.status} in {record.seconds:.2f} s", "good" if good else "bad")
        yield Text(f"Record: {self.ended.folder}")


def demonstrate(records: str = "", tell: Progress | None = None) -> Demonstration:
    """Plans the notebook's own grant in a sandbox of its own, approves exactly that, applies and proves it.

    Raises SandboxError, and what `run` raises.
    """
    known = known_parameters(find_notebook(NOTEBOOK))
    grant = grant_of({name: parameter.default for name, parameter in known.items()})
    with throw_away_sandbox() as sandbox, _used(sandbox):
        planned = run(NOTEBOOK, records=records, tell=tell)
        digest = planned.record.plan.digest if planned.record.plan else ""
        return Demonstration(grant, run(NOTEBOOK, records=records, approve=digest, tell=tell))


@contextmanager
def _used(sandbox: Sandbox) -> Iterator[None]:
    """Lets the kernels that are started here find this sandbox."""
    before = os.environ.get("XACCT_SANDBOX_DIR")
    os.environ["XACCT_SANDBOX_DIR"] = str(sandbox.folder)
    try:
        yield
    finally:
        os.environ.pop("XACCT_SANDBOX_DIR")
        if before is not None:
            os.environ["XACCT_SANDBOX_DIR"] = before
