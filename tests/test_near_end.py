"""A plan says when its grant ends soon; so does the check of a file, by this machine's clock."""

from pathlib import Path

from support.examples import a_grant
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.plan import Plan
from xacct_nb.runs.check import EarlierVersion, check_files
from xacct_nb.runs.near_end import with_near_end
from xacct_nb.runs.run_context import CardBasis

NOW = "2026-12-01T00:00:00Z"
NOTHING = Plan("reports", ())


def basis(expires: str) -> CardBasis:
    return CardBasis(Sessions(a_grant(expires=expires), ()))


def test_a_plan_of_a_grant_that_ends_soon_says_when() -> None:
    plan = with_near_end(NOTHING, basis("2026-12-20"), NOW)

    assert plan.notes == ("The grant 'reports' ends in 19 days, at 2026-12-20 00:00 UTC.",)
    assert plan.digest == NOTHING.digest


def test_a_far_end_none_and_a_past_one_add_no_note() -> None:
    assert [with_near_end(NOTHING, basis(end), NOW) for end in ("2027-06-01", "", "2026-11-01")] == [
        NOTHING
    ] * 3


def test_the_check_of_a_file_notes_an_end_that_is_past_and_passes(tmp_path: Path) -> None:
    file = tmp_path / "grant.yaml"
    file.write_text(
        "name: reports\nsources: ['arn:aws:iam::111111111111:user/alice']\n"
        "destinations: ['arn:aws:iam::222222222222:role/reports-reader']\n"
        "expires: '2020-01-01'\nsession_minutes: 15\n"
    )
    report = check_files([file], EarlierVersion(), ("warning",))
    found = [each for each in report.items if each.code == "has-ended"]

    assert report.status == "passed"
    assert [(each.severity, each.line) for each in found] == [("note", 4)]
    assert found[0].text == (
        "expires: The grant 'reports' ended at 2020-01-01 00:00 UTC: "
        "plan it to remove what is left of it. That is by the clock of this machine."
    )
