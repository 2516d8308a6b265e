"""The decision card: the same before every approval, in notebook, terminal, record and JSON."""

import atexit
import json
import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from support.desk import Desk
from support.examples import applied, root_iam, sessions_in
from xacct_nb.aws.clock import utc
from xacct_nb.aws.reader import read
from xacct_nb.changes.decision_card import CardPlace, DecisionCard
from xacct_nb.changes.planner import diff
from xacct_nb.cli.terminal import Terminal
from xacct_nb.grants.documents import build
from xacct_nb.linting.findings import lint
from xacct_nb.records.fields import Host
from xacct_nb.records.model import Record
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.plan_signing import find_plan
from xacct_nb.runs.start import start_run
from xacct_nb.storage.ledger import append_record
from xacct_nb.views import html, text

SECRET = "an-external-ID:planted/9"
Start = Callable[..., tuple[Run, Any]]


@pytest.fixture
def start(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> Iterator[Start]:
    """Start runs of a person, up to the plan, and remove their handlers for the end of the process."""
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    started = list[Run]()

    def start(**fields: Any) -> tuple[Run, Any]:
        values = desk.parameters(**profiles, records=str(desk.records), **fields)
        run = start_run("plan_and_apply", values)
        started.append(run)
        documents = build(run.grant())
        before = run.keep(read(documents, run.open_sessions(run.grant())))
        run.keep(lint(documents, before))
        return run, run.keep(diff(documents, before))

    yield start
    for run in started:
        atexit.unregister(run.leave)


def planned_by(desk: Desk, user: str, at: str, plan: Any) -> None:
    """Add the record of a run by someone else that made this plan at that time."""
    where = f"{desk.world.endpoint}, which is not AWS"
    about = {"host": Host(user=user), "where": where, "plan": plan.to_json()}
    record = Record("planned-before", "plan_and_apply", "planned", at, at, 1.0, **about)
    append_record(desk.records, record, {})


class TestContent:
    def test_it_says_who_may_do_what_where_it_acts_and_who_is_at_the_controls(
        self, desk: Desk, start: Start
    ) -> None:
        iam = root_iam(desk.world, desk.world.destination)
        iam.create_account_alias(AccountAlias=f"reports-{desk.world.destination}")
        run, plan = start(conditions={"external_id": SECRET})
        card = run.card(plan)
        source, destination = card.banner.accounts

        assert card.sentences == (
            f"user/alice of {desk.world.source} will be able to s3:GetObject on {desk.world.bucket}/* "
            f"through role/reports-reader of {desk.world.destination}, with an external ID, "
            "for 1 hour at a time.",
        )
        assert (source.side, source.id, source.alias) == ("source", desk.world.source, "")
        assert source.caller == f"arn:aws:iam::{desk.world.source}:user/admin"
        assert (destination.id, destination.alias) == (
            desk.world.destination,
            f"reports-{desk.world.destination}",
        )
        assert card.banner.user == card.planner == card.approver == user_name()
        assert (card.same_person, card.digest, card.blockers) == (True, plan.digest, ())
        assert SECRET not in str(card) + json.dumps(card.to_json()) + html(card.view())

    def test_an_endpoint_that_is_not_aws_is_named_and_not_called_aws(self, desk: Desk, start: Start) -> None:
        run, plan = start()

        assert run.card(plan).banner.kind == f"{desk.world.endpoint}, which is not AWS"
        assert f"ANOTHER ENDPOINT: {desk.world.endpoint}, which is not AWS" in str(run.card(plan))

    def test_a_second_grant_of_the_same_name_says_who_loses_the_first_role(
        self, desk: Desk, start: Start
    ) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        run, plan = start(destinations=[f"arn:aws:iam::{desk.world.destination}:role/writer"])

        assert run.card(plan).losses[0] == (
            f"user/alice of {desk.world.source} will no longer be able to assume role/reports-reader of "
            f"{desk.world.destination}."
        )

    def test_it_goes_to_json_and_back(self, start: Start) -> None:
        run, plan = start()
        card = run.card(plan)

        assert DecisionCard.from_json(json.loads(json.dumps(card.to_json()))) == card


class TestBlockers:
    def test_findings_that_are_not_accepted_are_said_with_what_to_add(self, desk: Desk, start: Start) -> None:
        run, plan = start(sources=[desk.world.source])
        card = run.card(plan)
        (widens,) = (each for each in card.findings if each.needs_accept)

        assert (widens.code, widens.accepted) == ("whole-account-trust", False)
        assert card.to_json()["needs_accept"] == ["whole-account-trust"]
        assert card.blockers == (
            "The grant does not accept whole-account-trust. "
            "Add to the grant: accept: [whole-account-trust], and plan again.",
        )
        assert "It cannot be approved. The grant does not accept" in str(run.approval(plan))

    def test_accepted_findings_block_nothing(self, desk: Desk, start: Start) -> None:
        run, plan = start(sources=[desk.world.source], accept=["whole-account-trust"])
        card = run.card(plan)

        assert card.blockers == ()
        assert [each.state for each in card.findings if each.severity == "widens"] == ["accepted"]

    def test_one_person_where_two_are_required_is_blocked_before_the_apply(self, start: Start) -> None:
        run, plan = start(two_people=True)
        card = run.card(plan)

        assert card.same_person
        assert card.blockers[0].startswith(f"{user_name()} made this plan, and someone else must approve it.")
        assert "Someone other than the planner must approve it (two_people)." in card.rules

    def test_a_plan_of_somebody_else_may_be_approved_by_this_person(self, desk: Desk, start: Start) -> None:
        run, plan = start(two_people=True)
        planned_by(desk, "somebody-else", utc(datetime.now(UTC) - timedelta(minutes=5)), plan)
        card = run.card(plan)

        assert (card.planner, card.approver, card.same_person) == ("somebody-else", user_name(), False)
        assert card.blockers == ()

    def test_a_signature_that_is_missing_is_said_with_the_command(self, desk: Desk, start: Start) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGtQUDZWhs8k/cZcykMkaoX7ZE7DXld8TP79HyddVMTS ada"
        run, plan = start(approvers=[key])
        card = run.card(plan)

        assert card.blockers[0].startswith("A signature of this plan by one of the approvers is required")
        assert f"xacct-nb approve {plan.digest} --key KEY" in card.blockers[0]
        assert any(f"--records {desk.records}" in each for each in card.rules)

    @pytest.mark.parametrize(
        ("said", "shown"),
        [("", ["xacct-nb approve a1b2 --key KEY --records /a/b"]), ("; sudo reboot", [])],
    )
    def test_the_command_that_signs_is_whole_on_a_narrow_terminal(self, said: str, shown: list[str]) -> None:
        rule = (
            f"The approver must sign it (approvers): xacct-nb approve DIGEST --key KEY --records /a/b{said}"
        )
        card = DecisionCard((), (), CardPlace("sandbox"), (), "ada", "", None, "a1b2", "summary", (rule,))
        lines = Terminal(40).text(card.view()).split("\n")

        assert [each.strip() for each in lines if "xacct-nb approve" in each] == shown

    def test_a_plan_that_has_expired_is_blocked_where_its_digest_is_given(self, desk: Desk) -> None:
        plan = desk.plan()
        planned_by(desk, user_name(), "2020-01-01T00:00:00Z", plan)
        ended = desk.run(approve=plan.digest)

        assert ended.record.status == "stale-plan"
        assert ended.record.card.blockers[0].startswith("The plan was made more than 24 hours ago")

    def test_an_approval_of_another_plan_is_said_on_the_card_of_this_one(self, desk: Desk) -> None:
        ended = desk.run(approve="0" * 64)

        assert ended.record.card.blockers[0] == (
            "The approval 000000000000 is for another plan than this one."
        )
        assert ended.record.card.command == ""

    def test_where_nothing_changes_there_is_nothing_to_approve(self, desk: Desk, start: Start) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        run, plan = start()
        card = run.card(plan)

        assert card.blockers == ("There is nothing to change, so there is nothing to approve.",)
        assert "cannot be approved" not in str(card)


class TestPlaces:
    def test_terminal_record_page_and_json_show_the_same_card_and_its_command_approves_the_plan(
        self, desk: Desk
    ) -> None:
        ended = desk.run()
        card = ended.record.card
        written = json.loads((ended.folder / "record.json").read_text())
        page = (ended.folder / "run.html").read_text()
        again = [sys.executable, "-m", "xacct_nb", *shlex.split(card.command)[1:], "--json"]
        done = subprocess.run(again, capture_output=True, text=True, timeout=120, check=False)

        assert written["card"] == ended.to_json()["card"] == card.to_json()
        assert text(card.view()) in str(ended)
        assert html(card.view()) in page
        assert shlex.split(card.command)[:3] == ["xacct-nb", "run", "plan_and_apply"]
        assert json.loads(done.stdout)["status"] in ("succeeded", "not-proven"), done.stderr
        assert desk.state() != []

    def test_a_plan_that_cannot_be_approved_is_not_green_on_its_page(self, desk: Desk) -> None:
        ended = desk.run(sources=[desk.world.source], source_profiles=[])
        page = (ended.folder / "run.html").read_text()

        assert ended.record.status == "planned"
        assert 'class="xacct-text change">planned. Nothing was changed, and this plan cannot' in page
        assert html(ended.record.card.view()) in page
        assert "To approve exactly this plan" not in str(ended)

    def test_who_signs_a_plan_is_shown_its_card(self, desk: Desk) -> None:
        ended = desk.run()

        assert text(ended.record.card.view()) in str(find_plan(desk.records, ended.record.plan.digest))

    def test_the_form_has_the_card_above_the_field(self, start: Start) -> None:
        run, plan = start()
        approval = run.approval(plan)
        shown, row, *_ = approval.widget.children

        assert shown.value == html(run.card(plan).view())
        assert row.children[0].children[0].description == "First 8 characters of the digest"

    def test_the_record_of_a_run_in_a_form_has_it(self, desk: Desk, start: Start) -> None:
        run, plan = start()
        card, approval = run.card(plan), run.approval(plan)
        run.settings = run.settings.model_copy(update={"patience_seconds": 0})
        approval.approve(plan.digest)
        run.apply(plan, run.basis.sessions, approval)
        run.finish()
        written = json.loads((desk.records / run.id / "record.json").read_text())

        assert written["card"] == card.to_json()


class TestRollback:
    def test_it_names_what_it_undoes_and_who_loses_what_and_its_command_names_the_record(
        self, desk: Desk
    ) -> None:
        forth = replace(desk, in_process=True).applied()
        planned = desk.run("roll_back")
        card = planned.record.card

        assert card.sentences == (
            f"This undoes the change of the grant reports in the record {forth.record.id}, made at "
            f"{forth.record.started}.",
        )
        assert card.losses[0].startswith(f"user/alice of {desk.world.source} will no longer be able to")
        assert f"-p record {forth.record.id} --approve {planned.record.plan.digest}" in card.command
        assert "No findings." not in str(card)

    def test_with_nothing_left_it_says_so_and_names_no_older_change_as_its_own(self, desk: Desk) -> None:
        here = replace(desk, in_process=True)
        older = here.applied(name="older", destinations=[f"arn:aws:iam::{desk.world.destination}:role/older"])
        newer = here.applied()
        here.rolled_back()
        again = here.run("roll_back")
        card = again.record.card

        assert again.record.status == "no-change"
        assert card.sentences[0].startswith(f"The newest change is undone already: {newer.record.id}, by ")
        assert f"xacct-nb run roll_back -p record {older.record.id}" in card.sentences[1]
        assert card.blockers == ("There is nothing to change, so there is nothing to approve.",)
        assert again.record.undoes == ""
