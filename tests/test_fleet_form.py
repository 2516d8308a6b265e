"""The form of a fleet without a browser: its accounts, what is wrong at which field, and its guards."""

import atexit
from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from support.desk import Desk
from support.fleet_world import LISTS_USERS, ROLE, FleetWorld, a_fleet_world
from support.form_texts import controls_of, text_of, text_of_html, words
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.errors import InvalidGrant, OutOfDate, WaitingForApproval
from xacct_nb.fleets.fleet import fleet_of
from xacct_nb.fleets.organization import Account, Organization
from xacct_nb.fleets.typed_fleet import (
    FLEET_FIELDS,
    FLEET_GROUPS,
    FLEET_RUN_FIELDS,
    fleet_as_typed,
    typed_fleet,
)
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.settings import Settings
from xacct_nb.jupyter.forms.fleet_form import FleetForm
from xacct_nb.runs.start import start_run
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.evidence import events
from xacct_nb.views import html

sandbox = in_process_sandbox
ALICE = "arn:aws:iam::111111111111:user/alice"
TWO = ["222222222222", "333333333333"]
READS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}
BOUNDARY = "arn:aws:iam::{account}:policy/boundary"
LOGS, OPS = "ou-ab12-11111111", "ou-ab12-22222222"
ORGANIZATION = Organization(
    "o-a1b2c3d4e5",
    "999999999999",
    (
        Account("222222222222", "logs", "ACTIVE", f"o-a1b2c3d4e5/r-ab12/{LOGS}/", {"env": "prod"}),
        Account("333333333333", "old logs", "SUSPENDED", f"o-a1b2c3d4e5/r-ab12/{LOGS}/", {"env": "prod"}),
        Account("444444444444", "ops", "ACTIVE", f"o-a1b2c3d4e5/r-ab12/{OPS}/", {"env": "test"}),
    ),
)


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    ipywidgets.Widget.close_all()
    yield
    ipywidgets.Widget.close_all()


def a_form(look_up: Any = None, **fields: Any) -> FleetForm:
    usual = {"name": "readers", "sources": [ALICE], "accounts": TWO, "role": ROLE, "permissions": [READS]}
    grant = fleet_of(usual | fields).grants[0]
    return FleetForm(grant, lambda each: each, live=True, settings=Settings(), look_up=look_up)


def put(form: FleetForm, **typed: Any) -> None:
    """Type into fields of a form; _ stands for the dot in a name."""
    names = {name.replace(".", "_"): name for name in form.typed_now()}
    form.fill(form.typed_now() | {names[name]: value for name, value in typed.items()})


def test_the_form_has_every_field_of_a_fleets_grant_and_the_settings_of_a_fleet() -> None:
    fields = [*FLEET_FIELDS.values(), *FLEET_RUN_FIELDS.values()]

    assert [name for name, each in FLEET_FIELDS.items() if each.required] == ["name", "sources", "role"]
    assert {"accounts", "organization_units", "tags", "except_accounts"} < set(FLEET_FIELDS)
    assert {"waves", "tolerance", "account_role", "organization_profile"} < set(FLEET_RUN_FIELDS)
    assert "destinations" not in FLEET_FIELDS
    assert len({each.label for each in fields}) == len(fields)
    assert [each.name for each in fields if not each.help.endswith(".")] == []
    assert {each.group for each in fields} == set(FLEET_GROUPS)


def test_a_whole_grant_is_typed_and_read_again() -> None:
    whole_fields = {
        "organization_units": [LOGS],
        "tags": {"env": "prod"},
        "except_accounts": ["444444444444"],
        "role": "reader-{account}",
        "permissions_boundary": BOUNDARY,
        "managed_policies": ["arn:aws:iam::aws:policy/SecurityAudit"],
        "conditions": {"require_mfa": True, "source_ips": ["203.0.113.0/24"]},
        "accept": ["wildcard-resource"],
    }
    whole = fleet_of({"name": "readers", "sources": [ALICE], "accounts": TWO} | whole_fields).grants[0]
    begun = a_form().typed_now()

    assert fleet_as_typed(typed_fleet(whole), fleet_of(_plain()).grants[0]) == whole
    assert begun["accounts"] == "222222222222\n333333333333"


def _plain() -> dict[str, Any]:
    return {"name": "a", "sources": [ALICE], "accounts": ["555555555555"], "role": "b"}


@pytest.mark.parametrize(
    "pasted",
    [
        "222222222222, 333333333333",
        '["222222222222", "333333333333"]',
        "- '222222222222'\n- '333333333333'",
        "2222-2222-2222;\t3333-3333-3333",
        "222222222222  # logs\n333333333333  # old, logs",
    ],
)
def test_a_pasted_list_of_accounts_is_read_as_it_is(pasted: str) -> None:
    form = a_form(accounts=["555555555555"])
    put(form, accounts=pasted)

    assert form.fleet.grants[0].target.accounts == tuple(TWO)
    assert "2 destination accounts, 2 pairs of source and role." in text_of(form)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("accounts", "22222222222", "'22222222222' is not an account id"),
        ("accounts", "", "no destination account is named"),
        ("except_accounts", "all", "'all' is not an account id"),
        ("tags", "env prod", "has no value"),
        ("sources", "arn:aws:iam::111111111111:group/devs", "is a group, which cannot be trusted"),
        ("session_minutes", "5", "at least 15"),
        ("waves", "1, 0", "has a number below 1"),
        ("tolerance", "none", "is not a whole number"),
        ("tolerance", "-1", "at least 0"),
    ],
)
def test_what_is_not_valid_is_said_at_its_field_with_the_mend(field: str, typed: str, said: str) -> None:
    form = a_form()
    put(form, **{field: typed})

    assert form.invalid_fields == (field,)
    assert said in form.messages()[field].text
    assert form.problem
    assert form.problem.hint
    with pytest.raises(InvalidGrant, match="The form is not valid"):
        _ = form.fleet


