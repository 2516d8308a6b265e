"""A grant file of somebody else cannot steer a run; what steers one stands in a run file of one's own."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner

from support.desk import Desk, notebook
from support.examples import ALICE, a_grant
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidGrant, InvalidParameters
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.settings import RunFile, Settings, run_file_values
from xacct_nb.runs.loading import load_grant
from xacct_nb.runs.request import check_request

DIGEST = "f2dd39b70eadfd44e1c0f2308517136bd48f7f5bc8b47d35893807e5f749405b"
KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGG7djDSgIb0D8DaT1P87FaYfLuJ1AZhVA21r6O/ojvK ada@example.com"
GRANT = a_grant().to_json()
STEERING = {
    **Settings().model_dump(),
    "approve": DIGEST,
    "sandbox": False,
    "source_profiles": ["me"],
    "external_id": "env:VENDOR_ID",
    "records": "elsewhere",
    "snapshot_to": "elsewhere",
    "two_people": False,
    "approvers": [KEY],
    "allow_references": ["env:VENDOR_ID"],
}
RUN_FILE = {
    "sandbox": False,
    "source_profiles": ["a"],
    "destination_profiles": ["b"],
    "caller_profiles": ["c", "d"],
    "records": "kept",
    "patience_seconds": 7,
    "approval_hours": 2,
    "two_people": True,
    "approvers": [KEY],
    "allow_references": ["env:VENDOR_ID"],
    "snapshot_to": "for-the-owner.json",
}
# By type: what looks like one, and what YAML makes of it.
WRONG = {
    bool: [None, 0, 1, "true", [], {}],
    int: [None, True, "5", 1.5, -1, 10**9, [5]],
    str: [None, 5, False, ["a"], {"a": "b"}],
    list: [None, "a", {"a": "b"}, [5], [None], [["a"]]],
}
SHORT = yaml.safe_dump({name: GRANT[name] for name in ("name", "sources", "destinations")})
HIDDEN = {
    "quoted": f'"approve": "{DIGEST}"\n',
    "by code": f'"\\x61pprove": "{DIGEST}"\n',
    "as a question": f"? approve\n: '{DIGEST}'\n",
    "merged": f"<<: {{approve: '{DIGEST}'}}\n",
    "merged from an alias": f"conditions: &a {{approve: '{DIGEST}'}}\n<<: *a\n",
    "empty": "approve: ''\n",
    "null": "approve:\n",
    "a list": f"approve: ['{DIGEST}']\n",
}


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder, where a run without options would put its records."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def refused(*words: str) -> dict[str, Any]:
    """The error of a run that is refused before it starts, from its JSON."""
    done = CliRunner().invoke(main, ["run", *words, "--json"], catch_exceptions=False)
    printed = json.loads(done.stdout)
    assert (done.exit_code, printed["status"]) == (2, "invalid-parameters")
    return dict(printed["error"])


class TestAGrantFile:
    @pytest.mark.parametrize("name", Settings.model_fields)
    def test_that_holds_a_setting_is_refused_with_its_name_and_place_and_nothing_runs(
        self, folder: Path, name: str
    ) -> None:
        (folder / "grant.yaml").write_text(yaml.safe_dump(GRANT | {name: STEERING[name]}))
        error = refused("plan_and_apply", "-f", "grant.yaml")
        with pytest.raises(InvalidGrant, match=f"'grant.yaml' holds {name}") as by_python:
            load_grant("grant.yaml")

        assert error["what"] == by_python.value.what == f"The grant file 'grant.yaml' holds {name}."
        assert error["hint"].startswith(f"{name}: ")
        assert ("-r run.yaml" in error["hint"]) is (name in RunFile.model_fields)
        assert [path.name for path in folder.iterdir()] == ["grant.yaml"]

    def test_that_holds_every_setting_is_refused_in_one_message(self, folder: Path) -> None:
        (folder / "grant.json").write_text(json.dumps(STEERING | GRANT))
        error = refused("plan_and_apply", "-f", "grant.json", "-p", "name", "other")

        assert [name for name in Settings.model_fields if name not in error["what"]] == []
        assert [name for name in Settings.model_fields if name not in error["hint"]] == []

    @pytest.mark.parametrize("content", HIDDEN.values(), ids=HIDDEN)
    def test_cannot_hide_an_approval(self, folder: Path, content: str) -> None:
        (folder / "grant.yaml").write_text(SHORT + content)

        assert refused("plan_and_apply", "-f", "grant.yaml")["code"] in ("invalid-grant", "unreadable-grant")
        with pytest.raises(InvalidGrant):
            load_grant("grant.yaml")

    def test_that_holds_another_parameter_of_the_notebook_is_refused(self, folder: Path) -> None:
        cell = f'sources: list = ["{ALICE}"]\ndestinations: list = []\npartner: str = ""  # who'
        path = notebook(folder / "mine.ipynb", cell, "1")
        (folder / "grant.yaml").write_text(yaml.safe_dump(GRANT | {"partner": "acme"}))

        assert refused(path, "-f", "grant.yaml") == {
            "code": "invalid-grant",
            "what": "The grant file 'grant.yaml' holds partner.",
            "why": "A grant file may come from somebody else: it says who gets access to what, "
            "and nothing that steers a run.",
            "hint": "partner: give it on the command line with -p NAME VALUE.",
        }

    def test_with_an_unknown_field_is_refused_with_the_nearest_of_a_grant(self, folder: Path) -> None:
        (folder / "grant.yaml").write_text("sorces: []\n")
        (folder / "other.yaml").write_text("sandboxes: []\n")

        assert refused("plan_and_apply", "-f", "grant.yaml")["hint"].startswith("Did you mean sources? ")
        assert "sandbox" not in refused("plan_and_apply", "-f", "other.yaml")["hint"]

    @pytest.mark.parametrize("name", ["40_diagnose_a_denial", "roll_back", "read_the_records"])
    def test_is_refused_by_a_notebook_without_a_grant(self, folder: Path, name: str) -> None:
        (folder / "grant.yaml").write_text(yaml.safe_dump(GRANT))
        error = refused(name, "-f", "grant.yaml")

        assert error["what"] == f"{name.removeprefix('40_')} takes no grant file."
        assert '-p NAME "$(cat FILE)"' in error["hint"]
        assert [path.name for path in folder.iterdir()] == ["grant.yaml"]


class TestARunFile:
    def test_has_the_fields_of_the_interface_and_a_schema_for_editors(self) -> None:
        assert sorted(RunFile.model_fields) == sorted(RUN_FILE)
        assert set(RunFile.model_json_schema()["properties"]) == set(RUN_FILE)

    @pytest.mark.parametrize("write", [yaml.safe_dump, json.dumps])
    def test_sets_the_parameters_and_p_overrides_it(self, folder: Path, write: Any) -> None:
        (folder / "run.yaml").write_text(write(RUN_FILE))
        options = [("patience_seconds", "9"), ("caller_profiles", "e")]
        request = check_request("diagnose_a_denial", None, options, "", "", Path("run.yaml"))
        expected = {
            **RUN_FILE,
            "records": str(folder / "kept"),
            "patience_seconds": 9,
            "caller_profiles": ["e"],
        }

        assert request.values == expected
        assert request.records == folder / "kept"

    def test_leaves_out_what_the_notebook_has_no_use_for(self, folder: Path) -> None:
        (folder / "run.yaml").write_text(yaml.safe_dump(RUN_FILE))
        request = check_request("plan_and_apply", None, [], "", "", Path("run.yaml"))

        assert set(request.values) == set(RUN_FILE) - {"snapshot_to"}

    def test_is_overridden_by_the_records_folder_of_the_command_line(self, folder: Path) -> None:
        (folder / "run.yaml").write_text("records: kept\n")

        request = check_request("plan_and_apply", None, [], "", "mine", Path("run.yaml"))
        assert request.records == folder / "mine"

    @pytest.mark.parametrize("name", sorted({*Grant.model_fields, "carry_on"}))
    def test_that_holds_a_field_of_the_grant_is_refused(self, folder: Path, name: str) -> None:
        (folder / "run.yaml").write_text(yaml.safe_dump({"sandbox": True, name: GRANT.get(name, ALICE)}))
        error = refused("plan_and_apply", "-r", "run.yaml")

        assert error["what"] == f"The run file 'run.yaml' holds {name}."
        assert error["hint"] == f"{name}: put it into the grant file (-f grant.yaml)."
        assert [path.name for path in folder.iterdir()] == ["run.yaml"]

    def test_that_holds_an_approval_is_refused_with_the_reason(self, folder: Path) -> None:
        (folder / "run.yaml").write_text(yaml.safe_dump(RUN_FILE | {"approve": DIGEST}))
        error = refused("plan_and_apply", "-r", "run.yaml")

        assert error["what"] == "The run file 'run.yaml' holds approve."
        assert error["why"] == "An approval is for one plan, and a run file is for every run."
        assert error["hint"] == "approve: approve on the command line with --approve DIGEST."

    @pytest.mark.parametrize(
        "name", sorted(set(Settings.model_fields) - set(RunFile.model_fields) - {"approve"})
    )
    def test_that_holds_a_parameter_of_one_run_is_refused(self, folder: Path, name: str) -> None:
        (folder / "run.yaml").write_text(yaml.safe_dump({name: STEERING[name]}))

        assert refused("plan_and_apply", "-r", "run.yaml")["what"] == f"The run file 'run.yaml' holds {name}."

    def test_with_an_unknown_field_is_refused_with_the_nearest(self, folder: Path) -> None:
        (folder / "run.yaml").write_text("two_peopel: true\n")
        error = refused("plan_and_apply", "-r", "run.yaml")

        assert error["what"] == "two_peopel: there is no such field."
        assert error["hint"].startswith("Did you mean two_people? ")

    @pytest.mark.parametrize(
        ("name", "value"), [(name, value) for name, each in RUN_FILE.items() for value in WRONG[type(each)]]
    )
    def test_with_a_value_of_another_type_is_refused(self, name: str, value: Any) -> None:
        with pytest.raises(InvalidParameters, match=name) as refusal:
            run_file_values("run.yaml", {name: value})

        assert refusal.value.hint

    @pytest.mark.parametrize("content", ["", "- a", "sandbox: [", "sandbox: true\nsandbox: false\n", "1: 2"])
    def test_that_cannot_be_read_is_named(self, folder: Path, content: str) -> None:
        (folder / "run.yaml").write_text(content)

        assert (
            refused("plan_and_apply", "-r", "run.yaml")["what"] == "The run file 'run.yaml' cannot be used."
        )

    def test_that_is_not_there_is_named(self) -> None:
        assert refused("plan_and_apply", "-r", "none.yaml")["why"] == "No such file or directory"

    def test_takes_no_external_id_itself_among_the_references(self, folder: Path) -> None:
        (folder / "run.yaml").write_text("allow_references: [hunter2-hunter2]\n")
        error = refused("plan_and_apply", "-r", "run.yaml")

        assert "not a reference" in error["what"]
        assert "hunter2" not in str(error)


class TestTheForetoldDigest:
    def test_in_a_grant_file_approves_nothing_and_on_the_command_line_the_same_digest_applies(
        self, desk: Desk, folder: Path
    ) -> None:
        digest = desk.plan().digest
        profiles = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
        steering = {"approve": digest, "sandbox": False, **profiles, "patience_seconds": 1}
        (folder / "sent.yaml").write_text(yaml.safe_dump(desk.grant().to_json() | steering))
        (folder / "approved.yaml").write_text(yaml.safe_dump(desk.grant().to_json() | {"approve": digest}))
        (folder / "grant.yaml").write_text(yaml.safe_dump(desk.grant().to_json()))
        (folder / "run.yaml").write_text(
            yaml.safe_dump({name: each for name, each in steering.items() if name != "approve"})
        )
        where = ["--records", str(desk.records)]
        alone = refused("plan_and_apply", "-f", "sent.yaml", *where)
        steered = refused("plan_and_apply", "-f", "approved.yaml", "-r", "run.yaml", *where)
        state, made = desk.state(), desk.records.exists()
        applied = desk.run(file=folder / "grant.yaml", run_file=folder / "run.yaml", approve=digest)

        assert [alone["what"], steered["what"]] == [
            "The grant file 'sent.yaml' holds approve, destination_profiles, patience_seconds, sandbox, "
            "source_profiles.",
            "The grant file 'approved.yaml' holds approve.",
        ]
        assert (state, made) == ([], False)
        assert applied.record.status == "succeeded"


class TestTheRecord:
    def test_holds_the_settings_of_the_run_file_and_the_next_command_names_it(
        self, desk: Desk, folder: Path
    ) -> None:
        chosen = {
            "sandbox": False,
            "patience_seconds": 1,
            "approval_hours": 3,
            "allow_references": ["env:A"],
        }
        (folder / "my run.yaml").write_text(yaml.safe_dump(chosen))
        (folder / "grant.yaml").write_text(yaml.safe_dump(desk.grant().to_json()))
        ended = desk.run(file=Path("grant.yaml"), run_file=Path("my run.yaml"), approve="0" * 64)

        assert ended.record.status == "stale-plan"
        assert chosen.items() <= ended.record.parameters.items()
        assert ended.record.error.resume == (
            f"xacct-nb run plan_and_apply -f grant.yaml -r 'my run.yaml' --records {desk.records}"
        )
