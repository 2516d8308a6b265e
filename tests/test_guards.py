"""No step of a run acts on a value that its form does not have any more, nor after its record is sealed."""

import atexit
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.form_texts import text_of_html
from xacct_nb.aws.reader import read
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.planner import diff
from xacct_nb.errors import InvalidGrant, InvalidInput, MissingProfile, OutOfDate, WaitingForApproval
from xacct_nb.grants.documents import build
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.start import start_run
from xacct_nb.storage.ledger import read_ledger

PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice", "mallory"],
}


class Person:
    """A person in a notebook: a run with its form, and what its cells have made so far."""

    def __init__(self, run: Run) -> None:
        self.run, self.form = run, run.form()

    def plan(self) -> Any:
        """Run the cells up to the field for the approval."""
        self.sessions = self.run.open_sessions(self.form.grant)
        documents = build(self.form.grant)
        before = self.run.keep(read(documents, self.sessions))
        self.planned = self.run.keep(diff(documents, before))
        self.approval = self.run.approval(self.planned)
        return self.planned

    def type(self, **fields: Any) -> None:
        self.form.fill({each.name: each.value for each in self.form.fields()} | fields)

    def approve(self) -> None:
        self.approval.approve(self.planned.digest)

    def apply(self) -> Any:
        return self.run.apply(self.planned, self.sessions, self.approval)


