"""What the commands print: in the width of the terminal, in its colours, and plain elsewhere."""

import io
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.sample_views import one_of_each_view
from xacct_nb.cli.terminal import Terminal, terminal
from xacct_nb.records.history import History
from xacct_nb.views import Diff, Table, Text, text

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
CELLS = st.text(st.sampled_from("abc :/-\n"), max_size=60)
JOURNAL = Table(
    ("at (UTC)", "account", "call", "resource", "result", "request id"),
    (
        ("10:15:02", "222222222222", "CreateRole", "role role/division/reports-reader", "made", "ab-" * 12),
        ("10:15:03", "111111111111", "CreatePolicy", "managed-policy policy/xacct-reports", "failed", ""),
    ),
    tones=("", "bad"),
)


class Tty(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_what_is_no_terminal_gets_the_plain_text() -> None:
    page = one_of_each_view("a page")

    assert Terminal().text(page) == text(page)


def test_a_terminal_shows_the_same_words_as_the_plain_text() -> None:
    page = one_of_each_view("a page")

    shown = ESCAPES.sub("", Terminal(200, colours=True).text(page))

    assert shown.split() == text(page).split()


@pytest.mark.parametrize("columns", [60, 80, 100, 190])
def test_no_line_of_a_table_is_longer_than_the_terminal_is_wide(columns: int) -> None:
    lines = Terminal(columns).text(JOURNAL).split("\n")

    assert max(map(len, lines)) <= columns


@given(st.lists(st.tuples(CELLS, CELLS, CELLS), min_size=1, max_size=4), st.integers(24, 120))
def test_a_narrow_table_loses_no_character_of_a_cell(rows: list[tuple[str, str, str]], columns: int) -> None:
    shown = Terminal(columns).text(Table(("one", "two", "three"), tuple(rows)))

    wanted = sorted("".join(cell for row in rows for cell in row if cell.strip()).replace(" ", ""))
    found = sorted(re.sub(r"one|two|three|: $|\s", "", shown, flags=re.MULTILINE))
    assert len([each for each in found if each in "abc"]) == len([each for each in wanted if each in "abc"])


def test_a_table_too_wide_for_the_terminal_is_shown_row_by_row() -> None:
    shown = Terminal(40).text(Table(tuple("abcdef"), (tuple(letter * 20 for letter in "uvwxyz"),)))

    assert shown.split("\n")[:3] == ["u" * 20, f"  b: {'v' * 20}", f"  c: {'w' * 20}"]


def test_the_list_of_records_fits_and_keeps_each_id_in_one_piece() -> None:
    record = "20261124T101500Z-a-grant-with-quite-a-long-name-plan_and_apply-1f3a"
    line = {"id": record, "status": "planned", "where": "AWS", "by": "dana", "summary": "Plan: 4 to add."}

    shown = Terminal(72).text(History((line,)).view())

    assert shown.split("\n") == [record, "  planned  AWS  dana  Plan: 4 to add."]


def test_a_command_is_not_broken_inside_its_words() -> None:
    command = "xacct-nb run plan_and_apply -f grant.yaml --approve " + "0f" * 32

    assert command.split() == Terminal(50).text(Text(command)).split()


def test_a_command_at_the_end_of_a_sentence_stands_in_one_piece_where_the_line_is_too_long() -> None:
    command = "xacct-nb run roll_back -p record 20261124T101500Z-reports-1f3a --records /tmp/records"

    shown = Terminal(60).text(Text(f"To undo an older change of the grant, name it: {command}"))

    assert shown.split("\n") == ["To undo an older change of the grant, name it:", f"  {command}"]


@pytest.mark.parametrize("columns", [60, 70, 80, 90])
def test_no_name_of_a_call_is_broken(columns: int) -> None:
    names = ("CreateRole", "DetachUserPolicy", "DeleteRolePolicy")
    row = ("10:15:02", "222222222222", "", "role role/reports-reader", "made", "ab-" * 12)
    rows = tuple((*row[:2], name, *row[3:]) for name in names)

    shown = Terminal(columns).text(Table(JOURNAL.headers, rows))

    assert [name for name in names if name not in shown] == []
    assert max(map(len, shown.split("\n"))) <= columns


def test_added_and_removed_lines_have_their_colours() -> None:
    shown = Terminal(80, colours=True).text(Diff("trust", "old", "new"))

    assert "\x1b[32m  +new\x1b[0m" in shown
    assert "\x1b[31m  -old\x1b[0m" in shown


def test_no_color_and_a_dumb_terminal_are_kept_without_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    in_colour = terminal(Tty()).colours
    monkeypatch.setenv("NO_COLOR", "1")
    kept = terminal(Tty()).colours
    monkeypatch.delenv("NO_COLOR")
    monkeypatch.setenv("TERM", "dumb")

    assert (in_colour, kept, terminal(Tty()).colours) == (True, False, False)


def test_columns_are_kept_even_where_the_output_is_no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "80")

    assert terminal(io.StringIO()) == Terminal(80, colours=False)
