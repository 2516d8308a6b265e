"""Secrets planted in every part of a notebook are in no file that a run writes."""

import atexit
import json
import os
import subprocess
import sys
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import support.planted_secrets as planted
from support.desk import Desk
from support.examples import an_account
from xacct_nb.aws.reader import read
from xacct_nb.changes.approval import Approval
from xacct_nb.changes.journal import Entry
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.runs.start import start_run
from xacct_nb.sandbox.server.state import Sandbox

PROFILES = {
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice"],
}


@dataclass(frozen=True)
class RunFiles:
    """What one run of the command wrote: its files, its output, and each version of its files during it."""

    code: int
    out: bytes
    err: bytes
    secrets: tuple[str, ...]
    records: Path
    seen: dict[str, bytes]

    def places(self) -> dict[str, bytes]:
        written = planted.written(self.records) | planted.streams(self.executed())
        return {"out": self.out, "err": self.err, **self.seen, **written}

    def executed(self) -> dict[str, Any]:
        (path,) = self.records.glob("*/run.ipynb")
        return json.loads(path.read_text())  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("planted")
    return Desk(add_accounts(sandbox, an_account(), an_account(), folder), folder / "records")


def files_of(desk: Desk, name: str, external_id: str, cells: tuple[str, ...], *more: str) -> RunFiles:
    """Runs a notebook of these cells with the command, and looks at the records folder all the while."""
    folder = desk.records.with_name(name)
    folder.mkdir()
    note, records = folder / "noted.json", folder / "records"
    path = planted.notebook(folder / "planted.ipynb", planted.PARAMETERS, *cells)
    grant = desk.parameters()
    parameters = {name: grant[name] for name in ("sources", "destinations")}
    parameters |= {"conditions": {"external_id": external_id}, "planted": str(note)}
    options = [word for each in parameters.items() for word in ("-p", each[0], _text(each[1]))]
    command = [str(Path(sys.executable).parent / "xacct-nb"), "run", path, "--records", str(records)]
    process = subprocess.Popen(
        [*command, *options, *more], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=_environment(desk)
    )
    seen: dict[str, bytes] = {}
    watch = threading.Thread(target=_watch, args=(process, records, seen))
    watch.start()
    out, err = process.communicate(timeout=120)
    watch.join()
    secrets = (planted.EXTERNAL_ID, planted.KEY_ID, planted.SECRET_KEY, "correct-horse")
    return RunFiles(process.returncode, out, err, (*secrets, *json.loads(note.read_text())), records, seen)


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _environment(desk: Desk) -> dict[str, str]:
    # A kernel that finds itself in a test does not take over what its processes print.
    around = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    files = {
        "AWS_CONFIG_FILE": str(desk.world.config_file),
        "AWS_SHARED_CREDENTIALS_FILE": str(desk.world.credentials_file),
    }
    return {**around, **files, "EXTERNAL_ID_OF_THE_TEST": planted.EXTERNAL_ID}


def _watch(process: "subprocess.Popen[bytes]", records: Path, seen: dict[str, bytes]) -> None:
    while process.poll() is None:
        for path in records.rglob("*"):
            try:
                content = path.read_bytes()
            except OSError:
                continue
            seen.setdefault(f"{path.name}, {hash(content)}", content)
        time.sleep(0.1)


SHOWN = (planted.PRINT, planted.BREAK, planted.SHOW, planted.BUILD, planted.LOG, planted.LEAVE)


@pytest.fixture(scope="module")
def failed(desk: Desk) -> RunFiles:
    cells = (planted.BEGIN, planted.LEARN, *SHOWN, planted.FAIL)
    return files_of(desk, "failed", planted.EXTERNAL_ID, cells)


@pytest.fixture(scope="module")
def killed(desk: Desk) -> RunFiles:
    cells = (planted.BEGIN, planted.LEARN, planted.PRINT + planted.DIE)
    return files_of(desk, "killed", "env:EXTERNAL_ID_OF_THE_TEST", cells, "--json")


def test_no_file_of_a_failing_run_has_a_secret(failed: RunFiles) -> None:
    assert failed.code == 1
    assert len(failed.seen) > 10
    assert planted.found(failed.secrets, failed.places()) == []


