"""A sandbox for the session, and accounts of its own for every test that asks."""

import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from support.desk import Desk
from support.examples import an_account
from support.kernel_server import KernelServer
from support.order import place_of
from support.quick_clients import make_once
from xacct_nb.aws import retries, trail_reader
from xacct_nb.runs import confinement, runner, startup
from xacct_nb.runs.sandboxes import add_accounts, throw_away_sandbox
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

# What the tests allocate mostly stays, as AWS's models do. To look for garbage takes a sixth of their time.
gc.set_threshold(100_000, 50, 50)

# jsonschema's optional check of IRIs costs every process of the tests 1.4 s, and nothing here holds an IRI.
sys.modules.setdefault("rfc3987_syntax", None)  # type: ignore[arg-type]

# Where tests run side by side, each process is told a width of terminal, which the commands would keep.
os.environ.pop("COLUMNS", None)

# A machine that does other work too is slow now and then; what a property says does not depend on it.
PATIENT = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("usual", PATIENT, max_examples=40)
settings.register_profile("exhaustive", PATIENT, max_examples=400)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--exhaustive", action="store_true", help="Also the tests that take many minutes.")


def pytest_configure(config: pytest.Config) -> None:
    settings.load_profile("exhaustive" if config.getoption("--exhaustive") else "usual")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what takes many minutes unless --exhaustive is given, and begin with what takes longest."""
    if not config.getoption("--exhaustive"):
        items[:] = [item for item in items if not item.get_closest_marker("exhaustive")]
    items.sort(key=lambda item: place_of(item.path))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> object:
    from support.scheduling import FileByFile

    return FileByFile(config, log)


@pytest.fixture(scope="session")
def exhaustive(request: pytest.FixtureRequest) -> bool:
    """Whether the tests may take many minutes."""
    return bool(request.config.getoption("--exhaustive"))


@pytest.fixture(autouse=True)
def no_secrets_of_other_tests() -> None:
    """A worker knows the secrets of thousands of accounts after a while, which every run would search for."""
    capture = sys.modules.get("xacct_nb.aws.credential_capture")
    if capture:
        capture._KNOWN.clear()


@pytest.fixture(scope="module", autouse=True)
def no_runs_of_other_files() -> None:
    capture = sys.modules.get("xacct_nb.aws.credential_capture")
    if capture:
        capture._LISTENERS.clear()


@pytest.fixture(scope="session", autouse=True)
def short_pauses() -> Iterator[None]:
    """boto3 retries as often as ever, without its pauses of seconds."""
    standard, legacy = "botocore.retries.standard.ExponentialBackoff", "botocore.retryhandler"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(f"{standard}.delay_amount", lambda self, context: 0.02)
        patch.setattr(f"{legacy}.delay_exponential", lambda base, growth_factor, attempts: 0.02)
        patch.setattr(retries, "backoff", lambda retry: 0.02)
        patch.setattr(trail_reader.PACE, "pause", 0.0)
        yield


@pytest.fixture(scope="session", autouse=True)
def quick_clients() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_once(patch.setattr)
        yield


@pytest.fixture(scope="session")
def served_sandbox() -> Iterator[Sandbox]:
    """One server for all tests of this process."""
    with throw_away_sandbox() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def sandbox(served_sandbox: Sandbox) -> Sandbox:
    """The server, unless a test file has the line `sandbox = in_process_sandbox`, which spares the HTTP."""
    return served_sandbox


@pytest.fixture(scope="session", autouse=True)
def forked_kernels() -> Iterator[None]:
    """A run in the test process gets its kernel from a server; a command in its own process starts one."""
    server = KernelServer()
    with pytest.MonkeyPatch.context() as patch:
        for module in (runner, startup) if sys.platform == "linux" else ():
            patch.setattr(module, "PreparedKernel", server.prepare)
        yield
    server.close()


@pytest.fixture(autouse=True)
def leave_the_sandbox() -> Iterator[None]:
    """A run in the test's own process keeps to the sandbox until the test ends, as in a kernel."""
    yield
    confinement.leave_sandbox()


@pytest.fixture
def world(sandbox: Sandbox, tmp_path: Path) -> World:
    """Two accounts that no other test has, with their AWS files in `tmp_path`."""
    return add_accounts(sandbox, an_account(), an_account(), tmp_path)


@pytest.fixture
def desk(world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """Notebooks that act on these two accounts as they do on AWS itself, and a records folder."""
    monkeypatch.setenv("AWS_CONFIG_FILE", str(world.config_file))
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))
    return Desk(world, tmp_path / "records")
