"""The diagnosis of a denial as a new user does it: JupyterLab, Chromium, a pasted text, a cause, a fix."""

import re

import pytest
from playwright.sync_api import Page, expect

from support.jupyterlab import Lab
from support.notebook_walk import Walk
from xacct_nb.jupyter.forms.form_parts import REFUSED
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser

NOTEBOOK = "40_diagnose_a_denial.ipynb"
SECRET = "hunter2-of-the-reports"
ROLE = "arn:aws:iam::222222222222:role/summary-reader"
TEXT = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: "
    f"arn:aws:iam::111111111111:user/alice is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
)


def test_a_person_pastes_a_text_and_gets_the_cause_the_fix_and_a_record(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, NOTEBOOK)
    walk.run_to("form")

    walk.field("Caller ARN").fill("")
    walk.field("Error text").fill(TEXT)
    walk.field("Error text").press("Tab")
    expect(page.get_by_role("status")).to_contain_text("arn:aws:iam::111111111111:user/alice")
    assert walk.unlabelled() == []

    walk.run_to("diagnosis")
    expect(page.get_by_role("cell", name="policy-not-attached", exact=True)).to_be_visible()
    expect(page.locator("pre", has_text="aws iam attach-user-policy --user-name alice")).to_be_visible()

    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    (line,) = lab.ledger()
    assert re.match("In the sandbox: Certain: policy-not-attached", line["summary"])
    assert verify_records(lab.records) == []


def test_a_typed_external_id_is_refused_and_kept_nowhere(lab: Lab, page: Page) -> None:
    walk = Walk(lab, page, NOTEBOOK)
    walk.run_to("form")

    walk.field("External ID").fill(SECRET)
    walk.field("External ID").press("Tab")
    expect(page.get_by_role("status")).to_contain_text("external_id is the external ID itself")
    expect(walk.field("External ID")).to_have_value(REFUSED)
    assert SECRET not in page.content()
    assert SECRET not in walk.saved()
