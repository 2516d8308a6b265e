"""Two owners hand over in JupyterLab: each runs the notebook on their own side, and approves by hand."""

import json
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from support.examples import a_grant
from support.jupyterlab import Lab
from support.notebook_walk import Walk
from xacct_nb.runs.handoff_writing import write_request
from xacct_nb.storage.ledger import read_ledger, verify_records

pytestmark = pytest.mark.browser

DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")


def notebook(lab: Lab, name: str, **values: str) -> str:
    """Copy the notebook under a name, with these parameters in its first cell."""
    content = json.loads((lab.notebooks / "50_hand_over.ipynb").read_text())
    cell = next(each for each in content["cells"] if each["cell_type"] == "code")
    cell["source"] = [*cell["source"], "\n", *(f"{key} = {value!r}\n" for key, value in values.items())]
    (lab.notebooks / name).write_text(json.dumps(content))
    return name


def approve(walk: Walk) -> None:
    walk.run_to("approval")
    digest = DIGEST.search(walk.said("Digest: ").last.text_content() or "")
    assert digest
    walk.field("First 8 characters of the digest").press_sequentially(digest[1][:8])
    walk.field("First 8 characters of the digest").press("Enter")
    expect(walk.said(f"Approved: {digest[1]}")).to_be_visible()


def test_two_owners_come_to_a_proven_grant(lab: Lab, page: Page, tmp_path: Path) -> None:
    ada, ben = tmp_path / "ada", tmp_path / "ben"
    ada.mkdir()
    grant, request = ada / "grant.json", ada / "reports.request.json"
    grant.write_text(json.dumps(a_grant().to_json()))
    write_request(grant, out=str(request), why="Quarterly <b>reports</b>", records=ada)

    walk = Walk(lab, page, notebook(lab, "ben.ipynb", request=str(request), records=str(ben)))
    walk.run_to("handover")
    expect(
        walk.said("user/alice of 111111111111 will be able to s3:GetObject on reports/*").first
    ).to_be_visible()
    expect(page.get_by_text("Quarterly <b>reports</b>").first).to_be_visible()
    expect(walk.policy("Caller policy of user/alice")).to_have_count(0)
    approve(walk)
    walk.run_to("handover.answer(sessions)")
    expect(page.get_by_text("Send the file back.").first).to_be_visible()
    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="not-proven", exact=True)).to_be_visible()

    answer = str(request).replace(".request.", ".answer.")
    walk = Walk(lab, page, notebook(lab, "ada.ipynb", answer=answer, records=str(ada)))
    approve(walk)
    walk.run_to("handover.answer(sessions)")
    expect(walk.said("The access is proven, and the hand-over is closed.")).to_be_visible()
    walk.run_to("xa.record(run)")
    expect(page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [line["status"] for each in (ben, ada) for line in read_ledger(each)] == [
        "not-proven",
        "succeeded",
    ]
    assert verify_records(ada) == verify_records(ben) == []
