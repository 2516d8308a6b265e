"""Make the pictures of the README (`make pictures`): the decision, the record of that run, and the proof."""

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from support.browser_page import APPROVAL, digest_in
from support.jupyterlab import ROOT, Lab
from support.notebook_walk import Walk
from support.voila_page import served_page

PICTURES = ROOT / "docs" / "pictures"
LARGEST = 200_000  # bytes


def test_the_decision_and_the_record_of_that_run(lab: Lab, window: Callable[..., Page]) -> None:
    page = window(1280, 960)
    walk = Walk(lab, page, "10_walkthrough.ipynb")
    page.keyboard.press("Control+b")
    walk.run_to("approval")
    walk.approve()
    picture(page, "walkthrough", page.get_by_role("heading", name="Approve"))

    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    page.goto((lab.records / str(lab.ledger()[-1]["id"]) / "run.html").as_uri())
    picture(page, "record", page.locator("body"))


def test_the_proof_on_the_page_of_a_grant(window: Callable[..., Page], tmp_path: Path) -> None:
    page = window(1280, 612, allowed=("Content Security Policy",))
    panels = page.locator(".xacct-panel")
    with served_page(tmp_path) as served:
        page.goto(served.address)
        page.get_by_role("button", name="Check both accounts").click()
        expect(page.get_by_label(APPROVAL)).to_be_visible()
        page.get_by_label(APPROVAL).fill(digest_in(panels.nth(1))[:8])
        page.get_by_label(APPROVAL).press("Enter")
        page.get_by_role("button", name="Apply the approved plan").click()
        page.get_by_role("button", name="Prove the access").click()
        expect(panels.nth(5)).to_contain_text("The access is applied and proven")
        picture(page, "proof", panels.nth(3))


def picture(page: Page, name: str, top: Locator) -> None:
    """Save what the window shows when this is at its top."""
    top.evaluate("each => each.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(500)  # the window's scroll bars fade
    PICTURES.mkdir(exist_ok=True)
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file)
    assert file.stat().st_size < LARGEST
