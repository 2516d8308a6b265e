"""A fleet in which others own accounts: one request per owner, one answer, and the proof of all."""

import json
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.examples import an_account
from support.fleet_world import LISTS_USERS, ROLE
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.errors import InvalidGrant, InvalidHandoff
from xacct_nb.fleets.expansion import expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.handoff.answer import CHANGED, MADE, HandoffAnswer, MadeResource, answer_to
from xacct_nb.handoff.fleet_request import (
    FleetRequest,
    check_fleet_answer,
    parse_fleet_request,
    request_to_owner,
)
from xacct_nb.handoff.request import parse_request
from xacct_nb.records.model import Record
from xacct_nb.runs.handoff.fleet_requests import (
    accept_fleet_answer,
    owners_parts,
    requests_for_fleet_file,
    write_fleet_requests,
)
from xacct_nb.runs.handoff.showing import show_handoff
from xacct_nb.runs.handoff.writing import refuse_request
from xacct_nb.runs.loading import load_fleet
from xacct_nb.runs.sandboxes import add_accounts, add_member_accounts
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.storage.ledger import verify_records

sandbox = in_process_sandbox
ALICE = "arn:aws:iam::111111111111:user/alice"
ACCOUNTS = ["222222222222", "333333333333", "444444444444", "555555555555"]
OWNERS = {"partner-a": ["333333333333", "444444444444"], "partner-b": ["555555555555"]}
READS = {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::logs-{account}/*"]}
SECRET = "an-external-id-of-two-owners-4711"
WHEN = {"made": "2026-11-24T10:15:00Z", "expires": "2026-12-01T10:15:00Z", "nonce": "0" * 32}


def a_fleet(**more: Any) -> Fleet:
    readers = {"name": "readers", "sources": [ALICE], "accounts": ACCOUNTS, "role": ROLE}
    auditors = {"name": "auditors", "sources": [ALICE], "accounts": ACCOUNTS[:2], "role": "auditor"}
    grants = [readers | {"permissions": [READS], "accept": ["x-code"]}, auditors]
    return Fleet(**{"name": "logs", "grants": grants, "owners": OWNERS, **more})


def a_request(owner: str = "partner-a") -> FleetRequest:
    return request_to_owner(a_fleet(), owner, why="Logs", **WHEN)


class TestDeclaration:
    def test_accounts_of_others_have_no_slice_of_ones_own(self) -> None:
        expanded = expand(a_fleet())
        own = {each.account for each in expanded.slices if each.side == "destination"}
        caller = next(each for each in expanded.slices if each.side == "source").grant

        assert own == {"222222222222"}
        assert [each.key[::2] for each in expanded.handed_over] == [
            ("readers", "333333333333"),
            ("auditors", "333333333333"),
            ("readers", "444444444444"),
            ("readers", "555555555555"),
        ]
        assert len(caller.destinations) == 4

    @pytest.mark.parametrize(
        ("owners", "said"),
        [
            ({"partner-a": ["999999999999"]}, "has account 999999999999, which no grant lists"),
            ({"a": ACCOUNTS[:1], "b": ACCOUNTS[:1]}, "or which two owners have"),
            ({"../a": ACCOUNTS[:1]}, "is not the name of an owner"),
        ],
    )
    def test_owners_that_do_not_fit_are_refused(self, owners: dict[str, list[str]], said: str) -> None:
        with pytest.raises(InvalidGrant) as problem:
            a_fleet(owners=owners)

        assert said in problem.value.what

    def test_it_goes_to_json_and_back(self) -> None:
        assert Fleet(**a_fleet().to_json()) == a_fleet()


class TestRequest:
    def test_one_request_has_all_grants_and_accounts_of_an_owner_with_the_exact_policies(self) -> None:
        request = a_request()

        assert list(request.roles) == [
            f"arn:aws:iam::333333333333:role/{ROLE}",
            "arn:aws:iam::333333333333:role/auditor",
            f"arn:aws:iam::444444444444:role/{ROLE}",
        ]
        assert sorted(request.policies["trust_policies"]) == sorted(request.roles)
        assert "arn:aws:s3:::logs-444444444444/*" in json.dumps(request.policies["permissions_policies"])
        assert "222222222222" not in json.dumps(request.to_json())
        assert "x-code" not in json.dumps(request.to_json())
        assert parse_fleet_request(json.loads(json.dumps(request.to_json()))) == request

    @pytest.mark.parametrize(
        ("field", "value"),
        [
            ("why", "Something else"),
            ("grants", [{"name": "readers", "sources": [ALICE], "accounts": ACCOUNTS, "role": "admin"}]),
            ("policies", {}),
        ],
    )
    def test_a_request_that_was_changed_is_refused(self, field: str, value: Any) -> None:
        with pytest.raises(InvalidHandoff) as problem:
            parse_fleet_request(a_request().to_json() | {field: value})

        assert problem.value.code == "handoff-tampered"

    def test_each_owner_decides_what_they_accept_and_which_accounts_are_meant(self) -> None:
        for name, value in {"accept": ["wildcard-resource"], "tags": {"a": "b"}}.items():
            content = a_request().to_json()
            content["grants"] = [{**content["grants"][0], name: value}]
            with pytest.raises(InvalidHandoff, match="which the other owner decides"):
                parse_fleet_request(content)

    def test_nobody_is_asked_for_a_grant_that_has_ended(self) -> None:
        readers, _ = a_fleet().to_json()["grants"]
        ended = a_fleet(grants=[readers | {"expires": "2026-11-01"}])

        with pytest.raises(InvalidGrant) as problem:
            request_to_owner(ended, "partner-a", **WHEN)

        assert problem.value.what == "expires: the grant 'readers' ended at 2026-11-01 00:00 UTC."
        assert "xacct-nb run grant_a_fleet" in problem.value.hint

    def test_it_is_no_request_for_one_grant(self) -> None:
        with pytest.raises(InvalidHandoff, match="is not a hand-over request"):
            parse_request(a_request().to_json())


def an_answer(request: FleetRequest, **more: Any) -> HandoffAnswer:
    roles = tuple(MadeResource(kind="role", target=each) for each in request.roles)
    return answer_to(request, MADE, **{"made": roles, "at": "2026-11-25T10:15:00Z", **more})


class TestAnswer:
    def test_the_answer_of_the_owner_is_taken(self) -> None:
        check_fleet_answer(a_request(), an_answer(a_request()))

    @pytest.mark.parametrize(
        ("more", "code"),
        [
            (
                {"made": (MadeResource(kind="role", target=f"arn:aws:iam::222222222222:role/{ROLE}"),)},
                "tampered",
            ),
            ({"accounts": ("222222222222",)}, "tampered"),
            ({"at": "2026-12-02T10:15:00Z"}, "late"),
        ],
    )
    def test_an_answer_beyond_the_request_is_refused(self, more: dict[str, Any], code: str) -> None:
        with pytest.raises(InvalidHandoff) as problem:
            check_fleet_answer(a_request(), an_answer(a_request(), **more))

        assert problem.value.code == f"handoff-{code}"

    def test_a_fleets_request_is_not_changed_by_its_answer(self) -> None:
        request = a_request()
        changed = answer_to(request, CHANGED, grant={"session_minutes": 30}, at="2026-11-25T10:15:00Z")

        with pytest.raises(InvalidHandoff):
            check_fleet_answer(request, changed)


@pytest.fixture
def ada(desk: Desk) -> Desk:
    """She owns the source account, and one of the destination accounts."""
    return Desk(desk.world, desk.records, in_process=True)


@pytest.fixture
def ben(sandbox: Sandbox, tmp_path: Path) -> Desk:
    """He owns other accounts, and shares no profile with her."""
    (tmp_path / "ben").mkdir()
    world = add_accounts(sandbox, an_account(), an_account(), tmp_path / "ben")
    return Desk(world, tmp_path / "ben" / "records", in_process=True)


@pytest.fixture
def members(sandbox: Sandbox, ben: Desk) -> list[str]:
    """Ben's accounts, into which only his own hub can go."""
    found = [an_account(), an_account()]
    add_member_accounts(sandbox, found, ben.world.destination)
    return found


@pytest.fixture
def fleet_file(tmp_path: Path, ada: Desk, members: list[str]) -> Path:
    alice = f"arn:aws:iam::{ada.world.source}:user/alice"
    of_all = {"sources": [alice], "accounts": [ada.world.destination, *members]}
    readers = {"name": "readers", "role": ROLE, "permissions": [LISTS_USERS], "accept": ["wildcard-resource"]}
    readers |= {"conditions": {"external_id": "env:HERS"}}
    listers = {"name": "listers", "role": "lister", "accounts": members[:1], "sources": [alice]}
    listers |= {"permissions": [{"actions": ["iam:ListRoles"], "resources": ["*"]}]}
    grants = [of_all | readers, {**listers, "accept": ["wildcard-resource"]}]
    file = tmp_path / "fleet.json"
    file.write_text(json.dumps({"name": "lists", "grants": grants, "owners": {"ben": members}}))
    return file


def as_owner(owner: Desk, patch: pytest.MonkeyPatch) -> None:
    """Let this process have the AWS files of one owner, and no other's."""
    patch.setenv("AWS_CONFIG_FILE", str(owner.world.config_file))
    patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(owner.world.credentials_file))
    patch.setenv("HERS", SECRET)
    patch.setenv("HIS", SECRET)


def act(owner: Desk, file: Path, **more: Any) -> Record:
    return run_of(owner, "grant_a_fleet", fleet=str(file), **more)


def run_of(owner: Desk, notebook: str, **more: Any) -> Record:
    profiles = {
        "source_profiles": ["source-admin"],
        "destination_profiles": ["destination-admin"],
        "caller_profiles": ["alice"],
    }
    around = {"allow_references": ["env:HERS"], "patience_seconds": 1, "sandbox": False}
    return owner.run(notebook, **{**around, **profiles, **more}).record


def approved(owner: Desk, file: Path, **more: Any) -> Record:
    plan = act(owner, file, **more).plan
    assert plan
    return act(owner, file, approve=plan.digest, **more)


def summary(record: Record) -> str:
    assert record.fleet, record.error
    assert record.fleet.result, record.error
    return record.fleet.result.summary


def test_from_a_fleet_of_two_owners_to_a_whole_proof_with_two_files(
    ada: Desk, ben: Desk, members: list[str], fleet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_owner(ada, monkeypatch)
    first = approved(ada, fleet_file)
    assert (first.status, summary(first)) == ("not-proven", "Fleet: 1 of 4 roles proven, 3 handed-over.")
    assert first.error
    assert "It is ben's account. They were not asked yet." in first.error.why
    assert {each.account for each in first.who} == {ada.world.source, ada.world.destination}

    (sent,) = write_fleet_requests(
        fleet_file, out=str(ben.records.parent), records=ada.records, references=("env:HERS",)
    ).sent
    waits = run_of(ada, "prove_many", fleet=str(fleet_file))
    assert (waits.status, summary(waits)) == ("not-proven", "Fleet: 1 of 4 roles proven, 3 handed-over.")
    assert sent.file
    assert sent.file.name == "lists-ben.request.json"
    assert waits.error
    assert f"asked by lists-ben.request.json ({sent.value.digest[:8]})" in waits.error.why

    as_owner(ben, monkeypatch)
    refused = act(ben, sent.file, accept=[], external_id="env:HIS").plan
    assert refused
    assert refused.unaccepted == ("wildcard-resource",)
    made = approved(ben, sent.file, accept=["wildcard-resource"], external_id="env:HIS")
    assert (made.status, summary(made)) == (
        "not-proven", "Fleet: 3 of 3 roles made; who asked for them proves them.",
    )  # fmt: skip
    assert {each.account for each in made.who} == {ben.world.destination}
    answer = sent.file.with_name("lists-ben.answer.json")
    assert show_handoff(str(sent.file), ben.records).state.state == "answered"  # type: ignore[union-attr]

    as_owner(ada, monkeypatch)
    part = accept_fleet_answer(str(answer), records=ada.records)
    assert part
    assert "3 of 3 roles of ben are there." in str(part)
    done = act(ada, fleet_file)
    assert (done.status, summary(done)) == ("no-change", "Fleet: 4 of 4 roles proven.")
    assert {each.account for each in done.who} == {ada.world.source, ada.world.destination}
    assert summary(run_of(ada, "prove_many", fleet=str(fleet_file))) == "Fleet: 4 of 4 roles proven."
    past = run_of(ada, "prove_many", records_of=["all"])
    assert summary(past) == "Fleet: 1 of 4 roles proven, 3 not-asked."
    assert past.error
    assert "It is ben's account." in past.error.why

    written = [each for each in (*ada.records.rglob("*"), *ben.records.parent.rglob("*")) if each.is_file()]
    assert [each.name for each in written if SECRET in each.read_text(errors="replace")] == []

    as_owner(ben, monkeypatch)
    assert "unreadable" not in summary(run_of(ben, "prove_many", records_of=[made.id]))
    assert ben.rolled_back(record=made.id).record.status == "succeeded"
    as_owner(ada, monkeypatch)
    gone = act(ada, fleet_file)
    assert (gone.status, summary(gone)) == ("proof-failed", "Fleet: 1 of 4 roles proven, 3 proof-failed.")
    assert verify_records(ada.records) == verify_records(ben.records) == []


def test_how_far_the_request_is_stands_with_its_accounts(
    ada: Desk, members: list[str], fleet_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    as_owner(ada, monkeypatch)
    fleet = load_fleet(fleet_file, allow_references=("env:HERS",))
    assert owners_parts(fleet, ada.records)["ben"].why == "They were not asked yet."

    (sent,) = write_fleet_requests(
        fleet_file, out=str(fleet_file.parent), records=ada.records, references=("env:HERS",)
    ).sent
    assert owners_parts(fleet, ada.records)["ben"].why == "It waits for its answer."

    narrower = Fleet(**{**fleet.to_json(), "owners": {"ben": members[:1]}})
    assert "The fleet has changed since" in owners_parts(narrower, ada.records)["ben"].why

    answer = refuse_request(str(sent.file), "Not these roles", records=fleet_file.parent / "ben-records")
    with pytest.raises(InvalidHandoff, match="ben refused the request"):
        accept_fleet_answer(str(answer.file), records=ada.records)
    assert owners_parts(fleet, ada.records)["ben"].why == "It waits for its answer."


def test_a_file_without_owners_has_nobody_to_ask(
    fleet_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERS", SECRET)
    content = json.loads(fleet_file.read_text())
    fleet_file.write_text(json.dumps(content | {"owners": {}}))

    with pytest.raises(InvalidHandoff, match="has no accounts of other owners"):
        requests_for_fleet_file(fleet_file, side="destination", records=tmp_path, references=("env:HERS",))
