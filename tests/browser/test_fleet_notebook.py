"""The notebook for fleets in JupyterLab: a person edits the grant, approves, and sees every proof."""

import pytest
from playwright.sync_api import Page, expect

from support.browser_page import cut_off, described, press, serious
from support.jupyterlab import Lab
from support.notebook_walk import OUTPUTS, Walk
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser
FORM = ".jp-OutputArea .xacct-form:has(.xacct-section)"


def test_a_person_edits_approves_and_rolls_back_a_fleet(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, "60_grant_a_fleet.ipynb")
    walk.run_to("approval")
    expect(walk.said("8 to add, 0 to change, 0 to destroy, in 4 accounts.").first).to_be_visible()
    first = walk.approve()

    accounts = walk.field("Destination accounts")
    walk.go_into("fleet.form()", accounts)
    walk.replace("222222222222, 33333333333")
    expect(accounts).to_have_attribute("aria-invalid", "true")
    expect(described(page, accounts)).to_contain_text("'33333333333' is not an account id.")
    walk.replace("222222222222, 3333-3333-3333  # payroll")
    expect(accounts).to_have_attribute("aria-invalid", "false")
    expect(walk.said("2 destination accounts, 2 pairs of source and role.").first).to_be_visible()
    expect(walk.said("The form was changed since this plan was made.").first).to_be_visible()
    assert walk.unlabelled() == []
    assert serious(page, FORM) == []
    page.set_viewport_size({"width": 500, "height": 1000})
    press(page, "Control+b")
    assert cut_off(page, FORM) == []
    page.set_viewport_size({"width": 1280, "height": 1000})
    press(page, "Control+b")

    walk.at = walk.place_of("result")
    walk.run_to("result")
    expect(page.get_by_text("The plan was not made from what the form has now.").first).to_be_visible()
    walk.run_again("plan", "approval")
    expect(walk.said("6 to add, 0 to change, 0 to destroy, in 3 accounts.").first).to_be_visible()
    assert walk.approve() != first
    walk.run_to("fleet.verify(result)")
    expect(walk.said("Fleet: 2 of 2 roles proven.").first).to_be_visible()
    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert serious(page, OUTPUTS) == []
    assert cut_off(page, f"{OUTPUTS} .xacct-text") == []

    undo = Walk(lab, page, "70_roll_back.ipynb")
    undo.run_to("approval")
    undo.approve()
    undo.run_to("xa.record(run)")
    expect(undo.said("Undone: all accounts are as they were before.")).to_be_visible()
    assert [line["status"] for line in lab.ledger()] == ["succeeded", "succeeded"]
    assert verify_records(lab.records) == []
