"""The notebook for fleets in JupyterLab: a person approves the plan, and sees every account proven."""

import pytest
from playwright.sync_api import Page, expect

from support.browser_page import cut_off, serious
from support.jupyterlab import Lab
from support.notebook_walk import OUTPUTS, Walk
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser


def test_a_person_approves_the_plan_of_a_fleet_and_rolls_it_back(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, "60_grant_a_fleet.ipynb")
    walk.run_to("plan")
    expect(walk.said("8 to add, 0 to change, 0 to destroy, in 4 accounts.").first).to_be_visible()
    walk.run_to("approval")
    walk.approve()
    walk.run_to("fleet.verify(result)")
    expect(walk.said("Fleet: 3 of 3 roles proven.").first).to_be_visible()
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
