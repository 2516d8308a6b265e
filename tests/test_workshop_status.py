"""The status of a running class: who is where, and what the class is stuck on, whatever was written there."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner

from support.classes import a_sheet, progress_of, seconds_ago, write_progress
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidInput
from xacct_nb.views import text
from xacct_nb.workshop.class_page import class_page
from xacct_nb.workshop.class_status import ClassStatus, class_status
from xacct_nb.workshop.folders import STATUS_VARIABLE, share_progress
from xacct_nb.workshop.progress import ProgressFile

SHEETS = (a_sheet(1, "doors"), a_sheet(2, "keys"))
CORRECT = {"outcome": "correct", "tries": 2}
NOT_YET = {"outcome": "not-yet", "tries": 6, "hints": 2}
MARKUP = "<img src=x onerror=alert(1)>"


def the_status(folder: Path) -> ClassStatus:
    return class_status(folder, SHEETS)


def row_of(status: ClassStatus, participant: str) -> list[str]:
    """The line of a participant in the text of the status, split at the gaps between columns."""
    lines = [line for line in text(status.view()).splitlines() if line.startswith(f"{participant} ")]
    return [part.strip() for part in lines[0].split("  ") if part.strip()]


def test_each_participant_has_a_row_with_the_sheet_that_was_used_last(tmp_path: Path) -> None:
    write_progress(tmp_path, "ann", "doors", progress_of(seconds_ago(3000), ask=CORRECT, allow=CORRECT))
    write_progress(tmp_path, "ann", "keys", progress_of(seconds_ago(130), ask=CORRECT, allow=NOT_YET))
    status = the_status(tmp_path)

    assert row_of(status, "ann") == ["ann", "02_keys", "1 of 4", "allow", "6", "2", "2 min ago", "01: 2/4"]
    assert ClassStatus.from_json(json.loads(json.dumps(status.to_json()))) == status


def test_the_class_is_stuck_on_the_exercise_that_most_have_not_solved(tmp_path: Path) -> None:
    for name in ("ann", "ben", "eve"):
        write_progress(tmp_path, name, "doors", progress_of(ask=CORRECT, allow=NOT_YET))
    write_progress(tmp_path, "dan", "doors", progress_of(ask=NOT_YET))
    write_progress(tmp_path, "ida", "doors", progress_of(ask=CORRECT, allow=CORRECT))
    stuck = the_status(tmp_path).stuck_on

    assert [(each.exercise, each.participants, each.tries, each.correct) for each in stuck] == [
        ("allow", 3, 18, 1),
        ("ask", 1, 6, 4),
    ]


def test_who_has_done_nothing_for_ten_minutes_is_away(tmp_path: Path) -> None:
    write_progress(tmp_path, "ann", "doors", progress_of(seconds_ago(599)))
    write_progress(tmp_path, "ben", "doors", progress_of(seconds_ago(660)))
    status = the_status(tmp_path)

    assert [each.participant for each in status.participants if status.is_away(each)] == ["ben"]
    assert "2 participants, 1 away" in status.summary


ODD = {
    "no JSON": "{",
    "another kind": "[]",
    "deep": "[" * 50_000,
    "long": json.dumps(progress_of()) + " " * 200_000,
    "a number that is none": '{"participant": "", "sheet": "", "exercises": {"ask": {"tries": 1e999}}}',
    "a field twice": '{"participant": "", "sheet": "", "sheet": "doors"}',
    "half a character": '{"participant": "", "sheet": "\\ud800"}',
}


@pytest.mark.parametrize("content", ODD.values(), ids=ODD)
def test_a_file_that_is_no_progress_is_named_and_hides_nobody_else(tmp_path: Path, content: str) -> None:
    write_progress(tmp_path, "ann", "doors", progress_of())
    write_progress(tmp_path, "eve", "doors", content)
    status = the_status(tmp_path)

    assert [each.participant for each in status.participants] == ["ann"]
    assert status.unreadable == ("eve/doors",)
    assert "No progress can be read in eve/doors." in text(status.view())


def test_no_link_and_no_pipe_is_followed(tmp_path: Path) -> None:
    elsewhere = write_progress(tmp_path / "elsewhere", "ann", "doors", progress_of())
    folder = tmp_path / "class"
    for name in ("eve", "mal", "joe"):
        (folder / name / "doors").mkdir(parents=True)
    (folder / "eve" / "doors" / "progress.json").symlink_to(elsewhere)
    os.mkfifo(folder / "mal" / "doors" / "progress.json")
    (folder / "joe" / "doors").rmdir()
    (folder / "joe" / "doors").symlink_to(elsewhere.parent)
    (folder / "pat").symlink_to(elsewhere.parent.parent)
    status = the_status(folder)

    assert status.participants == ()
    assert status.unreadable == ("eve/doors", "mal/doors")


def test_what_a_participant_claims_is_bounded_and_of_the_folders_name(tmp_path: Path) -> None:
    claimed = {"outcome": "correct", "tries": 10**30, "hints": -5}
    progress = {**progress_of("soon", ask=claimed, allow=NOT_YET | {"tries": 10**40}, unknown=claimed)}
    write_progress(tmp_path, "eve", "doors", progress | {"participant": "ann", "sheet": "keys"})
    status = the_status(tmp_path)
    sheet = status.participants[0].now

    assert (status.participants[0].participant, sheet.sheet, sheet.correct) == ("eve", "01_doors", 1)
    assert (sheet.tries, sheet.hints) == (9_999, 2)
    assert status.ago(sheet.seen) == "unknown"


def test_the_page_escapes_every_value(tmp_path: Path) -> None:
    write_progress(tmp_path, MARKUP, "doors", progress_of(MARKUP, ask=NOT_YET))
    write_progress(tmp_path, f"b {MARKUP}", "doors", "{")
    page = class_page(the_status(tmp_path), "n")

    assert MARKUP not in page
    assert page.count("&lt;img src=x onerror=alert(1)&gt;") == 2


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="none' cannot be read"):
        the_status(tmp_path / "none")


class TestSharing:
    @pytest.fixture
    def shared(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
        folder = tmp_path / "shared"
        folder.mkdir()
        folder.chmod(0o1777)
        monkeypatch.setenv(STATUS_VARIABLE, str(folder))
        return folder

    def test_what_a_kernel_writes_is_what_the_trainer_reads(self, shared: Path, tmp_path: Path) -> None:
        file = ProgressFile(tmp_path / "own", "ann", "doors")
        before = os.umask(0o077)
        file.change(lambda progress: progress.having("ask", progress.of("ask").checked("not-yet")))
        os.umask(before)
        path = shared / "ann" / "doors" / "progress.json"

        assert the_status(shared).participants[0].now.tries == 1
        assert [f"{each.stat().st_mode & 0o777:o}" for each in (path, path.parent, path.parent.parent)] == [
            "644",
            "755",
            "755",
        ]

    def test_it_has_neither_the_sandbox_nor_the_digest_of_the_accounts(self, shared: Path) -> None:
        share_progress(progress_of() | {"participant": "ann", "sheet": "doors", "sandbox": "s", "world": "w"})
        written = json.loads((shared / "ann" / "doors" / "progress.json").read_text())

        assert (written["sandbox"], written["world"]) == ("", "")

    def test_a_link_in_the_place_of_ones_folder_is_not_followed_and_said(
        self, shared: Path, tmp_path: Path
    ) -> None:
        (tmp_path / "home").mkdir()
        (shared / "ann").symlink_to(tmp_path / "home")
        file = ProgressFile(tmp_path / "own", "ann", "doors")
        file.change(lambda progress: progress)

        assert file.not_shared.startswith("The trainer does not see your progress")
        assert list((tmp_path / "home").iterdir()) == []
        assert file.read().seen

    @pytest.mark.skipif(os.getuid() != 0, reason="only root can act as two users")
    def test_nobody_can_write_what_another_user_has(self, shared: Path) -> None:
        (shared / "ann").mkdir()
        os.chown(shared / "ann", 12345, 12345)

        assert "Another user has what is of this name" in share_progress(
            progress_of() | {"participant": "ann", "sheet": "doors"}
        )


def test_the_command_prints_the_status_as_one_json_object(tmp_path: Path) -> None:
    write_progress(tmp_path, "ann", "doors", progress_of())
    done = CliRunner().invoke(main, ["workshop", "status", str(tmp_path), "--json"], catch_exceptions=False)

    assert (done.exit_code, set(json.loads(done.stdout))) == (
        0,
        {"read_at", "participants", "stuck_on", "unreadable"},
    )
