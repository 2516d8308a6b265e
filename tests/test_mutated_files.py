"""Mutated grant, run and snapshot files: one message or a plan, no traceback, nothing changed."""

import json
import os
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import cycle, islice, product
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.desk import Desk
from support.examples import root_iam
from support.in_process_sandbox import in_process_sandbox
from support.mutations import CANARY, NAMES, mutants, places
from xacct_nb.cli.main import main
from xacct_nb.diagnosis.snapshot import Snapshot
from xacct_nb.errors import XacctError
from xacct_nb.grants.settings import RunFile
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.loading import load_grant
from xacct_nb.runs.request import check_request
from xacct_nb.storage.snapshot_file import read_snapshot
from xacct_nb.views import html

sandbox = in_process_sandbox

SNAPSHOT = Path(__file__).parent / "cases" / "written_by_0_1" / "snapshot.json"
RUN_FILE = {
    "sandbox": False,
    "source_profiles": ["source-admin"],
    "destination_profiles": ["destination-admin"],
    "caller_profiles": ["alice"],
    "patience_seconds": 1,
    "approval_hours": 2,
    "two_people": True,
    "approvers": [],
    "allow_references": ["env:VENDOR_ID"],
}
DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: "
    "arn:aws:iam::111111111111:user/mallory is not authorized to perform: sts:AssumeRole on resource: "
    "arn:aws:iam::222222222222:role/reports-reader"
)


CONDITION_KEYS = (
    *(
        "sts:ExternalId",
        "sts:RoleSessionName",
        "sts:SourceIdentity",
        "sts:TransitiveTagKeys",
        "sts:DurationSeconds",
    ),
    *(
        "aws:MultiFactorAuthPresent",
        "aws:MultiFactorAuthAge",
        "aws:PrincipalOrgID",
        "aws:SourceIp",
        "aws:SourceArn",
    ),
    *(
        "aws:RequestTag/team",
        "aws:PrincipalTag/team",
        "aws:TagKeys",
        "aws:PrincipalArn",
        "aws:CurrentTime",
        "",
        "x:y",
    ),
)
CONDITION_VALUES = (
    [],
    "",
    [""],
    None,
    5,
    True,
    {},
    [None],
    [[]],
    ["a", 5],
    "${aws:x}",
    "${",
    "*",
    2**70,
    0.5,
)
OPERATORS = ("StringEquals", "ForAllValues:ArnLike")


@dataclass
class Tally:
    """How many files were tried, how many of them were valid, and what went wrong, with the file."""

    tried: int = 0
    valid: int = 0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        held = self.tried - len(self.wrong)
        return f"{held} of {self.tried}: no traceback, nothing changed; {self.valid} of them are valid"


@dataclass
class Bench:
    """The accounts and the folder in which mutated files are tried."""

    desk: Desk
    folder: Path
    grant: dict[str, Any]

    def state(self) -> str:
        """Everything in IAM of both accounts, and every file outside the records."""
        world = self.desk.world
        accounts = [
            root_iam(world, account).get_account_authorization_details()
            for account in (world.source, world.destination)
        ]
        for each in accounts:
            del each["ResponseMetadata"]
        files = {
            str(path): path.read_bytes().hex()
            for path in sorted(self.folder.rglob("*"))
            if path.is_file() and self.desk.records not in path.parents
        }
        return json.dumps([accounts, files], default=str)

    def try_all(self, contents: Iterator[bytes], name: str, attempt: Callable[[Path], bool]) -> Tally:
        """Try each content as the file of this name; `attempt` says whether it was valid."""
        tally, file = Tally(), self.folder / name
        before = self.state()
        for content in contents:
            file.write_bytes(content)
            self.one(tally, file, attempt)
            tally.wrong += ["The file was changed"] if file.read_bytes() != content else []
        file.unlink()
        tally.wrong += ["Something was changed"] if self.state() != before else []
        return tally

    def one(self, tally: Tally, file: Path, attempt: Callable[[Path], bool]) -> None:
        tally.tried += 1
        try:
            tally.valid += attempt(file)
        except XacctError as refused:
            said = str(refused)
            told = bool(said) and len(said) < 2_000 and json.dumps(refused.to_json())
            tally.wrong += [] if told else [f"{said[:300]!r} for {str(file)!r}"]
        except Exception as problem:
            content = file.read_bytes()[:2_000] if file.is_file() and not file.is_relative_to("/dev") else b""
            tally.wrong.append(
                f"{type(problem).__name__}: {str(problem)[:200]} for {str(file)[:99]!r}: {content!r}"
            )

    def plan(self, file: Path | None, run_file: Path | None = None) -> bool:
        """Check a request; plan with what is valid, as the cells of the notebook do."""
        options = [("sandbox", "false")]
        request = check_request("plan_and_apply", file, options, "", str(self.desk.records), run_file)
        if file:
            allowed = request.values.get("allow_references", ())
            html(load_grant(file, allow_references=allowed).view())
        ended = replace(self.desk, in_process=True).run(**request.values)
        assert ended.record.journal is None
        assert ended.record.status in ("planned", "no-change", "invalid-parameters", "failed"), (
            ended.record.error
        )
        assert str(ended)
        return True

    def diagnose(self, file: Path) -> bool:
        """Read a snapshot, and explain a denial with it."""
        snapshot = read_snapshot(file)
        found = diagnose(error=DENIED, snapshot=snapshot)
        assert str(found)
        assert html(found.view())
        assert html(snapshot.view())
        assert Snapshot.from_json(json.loads(json.dumps(snapshot.to_json())))
        return True


