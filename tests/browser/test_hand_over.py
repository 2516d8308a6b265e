"""Two owners hand over, each in a JupyterLab of their own that knows the profiles of one account only."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from support.browser_page import cut_off, serious
from support.jupyterlab import ROOT, Lab, running_lab
from support.notebook_walk import OUTPUTS, Walk
from support.two_owners import Owner, owner
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.ledger import verify_records

pytestmark = pytest.mark.browser

WHY = "Quarterly <b>reports</b>"


@dataclass(frozen=True)
class Desktop:
    """An owner at a JupyterLab of their own, whose kernels have the owner's AWS files."""

    owner: Owner
    lab: Lab
    page: Page

    def open(self, **values: Any) -> Walk:
        """Open the notebook with these parameters in its first cell; it acts as on AWS itself."""
        content = json.loads((ROOT / "notebooks" / "50_hand_over.ipynb").read_text())
        cell = next(each for each in content["cells"] if each["cell_type"] == "code")
        written = {"sandbox": False, "patience_seconds": 5, **values}
        cell["source"] = [*cell["source"], "\n", *(f"{name} = {each!r}\n" for name, each in written.items())]
        (self.lab.notebooks / "mine.ipynb").write_text(json.dumps(content))
        return Walk(self.lab, self.page, "mine.ipynb")


@pytest.fixture
def desktops(
    world: World, tmp_path: Path, window: Callable[..., Page], chromium: str
) -> Iterator[tuple[Desktop, Desktop]]:
    """Ada has the source account, Ben the destination account."""
    ada = owner(tmp_path / "ada", world, "source-admin", "alice", "mallory")
    ben = owner(tmp_path / "ben", world, "destination-admin")
    with ExitStack() as stack:
        servers = [stack.enter_context(running_lab(each.folder, each.environment)) for each in (ada, ben)]
        labs = [Lab(each, each.root / "notebooks", 0) for each in servers]
        for lab in labs:
            lab.notebooks.mkdir()
        yield Desktop(ada, labs[0], window()), Desktop(ben, labs[1], window(500))


def test_two_owners_who_each_know_one_account_come_to_a_proven_grant(
    desktops: tuple[Desktop, Desktop], world: World
) -> None:
    ada, ben = desktops
    grant = ada.owner.grant_file(world)
    ada.owner.does("request", "-f", grant, "--why", WHY, "--records", str(ada.lab.records))
    (request,) = ada.owner.folder.glob("*.request.json")
    sent = shutil.copy(request, ben.lab.notebooks)

    walk = ben.open(request=Path(sent).name, destination_profiles=["destination-admin"])
    walk.page.keyboard.press("Control+b")
    walk.run_to("handover")
    sentence = f"user/alice of {world.source} will be able to s3:GetObject"
    expect(walk.outputs("handover")).to_contain_text(sentence)
    expect(walk.outputs("handover")).to_contain_text(WHY)
    expect(walk.policy("Caller policy of user/alice")).to_have_count(0)
    walk.run_to("approval")
    walk.approve()
    walk.run_to("handover.answer(sessions)")
    expect(walk.outputs("handover.answer(sessions)")).to_contain_text("Send the file back.")
    walk.run_to("xa.record(run)")
    expect(walk.page.get_by_role("cell", name="not-proven", exact=True)).to_be_visible()
    assert serious(walk.page, OUTPUTS) == []
    assert cut_off(walk.page, ".jp-OutputArea-output > div") == []

    answer = shutil.copy(next(ben.lab.notebooks.glob("*.answer.json")), ada.lab.notebooks)
    walk = ada.open(answer=Path(answer).name, source_profiles=["source-admin"])
    walk.run_to("approval")
    expect(walk.outputs("plan")).to_contain_text("attachment")
    expect(walk.outputs("plan").get_by_role("cell", name=world.destination)).to_have_count(0)
    walk.approve()
    walk.run_to("handover.answer(sessions)")
    expect(walk.said("The access is proven, and the hand-over is closed.")).to_be_visible()
    walk.run_to("xa.record(run)")
    expect(walk.page.get_by_role("cell", name="succeeded", exact=True)).to_be_visible()
    assert [each["status"] for one in desktops[::-1] for each in one.lab.ledger()] == [
        "not-proven",
        "succeeded",
    ]
    assert verify_records(ada.lab.records) == verify_records(ben.lab.records) == []
    for file in (request.with_suffix(".html"), Path(answer).with_suffix(".html")):
        walk.page.goto((file if file.exists() else ben.lab.notebooks / file.name).as_uri())
        expect(walk.page.locator("body")).to_contain_text(world.destination)
        assert serious(walk.page) == []
