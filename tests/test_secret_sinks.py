"""Secrets in every notation are let out in every way, and none is in any byte that is left."""

import html
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

import support.secret_sinks as sinks
from support.desk import Desk
from support.examples import an_account, applied, grant_in, plan_of, sessions_in
from support.planted_secrets import found, notebook
from support.secret_sinks import Planted, plant
from xacct_nb.aws.probes import prove
from xacct_nb.aws.reader import read
from xacct_nb.diagnosis.attempt import attempt_from_grant
from xacct_nb.grants.documents import build
from xacct_nb.redaction.redact import redact, redact_all
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.state import Sandbox

PARAMETERS = """
name: str = "reports"  # grant
sources: list = []  # who
destinations: list = []  # roles
sandbox: bool = False  # place
note: str = ""  # note
ticket: str = ""  # ticket
planted: str = ""  # where the texts are
"""
# What is written within something else: in a list, in JSON in JSON, on a page.
AROUND: dict[str, Callable[[str], str]] = {
    "itself": str,
    "repr": repr,
    "repr of a list": lambda text: repr([text]),
    "repr of a repr": lambda text: repr(repr(text)),
    "JSON": json.dumps,
    "JSON in JSON": lambda text: json.dumps({"a": json.dumps([text])}),
    "HTML": html.escape,
    "JSON in HTML": lambda text: html.escape(json.dumps(text)),
}
USUAL, ALL = range(2), [pytest.param(seed, marks=pytest.mark.exhaustive) for seed in range(2, 30)]


@pytest.mark.parametrize("seed", [*USUAL, *ALL])
def test_redaction_leaves_no_secret_in_any_notation_within_any_other(seed: int) -> None:
    planted = plant(seed, 1)
    written = {
        f"{way} of {text!r}": redact(write(text), []).encode()
        for text in planted.texts
        for way, write in AROUND.items()
    }

    assert sinks.leaks(planted, written) == []


@pytest.mark.parametrize("seed", [*USUAL, *ALL[:20]])
def test_redacting_again_changes_nothing(seed: int) -> None:
    once = redact_all(list(plant(seed, 1).texts), [])

    assert redact_all(once, []) == once


@dataclass(frozen=True)
class Ended:
    """How a run of the command ended, and everything that it wrote at any time."""

    code: int
    written: dict[str, bytes]


