"""A denial is explained by one call, by a headless notebook, and by its form; the record keeps it."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import ipywidgets
import jsonschema
import pytest

from support.denial_stage import OTHER_SECRET, SECRET, Stage, allow
from support.denied_assume_role import boundary, deleted
from support.desk import Desk
from support.examples import applied, grant_in, root_iam, sessions_in
from support.form_texts import controls_of, html_of
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.errors import EXIT_CODES, InvalidParameters
from xacct_nb.grants.settings import Settings, settings_of
from xacct_nb.jupyter.forms.denial_form import DenialForm
from xacct_nb.jupyter.forms.form_parts import REFUSED
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.snapshot_file import read_snapshot

NOTEBOOK = "diagnose_a_denial"
PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice"],
}


@pytest.fixture
def stage(desk: Desk) -> Stage:
    return Stage(desk.world)


def diagnosed(desk: Desk, stage: Stage, **fields: Any) -> RunResult:
    """A headless run about alice and the role."""
    return desk.run(NOTEBOOK, **{"caller": stage.alice, "role": stage.role, **PROFILES, **fields})


def codes(ended: RunResult) -> list[str]:
    assert ended.record.diagnosis is not None, ended.record.error
    return [each["code"] for each in ended.record.diagnosis["causes"]]


class TestTheCall:
    def test_a_grant_and_its_sessions_are_enough(self, desk: Desk) -> None:
        grant = grant_in(desk.world)
        sessions = sessions_in(desk.world, grant)
        applied(grant, sessions)
        iam = root_iam(desk.world, desk.world.source)
        iam.detach_user_policy(
            UserName="alice", PolicyArn=f"arn:aws:iam::{desk.world.source}:policy/xacct-reports"
        )
        found = diagnose(grant, sessions)

        assert found.causes[0].code == "policy-not-attached"
        assert found.causes[0].commands[0].startswith("aws iam attach-user-policy --user-name alice")
        assert "is not authorized to perform: sts:AssumeRole" in found.answer

    def test_nothing_but_the_text_is_enough_to_begin(self, stage: Stage) -> None:
        stage.trust(stage.mallory)
        found = diagnose(error=stage.try_it().denial.text)

        assert found.attempt["role"] == stage.role
        assert "other-principal-trusted" in found.indistinguishable_causes

    def test_with_a_text_that_names_no_role_the_callers_policies_are_read(self, desk: Desk) -> None:
        ended = desk.run(NOTEBOOK, error_text="It does not work.", **PROFILES)
        assert ended.record.diagnosis is not None
        found = ended.record.diagnosis

        assert "not known here" in found["headline"]
        assert "-p caller ARN -p role ARN" in found["headline"]
        assert "ParamValidation" not in json.dumps(found)

    @pytest.mark.slow
    def test_the_fix_runs_in_a_shell_as_it_is_printed(
        self, desk: Desk, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage.trust(stage.mallory, StringEquals={"sts:ExternalId": SECRET})
        stage.parameters = {"ExternalId": SECRET}
        tried = stage.try_it()
        (command,) = stage.diagnosis(tried, "source", "destination").causes[0].commands
        command = command.replace("DESTINATION_ADMIN", "destination-admin")
        monkeypatch.setenv("PATH", f"{Path(sys.executable).parent}:{os.environ['PATH']}")
        monkeypatch.delenv("EXTERNAL_ID", raising=False)
        without = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)
        monkeypatch.setenv("EXTERNAL_ID", SECRET)
        done = subprocess.run(command, shell=True, capture_output=True, text=True, check=False)

        assert "EXTERNAL_ID" in without.stderr
        assert (without.returncode != 0, done.returncode) == (True, 0), done.stderr
        assert SECRET not in command
        assert stage.try_it().allowed


class TestTheNotebook:
    def test_as_it_stands_it_explains_a_denial_of_every_sandbox(
        self, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))
        ended = run(NOTEBOOK, records=str(tmp_path))

        assert codes(ended) == ["other-principal-trusted"]
        assert "Certain: other-principal-trusted (destination)." in str(ended)

    @pytest.mark.parametrize(
        "known",
        [
            {},
            {
                "caller": "arn:aws:iam::111111111111:user/mallory",
                "role": "arn:aws:iam::222222222222:role/summary-reader",
            },
        ],
        ids=["the text alone", "with another caller and role"],
    )
    def test_a_text_from_elsewhere_is_answered_about_its_own_caller_and_role(
        self, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, known: dict[str, str]
    ) -> None:
        monkeypatch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))
        dev, target = "arn:aws:iam::111111111111:user/dev", "arn:aws:iam::222222222222:role/target"
        text = f"An error occurred (AccessDenied) when calling the AssumeRole operation: User: {dev} is not "
        text += f"authorized to perform: sts:AssumeRole on resource: {target}"
        options = [("error_text", text), *known.items()]
        ended = run(NOTEBOOK, options=options, records=str(tmp_path))
        found = ended.record.diagnosis
        assert found is not None, ended.record.error

        assert (found["attempt"]["caller"], found["attempt"]["role"]) == (dev, target)
        assert {each["confidence"] for each in found["causes"]} == {"possible"}
        assert [
            each["code"] for each in found["causes"] if each["code"] == "no-such-role" and each["commands"]
        ] == []
        assert [command for each in found["causes"] for command in each["commands"]] == []
        assert [each["other"] for each in found["conflicts"]] == list(known.values())
        assert "summary-reader" not in json.dumps([found["causes"], found["message"], found["headline"]])
        assert "neither this caller nor this role" in json.dumps(found["unseen"])

    def test_a_newcomer_sees_the_cause_and_the_fix_works(self, desk: Desk, stage: Stage) -> None:
        stage.identity(None)
        ended = diagnosed(desk, stage)

        assert EXIT_CODES[ended.record.status] == 0
        assert codes(ended) == ["no-identity-allow"]
        assert ended.record.summary.startswith("Certain: no-identity-allow (source).")

        stage.apply_fix(_first(ended))

        assert stage.try_it().allowed
        assert codes(diagnosed(desk, stage)) == []

    def test_a_boundary(self, desk: Desk, stage: Stage) -> None:
        boundary(stage)
        ended = diagnosed(desk, stage)
        stage.apply_fix(_first(ended))

        assert codes(ended)[0] == "caller-boundary"
        assert stage.try_it().allowed

    def test_a_trust_policy_for_another_principal(self, desk: Desk, stage: Stage) -> None:
        stage.trust(stage.mallory)
        ended = diagnosed(desk, stage)
        stage.apply_fix(_first(ended))

        assert codes(ended)[0] == "other-principal-trusted"
        assert stage.try_it().allowed

    def test_a_pasted_text_is_explained_where_the_parameters_name_another_denial(
        self, desk: Desk, stage: Stage
    ) -> None:
        stage.trust(stage.mallory)
        text = stage.try_it().denial.text
        ended = diagnosed(desk, stage, caller=stage.mallory, role=f"{stage.role}-2", error_text=text)

        assert codes(ended)[0] == "other-principal-trusted"
        assert ended.record.diagnosis is not None
        assert f"not {stage.alice}" in ended.record.diagnosis["causes"][0]["why"]
        assert [
            (each["what"], each["used"], each["other"]) for each in ended.record.diagnosis["conflicts"]
        ] == [
            ("caller", stage.alice, stage.mallory),
            ("role", stage.role, f"{stage.role}-2"),
        ]

    def test_a_user_who_was_deleted_and_made_anew(self, desk: Desk, stage: Stage) -> None:
        deleted(stage)
        ended = diagnosed(desk, stage, caller_profiles=[])
        stage.apply_fix(_first(ended))

        assert codes(ended)[0] == "deleted-principal-trusted"
        assert stage.try_it().allowed

    def test_a_wrong_external_id_that_stands_nowhere(
        self, desk: Desk, stage: Stage, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        stage.trust(StringEquals={"sts:ExternalId": SECRET})
        monkeypatch.setenv("EXTERNAL_ID_OF_THE_TEST", OTHER_SECRET)
        ended = diagnosed(desk, stage, external_id="env:EXTERNAL_ID_OF_THE_TEST")
        monkeypatch.setenv("EXTERNAL_ID_OF_THE_TEST", SECRET)
        again = diagnosed(desk, stage, external_id="env:EXTERNAL_ID_OF_THE_TEST")

        assert codes(ended)[0] == "external-id-differs"
        assert codes(again) == []
        assert [desk.written(secret) for secret in (SECRET, OTHER_SECRET)] == [[], []]

    def test_a_profile_that_is_not_there_is_the_cause_and_stops_nothing(
        self, desk: Desk, stage: Stage
    ) -> None:
        ended = diagnosed(desk, stage, caller_profiles=["alcie"])

        assert EXIT_CODES[ended.record.status] == 0
        assert codes(ended)[0] == "missing-profile"

    def test_what_the_role_may_not_do_afterwards(self, desk: Desk, stage: Stage) -> None:
        stage.permit(allow("s3:ListBucket", "*"))
        resource = f"arn:aws:s3:::{desk.world.bucket}/2026/summary.csv"
        text = (
            f"User: {stage.role.replace(':iam:', ':sts:').replace(':role/', ':assumed-role/')}/desk is not "
            f"authorized to perform: s3:GetObject on resource: {resource}"
        )
        ended = desk.run(NOTEBOOK, error_text=text, **{**PROFILES, "caller": "", "role": ""})

        assert codes(ended)[0] == "role-without-permission"

    def test_the_record_keeps_it_as_its_schema_says(self, desk: Desk, stage: Stage) -> None:
        stage.trust(stage.mallory)
        ended = diagnosed(desk, stage)
        schema = json.loads(files("xacct_nb.records").joinpath("record.schema.json").read_text())
        jsonschema.validate(ended.record.to_json(), schema)
        page = (desk.records / ended.record.id / "run.html").read_text()

        assert [each.part for each in ended.record.who] == ["caller", "source", "destination"]
        assert "other-principal-trusted" in page
        assert desk.is_whole()

    def test_the_other_owner_makes_a_file_and_it_is_read_here(
        self, desk: Desk, stage: Stage, tmp_path: Path
    ) -> None:
        stage.trust(stage.mallory, StringEquals={"sts:ExternalId": SECRET})
        file = str(tmp_path / "snapshot.json")
        nobody = {"source_profiles": [], "destination_profiles": [], "caller_profiles": []}
        theirs = diagnosed(desk, stage, **{**nobody, "destination_profiles": ["destination-admin"]},
                       snapshot_to=file)  # fmt: skip
        ours = diagnosed(desk, stage, destination_profiles=[])
        together = diagnosed(desk, stage, destination_profiles=[], snapshot=file)

        assert EXIT_CODES[theirs.record.status] == 0
        assert read_snapshot(file).readable("destination")
        assert SECRET not in Path(file).read_text()
        assert "other-principal-trusted" in ours.record.diagnosis["alike"]
        assert (codes(together)[0], together.record.diagnosis["causes"][0]["confidence"]) == (
            "other-principal-trusted",
            "certain",
        )

    def test_a_file_that_is_no_snapshot_ends_the_run(self, desk: Desk, stage: Stage, tmp_path: Path) -> None:
        (tmp_path / "snapshot.json").write_text("[]")
        ended = diagnosed(desk, stage, snapshot=str(tmp_path / "snapshot.json"))

        assert (ended.record.status, ended.record.error.code) == ("invalid-parameters", "invalid-snapshot")


def _first(ended: RunResult) -> Cause:
    assert ended.record.diagnosis is not None
    return Diagnosis.from_json(ended.record.diagnosis).causes[0]


class TestTheForm:
    @pytest.fixture(autouse=True)
    def _no_widgets_left(self) -> Iterator[None]:
        yield
        ipywidgets.Widget.close_all()

    def form(self, **fields: Any) -> DenialForm:
        return DenialForm(Settings(**fields), live=True)

    def field(self, form: DenialForm, name: str) -> Any:
        from xacct_nb.jupyter.forms.denial_form import DENIAL_LABELS

        return controls_of(form)[DENIAL_LABELS[name]]

    def test_a_text_that_is_pasted_is_read_at_once(self, stage: Stage) -> None:
        form = self.form()
        stage.trust(stage.mallory)
        self.field(form, "error_text").value = stage.try_it().denial.text

        assert "is not authorized" in form.settings.error_text
        assert stage.role in html_of(form)

    def test_an_external_id_itself_never_stays_in_its_field(self) -> None:
        form = self.form(external_id="env:AGREED")
        self.field(form, "external_id").value = SECRET

        assert self.field(form, "external_id").value == REFUSED
        assert not form.valid
        assert SECRET not in str(form)

    def test_it_begins_with_the_parameters_and_shows_itself_without_a_person(self) -> None:
        form = DenialForm(Settings(role="arn:aws:iam::222222222222:role/reader"), live=False)

        assert "arn:aws:iam::222222222222:role/reader" in str(form)
        assert form.settings.role == "arn:aws:iam::222222222222:role/reader"


@pytest.mark.parametrize("name", ["ExternalId", "TokenCode"])
def test_a_secret_among_the_parameters_of_the_call_is_refused(name: str) -> None:
    with pytest.raises(InvalidParameters, match="would be written into the notebook") as refusal:
        settings_of({"call": {name: "a-secret-word"}})

    assert "a-secret-word" not in str(refusal.value)
