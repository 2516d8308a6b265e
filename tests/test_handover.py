"""The hand-over as its notebook: each owner with a folder of their own and the profiles of one account."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.examples import grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from support.owner_runs import Party, answer_of, code, destination_owner, source_owner
from support.ssh_keys import a_key, needs_ssh_keygen, public
from xacct_nb.errors import XacctError
from xacct_nb.redaction.redact import fingerprint
from xacct_nb.runs.handoff.showing import show_form, show_handoff
from xacct_nb.runs.handoff.writing import refuse_request, write_request
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.handoff_files import read_handoff, write_handoff
from xacct_nb.storage.ledger import verify_records

sandbox = in_process_sandbox
SECRET = "vendor-1234567"


@pytest.fixture
def ada(tmp_path: Path, desk: Desk) -> Party:
    """She owns the source account."""
    return source_owner(tmp_path / "ada", desk)


@pytest.fixture
def ben(tmp_path: Path, desk: Desk) -> Party:
    """He owns the destination account."""
    return destination_owner(tmp_path / "ben", desk)


def one_object(world: World) -> str:
    return f"arn:aws:s3:::{world.bucket}/2026/summary.csv"


def changed_accounts(world: World, **fields: Any) -> set[str]:
    """The accounts in which something of the grant is missing."""
    grant = grant_in(world, **fields)
    return {each.account for each in plan_of(grant, sessions_in(world, grant)).changes}


class TestTheSourceOwnerAsks:
    def test_and_each_side_is_made_by_its_owner_and_proven(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ada.ask(world)
        made = ben.applied(request=request)
        assert (made.status, code(made)) == ("not-proven", "not-proven")
        assert changed_accounts(world) == {world.source}
        done = ada.applied(answer=answer_of(request))

        assert (done.status, done.handoff and done.handoff.state) == ("succeeded", "proven")
        assert changed_accounts(world) == set()
        assert {change.account for change in made.plan.changes} == {world.destination}  # type: ignore[union-attr]
        assert (ada.state(request), ben.state(request)) == ("proven", "answered")
        assert verify_records(ada.records) == verify_records(ben.records) == []

    def test_and_both_records_name_both_digests(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world)
        made = ben.applied(request=request)
        done = ada.applied(answer=answer_of(request))
        assert made.handoff is not None
        assert done.handoff is not None
        answer = read_handoff(answer_of(request))

        assert (made.handoff.request, made.handoff.answer) == (done.handoff.request, done.handoff.answer)
        assert (read_handoff(request).digest, answer.digest) == (made.handoff.request, made.handoff.answer)
        assert (done.handoff.other, answer.record) == (made.id, made.id)  # type: ignore[union-attr]
        assert made.handoff.answer in str(done)
        assert made.handoff.request in str(done)

    def test_and_each_undoes_their_own_side(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world)
        ben.applied(request=request)
        ada.applied(answer=answer_of(request))
        back = ben.desk.rolled_back(**ben.profiles).record
        assert (back.status, code(back)) == ("succeeded", "")
        assert changed_accounts(world) == {world.destination}

        assert ada.desk.rolled_back(**ada.profiles).record.status == "succeeded"
        assert changed_accounts(world) == {world.destination, world.source}

    def test_and_nothing_is_made_before_the_plan_is_approved(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ada.ask(world)
        planned = ben.run(request=request).record

        assert planned.status == "planned"
        assert not Path(answer_of(request)).exists()
        assert changed_accounts(world) == {world.destination, world.source}
        assert (ada.state(request), ben.state(request)) == ("open", "open")

    def test_and_an_approval_of_another_plan_changes_nothing(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        record = ben.run(request=ada.ask(world), approve="f" * 64).record

        assert (record.status, code(record)) == ("stale-plan", "stale-plan")
        assert changed_accounts(world) == {world.destination, world.source}


class TestTheDestinationOwnerAsks:
    def test_and_the_source_owner_s_proof_closes_it(self, world: World, ada: Party, ben: Party) -> None:
        request = ben.ask(world, "source")
        made = ada.applied(request=request)
        assert {change.account for change in made.plan.changes} == {world.source}  # type: ignore[union-attr]
        his = ben.applied(answer=answer_of(request))
        assert (his.status, his.handoff and his.handoff.state) == ("not-proven", "answered")
        assert ben.state(request) == "answered"

        proven = ada.run(request=request, proof_objects=[one_object(world)]).record
        assert (proven.status, proven.proof and proven.proof.holds) == ("no-change", True)
        closed = ben.run(answer=answer_of(request)).record
        assert (closed.status, closed.handoff and closed.handoff.state) == ("no-change", "proven")
        assert ben.state(request) == "proven"

    def test_and_a_proof_that_does_not_hold_yet_leaves_it_open(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ben.ask(world, "source")
        ada.applied(request=request)
        early = ada.run(request=request).record
        assert early.proof is not None
        assert not early.proof.holds

        his = ben.applied(answer=answer_of(request))
        assert his.handoff is not None
        assert his.handoff.state == "answered"


class TestAnExternalId:
    @pytest.fixture(autouse=True)
    def known(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("VENDOR", SECRET)
        monkeypatch.setenv("OTHER_VENDOR", "vendor-7654321")

    def test_is_given_by_each_owner_by_reference(
        self, world: World, ada: Party, ben: Party, tmp_path: Path
    ) -> None:
        request = ada.ask(world, conditions={"external_id": SECRET})
        (ada.folder / "grant.json").unlink()
        ben.applied(request=request, external_id="env:VENDOR", note=f"Made with {SECRET}.")
        done = ada.applied(answer=answer_of(request), external_id="env:VENDOR")

        assert (done.status, done.handoff and done.handoff.state) == ("succeeded", "proven"), done.error
        assert changed_accounts(world, conditions={"external_id": SECRET}) == set()
        written = [path for each in (ada, ben) for path in each.folder.rglob("*") if path.is_file()]
        assert [path for path in written if SECRET.encode() in path.read_bytes()] == []
        assert f"Made with {fingerprint(SECRET)}." in Path(answer_of(request)).read_text()

    def test_in_the_reason_of_a_refusal_is_not_sent(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world, conditions={"external_id": SECRET})
        ben.run(request=request, external_id="env:VENDOR", refuse=f"{SECRET} is too short.")

        assert f"{fingerprint(SECRET)} is too short." in Path(answer_of(request)).read_text()
        assert SECRET not in Path(answer_of(request)).read_text()

    def test_that_is_missing_or_another_one_stops_the_run(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world, conditions={"external_id": SECRET})

        assert code(ben.run(request=request).record) == "unresolved-secret"
        assert code(ben.run(request=request, external_id="env:OTHER_VENDOR").record) == "handoff-external-id"

    def test_is_not_needed_for_the_caller_policy(self, world: World, ada: Party, ben: Party) -> None:
        request = ben.ask(world, "source", conditions={"external_id": SECRET})

        assert ada.applied(request=request).status == "not-proven"


class TestAnAnswer:
    @pytest.fixture
    def request_file(self, world: World, ada: Party) -> str:
        return ada.ask(world)

    def test_that_refuses_closes_the_request_and_says_why(
        self, ada: Party, ben: Party, request_file: str
    ) -> None:
        refuse_request(request_file, "Not this bucket", records=ben.records)
        record = ada.run(answer=answer_of(request_file)).record

        assert (record.status, code(record)) == ("invalid-parameters", "handoff-refused")
        assert record.error is not None
        assert record.error.why == "Not this bucket"
        assert (ada.state(request_file), ben.state(request_file)) == ("refused", "refused")

    def test_that_refuses_in_the_notebook_changes_nothing(
        self, world: World, ada: Party, ben: Party, request_file: str
    ) -> None:
        record = ben.run(request=request_file, refuse="Not this bucket").record

        assert (record.status, record.handoff and record.handoff.decision) == ("planned", "refused")
        assert changed_accounts(world) == {world.source, world.destination}
        assert code(ben.run(request=request_file).record) == "handoff-replayed"
        assert code(ada.run(answer=answer_of(request_file)).record) == "handoff-refused"

    def test_that_refuses_what_is_made_already_is_not_written(self, ben: Party, request_file: str) -> None:
        ben.applied(request=request_file)

        with pytest.raises(XacctError) as problem:
            refuse_request(request_file, "Too late", records=ben.records)
        assert problem.value.code == "handoff-replayed"

    def test_that_changes_the_grant_must_be_agreed_to(
        self, world: World, ada: Party, ben: Party, request_file: str
    ) -> None:
        made = ben.applied(
            request=request_file, changes={"session_minutes": 30}, note="Half an hour is enough"
        )
        assert made.handoff is not None
        assert made.handoff.differences == ("session_minutes: asked 60, given 30.",)
        refused = ada.run(answer=answer_of(request_file)).record
        assert code(refused) == "handoff-changed"
        assert "Half an hour is enough" in refused.error.why  # type: ignore[union-attr]
        done = ada.applied(answer=answer_of(request_file), agree=read_handoff(answer_of(request_file)).digest)

        assert (done.status, done.parameters["session_minutes"]) == ("succeeded", 30)
        assert changed_accounts(world, session_minutes=30) == set()

    def test_is_used_once(self, ada: Party, ben: Party, request_file: str) -> None:
        ben.applied(request=request_file)
        ada.applied(answer=answer_of(request_file))

        assert code(ada.run(answer=answer_of(request_file)).record) == "handoff-replayed"

    def test_for_a_request_of_another_folder_is_unknown(
        self, ada: Party, ben: Party, request_file: str
    ) -> None:
        ben.applied(request=request_file)
        for path in (ada.records / "handoffs").iterdir():
            path.unlink()

        assert code(ada.run(answer=answer_of(request_file)).record) == "handoff-unknown"

    def test_that_was_changed_on_its_way_is_tampered(self, ada: Party, ben: Party, request_file: str) -> None:
        refuse_request(request_file, "no", records=ben.records)
        path = Path(answer_of(request_file))
        path.write_text(path.read_text().replace('"refused"', '"made"'))

        assert code(ada.run(answer=str(path)).record) == "handoff-tampered"

    def test_in_place_of_a_request_is_said(self, ada: Party, ben: Party, request_file: str) -> None:
        refuse_request(request_file, "no", records=ben.records)

        assert code(ben.run(request=answer_of(request_file)).record) == "invalid-handoff"
        assert code(ada.run(answer=request_file).record) == "invalid-handoff"


class TestARequest:
    def test_is_late_after_its_time(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world, hours=-1)

        assert code(ben.run(request=request).record) == "handoff-late"
        assert ada.state(request) == "late"

    def test_that_was_made_and_undone_is_replayed(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world)
        ben.applied(request=request)
        ben.desk.rolled_back(**ben.profiles)
        again = ben.applied(request=request)

        assert (again.status, code(again)) == ("invalid-parameters", "handoff-replayed")
        assert changed_accounts(world) == {world.source, world.destination}

    def test_of_another_account_than_the_profile_s_is_refused(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        record = ben.run(request=ada.ask(world), destination_profiles=["source-admin"]).record

        assert (record.status, code(record)) == ("invalid-parameters", "wrong-account")

    def test_without_a_profile_of_that_side_says_which_to_name(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        record = ben.run(request=ada.ask(world), destination_profiles=[]).record

        assert code(record) == "invalid-parameters"
        assert "-p destination_profiles PROFILE" in record.error.hint  # type: ignore[union-attr]

    def test_does_not_accept_its_findings_for_the_other_owner(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        wide = {"permissions": [{"actions": ["s3:*"], "resources": ["*"]}]}
        request = ada.ask(world, **wide, accept=["wildcard-action", "wildcard-resource", "admin-permissions"])
        refused = ben.applied(request=request)
        assert code(refused) == "not-accepted"

        codes = list(refused.plan.unaccepted)  # type: ignore[union-attr]
        assert ben.applied(request=request, accept=codes).status == "not-proven"

    def test_does_not_take_over_a_role_for_the_other_owner(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": "sts:*"}],
        }
        iam = root_iam(world, world.destination)
        iam.create_role(RoleName="reports-reader", AssumeRolePolicyDocument=json.dumps(trust))
        request = ada.ask(world, adopt=True)

        assert code(ben.run(request=request).record) == "not-owned"

    def test_is_made_without_this_toolkit_and_answered_then(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ada.ask(world)

        assert "aws iam create-role" in str(show_form(request, "commands"))
        assert "delete-role" in str(show_form(request, "commands", back=True))


@needs_ssh_keygen
class TestASignature:
    @pytest.fixture
    def key(self, tmp_path: Path) -> Path:
        return a_key(tmp_path, "ada@example.com")

    @pytest.fixture
    def signers(self, tmp_path: Path, key: Path) -> str:
        file = tmp_path / "allowed_signers"
        file.write_text(f"ada@example.com {public(key)}\n")
        return str(file)

    def test_of_a_known_signer_is_named(
        self, world: World, ada: Party, ben: Party, key: Path, signers: str
    ) -> None:
        request = ada.ask(world, key=str(key))
        record = ben.run(request=request, signers=signers).record

        assert record.status == "planned"
        assert "signed by ada@example.com" in show_handoff(request, ben.records, signers).signature
        assert "not known here" in show_handoff(request, ben.records).signature

    @pytest.mark.parametrize("how", ["none", "another-key", "another-content", "no-signature"])
    def test_that_is_not_one_of_the_signers_is_refused(
        self, world: World, ada: Party, ben: Party, key: Path, signers: str, tmp_path: Path, how: str
    ) -> None:
        other = a_key(tmp_path, "mallory")
        keys: dict[str, str] = {"none": "", "another-key": str(other)}
        request = ada.ask(world, key=keys.get(how, str(key)))
        value: Any = read_handoff(request)
        if how == "another-content":
            changed = value.model_copy(update={"why": "Something else", "signature": value.signature})
            write_handoff(changed, request)
        if how == "no-signature":
            write_handoff(value.model_copy(update={"signature": "no signature"}), request)

        assert code(ben.run(request=request, signers=signers).record) == "handoff-signature"

    def test_of_another_content_is_refused_also_without_signers(
        self, world: World, ada: Party, ben: Party, key: Path
    ) -> None:
        request = ada.ask(world, key=str(key))
        value: Any = read_handoff(request)
        write_handoff(value.model_copy(update={"why": "Something else"}), request)

        assert code(ben.run(request=request).record) == "handoff-signature"

    def test_signs_the_answer_too(
        self, world: World, ada: Party, ben: Party, key: Path, signers: str
    ) -> None:
        request = ada.ask(world)
        ben.applied(request=request, signing_key=str(key))

        assert ada.applied(answer=answer_of(request), signers=signers).status == "succeeded"


def test_every_ending_is_one_message(world: World, ada: Party, ben: Party) -> None:
    request = ada.ask(world)
    acts: list[Callable[[], object]] = [
        lambda: show_form(request, "no-such-form"),
        lambda: refuse_request(str(ben.folder), "no", records=ben.records),
        lambda: show_handoff(request, ben.records, "no-such-file"),
        lambda: write_request(ada.folder / "missing.yaml", records=ada.records),
    ]
    codes = []
    for act in acts:
        with pytest.raises(XacctError) as problem:
            act()
        codes.append(problem.value.code)

    assert codes == ["invalid-input", "invalid-handoff", "handoff-signature", "unreadable-grant"]
