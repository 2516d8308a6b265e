"""An approval is used once, also by two processes at the same time and after a kill: a claim on disk."""

import atexit
import json
import os
import signal
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.adopted_role import deny_attaching
from support.desk import Desk
from support.examples import root_iam
from support.forked import end_of, forked
from xacct_nb.aws.clock import local_time, utc
from xacct_nb.aws.reader import read
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.planner import diff
from xacct_nb.errors import ApprovalUsed, RolledBack, StalePlan, XacctError
from xacct_nb.grants.documents import build
from xacct_nb.jupyter.forms.approval_form import ApprovalForm
from xacct_nb.runs.ledger import verify_ledger
from xacct_nb.runs.notebook_run import Run
from xacct_nb.runs.recovery import recover
from xacct_nb.runs.start import start_run
from xacct_nb.storage.approval_files import APPROVALS
from xacct_nb.storage.approval_history import Claim, plan_history
from xacct_nb.storage.ledger import read_record, verify_records

ADMINS = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r")


@pytest.fixture
def desk(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.delenv("XACCT_RUN_FOLDER", raising=False)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return replace(desk, in_process=True)


def begin(desk: Desk, **fields: Any) -> Run:
    run = start_run("mine", desk.parameters(**ADMINS, records=str(desk.records), **fields))
    atexit.unregister(run.leave)
    return run


APPLIED = "not-proven not-proven"  # what these runs change is not proven in them


def apply_approved(desk: Desk, digest: str, ready: Callable[[], object] = lambda: None) -> str:
    """Apply the grant with this approval as a notebook does; return how the run ended."""
    run = begin(desk)
    sessions, documents = run.open_sessions(run.grant()), build(run.grant())
    plan = run.keep(diff(documents, run.keep(read(documents, sessions))))
    ready()
    try:
        run.apply(plan, sessions, Approval(digest, "ada", ""))
    except XacctError as problem:
        run.note_cell("apply", problem)
    ended = run.finish()
    error = read_record(desk.records, ended.record).error
    return ended.status + (f" {error.code}" if error else "")


def at_once(desk: Desk, digest: str, count: int = 2) -> list[str]:
    """Return how so many processes end that have planned, and apply at the same moment."""
    ready, tell_ready = os.pipe()
    wait, go = os.pipe()

    def meet() -> None:
        os.write(tell_ready, b".")
        os.read(wait, 1)

    children = [forked(lambda: apply_approved(desk, digest, meet)) for _ in range(count)]
    for _ in range(count):
        os.read(ready, 1)
    os.write(go, b"!" * count)
    ended = sorted(end_of(*child) for child in children)
    for each in (ready, tell_ready, wait, go):
        os.close(each)
    return ended


def a_form(plan: Plan, shown: str) -> ApprovalForm:
    """The form in which a person has approved a plan that was shown at this time."""
    form = ApprovalForm(plan, "", live=True, clock=lambda: shown)
    form.approve(plan.digest)
    return form


class TestTwoProcesses:
    def test_exactly_one_uses_it(self, desk: Desk) -> None:
        for _ in range(3):
            digest = desk.run().record.plan.digest
            ended = at_once(desk, digest, 3)
            desk.rolled_back()

            assert [each for each in ended if not each.startswith("stale-plan")] == [APPLIED]
        assert verify_records(desk.records) == []

    def test_exactly_one_uses_it_also_where_that_one_fails_and_takes_back(self, desk: Desk) -> None:
        """The second finds everything as it was before, so only the claim can stop it."""
        deny_attaching(desk.world)
        for _ in range(3):
            digest = desk.run().record.plan.digest
            ended = at_once(desk, digest)

            assert ended == ["rolled-back rolled-back", "stale-plan approval-used"]
        assert desk.state() == []

    @pytest.mark.exhaustive
    def test_a_hundred_times_exactly_one_uses_it(self, desk: Desk) -> None:
        deny_attaching(desk.world)
        ended = [at_once(desk, desk.run().record.plan.digest, 3) for _ in range(100)]
        once = ["rolled-back rolled-back", *["stale-plan approval-used"] * 2]
        held = sum(each == once for each in ended)

        print(f"{held} of 100 approvals were used once by three processes at the same time")
        assert held == 100


class TestTheClaim:
    def test_a_run_that_took_everything_back_has_used_it(self, desk: Desk) -> None:
        digest = desk.run().record.plan.digest
        deny_attaching(desk.world)
        first, second = apply_approved(desk, digest), apply_approved(desk, digest)
        desk.run()
        root_iam(desk.world, desk.world.source).delete_user_policy(UserName="admin", PolicyName="denied")
        third = apply_approved(desk, digest)

        assert (first, second, third) == (
            "rolled-back rolled-back",
            "stale-plan approval-used",
            APPLIED,
        )

    def test_a_person_approves_anew_what_is_shown_again_after_a_failure(self, desk: Desk) -> None:
        deny_attaching(desk.world)
        run = begin(desk)
        sessions, documents = run.open_sessions(run.grant()), build(run.grant())
        plan = run.keep(diff(documents, run.keep(read(documents, sessions))))
        first, again = (a_form(plan, utc(local_time() + timedelta(seconds=later))) for later in (0, 3))
        run.guards.approvals += [first, again]
        with pytest.raises(RolledBack):
            run.apply(plan, sessions, first)
        with pytest.raises(ApprovalUsed):
            run.apply(plan, sessions, first)
        root_iam(desk.world, desk.world.source).delete_user_policy(UserName="admin", PolicyName="denied")
        journal = run.apply(plan, sessions, again)
        run.finish()

        assert len(journal.changes) == 4
        assert len(list((desk.records / APPROVALS).iterdir())) == 2
        assert verify_records(desk.records) == []

    def test_an_approval_that_is_refused_claims_nothing(self, desk: Desk) -> None:
        desk.run()
        ended = apply_approved(desk, "0" * 64)

        assert ended == "stale-plan stale-plan"
        assert not (desk.records / APPROVALS).exists()

    def test_a_plan_that_is_outdated_before_its_first_change_keeps_its_approval(self, desk: Desk) -> None:
        digest = desk.run().record.plan.digest
        iam, role = root_iam(desk.world, desk.world.destination), "reports-reader"
        trust = {"Version": "2012-10-17", "Statement": []}

        def make() -> None:
            trust["Statement"] = [{"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}]
            trust["Statement"][0]["Principal"] = {"AWS": f"arn:aws:iam::{desk.world.destination}:user/admin"}
            iam.create_role(RoleName=role, AssumeRolePolicyDocument=json.dumps(trust))

        first = apply_approved(desk, digest, make)
        iam.delete_role(RoleName=role)

        assert first.startswith(("stale-plan", "invalid-parameters"))
        assert apply_approved(desk, digest) == APPLIED

    def test_it_survives_a_kill_between_the_claim_and_the_first_call(self, desk: Desk) -> None:
        digest = desk.run().record.plan.digest

        def die() -> str:
            run = begin(desk)
            run.evidence.add = lambda kind, value: kind == "entry" and os.kill(os.getpid(), signal.SIGKILL)
            sessions, documents = run.open_sessions(run.grant()), build(run.grant())
            plan = diff(documents, read(documents, sessions))
            run.apply(plan, sessions, Approval(digest, "ada", ""))
            return "was not killed"

        told = end_of(*forked(die))
        recover(desk.records)

        assert told == ""
        assert desk.state() == []
        assert apply_approved(desk, digest) == "stale-plan approval-used"
        assert verify_ledger(desk.records).broken == ()

    def test_reading_the_history_writes_nothing(self, desk: Desk) -> None:
        planned = desk.run().record
        before = sorted(path.name for path in desk.records.rglob("*"))
        found = [
            type(each).__name__ for each in plan_history(desk.records, planned.plan.digest, planned.where)
        ]

        assert found == ["PlannedRun"]
        assert sorted(path.name for path in desk.records.rglob("*")) == before

    def test_a_claim_in_the_sandbox_is_none_on_aws(self, tmp_path: Path) -> None:
        (tmp_path / "ledger.jsonl").touch()
        Claim("a" * 64, "", "a-run", "2026-11-24T10:15:00Z", "sandbox").write(tmp_path)

        assert list(plan_history(tmp_path, "a" * 64, "AWS")) == []
        assert [each.record for each in plan_history(tmp_path, "a" * 64, "sandbox")] == ["a-run"]

    def test_a_claim_is_written_once(self, tmp_path: Path) -> None:
        claim = Claim("a" * 64, "a-plan", "a-run", "2026-11-24T10:15:00Z", "AWS")
        claim.write(tmp_path)

        with pytest.raises(FileExistsError):
            claim.write(tmp_path)


class TestAttacks:
    def test_an_empty_or_torn_claim_counts_as_a_use(self, desk: Desk) -> None:
        planned = desk.run().record
        for content in ("", "{", "[]", "null"):
            _lay(desk, f"{planned.plan.digest[:16]}-{planned.id}.used.json", content)

            assert apply_approved(desk, planned.plan.digest) == "stale-plan approval-used"

    def test_a_link_in_place_of_a_claim_counts_as_a_use_and_is_not_followed(self, desk: Desk) -> None:
        planned, target = desk.run().record, desk.records.parent / "target"
        (desk.records / APPROVALS).mkdir()
        (desk.records / APPROVALS / f"{planned.plan.digest[:16]}-{planned.id}.used.json").symlink_to(target)

        assert apply_approved(desk, planned.plan.digest) == "stale-plan approval-used"
        assert not target.exists()

    def test_a_link_in_place_of_the_folder_is_refused_and_is_not_followed(self, desk: Desk) -> None:
        planned, target = desk.run().record, desk.records.parent / "elsewhere"
        target.mkdir()
        (desk.records / APPROVALS).symlink_to(target)
        ended = apply_approved(desk, planned.plan.digest)

        assert ended == "invalid-parameters unknown-record"
        assert list(target.iterdir()) == []
        assert desk.state() == []
        assert verify_records(desk.records) == ["approvals: is no folder that can be read, or a link"]

    def test_a_folder_in_place_of_a_claim_counts_as_a_use(self, desk: Desk) -> None:
        planned = desk.run().record
        taken = desk.records / APPROVALS / f"{planned.plan.digest[:16]}-{planned.id}.used.json"
        taken.mkdir(parents=True)

        assert apply_approved(desk, planned.plan.digest) == "stale-plan approval-used"
        assert desk.state() == []

    def test_what_was_added_or_torn_is_named_by_verify(self, desk: Desk) -> None:
        desk.run()
        _lay(desk, "notes.txt", "hello")
        _lay(desk, f"{'a' * 16}-x.used.json", "{")

        assert verify_records(desk.records) == [
            "approvals/notes.txt: was added",
            f"approvals/{'a' * 16}-x.used.json: is incomplete, or was changed",
        ]

    def test_a_plan_made_after_a_torn_claim_is_approved_anew(self, desk: Desk) -> None:
        planned = desk.run().record
        _lay(desk, f"{planned.plan.digest[:16]}-{planned.id}.used.json", "")
        desk.run()

        assert apply_approved(desk, planned.plan.digest) == APPLIED


def _lay(desk: Desk, name: str, content: str) -> None:
    (desk.records / APPROVALS).mkdir(exist_ok=True)
    (desk.records / APPROVALS / name).write_text(content)


def test_a_claim_that_cannot_be_written_changes_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    digest, run = desk.run().record.plan.digest, begin(desk)
    run.unused = desk.plan(), Approval(digest, "ada", "")
    (desk.records / APPROVALS).write_text("a file")

    with pytest.raises((StalePlan, XacctError)) as refused:
        run.append(ENTRY)
    assert not isinstance(refused.value, ApprovalUsed)
    assert run.touched is False
    run.finish()
