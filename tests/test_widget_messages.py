"""No message of a widget to the browser has a secret: none of a field, a panel or a picture."""

import atexit
import json
from collections.abc import Iterator
from typing import Any

import comm
import ipywidgets
import pytest

from support.desk import Desk
from support.form_texts import controls_of
from support.planted_secrets import EXTERNAL_ID, found, written
from xacct_nb.grants.form.form_fields import EXTERNAL_ID as FIELD
from xacct_nb.jupyter.forms.grant_form import LABELS
from xacct_nb.jupyter.forms.one_page import APPLY, CHECK, DIAGNOSE, PROVE, UNDO, UNDO_NOW, PageWidget
from xacct_nb.runs.page.steps import PageSteps
from xacct_nb.runs.start import start_run

TYPED = "another-Secret/that:nobody.knows"
PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice", "mallory"],
}


@pytest.fixture
def messages(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Everything that widgets send to the browser, from the first message on."""
    sent = list[str]()

    def publish(self: object, kind: str, data: Any = None, **more: Any) -> None:
        sent.append(json.dumps([kind, data, more], default=str))

    monkeypatch.setattr(comm.DummyComm, "publish_msg", publish)
    monkeypatch.setattr(atexit, "register", lambda call, *_: call)
    ipywidgets.Widget.close_all()
    yield sent
    ipywidgets.Widget.close_all()


def from_browser(control: Any, value: str) -> None:
    """What the browser sends when a person has typed the value and left the field."""
    state = {"method": "update", "state": {"value": value}, "buffer_paths": []}
    control._handle_msg({"content": {"data": state}, "buffers": []})


def keys_of(steps: PageSteps) -> list[str]:
    """The keys and tokens that the sessions of the run sign with."""
    clients = [steps.sessions.client(name, "sts") for name in ("alice", "mallory")]  # type: ignore[union-attr]
    clients.append(steps.sessions.admin(steps.run.grant().source_accounts[0], "iam"))  # type: ignore[union-attr]
    held = [each._request_signer._credentials.get_frozen_credentials() for each in clients]
    return [str(part) for each in held for part in (each.secret_key, each.token) if part]


def test_no_message_of_the_page_and_no_file_of_its_run_has_a_secret(
    desk: Desk,
    messages: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("EXTERNAL_ID_OF_THE_TEST", EXTERNAL_ID)
    parameters = desk.parameters(**PROFILES, records=str(desk.records))
    steps = PageSteps(start_run("on_one_page", parameters))
    page = PageWidget(steps)
    control = controls_of(steps.form)[LABELS[FIELD]]
    from_browser(control, TYPED)
    from_browser(control, "env:EXTERNAL_ID_OF_THE_TEST")
    page.check.buttons[CHECK].click()
    page.checked.approval.approve(page.checked.plan.digest)
    page.apply.buttons[APPLY].click()
    keys = keys_of(steps)
    iam = steps.sessions.admin(desk.world.source, "iam")  # type: ignore[union-attr]
    (attached,) = iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]
    iam.detach_user_policy(UserName="alice", PolicyArn=attached["PolicyArn"])
    page.prove.buttons[PROVE].click()
    page.end.buttons[DIAGNOSE].click()
    iam.attach_user_policy(UserName="alice", PolicyArn=attached["PolicyArn"])
    page.prove.buttons[PROVE].click()
    page.end.buttons[UNDO].click()
    page.undoing.checked.approval.approve(page.undoing.checked.plan.digest)
    page.undoing.panel.buttons[UNDO_NOW].click()

    assert [each.state for each in page.panels] == ["done"] * 6
    assert desk.state() == []
    assert len(messages) > 300
    assert len(keys) >= 3
    left = {"messages": "\n".join(messages).encode(), "streams": "".join(capfd.readouterr()).encode()}
    assert found([EXTERNAL_ID, TYPED, *keys], left | written(desk.records)) == []
