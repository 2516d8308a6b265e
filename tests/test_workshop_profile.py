"""The profile that a participant writes: read as text, never by what could start a program."""

from pathlib import Path

import pytest

from support.workshop import opened, solve
from xacct_nb.views import text
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.sheets import sheet_named
from xacct_nb.workshop.verdict import NOT_YET


@pytest.fixture(scope="module")
def sheet(tmp_path_factory: pytest.TempPathFactory) -> OpenSheet:
    """The sheet of role chaining, its first exercise solved."""
    found = opened(sheet_named("role_chaining"), Path(tmp_path_factory.mktemp("sheet")))
    solve(found, found.sheet.exercises[:1])
    return found


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (["profile reports"], "The answer is the text"),
        ("[profile reports", "cannot read this text"),
        ("[reports]\nrole_arn = x\nsource_profile = alice", "begins with the word profile"),
        ("[profile reports]\ncredential_process = touch {marker}", "has credential_process"),
        ("[profile reports]\nrole_arn = x\nsource_profile = reports", "leads back to itself"),
        ("[profile reports]\nrole_arn = x\nsource_profile = nobody", "There is no section [profile nobody]"),
        ("[profile reports]\nrole_arn = x", "needs role_arn and source_profile"),
        ("[profile reports]\nrole_arn = x\nsource_profile = source-admin", "as source-admin"),
        ("[profile reports]\nrole_arn = x\nsource_profile = alice", "is not the ARN of a role"),
        ("[profile reports]\nrole_arn = arn:aws:iam::1:role/x\nsource_profile = alice", "is not the ARN"),
    ],
)
def test_a_profile_that_cannot_work_is_not_yet_and_says_why(
    sheet: OpenSheet, tmp_path: Path, answer: object, reason: str
) -> None:
    marker = tmp_path / "made"
    content = answer.format(marker=marker) if isinstance(answer, str) else answer

    verdict = sheet.check("profile", content)

    assert verdict.outcome == NOT_YET
    assert reason in text(verdict.view())
    assert not marker.exists()
