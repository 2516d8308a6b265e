"""What a review cites of the records: an approval counts where its change is of the grant, and stands."""

from typing import Any

from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change
from xacct_nb.records.fields import RecordedFleet, RecordFields
from xacct_nb.records.review.past import past_of

FIRST, SECOND = "222222222222", "333333333333"


def record(name: str, by: str = "", *changed: str, **more: Any) -> RecordFields:
    """A record whose approved changes made these roles."""
    changes = tuple(Change("role", role, "", None, {"trust": {}}) for role in changed)
    approval = Approval("d", by, "2026-11-29T10:00:00Z") if by else None
    about = {"status": "succeeded", "approval": approval, "journal": Journal("", changes), **more}
    return RecordFields(name, "n", started="s", ended="e", seconds=1.0, **about)


def of_grant(name: str, by: str, **more: Any) -> RecordFields:
    return record(name, by, role_in(FIRST), parameters={"name": "auditors"}, **more)


def of_fleet(name: str, by: str, *changed: str) -> RecordFields:
    roles = {"auditors": "auditor", "readers": "reader"}
    declared = [{"name": grant, "role": role} for grant, role in roles.items()]
    accounts = dict.fromkeys(roles, (FIRST, SECOND))
    return record(name, by, *changed, fleet=RecordedFleet({"name": "reports", "grants": declared}, accounts))


def role_in(account: str, role: str = "auditor") -> str:
    return f"arn:aws:iam::{account}:role/{role}"


def test_a_record_that_was_undone_is_not_cited_as_the_approval() -> None:
    found = past_of(
        [record("3-back", undoes="2-new"), of_grant("2-new", "bob"), of_grant("1-old", "ada")], "auditors"
    )

    assert found.approved == "by ada at 2026-11-29T10:00:00Z (record 1-old)"


def test_a_rollback_that_failed_has_undone_nothing() -> None:
    failed = record("3-back", undoes="2-new", status="rollback-failed")
    found = past_of([failed, of_grant("2-new", "bob"), of_grant("1-old", "ada")], "auditors")

    assert found.approved == "by bob at 2026-11-29T10:00:00Z (record 2-new)"


def test_a_record_stands_again_where_its_rollback_was_undone() -> None:
    backs = [record("3-again", undoes="2-back"), record("2-back", undoes="1-new")]
    found = past_of([*backs, of_grant("1-new", "bob")], "auditors")

    assert found.approved == "by bob at 2026-11-29T10:00:00Z (record 1-new)"


def test_of_a_fleet_only_a_change_of_this_grant_in_this_account_is_cited() -> None:
    records = [
        of_fleet("3-other-account", "eve", role_in(SECOND)),
        of_fleet("2-other-grant", "bob", role_in(FIRST, "reader")),
        of_fleet("1-own", "ada", role_in(FIRST)),
    ]
    found = past_of(records, "auditors", "reports", FIRST)

    assert found.approved == "by ada at 2026-11-29T10:00:00Z (record 1-own)"
    assert past_of(records[:2], "auditors", "reports", FIRST).approved == ""
