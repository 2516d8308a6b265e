"""The page of a running class in a browser: readable in any width, fresh by itself, for its key only."""

import threading
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.browser_page import cut_off, serious
from support.classes import progress_of, seconds_ago, write_progress
from xacct_nb.workshop.class_page import ClassPage
from xacct_nb.workshop.sheets import all_sheets

MARKUP = "<img src=x onerror=alert(1)>"
SHEET = all_sheets()[0]
FIRST, SECOND = list(SHEET.by_name)[:2]


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ClassPage]:
    correct, not_yet = {"outcome": "correct", "tries": 1}, {"outcome": "not-yet", "tries": 7, "hints": 2}
    for number in range(9):
        progress = progress_of(seconds_ago(number * 100), **{FIRST: correct, SECOND: not_yet})
        write_progress(tmp_path, f"participant-{number}", SHEET.name, progress)
    write_progress(tmp_path, MARKUP, SHEET.name, progress_of(MARKUP))
    with ClassPage(tmp_path) as page:
        threading.Thread(target=page.serve, daemon=True).start()
        yield page
        page.end()


def test_the_page_is_readable_in_both_widths_and_shows_what_is_new(
    served: ClassPage, window: Callable[..., Page], tmp_path: Path
) -> None:
    page = window(width=500, allowed=("Failed to load resource", "ERR_CONNECTION"))
    page.goto(served.address)
    expect(page.get_by_text(f"{SECOND} in {SHEET.stem}")).to_be_visible()
    expect(page.get_by_text("9 not yet, 0 correct; 63 tries without success")).to_be_visible()
    for width, scheme in ((500, "light"), (500, "dark"), (1400, "dark"), (1400, "light")):
        page.set_viewport_size({"width": width, "height": 900})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]

        assert serious(page) == []
        assert cut_off(page, "main, table, td") == []
    write_progress(tmp_path, "late", SHEET.name, progress_of(**{FIRST: {"outcome": "not-yet", "tries": 1}}))

    expect(page.get_by_role("row", name="late")).to_contain_text("0 of")
    expect(page.get_by_text(MARKUP)).to_be_visible()


@pytest.mark.parametrize(
    ("address", "host"),
    [("/?key=wrong", "127.0.0.1"), ("/", "127.0.0.1"), ("KEY", "evil.example"), ("KEY", "evil.127.0.0.1")],
)
def test_nobody_has_it_without_the_key_or_by_another_name(served: ClassPage, address: str, host: str) -> None:
    place, _, key = served.address.rpartition("/")
    wanted = f"{place}/{key}" if address == "KEY" else f"{place}{address}"
    request = urllib.request.Request(wanted, headers={"Host": f"{host}:{place.rpartition(':')[2]}"})
    with pytest.raises(urllib.error.HTTPError, match="403") as refused:
        urllib.request.urlopen(request, timeout=10)

    assert b"participant" not in refused.value.read()
