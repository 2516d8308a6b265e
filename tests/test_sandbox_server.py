"""The server of the sandbox: started once, found again, ended without affecting others."""

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from support.processes import wait_until
from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.http.local_access import TOKEN_HEADER
from xacct_nb.sandbox.ministack.version import VERSION
from xacct_nb.sandbox.server import connection, server, state
from xacct_nb.sandbox.server.state import Sandbox

THROW_AWAY = """
import time
from xacct_nb.sandbox.server import server
with server.throw_away() as sandbox:
    print(sandbox.pid, sandbox.folder, flush=True)
    time.sleep(60)
"""
# A server as 0.1 and 0.2 started it: its identity is for everybody, and its state file has no token.
OLDER = """
import fcntl, http.server, json, os, pathlib, sys
folder = pathlib.Path(sys.argv[1])
lock = (folder / "server.lock").open("w")
fcntl.flock(lock, fcntl.LOCK_EX)
print(os.getpid(), file=lock, flush=True)
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"instance": "older", "pid": os.getpid()}).encode())
server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
known = {"endpoint": f"http://127.0.0.1:{server.server_port}", "pid": os.getpid(), "instance": "older"}
(folder / "writing").write_text(json.dumps(known))
(folder / "writing").rename(folder / "sandbox.json")
server.serve_forever()
"""
UP = """
import pathlib, sys
from xacct_nb.sandbox.server import server
print(server.up(pathlib.Path(sys.argv[1])).pid)
"""


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a server that the tests leave as it is."""
    folder = tmp_path_factory.mktemp("running") / "sandbox"
    server.up(folder)
    yield folder
    server.down(folder)


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "sandbox"
    yield folder
    server.down(folder)


def test_up_twice_gives_the_same_server(running: Path) -> None:
    first, second = server.up(running), server.up(running)

    assert first == second


def test_a_relative_folder_is_the_same_as_its_full_path(
    running: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(running.parent)
    sandbox = server.up(Path("sandbox"))

    assert server.status(running) == sandbox


def test_two_processes_that_start_it_at_once_share_one_server(folder: Path) -> None:
    command = [sys.executable, "-c", UP, str(folder)]
    both = [subprocess.Popen(command, stdout=subprocess.PIPE) for _ in "ab"]
    pids = {process.communicate()[0] for process in both}

    assert pids == {f"{server.up(folder).pid}\n".encode()}


def test_it_survives_the_process_that_started_it(folder: Path) -> None:
    subprocess.run([sys.executable, "-c", UP, str(folder)], check=True, stdout=subprocess.DEVNULL)

    assert server.status(folder) is not None


def test_it_listens_on_one_loopback_port_and_nowhere_else(running: Path) -> None:
    sandbox = server.up(running)

    assert _listening(sandbox.pid) == [sandbox.endpoint.removeprefix("http://")]


def test_only_the_owner_can_read_its_files(running: Path) -> None:
    modes = {path.stat().st_mode & 0o077 for path in (running, *running.iterdir())}

    assert modes == {0}


def test_the_callers_environment_does_not_reach_it(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disturbing = {
        "SERVICES": "sqs",
        "AWS_ACCESS_KEY_ID": "AKIAROOT",
        "USE_SSL": "1",
        "PERSIST_STATE": "1",
        "MINISTACK_REGION": "eu-west-1",
        "http_proxy": "http://127.0.0.1:1",
    }
    for name, value in disturbing.items():
        monkeypatch.setenv(name, value)
    process = psutil.Process(server.up(folder).pid)

    assert disturbing.keys().isdisjoint(process.environ())


def test_down_ends_it(folder: Path) -> None:
    sandbox = server.up(folder)

    assert server.down(folder)
    assert not _runs(sandbox.pid)
    assert not state.state_file(folder).exists()


def test_down_ends_no_other(folder: Path, tmp_path: Path) -> None:
    mine, other = server.up(folder), server.up(tmp_path / "other")
    server.down(folder)

    assert server.status(tmp_path / "other") == other != mine
    assert server.down(tmp_path / "other")


def test_down_says_that_there_was_nothing(folder: Path) -> None:
    assert not server.down(folder)
    assert not folder.exists()


def test_after_a_crash_up_starts_a_new_one(folder: Path) -> None:
    crashed = server.up(folder)
    os.kill(crashed.pid, signal.SIGKILL)

    assert server.status(folder) is None
    assert server.up(folder).pid != crashed.pid


def test_a_stale_state_file_ends_no_process(folder: Path, sandbox: Sandbox) -> None:
    folder.mkdir()
    known = {"endpoint": sandbox.endpoint, "pid": os.getpid(), "instance": sandbox.instance}
    state.state_file(folder).write_text(json.dumps(known))
    state.server_lock(folder).write_text(str(os.getpid()))

    assert server.status(folder) is None
    assert not server.down(folder)
    assert not state.state_file(folder).exists()


@pytest.mark.parametrize("altered", [{"pid": os.getpid()}, {"instance": "another"}])
def test_a_running_one_with_another_state_file_is_named_and_not_ended(
    running: Path, altered: dict[str, object]
) -> None:
    sandbox = server.up(running)
    genuine = state.state_file(running).read_text()
    state.state_file(running).write_text(json.dumps(json.loads(genuine) | altered))

    with pytest.raises(SandboxError, match=f"End process {sandbox.pid}"):
        server.down(running)
    state.state_file(running).write_text(genuine)
    assert server.status(running) == sandbox


def test_one_that_hangs_is_named_and_not_doubled(running: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sandbox = server.up(running)
    os.kill(sandbox.pid, signal.SIGSTOP)
    monkeypatch.setattr(connection, "DEADLINE", 0.1)

    with pytest.raises(SandboxError, match=f"End process {sandbox.pid}"):
        server.up(running)
    os.kill(sandbox.pid, signal.SIGCONT)


def test_one_that_does_not_start_shows_the_end_of_its_log(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONHOME", "/nowhere")

    with pytest.raises(SandboxError, match="No module named 'encodings'"):
        server.up(folder)
    assert server.status(folder) is None


def test_a_folder_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SandboxError, match="XACCT_SANDBOX_DIR"):
        server.up(tmp_path / "file" / "sandbox")


def test_a_sandbox_that_is_not_there_cannot_be_reset(folder: Path) -> None:
    with pytest.raises(SandboxError, match="xacct-nb sandbox up"):
        server.reset(folder)


def test_a_throw_away_sandbox_is_removed_after_its_block() -> None:
    with server.throw_away() as sandbox:
        assert _runs(sandbox.pid)

    assert not _runs(sandbox.pid)
    assert not sandbox.folder.exists()


def test_a_throw_away_sandbox_is_removed_when_its_parent_is_killed() -> None:
    command = [sys.executable, "-c", THROW_AWAY]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout
        pid, folder = parent.stdout.readline().split()
        parent.kill()

    assert wait_until(lambda: not _runs(int(pid)) and not Path(folder).exists())


def test_the_folder_is_chosen_by_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("XACCT_SANDBOX_DIR", raising=False)
    monkeypatch.delenv("XDG_STATE_HOME", raising=False)
    monkeypatch.setenv("HOME", "/home/ann")
    assert state.default_folder() == Path("/home/ann/.local/state/xacct-nb/sandbox")

    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert state.default_folder() == Path("/state/xacct-nb/sandbox")

    monkeypatch.setenv("XACCT_SANDBOX_DIR", "/elsewhere")
    assert state.default_folder() == Path("/elsewhere")


def test_it_says_where_it_is_as_json() -> None:
    sandbox = state.sandbox_in(Path("/s"), endpoint="http://127.0.0.1:4000", pid=7, instance="abc", token="t")

    assert sandbox.to_json() == {
        "endpoint": "http://127.0.0.1:4000",
        "config_file": "/s/config",
        "credentials_file": "/s/credentials",
        "pid": 7,
    }


OF_PAGES = {
    "Host": [
        "rebound.example",
        "127.0.0.1.rebound.example",
        "2130706433",
        "0.0.0.0",
        "[::1]",
        "localhost.example",
        "127.0.0.1:80@example.com",
        "localhost:x",
    ],
    "Origin": ["https://page.example", "null", "http://127.0.0.1:8888"],
    "Referer": ["https://page.example/a"],
    "Cookie": ["a=b"],
    "Sec-Fetch-Site": ["same-origin", "none"],
    "Sec-Fetch-Mode": ["no-cors"],
    "Sec-CH-UA": ['"Chromium";v="140"'],
    "Accept": ["text/html,*/*", "image/avif,image/webp,*/*;q=0.8", "text/css,*/*;q=0.1", "text/event-stream"],
    "User-Agent": ["Mozilla/5.0 (X11; Linux x86_64)"],
}


@pytest.mark.parametrize(
    ("name", "value"), [(name, each) for name, values in OF_PAGES.items() for each in values]
)
def test_web_pages_are_refused_even_with_the_token(sandbox: Sandbox, name: str, value: str) -> None:
    headers = {TOKEN_HEADER: sandbox.token, name: value}
    request = urllib.request.Request(f"{sandbox.endpoint}/_ministack/reset", method="POST", headers=headers)

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


@pytest.mark.parametrize("method", ["OPTIONS", "TRACE", "CONNECT"])
def test_the_methods_of_browsers_and_proxies_are_refused(sandbox: Sandbox, method: str) -> None:
    headers = {TOKEN_HEADER: sandbox.token}
    request = urllib.request.Request(f"{sandbox.endpoint}/_xacct/identity", method=method, headers=headers)

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


OWN = ["/_xacct/identity", "/_xacct/faults", "/_xacct/organization", "/_xacct/quotas", "/_ministack/reset"]


@pytest.mark.parametrize("token", ["", "0" * 64, None])
@pytest.mark.parametrize("path", [*OWN, "/_ministack/config", "/_localstack/health", "/_aws/lambda-url/x/"])
def test_its_own_paths_need_the_token(sandbox: Sandbox, path: str, token: str | None) -> None:
    headers = {} if token is None else {TOKEN_HEADER: token}
    request = urllib.request.Request(f"{sandbox.endpoint}{path}", method="POST", headers=headers)

    with pytest.raises(urllib.error.HTTPError, match="403"):
        urllib.request.urlopen(request)


def test_only_the_paths_that_it_needs_are_served_with_the_token(sandbox: Sandbox) -> None:
    headers = {TOKEN_HEADER: sandbox.token}
    for path in (
        "/_ministack/config",
        "/_ministack/health",
        "/_localstack/health",
        "/_ministack/sns/sms-messages",
    ):
        with pytest.raises(urllib.error.HTTPError, match="403"):
            urllib.request.urlopen(urllib.request.Request(sandbox.endpoint + path, headers=headers))


def test_its_token_is_in_its_state_file_only(running: Path) -> None:
    sandbox = server.up(running)
    command = psutil.Process(sandbox.pid).cmdline()

    assert [
        path.name for path in running.rglob("*") if path.is_file() and sandbox.token in path.read_text()
    ] == ["sandbox.json"]
    assert sandbox.token not in " ".join(command) + repr(sandbox) + json.dumps(sandbox.to_json())


def test_one_of_a_version_without_tokens_is_ended_and_another_starts(folder: Path) -> None:
    folder.mkdir()
    older = subprocess.Popen([sys.executable, "-c", OLDER, str(folder)], start_new_session=True)
    wait_until(state.state_file(folder).exists)
    newer = server.up(folder)

    assert older.wait(10) == -signal.SIGTERM
    assert newer.token


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:4566", "reports.localhost:80"])
def test_names_of_this_machine_are_answered(sandbox: Sandbox, host: str) -> None:
    headers = {"Host": host, TOKEN_HEADER: sandbox.token}
    request = urllib.request.Request(f"{sandbox.endpoint}/_xacct/identity", headers=headers)
    with urllib.request.urlopen(request) as answer:
        identity = json.load(answer)

    assert identity == {"instance": sandbox.instance, "pid": sandbox.pid}


def _listening(pid: int) -> list[str]:
    sockets = psutil.Process(pid).net_connections("all")
    return [f"{s.laddr.ip}:{s.laddr.port}" for s in sockets if s.status == psutil.CONN_LISTEN]


def _runs(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_with_another_ministack_it_does_not_start_and_names_the_fix(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    install_metadata(tmp_path / "packages", "1.5.99")
    monkeypatch.syspath_prepend(tmp_path / "packages")

    with pytest.raises(SandboxError, match=r"does not start with MiniStack 1\.5\.99") as refusal:
        server.up(folder)
    assert refusal.value.hint == f"Install that version: pip install 'ministack=={VERSION}'"
    assert server.status(folder) is None


def test_without_ministack_it_says_what_to_install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [])

    with pytest.raises(SandboxError, match="not installed") as refusal:
        server.up(folder)
    assert refusal.value.hint == "Install it: pip install 'xacct-nb[sandbox]'"


def install_metadata(folder: Path, version: str) -> None:
    """Let a folder of packages say that it has this version of MiniStack."""
    metadata = folder / f"ministack-{version}.dist-info" / "METADATA"
    metadata.parent.mkdir(parents=True)
    metadata.write_text(f"Metadata-Version: 2.1\nName: ministack\nVersion: {version}\n")
