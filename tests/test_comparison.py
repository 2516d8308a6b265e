"""The differences between two records, part by part."""

import json
from typing import Any

from support.examples import ALICE, a_grant
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import Outcome, Proof, expected_probes
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.comparison import compare
from xacct_nb.records.model import Record
from xacct_nb.views import html, text

ROLE = {"kind": "role", "target": "arn:aws:iam::222222222222:role/r", "name": ""}


def a_record(name: str, **fields: Any) -> Record:
    plan = diff(build(a_grant()), State({})).to_json()
    proof = Proof(tuple(Outcome(probe, probe.expected, ALICE) for probe in expected_probes(a_grant())))
    usual = {"status": "succeeded", "plan": plan, "proof": proof.to_json()}
    return Record(name, "plan_and_apply", started="", ended="", seconds=1.0, **{**usual, **fields})


def test_records_that_say_the_same_do_not_differ() -> None:
    same = compare(a_record("a"), a_record("b"))

    assert same.differences == ()
    assert str(same) == "a and b do not differ."


def test_a_field_under_its_former_name_is_the_same_field() -> None:
    former, current = ({name: "arn:aws:iam::111111111111:group/g"} for name in ("carry_on", "attach_to"))

    assert compare(a_record("a", parameters=former), a_record("b", parameters=current)).differences == ()


def test_each_part_names_what_is_not_the_same() -> None:
    longer = diff(build(a_grant(session_minutes=120)), State({})).to_json()
    denied = a_record("b").to_json()["proof"]
    denied["outcomes"][0] |= {"answer": "Denied"}
    found = compare(
        a_record("a", parameters={"session_minutes": 60, "name": "reports"}),
        a_record(
            "b",
            status="proof-failed",
            parameters={"session_minutes": 120, "name": "reports"},
            plan=longer,
            proof=denied,
            state={"after": [{**ROLE, "value": {"path": "/"}}]},
        ),
    )
    printed = json.loads(json.dumps(found.to_json()))

    assert printed["same"] is False
    assert printed["course"] == {"status": {"first": "succeeded", "second": "proof-failed"}}
    assert printed["parameters"] == {"session_minutes": {"first": 60, "second": 120}}
    assert list(printed["plan"]) == ["role arn:aws:iam::222222222222:role/reports-reader"]
    assert printed["state"] == {f"role {ROLE['target']}": {"first": None, "second": {"path": "/"}}}
    assert [each["second"] for each in printed["proof"].values()] == ["Denied"]


def test_the_state_is_the_one_that_a_run_left_else_the_one_it_found() -> None:
    was = {"before": [{**ROLE, "value": {"path": "/"}}]}
    found = compare(a_record("a", state=was), a_record("b", state={**was, "after": []}))

    assert [(each.part, each.first, each.second) for each in found.differences] == [
        ("state", {"path": "/"}, None)
    ]


def test_a_long_value_is_shown_line_by_line_and_a_short_one_in_a_table() -> None:
    shown = compare(
        a_record("a", parameters={"sources": ["x" * 50, "y" * 50], "name": "one"}),
        a_record("b", parameters={"sources": ["x" * 50, "z" * 50], "name": "two"}),
    )

    assert '\n-  "yyyy' in text(shown.view()).replace("\n  ", "\n")
    assert "name  one    two" in text(shown.view())


def test_the_content_of_records_is_escaped() -> None:
    hostile = "<script>alert(1)</script>\x1b[2J"
    shown = compare(a_record("a"), a_record("b", parameters={hostile: hostile})).view()

    assert "<script" not in html(shown)
    assert "\x1b" not in text(shown)
