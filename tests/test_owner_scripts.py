"""The script for an owner without this toolkit makes their side with the real AWS CLI, and removes it."""

from collections.abc import Callable
from pathlib import Path

import pytest

from support.examples import grant_in, plan_of, sessions_in
from support.owner_scripts import OwnerDesk, aws_cli
from xacct_nb.aws.probes import prove
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.sandbox.server.accounts import World

EXTERNAL_ID = "agreed-on=7,@:/x"
OwnerDesks = dict[str, OwnerDesk]
__all__ = ["aws_cli"]


@pytest.fixture
def desks(world: World, aws_cli: Path, tmp_path: Path) -> OwnerDesks:
    """The shells of both owners."""
    return {
        side: OwnerDesk(world, f"{side}-admin", aws_cli, tmp_path / side)
        for side in ("destination", "source")
    }


def run_both(desks: OwnerDesks, text_of: Callable[..., str], grant: Grant, times: int = 1) -> None:
    for side, desk in desks.items():
        for _ in range(times):
            done = desk.run(text_of(build(grant), side, "commands"), XACCT_EXTERNAL_ID=EXTERNAL_ID)
            assert (done.returncode, done.stderr) == (0, ""), done
            assert EXTERNAL_ID not in done.stdout
        assert [each.name for each in desk.folder.iterdir()] == ["script.sh"]


def test_both_scripts_run_twice_make_the_grant_and_the_other_two_remove_it(
    world: World, desks: OwnerDesks
) -> None:
    grant = grant_in(world, conditions={"external_id": EXTERNAL_ID}, session_minutes=90)
    sessions = sessions_in(world, grant)

    run_both(desks, hand_over, grant, times=2)

    assert not plan_of(grant, sessions).changes
    assert prove(grant, sessions).holds

    run_both(desks, take_back, grant, times=2)

    assert all(change.sign == "+" for change in plan_of(grant, sessions).changes)