def test_the_outputs_of_a_failing_run_are_there(failed: RunFiles) -> None:
    cells = [cell for cell in failed.executed()["cells"] if cell["cell_type"] == "code"]
    shown = json.dumps([cell["outputs"] for cell in cells])

    assert [bool(cell["outputs"]) for cell in cells[-7:]] == [True] * 7
    assert "GetSessionToken" in shown
    assert "Text(value='secret:" in shown
    assert "It is secret:" in shown


def test_no_file_of_a_killed_run_has_a_secret(killed: RunFiles) -> None:
    assert killed.code == 7
    assert json.loads(killed.out)["status"] == "kernel-died"
    assert "secret:" in json.dumps(killed.executed())
    assert planted.found(killed.secrets, killed.places()) == []


def test_secrets_of_the_environment_are_found_by_variable_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_SESSION_TOKEN", "of-a-session")
    monkeypatch.setenv("PGPASSWORD", "correct-horse")
    monkeypatch.setenv("OUR_EXTERNAL_ID", "reports-reader")
    monkeypatch.setenv("PASSWORD", "short")
    monkeypatch.setenv("TOKENS_PER_HOUR", "1000000000")
    known = credentials_in(os.environ)

    assert {"of-a-session", "correct-horse"} <= known
    assert known & {"reports-reader", "short", "1000000000"} == set()


def test_the_sandbox_writes_none_of_them_either(sandbox: Sandbox, failed: RunFiles, killed: RunFiles) -> None:
    files = planted.written(sandbox.folder)

    assert files != {}
    assert planted.found({*failed.secrets, *killed.secrets}, files) == []


@pytest.mark.parametrize(
    "parameters", [("name", "https://ada:correct-horse@host"), ("-f", "/nowhere/password=correct-horse")]
)
def test_an_error_on_invalid_input_has_no_secret(parameters: tuple[str, str], tmp_path: Path) -> None:
    options = parameters if parameters[0] == "-f" else ("-p", *parameters)
    command = [str(Path(sys.executable).parent / "xacct-nb"), "run", "plan_and_apply", "--json", *options]
    finished = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    assert finished.returncode == 2
    assert "[redacted]" in finished.stdout
    assert "[redacted]" in finished.stderr
    assert "correct-horse" not in finished.stdout + finished.stderr


def test_an_interactive_run_writes_no_secret_at_any_step(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "external-id.txt").write_text(f"{planted.EXTERNAL_ID}\n")
    for name, value in _environment(desk).items():
        monkeypatch.setenv(name, value)
    conditions = {"external_id": f"file:{tmp_path / 'external-id.txt'}"}
    records = tmp_path / "records"
    run = start_run("mine", desk.parameters(**PROFILES, records=str(records), conditions=conditions))
    sessions = run.open_sessions(run.grant())
    answer = sessions.client("alice", "sts").get_session_token()["Credentials"]
    secrets = [planted.EXTERNAL_ID, *list(answer.values())[:3]]
    words = "\n".join(write(secret) for secret in secrets for write in planted.FORMS.values())
    plan = run.keep(diff(build(run.grant()), run.keep(read(build(run.grant()), sessions))))
    run.append(Entry(words, words, words, words, words))
    run.keep(Approval(plan.digest, words, words, note=words, ticket=words))
    run.evidence.add("error", {"what": words, words: [answer["SecretAccessKey"]]})
    during = planted.written(records)
    run.finish()
    atexit.unregister(run.leave)

    assert [name for name in during if "evidence" in name] != []
    assert planted.found(secrets, during) == []
    assert planted.found(secrets, planted.written(records)) == []


@pytest.mark.parametrize("form", planted.FORMS)
def test_the_search_itself_finds_every_form(form: str) -> None:
    text = f"before {planted.FORMS[form](planted.EXTERNAL_ID)} after"
    coloured = f'{text[:20]}\x1b[31m{text[20:25]}\\n", "{text[25:]}'

    assert planted.found([planted.EXTERNAL_ID], {"a": text.encode()}) != []
    assert planted.found([planted.EXTERNAL_ID], {"a": coloured.encode()}) != []
