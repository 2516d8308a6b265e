"""The page of a grant without a browser: a step opens when the one before is done, and a change shuts it."""

import atexit
from collections.abc import Callable, Iterator
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import ipywidgets
import pytest

from support.desk import Desk
from support.form_texts import text_of_html
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.jupyter.forms.one_page import APPLY, CHECK, DIAGNOSE, PROVE, SEAL, UNDO, UNDO_NOW, PageWidget
from xacct_nb.jupyter.forms.panels import Panel
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.page.steps import PageSteps
from xacct_nb.runs.start import record, start_run
from xacct_nb.storage.ledger import read_ledger, verify_records

PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice", "mallory"],
}


class Visitor:
    """A person at the page: presses buttons, types a digest, and reads what a panel shows."""

    def __init__(self, run: Run) -> None:
        self.run, self.steps = run, PageSteps(run)
        self.page = PageWidget(self.steps)

    def press(self, panel: Panel, button: str) -> None:
        panel.buttons[button].click()

    def buttons(self, panel: Panel) -> list[str]:
        """The buttons of a panel that a person sees."""
        shown = panel._row.layout.display != "none"
        return [name for name, each in panel.buttons.items() if shown and each.layout.display != "none"]

    @property
    def states(self) -> list[str]:
        return [each.state for each in self.page.panels]

    def read(self, panel: Panel) -> str:
        return text_of_html(panel._head.value + panel._below.value)

    def type(self, **fields: Any) -> None:
        self.steps.form.fill({each.name: each.value for each in self.steps.form.fields()} | fields)

    def check(self) -> None:
        self.press(self.page.check, CHECK)

    def approve(self) -> None:
        self.page.checked.approval.approve(self.page.checked.plan.digest)

    def apply(self) -> None:
        self.check()
        self.approve()
        self.press(self.page.apply, APPLY)


