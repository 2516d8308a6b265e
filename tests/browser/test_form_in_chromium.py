"""The form of a grant in JupyterLab: by keyboard alone, what a screen reader is told, narrow windows."""

from playwright.sync_api import Page, expect

from support.browser_page import cut_off, described, press, serious
from support.jupyterlab import Lab
from support.notebook_walk import Walk

NOTEBOOK = "20_plan_and_apply.ipynb"
FORM = ".jp-OutputArea .xacct-form"
MALLORY = "arn:aws:iam::111111111111:user/mallory"


def test_a_grant_is_edited_by_keyboard_and_each_field_says_what_is_wrong(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, NOTEBOOK)
    walk.run_to("form")
    source = walk.field("Source ARN")
    expect(source).to_have_attribute("aria-required", "true")

    walk.field("Grant name").focus()
    press(page, "Tab", "Control+a")
    page.keyboard.type("arn:aws:iam::111111111111:group/analysts")
    expect(source).to_have_attribute("aria-invalid", "true")
    expect(source).to_be_focused()
    expect(described(page, source)).to_contain_text("is a group, which cannot be trusted")
    expect(page.get_by_role("alert")).to_have_text("Source ARN: not valid. The cells below wait until it is.")
    assert serious(page, FORM) == []

    press(page, "Control+a")
    page.keyboard.type("arn:aws:iam::111111111111:user/alice")
    expect(source).to_have_attribute("aria-invalid", "false")
    expect(page.get_by_role("alert")).to_have_count(0)

    conditions = page.get_by_role("button", name="Conditions of the trust policy")
    expect(conditions).to_have_attribute("aria-expanded", "false")
    conditions.focus()
    press(page, "Enter")
    expect(conditions).to_have_attribute("aria-expanded", "true")
    expect(conditions).to_be_focused()
    press(page, "Tab", "Space")
    expect(walk.field("Require MFA")).to_be_focused()
    expect(walk.policy("Trust policy of role/reports-reader")).to_contain_text("aws:MultiFactorAuthPresent")

    read = page.get_by_role("button", name="Read what the accounts have")
    read.focus()
    press(page, "Enter")
    search = walk.field("Add to Source ARN")
    expect(search).to_be_visible()
    search.focus()
    page.keyboard.type(MALLORY)
    press(page, "Enter")
    expect(source).to_have_value(f"arn:aws:iam::111111111111:user/alice\n{MALLORY}")
    expect(search).to_have_value("")
    expect(search).to_be_focused()

    assert walk.unlabelled() == []
    assert serious(page, FORM) == []
    page.set_viewport_size({"width": 500, "height": 1000})
    press(page, "Control+b")
    assert cut_off(page, FORM) == []
    expect(search).to_be_visible()
