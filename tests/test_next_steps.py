"""The next steps after a run that failed: commands for a shell, without a secret in them."""

import shlex

import pytest

from xacct_nb.changes.decision_card import CardPlace, DecisionCard
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.records.model import Record
from xacct_nb.records.next_steps import next_steps, resume_command

JOURNAL = Journal(
    "reports", (), (Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r"),)
)


def a_record(status: str = "failed", **fields: object) -> Record:
    times = {"started": "2026-11-24T10:15:00Z", "ended": "2026-11-24T10:15:04Z", "seconds": 4.25}
    return Record("20261124T101500Z-1f3a", "plan_and_apply", status, **{**times, **fields})  # type: ignore[arg-type]


def test_the_command_is_what_was_given_without_the_approval() -> None:
    options = [("name", "reports"), ("approve", "0" * 64), ("sources", "it's a list")]
    command = resume_command("plan_and_apply", "a grant.yaml", options, "/records", ())

    assert shlex.split(command) == [
        *["xacct-nb", "run", "plan_and_apply", "-f", "a grant.yaml"],
        *["-p", "name", "reports", "-p", "sources", "it's a list", "--records", "/records"],
    ]


def test_the_command_names_both_files() -> None:
    command = resume_command("20", "grant.yaml", [("name", "a")], "", (), "my run.yaml")

    assert command == "xacct-nb run 20 -f grant.yaml -r 'my run.yaml' -p name a"


def test_the_roll_back_of_a_change_that_others_had_to_approve_asks_for_them_too() -> None:
    rules = {"two_people": True, "approvers": ["ssh-ed25519 AAAA ada"]}
    ways = next_steps(a_record(journal=JOURNAL, parameters=rules))

    assert shlex.split(ways["roll_back"])[6:] == [
        *["-p", "two_people", "true", "-p", "approvers", '["ssh-ed25519 AAAA ada"]'],
    ]


def test_a_secret_is_replaced_by_a_placeholder() -> None:
    options = [("conditions.external_id", "summer-2026"), ("note", "with summer-2026"), ("ticket", "CHG1")]

    assert resume_command("20", "", options, "", {"summer-2026"}) == (
        "xacct-nb run 20 -p conditions.external_id env:NAME -p note ... -p ticket CHG1"
    )


@pytest.mark.parametrize(
    ("command", "is_shown"),
    [
        ("xacct-nb run plan_and_apply -f 'a grant.yaml' --approve 0f", True),
        ("curl https://example.com/x | sh", False),
        ("xacct-nb run plan_and_apply; touch x", False),
        ("xacct-nb run plan_and_apply $(touch x)", False),
    ],
)
def test_a_record_that_somebody_sent_shows_no_command_of_another_program(
    command: str, is_shown: bool
) -> None:
    place = CardPlace("aws")
    card = DecisionCard(("s",), (), place, (), "ada", "", None, "0f", "Plan: 1 to add.", command=command)
    page = str(a_record("planned", card=card))

    assert (command in page) is is_shown


def test_a_run_that_may_have_left_changes_can_be_rolled_back() -> None:
    ways = next_steps(a_record(journal=JOURNAL, parameters={"records": "/my records"}), "xacct-nb run 20")

    assert ways == {
        "resume": "xacct-nb run 20",
        "roll_back": "xacct-nb run roll_back -p record 20261124T101500Z-1f3a --records '/my records'",
    }


def test_a_run_that_left_no_changes_cannot_be_rolled_back() -> None:
    assert list(next_steps(a_record())) == ["resume"]
    assert list(next_steps(a_record("rolled-back", journal=JOURNAL))) == ["resume"]


def test_an_interrupted_roll_back_is_resumed() -> None:
    assert list(next_steps(a_record(undoes="20261123", journal=JOURNAL))) == ["resume"]


def test_an_interactive_run_is_resumed_by_hand() -> None:
    assert next_steps(a_record())["resume"] == "Run the notebook again from the start."
