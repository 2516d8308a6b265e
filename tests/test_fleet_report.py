"""The report of a fleet's record: every pair, what is not as it should be first, small and sealed."""

import csv
import io
import json
import random
import re
from collections import Counter
from dataclasses import replace
from html import unescape
from pathlib import Path

import pytest
from jsonschema import validate

from support.desk import Desk
from support.fleet_reports import BROKEN, UNITS, a_fleet, a_fleet_record, results_of
from support.fleet_world import FleetWorld, a_fleet_world
from xacct_nb.changes.plan import Change
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.result import MEANINGS, NOT_PROVEN, PROOF_FAILED, PROVEN, FleetResult, SliceResult
from xacct_nb.jupyter.fleet_page import SIGNS, to_fleet_page
from xacct_nb.records.fields import RecordedFleet
from xacct_nb.records.fleet_report import NO_RESULT, FleetReport, pairs_csv, pairs_json, report_of
from xacct_nb.records.model import Record
from xacct_nb.runs.fleet.fleet_work import apply_fleet, plan_fleet
from xacct_nb.runs.loading import record_schema
from xacct_nb.runs.sealing import RunOutcome, seal
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import verify_records

MOST_BYTES = 2_000_000


def report(record: Record) -> FleetReport:
    found = report_of(record)
    assert found
    return found


def page(record: Record) -> str:
    return to_fleet_page(record, report(record))


def broken_fleet(accounts: int = 40, sources: int = 3, broken: int = 9) -> Record:
    fleet = a_fleet(accounts, sources)
    return a_fleet_record(fleet, results_of(fleet, broken))


class TestTheMatrix:
    def test_accounts_with_equal_results_share_a_row_and_the_worst_is_first(self) -> None:
        rows = report(broken_fleet()).rows

        assert [len(each.accounts) for each in rows] == [1] * 9 + [31]
        assert rows[0].statuses == ("rollback-failed",) * 3
        assert rows[-1].statuses == ("proven",) * 3

    def test_a_source_that_alone_is_denied_has_its_own_status(self) -> None:
        (row,) = [each for each in report(broken_fleet()).rows if PROOF_FAILED in each.statuses]

        assert row.statuses == (PROVEN, PROOF_FAILED, PROVEN)

    def test_every_status_that_a_slice_may_have_has_a_sign_of_its_own(self) -> None:
        assert set(SIGNS) == {*MEANINGS, NO_RESULT}
        assert len(set(SIGNS.values())) == len(SIGNS)

    def test_a_grant_that_is_not_in_an_account_leaves_its_cells_empty(self) -> None:
        shown = report(two_grants()).rows

        assert [each.statuses for each in shown] == [(PROVEN, NO_RESULT), ("", PROVEN)]

    def test_the_totals_count_pairs(self) -> None:
        totals = report(broken_fleet()).totals

        assert totals.total() == 40 * 3
        assert totals[PROVEN] == 31 * 3 + 2
        assert totals[PROOF_FAILED] == 1
        assert list(totals)[-1] == PROVEN


class TestTheCauses:
    def test_equal_reasons_stand_once_with_all_their_accounts(self) -> None:
        causes = report(broken_fleet(accounts=60, broken=45)).causes
        (unreadable,) = [each for each in causes if each.status == "unreadable"]

        assert len(causes) == len(BROKEN)
        assert len(unreadable.accounts) == 5
        assert unreadable.texts[0] == "The role OrganizationAccountAccessRole of {account} cannot be assumed."

    def test_one_account_alone_is_named_in_its_reason(self) -> None:
        causes = report(broken_fleet()).causes
        (unreadable,) = [each for each in causes if each.status == "unreadable"]

        assert unreadable.accounts[0] in unreadable.texts[0]

    def test_what_is_to_be_mended_is_said_before_what_was_seen(self) -> None:
        causes = report(broken_fleet()).causes
        (denied,) = [each for each in causes if each.status == PROOF_FAILED]

        assert denied.texts[0] == "An SCP of the organization denies it."
        assert denied.sources == ("arn:aws:iam::111111111111:user/person-01",)

    def test_a_source_side_that_failed_is_a_cause_too(self) -> None:
        record = broken_fleet(broken=0)
        assert record.fleet
        assert record.fleet.result
        results = (replace(record.fleet.result.results[0], status="unreadable", reason="No such profile."),)
        (cause,) = report(with_results(record, results)).causes

        assert (cause.side, cause.accounts) == ("source", ("111111111111",))
        assert "source side" in page(with_results(record, results))


