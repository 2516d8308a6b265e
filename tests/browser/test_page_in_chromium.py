"""The page of a grant in a real browser: Voila by keyboard, with a mistake; JupyterLab stops and waits."""

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from support.jupyterlab import Lab
from support.notebook_walk import Walk
from support.voila_page import served_page
from xacct_nb.storage.ledger import read_ledger, verify_records

pytestmark = pytest.mark.browser

DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")
APPROVAL = "First 8 characters of the digest"


def test_a_person_applies_proves_reads_and_undoes_a_grant_by_keyboard_in_a_narrow_window(
    browser: Browser, tmp_path: Path
) -> None:
    with served_page(tmp_path) as served:
        page = browser.new_context(viewport={"width": 500, "height": 900}).new_page()
        page.set_default_timeout(60_000)
        expect.set_options(timeout=60_000)
        problems = watched(page)
        assert page.request.get(f"{served.base}files/mine/docs/glossary.md").url.startswith(
            f"{served.base}login"
        )
        shown = page.goto(served.address)
        assert shown
        assert shown.headers["content-security-policy"].startswith("default-src 'self'; ")

        page.get_by_label("Source ARN").fill("arn:aws:iam::111111111111:group/analysts")
        expect(panel(page, 2)).to_contain_text("A field of the form is not valid.")
        page.get_by_label("Source ARN").fill("arn:aws:iam::111111111111:user/alice")
        with page.expect_popup() as docs:
            page.get_by_role("link", name="proof", exact=True).press("Enter")
        expect(docs.value).to_have_title("glossary")
        press(page, 2, "Check both accounts")
        approve(page, 2, 3)
        assert not sticks_out(page)
        press(page, 4, "Apply the approved plan")
        press(page, 5, "Prove the access")
        expect(panel(page, 6)).to_contain_text("The access is applied and proven")
        with page.expect_popup() as record:
            page.get_by_role("link", name="Open the record").press("Enter")
        expect(record.value).to_have_title("on_one_page: succeeded")
        press(page, 6, "Undo this change")
        approve(page, 7, 7)
        press(page, 7, "Undo in both accounts")
        expect(panel(page, 7)).to_contain_text("Undone: both accounts are as they were before.")

        records = served.root / "records"
        assert [line["status"] for line in read_ledger(records)] == ["succeeded", "succeeded"]
        assert verify_records(records) == []
        assert problems == []
        page.context.close()


def test_run_all_waits_for_the_approval_and_a_restarted_kernel_says_what_to_run(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, "20_plan_and_apply.ipynb")
    menu(page, "Run", "Run All Cells")
    waits = page.locator(".jp-OutputArea", has_text="waiting-for-approval: Waiting for your approval.")
    expect(waits.first).to_be_visible()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    assert lab.ledger() == []

    digest = DIGEST.search(walk.said("Digest: ").first.text_content() or "")
    assert digest
    walk.field(APPROVAL).press_sequentially(digest[1][:8])
    walk.field(APPROVAL).press("Enter")
    expect(walk.said(f"Approved: {digest[1]}")).to_be_visible()
    walk.at = next(at for at, each in enumerate(walk.sources) if each.startswith("journal ="))
    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [line["status"] for line in lab.ledger()] == ["succeeded"]
    expect(walk.field(APPROVAL)).to_be_disabled()
    expect(walk.field("Session minutes")).to_be_disabled()

    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
    expect(walk.field(APPROVAL)).to_be_hidden()
    walk.at = next(at for at, each in enumerate(walk.sources) if each.startswith("journal ="))
    walk.run_to("journal")
    expect(page.locator(".jp-OutputArea", has_text="cells-not-run: 'run' is not there yet.")).to_be_visible()


def panel(page: Page, number: int) -> Locator:
    return page.locator(".xacct-panel").nth(number - 1)


def press(page: Page, number: int, button: str) -> None:
    """Press a button of a panel by keyboard."""
    panel(page, number).get_by_role("button", name=button).press("Enter")


def approve(page: Page, plan: int, number: int) -> None:
    """Type the start of the digest that one panel shows into the field of another."""
    field = panel(page, number).get_by_label(APPROVAL)
    expect(field).to_be_visible()
    digest = DIGEST.search(panel(page, plan).inner_text())
    assert digest
    field.press_sequentially(digest[1][:8])
    field.press("Enter")
    expect(panel(page, number)).to_contain_text(f"Approved: {digest[1]}")


def sticks_out(page: Page) -> bool:
    """Return whether the page is wider than its window."""
    return bool(page.evaluate("document.documentElement.scrollWidth > innerWidth"))


def menu(page: Page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.locator(".lm-Menu-item", has_text=item).first.click()


def watched(page: Page) -> list[Any]:
    """Return the errors of the page's scripts, as they come."""
    found = list[Any]()
    page.on("pageerror", lambda problem: found.append(str(problem)))
    return found
