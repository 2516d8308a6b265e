"""The runs of a review in the sandbox: asked from files and from records, answered, refused, planned."""

import shutil
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import yaml

from support.desk import Desk
from support.fleet_world import FleetWorld, a_fleet_world
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.records.model import Record
from xacct_nb.records.review.recorded import RecordedReview
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.member_accounts import ACCESS_ROLE
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox
PROFILES = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
ALICE, BOTH = {"alice": ["*"]}, {"alice": ["*"], "bob": ["*"]}


@pytest.fixture
def desk(desk: Desk) -> Desk:
    return replace(desk, in_process=True)


@pytest.fixture
def file(desk: Desk, tmp_path: Path) -> Path:
    """The grant file of the article's case."""
    return written(tmp_path / "grant.yaml", desk.grant().to_json())


def written(file: Path, fields: Mapping[str, Any]) -> Path:
    file.write_text(yaml.safe_dump(dict(fields)))
    return file


def review_of(record: Record) -> RecordedReview:
    assert record.review, record.error
    return RecordedReview.from_json(record.review)


def asked(desk: Desk, *files: Path, reviewers: Mapping[str, Any] = ALICE, **more: Any) -> Record:
    return desk.run(
        "review_access", review=[str(each) for each in files], reviewers=reviewers, **PROFILES, **more
    ).record


def answered(
    desk: Desk, campaign: Record, reviewer: str = "alice", decided: Mapping[str, Any] | None = None
) -> Path:
    """Fill in the file that the run wrote for an editor; where nothing is said, everything is kept."""
    file = desk.records.parent / "review" / campaign.id / f"{reviewer}.answers.yaml"
    fields = yaml.safe_load(file.read_text())
    for key in fields["answers"]:
        fields["answers"][key] |= {"decision": "keep", **(decided or {}).get(key, {})}
    return written(file, fields)


def handed_in(desk: Desk, *files: Path, **more: Any) -> Record:
    return desk.run("review_access", answers=[str(each) for each in files], **{**PROFILES, **more}).record


def code_of(record: Record) -> str:
    return record.error.code if record.error else record.status


def test_a_page_and_a_file_for_an_editor_are_written_for_each_reviewer(desk: Desk, file: Path) -> None:
    campaign = asked(desk, file, reviewers=BOTH)
    there = sorted(each.name for each in (desk.records.parent / "review" / campaign.id).iterdir())

    assert campaign.status == "succeeded", campaign.error
    assert there == ["alice.answers.yaml", "alice.html", "bob.answers.yaml", "bob.html"]
    assert sorted(review_of(campaign).pages) == ["alice", "bob"]
    assert desk.is_whole()


def test_a_grant_that_nobody_is_asked_about_stops_it(desk: Desk, file: Path) -> None:
    assert code_of(asked(desk, file, reviewers={"alice": ["another"]})) == "invalid-parameters"
    assert not (desk.records.parent / "review").exists()


def test_what_stands_by_the_records_is_reviewed_where_no_file_is_named(desk: Desk) -> None:
    applied = desk.applied().record
    (item,) = review_of(asked(desk)).items

    assert (item.grant, item.origin) == (applied.parameters["name"], applied.id)
    assert applied.id in dict(item.facts)["Approved"]
    assert dict(item.facts)["Live state"] == "It is as it was declared."


def test_what_has_ended_is_asked_about_until_nothing_of_it_is_left(desk: Desk, tmp_path: Path) -> None:
    desk.applied()
    file = written(tmp_path / "grant.yaml", desk.grant().to_json() | {"expires": "2026-01-01"})
    (item,) = review_of(asked(desk, file)).items
    desk.applied(expires="2026-01-01")
    over = review_of(asked(desk))

    assert item.concerns[0].code == "ended"
    assert "- role" in item.concerns[0].text
    assert over.items == ()
    assert "nothing of it is left" in over.left_out[0]


def test_an_external_id_that_is_in_no_record_is_no_difference(desk: Desk) -> None:
    desk.applied(conditions={"external_id": "hunter2-hunter2"})
    campaign = asked(desk)
    (item,) = review_of(campaign).items

    assert dict(item.facts)["Live state"] == "It is as it was declared."
    assert "external ID secret:" in dict(item.facts)["Conditions"]
    assert desk.written("hunter2-hunter2") == []