class TestTheFiles:
    def test_the_csv_has_a_line_for_each_pair(self) -> None:
        record = broken_fleet()
        lines = list(csv.DictReader(io.StringIO(pairs_csv(report(record).pairs()))))

        assert len(lines) == 40 * 3
        assert Counter(each["status"] for each in lines) == report(record).totals
        assert lines[0]["role"] == f"arn:aws:iam::{lines[0]['account']}:role/reader"
        assert UNITS[0] in lines[0]["path"]

    def test_the_json_says_the_same_role_by_role(self) -> None:
        record = broken_fleet()
        roles = json.loads(pairs_json(report(record).pairs()))

        assert len(roles) == 40
        assert (
            Counter(status for each in roles for status in each["sources"].values()) == report(record).totals
        )
        assert [each["account"] for each in roles if not each["why"]] == list(report(record).accounts[9:])

    def test_no_cell_of_the_csv_is_a_formula(self) -> None:
        fleet, formula = a_fleet(1, 2), "=HYPERLINK(1)"
        named = {each: replace(about, name=formula) for each, about in fleet.described.items()}
        record = a_fleet_record(replace(fleet, described=named), results_of(fleet, 0))

        assert f",'{formula}," in pairs_csv(report(record).pairs())


class TestThePage:
    @pytest.mark.parametrize("broken", [0, 45, 2_000])
    def test_two_thousand_accounts_and_twenty_sources_are_less_than_two_megabytes(self, broken: int) -> None:
        assert len(page(broken_fleet(2_000, 20, broken)).encode()) < MOST_BYTES

    def test_so_it_is_where_no_two_accounts_are_alike(self) -> None:
        fleet, chance = a_fleet(2_000, 20), random.Random(1)
        sources = fleet.fleet.grants[0].template.sources
        results = tuple(
            replace(
                each,
                status=PROOF_FAILED,
                reason=f"{number} "
                + "ListUsers by user/person: Allowed was expected, AWS returned Denied. " * 4,
                by_source={source: chance.choice((PROVEN, PROOF_FAILED, NOT_PROVEN)) for source in sources},
            )
            for number, each in enumerate(results_of(fleet, 0).results)
        )
        record = a_fleet_record(fleet, FleetResult("many", results))

        assert len(report(record).rows) > 1_990
        assert len(page(record).encode()) < MOST_BYTES

    def test_it_fetches_nothing_and_lets_only_its_own_script_run(self) -> None:
        shown = unescape(page(broken_fleet()))

        assert re.findall(r"(?:src=|href|url\(|@import|fetch\()", shown) == []
        assert "default-src 'none'" in shown
        assert "unsafe" not in shown

    @pytest.mark.parametrize(
        "hostile", ["</script><script>alert(1)</script>", '" onmouseover="alert(1)', "<b>x"]
    )
    def test_no_text_of_a_record_is_markup(self, hostile: str) -> None:
        fleet = a_fleet(4, 2)
        named = {each: replace(about, name=hostile, path=hostile) for each, about in fleet.described.items()}
        results = (
            *results_of(fleet, 0).results[:3],
            SliceResult("readers", "destination", fleet.accounts[2], hostile, reason=hostile, cause=hostile),
        )
        record = a_fleet_record(replace(fleet, described=named), FleetResult(hostile, results), where=hostile)

        assert hostile not in page(record)
        assert page(record).count("<script") == 2

    def test_an_unknown_status_of_a_later_version_is_shown_as_it_is(self) -> None:
        fleet = a_fleet(1, 2)
        results = (SliceResult("readers", "destination", fleet.accounts[0], "quarantined"),)

        assert "<td class=c>quarantined" in page(a_fleet_record(fleet, FleetResult("many", results)))


