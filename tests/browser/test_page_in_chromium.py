"""The page of a grant in a real browser, in Voila and in JupyterLab; and how a notebook stops and waits."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from support.browser_page import APPROVAL, cut_off, described, digest_in, serious, tab_to
from support.jupyterlab import Lab
from support.notebook_walk import OUTPUTS, Walk
from support.voila_page import served_page
from xacct_nb.storage.ledger import read_ledger, verify_records

pytestmark = pytest.mark.browser

# Two style sheets of another host that Voila's own page names; the policy of the page keeps them out.
FROM_ELSEWHERE = (
    r"'https://cdn\.\S+/fontawesome-free@\S+\.css' violates the following Content Security Policy"
)
PANELS = "html, .xacct-panel, .xacct-panel .widget-html-content, .xacct-form"
GROUP = "arn:aws:iam::111111111111:group/analysts"
ALICE = "arn:aws:iam::111111111111:user/alice"
CARD = "user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-reader"


def test_voila_in_a_narrow_dark_window_leads_by_keyboard_to_a_proven_recorded_and_undone_grant(
    window: Callable[..., Page], tmp_path: Path
) -> None:
    page = window(500, 900, allowed=(FROM_ELSEWHERE,))
    with served_page(tmp_path, "--theme", "dark") as served:
        guarded = page.request.get(f"{served.base}files/mine/docs/glossary.md")
        assert guarded.url.startswith(f"{served.base}login")
        shown = page.goto(served.address)
        assert shown
        assert shown.headers["content-security-policy"].startswith("default-src 'self'; ")
        record = go_the_whole_way(page)
        docs = opened_by(page, page.get_by_role("link", name="proof", exact=True))

        expect(docs).to_have_title("glossary")
        assert cut_off(page, PANELS) == []
        assert serious(page) == serious(record) == []
        records = served.root / "records"
        assert [line["status"] for line in read_ledger(records)] == ["succeeded", "succeeded"]
        assert verify_records(records) == []


@pytest.mark.exhaustive  # the same way as in Voila
def test_the_page_in_jupyterlab_waits_and_leads_to_the_same(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, "15_on_one_page.ipynb")
    menu(page, "Run", "Run All Cells")
    expect(walk.outputs("xa.record(run)")).to_contain_text("The page above seals the record")
    assert lab.ledger() == []
    go_the_whole_way(page)

    assert serious(page, OUTPUTS) == []
    assert [line["status"] for line in lab.ledger()] == ["succeeded", "succeeded"]
    restart(page)
    expect(page.locator(".xacct-one-page")).to_have_class(re.compile("jupyter-widgets-disconnected"))
    expect(walk.field("Source ARN")).to_be_hidden()


def go_the_whole_way(page: Page) -> Page:
    """Go from a mistake to a change that is undone, by keyboard; return the page of the record."""
    source = page.get_by_label("Source ARN", exact=True)
    expect(source).to_be_visible()
    tab_to(page, source)
    page.keyboard.press("Control+a")
    page.keyboard.type(GROUP)
    expect(panel(page, 2)).to_contain_text("A field of the form is not valid.")
    expect(described(page, source)).to_contain_text("is a group, which cannot be trusted")
    page.keyboard.press("Control+a")
    page.keyboard.type(ALICE)
    press(page, 2, "Check both accounts")
    expect(panel(page, 3)).to_contain_text("SANDBOX")
    expect(panel(page, 3)).to_contain_text(CARD)
    approve(page, 2, 3)

    tab_to(page, page.get_by_label("Session minutes"), backwards=True)
    page.keyboard.press("Control+a")
    page.keyboard.type("90")
    expect(panel(page, 3)).to_contain_text("Check both accounts first.")
    press(page, 2, "Check both accounts")
    approve(page, 2, 3)
    press(page, 4, "Apply the approved plan")
    press(page, 5, "Prove the access")
    expect(panel(page, 6)).to_contain_text("The access is applied and proven")
    expect(page.get_by_label("Session minutes")).to_be_disabled()
    link = panel(page, 6).get_by_role("link", name="Open the record")
    record = opened_by(page, link)
    expect(record).to_have_title("on_one_page: succeeded")
    press(page, 6, "Undo this change")
    approve(page, 7, 7)
    press(page, 7, "Undo in both accounts")
    expect(panel(page, 7)).to_contain_text("Undone: both accounts are as they were before.")
    return record


def test_run_all_waits_for_the_approval_and_a_restarted_kernel_says_what_to_run(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, "20_plan_and_apply.ipynb")
    menu(page, "Run", "Run All Cells")
    waits = page.locator(".jp-OutputArea", has_text="waiting-for-approval: Waiting for your approval.")
    expect(waits.first).to_be_visible()
    expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()
    assert lab.ledger() == []

    walk.approve()
    walk.run_again("journal", "xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [line["status"] for line in lab.ledger()] == ["succeeded"]
    expect(walk.field(APPROVAL)).to_be_disabled()
    expect(walk.field("Session minutes")).to_be_disabled()

    restart(page)
    expect(walk.field(APPROVAL)).to_be_hidden()
    shut = walk.outputs("approval").locator(".xacct-form").first
    assert "The kernel was restarted." in shut.evaluate("each => getComputedStyle(each, '::before').content")
    walk.run_again("journal", "journal")
    expect(page.locator(".jp-OutputArea", has_text="cells-not-run: 'run' is not there yet.")).to_be_visible()


def panel(page: Page, number: int) -> Locator:
    return page.locator(".xacct-panel").nth(number - 1)


def press(page: Page, number: int, button: str) -> None:
    """Press a button of a panel by keyboard."""
    wanted = panel(page, number).get_by_role("button", name=button)
    expect(wanted).to_be_visible()
    tab_to(page, wanted)
    page.keyboard.press("Enter")


def approve(page: Page, plan: int, number: int) -> None:
    """Type the start of the digest that one panel shows into the field of another."""
    field = panel(page, number).get_by_label(APPROVAL)
    expect(field).to_be_visible()
    digest = digest_in(panel(page, plan))
    tab_to(page, field)
    page.keyboard.type(digest[:8])
    page.keyboard.press("Enter")
    expect(panel(page, number)).to_contain_text(f"Approved: {digest}")


def opened_by(page: Page, link: Locator) -> Page:
    """Follow a link by keyboard; return the tab that it opens."""
    tab_to(page, link)
    with page.expect_popup() as opened:
        page.keyboard.press("Enter")
    return opened.value


def menu(page: Page, name: str, item: str) -> None:
    page.get_by_role("menuitem", name=name, exact=True).click()
    page.locator(".lm-Menu-item", has_text=item).first.click()


def restart(page: Page) -> None:
    menu(page, "Kernel", "Restart Kernel…")
    page.locator(".jp-Dialog .jp-mod-accept").click()
