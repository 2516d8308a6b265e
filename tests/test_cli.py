"""The command line as people and pipelines use it: what goes to which stream, and with which exit code."""

import atexit
import gc
import json
import os
import re
import signal
import subprocess
import sys
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from support.desk import Desk, notebook, options
from support.processes import INTERRUPTIBLE
from xacct_nb.cli.main import main
from xacct_nb.runs.notebooks import list_notebooks, notebook_name
from xacct_nb.runs.runner import run
from xacct_nb.storage.ledger import verify_records

ALICE = "arn:aws:iam::111111111111:user/alice"
ROLE = "arn:aws:iam::222222222222:role/reports-reader"
ENDED = "The notebook's kernel ended before the notebook did."
RUN_JSON = ["status", "record", "digest", "summary", "findings", "unaccepted", "card", "seconds", "error"]


@dataclass(frozen=True)
class Output:
    """What a command printed, and its exit code."""

    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def at_a_desk_of_ones_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An empty folder, no AWS profile, no sandbox; and what a command sets in its process is set back."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith(("AWS_", "XACCT_"))]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("XACCT_SANDBOX_DIR", str(tmp_path / "sandbox"))
    monkeypatch.setenv("NBFORMAT_VALIDATOR", "jsonschema")  # a run in this process sets it
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGHUP)}
    yield
    gc.enable()
    atexit.unregister(gc.freeze)
    for number, handler in before.items():
        signal.signal(number, handler)


GROUPS = [(), ("handoff",), ("notebooks",), ("profile",), ("records",), ("sandbox",)]


def invoke(*words: str) -> Output:
    """A command in this process; an error that is not ours is not caught."""
    done = CliRunner().invoke(main, words, catch_exceptions=False)
    return Output(done.exit_code, done.stdout, done.stderr)


def start(*words: str | Path, **environment: str) -> Output:
    """A command in a process of its own."""
    command = [Path(sys.executable).parent / "xacct-nb", *words]
    done = subprocess.run(command, env=os.environ | environment, capture_output=True, text=True, check=False)
    return Output(done.returncode, done.stdout, done.stderr)


