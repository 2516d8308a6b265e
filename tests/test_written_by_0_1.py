"""What 0.1 wrote is read, shown, verified and rolled back. The files are as its runs left them."""

import atexit
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import Proof
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.errors import ApprovalUsed
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant, from_parameters
from xacct_nb.grants.state import State
from xacct_nb.records.comparison import compare
from xacct_nb.records.model import Record
from xacct_nb.runs.ledger import show_ledger, verify_ledger
from xacct_nb.runs.loading import load_grant, record_schema
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.sandboxes import throw_away_sandbox
from xacct_nb.runs.start import start_run
from xacct_nb.storage.grant_file import read_fields
from xacct_nb.storage.ledger import read_ledger, read_record
from xacct_nb.storage.snapshot_file import read_snapshot
from xacct_nb.views import html, text

FILES = Path(__file__).parent / "cases" / "written_by_0_1"
RECORDS = FILES / "records"
LINES = [json.loads(line) for line in (RECORDS / "ledger.jsonl").read_text().splitlines()]
PLANNED, SUCCEEDED, ROLLED_BACK, DIAGNOSED = NAMES = [line["id"] for line in LINES]
SECRET = "reports-2026-11"
GROUP = "arn:aws:iam::111111111111:group/analysts"


@pytest.fixture(autouse=True)
def external_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The variable that the grant file refers to, as it was when the records were made."""
    monkeypatch.setenv("REPORTS_EXTERNAL_ID", SECRET)


@pytest.fixture(scope="module")
def records(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the records: reading them may leave a lock file beside them."""
    return Path(shutil.copytree(RECORDS, tmp_path_factory.mktemp("written") / "records"))


@pytest.fixture
def grant() -> Grant:
    with pytest.warns(FutureWarning, match="carry_on is now attach_to"):
        return load_grant(FILES / "grant.yaml", allow_references=["env:REPORTS_EXTERNAL_ID"])


class TestGrants:
    def test_the_former_field_is_the_current_one(self, grant: Grant) -> None:
        assert grant.attach_to == GROUP
        assert list(build(grant).caller_policies) == [GROUP]

    def test_a_file_with_every_field_loads_with_each_of_them(self) -> None:
        fields = read_fields(FILES / "every_field.json")

        with pytest.warns(FutureWarning, match="carry_on is now attach_to"):
            loaded = from_parameters(fields).to_json()

        assert loaded.pop("attach_to") == fields.pop("carry_on")
        since = {"self_assume": False, "manage": "role", "expires": "", "caller_reach": "roles"}
        since["outside_roles"] = []
        assert loaded == {**since, **fields}

    @pytest.mark.parametrize("name", [PLANNED, SUCCEEDED])
    def test_the_same_grant_has_the_same_digest(self, name: str, grant: Grant) -> None:
        written = content(name)
        before = State.from_json(written["state"]["before"])

        assert diff(build(grant), before).digest == written["plan"]["digest"]


class TestRecords:
    def test_there_is_one_of_each_kind(self) -> None:
        statuses = [(line["notebook"], line["status"]) for line in LINES]

        assert statuses == [
            ("plan_and_apply", "planned"),
            ("plan_and_apply", "succeeded"),
            ("plan_and_apply", "rolled-back"),
            ("diagnose_a_denial", "succeeded"),
        ]

    @pytest.mark.parametrize("name", NAMES)
    def test_a_record_is_read_and_gives_back_what_it_was_read_from(self, records: Path, name: str) -> None:
        record = read_record(records, name)

        assert json.loads(json.dumps(record.to_json())) == content(name)
        assert Record.from_json(record.to_json()) == record

    @pytest.mark.parametrize("name", NAMES)
    def test_a_record_fits_the_schema(self, name: str) -> None:
        jsonschema.validate(content(name), record_schema())

    @pytest.mark.parametrize("name", NAMES)
    def test_a_record_shows_its_run(self, records: Path, name: str) -> None:
        record = read_record(records, name)

        for shown in (text(record.view()), html(record.view())):
            assert f"Record {name}" in shown
            assert record.summary.partition(". ")[0] in shown
            assert record.host.name in shown

    def test_plans_journals_and_proofs_are_read_whole(self) -> None:
        written = content(SUCCEEDED)

        assert Plan.from_json(written["plan"]).to_json() == written["plan"]
        assert Journal.from_json(written["journal"]).to_json() == written["journal"]
        assert Proof.from_json(written["proof"]).to_json() == written["proof"]
        assert Proof.from_json(written["proof"]).holds
        assert State.from_json(written["state"]["after"]).to_json() == written["state"]["after"]

    def test_a_diagnosis_is_read_whole(self) -> None:
        written = content(DIAGNOSED)["diagnosis"]

        assert as_far_as(written, Diagnosis.from_json(written).to_json()) == written

    def test_the_snapshot_is_read(self) -> None:
        written = json.loads((FILES / "snapshot.json").read_text())

        assert as_far_as(written, read_snapshot(FILES / "snapshot.json").to_json()) == written

    def test_two_records_are_compared(self, records: Path) -> None:
        found = compare(read_record(records, PLANNED), read_record(records, SUCCEEDED))

        assert {each.part for each in found.differences} == {"course", "parameters", "state", "proof"}


