"""The form of a grant in JupyterLab: by keyboard alone, what a screen reader is told, narrow windows."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect

from support.jupyterlab import Lab
from support.notebook_walk import Walk

NOTEBOOK = "20_plan_and_apply.ipynb"
FORM = ".jp-OutputArea .xacct-form"
MALLORY = "arn:aws:iam::111111111111:user/mallory"
WIDER = "form => form.scrollWidth > form.clientWidth + 1"


@pytest.fixture
def errors(page: Page) -> list[str]:
    """What the page writes to its console as errors."""
    found: list[str] = []
    page.on("console", lambda each: found.append(each.text) if each.type == "error" else None)
    page.on("pageerror", lambda each: found.append(str(each)))
    return found


def test_a_grant_is_edited_by_keyboard_and_each_field_says_what_is_wrong(
    lab: Lab, page: Page, errors: list[str]
) -> None:
    walk = Walk(lab, page, NOTEBOOK)
    walk.run_to("form")
    source = walk.field("Source ARN")
    expect(source).to_have_attribute("aria-required", "true")

    walk.field("Grant name").focus()
    press(page, "Tab", "Control+a")
    page.keyboard.type("arn:aws:iam::111111111111:group/analysts")
    expect(source).to_have_attribute("aria-invalid", "true")
    expect(source).to_be_focused()
    assert "is a group, which cannot be trusted" in described(page, source)
    expect(page.get_by_role("alert")).to_have_text("Source ARN: not valid. The cells below wait until it is.")
    assert serious(page) == []

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
    assert serious(page) == []
    page.set_viewport_size({"width": 500, "height": 1000})
    press(page, "Control+b")
    assert not page.locator(FORM).evaluate(WIDER)
    expect(search).to_be_visible()
    assert errors == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def described(page: Page, field: Locator) -> str:
    """Return the text that a screen reader says with a field."""
    tied = field.get_attribute("aria-describedby") or "nothing"
    return page.locator(f"#{tied}").inner_text()


def serious(page: Page) -> list[str]:
    """Return the serious and critical findings of axe in the form."""
    found = Axe().run(page, context=FORM).response["violations"]
    return [
        f"{each['id']}: {each['nodes'][0]['html']}"
        for each in found
        if each["impact"] in ("serious", "critical")
    ]
