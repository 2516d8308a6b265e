"""What a person types or pastes is redacted before anything parses, shows or keeps it, and still works."""

import json
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from support.desk import Desk
from support.examples import a_grant
from support.form_texts import controls_of
from xacct_nb.changes.planner import diff
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.errors import InvalidParameters
from xacct_nb.grants.documents import build
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.grants.state import State
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.jupyter.forms.denial_form import DENIAL_LABELS, DenialForm
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.request import check_request

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"
SECRET, CODE = "vendor-7-of-the-reports", "314159"
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: "
    f"User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {ROLE}"
)
# Around an error, as terminals, logs, files and consoles show it.
AROUND = {
    "a command": "$ aws sts assume-role --role-arn ROLE --external-id SECRET --token-code CODE\n\nDENIED",
    "a command with =": "aws sts assume-role --external-id=SECRET --token-code=CODE\nDENIED",
    "an AWS file": "[profile reports]\nrole_arn = ROLE\nexternal_id = SECRET\n\n$ aws s3 ls\nDENIED",
    "XML": "<AssumeRole><ExternalId>SECRET</ExternalId><TokenCode>CODE</TokenCode></AssumeRole> DENIED",
    "Python": "sts.assume_role(RoleArn='ROLE', ExternalId='SECRET', TokenCode='CODE')\nDENIED",
    "JSON": '{"request": {"ExternalId": "SECRET", "TokenCode": "CODE"}}\nDENIED',
    "JSON in JSON": '{\\"ExternalId\\": \\"SECRET\\", \\"TokenCode\\": \\"CODE\\"}\nDENIED',
    "a query": "POST / Action=AssumeRole&ExternalId=SECRET&TokenCode=CODE\nDENIED",
    "YAML": "ExternalId: SECRET\nTokenCode: CODE\nDENIED",
    "a prompt": "Enter MFA code for arn:aws:iam::111111111111:mfa/alice: CODE\nDENIED\nexternal_id = SECRET",
    "headers": "authorization: bearer SECRET-9\nx-api-key: SECRET-9\nDENIED",
    "variables": "export GITHUB_TOKEN=SECRET-9\nset ARM_CLIENT_SECRET=SECRET-9\nDENIED",
    "an address": "https://ada:SECRET/9@example.org/ DENIED",
}


def pasted(kind: str) -> str:
    words = {"SECRET": SECRET, "CODE": CODE, "ROLE": ROLE, "DENIED": DENIED}
    text = AROUND[kind]
    for word, value in words.items():
        text = text.replace("CLIENT_SECRET", "CLIENT_\0") if word == "SECRET" else text
        text = text.replace(word, value).replace("\0", "SECRET")
    return text


def has_secret(shown: object) -> bool:
    return SECRET in str(shown) or CODE in str(shown)


@pytest.mark.parametrize("kind", AROUND)
def test_a_denial_keeps_no_secret_and_reads_the_rest(kind: str) -> None:
    denial = read_denial(pasted(kind))

    assert (denial.code, denial.caller, denial.action, denial.resource) == (
        "AccessDenied",
        ALICE,
        "sts:AssumeRole",
        ROLE,
    )
    assert not any(map(has_secret, (denial, repr(denial), denial.to_json(), denial._repr_html_())))


@pytest.mark.parametrize("kind", AROUND)
def test_the_diagnosis_is_that_of_the_error_alone(kind: str) -> None:
    found, plain = diagnose(error=pasted(kind)), diagnose(error=DENIED)

    assert [each.code for each in found.causes] == [each.code for each in plain.causes]
    assert not any(map(has_secret, (found, repr(found), found.to_json(), found._repr_html_())))


@pytest.mark.parametrize("name", ["error_text", "note", "ticket"])
def test_settings_hold_no_secret_that_was_typed(name: str) -> None:
    held = settings_of({name: pasted("a command")})

    assert ROLE in getattr(held, name)
    assert not any(map(has_secret, (held, repr(held), held.model_dump_json())))


@pytest.mark.parametrize("name", ["externalId", "external_id", "tokenCode", "token_code", "SecretAccessKey"])
def test_a_call_takes_no_secret_whatever_its_spelling(name: str) -> None:
    with pytest.raises(InvalidParameters, match="would be written into the notebook"):
        settings_of({"call": {name: SECRET}})


@pytest.mark.parametrize("kind", AROUND)
def test_no_value_that_goes_to_a_kernel_has_a_secret_that_was_pasted(kind: str) -> None:
    request = check_request("diagnose_a_denial", None, [("error_text", pasted(kind))], "", "")

    assert DENIED in request.values["error_text"]
    assert not has_secret(request)


def test_a_secret_that_the_environment_names_is_found_without_its_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CI_JOB_TOKEN", SECRET)
    request = check_request("diagnose_a_denial", None, [("error_text", f"{SECRET} {DENIED}")], "", "")

    assert not has_secret(request)


class TestTheForms:
    @pytest.fixture(autouse=True)
    def _no_widgets_left(self) -> Iterator[None]:
        yield
        ipywidgets.Widget.close_all()

    @pytest.mark.parametrize("kind", AROUND)
    def test_what_is_pasted_into_a_field_stays_in_no_widget(self, kind: str) -> None:
        form = DenialForm(Settings(), live=True)
        controls_of(form)[DENIAL_LABELS["error_text"]].value = pasted(kind)

        assert DENIED in form.settings.error_text
        assert not has_secret(states())

    def test_a_note_beside_an_approval_keeps_no_secret(self) -> None:
        form = ApprovalForm(diff(build(a_grant()), State({})), "", live=True)
        controls_of(form)["Note for the record"].value = f"agreed with alice, password={SECRET}"

        assert form.note == "agreed with alice, password=[redacted]"
        assert not has_secret(states())


def states() -> str:
    """The state of every widget, as a front end and a saved notebook have it."""
    return json.dumps(ipywidgets.Widget.get_manager_state())


def test_a_headless_run_leaves_no_secret_that_was_pasted(desk: Desk) -> None:
    fields: dict[str, Any] = {
        "error_text": pasted("a command"),
        "note": pasted("YAML"),
        "caller": "",
        "role": "",
    }
    ended = desk.run("diagnose_a_denial", **fields)
    written = b"".join(path.read_bytes() for path in ended.folder.rglob("*") if path.is_file())

    assert ended.record.diagnosis is not None
    assert SECRET.encode() not in written
    assert CODE.encode() not in written
    assert not has_secret(ended)