class TestTheLedger:
    def test_it_lists_every_record(self, records: Path) -> None:
        assert [line["id"] for line in read_ledger(records)] == NAMES
        assert SUCCEEDED in str(show_ledger(str(records)))

    def test_all_are_as_they_were_sealed(self, records: Path) -> None:
        assert str(verify_ledger(records)).startswith("4 records, all whole.")

    def test_a_changed_byte_is_found(self, tmp_path: Path) -> None:
        changed = Path(shutil.copytree(RECORDS, tmp_path / "records"))
        page = changed / SUCCEEDED / "run.html"
        page.write_text(page.read_text().replace("alice", "mallory", 1))

        assert verify_ledger(changed).broken == (f"{SUCCEEDED}/run.html: was changed",)


@pytest.fixture
def runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A sandbox in which nothing was granted yet, and a copy of the records in which runs are recorded."""
    records = Path(shutil.copytree(RECORDS, tmp_path / "records"))
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    with throw_away_sandbox() as sandbox:
        monkeypatch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))
        yield records


class TestRollBack:
    def test_a_change_of_0_1_is_rolled_back(self, runs: Path, grant: Grant) -> None:
        written = content(SUCCEEDED)
        before, made, after = apply_again(runs.parent / "others", grant)

        undo = begin("roll_back", runs, record=SUCCEEDED).undo()
        plan = undo.run.keep(undo.plan())
        undo.apply(Approval(plan.digest, "ada", "2026-11-28T16:00:00Z"))
        undone = read_record(runs, undo.run.finish().record).to_json()

        assert made == written["plan"]["digest"]
        assert after == written["state"]["after"]
        assert plan.summary == "Plan: 0 to add, 0 to change, 4 to destroy."
        assert (undone["status"], undone["undoes"]) == ("succeeded", SUCCEEDED)
        assert undone["state"]["after"] == before == written["state"]["before"]
        assert verify_ledger(runs).broken == ()

    def test_an_approval_that_0_1_used_is_not_used_again(self, runs: Path, grant: Grant) -> None:
        with pytest.raises(ApprovalUsed, match="was used already"):
            apply_again(runs, grant)


def apply_again(records: Path, grant: Grant) -> tuple[Any, str, Any]:
    """Make the change of the record in this sandbox; return the state before, the digest, the state after."""
    run = begin("plan_and_apply", records, **{**grant.to_json(), "conditions": {"external_id": SECRET}})
    sessions, documents = run.open_sessions(grant), build(grant)
    before = state_now(run, grant, sessions)
    plan = run.keep(diff(documents, State.from_json(before)))
    run.apply(plan, sessions, Approval(plan.digest, "ada", "2026-11-28T16:00:00Z"))
    after = state_now(run, grant, sessions)
    run.finish()
    return before, plan.digest, after


def state_now(run: Run, grant: Grant, sessions: Any) -> Any:
    from xacct_nb.aws.reader import read

    return run.keep(read(build(grant), sessions)).to_json()


def begin(notebook: str, records: Path, **fields: Any) -> Run:
    """Begin a run in the sandbox as a notebook does; it is not left to the end of the process."""
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    run = start_run(notebook, {"patience_seconds": 1, "records": str(records), **profiles, **fields})
    atexit.unregister(run.leave)
    return run


def content(name: str) -> dict[str, Any]:
    """Return the record.json of a record."""
    return dict(json.loads((RECORDS / name / "record.json").read_text()))


def as_far_as(written: Any, read: Any) -> Any:
    """What was read, without the fields that are new and empty."""
    if isinstance(written, dict):
        added = {name: value for name, value in read.items() if name not in written and value}
        return {name: as_far_as(value, read[name]) for name, value in written.items()} | added
    if isinstance(written, list) and len(written) == len(read):
        return [as_far_as(*pair) for pair in zip(written, read, strict=True)]
    return read
