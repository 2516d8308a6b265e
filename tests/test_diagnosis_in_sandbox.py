"""Each cause that the sandbox can produce denies a request for real, ranks first, and is fixed."""

from collections.abc import Iterator

import pytest

from support.denial_stage import Broken, Stage
from support.denied_assume_role import TABLE
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import behave
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox


@pytest.fixture
def stage(world: World, sandbox: Sandbox) -> Iterator[Stage]:
    yield Stage(world, sandbox=sandbox)
    behave(sandbox)


@pytest.fixture(params=TABLE, ids=str)
def broken(request: pytest.FixtureRequest) -> Broken:
    return request.param


def test_the_access_works_before_a_fault_is_made(stage: Stage) -> None:
    assert stage.try_it().allowed


def test_the_cause_ranks_first_and_with_its_fix_the_same_request_succeeds(
    stage: Stage, broken: Broken
) -> None:
    broken.break_it(stage)
    tried = stage.try_it()
    found = stage.diagnosis(tried, "source", "destination")
    from_here = stage.diagnosis(tried, "source")

    assert not tried.allowed
    assert found.causes[0].code == broken.code, found
    assert broken.side in ("", found.causes[0].side)
    assert broken.code in (from_here.causes[0].code, *from_here.indistinguishable_causes), from_here

    (broken.mend or (lambda on: on.apply_fix(found.causes[0])))(stage)
    again = stage.try_it()

    assert again.allowed, (again.denial.text, found.causes[0].commands)
