"""Which record is undone, and which is not followed."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from support.examples import ALICE, a_grant
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.planner import diff
from xacct_nb.errors import InvalidParameters, UnknownRecord
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.records.model import Record
from xacct_nb.runs.rollback import Rollback, find_record, nothing_left, other_place_note
from xacct_nb.storage.ledger import append_record

PLAN = diff(build(a_grant()), State({}))
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made")
CHANGED = Journal("reports", PLAN.changes, (ENTRY,)).to_json()
BROKEN_OFF = Journal("reports", (), (ENTRY,)).to_json()


def kept(records: Path, run: str, status: str = "succeeded", **fields: Any) -> str:
    parameters = {"name": "reports", "sources": [ALICE]}
    append_record(
        records, Record(run, "plan_and_apply", status, "", "", 0.0, parameters=parameters, **fields), {}
    )
    return run


def undone(records: Path, name: str = "") -> str:
    record = find_record(records, name)
    return record.id if record else "nothing"


def test_where_nothing_was_recorded_there_is_nothing_to_undo(tmp_path: Path) -> None:
    assert undone(tmp_path) == "nothing"


def test_the_newest_that_changed_something_is_undone(tmp_path: Path) -> None:
    kept(tmp_path, "older", journal=CHANGED)
    kept(tmp_path, "newer", journal=CHANGED)
    kept(tmp_path, "only-planned", "planned", plan=PLAN.to_json())
    kept(tmp_path, "without-a-change", "no-change")
    kept(tmp_path, "refused", "invalid-parameters")
    kept(tmp_path, "taken-back-at-once", "rolled-back", journal=CHANGED)

    assert undone(tmp_path) == "newer"


def test_what_was_undone_is_not_undone_again_and_a_roll_back_is_not_undone(tmp_path: Path) -> None:
    kept(tmp_path, "older", journal=CHANGED)
    kept(tmp_path, "newer", journal=CHANGED)
    kept(tmp_path, "back", undoes="newer", journal=CHANGED)

    assert undone(tmp_path) == "nothing"
    assert undone(tmp_path, "older") == "older"
    assert nothing_left(tmp_path) == (
        "The newest change is undone already: newer, by the rollback back.",
        "To undo an older change of the grant reports, name it: xacct-nb run roll_back -p record older",
    )


def test_a_change_after_a_rollback_is_the_newest_again(tmp_path: Path) -> None:
    kept(tmp_path, "older", journal=CHANGED)
    kept(tmp_path, "back", undoes="older", journal=CHANGED)
    kept(tmp_path, "newest", journal=CHANGED)

    assert undone(tmp_path) == "newest"


def test_where_every_change_is_undone_it_says_which_one_was_the_newest(tmp_path: Path) -> None:
    kept(tmp_path, "only", journal=CHANGED)
    kept(tmp_path, "back", "not-proven", undoes="only", journal=CHANGED)
    undo = Rollback(SimpleNamespace(records=tmp_path, applied=None), None)

    assert str(undo).startswith("The newest change is undone already: only, by the rollback back.")
    assert str(undo.plan()).splitlines()[0] == "Plan"
    assert "No changes. There is nothing left to undo." in str(undo.plan())


def test_a_roll_back_that_failed_undid_nothing(tmp_path: Path) -> None:
    kept(tmp_path, "newer", journal=CHANGED)
    kept(tmp_path, "back", "rollback-failed", undoes="newer", journal=CHANGED)

    assert undone(tmp_path) == "newer"


def test_a_run_that_broke_off_is_undone_as_far_as_it_came(tmp_path: Path) -> None:
    kept(tmp_path, "whole", journal=CHANGED)
    kept(tmp_path, "broken-off", "kernel-died", journal=BROKEN_OFF, plan=PLAN.to_json())

    assert undone(tmp_path) == "broken-off"


def test_a_record_that_changed_nothing_is_refused_by_its_name(tmp_path: Path) -> None:
    kept(tmp_path, "only-planned", "planned", plan=PLAN.to_json())

    with pytest.raises(UnknownRecord, match="changed nothing") as refused:
        undone(tmp_path, "only-planned")
    assert refused.value.why == "Its status is 'planned'."


@pytest.mark.parametrize("name", ["", "newer"])
def test_a_record_that_was_tampered_with_is_not_followed(tmp_path: Path, name: str) -> None:
    kept(tmp_path, "newer", journal=CHANGED)
    path = tmp_path / "newer" / "record.json"
    path.write_text(path.read_text().replace("user/alice", "user/mallory"))

    with pytest.raises(UnknownRecord, match="was changed since it was sealed") as refused:
        undone(tmp_path, name)
    assert refused.value.why == "newer/record.json: was changed"


def test_a_record_of_the_sandbox_is_not_undone_on_aws(tmp_path: Path) -> None:
    from xacct_nb.grants.settings import settings_of
    from xacct_nb.runs.rollback import Rollback

    kept(tmp_path, "newer", journal=CHANGED, where="sandbox at http://127.0.0.1:1")

    on_aws = SimpleNamespace(settings=settings_of({"sandbox": False}), applied=None)
    with pytest.raises(InvalidParameters, match="was made in the sandbox, and this run is not") as refused:
        Rollback(on_aws, find_record(tmp_path, "")).plan()
    assert refused.value.hint == "Run it where the record was made: -p sandbox true"


@pytest.mark.parametrize(
    ("where", "here", "notes"),
    [
        ("AWS (aws)", "AWS (aws)", ()),
        ("AWS", "AWS (aws) through vpce-1.sts.eu-west-1.vpce.amazonaws.com", ()),
        ("sandbox at http://127.0.0.1:2", "sandbox at http://127.0.0.1:2", ()),
        (
            "http://127.0.0.1:1, which is not AWS",
            "AWS (aws)",
            ("The record was made at: http://127.0.0.1:1, which is not AWS. This run acts at: AWS (aws).",),
        ),
        (
            "sandbox at http://127.0.0.1:1",
            "sandbox at http://127.0.0.1:2",
            (
                "The record was made in another sandbox (sandbox at http://127.0.0.1:1). "
                "This one is at http://127.0.0.1:2.",
            ),
        ),
    ],
)
def test_a_record_of_another_place_is_pointed_out(where: str, here: str, notes: tuple[str, ...]) -> None:
    record = Record("newer", "plan_and_apply", "succeeded", "", "", 0.0, where=where)

    assert other_place_note(record, here) == notes