@pytest.fixture
def person(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Person]]:
    """Begins runs in the desk's accounts; what they leave for the end of the process is taken away."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    begun = list[Person]()

    def begin(**fields: Any) -> Person:
        run = start_run("mine", desk.parameters(records=str(desk.records), **PROFILES | fields))
        begun.append(Person(run))
        return begun[-1]

    yield begin
    for each in begun:
        atexit.unregister(each.run.leave)


def shown(form: Any) -> str:
    """What the widget of an approval shows below its fields."""
    return text_of_html(form.widget.children[-1].value)


def test_a_change_of_the_form_stops_every_step_after_it(desk: Desk, person: Callable[..., Person]) -> None:
    ada = person()
    plan, before = ada.plan(), ada.form.grant
    shown(ada.approval)
    ada.approve()
    ada.type(session_minutes=90)
    steps: list[Callable[[], Any]] = [
        lambda: ada.run.open_sessions(before),
        lambda: ada.run.keep(plan),
        lambda: ada.run.approval(plan),
        ada.apply,
        lambda: ada.run.prove(before, ada.sessions),
    ]

    for step in steps:
        with pytest.raises(OutOfDate, match="The form has another grant"):
            step()
    assert ada.approval.digest == ""
    assert "The form was changed since this plan was made" in shown(ada.approval)
    *_, fields, button, _ = ada.approval.widget.children
    assert [each.children[0].disabled for each in fields.children] == [True, True]
    assert button.disabled
    assert desk.state() == []


def test_an_approval_that_became_void_stays_void_when_the_form_is_changed_back(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.type(session_minutes=90)
    ada.type(session_minutes=60)
    ada.approve()

    with pytest.raises(WaitingForApproval, match="The approval is void"):
        ada.apply()
    assert desk.state() == []
    ada.plan()
    ada.approve()
    assert ada.apply().entries


def test_an_invalid_form_stops_every_step_after_it(desk: Desk, person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.type(sources="arn:aws:iam::111111111111:group/analysts")

    for step in (ada.plan, ada.apply, lambda: ada.run.approval(ada.planned)):
        with pytest.raises(InvalidGrant, match="Source ARN"):
            step()
    assert ada.approval.digest == ""
    assert desk.state() == []


def test_the_plan_of_an_earlier_grant_is_not_approved_after_the_sessions_were_opened_again(
    person: Callable[..., Person],
) -> None:
    ada = person()
    earlier = ada.plan()
    ada.type(session_minutes=90)
    ada.run.open_sessions(ada.form.grant)

    with pytest.raises(OutOfDate, match="The plan was made before the sessions were opened"):
        ada.run.approval(earlier)


def test_the_apply_waits_for_a_person_and_goes_on_when_its_cell_is_run_again(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    ada.plan()
    with pytest.raises(WaitingForApproval, match="Waiting for your approval") as waits:
        ada.apply()
    ada.run.note_cell("apply", waits.value)
    before = (desk.state(), ada.run.finished)
    ada.approve()
    journal = ada.apply()
    ada.run.note_cell("apply", None)
    ada.run.prove(ada.form.grant, ada.sessions)

    assert before == ([], None)
    assert "then run this cell again" in str(waits.value)
    assert len(journal.changes) == 4
    assert ada.run.finish().status == "succeeded"


def test_a_person_who_ends_a_run_that_waits_leaves_a_plan(desk: Desk, person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    with pytest.raises(WaitingForApproval) as waits:
        ada.apply()
    ada.run.note_cell("apply", waits.value)

    assert ada.run.finish().status == "planned"
    assert [line["status"] for line in read_ledger(desk.records)] == ["planned"]


def test_a_sealed_run_takes_no_approval_and_makes_no_step(desk: Desk, person: Callable[..., Person]) -> None:
    ada = person()
    plan = ada.plan()
    shown(ada.approval)
    ada.run.finish()
    ada.approve()
    steps: list[Callable[[], Any]] = [
        ada.run.form,
        lambda: ada.run.open_sessions(ada.sessions.grant),
        lambda: ada.run.keep(plan),
        lambda: ada.run.approval(plan),
        lambda: ada.run.apply(plan, ada.sessions, Approval(plan.digest, "ada", "2026-11-24T10:15:00Z")),
        lambda: ada.run.prove(ada.sessions.grant, ada.sessions),
    ]

    for step in steps:
        with pytest.raises(OutOfDate, match="This run has ended"):
            step()
    assert ada.approval.digest == ""
    assert "The record of this run is sealed." in shown(ada.approval)
    assert "The record of this run is sealed." in ada.form.closed
    assert desk.state() == []


def test_after_the_apply_form_and_approval_are_shut_and_keep_what_was_approved(
    person: Callable[..., Person],
) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.apply()

    assert "It is applied" in ada.form.closed
    assert f"Approved: {ada.planned.digest}\nIt is applied" in shown(ada.approval)


def test_a_newer_plan_voids_the_approval_of_the_one_before(person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    first = ada.approval
    ada.approve()
    ada.type(session_minutes=90)
    ada.plan()

    assert (first.digest, ada.approval.closed) == ("", "")


def test_the_same_plan_may_be_asked_for_again(person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    first = ada.approval
    ada.plan()
    first.approve(ada.planned.digest)

    assert first.digest == ada.planned.digest


def test_sessions_that_could_not_be_opened_leave_none_to_approve_or_apply_with(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    plan, opened = ada.plan(), ada.sessions
    ada.type(source_profiles="nobody-here")
    with pytest.raises(MissingProfile):
        ada.run.open_sessions(ada.form.grant)
    approval = Approval(plan.digest, "ada", "2026-11-24T10:15:00Z")
    steps: list[Callable[[], Any]] = [
        lambda: ada.run.approval(plan),
        lambda: ada.run.apply(plan, opened, approval),
        lambda: ada.run.prove(ada.form.grant, opened),
    ]

    for step in steps:
        with pytest.raises(OutOfDate, match="No sessions are open"):
            step()
    assert desk.state() == []


def test_a_plan_of_earlier_documents_is_not_kept_once_the_sessions_are_opened_for_others(
    person: Callable[..., Person],
) -> None:
    ada = person()
    ada.plan()
    documents, before = build(ada.form.grant), ada.run.basis.state
    ada.type(session_minutes=90)
    sessions = ada.run.open_sessions(ada.form.grant)
    with pytest.raises(OutOfDate, match="not made from what the form has"):
        ada.run.keep(diff(documents, before))
    ada.run.keep(read(build(ada.form.grant), sessions))

    with pytest.raises(OutOfDate, match="not made from what the form has"):
        ada.run.keep(diff(documents, before))


def test_what_was_approved_in_a_run_is_void_in_the_next_one_of_the_kernel(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    plan = ada.plan()
    ada.approve()
    again = person()
    again.type(session_minutes=90)
    with pytest.raises(OutOfDate, match="No sessions are open"):
        again.run.apply(plan, ada.sessions, ada.approval)
    again.type(session_minutes=60)
    again.plan()

    assert ada.approval.digest == ""
    assert "A newer run was started" in shown(ada.approval)
    assert "A newer run was started" in ada.form.closed
    with pytest.raises(WaitingForApproval, match="Another run asked for it"):
        again.run.apply(again.planned, again.sessions, ada.approval)
    assert desk.state() == []


def test_a_search_in_another_place_leaves_no_sessions_of_the_first(person: Callable[..., Person]) -> None:
    ada = person()
    plan = ada.plan()
    ada.type(caller_profiles="alice")
    ada.form.read_choices()
    ada.type(caller_profiles="alice\nmallory")

    with pytest.raises(OutOfDate, match="No sessions are open"):
        ada.run.approval(plan)


class Interrupts(list[Any]):
    """A watcher that interrupts the run at the second call that changed AWS."""

    def __call__(self, value: object) -> None:
        if getattr(value, "answer", ""):
            self.append(value)
            if len(self) == 2:
                raise KeyboardInterrupt


def test_an_apply_that_was_interrupted_is_not_gone_on_with_and_is_undone_whole(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.run.watchers.append(Interrupts())
    with pytest.raises(KeyboardInterrupt) as interrupted:
        ada.apply()
    ada.run.note_cell("apply", interrupted.value)
    ada.plan()
    ada.approve()
    with pytest.raises(InvalidInput, match="has changed AWS already") as refused:
        ada.apply()
    ada.run.note_cell("apply", refused.value)
    left, closed = len(desk.state()), ada.form.closed
    summary = ada.run.finish()
    desk.rolled_back()

    assert left == 2
    assert "The change was not completed" in closed
    assert summary.status == "interrupted"
    assert desk.state() == []


def test_a_run_is_not_green_for_a_plan_that_nobody_applied_nor_for_nothing(
    person: Callable[..., Person],
) -> None:
    planned, nothing = person(), person()
    planned.plan()

    assert planned.run.finish().status == "planned"
    summary = nothing.run.finish()
    assert summary.status == "not-proven"
    assert summary.sentence == "Nothing was changed, and nothing is proven: AWS was not asked."


def test_a_proof_before_the_change_proves_nothing_of_it(person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    before = ada.run.prove(ada.form.grant, ada.sessions)
    ada.approve()
    ada.apply()

    assert before.outcomes == ()
    assert ada.run.finish().status == "not-proven"


def test_a_second_form_shuts_the_first(person: Callable[..., Person]) -> None:
    ada = person()
    first = ada.form
    ada.plan()
    ada.approve()
    ada.form = ada.run.form()

    assert "A newer form" in first.closed
    assert ada.approval.digest == ""


def test_where_nobody_can_be_asked_the_run_plans(desk: Desk, person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()

    assert ada.run.apply(ada.planned, ada.sessions, Approval("", "", "")).entries == ()
    assert ada.run.finish().status == "planned"
    assert desk.state() == []


def test_another_place_in_the_form_stops_every_step_until_the_sessions_are_opened_again(
    person: Callable[..., Person],
) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.type(caller_profiles="alice")

    with pytest.raises(OutOfDate, match="another place or other profiles"):
        ada.apply()
    assert ada.approval.digest == ""

    ada.plan()
    assert [each.profile for each in ada.sessions.identities if each.part == "caller"] == ["alice"]
    ada.approve()
    assert ada.apply().entries


def test_the_run_moves_to_the_place_in_the_form_and_its_record_says_so(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person(sandbox=True, caller_profiles=[])
    ada.type(sandbox=False, caller_profiles="alice\nmallory", name="moved")
    ada.plan()
    ada.approve()
    ada.apply()
    record = json.loads((Path(ada.run.finish().folder) / "record.json").read_text())
    moved = {"sandbox": False, "caller_profiles": ["alice", "mallory"], "name": "moved"}

    assert moved.items() <= record["parameters"].items()
    assert read_ledger(desk.records)[-1]["grant"] == "moved"
    assert not record["where"].startswith("sandbox")


def test_after_the_change_the_run_stays_where_it_is(person: Callable[..., Person]) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.apply()
    ada.type(caller_profiles="alice")

    with pytest.raises(InvalidInput, match="has changed AWS already"):
        ada.plan()


def test_a_name_that_an_earlier_run_used_for_others_is_said_until_it_is_rolled_back(
    desk: Desk, person: Callable[..., Person]
) -> None:
    ada = person()
    ada.plan()
    ada.approve()
    ada.apply()
    summary = ada.run.finish()
    carol = person()
    assert carol.form.name_warning == ""

    carol.type(sources=f"arn:aws:iam::{desk.world.source}:user/mallory")
    assert f"record {summary.record} lets user/alice assume role/reports-reader" in carol.form.name_warning
    carol.type(name="others")
    assert carol.form.name_warning == ""
    carol.type(name="reports", sandbox=True)
    assert carol.form.name_warning == ""

    desk.rolled_back()
    carol.type(name="reports", sandbox=False)
    assert carol.form.name_warning == ""
