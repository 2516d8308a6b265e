"""The walkthrough as a person goes through it: JupyterLab, Chromium, a form, an approval, a proof."""

import re

import pytest
from playwright.sync_api import Locator, Page, expect

from support.jupyterlab import Lab
from support.notebook_walk import Walk
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser

NOTEBOOK = "10_walkthrough.ipynb"
SECRET = "hunter2-of-the-reports"
DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")


def test_a_person_fills_in_approves_and_sees_the_access_proven(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, NOTEBOOK)
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
    assert walk.unlabelled() == []

    walk.run_to("proof")
    expect(walk.said("Proof: 6 of 6 answered as expected")).to_contain_text(
        "The access is what the grant says."
    )

    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [line["status"] for line in lab.ledger()] == ["succeeded"]
    assert verify_records(lab.records) == []


def test_invalid_input_is_explained_in_place_of_the_policies(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, NOTEBOOK)
    walk.run_to("form")
    caller = walk.policy("Caller policy of user/alice")
    trust = walk.policy("Trust policy of role/reports-reader")
    assert beside(caller, trust)

    walk.field("Source ARN").fill("arn:aws:iam::111111111111:group/analysts")
    expect(page.get_by_role("alert")).to_have_text("Source ARN: not valid. The cells below wait until it is.")
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
    assert walk.unlabelled() == []


def beside(left: Locator, right: Locator) -> bool:
    """Return whether two elements are at the same height, one right of the other, and fully visible."""
    one, other = left.bounding_box(), right.bounding_box()
    cut = [each.locator("pre").evaluate("pre => pre.scrollWidth > pre.clientWidth") for each in (left, right)]
    return bool(
        one and other and one["y"] == other["y"] and one["x"] + one["width"] <= other["x"] and not any(cut)
    )
