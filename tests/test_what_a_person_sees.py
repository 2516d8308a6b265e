"""What a person sees who does this once a year, where something is not as they meant it."""

import json
import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from support.desk import Desk
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidParameters
from xacct_nb.records.outcome import outcome_sentence


@pytest.fixture
def here(desk: Desk) -> Desk:
    """The desk of a run whose cells are executed in this process."""
    return replace(desk, in_process=True)


def grant_file(desk: Desk, path: Path, **fields: Any) -> Path:
    """Write the article's case in this world, with other fields, as a grant file."""
    grant = desk.grant().to_json()
    usual = {name: grant[name] for name in ("name", "sources", "destinations", "permissions")}
    path.write_text(json.dumps({**usual, **fields}))
    return path


def typed(command: str, *more: str) -> dict[str, Any]:
    """Run a command as it was printed; return what it says as JSON."""
    words = shlex.split(command)[1:]
    return dict(json.loads(CliRunner().invoke(main, [*words, *more, "--json"]).stdout))


def command_in(hint: str, notebook: str) -> str:
    """Return the whole command of a hint that runs this notebook."""
    lines = (line.partition(": ")[2] for line in hint.splitlines())
    return next(line for line in lines if line.startswith(f"xacct-nb run {notebook} "))


class TestApproval:
    @pytest.mark.parametrize("digest", ["DIGEST", "f2dd39b7", "F" * 64, "0" * 63, "yes"])
    def test_that_is_no_digest_is_refused_before_anything_is_read(self, desk: Desk, digest: str) -> None:
        with pytest.raises(InvalidParameters, match="is not the digest of a plan") as refused:
            desk.run(approve=digest)

        assert "decision card then prints the whole command" in refused.value.hint
        assert not desk.records.exists()

    def test_of_another_plan_is_the_one_reason_that_the_card_gives(self, here: Desk) -> None:
        here.applied()
        here.rolled_back()  # the digest of this plan was used
        card = replace(here, in_process=False).run(approve="a1" * 32).record.card

        assert card.blockers == ("The approval a1a1a1a1a1a1 is for another plan than this one.",)


class TestRollback:
    def test_with_nothing_left_says_so_in_its_last_line_and_not_that_the_grant_is_there(
        self, here: Desk
    ) -> None:
        here.applied()
        here.rolled_back()
        again = here.run("roll_back").record

        assert outcome_sentence(again) == "There was nothing left to undo."

    def test_before_any_change_says_so(self, here: Desk) -> None:
        assert outcome_sentence(here.run("roll_back").record) == "There was nothing left to undo."


class TestWrongExternalId:
    """From the wrong external ID to the cause, and to a proven access, by the printed commands alone."""

    def test_the_failed_proof_prints_the_command_of_the_diagnosis_which_names_the_mend(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        wrong, right = tmp_path / "wrong", tmp_path / "right"
        wrong.write_text("planted-wrong-1")
        right.write_text("planted-right-2")
        file = grant_file(desk, tmp_path / "a.json", conditions={"external_id": f"file:{right}"})
        other = grant_file(desk, tmp_path / "b.json", conditions={"external_id": f"file:{wrong}"})
        around = {"sandbox": False, "patience_seconds": 1, "source_profiles": ["source-admin"]}
        around |= {"destination_profiles": ["destination-admin"], "caller_profiles": ["alice", "mallory"]}
        planned = desk.run(file=file, allow_references=[f"file:{right}"], **around)
        applied = typed(planned.record.card.command)
        failed = desk.run("prove_the_access", file=other, allow_references=[f"file:{wrong}"], **around)

        hint = failed.record.error.hint
        found = typed(command_in(hint, "diagnose_a_denial"), "--records", str(desk.records))
        mended = typed(command_in(hint, "plan_and_apply"))
        proven = desk.run("prove_the_access", file=file, allow_references=[f"file:{right}"], **around)

        assert (applied["status"], failed.record.status) == ("succeeded", "proof-failed")
        assert found["summary"].startswith("Certain: external-id-differs (destination).")
        assert mended["summary"] == "Plan: 0 to add, 1 to change, 0 to destroy."
        assert proven.record.status == "succeeded"
        assert desk.written("planted-wrong-1") == desk.written("planted-right-2") == []


class TestNotProven:
    def test_names_the_command_that_proves_this_grant_and_no_other(self, desk: Desk, tmp_path: Path) -> None:
        action = {"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::inbox/*"]}
        file = grant_file(desk, tmp_path / "writers.json", name="writers", permissions=[action])
        around = {"sandbox": False, "patience_seconds": 1}
        digest = desk.run(file=file, **around).record.plan.digest
        hint = desk.run(file=file, approve=digest, **around).record.error.hint

        assert f"xacct-nb run prove_the_access -f {file} " in hint
        assert "Test by hand what no read-only call can test." in hint


class TestAReview:
    def test_says_on_standard_output_what_is_done_next_and_keeps_the_external_id_of_a_file(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        secret = "hunter2-hunter2"
        file = grant_file(desk, tmp_path / "grant.yaml", conditions={"external_id": secret})
        asked = desk.run(
            "review_access",
            review=[str(file)],
            reviewers={"alice": ["*"]},
            source_profiles=["source-admin"],
            destination_profiles=["destination-admin"],
        )
        answers = desk.records.parent / "review" / asked.record.id / "alice.answers.yaml"
        second = next(each for each in str(asked).splitlines() if "review_access -p answers" in each).strip()
        refused = {word: typed(decided(answers, word, second))["error"] for word in ("perhaps", "", "end")}
        command = decided(answers, "end", second, f"It has {secret}.")
        shown = CliRunner().invoke(main, shlex.split(command)[1:]).stdout

        assert str(answers) in str(asked)
        assert str(answers.with_name("alice.html")) in str(asked)
        assert "ssh-keygen -Y sign -n xacct-nb-review" in str(asked)
        assert [refused[word] and refused[word]["code"] for word in refused] == [
            "review-answer", "review-missing-item", None,
        ]  # fmt: skip
        assert "'perhaps'" in refused["perhaps"]["what"]
        assert "keep, narrow, end" in refused["perhaps"]["why"]
        assert f"for {desk.grant().name}: " in shown
        assert secret not in str(asked) + shown
        assert desk.written(secret) == []


def decided(answers: Path, decision: str, command: str, comment: str = "") -> str:
    """Decide the one item of a file of answers; return the command that hands it in."""
    fields = yaml.safe_load(answers.read_text())
    (key,) = fields["answers"]
    fields["answers"][key] = {"decision": decision, "comment": comment}
    answers.write_text(yaml.safe_dump(fields))
    return command