@pytest.fixture
def visit(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Visitor]]:
    """Begins runs in the desk's accounts; what they leave for the end of the process is taken away."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    left = list[Any]()
    monkeypatch.setattr(atexit, "register", left.append)

    def begin(**fields: Any) -> Visitor:
        about = {**PROFILES, "records": str(desk.records), **fields}
        return Visitor(start_run("on_one_page", desk.parameters(**about)))

    yield begin
    ipywidgets.Widget.close_all()


def test_a_person_goes_from_the_form_to_a_proven_recorded_and_undone_grant(
    desk: Desk, visit: Callable[..., Visitor]
) -> None:
    ada = visit()
    before = ada.states
    ada.check()
    checked = ada.states
    ada.approve()
    approved = ada.states
    ada.press(ada.page.apply, APPLY)
    ada.press(ada.page.prove, PROVE)

    assert before == ["now", "now", "shut", "shut", "shut", "shut"]
    assert checked == ["done", "done", "now", "shut", "shut", "shut"]
    assert approved == ["done", "done", "done", "now", "shut", "shut"]
    assert ada.states == ["done"] * 6
    assert "as expected" in ada.read(ada.page.prove)
    assert "The access is applied and proven" in ada.read(ada.page.end)
    assert ada.buttons(ada.page.end) == [UNDO]
    assert len(desk.state()) == 4
    ada.press(ada.page.end, UNDO)
    undo = undoing(ada)
    undo.checked.approval.approve(undo.checked.plan.digest)
    ada.press(undo.panel, UNDO_NOW)
    assert "Undone: both accounts are as they were before." in text_of_html(undo.panel._below.value)
    assert "The access is applied and proven" in ada.read(ada.page.end)
    assert desk.state() == []
    assert [each["status"] for each in read_ledger(desk.records)] == ["succeeded", "succeeded"]
    assert verify_records(desk.records) == []


@pytest.mark.parametrize("problem", [KeyboardInterrupt, ZeroDivisionError])
def test_a_change_that_breaks_off_can_be_sealed_on_the_page(
    desk: Desk, visit: Callable[..., Visitor], problem: type[BaseException]
) -> None:
    ada = visit()

    def break_off(value: object) -> None:
        if getattr(value, "answer", ""):
            raise problem

    ada.run.watchers.append(break_off)
    with suppress(ZeroDivisionError):
        ada.apply()
    shown = (ada.page.apply.state, ada.buttons(ada.page.end))
    ada.press(ada.page.end, SEAL)

    assert shown == ("not done", [SEAL, DIAGNOSE])
    assert [each["status"] for each in read_ledger(desk.records)] == [
        "interrupted" if problem is KeyboardInterrupt else "failed"
    ]
    assert len(desk.state()) == 1


def test_a_changed_form_shuts_and_clears_everything_after_it(
    desk: Desk, visit: Callable[..., Visitor]
) -> None:
    ada = visit()
    ada.check()
    ada.approve()
    approval = ada.page.checked.approval
    ada.type(session_minutes="90")
    ada.press(ada.page.apply, APPLY)

    assert ada.states == ["now", "now", "shut", "shut", "shut", "shut"]
    assert "Check both accounts first." in ada.read(ada.page.decide)
    assert ada.page.decide._body.children == ()
    assert approval.digest == ""
    assert desk.state() == []


def test_an_invalid_form_shuts_the_check_and_says_why(visit: Callable[..., Visitor]) -> None:
    ada = visit()
    ada.type(sources="arn:aws:iam::111111111111:group/analysts")
    ada.check()

    assert ada.states == ["now", "shut", "shut", "shut", "shut", "shut"]
    assert "A field of the form is not valid." in ada.read(ada.page.check)
    ada.type(sources="\n".join(ada.run.grant().sources))
    assert ada.states[:2] == ["now", "now"]


def test_no_button_acts_while_it_is_not_shown(desk: Desk, visit: Callable[..., Visitor]) -> None:
    ada = visit()
    ada.check()
    for panel, button in ((ada.page.apply, APPLY), (ada.page.prove, PROVE), (ada.page.end, SEAL)):
        ada.press(panel, button)

    assert ada.states == ["done", "done", "now", "shut", "shut", "shut"]
    assert (desk.state(), ada.run.finished) == ([], None)


def test_where_nothing_is_to_be_changed_the_page_goes_on_with_the_proof(
    visit: Callable[..., Visitor], desk: Desk
) -> None:
    desk.applied()
    ada = visit()
    ada.check()
    before = (ada.states, ada.read(ada.page.apply))
    ada.press(ada.page.prove, PROVE)

    assert before[0] == ["done", "done", "done", "shut", "now", "shut"]
    assert "Nothing is to be changed." in before[1]
    assert ada.buttons(ada.page.end) == []
    assert read_ledger(desk.records)[-1]["status"] == "no-change"


def test_a_proof_that_is_open_is_said_to_be_open_and_seals_nothing_by_itself(
    visit: Callable[..., Visitor], desk: Desk
) -> None:
    ada = visit(caller_profiles=[])
    ada.apply()
    ada.press(ada.page.prove, PROVE)

    assert ada.states == ["done", "done", "done", "done", "not proven", "now"]
    assert ada.buttons(ada.page.prove) == [PROVE]
    assert ada.run.finished is None
    ada.press(ada.page.end, SEAL)
    assert "It is applied, and not proven" in ada.read(ada.page.end)
    assert read_ledger(desk.records)[-1]["status"] == "not-proven"


def test_a_proof_that_fails_offers_the_diagnosis(visit: Callable[..., Visitor], desk: Desk) -> None:
    ada = visit()
    ada.apply()
    iam = ada.steps.sessions.admin(desk.world.source, "iam")  # type: ignore[union-attr]
    (attached,) = iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]
    iam.detach_user_policy(UserName="alice", PolicyArn=attached["PolicyArn"])
    ada.press(ada.page.prove, PROVE)
    failed = ada.read(ada.page.prove)
    ada.press(ada.page.end, DIAGNOSE)

    assert ada.states[4:] == ["not done", "now"]
    assert "WRONG: Denied" in failed
    assert "policy-not-attached" in ada.read(ada.page.end)
    assert ada.buttons(ada.page.end) == [SEAL, DIAGNOSE]
    iam.attach_user_policy(UserName="alice", PolicyArn=attached["PolicyArn"])
    ada.press(ada.page.prove, PROVE)
    assert ada.states == ["done"] * 6
    assert read_ledger(desk.records)[-1]["status"] == "succeeded"


def test_an_error_of_a_step_stands_in_its_panel_and_the_step_can_be_tried_again(
    visit: Callable[..., Visitor],
) -> None:
    ada = visit(destination_profiles=["source-admin"])
    ada.check()

    assert ada.states[:3] == ["now", "not done", "shut"]
    assert "This step was not done" in ada.read(ada.page.check)
    assert ada.buttons(ada.page.check) == [CHECK]


def test_the_undo_is_under_the_rules_of_the_change(visit: Callable[..., Visitor]) -> None:
    key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDlG2H3zJ0a0u6pRk0q3oB1w1c2mJ9t8v7x6y5z4A3B2 ben"
    rules: dict[str, Any] = {"two_people": True, "approvers": [key], "approval_hours": 2}
    ada = visit(**rules)
    begun = list[Settings]()

    def begin(notebook: str, parameters: dict[str, Any]) -> SimpleNamespace:
        begun.append(settings_of(parameters))
        return SimpleNamespace(undo=lambda: None)

    ada.run.begin = begin
    ada.steps.undo()

    assert {name: getattr(begun[0], name) for name in rules} == {
        name: getattr(ada.run.settings, name) for name in rules
    }
    assert (begun[0].record, begun[0].two_people) == (ada.run.id, True)


def test_run_all_does_not_seal_the_run_of_a_page_that_a_person_is_at(visit: Callable[..., Visitor]) -> None:
    ada = visit()
    ada.run.page()
    shown = record(ada.run)

    assert ada.run.finished is None
    assert str(shown) == "The page above seals the record, in its last step."


def undoing(visitor: Visitor) -> Any:
    """The undo of the page, once its button was pressed."""
    return visitor.page.undoing
