"""The page of a fleet's report in a real browser: filtered, searched, by keyboard, and without its script."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.browser_page import cut_off, serious, tab_to
from support.fleet_reports import UNITS, a_fleet, a_fleet_record, results_of
from xacct_nb.jupyter.fleet_page import to_fleet_page
from xacct_nb.records.fleet_report import report_of

pytestmark = pytest.mark.browser

ALL = "2,000 of 2,000 accounts shown"
ROWS, CAUSES = "#pairs tbody tr:visible", "#causes tbody tr:visible"


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The report of 2,000 accounts by 20 sources, of which 45 accounts are not as they should be."""
    fleet = a_fleet(2_000, 20)
    record = a_fleet_record(fleet, results_of(fleet, 45))
    made = report_of(record)
    assert made
    file = tmp_path_factory.mktemp("report") / "fleet.html"
    file.write_text(to_fleet_page(record, made), encoding="utf-8")
    return file


@pytest.fixture
def opened(report: Path, page: Page) -> Page:
    """The report, opened as a file; nothing but that file was asked for."""
    asked = list[str]()
    page.on("request", lambda request: asked.append(request.url))
    page.goto(report.as_uri())
    expect(page.locator("#count")).to_have_text(ALL)
    assert asked == [report.as_uri()]
    return page


def test_what_is_not_as_it_should_be_is_first_and_the_matrix_is_whole(opened: Page) -> None:
    assert opened.locator("h2").all_inner_texts() == [
        "Not as it should be", "Totals and legend", "Accounts and sources",
    ]  # fmt: skip
    assert opened.locator(CAUSES).count() == 9
    assert opened.locator(ROWS).count() == 10
    assert opened.locator("#pairs tbody tr").last.inner_text().split() == ["1,955", "accounts", *["✓"] * 20]


def test_an_account_is_found_by_its_name_and_by_its_id(opened: Page) -> None:
    opened.get_by_label("Search").fill("team-0002")
    expect(opened.locator("#count")).to_have_text("1 of 2,000 accounts shown")
    by_name = opened.locator(ROWS).inner_text()
    opened.get_by_label("Search").fill("200000000014")
    expect(opened.locator("#count")).to_have_text("1 of 2,000 accounts shown")

    assert by_name.split("\t") == ["200000000014 team-0002", "✓", "✗", *["✓"] * 18]
    assert opened.locator(ROWS).inner_text() == by_name
    assert "An SCP of the organization denies it." in opened.locator(CAUSES).inner_text()


def test_a_cause_is_found_by_its_text(opened: Page) -> None:
    opened.get_by_label("Search").fill("SCP")

    expect(opened.locator("#count")).to_have_text("5 of 2,000 accounts shown")
    expect(opened.locator(CAUSES)).to_have_count(1)


def test_a_source_is_found_by_its_name_and_stands_alone(opened: Page) -> None:
    opened.get_by_label("Search").fill("person-01")

    expect(opened.locator("#pairs .source:visible")).to_have_count(1)
    expect(opened.locator("#count")).to_have_text(ALL)
    assert opened.locator("#pairs tbody tr").first.locator("td:visible").count() == 1


@pytest.mark.parametrize(("status", "count"), [("unreadable", 5), ("proof-failed", 5), ("proven", 1_960)])
def test_the_filter_of_a_status_leaves_the_accounts_that_have_it(
    opened: Page, status: str, count: int
) -> None:
    opened.get_by_label("Status").select_option(status)

    expect(opened.locator("#count")).to_have_text(f"{count:,} of 2,000 accounts shown")


def test_the_filter_of_a_unit_leaves_its_accounts_and_show_all_brings_all_back(opened: Page) -> None:
    opened.get_by_label("Unit").select_option(UNITS[0])
    expect(opened.locator("#count")).to_have_text("667 of 2,000 accounts shown")
    opened.get_by_role("button", name="Show all").click()

    expect(opened.locator("#count")).to_have_text(ALL)
    expect(opened.locator(ROWS)).to_have_count(10)


def test_the_keyboard_alone_filters_and_opens_a_row(opened: Page) -> None:
    tab_to(opened, opened.get_by_label("Search"))
    opened.keyboard.type("limitexceeded")
    expect(opened.locator("#count")).to_have_text("5 of 2,000 accounts shown")
    tab_to(opened, opened.locator("#pairs summary:visible"))
    opened.keyboard.press("Enter")

    expect(opened.locator("#pairs details[open]")).to_contain_text("200000000028 team-0004")


def test_axe_finds_nothing_serious_and_nothing_is_cut_off(opened: Page) -> None:
    assert serious(opened) == []
    assert cut_off(opened, "main") == []
    opened.emulate_media(color_scheme="dark")
    assert serious(opened) == []


def test_without_its_script_all_of_it_can_be_read(report: Path, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(report.as_uri())
    shown = page.locator("main").inner_text()
    page.locator("#pairs summary").last.click()
    row = page.locator("#pairs tbody tr").last.inner_text()
    is_filter_there = page.locator("#filter").is_visible()
    context.close()

    assert "Scripts are off" in shown
    assert "An SCP of the organization denies it." in shown
    assert len(re.findall(r"\d{12} team-\d{4}", row)) == 1_955
    assert not is_filter_there


def test_a_printer_gets_the_signs_and_no_filter(opened: Page) -> None:
    opened.emulate_media(media="print")

    assert not opened.locator("#filter").is_visible()
    assert "✗" in opened.locator("#pairs").inner_text()
