"""Two owners who each know one account come to a proven grant with two files, by the commands."""

import shutil
from pathlib import Path

import pytest

from support.two_owners import Owner, owner
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.ledger import read_record, verify_records


@pytest.fixture
def ada(tmp_path: Path, world: World) -> Owner:
    """She owns the source account, and alice's profile is hers too."""
    return owner(tmp_path / "ada", world, "source-admin", "alice", "mallory")


@pytest.fixture
def ben(tmp_path: Path, world: World) -> Owner:
    """He owns the destination account."""
    return owner(tmp_path / "ben", world, "destination-admin")


def send(sender: Owner, name: str, receiver: Owner) -> str:
    shutil.copy(sender.folder / name, receiver.folder / name)
    return name


def test_from_nothing_to_a_proven_grant_with_two_files(world: World, ada: Owner, ben: Owner) -> None:
    secret = "vendor-1234567"
    file = ada.grant_file(world, conditions={"external_id": "env:VENDOR"})
    code, asked = ada.does(
        "request", "-f", file, "--why", f"as {secret}", "--allow-reference", "env:VENDOR", VENDOR=secret
    )
    assert (code, secret in (ada.folder / "reports.request.json").read_text()) == (0, False)

    request = send(ada, "reports.request.json", ben)
    known = ("--external-id", "file:vendor.txt")
    (ben.folder / "vendor.txt").write_text(f"{secret}\n")
    code, planned = ben.acts("answer", request, *known)
    assert (code, planned["status"], planned["answer"]) == (0, "planned", "")
    code, made = ben.acts("answer", request, *known, "--approve", planned["digest"])
    assert made["handoff"]["decision"] == "made", made
    assert Path(made["answer"]).name == "reports.answer.json"
    assert ben.does("show", request)[1]["handoff"]["state"] == "answered"

    answer = send(ben, "reports.answer.json", ada)
    mine = ("--caller-profile", "alice", "--caller-profile", "mallory", "--external-id", "env:VENDOR")
    assert ada.does("show", request)[1]["handoff"]["state"] == "open"
    code, planned = ada.acts("accept", answer, *mine, VENDOR=secret)
    assert (code, planned["status"]) == (0, "planned"), planned
    code, done = ada.acts("accept", answer, *mine, "--approve", planned["digest"], VENDOR=secret)
    assert (code, done["status"], done["handoff"]["state"]) == (0, "succeeded", "proven"), done
    assert ada.does("show", answer)[1]["handoff"]["state"] == "proven"

    code, again = ada.acts("accept", answer, *mine, VENDOR=secret)
    assert (code, again["error"]["code"]) == (2, "handoff-replayed")

    hers, his = (read_record(Path(each["record"]).parent, Path(each["record"]).name) for each in (done, made))
    assert hers.handoff is not None
    assert his.handoff is not None
    assert (hers.handoff.request, hers.handoff.answer) == (his.handoff.request, his.handoff.answer)
    assert hers.handoff.request == asked["digest"]
    assert hers.handoff.other == his.id
    assert hers.proof is not None
    assert hers.proof.holds
    assert {each.account for each in hers.who} == {world.source}
    assert {each.account for each in his.who} == {world.destination}
    assert verify_records(ada.folder / "records") == verify_records(ben.folder / "records") == []
    written = [path for each in (ada, ben) for path in each.folder.rglob("*") if path.is_file()]
    assert [each.name for each in written if secret.encode() in each.read_bytes()] == ["vendor.txt"]


def test_the_text_of_each_command_ends_with_what_to_do_next(world: World, ada: Owner, ben: Owner) -> None:
    asked = ada.says("request", "-f", ada.grant_file(world), "--of", "destination")
    request = send(ada, "reports.request.json", ben)
    shown, script = ben.says("show", request), ben.says("show", request, "--form", "commands")
    refused = ben.says("answer", request, "--refuse", "Not this bucket")
    answer = send(ben, "reports.answer.json", ada)

    assert "xacct-nb handoff answer reports.request.json --profile PROFILE" in asked[1]
    assert (ada.folder / "reports.request.html").exists()
    assert "Hand-over: open" in shown[1]
    assert script[1].startswith("#!/usr/bin/env bash")
    assert "xacct-nb handoff accept reports.answer.json" in refused[1]
    assert "Hand-over: refused" in ada.says("show", answer)[1]
    assert [each[0] for each in (asked, shown, script, refused)] == [0, 0, 0, 0]
    code, _, error = ada.says("accept", request)
    assert (code, error.partition(":")[0]) == (2, "invalid-handoff")