def test_what_is_kept_changes_nothing_and_who_has_not_answered_is_named(desk: Desk, file: Path) -> None:
    campaign = asked(desk, file, reviewers=BOTH)
    file_of = answered(desk, campaign)
    review = review_of(handed_in(desk, file_of))

    assert (review.missing, review.plans) == (("bob",), ())
    assert [each.decision for each in review.decisions] == ["waits"]
    assert review.answers[0].signed == "not signed"
    assert review.answers[0].sha256 == sha256(file_of.read_bytes()).hexdigest()


def test_a_smaller_grant_is_a_plan_with_the_digest_that_a_run_applies(desk: Desk, tmp_path: Path) -> None:
    writes = {"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::reports/*"]}
    grant = desk.grant().to_json()
    more = {"permissions": [*grant["permissions"], writes]}
    file = written(tmp_path / "grant.yaml", grant | more)
    desk.applied(**more)
    narrow = {"decision": "narrow", "drop": ["permissions.1 s3:PutObject"]}
    (revised,) = review_of(
        handed_in(desk, answered(desk, asked(desk, file), decided={grant["name"]: narrow}))
    ).plans
    fields = yaml.safe_load(Path(revised.file).read_text())
    assert revised.plan
    applied = desk.run(**{**PROFILES, **fields, "approve": revised.plan.digest}).record

    assert [each["actions"] for each in fields["permissions"]] == [["s3:GetObject"]]
    assert applied.status in ("succeeded", "not-proven"), applied.error
    assert revised.command.endswith(f"--approve {revised.plan.digest}")
    assert "-p sandbox false" in revised.command


def test_an_end_needs_no_external_id_and_a_smaller_grant_a_reference_to_it(desk: Desk) -> None:
    grant, secret = desk.grant(), {"conditions": {"external_id": "hunter2-hunter2"}}
    until = {"decision": "keep", "expires": "2099-12-31"}
    desk.applied(**secret)
    (kept,) = review_of(handed_in(desk, answered(desk, asked(desk), decided={grant.name: until}))).plans
    (end,) = review_of(
        handed_in(desk, answered(desk, asked(desk), decided={grant.name: {"decision": "end"}}))
    ).plans
    assert end.plan

    assert yaml.safe_load(Path(kept.file).read_text())["conditions"] == {"external_id": "env:EXTERNAL_ID"}
    assert "--allow-reference env:EXTERNAL_ID" in kept.command
    assert "conditions" not in yaml.safe_load(Path(end.file).read_text())
    assert {each.sign for each in end.plan.changes} == {"-"}


