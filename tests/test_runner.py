"""Headless runs as people and pipelines start them: what they change, what they refuse, what they leave."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import validate

from support.desk import Desk, notebook, options
from support.examples import applied, root_iam, sessions_in
from xacct_nb.errors import EXIT_CODES, InvalidInput
from xacct_nb.runs.loading import record_schema
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.state import Sandbox

SECRET = "a-Secret.that/nobody:may=see"
OLD_SECRET = "an-earlier-Secret.that/nobody:may=see"


def code(ended: RunResult) -> int:
    return EXIT_CODES[ended.record.status]


def signs(ended: RunResult) -> list[str]:
    """The changes of a plan: sign, kind, and the last part of what it is about."""
    changes = ended.record.plan.changes
    return [f"{each.sign} {each.kind} {each.target.rpartition('/')[2]}" for each in changes]


class TestPlanning:
    def test_without_approval_it_plans_and_changes_nothing(self, desk: Desk) -> None:
        ended = desk.run()

        assert (ended.record.status, code(ended)) == ("planned", 0)
        assert signs(ended) == [
            "+ role reports-reader",
            "+ inline-policy reports-reader",
            "+ managed-policy xacct-reports",
            "+ attachment alice",
        ]
        assert str(ended).rpartition("To approve exactly this plan\n  xacct-nb run plan_and_apply -p ")[1]
        assert f"--records {desk.records} --approve {desk.plan().digest}\n" in str(ended)
        assert desk.state() == []

    def test_the_digest_of_another_plan_is_stale_and_changes_nothing(self, desk: Desk) -> None:
        ended = desk.run(approve="0" * 64)

        assert (ended.record.status, code(ended)) == ("stale-plan", 3)
        assert desk.plan().digest in ended.record.error.why
        assert ended.record.approval.digest == "0" * 64
        assert ended.record.journal is None
        assert desk.state() == []

    def test_what_widens_access_is_not_applied_unless_accepted(self, desk: Desk) -> None:
        ended = desk.applied(sources=[desk.world.source], source_profiles=[])

        assert (ended.record.status, code(ended)) == ("invalid-parameters", 2)
        assert "whole-account-trust" in ended.record.error.what
        assert desk.state(sources=[desk.world.source]) == []

    def test_a_grant_file_without_permissions_does_not_get_those_of_the_notebook(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        fields = desk.grant().to_json()
        del fields["permissions"]
        (tmp_path / "grant.json").write_text(json.dumps(fields))
        ended = desk.run(file=tmp_path / "grant.json", sandbox=False)

        assert signs(ended) == [
            "+ role reports-reader",
            "+ managed-policy xacct-reports",
            "+ attachment alice",
        ]

    @pytest.mark.parametrize(
        ("profiles", "what"),
        [
            (["nobody"], "The AWS config has no profile 'nobody'."),
            (["empty"], "The profile 'empty' cannot sign in."),
        ],
    )
    def test_a_profile_that_cannot_be_used_ends_it_before_anything_changes(
        self, desk: Desk, profiles: list[str], what: str
    ) -> None:
        with desk.world.config_file.open("a") as config:
            config.write("\n[profile empty]\nregion = us-east-1\n")
        ended = replace(desk, in_process=True).run(source_profiles=profiles, approve="0" * 64)

        assert ended.record.status == "invalid-parameters"
        assert ended.record.error.what == what
        assert desk.state() == []


class TestApplying:
    def test_an_approved_plan_is_applied_and_proven_and_the_same_again_changes_nothing(
        self, desk: Desk
    ) -> None:
        first, digest = desk.applied(), desk.run().record.plan.digest
        applied_state = desk.state()
        again = desk.run(approve=first.record.plan.digest)

        assert (first.record.status, code(first)) == ("succeeded", 0)
        assert [each.operation for each in first.record.journal.entries] == [
            "CreateRole", "PutRolePolicy", "CreatePolicy", "AttachUserPolicy", "AssumeRole",
        ]  # fmt: skip
        assert first.record.proof.holds
        assert first.record.to_json()["state"] == {"before": [], "after": applied_state}
        assert (again.record.status, code(again)) == ("no-change", 0)
        assert again.record.plan.digest == digest
        assert again.record.proof.holds
        assert desk.state() == applied_state

    def test_changing_one_principal_plans_exactly_that_change(self, desk: Desk) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        mallory = f"arn:aws:iam::{desk.world.source}:user/mallory"
        ended = replace(desk, in_process=True).run(sources=[mallory])

        assert signs(ended) == ["~ trust reports-reader", "+ attachment mallory", "- attachment alice"]

    def test_whole_account_trust_is_applied_where_accepted(self, desk: Desk) -> None:
        given_word = {
            "accept": ["whole-account-trust"],
            "source_profiles": [],
            "caller_profiles": ["mallory"],
        }
        ended = replace(desk, in_process=True).applied(sources=[desk.world.source], **given_word)

        assert ended.record.status == "succeeded"
        assert ended.record.proof.holds


class TestRollingBack:
    @pytest.fixture
    def desk(self, desk: Desk) -> Desk:
        return replace(desk, in_process=True)

    def test_both_accounts_are_as_they_were_to_the_letter(self, desk: Desk) -> None:
        iam = root_iam(desk.world, desk.world.destination)
        service = {"Sid": "Kept", "Effect": "Allow", "Principal": {"Service": "ec2.amazonaws.com"}}
        trust = {"Version": "2012-10-17", "Statement": [service | {"Action": "sts:AssumeRole"}]}
        iam.create_role(
            RoleName="reports-reader",
            Description="Was here before",
            MaxSessionDuration=7200,
            AssumeRolePolicyDocument=json.dumps(trust),
            Tags=[{"Key": "team", "Value": "books"}],
        )
        before = desk.state()
        forth = desk.applied(adopt=True)
        between = desk.state()
        back = desk.rolled_back()

        assert (forth.record.status, back.record.status) == ("succeeded", "succeeded")
        assert between != before
        assert desk.state() == before
        assert back.record.undoes == forth.record.id
        assert back.record.to_json()["state"] == {"before": between, "after": before}
        assert desk.is_whole()

    def test_what_was_created_is_deleted_and_a_second_roll_back_finds_nothing_to_do(self, desk: Desk) -> None:
        forth = desk.applied()
        planned = desk.run("roll_back")
        there = desk.state()
        back = desk.run("roll_back", approve=planned.record.plan.digest)
        again = desk.run("roll_back", record=forth.record.id)

        assert planned.record.status == "planned"
        assert there == forth.record.to_json()["state"]["after"]
        assert back.record.status == "succeeded"
        assert again.record.status == "no-change"
        assert desk.state() == []

    def test_it_refuses_where_another_actor_changed_it_since(self, desk: Desk) -> None:
        ended = desk.applied()
        iam = root_iam(desk.world, desk.world.destination)
        iam.put_role_policy(RoleName="reports-reader", PolicyName="xacct-reports", PolicyDocument=json.dumps(
            {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}]}
        ))  # fmt: skip
        there = desk.state()
        back = replace(desk, in_process=False).run("roll_back", record=ended.record.id)

        assert (back.record.status, code(back)) == ("rollback-failed", 6)
        assert "inline-policy xacct-reports on role/reports-reader was changed" in back.record.error.what
        assert back.record.error.why.splitlines() == [
            "It was changed since that run, by a later run or by another actor.",
            "inline-policy xacct-reports on role/reports-reader: Statement[0].Action was "
            '["s3:GetObject"], is "s3:*"',
            "inline-policy xacct-reports on role/reports-reader: Statement[0].Resource was "
            f'["arn:aws:s3:::reports-{desk.world.destination}/*"], is "*"',
        ]
        assert desk.state() == there

    def test_a_changed_external_id_comes_back_by_its_reference(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        grant = desk.grant(conditions={"external_id": OLD_SECRET})
        applied(grant, sessions_in(desk.world, grant))
        before = desk.state()
        desk.applied(conditions={"external_id": SECRET})
        without = desk.run("roll_back")
        monkeypatch.setenv("EARLIER", OLD_SECRET)
        back = desk.rolled_back(external_id="env:EARLIER")

        assert (without.record.status, code(without)) == ("invalid-parameters", 2)
        assert without.record.error.hint == "Give it by reference: -p external_id env:NAME"
        assert back.record.status == "succeeded"
        assert "The external ID comes from env:EARLIER." in str(back)
        assert (without.record.plan, back.record.approval.reference) == (None, "env:EARLIER")
        assert desk.state() == before
        assert desk.written(SECRET) == desk.written(OLD_SECRET) == []

    def test_a_run_that_died_between_two_changes_is_taken_back_as_far_as_it_came(
        self, desk: Desk, tmp_path: Path
    ) -> None:
        dying = notebook(
            tmp_path / "dying.ipynb",
            'name: str = "reports"  # grant\nsources: list = []  # who\ndestinations: list = []  # roles\n'
            'permissions: list = []  # what\napprove: str = ""  # digest\nsandbox: bool = False  # place\n'
            'source_profiles: list = ["source-admin"]  # profiles\n'
            'destination_profiles: list = ["destination-admin"]  # profiles',
            "import os, signal\nimport xacct_nb as xa\n"
            "run = xa.start_run('dying', globals())\ngrant = run.grant()",
            "sessions = run.open_sessions(grant)\nbefore = run.keep(xa.read(xa.build(grant), sessions))\n"
            "plan = run.keep(xa.diff(xa.build(grant), before))",
            "run.append = lambda entry: (run.evidence.add('entry', entry.__dict__),"
            " entry.answer and os.kill(os.getpid(), 9))",
            "run.apply(plan, sessions, run.approval(plan))",
        )
        died = replace(desk, in_process=False).run(dying, approve=desk.plan().digest, **desk.parameters())
        left = [(each["kind"], each["target"]) for each in desk.state()]
        back = desk.rolled_back()

        assert (died.record.status, code(died)) == ("kernel-died", 7)
        assert left == [("role", f"arn:aws:iam::{desk.world.destination}:role/reports-reader")]
        assert signs(back) == ["- role reports-reader"]
        assert back.record.status == "succeeded"
        assert desk.state() == []


class TestProving:
    @pytest.fixture
    def desk(self, desk: Desk) -> Desk:
        return replace(desk, in_process=True)

    def test_with_only_the_caller_policy_the_destination_side_is_named(self, desk: Desk) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        iam = root_iam(desk.world, desk.world.destination)
        iam.delete_role_policy(RoleName="reports-reader", PolicyName="xacct-reports")
        iam.delete_role(RoleName="reports-reader")
        ended = replace(desk, in_process=False).run("prove_the_access")

        assert (ended.record.status, code(ended)) == ("proof-failed", 4)
        assert f"destination side, account {desk.world.destination}: role" in ended.record.error.why
        assert "source side" not in ended.record.error.why

    def test_with_only_the_trust_policy_the_source_side_is_named(self, desk: Desk) -> None:
        grant = desk.grant()
        applied(grant, sessions_in(desk.world, grant))
        policy = f"arn:aws:iam::{desk.world.source}:policy/xacct-reports"
        root_iam(desk.world, desk.world.source).detach_user_policy(UserName="alice", PolicyArn=policy)
        ended = desk.run("prove_the_access")

        assert (ended.record.status, code(ended)) == ("proof-failed", 4)
        assert f"source side, account {desk.world.source}: attachment" in ended.record.error.why
        assert "destination side" not in ended.record.error.why
        assert not ended.record.proof.holds


class TestAtTheDoor:
    @pytest.mark.parametrize(
        ("parameters", "words"),
        [
            ({"sourcs": []}, "There is no parameter 'sourcs'."),
            ({"session_minutes": "an hour"}, "session_minutes"),
            ({"sandbox": "perhaps"}, "sandbox"),
            ({"patience_seconds": 9999}, "patience_seconds"),
            (
                {"sources": ["arn:aws:iam::111111111111:group/analysts"]},
                "is a group, which cannot be trusted",
            ),
            ({"sources": ["arn:aws:iam::111111111111:user/*"]}, "has a wildcard"),
            ({"sources": [111111111111]}, "is not text"),
            ({"destinations": ["arn:aws-cn:iam::222222222222:role/reports-reader"]}, "partitions"),
            ({"conditions": {"external_id": "env:NOT_SET_ANYWHERE"}}, "cannot be resolved"),
            ({"conditions": {"external_id": "with space"}}, "STS does not accept"),
            ({"external_id": SECRET}, "external_id"),
            ({"external_id": "env:HOME"}, "not the grant's external ID"),
        ],
    )
    def test_what_is_not_valid_is_refused_and_leaves_nothing(
        self, desk: Desk, parameters: dict[str, Any], words: str
    ) -> None:
        with pytest.raises(InvalidInput, match=words) as refused:
            desk.run(**parameters)

        assert EXIT_CODES[refused.value.status] == 2
        assert SECRET not in str(refused.value)
        assert not desk.records.exists()

    def test_a_records_folder_that_cannot_be_made_is_named(self, desk: Desk) -> None:
        desk.records.write_text("a file")

        with pytest.raises(InvalidInput, match=r"The records folder .* cannot be used"):
            desk.run()

    @pytest.mark.parametrize(
        "content",
        [
            "not JSON",
            "[]",
            '{"cells": []}',
            '{"nbformat": 3, "metadata": {}, "cells": []}',
            '{"nbformat": 4, "metadata": {"kernelspec": {"language": "R"}}, "cells": []}',
        ],
    )
    def test_what_is_no_notebook_of_ours_is_refused(self, tmp_path: Path, content: str) -> None:
        (tmp_path / "odd.ipynb").write_text(content)

        with pytest.raises(InvalidInput, match="no notebook that can be run"):
            run(str(tmp_path / "odd.ipynb"), records=str(tmp_path / "records"))

    def test_a_notebook_has_three_names(self, tmp_path: Path) -> None:
        for name in ("nowhere", "20_plan", "plan"):
            with pytest.raises(InvalidInput, match="There is no notebook"):
                run(name, records=str(tmp_path / "records"))

        with pytest.raises(InvalidInput, match="There is no parameter 'x'"):
            run("plan_and_apply", options=[("x", "")], records=str(tmp_path / "records"))


class TestAccountIds:
    def test_they_stay_text_with_their_leading_zero(
        self, sandbox: Sandbox, desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        other = add_accounts(sandbox, "012345678901", "098765432109", tmp_path)
        fields = {
            "name": "zeros",
            "sources": ["012345678901"],
            "destinations": ["arn:aws:iam::098765432109:role/reports-reader"],
            "accept": ["whole-account-trust"],
        }
        target = {"sandbox": False, "source_profiles": [], "caller_profiles": []}
        (tmp_path / "grant.yaml").write_text(yaml.safe_dump(fields))
        by_file = desk.run(file=tmp_path / "grant.yaml", **target)
        del fields["sources"]
        by_options = desk.run(sources="012345678901", **fields, **target)

        assert other.source == "012345678901"
        for ended in (by_file, by_options):
            executed = (ended.folder / "run.ipynb").read_text()
            trust = ended.record.plan.changes[0].after["trust"]
            assert ended.record.status == "planned"
            assert ended.record.parameters["sources"] == ["012345678901"]
            assert trust["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::012345678901:root"}
            assert r"sources = [\"012345678901\"]" in executed


def _literal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    return SECRET


def _variable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("EXTERNAL_ID_OF_THE_TEST", SECRET)
    return "env:EXTERNAL_ID_OF_THE_TEST"


def _file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    (tmp_path / "external-id.txt").write_text(f"{SECRET}\r\n")
    return f"file:{tmp_path / 'external-id.txt'}"


class TestSecrets:
    @pytest.mark.parametrize("give", [_literal, _variable, _file])
    def test_an_external_id_is_used_and_stands_nowhere(
        self,
        desk: Desk,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capfd: pytest.CaptureFixture[str],
        give: Callable[[Path, pytest.MonkeyPatch], str],
    ) -> None:
        conditions = {"external_id": give(tmp_path, monkeypatch)}
        digest = desk.plan(conditions={"external_id": SECRET}).digest
        ended = desk.run(approve=digest, conditions=conditions)
        said = capfd.readouterr()
        live = root_iam(desk.world, desk.world.destination).get_role(RoleName="reports-reader")["Role"]

        reference = "" if conditions["external_id"] == SECRET else conditions["external_id"]
        assert ended.record.status == "succeeded"
        assert (ended.record.plan.reference, ended.record.approval.reference) == (reference, reference)
        assert (f"The external ID comes from {reference}." in str(ended)) is bool(reference)
        assert ("external ID from" in str(ended.record.view())) is bool(reference)
        validate(json.loads((ended.folder / "record.json").read_text()), record_schema())
        assert live["AssumeRolePolicyDocument"]["Statement"][0]["Condition"] == {
            "StringEquals": {"sts:ExternalId": SECRET}
        }
        assert SECRET not in f"{ended}{ended.to_json()}{ended.record.to_json()}{said.out}{said.err}"
        assert desk.written(SECRET) == []

    def test_it_stands_nowhere_when_the_run_fails(
        self, desk: Desk, tmp_path: Path, capfd: pytest.CaptureFixture[str]
    ) -> None:
        telling = notebook(
            tmp_path / "telling.ipynb",
            'name: str = "reports"  # grant\nsources: list = []  # who\ndestinations: list = []  # roles\n'
            "conditions: dict = {}  # when",
            "import xacct_nb as xa\nrun = xa.start_run('telling', globals())\n"
            "secret = run.grant().conditions.external_id",
            "import sys\nprint(secret.get_secret_value())\nprint(secret.get_secret_value(), file=sys.stderr)",
            "{secret.get_secret_value(): [secret.get_secret_value()]}",
            "raise ValueError(f'It is {secret.get_secret_value()}!')",
        )
        parameters = {name: desk.parameters()[name] for name in ("sources", "destinations")}
        ended = run(
            telling,
            options=options({**parameters, "conditions": {"external_id": SECRET}}),
            records=str(desk.records),
        )
        said = capfd.readouterr()

        assert ended.record.status == "failed"
        assert ended.record.error.what.startswith("It is secret:")
        assert SECRET not in f"{ended}{ended.to_json()}{said.out}{said.err}"
        assert desk.written(SECRET) == []


class TestEnds:
    def test_a_failing_cell_ends_it_and_the_cells_say_how_far_it_came(self, tmp_path: Path) -> None:
        path = notebook(tmp_path / "failing.ipynb", "1", "1 / 0", "2")
        ended = run(path, records=str(tmp_path / "records"))

        assert (ended.record.status, code(ended)) == ("failed", 1)
        assert _states(ended) == ["completed", "failed", "not-run"]
        assert ended.record.error.what == "division by zero"
        assert ended.record.error.resume == f"xacct-nb run {path} --records {tmp_path / 'records'}"
        validate(json.loads((ended.folder / "record.json").read_text()), record_schema())

    def test_leaving_early_is_a_failure_too(self, tmp_path: Path) -> None:
        ended = run(
            notebook(tmp_path / "leaving.ipynb", "import sys; sys.exit(0)", "2"),
            records=str(tmp_path / "records"),
        )

        assert ended.record.status == "failed"
        assert _states(ended) == ["failed", "not-run"]

    def test_a_kernel_that_dies_is_reported(self, tmp_path: Path) -> None:
        path = notebook(tmp_path / "dying.ipynb", "1", "import os; os.kill(os.getpid(), 9)", "2")
        ended = run(path, records=str(tmp_path / "records"))

        assert (ended.record.status, code(ended)) == ("kernel-died", 7)
        assert _states(ended) == ["completed", "aborted", "not-run"]
        assert ended.record.error.code == "kernel-died"

    def test_a_cell_that_takes_too_long_is_reported(self, tmp_path: Path) -> None:
        path = notebook(tmp_path / "slow.ipynb", "1", "import time; time.sleep(60)", "2")
        ended = run(path, records=str(tmp_path / "records"), timeout=1)

        assert (ended.record.status, code(ended)) == ("timed-out", 7)
        assert _states(ended) == ["completed", "timed-out", "not-run"]
        assert ended.record.error.code == "timed-out"

    def test_a_notebook_of_ones_own_keeps_its_name_and_needs_no_kernel_of_its_own(
        self, tmp_path: Path
    ) -> None:
        path = Path(notebook(tmp_path / "03_my_own.ipynb", "'hello'"))
        path.write_text(path.read_text().replace('"name": "python3"', '"name": "from-another-machine"'))
        ended = run(str(path), records=str(tmp_path / "records"))

        assert ended.record.status == "succeeded"
        assert ended.record.notebook == "my_own"
        assert not (tmp_path / "records" / ".work").exists()


def _states(ended: RunResult) -> list[str]:
    """The states of the cells that the test wrote (the injected parameters are before them)."""
    return [cell.state for cell in ended.record.cells][1:]
