"""The walkthrough as a person goes through it: JupyterLab, Chromium, a form, an approval, a proof."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from support.jupyterlab import Lab
from xacct_nb.storage.ledger import ledger, verify_records

pytestmark = pytest.mark.browser

NOTEBOOK = "10_walkthrough.ipynb"
SECRET = "hunter2-of-the-reports"
DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")
NAMELESS = """() => [...document.querySelectorAll(".jp-OutputArea :is(input, textarea, select, button)")]
    .filter(each => each.offsetParent && !each.labels?.length && !each.innerText && !each.ariaLabel)
    .map(each => each.outerHTML)"""


def test_a_person_fills_in_approves_and_sees_the_access_proven(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page)
    walk.run_to("form")

    walk.field("Destination role").fill("arn:aws:iam::222222222222:role/reports-auditor")
    expect(walk.policy("Caller policy of user/alice")).to_contain_text("role/reports-auditor")
    expect(walk.policy("Trust policy of role/reports-auditor")).to_contain_text("user/alice")

    walk.run_to("approval")
    expect(walk.said("Digest: ")).to_contain_text(DIGEST)
    # Its text as it stands in the page: JupyterLab may not have drawn a cell that was scrolled away.
    digest = DIGEST.search(walk.said("Digest: ").text_content() or "")
    assert digest
    walk.field("First 8 characters of the digest").press_sequentially(digest[1][:8])
    walk.field("First 8 characters of the digest").press("Enter")
    expect(walk.said(f"Approved: {digest[1]}")).to_be_visible()
    assert page.evaluate(NAMELESS) == []

    walk.run_to("proof")
    expect(walk.said("Proof: 6 of 6 answered as expected")).to_contain_text(
        "The access is what the grant says."
    )

    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [line["status"] for line in ledger(lab.records)] == ["succeeded"]
    assert verify_records(lab.records) == []


def test_bad_input_is_told_in_place_of_the_policies_and_breaks_nothing(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page)
    walk.run_to("form")
    caller = walk.policy("Caller policy of user/alice")
    trust = walk.policy("Trust policy of role/reports-reader")
    assert beside(caller, trust)

    walk.field("Source ARN").fill("arn:aws:iam::111111111111:group/analysts")
    expect(page.get_by_role("alert")).to_have_text(
        "Source ARN: not valid. The last valid grant is used until it is."
    )
    expect(walk.said("is a group, which cannot be trusted.")).to_be_visible()
    expect(trust).to_have_count(0)

    walk.field("Source ARN").fill("arn:aws:iam::111111111111:user/alice")
    expect(trust).to_contain_text("user/alice")
    expect(page.get_by_role("alert")).to_have_count(0)

    walk.field("External ID").fill(SECRET)
    walk.field("External ID").press("Tab")
    expect(walk.said("takes a reference, not the external ID itself")).to_be_visible()
    expect(walk.field("External ID")).to_have_value("")
    assert SECRET not in page.content()
    assert SECRET not in walk.saved()
    assert page.evaluate(NAMELESS) == []


class Walk:
    """A person at the notebook: runs cell after cell, and waits for what the last one shows."""

    def __init__(self, lab: Lab, page: Page) -> None:
        self.page, self.at = page, 0
        self.path = lab.notebooks / NOTEBOOK
        self.sources = sources(self.path)
        page.goto(lab.link(NOTEBOOK))
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def run_to(self, source: str) -> None:
        """Runs the cells up to the one with this last line, and waits until it has run."""
        end = next(at for at, each in enumerate(self.sources) if each.splitlines()[-1] == source)
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        cells.nth(self.at).locator(".jp-InputPrompt, .jp-InputArea-prompt").first.click()
        for _ in range(self.at, end + 1):
            self.page.keyboard.press("Shift+Enter")
        expect(cells.nth(end).locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]:"))
        self.at = end + 1

    def saved(self) -> str:
        """The notebook as JupyterLab writes it to disk."""
        self.page.locator("[data-command='docmanager:save']").click()
        expect(self.page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
        return self.path.read_text()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def policy(self, title: str) -> Locator:
        return (
            self.page.get_by_role("figure", name=title).or_(self.page.locator("figure", has_text=title)).first
        )

    def said(self, words: str) -> Locator:
        return self.page.locator(".xacct-text", has_text=words)


def sources(notebook: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"]]


def beside(left: Locator, right: Locator) -> bool:
    """Whether two things stand at the same height, one right of the other, and nothing of them is cut off."""
    one, other = left.bounding_box(), right.bounding_box()
    cut = [each.locator("pre").evaluate("pre => pre.scrollWidth > pre.clientWidth") for each in (left, right)]
    return bool(
        one and other and one["y"] == other["y"] and one["x"] + one["width"] <= other["x"] and not any(cut)
    )