class TestRefusals:
    @pytest.fixture
    def campaign(self, desk: Desk, file: Path) -> Record:
        return asked(desk, file)

    def test_of_answers_to_a_page_that_was_changed(self, desk: Desk, campaign: Record) -> None:
        answers = answered(desk, campaign)
        page = answers.with_name("alice.html")
        page.write_text(page.read_text().replace("s3:GetObject", "s3:*"))

        assert code_of(handed_in(desk, answers)) == "review-changed-page"

    def test_of_answers_with_another_digest(self, desk: Desk, campaign: Record) -> None:
        answers = answered(desk, campaign)
        written(answers, yaml.safe_load(answers.read_text()) | {"review": "0" * 64})

        assert code_of(handed_in(desk, answers)) == "review-other-digest"

    def test_of_somebody_who_was_not_asked(self, desk: Desk, campaign: Record) -> None:
        answers = answered(desk, campaign)
        written(answers, yaml.safe_load(answers.read_text()) | {"reviewer": "mallory"})

        assert code_of(handed_in(desk, answers)) == "review-unknown-reviewer"

    def test_of_two_files_of_one_reviewer(self, desk: Desk, campaign: Record, tmp_path: Path) -> None:
        answers = answered(desk, campaign)
        again = tmp_path / "again.yaml"
        again.write_bytes(answers.read_bytes())

        assert code_of(handed_in(desk, answers, again)) == "review-twice"

    def test_of_answers_to_two_campaigns(self, desk: Desk, file: Path, campaign: Record) -> None:
        other = asked(desk, file, reviewers={"bob": ["*"]})

        assert code_of(handed_in(desk, answered(desk, campaign), answered(desk, other, "bob"))) == (
            "review-campaigns"
        )

    def test_of_a_record_that_asked_nobody(self, desk: Desk, campaign: Record) -> None:
        answers = answered(desk, campaign)
        second = handed_in(desk, answers)
        written(answers, yaml.safe_load(answers.read_text()) | {"campaign": second.id})

        assert code_of(handed_in(desk, answers)) == "review-campaign"

    def test_of_a_forged_record_that_the_answers_name_by_its_path(
        self, desk: Desk, campaign: Record, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        forged = tmp_path / campaign.id
        shutil.copytree(desk.records / campaign.id, forged)
        record = (forged / "record.json").read_text()
        (forged / "record.json").write_text(record.replace("s3:GetObject", "s3:*"))
        answers = answered(desk, campaign)
        fields = yaml.safe_load(answers.read_text())
        by_path = code_of(handed_in(desk, written(answers, fields | {"campaign": str(forged)})))
        monkeypatch.chdir(tmp_path)  # where a folder has the name of the record

        assert by_path == "review-campaign"
        assert code_of(handed_in(desk, written(answers, fields))) == "succeeded"

    def test_of_unsigned_answers_also_where_only_the_campaign_had_approvers(
        self, desk: Desk, file: Path
    ) -> None:
        key = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f alice"
        answers = answered(desk, asked(desk, file, approvers=[key]))

        assert code_of(handed_in(desk, answers)) == "review-unsigned"

    def test_of_nothing_but_the_plan_of_a_file_that_was_changed_since(
        self, desk: Desk, file: Path, campaign: Record
    ) -> None:
        grant = desk.grant()
        answers = answered(desk, campaign, decided={grant.name: {"decision": "end"}})
        written(file, grant.to_json() | {"session_minutes": 30})
        (revised,) = review_of(handed_in(desk, answers)).plans

        assert (revised.plan, revised.command) == (None, "")
        assert "is not what was under review" in revised.problem


@pytest.fixture
def members(sandbox: Sandbox, world: World) -> FleetWorld:
    return a_fleet_world(sandbox, world, 3)


@pytest.mark.slow
def test_an_account_of_a_fleet_loses_its_role_and_the_others_keep_theirs(
    desk: Desk, members: FleetWorld, tmp_path: Path
) -> None:
    grant = members.fields
    file = written(tmp_path / "all.yaml", {"name": "all", "grants": [grant]})
    around: dict[str, Any] = {"account_role": ACCESS_ROLE}
    planned = desk.run("grant_a_fleet", fleet=str(file), **PROFILES, **around)
    done = desk.run("grant_a_fleet", fleet=str(file), approve=digest_of(planned.record), **PROFILES, **around)
    assert done.record.status in ("succeeded", "not-proven"), done.record.error
    first, *others = members.members
    campaign = asked(desk, file, reviewers={"alice": ["*"], "bob": [first]}, **around)
    shown = [dict(each.facts)["Used"] for each in review_of(campaign).items]
    answers = [
        answered(desk, campaign),
        answered(desk, campaign, "bob", {f"readers@{first}": {"decision": "end"}}),
    ]
    plans = review_of(handed_in(desk, *answers, **around)).plans
    for each in plans:
        assert each.plan, each.problem
        made = desk.run("grant_a_fleet", fleet=each.file, approve=each.plan.digest, **PROFILES, **around)
        assert made.record.status in ("succeeded", "not-proven"), made.record.error

    assert all(f"{account}: " in each for each in shown for account in members.members)
    assert [Path(each.file).stem for each in plans] == ["all", "all-ended"]
    assert [account for account in members.members if members.has_role(account)] == others
    kept = review_of(asked(desk, Path(plans[0].file), **around))
    assert [dict(each.facts)["Live state"] for each in kept.items] == ["It is as it was declared."]


def digest_of(record: Record) -> str:
    assert record.plan, record.error
    return record.plan.digest