class TestTheRecord:
    def test_a_run_over_a_fleet_seals_the_report_with_its_record(self, tmp_path: Path) -> None:
        record = broken_fleet()
        assert record.fleet
        folder = sealed(tmp_path, record, record.fleet)

        assert sorted(each.name for each in folder.iterdir()) == [
            "SHA256SUMS", "fleet.csv", "fleet.html", "fleet.json", "record.json", "run.html",
        ]  # fmt: skip
        assert 'href="fleet.html"' in (folder / "run.html").read_text()
        assert verify_records(tmp_path) == []
        (folder / "fleet.csv").write_text("")
        assert verify_records(tmp_path) == [f"{folder.name}/fleet.csv: was changed"]

    def test_it_says_who_every_session_was(self, desk: Desk) -> None:
        parameters = {
            "name": "readers",
            "sources": [f"arn:aws:iam::{desk.world.source}:user/alice"],
            "accounts": [desk.world.destination],
            "role": "user-lister",
        }
        record = desk.run("grant_a_fleet", **parameters).record

        assert {each.part: each.account for each in record.who} == {
            "source": desk.world.source,
            "destination": desk.world.destination,
            "caller": desk.world.source,
        }

    def test_a_run_that_only_planned_has_no_report(self, tmp_path: Path) -> None:
        record = broken_fleet()
        assert record.fleet
        folder = sealed(tmp_path, record, replace(record.fleet, result=None))

        assert not (folder / "fleet.html").exists()
        assert "fleet.html" not in (folder / "run.html").read_text()

    def test_the_record_is_as_its_schema_says(self) -> None:
        validate(broken_fleet().to_json(), record_schema())

    def test_the_record_reads_back_what_the_report_is_made_of(self) -> None:
        record = broken_fleet()

        assert page(Record.from_json(json.loads(json.dumps(record.to_json())))) == page(record)


class TestTheSources:
    @pytest.fixture
    def members(self, sandbox: Sandbox, world: World) -> FleetWorld:
        return a_fleet_world(sandbox, world, 1)

    def test_where_one_caller_is_denied_the_result_says_which(self, members: FleetWorld) -> None:
        bob = members.alice.replace("alice", "bob")
        members.root(members.world.source).create_user(UserName="bob")
        fleet = members.fleet(sources=[members.alice, bob])
        plan = plan_fleet(fleet, members.access)
        result = apply_fleet(fleet, plan, members.access, approved=plan.digest)

        assert {each.account: each.by_source for each in result.missing} == {
            members.members[0]: {members.alice: PROVEN, bob: NOT_PROVEN}
        }
        assert all(isinstance(each, Change) for part in result.results for each in part.changes)


def with_results(record: Record, results: tuple[SliceResult, ...]) -> Record:
    assert record.fleet
    return replace(record, fleet=replace(record.fleet, result=FleetResult("many", results)))


def two_grants() -> Record:
    """A record of two grants in one account each, of which a rollback left one alone."""
    common = {
        "sources": ["arn:aws:iam::111111111111:user/alice"],
        "permissions": [{"actions": ["iam:ListUsers"], "resources": ["*"]}],
    }
    grants = [
        {"name": "one", "role": "one", "accounts": ["222222222222"], **common},
        {"name": "two", "role": "two", "accounts": ["333333333333", "222222222222"], **common},
    ]
    fleet: ExpandedFleet = expand(Fleet(name="many", grants=grants))
    results = (
        SliceResult("one", "destination", "222222222222", PROVEN),
        SliceResult("two", "destination", "333333333333", PROVEN),
    )
    return a_fleet_record(fleet, FleetResult("many", results))


def sealed(records: Path, record: Record, fleet: RecordedFleet) -> Path:
    """Seal the record of a run that noted the fleet, and return its folder."""
    evidence = [{"kind": "fleet", "value": fleet.to_json()}]
    outcome = RunOutcome(record.status, record.started, record.seconds, None)
    _, folder = seal(records, record.id, record.notebook, evidence, outcome)
    return folder