@pytest.fixture
def bench(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("VENDOR_ID", "vendor-7")
    conditions = {"external_id": "env:VENDOR_ID", "require_mfa": True, "session_tags": {"team": "data"}}
    grant = desk.grant(conditions={**conditions, "source_ips": ["10.0.0.0/8"]}).to_json()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        yield Bench(desk, tmp_path / "here", grant)
    assert not (tmp_path / "here" / CANARY).exists()


def usual_run_file(bench: Bench) -> Path:
    path = bench.folder / "usual.yaml"
    path.write_text(json.dumps(RUN_FILE))
    return path


def try_grants(bench: Bench, count: int, seed: int) -> Tally:
    usual = usual_run_file(bench)
    return bench.try_all(
        islice(mutants(bench.grant, seed), count), "grant", lambda file: bench.plan(file, usual)
    )


def try_run_files(bench: Bench, count: int, seed: int) -> Tally:
    names = (*NAMES, *RunFile.model_fields)
    contents = islice(mutants(RUN_FILE, seed, names), count)
    grant = bench.folder / "usual-grant.json"
    grant.write_text(json.dumps(bench.grant))
    return bench.try_all(contents, "run", lambda file: bench.plan(grant, file))


def try_snapshots(bench: Bench, count: int, seed: int) -> Tally:
    base = json.loads(SNAPSHOT.read_text())
    return bench.try_all(islice(mutants(base, seed), count), "snapshot", bench.diagnose)


KINDS = {"grant": try_grants, "run": try_run_files, "snapshot": try_snapshots}


@pytest.mark.parametrize("kind", KINDS)
def test_a_mutated_file_is_refused_in_one_message_or_planned_and_nothing_changes(
    kind: str, bench: Bench
) -> None:
    tally = KINDS[kind](bench, 150, seed=1)

    assert tally.wrong == []
    assert 0 < tally.valid < tally.tried == 150


@pytest.mark.exhaustive
@pytest.mark.parametrize(("kind", "count"), [("grant", 4_000), ("run", 3_000), ("snapshot", 3_000)])
def test_ten_thousand_mutated_files_change_nothing(
    kind: str, count: int, bench: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    tally = KINDS[kind](bench, count, seed=2)
    with capsys.disabled():
        print(f"\nmutated {kind} files: {tally}")

    assert tally.wrong == []
    assert 0 < tally.valid < tally.tried == count


@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_plain_file_is_refused_in_one_message(kind: str, bench: Bench, tmp_path: Path) -> None:
    tally = try_places(bench, kind, tmp_path)

    assert tally.wrong == []
    assert tally.valid == 1  # by a link to the good one


@pytest.mark.exhaustive
@pytest.mark.parametrize("kind", KINDS)
def test_a_pipe_that_nobody_writes_to_is_refused_in_one_message(
    kind: str, bench: Bench, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / "pipe")

    with pytest.raises(XacctError, match="sends no data and does not end"):
        attempts(bench)[kind](tmp_path / "pipe")


def attempts(bench: Bench) -> dict[str, Callable[[Path], bool]]:
    usual = usual_run_file(bench)
    return {
        "grant": lambda file: bench.plan(file, usual),
        "run": lambda file: bench.plan(None, file),
        "snapshot": bench.diagnose,
    }


def try_places(bench: Bench, kind: str, folder: Path) -> Tally:
    good = folder / "good.json"
    contents = {"grant": bench.grant, "run": RUN_FILE, "snapshot": json.loads(SNAPSHOT.read_text())}
    good.write_text(json.dumps(contents[kind]))
    attempt, tally, before = attempts(bench)[kind], Tally(), bench.state()
    for path in places(folder, good).values():
        bench.one(tally, path, attempt)
    tally.wrong += ["Something was changed"] if bench.state() != before else []
    return tally


@pytest.mark.parametrize("option", ["-f", "-r"])
def test_the_command_answers_in_json_whatever_the_file_holds(option: str, bench: Bench) -> None:
    base = bench.grant if option == "-f" else RUN_FILE
    answered = 0
    for content in islice(mutants(base, 3), 25):
        Path("sent").write_bytes(content)
        words = ["run", "plan_and_apply", option, "sent", "-p", "name", "Not a name", "--json"]
        ended = CliRunner().invoke(main, words, catch_exceptions=False)
        answer = json.loads(ended.stdout)
        assert (ended.exit_code, answer["status"]) == (2, "invalid-parameters")
        assert "Traceback" not in ended.stderr
        answered += bool(answer["error"]["what"])

    assert answered == 25
    assert sorted(path.name for path in bench.folder.iterdir()) == ["sent"]


@pytest.mark.parametrize("key", CONDITION_KEYS)
def test_a_condition_of_any_form_in_a_snapshot_is_explained(key: str, exhaustive: bool) -> None:
    """Usually each value with one of the operators, in turn."""
    forms = product(CONDITION_VALUES, OPERATORS) if exhaustive else zip(CONDITION_VALUES, cycle(OPERATORS))
    for value, operator in forms:
        sent = json.loads(SNAPSHOT.read_text())
        documents = sent["destination"]["role"]["trust"], sent["source"]["policies"][0]["document"]
        documents[0]["Statement"][0]["Principal"] = {"AWS": sent["caller"]["arn"]}
        for document in documents:
            document["Statement"][0]["Condition"] = {operator: {key: value}}
            found = diagnose(error=DENIED, snapshot=Snapshot.from_json(sent))

            assert str(found).count("\n") > 1
