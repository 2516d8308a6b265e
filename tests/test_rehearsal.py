"""A rehearsal shows faults of AWS, in a separate sandbox."""

from collections.abc import Iterator

import pytest

from support.examples import calls
from xacct_nb.runs.rehearsal import AssumeTries, AssumeTry, Rehearsal, rehearse
from xacct_nb.sandbox.faults.faults import Fault


@pytest.fixture(scope="module")
def own() -> Rehearsal:
    return rehearse()


@pytest.fixture
def rehearsal(own: Rehearsal) -> Iterator[Rehearsal]:
    yield own
    own.misbehave()


def test_who_asks_too_early_is_denied_and_who_waits_gets_in(rehearsal: Rehearsal) -> None:
    rehearsal.misbehave(Fault("propagation", seconds=2))
    journal = rehearsal.let_in()
    found = rehearsal.watch(pause=0.2)
    rehearsal.take_back(journal)

    assert journal.entries[-1].answer == "gave up waiting"
    assert {each.verdict for each in found.tries[:-1]} == {"Denied"}
    assert found.tries[0].detail == "AccessDenied"
    assert found.last.verdict == "Allowed"


def test_the_grant_is_made_and_taken_back_on_a_bad_day(rehearsal: Rehearsal) -> None:
    rehearsal.misbehave(Fault("cut-after", ("DeleteRolePolicy",), count=1), Fault("error-500", count=3))
    journal = rehearsal.let_in(patience=5)
    holds = rehearsal.prove(patience=5).holds
    back = rehearsal.take_back(journal)

    assert holds
    assert calls(back) == ["DetachUserPolicy", "DeletePolicy", "DeleteRolePolicy", "DeleteRole"]
    assert rehearsal.misbehaviour().struck == (1, 3)


def test_patience_has_an_end(rehearsal: Rehearsal) -> None:
    found = rehearsal.watch(patience=0.3, pause=0.1)

    assert found.last.verdict == "Denied"
    assert "Still denied after" in str(found)


def test_attempts_are_a_line_each_and_what_became_of_it() -> None:
    shown = str(AssumeTries((AssumeTry(0.0, "Denied", "AccessDenied"), AssumeTry(10.04, "Allowed", ""))))

    assert "0.0 s   Denied      AccessDenied" in shown
    assert "Allowed after 10.0 s, at call 2." in shown


def test_it_says_where_it_is_and_who_is_in_it(rehearsal: Rehearsal) -> None:
    shown = str(rehearsal)

    assert rehearsal.sandbox.endpoint in shown
    assert "arn:aws:iam::111111111111:user/alice" in shown