@pytest.fixture(scope="module")
def desk(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> Desk:
    folder = tmp_path_factory.mktemp("sinks")
    return Desk(add_accounts(sandbox, an_account(), an_account(), folder), folder / "records")


ENDINGS = {
    "raised": sinks.RAISED,
    "killed": "os.kill(os.getpid(), 9)",
    "succeeded": "run.finish()",
    "exited": "sys.exit('\\n'.join(texts))",
}


@pytest.mark.parametrize(
    ("seed", "ending", "options"),
    [
        (1, "raised", ["--json"]),
        *(
            pytest.param(seed, ending, options, marks=pytest.mark.exhaustive)
            for seed in range(2, 4)
            for ending in ENDINGS
            for options in ([], ["--json"])
        ),
    ],
)
def test_no_byte_that_a_run_leaves_has_a_secret(
    desk: Desk, tmp_path: Path, seed: int, ending: str, options: list[str]
) -> None:
    planted = plant(f"run {seed}", 1)
    cells = (sinks.LOADED, sinks.WAYS, sinks.STREAMS, sinks.DESCRIPTORS, sinks.LEVELS)
    cells += (sinks.SHOWN, sinks.WIDGETS, sinks.KEPT, ENDINGS[ending])
    ended = run(desk, tmp_path, planted, cells, options)
    leaked = sinks.leaks(planted, ended.written)
    print(f"\n{sinks.summary(planted, ended.written, leaked)}, {ending}")

    assert ended.code == {"raised": 1, "killed": 7, "succeeded": 0, "exited": 1}[ending]
    assert ending != "raised" or b"ExceptionGroup" in ended.written["out"] + ended.written["err"]
    assert sum(map(len, ended.written.values())) > 200_000
    assert leaked == []


def run(desk: Desk, folder: Path, planted: Planted, cells: tuple[str, ...], options: list[str]) -> Ended:
    """Runs the cells by the command, with a home and a temporary folder of its own, and watches them."""
    apart = folder / "apart"
    homes = {name: folder / name.lower() for name in ("HOME", "TMPDIR", "RECORDS")}
    for each in (apart, *homes.values()):
        each.mkdir()
    path = notebook(apart / "planted.ipynb", PARAMETERS, *cells)
    known = list(planted.variables.values())
    (apart / "texts.json").write_text(json.dumps({"texts": planted.texts, "known": known}))
    grant = desk.parameters()
    parameters = {name: json.dumps(grant[name]) for name in ("sources", "destinations")}
    parameters |= {
        "note": planted.texts[0],
        "ticket": planted.texts[-1],
        "planted": str(apart / "texts.json"),
    }
    chosen = [word for name, text in parameters.items() for word in ("-p", name, text)]
    command = [str(Path(sys.executable).parent / "xacct-nb"), "run", path]
    homes_as_text = {name: str(each) for name, each in homes.items()}
    process = subprocess.Popen(
        [*command, "--records", str(homes["RECORDS"]), *chosen, *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**environment(desk), **planted.variables, **homes_as_text},
    )
    seen: dict[str, bytes] = {}
    watch = threading.Thread(target=_watch, args=(process, list(homes.values()), seen))
    watch.start()
    out, err = process.communicate(timeout=300)
    watch.join()
    left = dict(sinks.places(homes.values(), apart))
    return Ended(process.returncode, {"out": out, "err": err, **seen, **left})


def environment(desk: Desk) -> dict[str, str]:
    # A kernel that finds itself in a test does not take over what its processes print.
    around = {name: value for name, value in os.environ.items() if name != "PYTEST_CURRENT_TEST"}
    files = {"CONFIG_FILE": desk.world.config_file, "SHARED_CREDENTIALS_FILE": desk.world.credentials_file}
    return around | {f"AWS_{name}": str(path) for name, path in files.items()}


def _watch(process: "subprocess.Popen[bytes]", folders: list[Path], seen: dict[str, bytes]) -> None:
    sizes: dict[Path, tuple[int, float]] = {}
    while process.poll() is None:
        for path in _files(folders):
            try:
                now = path.stat()
                if sizes.get(path) != (now.st_size, now.st_mtime):
                    seen[f"{path} at {time.monotonic()}"] = path.read_bytes()
                sizes[path] = now.st_size, now.st_mtime
            except OSError:
                continue
        time.sleep(0.2)


def _files(folders: list[Path]) -> Iterator[Path]:
    for folder in folders:
        try:
            yield from (path for path in folder.rglob("*") if path.is_file())
        except OSError:  # a folder that is removed meanwhile
            continue


def test_the_search_itself_finds_a_secret_that_is_left() -> None:
    planted = plant("left", 1)
    secret, known = planted.secrets[3], next(iter(planted.variables.values()))
    written: dict[str, Any] = {"a": html.escape(secret).encode(), "b": known.encode().hex().encode()}

    assert len(sinks.leaks(planted, written)) == 2


def test_no_value_of_a_run_shows_a_secret_that_it_holds(desk: Desk) -> None:
    external_id = "vendor-7/of:the-reports"
    grant = grant_in(desk.world, conditions={"external_id": external_id})
    sessions = sessions_in(desk.world, grant)
    journal = applied(grant, sessions)
    documents = build(grant)
    attempt = attempt_from_grant(grant)
    client = sessions.client("alice", "sts")
    keys = [str(each) for each in client._request_signer._credentials.get_frozen_credentials() if each]
    values = [
        *(grant, grant.conditions, documents, read(documents, sessions), plan_of(grant, sessions), journal),
        *(*journal.entries, prove(grant, sessions), sessions, attempt, diagnose(grant, sessions)),
    ]
    shown = {
        f"{write} of a {type(value).__name__}": str(call(value)).encode()
        for value in values
        for write, call in WRITERS.items()
        if write in ("str", "repr") or hasattr(value, write)
    }

    assert len(shown) > 30
    assert found([external_id, *(key for key in keys if len(key) > 12)], shown) == []


WRITERS: dict[str, Callable[[Any], Any]] = {
    "str": str,
    "repr": repr,
    "to_json": lambda value: value.to_json(),
    "model_dump_json": lambda value: value.model_dump_json(),
    "_repr_html_": lambda value: value._repr_html_(),
}
