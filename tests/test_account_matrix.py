"""The matrix of a fleet's accounts and grants: equal accounts share a row, and it stays readable."""

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.fleets.account_matrix import account_matrix
from xacct_nb.fleets.plan import FleetPlan, SlicePlan, Unplanned


def planned(grant: str, account: str, changes: int = 1) -> SlicePlan:
    role = f"arn:aws:iam::{account}:role/reader"
    made = (Change("inline-policy", role, f"{grant}-{number}", None, {}) for number in range(changes))
    return SlicePlan("destination", account, Plan(grant, tuple(made)))


def test_a_plan_of_2000_accounts_is_a_matrix_of_few_rows_with_the_odd_accounts_first() -> None:
    accounts = [f"{number:012}" for number in range(2000)]
    slices = [planned("readers", each, 2) for each in accounts[:-1]]
    slices += [planned("auditors", each, 0) for each in accounts[1:]]
    failed = Unplanned("readers", "destination", accounts[-1], "aws-refused", "AWS said no.")
    lines = str(FleetPlan("fleet", tuple(slices), (failed,))).splitlines()
    rows = lines[lines.index("Destination accounts by grant") + 1 :]

    assert rows[0].split() == ["accounts", "which", "auditors", "readers"]
    assert rows[2].split() == ["1", "000000000000", "-", "+2"]
    assert rows[3].split() == ["1", "000000001999", "=", "not", "planned"]
    assert rows[4].split() == ["1998", "000000000001", "=", "+2"]
    assert rows[9].split() == ["and", "1993", "more"]
    assert len(lines) < 40


def test_what_differs_from_account_to_account_ends_with_how_many_are_not_shown() -> None:
    cells = {f"{number:012}": {"readers": f"+{number}"} for number in range(100)}
    (table,) = account_matrix(cells, ["readers"], "caption")

    assert len(table.rows) == 41
    assert table.rows[-1] == ("60", "in 60 more rows", "...")


def test_without_accounts_there_is_no_matrix() -> None:
    assert list(account_matrix({}, ["readers"], "caption")) == []
