"""The approval's form without a browser: the first characters of the digest approve exactly this plan."""

from collections.abc import Iterator
from typing import Any

import ipywidgets
import pytest

from support.examples import a_grant
from support.form_texts import text_of_html, words
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import resolve
from xacct_nb.grants.state import State
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.views import html

BOB = "arn:aws:iam::111111111111:user/bob"


@pytest.fixture(autouse=True)
def _no_widgets_left() -> Iterator[None]:
    ipywidgets.Widget.close_all()
    yield
    ipywidgets.Widget.close_all()


def test_fewer_than_8_characters_of_the_digest_approve_nothing() -> None:
    approval = ApprovalForm(a_plan(), "", live=True)
    typed, button = approval_fields(approval)
    typed.value = approval.plan.digest[:7]
    button.click()

    assert button.disabled
    assert approval.digest == ""


@pytest.mark.parametrize("length", [8, 12, 64])
def test_8_characters_of_the_digest_or_more_approve_with_the_button(length: int) -> None:
    approval = ApprovalForm(a_plan(), "", live=True)
    typed, button = approval_fields(approval)
    typed.value = f" {approval.plan.digest[:length].upper()} "
    assert approval.digest == ""

    button.click()
    assert approval.digest == approval.plan.digest
    assert f"Approved: {approval.plan.digest}" in text_of_html(approval.widget.children[-1].value)


@pytest.mark.parametrize("typed", ["deadbeef", " " * 8, "x", "f" * 65])
def test_other_characters_approve_nothing(typed: str) -> None:
    approval = ApprovalForm(a_plan(), "", live=True)
    approval.approve(typed)

    assert approval.digest == ""


def test_enter_approves_also_when_the_last_letters_come_after_it() -> None:
    approval = ApprovalForm(a_plan(), "", live=True)
    typed, _ = approval_fields(approval)
    typed.value = approval.plan.digest[:5]
    typed._handle_custom_msg({"event": "submit"}, [])
    typed.value = approval.plan.digest[:8]

    assert approval.digest == approval.plan.digest


def test_enter_on_something_else_says_that_it_does_not_fit() -> None:
    approval = ApprovalForm(a_plan(), "", live=True)
    typed, _ = approval_fields(approval)
    typed.value = "deadbeef"
    typed._handle_custom_msg({"event": "submit"}, [])
    shown = text_of_html(approval.widget.children[-1].value)

    assert approval.digest == ""
    assert "The digest of this plan does not begin like this." in shown


def test_an_approval_knows_when_the_plan_was_shown_when_it_was_given_and_the_note() -> None:
    times = iter(["2026-11-24T10:15:00Z", "2026-11-24T10:20:00Z"])
    approval = ApprovalForm(a_plan(), "", live=True, note="for now", clock=lambda: next(times))
    before = (approval.at, approval.approved_since)
    typed, button = approval_fields(approval)
    approval.widget.children[0].children[1].children[0].value = "Agreed on Monday"
    typed.value = approval.plan.digest
    button.click()

    assert before == ("", "")
    assert (approval.approved_since, approval.at) == ("2026-11-24T10:15:00Z", "2026-11-24T10:20:00Z")
    assert approval.note == "Agreed on Monday"


def test_an_approval_in_the_parameters_was_not_given_in_the_form() -> None:
    approval = ApprovalForm(a_plan(), a_plan().digest, live=True, clock=lambda: "2026-11-24T10:15:00Z")

    assert (approval.digest, approval.approved_since) == (a_plan().digest, "")


def test_the_approval_of_an_older_plan_is_not_shown_as_one_of_this() -> None:
    older, newer = a_plan(), a_plan(sources=[BOB])
    shown = str(ApprovalForm(newer, older.digest, live=True))

    assert "Approved" not in shown
    assert f"The approval {older.digest[:12]} is for another plan." in shown


def test_where_nothing_changes_nothing_is_approved() -> None:
    approval = ApprovalForm(Plan("reports", ()), "", live=True)
    approval.approve(approval.plan.digest)

    assert approval.digest == ""
    assert str(approval) == "There is nothing to approve."


def test_it_says_where_the_external_id_comes_from_before_and_after_the_approval() -> None:
    grant = a_grant(conditions={"external_id": "env:VENDOR_ID"})
    plan = diff(build(resolve(grant, lambda _: "partner-7")), State({}))
    before, after = (str(ApprovalForm(plan, digest, live=True)) for digest in ("", plan.digest))

    assert before.startswith("Not approved.")
    assert after.startswith("Approved:")
    assert all(shown.endswith("The external ID comes from env:VENDOR_ID.") for shown in (before, after))


def test_text_and_html_of_an_approval_say_the_same() -> None:
    for live, digest in ((True, ""), (False, ""), (False, a_plan().digest), (False, "f" * 64)):
        approval = ApprovalForm(a_plan(), digest, live=live)

        assert words(str(approval)) == words(text_of_html(html(approval.view())))


def a_plan(**fields: Any) -> Plan:
    return diff(build(a_grant(**fields)), State({}))


def approval_fields(approval: ApprovalForm) -> Any:
    *_, fields, button, _ = approval.widget.children
    return fields.children[0].children[0], button