def test_who_is_left_out_and_why_is_shown_at_once() -> None:
    form = a_form()
    put(form, except_accounts="333333333333")

    assert "333333333333 named in except_accounts" in " ".join(text_of(form).split())
    assert "1 destination accounts, 1 pairs of source and role." in text_of(form)


def test_the_accounts_of_a_unit_are_known_once_the_organization_is_read() -> None:
    found = AccountChoices({"accounts": ("222222222222  # logs",), "units": (LOGS, OPS)})
    form = a_form(lambda *_: (found, ORGANIZATION), accounts=[], organization_units=[LOGS])
    before = text_of(form)
    controls_of(form)["Read what the accounts have"].click()

    assert "are known once the organization is read" in before
    assert "333333333333 SUSPENDED" in " ".join(text_of(form).split())
    assert controls_of(form)["Add to Organizational units"].options == (LOGS, OPS)

    controls_of(form)["Add to Destination accounts"].value = "222222222222  # logs"
    assert form.fleet.grants[0].target.accounts == ("222222222222",)


def test_a_unit_that_the_organization_does_not_have_is_said() -> None:
    form = a_form(lambda *_: (AccountChoices(), ORGANIZATION), accounts=[], organization_units=[LOGS])
    form.read_choices()
    put(form, organization_units="ou-ab12-11111112")

    assert not form.valid
    assert f"ou-ab12-11111112 (nearest: {LOGS})" in text_of(form)


def test_a_template_keeps_the_accounts_and_names_the_role() -> None:
    form = a_form()
    controls_of(form)["Begin with"].value = "read-only-auditor"

    grant = form.fleet.grants[0]
    assert grant.target.accounts == tuple(TWO)
    assert grant.template.managed_policies == ("arn:aws:iam::aws:policy/SecurityAudit",)
    assert grant.target.role == "auditor"


def test_text_and_html_of_a_form_say_the_same() -> None:
    form = a_form()

    assert words(str(form)) == words(text_of_html(html(form.view())))


class TestGuards:
    @pytest.fixture
    def members(self, sandbox: Sandbox, desk: Desk) -> FleetWorld:
        return a_fleet_world(sandbox, desk.world, 2)

    @pytest.fixture
    def run(self, desk: Desk, members: FleetWorld, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
        monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
        monkeypatch.setattr("xacct_nb.jupyter.cell_hooks.is_attended", lambda: True)
        fields = {
            "fleet": "",
            "name": "readers",
            "sources": [members.alice],
            "accounts": [members.members[0]],
            "role": ROLE,
            "permissions": [LISTS_USERS],
            "accept": ["wildcard-resource"],
            "sandbox": False,
            "source_profiles": ["source-admin"],
            "destination_profiles": ["destination-admin"],
            "caller_profiles": ["alice"],
            "patience_seconds": 1,
            "records": str(desk.records),
        }
        begun = start_run("grant_a_fleet", fields)
        yield begun
        atexit.unregister(begun.leave)

    def test_an_edit_voids_plan_and_approval_and_says_which_cell_to_run(
        self, run: Any, members: FleetWorld
    ) -> None:
        fleet = run.fleet()
        form = fleet.form()
        plan = fleet.plan()
        approval = fleet.approval(plan)
        with pytest.raises(WaitingForApproval):
            fleet.apply(plan, approval)
        approval.approve(plan.digest)
        put(form, accounts="\n".join(members.members))

        assert approval.digest == ""
        for step in (lambda: fleet.approval(plan), lambda: fleet.apply(plan, approval)):
            with pytest.raises(OutOfDate) as problem:
                step()
            assert problem.value.hint.endswith("from the one that makes the plan: plan = fleet.plan()")
        assert not any(map(members.has_role, members.members))

        plan = fleet.plan()
        approval = fleet.approval(plan)
        approval.approve(plan.digest)
        result = fleet.verify(fleet.apply(plan, approval))

        assert result.summary == "Fleet: 2 of 2 roles proven."
        assert "this run makes no other change" in form.closed
        kept = [each["value"] for each in events(run.evidence.folder) if each["kind"] == "parameters"]
        assert kept[-1]["accounts"] == list(members.members)

    def test_a_form_that_is_not_valid_stops_every_step(self, run: Any) -> None:
        fleet = run.fleet()
        form = fleet.form()
        plan = fleet.plan()
        put(form, accounts="22")

        for step in (fleet.plan, lambda: fleet.approval(plan)):
            with pytest.raises(InvalidGrant, match=r"The form is not valid\. Destination accounts"):
                step()

    def test_a_newer_form_shuts_the_one_before(self, run: Any) -> None:
        before = run.fleet().form()
        run.fleet().form()

        assert before.closed == "A newer form has taken the place of this one."


def test_a_fleet_file_is_shown_with_where_to_edit_it(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    file = tmp_path / "fleet.yaml"
    file.write_text(
        f"name: vendors\ngrants: [{{name: readers, sources: ['{ALICE}'], accounts: {TWO}, role: {ROLE}}}]\n"
    )
    run = start_run("grant_a_fleet", {"fleet": str(file), "records": str(tmp_path), "sandbox": False})
    shown = str(run.fleet().form())
    atexit.unregister(run.leave)

    assert "222222222222, 333333333333" in shown
    assert f"To change it, edit {file}, then run the cells from here again." in " ".join(shown.split())
