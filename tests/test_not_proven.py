"""A run is green only where AWS gave a positive answer for each permission; else it ends `not-proven`."""

import atexit
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk, notebook
from support.examples import applied, sessions_in
from xacct_nb.aws.reader import read
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.planner import diff
from xacct_nb.errors import EXIT_CODES
from xacct_nb.grants.documents import build
from xacct_nb.linting.findings import lint
from xacct_nb.records.history import History
from xacct_nb.records.model import Record
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.start import start_run
from xacct_nb.storage.ledger import read_ledger, read_record

CALLERS = {"caller_profiles": ["alice", "mallory"]}


@pytest.fixture
def start(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """Start runs in the desk's accounts, and remove their handlers for the end of the process."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    started = list[Run]()

    def start(notebook: str = "plan_and_apply", **fields: Any) -> Run:
        values = desk.parameters(**profiles, **CALLERS, records=str(desk.records), **fields)
        started.append(start_run(notebook, values))
        return started[-1]

    yield start
    for run in started:
        atexit.unregister(run.leave)


def changed(run: Run) -> Any:
    """Plan, approve and apply the grant of a run; return its sessions."""
    sessions, documents = run.open_sessions(run.grant()), build(run.grant())
    plan = run.keep(diff(documents, run.keep(read(documents, sessions))))
    run.apply(plan, sessions, Approval(plan.digest, "ada", ""))
    return sessions


def sealed(desk: Desk, run: Run) -> Record:
    return read_record(desk.records, run.finish().record)


def status_tone(record: Record) -> str:
    """The tone in which the record's page shows its status."""
    found = re.search(rf'<p class="xacct-text (\w+)">{record.status}\. ', record._repr_html_())
    return found[1] if found else ""


class TestChange:
    def test_whose_proof_is_skipped_is_not_proven_and_says_so(
        self, desk: Desk, start: Callable[..., Run]
    ) -> None:
        run = start()
        changed(run)
        record = sealed(desk, run)

        assert (record.status, EXIT_CODES[record.status]) == ("not-proven", 8)
        assert record.error
        assert record.error.what == "The access is not proven: the proof was not asked."
        assert record.error.hint == (
            "Ask for it: the notebook 30_prove_the_access, or xacct-nb run prove_the_access -f GRANT"
        )
        assert status_tone(record) == "change"
        assert 'class="change"' in History(read_ledger(desk.records))._repr_html_()
        assert record.left_changes

    def test_that_is_proven_is_green(self, desk: Desk, start: Callable[..., Run]) -> None:
        run = start()
        run.prove(run.grant(), changed(run))
        record = sealed(desk, run)

        assert (record.status, record.error) == ("succeeded", None)
        assert status_tone(record) == "good"

    def test_with_a_typo_in_an_action_is_found_before_and_is_not_proven(
        self, desk: Desk, start: Callable[..., Run]
    ) -> None:
        mistyped = {"actions": ["s3:GetObjct"], "resources": [f"arn:aws:s3:::{desk.world.bucket}/*"]}
        run = start(permissions=[*desk.parameters()["permissions"], mistyped])
        found = lint(build(run.grant())).found
        proof = run.prove(run.grant(), changed(run))
        record = sealed(desk, run)

        assert [each.mend for each in found if each.code == "unknown-action"] == ["Write s3:GetObject."]
        assert (proof.verdict, proof.to_json()["verdict"]) == ("not-proven", "not-proven")
        assert record.status == "not-proven"
        assert record.error
        assert "s3:GetObjct, by user/alice" in record.error.why
        assert status_tone(record) == "change"

    def test_of_a_caller_without_a_profile_is_not_proven(self, desk: Desk, start: Callable[..., Run]) -> None:
        run = start()
        run.settings = run.settings.model_copy(update={"caller_profiles": ["mallory"]})
        run.prove(run.grant(), changed(run))
        record = sealed(desk, run)

        assert record.status == "not-proven"
        assert record.error
        assert "No profile with this caller's credentials was given." in record.error.why


class TestProvingNotebook:
    def test_without_its_proof_is_not_proven(self, desk: Desk, start: Callable[..., Run]) -> None:
        record = sealed(desk, start("prove_the_access"))

        assert record.status == "not-proven"

    def test_says_that_a_side_lacks_something_before_it_says_that_nothing_was_asked(self, desk: Desk) -> None:
        ended = replace(desk, in_process=True).run("prove_the_access", caller_profiles=["mallory"])

        assert ended.record.status == "proof-failed"
        assert "source side" in ended.record.error.why

    def test_of_a_grant_that_is_whole_and_has_no_caller_is_not_proven(self, desk: Desk) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        ended = replace(desk, in_process=True).run("prove_the_access", caller_profiles=["mallory"])

        assert ended.record.status == "not-proven"


def test_a_notebook_that_applies_and_has_no_proof_ends_not_proven_headless(
    desk: Desk, tmp_path: Path
) -> None:
    bare = notebook(
        tmp_path / "bare.ipynb",
        'name: str = "reports"  # grant\nsources: list = []  # who\ndestinations: list = []  # roles\n'
        'permissions: list = []  # what\napprove: str = ""  # digest\nsandbox: bool = False  # place\n'
        'source_profiles: list = ["source-admin"]  # profiles\n'
        'destination_profiles: list = ["destination-admin"]  # profiles',
        "import xacct_nb as xa\nrun = xa.start_run('bare', globals())\ngrant = run.grant()",
        "sessions = run.open_sessions(grant)\nbefore = run.keep(xa.read(xa.build(grant), sessions))\n"
        "plan = run.keep(xa.diff(xa.build(grant), before))",
        "run.apply(plan, sessions, run.approval(plan))",
    )
    ended = desk.run(bare, approve=desk.plan().digest, **desk.parameters())

    assert ended.to_json()["status"] == "not-proven"
    assert ended.to_json()["error"]["code"] == "not-proven"
    assert desk.state() != []
