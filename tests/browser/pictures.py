"""Make the pictures of the README (`make pictures`): the walkthrough and the record of its run."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from support.jupyterlab import ROOT, Lab
from support.notebook_walk import Walk

PICTURES = ROOT / "docs" / "pictures"
NOTEBOOK = "10_walkthrough.ipynb"
DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")


@pytest.fixture(scope="module")
def record_pages() -> list[Path]:
    """The pages of the records that the walkthrough leaves for the second picture."""
    return []


def test_the_walkthrough_from_the_plan_to_the_approval(
    lab: Lab, page: Page, record_pages: list[Path]
) -> None:
    page.set_viewport_size({"width": 1280, "height": 960})
    walk = Walk(lab, page, NOTEBOOK)
    page.locator(
        "[data-command='application:toggle-left-area'], [title='File Browser (Ctrl+Shift+F)']"
    ).first.click()
    walk.run_to("approval")
    digest = DIGEST.search(walk.said("Digest: ").text_content() or "")
    assert digest
    walk.field("First 8 characters of the digest").press_sequentially(digest[1][:8])
    walk.field("First 8 characters of the digest").press("Enter")
    expect(walk.said(f"Approved: {digest[1]}")).to_be_visible()
    walk.field("First 8 characters of the digest").blur()
    walk.said(f"Approved: {digest[1]}").scroll_into_view_if_needed()
    PICTURES.mkdir(exist_ok=True)
    page.screenshot(path=PICTURES / "walkthrough.png")
    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    record_pages.append(lab.records / str(lab.ledger()[-1]["id"]) / "run.html")


def test_the_record_of_that_run(browser: Browser, record_pages: list[Path]) -> None:
    (record,) = record_pages
    page = browser.new_page(viewport={"width": 1280, "height": 960})
    page.goto(record.as_uri())
    page.screenshot(path=PICTURES / "record.png")
    page.close()
