"""The fixtures `aws_world`, `can` and `decides`. Only a test that uses one loads the sandbox."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from xacct_nb.workshop.testing.asking import AccessAnswer
    from xacct_nb.workshop.testing.two_accounts import TwoAccounts

_ASKED = pytest.StashKey["list[AccessAnswer]"]()


@pytest.fixture
def aws_world(
    request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TwoAccounts]:
    """Two new AWS accounts with users, roles and buckets; every AWS client of the test leads there."""
    folder = tmp_path_factory.mktemp("aws_world")
    folder.chmod(0o700)
    opened = _open(folder, monkeypatch)
    world = next(opened)
    request.node.stash.setdefault(_ASKED, [])
    yield world
    opened.close()


@pytest.fixture
def can(request: pytest.FixtureRequest, aws_world: TwoAccounts) -> Callable[..., AccessAnswer]:
    """Ask AWS: can("alice", "sts:AssumeRole", role_arn), with condition keys or parameters by name."""
    from xacct_nb.workshop.testing.asking import ask_aws

    def ask(principal: str, action: str, resource: str = "*", **context: Any) -> AccessAnswer:
        return _noted(request, ask_aws(aws_world, principal, action, resource, **context))

    return ask


@pytest.fixture
def decides(request: pytest.FixtureRequest) -> Callable[..., AccessAnswer]:
    """Evaluate policies as they are given, with the arguments of `xacct_nb.evaluate`; no AWS is asked."""
    from xacct_nb.workshop.testing.asking import ask_evaluation

    def decide(principal: str, action: str, resource: str, **policies: Any) -> AccessAnswer:
        return _noted(request, ask_evaluation(principal, action, resource, **policies))

    return decide


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show in the report of a failed test what was asked, and what the last answer comes from."""
    report = yield
    asked = item.stash.get(_ASKED, [])
    if report.when == "call" and report.failed and asked:
        lines = [*map(repr, asked[:-1]), asked[-1].explanation()]
        report.sections.append(("Who can do what, as it was asked", "\n".join(lines)))
    return report


def _noted(request: pytest.FixtureRequest, asked: AccessAnswer) -> AccessAnswer:
    request.node.stash.setdefault(_ASKED, []).append(asked)
    return asked


def _open(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Generator[TwoAccounts, None, None]:
    from xacct_nb.errors import SandboxError
    from xacct_nb.workshop.testing.two_accounts import confined, open_aws_world, variables

    try:
        world = open_aws_world(folder)
    except SandboxError as problem:
        pytest.fail(str(problem), pytrace=False)
    wanted, unset = variables(world)
    for name in unset:
        monkeypatch.delenv(name)
    for name, value in wanted.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr("boto3.DEFAULT_SESSION", None)
    with confined(world):
        yield world
