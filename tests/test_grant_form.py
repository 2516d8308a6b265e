"""The grant's form without a browser: what is typed becomes the grant, or the form says why it cannot."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ipywidgets
import pytest
from hypothesis import given
from hypothesis import strategies as st
from ipywidgets.widgets.widget import _instances

from support.examples import ALICE, ROLE, a_grant
from support.form_texts import all_widgets, controls_of, text_of, text_of_html, words
from xacct_nb.errors import InvalidGrant, InvalidInput, NoCredentials
from xacct_nb.grants.documents import build
from xacct_nb.grants.form.choices import AccountChoices
from xacct_nb.grants.form.form_fields import EXTERNAL_ID, GRANT_FIELDS, typed_grant
from xacct_nb.grants.grant import external_id, resolve
from xacct_nb.grants.naming import NameUse
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.templates import TEMPLATES, template
from xacct_nb.jupyter.forms.form_parts import REFUSED
from xacct_nb.jupyter.forms.grant_form import LABELS, GrantForm
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import html

DEVS = "arn:aws:iam::111111111111:group/devs"
SECRET = "hunter2-of-the-reports"
BOB = "arn:aws:iam::111111111111:user/bob"
WAITING = "The cells below wait until it is."


@pytest.fixture
def form() -> GrantForm:
    return a_form()


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    ipywidgets.Widget.close_all()
    yield
    ipywidgets.Widget.close_all()


def test_a_form_begins_with_the_grant_that_it_was_given(form: GrantForm) -> None:
    assert form.grant == a_grant()
    assert form.problem is None


def test_an_edit_of_the_source_changes_both_sides(form: GrantForm) -> None:
    type_in(form, "sources", BOB)

    assert form.grant == a_grant(sources=[BOB])
    assert list(build(form.grant).caller_policies) == [BOB]
    assert "Caller policy of user/bob" in text_of(form)
    assert "user/bob of 111111111111 may assume role/reports-reader" in text_of(form)
    assert "user/alice" not in text_of(form)


def test_an_edit_of_the_role_changes_both_sides(form: GrantForm) -> None:
    type_in(form, "destinations", ROLE.replace("reports", "payroll"))

    assert "222222222222:role/payroll-reader" in text_of(form)
    assert "Trust policy of role/payroll-reader" in text_of(form)
    assert "reports-reader" not in text_of(form)


def test_what_the_role_may_do_is_a_line_of_actions_on_resources(form: GrantForm) -> None:
    type_in(form, "permissions", "s3:GetObject, s3:ListBucket on arn:aws:s3:::a, arn:aws:s3:::b, c/*\n")

    assert form.grant.to_json()["permissions"] == [
        {"actions": ["s3:GetObject", "s3:ListBucket"], "resources": ["arn:aws:s3:::a", "arn:aws:s3:::b, c/*"]}
    ]


def test_what_is_not_typed_in_stays_as_the_parameters_gave_it() -> None:
    odd = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/a on b,*"]}
    rest = {"permissions": [odd], "attach_to": "arn:aws:iam::111111111111:group/devs", "name": "odd"}
    form = a_form(**rest, conditions={"require_mfa": True})
    type_in(form, "sources", BOB)

    assert form.grant == a_grant(**rest, sources=[BOB], conditions={"require_mfa": True})


def test_arns_are_taken_out_of_a_json_document_with_their_quotes(form: GrantForm) -> None:
    type_in(form, "sources", f'"{ALICE}",\n  "{BOB}"\n')

    assert form.grant.sources == (ALICE, BOB)


@pytest.mark.parametrize(
    ("field", "typed", "said"),
    [
        ("sources", "arn:aws:iam::111111111111:group/devs", "is a group, which cannot be trusted"),
        ("sources", "11111111111", "is neither an ARN nor an account id of 12 digits"),
        ("sources", "arn:aws:iam::111111111111:user/*", "has a wildcard"),
        ("sources", "arn:aws:iam::1111", "is not an ARN"),
        ("sources", "", "is empty"),
        ("destinations", "arn:aws:iam::222222222222:user/alice", "is not the ARN of a role"),
        ("permissions", "s3:GetObject", "names no resource"),
        ("permissions", "GetObject on *", "is not an action"),
        ("permissions", "s3:GetObject on reports", "is not a resource"),
        (EXTERNAL_ID, "env:NOT_THERE_AT_ALL", "cannot be resolved"),
        (EXTERNAL_ID, "file:/not/there/at/all", "cannot be resolved"),
        ("session_minutes", "5", "at least 15"),
        ("session_minutes", "an hour", "is not a whole number"),
        ("session_minutes", "", "is not a whole number"),
        ("name", "Reports of 2026", "lower-case letters, digits and -"),
        ("conditions.source_ips", "203.0.113.0/24 office", "is not an address range"),
        ("conditions.session_tags", "team: reports", "has no value"),
        ("conditions.session_tags", "team = reports\nteam = books", "is given twice"),
        ("attach_to", "arn:aws:iam::333333333333:group/devs", "does not reach"),
    ],
)
def test_bad_input_gives_no_grant_and_says_why(form: GrantForm, field: str, typed: Any, said: str) -> None:
    type_in(form, field, typed)

    with pytest.raises(InvalidGrant, match="The form is not valid") as refused:
        _ = form.grant
    assert LABELS[field] in refused.value.what
    assert said in str(refused.value)
    assert isinstance(form.problem, InvalidInput)
    assert not form.valid
    assert form.invalid_fields == (field,)
    assert f"{LABELS[field]}: not valid. {WAITING}" in text_of(form)
    assert said in text_of(form)
    assert "Trust policy" not in text_of(form)


def test_a_message_has_one_reason_and_one_fix_and_names_the_field_once(form: GrantForm) -> None:
    type_in(form, "sources", "11111111111")

    assert str(form).splitlines()[3:] == [
        "'11111111111' is neither an ARN nor an account id of 12 digits.",
        form.problem and form.problem.why,
        form.problem and form.problem.hint,
    ]


def test_a_corrected_field_takes_the_message_away(form: GrantForm) -> None:
    type_in(form, "sources", "arn:aws:iam::1111")
    type_in(form, "sources", BOB)

    assert form.problem is None
    assert form.grant.sources == (BOB,)
    assert "not valid" not in text_of(form)


def test_a_field_that_is_wrong_stays_wrong_while_another_is_edited(form: GrantForm) -> None:
    type_in(form, "sources", "arn:aws:iam::1111")
    type_in(form, "session_minutes", "30")

    assert form.invalid_fields == ("sources",)


def test_each_field_that_is_wrong_says_so_at_the_same_time(form: GrantForm) -> None:
    type_in(form, "sources", "arn:aws:iam::1111")
    type_in(form, "session_minutes", "5")
    type_in(form, "conditions.organization_id", "example.org")

    assert set(form.invalid_fields) == {"sources", "session_minutes", "conditions.organization_id"}
    assert "at least 15" in note(form, "session_minutes")
    assert "is not an ARN" in note(form, "sources")


def test_a_second_partition_is_the_fault_of_no_single_field(form: GrantForm) -> None:
    type_in(form, "destinations", ROLE.replace("aws", "aws-cn"))

    assert form.invalid_fields == ()
    assert f"The grant: not valid. {WAITING}" in text_of(form)


def test_an_exceeded_quota_is_shown_in_the_form(form: GrantForm) -> None:
    type_in(form, "sources", "\n".join(f"{BOB}{number}" for number in range(400)))

    assert "The trust policy has" in text_of(form)
    assert not form.valid


@given(
    st.dictionaries(
        st.sampled_from(
            [name for name, field in GRANT_FIELDS.items() if field.kind not in ("flag", "choice")]
        ),
        st.text() | st.text("arn:ws:i/u*0 1,\n'\"", max_size=60),
    )
)
def test_nothing_that_is_typed_breaks_the_form(typed: dict[str, str]) -> None:
    form = a_form()
    form.fill(typed_grant(form.grant) | typed)

    assert html(form.view())
    assert str(form)
    assert form.problem is not None or build(form.grant)


def test_a_finding_that_widens_access_is_shown_and_can_be_accepted(form: GrantForm) -> None:
    assert not is_shown(form, "accept")

    type_in(form, "permissions", "s3:* on *")
    assert is_shown(form, "accept")
    assert "accept: [wildcard-action, wildcard-resource]" in text_of(form)

    type_in(form, "accept", "wildcard-action, wildcard-resource")
    assert form.grant.accept == ("wildcard-action", "wildcard-resource")
    assert "No further finding needs to be accepted." in text_of(form)


def test_a_reference_is_looked_up_and_stays_a_reference(
    form: GrantForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTS_EXTERNAL_ID", SECRET)
    type_in(form, EXTERNAL_ID, " env:REPORTS_EXTERNAL_ID ")
    type_in(form, "sources", BOB)

    assert external_id(form.grant) == SECRET
    assert form.reference == "env:REPORTS_EXTERNAL_ID"
    assert "sts:ExternalId" in text_of(form)
    assert SECRET not in everything(form)


def test_an_emptied_field_takes_the_external_id_out(form: GrantForm, tmp_path: Path) -> None:
    (tmp_path / "vendor.id").write_text(SECRET + "\n")
    type_in(form, EXTERNAL_ID, f"file:{tmp_path / 'vendor.id'}")
    assert external_id(form.grant) == SECRET

    type_in(form, EXTERNAL_ID, "")
    assert form.grant == a_grant()


def test_a_reference_to_a_credential_is_refused_and_its_value_is_nowhere(
    form: GrantForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GITHUB_TOKEN", SECRET)
    type_in(form, EXTERNAL_ID, "env:GITHUB_TOKEN")

    assert "The reference 'env:GITHUB_TOKEN' is refused." in text_of(form)
    assert form.invalid_fields == (EXTERNAL_ID,)
    assert SECRET not in everything(form)


def test_a_literal_is_refused_and_not_repeated(form: GrantForm) -> None:
    type_in(form, EXTERNAL_ID, SECRET)

    assert fields_of(form)[EXTERNAL_ID].value == REFUSED
    assert "takes a reference, not the external ID itself" in text_of(form)
    assert not form.valid
    assert SECRET not in everything(form)


@pytest.mark.parametrize("before", ["", "env:REPORTS_EXTERNAL_ID"])
def test_after_a_literal_the_form_waits_until_that_very_field_is_changed(
    before: str, form: GrantForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTS_EXTERNAL_ID", SECRET)
    type_in(form, EXTERNAL_ID, before)
    type_in(form, EXTERNAL_ID, "another-secret")
    type_in(form, "sources", BOB)
    waits = form.valid
    type_in(form, EXTERNAL_ID, "env:REPORTS_EXTERNAL_ID")

    assert (waits, form.valid) == (False, True)
    assert external_id(form.grant) == SECRET
    assert "another-secret" not in everything(form)


@pytest.mark.parametrize("resolved", [True, False])
def test_an_external_id_of_the_parameters_is_in_no_widget(
    resolved: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REPORTS_EXTERNAL_ID", SECRET)
    reference = "" if resolved else "env:REPORTS_EXTERNAL_ID"
    form = a_form(conditions={"external_id": reference or SECRET})
    type_in(form, "sources", BOB)

    assert fields_of(form)[EXTERNAL_ID].value == reference
    assert external_id(form.grant) == SECRET
    assert SECRET not in everything(form)


def test_every_field_has_its_label_and_follows_the_typing_but_for_the_external_id(form: GrantForm) -> None:
    fields = fields_of(form)

    typed = {name: field for name, field in fields.items() if hasattr(field, "continuous_update")}
    assert [name for name, field in typed.items() if not field.continuous_update] == [EXTERNAL_ID]
    assert all(field.description == LABELS[name] for name, field in fields.items())


def test_a_message_is_spoken_once_while_one_field_is_typed_in(form: GrantForm) -> None:
    type_in(form, "sources", "arn:a")
    first = headline(form)
    type_in(form, "sources", "arn:aws")

    assert 'role="alert"' in first
    assert headline(form) == first


def test_a_form_shown_twice_is_the_same_form(form: GrantForm) -> None:
    type_in(form, "sources", BOB)

    assert form.widget is form.widget
    assert fields_of(form)["sources"].value == BOB


def test_who_observes_a_form_hears_of_each_change_also_of_one_that_is_not_valid(form: GrantForm) -> None:
    valid = list[bool]()
    form.on_change(lambda: valid.append(form.valid))
    type_in(form, "sources", "arn:aws")
    type_in(form, "sources", BOB)

    assert valid == [False, True]


def test_a_form_that_is_shut_says_why_and_takes_nothing(form: GrantForm) -> None:
    assert not any(field.disabled for field in fields_of(form).values())
    form.shut("The record is sealed.")

    assert all(field.disabled for field in fields_of(form).values())
    assert controls_of(form)["Begin with"].disabled
    assert "The record is sealed." in headline(form)


def test_a_form_that_was_shut_before_it_is_shown_is_shut(form: GrantForm) -> None:
    form.shut("The record is sealed.")

    assert all(field.disabled for field in fields_of(form).values())
    assert "The record is sealed." in headline(form)


def test_where_the_run_acts_and_its_profiles_are_in_the_form() -> None:
    form = a_whole_form()
    type_in(form, "source_profiles", "my admin\nother")
    fields_of(form)["sandbox"].value = False

    assert form.settings == Settings(sandbox=False, source_profiles=["my admin", "other"])
    assert "Where it acts, and with which profiles: AWS itself" in "".join(controls_of(form))


def test_no_settings_are_given_while_the_form_is_not_valid() -> None:
    form = a_whole_form()
    type_in(form, "name", "Reports")

    with pytest.raises(InvalidGrant, match="Grant name"):
        _ = form.settings


def test_a_name_of_another_grant_is_said_while_it_is_typed_and_one_of_this_grant_is_not() -> None:
    books = NameUse("books", "record 7", (BOB,), ("arn:aws:iam::222222222222:role/books",))
    form = a_whole_form(used=lambda name, _: {"books": books, "reports": its_own()}.get(name))
    assert "is taken" not in note(form, "name")

    type_in(form, "name", "books")
    assert "The name is taken: record 7 lets user/bob assume role/books." in note(form, "name")
    assert form.valid
    assert "The name is taken" in str(form)

    type_in(form, "name", "bookshop")
    assert "is taken" not in note(form, "name")

    type_in(form, "name", "reports")
    type_in(form, "sources", BOB)
    assert "lets user/alice assume role/reports-reader" in note(form, "name")


def test_a_name_that_only_the_account_knows_is_said(form: GrantForm) -> None:
    policy = "arn:aws:iam::111111111111:policy/xacct-reports"
    form = a_whole_form(look_up=lambda *_: AccountChoices(policies_made=(policy,)))
    controls_of(form)["Read what the accounts have"].click()

    assert f"The name is taken: the policy {policy} has it." in note(form, "name")


def test_what_the_accounts_have_is_offered_and_added_to_what_is_typed() -> None:
    found = {"principals": (ALICE, BOB), "groups": (DEVS,), "buckets": ("ledger",)}
    form = a_whole_form(look_up=lambda *_: AccountChoices(found, notes=("iam:ListRoles was refused.",)))
    assert "Add to Source ARN" not in controls_of(form)

    controls_of(form)["Read what the accounts have"].click()
    search = controls_of(form)["Add to Source ARN"]
    assert search.options == (ALICE, BOB)
    assert "Add to Destination role" not in controls_of(form)
    assert "iam:ListRoles was refused." in text_of(form)

    search.value = BOB
    assert form.grant.sources == (ALICE, BOB)
    assert search.value == ""
    controls_of(form)["Add to What the role may do"].value = "s3:GetObject on arn:aws:s3:::ledger/*"
    assert form.grant.permissions[-1].resources == ("arn:aws:s3:::ledger/*",)
    controls_of(form)["Add to Attach to group"].value = DEVS
    assert form.grant.attach_to == DEVS


def test_accounts_that_cannot_be_read_leave_the_form_as_it_is() -> None:
    def refuse(*_: Any) -> AccountChoices:
        raise NoCredentials("The profile has none.", why="It expired.", hint="Sign in.")

    form = a_whole_form(look_up=refuse)
    controls_of(form)["Read what the accounts have"].click()

    assert "The profile has none." in text_of(form)
    assert form.grant == a_grant()


def test_a_template_replaces_the_grant_between_the_same_accounts(form: GrantForm) -> None:
    type_in(form, "destinations", ROLE.replace("222222222222", "333333333333"))
    controls_of(form)["Begin with"].value = "read-only-auditor"

    assert form.grant == template("read-only-auditor", "111111111111", "333333333333")
    assert fields_of(form)["name"].value == "read-only-auditor"
    assert TEMPLATES["read-only-auditor"].about in text_of(form)
    assert "More about the role and the policies: Managed policies" in "".join(controls_of(form))


def test_a_group_of_fields_opens_by_its_button_and_begins_open_where_it_has_something() -> None:
    form = a_form(conditions={"require_mfa": True})
    conditions, more = (button for button in controls_of(form) if button[0] in "\u25b8\u25be")
    assert conditions == "\u25be Conditions of the trust policy: Require MFA"
    assert more == "\u25b8 More about the role and the policies"

    button = controls_of(form)[more]
    button.click()
    assert button.description == "\u25be More about the role and the policies"
    assert ties(form)["buttons"][-1]["expanded"]


def test_each_control_is_tied_to_its_help_and_message_and_says_that_it_is_wrong(form: GrantForm) -> None:
    type_in(form, "sources", "arn:aws")
    wrong, right = tie(form, "sources"), tie(form, "name")

    assert (wrong["invalid"], right["invalid"], right["required"]) == (True, False, True)
    assert f'id="{wrong["described_by"]}"' in box_of(form, "sources").children[1].value
    assert form.problem
    assert form.problem.hint in note(form, "sources")


def test_text_and_html_of_a_form_say_the_same(form: GrantForm) -> None:
    assert words(str(form)) == words(text_of_html(html(form.view())))

    type_in(form, "sources", "arn:aws:iam::1111")
    assert words(str(form)) == words(text_of_html(html(form.view())))


def test_headless_no_widget_is_loaded() -> None:
    code = (
        "import sys\n"
        "from xacct_nb.grants.grant import Grant\n"
        "from xacct_nb.jupyter.forms.approval_form import ApprovalForm\n"
        "from xacct_nb.jupyter.forms.grant_form import GrantForm\n"
        "from xacct_nb.changes.plan import Plan\n"
        "from IPython.core.interactiveshell import InteractiveShell\n"
        "InteractiveShell.instance()\n"
        f"grant = Grant(**{a_grant().to_json()!r})\n"
        "GrantForm(grant, lambda given: given, live=False)._ipython_display_()\n"
        "ApprovalForm(Plan('reports', ()), '', live=False)._ipython_display_()\n"
        "print([name for name in sys.modules if name.startswith('ipywidgets')])\n"
    )
    printed = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout

    assert printed.splitlines()[-1] == "[]"
    assert "Trust policy of role/reports-reader" in printed


def test_the_form_is_a_widget_in_jupyter_and_text_elsewhere(
    form: GrantForm, monkeypatch: pytest.MonkeyPatch
) -> None:
    published: list[dict[str, Any]] = []
    monkeypatch.setattr("IPython.display.publish_display_data", published.append)
    form._ipython_display_()

    assert list(published[0]) == ["text/plain", "application/vnd.jupyter.widget-view+json"]
    assert published[0]["text/plain"] == "Run the cell to see the form."


def a_whole_form(**around: Any) -> GrantForm:
    """A form with where the run acts."""
    return GrantForm(a_grant(), lambda grant: grant, live=True, **{"settings": Settings(), **around})


def its_own() -> NameUse:
    return NameUse("reports", "record 8", (ALICE,), (ROLE,))


def ties(form: GrantForm) -> dict[str, Any]:
    found: dict[str, Any] = next(each for each in all_widgets(form.widget) if hasattr(each, "ties")).ties
    return found


def tie(form: GrantForm, field: str) -> dict[str, Any]:
    """Return what form.js sets on the control of a field."""
    classes = fields_of(form)[field]._dom_classes
    found: dict[str, Any] = next(each for each in ties(form)["fields"] if each["css"] in classes)
    return found


def a_form(**fields: Any) -> GrantForm:
    return GrantForm(a_grant(**fields), lambda grant: resolve(grant, resolve_reference), live=True)


def fields_of(form: GrantForm) -> dict[str, Any]:
    """Return the controls of the form's fields by name."""
    found = controls_of(form)
    return {name: found[label] for name, label in LABELS.items() if label in found}


def box_of(form: GrantForm, field: str) -> Any:
    control = fields_of(form)[field]
    boxes = (each for each in all_widgets(form.widget) if control in getattr(each, "children", ()))
    return next(boxes)


def is_shown(form: GrantForm, field: str) -> bool:
    return "xacct-hidden" not in box_of(form, field)._dom_classes


def note(form: GrantForm, field: str) -> str:
    """Return the help and the message of a field."""
    return text_of_html(box_of(form, field).children[1].value)


def type_in(form: GrantForm, field: str, typed: Any) -> None:
    """Set a field as the front end does when a person types."""
    fields_of(form)[field].set_state({"value": typed})


def headline(form: GrantForm) -> str:
    return str(form.widget.children[-3].value)


def everything(form: GrantForm) -> str:
    """Return all that a front end, a saved notebook or a log could contain of the form."""
    kept = ipywidgets.Widget.get_manager_state()
    traits = [each.trait_values() for each in _instances.values()]
    return json.dumps(kept) + repr(traits) + str(form) + html(form.view()) + repr(form.problem)