def levels(command: click.Command = main, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    yield path
    for name, below in getattr(command, "commands", {}).items():
        yield from levels(below, (*path, name))


class TestHelp:
    @pytest.mark.parametrize("path", [*levels()], ids=lambda path: " ".join(path) or "xacct-nb")
    def test_every_level_explains_itself(self, path: tuple[str, ...]) -> None:
        short, long = invoke(*path, "-h"), invoke(*path, "--help")
        usage, sentence = re.split(r"\n\n\s*", short.out)[:2]

        assert (short.code, short.err) == (0, "")
        assert usage.startswith(" ".join(["Usage: main", *path]))
        assert sentence[0].isupper()
        assert long.out == short.out

    @pytest.mark.parametrize("columns", ["80", "60"])
    @pytest.mark.parametrize("path", GROUPS, ids=lambda path: " ".join(path) or "xacct-nb")
    def test_no_command_is_described_by_half_a_sentence(
        self, monkeypatch: pytest.MonkeyPatch, path: tuple[str, ...], columns: str
    ) -> None:
        monkeypatch.setenv("COLUMNS", columns)
        described = invoke(*path, "-h").out.partition("\nCommands:\n")[2]

        assert "..." not in described
        assert described.count(".\n") == len(_command(path).commands)

    def test_every_option_says_what_it_is_for(self) -> None:
        found = [
            (path, option.name)
            for path in levels()
            for option in _command(path).params
            if isinstance(option, click.Option) and not option.help
        ]

        assert found == []

    def test_the_module_is_the_same_command(self) -> None:
        module = subprocess.run(
            [sys.executable, "-m", "xacct_nb", "-h"], capture_output=True, text=True, check=True
        )

        assert module.stdout.partition("\n")[0] == "Usage: python -m xacct_nb [OPTIONS] COMMAND [ARGS]..."
        assert module.stdout.partition("\n")[2] == start("-h").out.partition("\n")[2]

    def test_the_version_is_that_of_the_package(self) -> None:
        assert start("--version") == Output(0, f"xacct-nb, version {version('xacct-nb')}\n", "")

    @pytest.mark.parametrize("words", [["rn"], ["run"], ["run", "x", "--aprove", "y"], ["records", "shw"]])
    def test_a_mistyped_command_is_an_error_that_names_the_help(self, words: list[str]) -> None:
        typed = invoke(*words)

        assert (typed.code, typed.out) == (2, "")
        assert "--help" in typed.err
        assert "Error: " in typed.err


class TestHelpOfANotebook:
    def test_run_alone_lists_every_notebook_with_a_line(self) -> None:
        shown = invoke("run", "-h")
        listed = shown.out.partition("Notebooks (add -h to see the parameters):\n")[2].splitlines()

        assert shown.code == 0
        assert [line.split()[0] for line in listed] == [notebook_name(path) for path in list_notebooks()]
        assert "  plan_and_apply     Plan and apply a grant" in listed

    @pytest.mark.parametrize("words", [["plan_and_apply", "--help"], ["-h", "20_plan_and_apply", "--json"]])
    def test_with_a_notebook_it_lists_its_parameters(self, words: list[str]) -> None:
        shown = invoke("run", *words)
        usage, manual = shown.out.split("\nPlan and apply a grant\n======")

        assert (shown.code, shown.err) == (0, "")
        assert usage.startswith("Usage: main run [OPTIONS] NOTEBOOK")
        assert re.search(r"^session_minutes +int +60 +length of a role session", manual, re.MULTILINE)
        assert re.search(r"^conditions.external_id +reference ", manual, re.MULTILINE)
        assert list(Path().iterdir()) == []

    def test_the_users_own_notebook_is_named_by_its_path(self, tmp_path: Path) -> None:
        path = notebook(tmp_path / "mine.ipynb", 'partner: str = "acme"  # who comes in')
        shown = invoke("run", path, "--help")

        assert (shown.code, shown.err) == (0, "")
        assert re.search(r"^partner +str +acme +who comes in$", shown.out, re.MULTILINE)

    def test_the_help_of_a_notebook_that_is_not_there_is_refused_with_the_nearest(self) -> None:
        shown = invoke("run", "plan_and_appl", "-h")

        assert (shown.code, shown.out) == (2, "")
        assert shown.err.startswith("unknown-notebook: There is no notebook 'plan_and_appl'.\n")
        assert "Did you mean plan_and_apply? Known notebooks: start_here, " in shown.err

    def test_an_installation_without_notebooks_says_so(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_NOTEBOOKS", str(tmp_path))

        assert invoke("run", "-h").code == 0
        assert "There are none: install xacct-nb again" in invoke("run", "plan_and_apply").err

    @pytest.mark.parametrize("words", [["-p", "name=a"], ["-p", "name=a", "-p", "sources=b", "x"]])
    def test_a_name_and_value_in_one_argument_are_an_error_that_shows_two(self, words: list[str]) -> None:
        typed = invoke("run", "plan_and_apply", *words)

        assert (typed.code, typed.out) == (2, "")
        assert typed.err.endswith("\nGive a parameter's name and value as two arguments: -p NAME VALUE\n")


def _command(path: tuple[str, ...]) -> Any:
    command: Any = main
    for name in path:
        command = command.commands[name]
    return command


def refused(*words: str) -> str:
    """What the one message says first, of a run that prints nothing else and leaves nothing."""
    before = sorted(Path().iterdir())
    ended = invoke("run", *words)
    what, *why_and_mend = ended.err.splitlines()
    assert (ended.code, ended.out, len(why_and_mend)) == (2, "", 2)
    assert sorted(Path().iterdir()) == before
    return what


UNREADABLE = "unreadable-grant: The grant file 'grant.yaml' cannot be used."
NOTEBOOKS: dict[str, tuple[list[str], str]] = {
    "an unknown notebook": (["plan"], "unknown-notebook: There is no notebook 'plan'."),
    "a notebook that is not there": (["./x.ipynb"], "unknown-notebook: There is no notebook './x.ipynb'."),
}
PARAMETERS: dict[str, tuple[list[str], str]] = {
    "an unknown parameter": (
        ["-p", "sorces", ALICE],
        "invalid-parameters: There is no parameter 'sorces'.",
    ),
    "a wrong whole number": (
        ["-p", "session_minutes", "an hour"],
        "invalid-parameters: session_minutes: 'an hour' is not of the type int.",
    ),
    "neither true nor false": (
        ["-p", "sandbox", "perhaps"],
        "invalid-parameters: sandbox: 'perhaps' is not of the type bool.",
    ),
    "a list that is no JSON": (
        ["-p", "sources", "[alice"],
        "invalid-parameters: sources: '[alice' is not of the type list.",
    ),
    "a name that is code": (
        ["-p", "__import__('os')", "x"],
        """invalid-parameters: There is no parameter "__import__('os')".""",
    ),
    "a number that is written otherwise": (
        ["-p", "session_minutes", "60.0"],
        "invalid-parameters: session_minutes: '60.0' is not of the type int.",
    ),
    "a name given twice": (
        ["-p", "name", "a", "-p", "name", "b"],
        "invalid-parameters: name is given twice.",
    ),
    "an approval given twice": (
        ["-p", "approve", "0" * 64, "--approve", "1" * 64],
        "invalid-parameters: approve is given twice.",
    ),
    "an empty external ID": (
        ["-p", "conditions.external_id", ""],
        "invalid-parameters: conditions.external_id is empty.",
    ),
    "a file's name in the place of a source": (
        ["-p", "sources", "@sources.txt"],
        "invalid-grant: sources: '@sources.txt' is neither an ARN nor an account id of 12 digits.",
    ),
    "a value that looks like an option": (
        ["-p", "name", "--json"],
        "invalid-grant: name: '--json' is refused: "
        "lower-case letters, digits and -, a letter first, 32 at most.",
    ),
    "a secret's file that is not there": (
        ["-p", "conditions.external_id", "file:nowhere"],
        "unresolved-secret: The reference 'file:nowhere' cannot be resolved.",
    ),
    "a secret's file that is a folder": (
        ["-p", "conditions.external_id", "file:."],
        "unresolved-secret: The reference 'file:.' cannot be resolved.",
    ),
    "a secret's file without an end": (
        ["-p", "conditions.external_id", "file:/dev/zero"],
        "refused-reference: The reference 'file:/dev/zero' is refused.",
    ),
    "a grant file without an end": (
        ["-f", "/dev/zero"],
        "unreadable-grant: The grant file '/dev/zero' cannot be used.",
    ),
    "a missing grant file": (["-f", "grant.yaml"], UNREADABLE),
    "a folder as grant file": (["-f", "."], "unreadable-grant: The grant file '.' cannot be used."),
}
FILES: dict[str, tuple[bytes, str]] = {
    "no YAML": (b"sources: [", UNREADABLE),
    "no text": (b"\xff\xfe\x00", UNREADABLE),
    "nothing": (b"", UNREADABLE),
    "no fields": (b"- reports", UNREADABLE),
    "a field twice": (b"name: reports\nname: reports", UNREADABLE),
    "no sources": (b"name: reports", "invalid-grant: sources: is missing."),
    "an account id that is a number": (
        b"name: reports\ndestinations: [arn:aws:iam::222222222222:role/r]\nsources: [111111111111]",
        "invalid-grant: sources.0: 111111111111 is not text.",
    ),
}
FIELDS: dict[str, tuple[dict[str, Any], str]] = {
    "an unknown field": ({"sorces": []}, "invalid-parameters: There is no parameter 'sorces'."),
    "an unknown condition": (
        {"conditions": {"mfa": True}},
        "invalid-grant: conditions.mfa: there is no such field.",
    ),
    "a malformed ARN": (
        {"sources": ["arn:aws:iam:111111111111:user/alice"]},
        "invalid-grant: sources: 'arn:aws:iam:111111111111:user/alice' is not an ARN.",
    ),
    "an account id of 11 digits": (
        {"sources": ["11111111111"]},
        "invalid-grant: sources: '11111111111' is neither an ARN nor an account id of 12 digits.",
    ),
    "a group as principal": (
        {"sources": ["arn:aws:iam::111111111111:group/all"]},
        "invalid-grant: sources: 'arn:aws:iam::111111111111:group/all' is a group, which cannot be trusted.",
    ),
    "a wildcard as principal": ({"sources": ["*"]}, "invalid-grant: sources: '*' has a wildcard."),
    "two partitions": (
        {"destinations": ["arn:aws-cn:iam::222222222222:role/reports-reader"]},
        "invalid-grant: The grant names ARNs in 2 partitions: aws, aws-cn.",
    ),
    "a role name of 65 characters": (
        {"destinations": [f"arn:aws:iam::222222222222:role/{'r' * 65}"]},
        f"invalid-grant: destinations: The role '{'r' * 65}' is too long: 65 characters, its path 1.",
    ),
    "an external ID that STS refuses": (
        {"conditions": {"external_id": "with space"}},
        "invalid-grant: conditions.external_id: STS does not accept this external ID.",
    ),
    "a reference that was not allowed": (
        {"conditions": {"external_id": "env:VENDOR_ID"}},
        "refused-reference: The grant file refers to 'env:VENDOR_ID', which is not allowed.",
    ),
}


class TestRefusals:
    @pytest.mark.parametrize(("words", "what"), NOTEBOOKS.values(), ids=NOTEBOOKS)
    def test_a_notebook_is_refused(self, words: list[str], what: str) -> None:
        assert refused(*words) == what

    @pytest.mark.parametrize(("words", "what"), PARAMETERS.values(), ids=PARAMETERS)
    def test_a_parameter_is_refused(self, words: list[str], what: str) -> None:
        assert refused("plan_and_apply", *words) == what

    @pytest.mark.parametrize(("content", "what"), FILES.values(), ids=FILES)
    def test_a_grant_file_is_refused_that_holds(self, content: bytes, what: str) -> None:
        Path("grant.yaml").write_bytes(content)

        assert refused("plan_and_apply", "-f", "grant.yaml") == what

    @pytest.mark.parametrize(("fields", "what"), FIELDS.values(), ids=FIELDS)
    def test_a_grant_is_refused_with(self, fields: dict[str, Any], what: str) -> None:
        usual = {"name": "reports", "sources": [ALICE], "destinations": [ROLE]}
        Path("grant.yaml").write_text(json.dumps({**usual, **fields}))

        assert refused("plan_and_apply", "-f", "grant.yaml") == what

    def test_a_former_name_is_noted_in_one_line(self) -> None:
        fields = {"name": "reports", "sources": [ALICE], "destinations": [ROLE], "carry_on": ALICE}
        Path("grant.yaml").write_text(json.dumps(fields))
        with pytest.warns(FutureWarning, match="carry_on is now attach_to. Write attach_to instead."):
            what = refused("plan_and_apply", "-f", "grant.yaml")

        assert warnings.formatwarning(Warning("as it is"), FutureWarning, "a.py", 1) == "Note: as it is\n"
        assert what == f"invalid-grant: attach_to: '{ALICE}' is not the ARN of a group."

    def test_a_very_long_value_is_refused_in_a_short_message(self) -> None:
        what = refused("plan_and_apply", "-p", "sources", f"arn:{'x' * 100_000}")

        assert what.startswith("invalid-grant: sources: 'arn:xxx")
        assert len(what) < 600

    def test_a_second_parameters_cell_is_refused_because_it_would_overwrite_what_is_given(self) -> None:
        cells = ['name: str = "a"', 'name: str = "b"']
        content = json.loads(Path(notebook(Path("twice.ipynb"), *cells)).read_text())
        for cell in content["cells"]:
            cell["metadata"]["tags"] = ["parameters"]
        Path("twice.ipynb").write_text(json.dumps(content))

        assert refused("twice.ipynb", "-p", "name", "c") == (
            "invalid-parameters: 'twice.ipynb' has 2 parameters cells."
        )

    def test_it_is_the_same_in_a_process_of_its_own_and_in_json(self, tmp_path: Path) -> None:
        refused = start("run", "plan_and_apply", "-p", "sorces", ALICE, "--json")
        error = json.loads(refused.out)["error"]

        assert refused.code == 2
        assert list(json.loads(refused.out)) == RUN_JSON
        assert refused.err == f"{error['code']}: {error['what']}\n{error['why']}\n{error['hint']}\n"
        assert error["what"] == "There is no parameter 'sorces'."
        assert list(tmp_path.iterdir()) == []

    def test_what_only_aws_knows_is_refused_before_anything_changes(self, desk: Desk) -> None:
        values = options(desk.parameters(source_profiles=["destination-admin"]))
        words = [word for name, value in values for word in ("-p", name, value)]
        refused = invoke(
            "run", "plan_and_apply", *words, "--approve", "0" * 64, "--records", str(desk.records), "--json"
        )
        printed = json.loads(refused.out)
        lines = _without_progress(refused.err)

        assert (refused.code, printed["status"]) == (2, "invalid-parameters")
        assert lines[0].startswith("wrong-account: The source profile 'destination-admin' is in account ")
        assert len(lines) == 3
        assert desk.state() == []
        assert desk.is_whole()
        assert not (desk.records / ".work").exists()


def _without_progress(err: str) -> list[str]:
    return [line for line in err.splitlines() if not re.match(r"\[\d+/\d+\] ", line)]


class TestRun:
    @pytest.mark.parametrize(
        ("source", "code", "status", "what"),
        [
            ("1 / 0", 1, "failed", "division by zero"),
            ("import os; os.kill(os.getpid(), 9)", 7, "kernel-died", ENDED),
        ],
    )
    def test_the_exit_code_is_that_of_the_status_in_the_record(
        self, tmp_path: Path, source: str, code: int, status: str, what: str
    ) -> None:
        ended = invoke("run", notebook(tmp_path / "mine.ipynb", source), "--json")
        printed = json.loads(ended.out)

        assert (ended.code, printed["status"]) == (code, status)
        assert printed["error"]["what"] == what
        assert json.loads((Path(printed["record"]) / "record.json").read_text())["status"] == status

    def test_an_error_is_on_both_streams_but_not_twice_where_they_are_one_file(self, tmp_path: Path) -> None:
        failing = notebook(tmp_path / "failing.ipynb", "1 / 0")
        apart = invoke("run", failing)
        command = [Path(sys.executable).parent / "xacct-nb", "run", failing]
        together = subprocess.run(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False
        )

        assert apart.code == together.returncode == 1
        assert _without_progress(apart.err) == ["ZeroDivisionError: division by zero"]
        assert apart.out.count("division by zero") == together.stdout.count("division by zero") == 1

    @pytest.mark.parametrize("cells", [["1"], ["# nothing yet", "1"]], ids=["none", "empty"])
    def test_without_a_parameters_cell_or_with_an_empty_one_a_notebook_takes_the_settings_only(
        self, tmp_path: Path, cells: list[str]
    ) -> None:
        path = Path(notebook(tmp_path / "bare.ipynb", *cells))
        content = json.loads(path.read_text())
        content["cells"][0]["metadata"]["tags"] = ["parameters"] if len(cells) > 1 else []
        content["cells"][-1]["source"] = "assert sandbox is False\nticket"
        path.write_text(json.dumps(content))
        ended = invoke("run", str(path), "-p", "sandbox", "false", "--ticket", "CHG-1", "--json")
        refused = invoke("run", str(path), "-p", "sources", ALICE)

        assert json.loads(ended.out)["status"] == "succeeded"
        assert _without_progress(ended.err) == []
        assert (refused.code, refused.err.partition("\n")[0]) == (
            2,
            "invalid-parameters: There is no parameter 'sources'.",
        )

    def test_a_value_reaches_the_notebook_as_it_is_and_never_runs(self, tmp_path: Path) -> None:
        code = '"; open("ran", "w") #'
        words = [code, "'''", '"""', "\\", '\\"', "a\nb", "{x}", "%s", "\u2028", "\x00", "None", "é"]
        path = notebook(
            tmp_path / "mine.ipynb",
            'note: str = ""  # text\nwords: list = []  # texts\nfields: dict = {}  # a mapping',
            "import json, pathlib",
            "_ = pathlib.Path('got').write_text(json.dumps([note, words, fields]))",
        )
        values = {"note": code, "words": json.dumps(words), "fields": json.dumps(dict.fromkeys(words))}
        ended = invoke("run", path, *(word for pair in values.items() for word in ("-p", *pair)))

        assert ended.code == 0
        assert json.loads(Path("got").read_text()) == [code, words, dict.fromkeys(words)]
        assert not Path("ran").exists()

    def test_what_p_gives_wins_over_both_files_and_is_what_the_record_says(self, desk: Desk) -> None:
        fields = desk.grant(session_minutes=120).to_json()
        Path("grant.yaml").write_text(json.dumps(fields))
        Path("run.yaml").write_text(
            "sandbox: false\npatience_seconds: 2\napproval_hours: 3\ntwo_people: true\n"
        )
        words = ["-f", "grant.yaml", "-r", "run.yaml", "-p", "session_minutes", "90"]
        words += ["-p", "patience_seconds", "1", "--ticket", "CHG=2"]
        ended = invoke("run", "plan_and_apply", *words, "--records", str(desk.records), "--json")
        record = json.loads(Path(json.loads(ended.out)["record"], "record.json").read_text())
        names = ("session_minutes", "patience_seconds", "approval_hours", "two_people", "sandbox", "ticket")
        values = {name: record["parameters"][name] for name in names}

        assert values == dict(zip(names, (90, 1, 3, True, False, "CHG=2"), strict=True))
        assert record["plan"]["changes"][0]["after"]["session_seconds"] == 90 * 60

    def test_standard_output_is_one_json_object_and_the_rest_goes_to_standard_error(
        self, tmp_path: Path
    ) -> None:
        noisy = notebook(
            tmp_path / "noisy.ipynb",
            "import os, sys\nprint('printed')\nprint('complained', file=sys.stderr)",
            "os.system('echo from a process')\nos.write(1, b'past the kernel\\n')",
        )
        ended = start("run", noisy, "--json")

        assert ended.out.count("\n") == 1
        assert list(json.loads(ended.out)) == RUN_JSON
        assert re.findall(r"^\[./.\]", ended.err, re.MULTILINE) == ["[1/3]", "[2/3]", "[3/3]"]
        assert re.findall(r"Traceback|%\||\r", ended.err) == []

    def test_without_json_it_shows_the_outcome_and_where_the_record_is(self, tmp_path: Path) -> None:
        ended = invoke("run", notebook(tmp_path / "mine.ipynb", "1"))

        assert ended.code == 0
        assert re.search(
            r"^succeeded in \d+\.\d\d s\. Nothing was changed: the run only read\.$", ended.out, re.MULTILINE
        )
        assert Path(re.search(r"^Record: (.+)$", ended.out, re.MULTILINE)[1]).parent == tmp_path / "records"  # type: ignore[index]

    @pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
    def test_a_terminated_run_seals_its_record_and_leaves_no_kernel(
        self, tmp_path: Path, number: signal.Signals
    ) -> None:
        slow = notebook(
            tmp_path / "slow.ipynb",
            "import os, pathlib, time\npathlib.Path('kernel').write_text(str(os.getpid()))",
            "time.sleep(60)",
        )
        command = [*INTERRUPTIBLE, Path(sys.executable).parent / "xacct-nb", "run", slow, "--json"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        assert process.stderr
        assert any("[3/3]" in line for line in process.stderr)
        process.send_signal(number)
        out, err = process.communicate(timeout=120)

        assert process.returncode == 130
        assert json.loads(out)["status"] == "interrupted"
        assert verify_records(tmp_path / "records") == []
        assert "Traceback" not in err
        assert not Path("/proc", Path("kernel").read_text()).exists()


@pytest.fixture(scope="module")
def sealed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A records folder with one record in it."""
    folder = tmp_path_factory.mktemp("sealed")
    return run(notebook(folder / "mine.ipynb", "1"), records=str(folder / "records")).folder


class TestRecords:
    def test_a_folder_without_records_lists_none(self, tmp_path: Path) -> None:
        assert invoke("records", "list") == Output(0, "Nothing was recorded yet.\n", "")
        assert invoke("records", "list", "--json") == Output(0, '{"records": [], "notes": []}\n', "")
        assert list(tmp_path.iterdir()) == []

    def test_a_file_in_the_place_of_a_records_folder_is_an_error(self, tmp_path: Path) -> None:
        (tmp_path / "records").write_text("no folder")
        asked = invoke("records", "list", "--json", "--records", str(tmp_path / "records"))

        assert asked.code == 2
        assert json.loads(asked.out)["error"]["why"] == "The records folder is no folder."

    def test_a_folder_without_records_is_not_called_whole(self, tmp_path: Path) -> None:
        asked = invoke("records", "verify")

        assert (asked.code, asked.out) == (2, "")
        assert asked.err.splitlines()[0] == f"unknown-record: There is no ledger in '{tmp_path / 'records'}'."

    def test_a_record_is_listed_and_found_by_both_ends_of_its_id(self, sealed: Path) -> None:
        where = ("--records", str(sealed.parent))
        listed = json.loads(invoke("records", "list", *where, "--json").out)["records"]
        whole, first, last = (
            invoke("records", "show", name, *where, "--json")
            for name in (sealed.name, sealed.name[:16], sealed.name[-4:])
        )

        assert [line["id"] for line in listed] == [sealed.name]
        assert sealed.name in invoke("records", "list", *where).out
        assert json.loads(whole.out) == json.loads((sealed / "record.json").read_text())
        assert first == last == whole
        assert f"Record {sealed.name}\n" in invoke("records", "show", sealed.name, *where).out

    def test_the_folder_is_also_found_by_its_variable(
        self, sealed: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_RECORDS", str(sealed.parent))
        verified = invoke("records", "verify")

        assert (verified.code, verified.err) == (0, "")
        assert re.fullmatch(r"1 record, all whole\.\nLast line: [0-9a-f]{64}\n", verified.out)

    def test_an_unknown_record_is_an_error_with_the_command_that_lists_them(self, sealed: Path) -> None:
        asked = invoke("records", "show", "20200101T000000Z", "--records", str(sealed.parent))

        assert (asked.code, asked.out) == (2, "")
        assert asked.err.splitlines() == [
            "unknown-record: No single record matches '20200101T000000Z'.",
            f"No record in '{sealed.parent}' has this id.",
            "Find the record with: xacct-nb records list",
        ]

    def test_one_changed_byte_is_found(self, sealed: Path, tmp_path: Path) -> None:
        folder = tmp_path / "records"
        subprocess.run(["cp", "-r", sealed.parent, folder], check=True)
        page = folder / sealed.name / "run.html"
        page.write_bytes(page.read_bytes().replace(b"succeeded", b"Succeeded", 1))
        spoken, printed = invoke("records", "verify"), invoke("records", "verify", "--json")

        assert spoken == Output(1, f"{sealed.name}/run.html: was changed\n", "")
        assert printed.code == 1
        assert json.loads(printed.out)["whole"] is False
        assert json.loads(printed.out)["broken"] == [f"{sealed.name}/run.html: was changed"]


class TestSandboxAndDoctor:
    def test_without_a_sandbox_its_status_says_how_to_start_one(self, tmp_path: Path) -> None:
        said, printed = invoke("sandbox", "status"), invoke("sandbox", "status", "--json")

        assert said == Output(1, "No sandbox runs. Start it with: xacct-nb sandbox up\n", "")
        assert (printed.code, json.loads(printed.out)["endpoint"]) == (1, None)
        assert list(tmp_path.iterdir()) == []

    def test_a_sandbox_folder_with_a_very_long_name_has_no_sandbox(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("XACCT_SANDBOX_DIR", "/tmp/" + "long" * 1000)

        assert invoke("sandbox", "status").code == 1

    def test_the_doctor_finds_all_that_is_needed_here(self) -> None:
        said, printed = invoke("doctor"), invoke("doctor", "--json")
        checks = json.loads(printed.out)["checks"]

        assert (said.code, printed.code) == (0, 0)
        assert json.loads(printed.out)["well"] is True
        assert {"Python", "boto3", "kernel python3", "sandbox", "AWS profiles"} <= {
            each["what"] for each in checks
        }
        assert [each["what"] for each in checks if each["what"] not in said.out] == []
