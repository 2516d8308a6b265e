"""The walkthrough as a person goes through it: by keyboard, with mistakes, to a proof and a record."""

import pytest
from playwright.sync_api import Locator, Page, expect

from support.browser_page import APPROVAL, cut_off, described, press, serious, tab_to
from support.jupyterlab import Lab
from support.notebook_walk import OUTPUTS, Walk
from xacct_nb.jupyter.forms.form_parts import REFUSED
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser

SECRET = "hunter2-of-the-reports"
GROUP = "arn:aws:iam::111111111111:group/analysts"
ALICE = "arn:aws:iam::111111111111:user/alice"
AUDITOR = "arn:aws:iam::222222222222:role/reports-auditor"
SENTENCE = (
    "user/alice of 111111111111 will be able to s3:GetObject on reports/* through role/reports-auditor of "
    "222222222222, with an external ID"
)


def test_a_person_goes_by_keyboard_from_mistakes_to_a_proven_recorded_and_undone_grant(
    lab: Lab, page: Page
) -> None:
    walk = Walk(lab, page, "10_walkthrough.ipynb")
    walk.run_to("form")
    make_mistakes_in_the_form(walk)
    decide(walk)
    walk.run_to("proof")
    expect(walk.said("Proof: 8 of 8 answered as expected")).to_contain_text(
        "The access is what the grant says."
    )

    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    expect(walk.field(APPROVAL)).to_be_disabled()
    expect(walk.field("Session minutes")).to_be_disabled()
    assert SECRET not in page.content() + walk.saved()
    look_at_everything(walk)
    read_the_record(walk, lab)

    undo = Walk(lab, page, "70_roll_back.ipynb")
    undo.run_to("approval")
    undo.approve()
    undo.run_to("xa.record(run)")
    expect(undo.said("Undone: both accounts are as they were before.")).to_be_visible()
    assert [line["status"] for line in lab.ledger()] == ["succeeded", "succeeded"]
    assert verify_records(lab.records) == []


def make_mistakes_in_the_form(walk: Walk) -> None:
    """Type what is not valid: a group, then an external ID. Both are said, and the next cells wait."""
    page, source = walk.page, walk.field("Source ARN")
    trust = walk.policy("Trust policy of role/reports-reader")
    assert beside(walk.policy("Caller policy of user/alice"), trust)

    walk.go_into("form", source)
    walk.replace(GROUP)
    expect(page.get_by_role("alert")).to_have_text("Source ARN: not valid. The cells below wait until it is.")
    expect(source).to_have_attribute("aria-invalid", "true")
    expect(described(page, source)).to_contain_text("is a group, which cannot be trusted")
    expect(trust).to_have_count(0)
    assert serious(page, OUTPUTS) == []
    walk.run_to("sessions")
    expect(walk.outputs("sessions")).to_contain_text("Source ARN")

    walk.go_into("form", source)
    walk.replace(ALICE)
    expect(page.get_by_role("alert")).to_have_count(0)
    press(page, "Tab")
    expect(walk.field("Destination role")).to_be_focused()
    walk.replace(AUDITOR)
    expect(walk.policy("Caller policy of user/alice")).to_contain_text("role/reports-auditor")
    expect(walk.policy("Trust policy of role/reports-auditor")).to_contain_text("user/alice")
    tab_to(page, walk.field("External ID"))
    walk.replace(SECRET)
    press(page, "Tab")
    expect(walk.said("takes a reference, not the external ID itself")).to_be_visible()
    expect(walk.field("External ID")).to_have_value(REFUSED)
    walk.run_again("sessions", "sessions")
    expect(walk.outputs("sessions")).to_contain_text("External ID: The field takes a reference")
    (walk.path.parent / "external-id").write_text(SECRET)
    walk.go_into("form", walk.field("External ID"))
    walk.replace("file:external-id")
    press(page, "Tab")
    expect(page.get_by_role("alert")).to_have_count(0)


def decide(walk: Walk) -> None:
    """Read the card, mistype the digest, approve, change the form after that, and approve once more."""
    walk.run_again("sessions", "approval")
    expect(walk.outputs("approval")).to_contain_text("SANDBOX")
    expect(walk.outputs("approval")).to_contain_text(SENTENCE)
    walk.go_into("approval", walk.field(APPROVAL))
    walk.replace("00000000")
    expect(walk.said("The digest of this plan does not begin like this.")).to_be_visible()
    first = walk.approve()

    walk.go_into("form", walk.field("Session minutes"))
    walk.replace("90")
    expect(walk.outputs("approval")).to_contain_text("The form was changed since this plan was made.")
    expect(walk.outputs("approval")).not_to_contain_text(f"Approved: {first}")
    walk.run_again("journal", "journal")
    expect(walk.outputs("journal")).to_contain_text("The form has another grant")
    walk.run_again("sessions", "approval")
    assert walk.approve() != first


def look_at_everything(walk: Walk) -> None:
    """Look at every output in both themes and in a narrow window."""
    page = walk.page
    assert walk.unlabelled() == []
    assert serious(page, OUTPUTS) == []
    walk.darken()
    press(page, "Control+b")
    page.set_viewport_size({"width": 500, "height": 1000})
    assert serious(page, OUTPUTS) == []
    assert cut_off(page, ".jp-OutputArea-output > div, .xacct-form") == []
    page.set_viewport_size({"width": 1280, "height": 1000})


def read_the_record(walk: Walk, lab: Lab) -> None:
    """Open the record by its link, inside JupyterLab; look at it in a narrow window."""
    page = walk.page
    walk.go_into("xa.record(run)", walk.outputs("xa.record(run)").get_by_role("link", name="Open the record"))
    press(page, "Enter")
    record = page.frame_locator("iframe").locator("body")
    expect(record).to_contain_text(SENTENCE)
    alone = page.context.new_page()
    alone.set_viewport_size({"width": 500, "height": 1000})
    alone.goto((lab.records / str(lab.ledger()[-1]["id"]) / "run.html").as_uri())
    assert serious(alone) == []
    assert cut_off(alone, "html, section") == []


def beside(left: Locator, right: Locator) -> bool:
    """Return whether two elements are at the same height, one right of the other, and fully visible."""
    one, other = left.bounding_box(), right.bounding_box()
    cut = [each.locator("pre").evaluate("pre => pre.scrollWidth > pre.clientWidth") for each in (left, right)]
    return bool(
        one and other and one["y"] == other["y"] and one["x"] + one["width"] <= other["x"] and not any(cut)
    )
