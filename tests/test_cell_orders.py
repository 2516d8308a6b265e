"""In whatever order cells are run and fields typed, only the plan that was approved as it is changes AWS."""

import atexit
import json
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from support.desk import NOTEBOOKS, Desk
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.changes.journal import Entry
from xacct_nb.errors import XacctError
from xacct_nb.storage.ledger import read_ledger

PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice", "mallory"],
}
EDITS: tuple[dict[str, Any], ...] = (
    {"session_minutes": "60"},
    {"session_minutes": "90"},
    {"session_minutes": "ninety"},
    {"caller_profiles": "alice"},
    {"caller_profiles": "alice\nmallory"},
)
numbers = count(1)


sandbox = in_process_sandbox


def cells_of(notebook: str) -> list[str]:
    """The code cells of a notebook after its parameters."""
    (file,) = NOTEBOOKS.glob(f"??_{notebook}.ipynb")
    cells = [each for each in json.loads(file.read_text())["cells"] if each["cell_type"] == "code"]
    return ["".join(each["source"]) for each in cells[1:]]


class Person:
    """Somebody who runs the cells of a notebook in any order, and notes when they approved what."""

    def __init__(self, desk: Desk, notebook: str) -> None:
        number = next(numbers)
        role = f"arn:aws:iam::{desk.world.destination}:role/reader-{number}"
        values = desk.parameters(name=f"orders-{number}", destinations=[role], **PROFILES)
        self.desk, self.cells = desk, cells_of(notebook)
        self.names: dict[str, Any] = {**values, "records": str(desk.records), "approve": ""}
        self.approved = set[str]()  # since the form was changed last
        self.wrong, self.runs = list[str](), list[Any]()

    def run_cell(self, number: int) -> None:
        run, problem = self.names.get("run"), None
        try:
            exec(self.cells[number], self.names)
        except (XacctError, NameError) as raised:
            problem = raised
        if self.names.get("run") is not run:
            self._begun(self.names["run"])
        if self.names.get("run") is not None:
            self.names["run"].note_cell(str(number), problem)

    def type(self, change: dict[str, Any]) -> None:
        if (form := self.names.get("form")) is not None and not form.closed:
            before = (form.valid and form.grant, form.valid and form.settings)
            form.fill({each.name: each.value for each in form.fields()} | change)
            if (form.valid and form.grant, form.valid and form.settings) != before:
                self.approved.clear()

    def approve(self) -> None:
        if (asked := self.names.get("approval")) is not None:
            asked.approve(asked.plan.digest)
            if asked.digest:
                self.approved.add(asked.digest)

    def _begun(self, run: Any) -> None:
        self.runs.append(run)
        run.settings = run.settings.model_copy(update={"patience_seconds": 1})
        run.watchers.append(self._see)
        self.approved.clear()  # its form has the parameters again

    def _see(self, value: object) -> None:
        if isinstance(value, Entry) and not value.answer:
            form, plan = self.names["form"], self.names["plan"]
            if plan.digest not in self.approved:
                self.wrong.append(f"{value.operation} of a plan that was not approved as the form is")
            if not form.valid or form.grant.session_minutes * 60 != session_seconds(plan):
                self.wrong.append(f"{value.operation} of a plan that is not what the form says")


def session_seconds(plan: Any) -> int:
    return next((each.after["session_seconds"] for each in plan.changes if each.kind == "role"), 0)


@pytest.fixture
def sit_down(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], Person]]:
    """Gives a person who begins with a notebook; what their runs leave for the end of the process goes."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    people = list[Person]()

    def begin(notebook: str) -> Person:
        people.append(Person(desk, notebook))
        return people[-1]

    yield begin
    for each in people:
        for run in each.runs:
            atexit.unregister(run.leave)


# A person comes to the field for the approval, does other things, and runs the cell that applies.
steps = st.lists(
    st.tuples(st.sampled_from(["cell", "cell", "type", "type", "approve"]), st.integers(0, 30)), max_size=5
)
rounds = st.lists(st.tuples(st.booleans(), steps), min_size=1, max_size=3)


def walk(person: Person, taken: list[tuple[bool, list[tuple[str, int]]]]) -> None:
    applies = next(number for number, cell in enumerate(person.cells) if "run.apply" in cell)
    for number in range(applies):
        person.run_cell(number)
    for approves_first, between in taken:
        if approves_first:
            person.approve()
        for step, number in between:
            if step == "type":
                person.type(EDITS[number % len(EDITS)])
            elif step == "approve":
                person.approve()
            else:
                person.run_cell(number % applies)
        person.run_cell(applies)


def check(person: Person) -> None:
    assert person.wrong == []
    for run in person.runs:
        if run.applied is not None and run.finished is None:
            with suppress(XacctError):
                run.finish()
    for line in read_ledger(person.desk.records):
        assert line["status"] != "failed"


def law(sit_down: Callable[[str], Person], examples: int) -> None:
    applied = list[bool]()

    @settings(
        max_examples=examples, deadline=None, suppress_health_check=list(HealthCheck), phases=[Phase.generate]
    )
    @given(taken=rounds, notebook=st.sampled_from(["walkthrough", "plan_and_apply"]))
    def holds(taken: list[tuple[bool, list[tuple[str, int]]]], notebook: str) -> None:
        person = sit_down(notebook)
        walk(person, taken)
        check(person)
        applied.append(any(run.applied for run in person.runs))

    holds()
    print(f"AWS was changed in {sum(applied)} of {len(applied)} orders.")
    assert any(applied)


def test_in_any_order_only_the_approved_plan_of_the_form_is_applied(
    sit_down: Callable[[str], Person],
) -> None:
    law(sit_down, 12)


@pytest.mark.exhaustive
def test_in_any_of_many_orders_only_the_approved_plan_of_the_form_is_applied(
    sit_down: Callable[[str], Person],
) -> None:
    law(sit_down, 400)
