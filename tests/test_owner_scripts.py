"""The script for an owner without this toolkit makes their side with the real AWS CLI, and removes it."""

from pathlib import Path

from support.examples import grant_in, plan_of, sessions_in
from support.owner_scripts import run_script
from xacct_nb.aws.probes import prove
from xacct_nb.grants.documents import build
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.sandbox.server.accounts import World

EXTERNAL_ID = "agreed-on=7,@:/x"


def test_both_scripts_run_twice_make_the_grant_and_the_other_two_remove_it(
    world: World, tmp_path: Path
) -> None:
    grant = grant_in(world, conditions={"external_id": EXTERNAL_ID}, session_minutes=90)
    sessions, folder = sessions_in(world, grant), tmp_path / "folder"
    sides = {"destination": "destination-admin", "source": "source-admin"}
    variables = {"XACCT_EXTERNAL_ID": EXTERNAL_ID}
    for side, profile in sides.items():
        text = hand_over(build(grant), side, "commands")
        assert EXTERNAL_ID not in text
        for _ in range(2):
            done = run_script(text, world, profile, folder, **variables)
            assert (done.returncode, done.stderr) == (0, ""), done

    assert not plan_of(grant, sessions).changes
    assert prove(grant, sessions).holds

    for side, profile in sides.items():
        for _ in range(2):
            done = run_script(take_back(build(grant), side, "commands"), world, profile, folder)
            assert (done.returncode, done.stderr) == (0, ""), done

    assert all(change.sign == "+" for change in plan_of(grant, sessions).changes)
    assert [each.name for each in folder.iterdir()] == ["script.sh"]
