"""A run as a person's notebook or program has it: no runner around it, the record sealed by its last cell."""

import atexit
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.examples import applied, sessions_in
from xacct_nb.aws.reader import read
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.planner import diff
from xacct_nb.errors import ApproverPlanned, InvalidInput, InvalidParameters, StalePlan, WaitingForApproval
from xacct_nb.grants.documents import build
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.start import start_run
from xacct_nb.storage.ledger import read_ledger, verify_records

PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice", "mallory"],
}


@pytest.fixture
def begin(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Run]]:
    """Begins runs in the desk's accounts; what they leave for the end of the process is taken away."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    begun = list[Run]()

    def begin(**fields: Any) -> Run:
        begun.append(start_run("mine", desk.parameters(**PROFILES, records=str(desk.records), **fields)))
        return begun[-1]

    yield begin
    for run in begun:
        atexit.unregister(run.leave)


def planned(run: Run) -> Any:
    """The sessions of a run, and the plan from what is there now."""
    sessions = run.open_sessions(run.grant())
    documents = build(run.grant())
    before = run.keep(read(documents, sessions))
    return sessions, run.keep(diff(documents, before))


def approved(plan: Any) -> Approval:
    return Approval(plan.digest, "ada", "2026-11-24T10:15:00Z")


def test_the_last_cell_seals_the_record_once(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    run.apply(plan, sessions, approved(plan))
    run.prove(run.grant(), sessions)
    first, second = run.finish(), run.finish()
    record = json.loads((Path(first.folder) / "record.json").read_text())

    assert first is second
    assert [line["status"] for line in read_ledger(desk.records)] == ["succeeded"]
    assert record["proof"]["holds"]
    assert record["plan"]["digest"] == plan.digest
    assert sorted(path.name for path in Path(first.folder).iterdir()) == [
        "SHA256SUMS",
        "record.json",
        "run.html",
    ]
    assert verify_records(desk.records) == []
    assert not (desk.records / ".work").exists()


def test_a_cell_that_applies_the_same_plan_again_shows_the_same_journal(begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    journal = run.apply(plan, sessions, approved(plan))

    assert run.apply(plan, sessions, approved(plan)) is journal


def test_a_run_changes_aws_once(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    run.apply(plan, sessions, approved(plan))
    there = desk.state()

    with pytest.raises(InvalidInput, match="This run has changed AWS already"):
        run.apply(plan.reverse(), sessions, approved(plan.reverse()))
    assert desk.state() == there


def test_a_plan_whose_resources_changed_since_is_stale(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    applied(desk.grant(), sessions_in(desk.world, desk.grant()))

    with pytest.raises(StalePlan, match="The resources have changed since this plan was made"):
        run.apply(plan, sessions, approved(plan))
    assert diff(build(desk.grant()), read(build(desk.grant()), sessions)).changes == ()


def test_what_differs_from_the_plan_that_lay_there_is_shown(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    applied(desk.grant(), sessions_in(desk.world, desk.grant()))

    with pytest.raises(StalePlan) as refused:
        run.apply(plan, sessions, approved(plan))
    assert "no longer planned: + role role/reports-reader" in refused.value.why


def test_one_person_cannot_approve_where_two_are_required(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin(two_people=True)
    sessions, plan = planned(run)
    form = run.approval(plan)
    form.approve(plan.digest)

    with pytest.raises(WaitingForApproval, match="someone else must approve it"):
        run.apply(plan, sessions, form)
    with pytest.raises(ApproverPlanned):
        run.apply(plan, sessions, Approval(plan.digest, "", ""))
    assert desk.state() == []


def test_an_approval_in_the_form_is_one_of_the_plan_of_its_run(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin(note="Agreed on Monday", ticket="CHG-7")
    sessions, plan = planned(run)
    form = run.approval(plan)
    form.approve(plan.digest)
    run.apply(plan, sessions, form)
    record = json.loads((Path(run.finish().folder) / "record.json").read_text())

    assert record["approval"]["plan"] == run.id
    assert (record["approval"]["note"], record["approval"]["ticket"]) == ("Agreed on Monday", "CHG-7")
    assert record["approval"]["planned_by"] == record["approval"]["by"]


def test_without_an_approval_nothing_changes_and_nothing_is_asked(
    desk: Desk, begin: Callable[..., Run]
) -> None:
    run = begin()
    sessions, plan = planned(run)
    journal = run.apply(plan, sessions, Approval("", "", ""))
    proof = run.prove(run.grant(), sessions)

    assert (journal.entries, proof.outcomes) == ((), ())
    assert run.finish().status == "planned"
    assert desk.state() == []


def test_who_leaves_before_anything_was_done_leaves_no_record(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    planned(run)
    run.leave()

    assert not (desk.records / ".work").exists()
    assert not (desk.records / "ledger.jsonl").exists()


def test_who_leaves_after_a_change_leaves_a_record_of_it(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    sessions, plan = planned(run)
    run.apply(plan, sessions, approved(plan))
    run.leave()

    assert [line["status"] for line in read_ledger(desk.records)] == ["interrupted"]
    assert verify_records(desk.records) == []


def test_what_was_edited_in_the_form_is_in_the_record(desk: Desk, begin: Callable[..., Run]) -> None:
    run = begin()
    edited = desk.grant(session_minutes=90)
    run.open_sessions(edited)
    record = json.loads((Path(run.finish().folder) / "record.json").read_text())

    assert record["parameters"]["session_minutes"] == 90
    assert record["parameters"]["name"] == "reports"


def test_settings_that_are_not_valid_begin_nothing(desk: Desk, begin: Callable[..., Run]) -> None:
    with pytest.raises(InvalidParameters, match="patience_seconds"):
        begin(patience_seconds=-1)

    assert not desk.records.exists()
