"""Two owners who do things twice, in the wrong order or with a wrong clock: nothing is mixed up or lost."""

import json
import random
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from support.desk import Desk
from support.examples import grant_in
from support.in_process_sandbox import in_process_sandbox
from support.owner_runs import Party, answer_of, code, destination_owner, source_owner
from xacct_nb.aws.clock import local_time, utc
from xacct_nb.errors import InvalidParameters, XacctError
from xacct_nb.handoff.answer import AnsweredProof, parse_answer
from xacct_nb.runs.handoff import handover
from xacct_nb.runs.handoff.showing import show_handoff
from xacct_nb.runs.handoff.writing import refuse_request, write_request
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.storage.handoff_files import read_handoff, write_handoff

sandbox = in_process_sandbox
SECRET = "vendor-1234567"
PROOF = AnsweredProof(holds=True, summary="Proof: all answered as expected.")


@pytest.fixture
def ada(tmp_path: Path, desk: Desk) -> Party:
    """She owns the source account."""
    return source_owner(tmp_path / "ada", desk)


@pytest.fixture
def ben(tmp_path: Path, desk: Desk) -> Party:
    """He owns the destination account."""
    return destination_owner(tmp_path / "ben", desk)


def rewrite(file: str, **fields: Any) -> None:
    """Write other fields into an answer, with the digest that fits them."""
    answer = read_handoff(file)
    changed = answer.model_copy(update=fields)
    write_handoff(parse_answer({**changed.content, "digest": changed.digest}), file)


def error_of(act: Callable[[], object]) -> str:
    try:
        act()
    except XacctError as problem:
        return problem.code
    return ""


class TestWhoAsked:
    def test_is_whoever_made_the_request_not_who_opened_it(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ben.ask(world)  # of his own account, for a user of hers
        ada.run(request=request)
        ben.applied(request=request)
        record = ada.run(answer=answer_of(request)).record

        assert (record.status, code(record)) == ("invalid-parameters", "handoff-unknown")
        assert show_handoff(answer_of(request), ada.records).state is not None

    def test_can_be_one_person_with_one_records_folder(
        self, world: World, desk: Desk, tmp_path: Path
    ) -> None:
        both = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
        one = Party(tmp_path, Desk(desk.world, tmp_path / "records", in_process=True), both)
        callers = {"caller_profiles": ["alice", "mallory"]}
        request = one.ask(world)
        assert one.applied(request=request).status == "not-proven"
        assert one.state(request) == "answered"

        assert one.applied(answer=answer_of(request), **callers).status == "succeeded"
        assert one.state(request) == "proven"


class TestAProof:
    def test_that_the_owner_of_the_roles_claims_does_not_close_it(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        bucket = f"arn:aws:s3:::{world.bucket}/*"
        request = ada.ask(
            world, permissions=[{"actions": ["s3:GetObject", "s3:PutObject"], "resources": [bucket]}]
        )
        ben.applied(request=request)
        rewrite(answer_of(request), proof=PROOF)
        record = ada.applied(answer=answer_of(request))

        assert (record.status, record.handoff and record.handoff.state) == ("not-proven", "answered")
        assert ada.state(request) == "answered"

    def test_of_the_owner_of_the_callers_is_known_to_both(self, world: World, ada: Party, ben: Party) -> None:
        request, found = ben.ask(world, "source"), f"arn:aws:s3:::{world.bucket}/2026/summary.csv"
        ada.applied(request=request)
        ben.applied(answer=answer_of(request))
        ada.run(request=request, proof_objects=[found])
        assert (ada.state(request), ben.state(request)) == ("proven", "answered")
        ben.run(answer=answer_of(request))

        assert (ada.state(request), ben.state(request)) == ("proven", "proven")

    def test_that_does_not_hold_ends_the_answer_not_proven(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ben.ask(world, "source")
        ada.applied(request=request)
        early = ada.run(request=request).record

        assert (early.status, code(early)) == ("not-proven", "not-proven")
        assert (early.handoff and early.handoff.state, ada.state(request)) == ("answered", "answered")
        assert read_handoff(answer_of(request)).proof.holds is False  # type: ignore[union-attr]


class TestTheSandbox:
    @pytest.mark.parametrize("profile", ["no-such-profile", "destination-admin"])
    def test_in_place_of_aws_is_named_in_the_hint(
        self, world: World, ada: Party, ben: Party, profile: str
    ) -> None:
        request = ada.ask(world)
        record = ben.run(request=request, sandbox=True, destination_profiles=[profile]).record

        assert "for AWS itself, give -p sandbox false" in record.error.hint  # type: ignore[union-attr]


class TestARefusal:
    @pytest.mark.parametrize("how", ["command", "notebook"])
    def test_is_final_also_by_a_command(self, world: World, ada: Party, ben: Party, how: str) -> None:
        request = ada.ask(world)
        if how == "command":
            refuse_request(request, "no", records=ben.records)
        else:
            ben.run(request=request, refuse="no")
        again = (ben.run(request=request).record, ben.run(request=request, refuse="no").record)

        assert [code(each) for each in again] == ["handoff-replayed"] * 2
        assert error_of(lambda: refuse_request(request, "no", records=ben.records)) == "handoff-replayed"

    def test_of_what_is_made_is_not_written_by_the_notebook_either(
        self, world: World, ada: Party, ben: Party
    ) -> None:
        request = ada.ask(world)
        ben.applied(request=request)
        record = ben.run(request=request, refuse="too late").record

        assert code(record) == "handoff-replayed"
        assert read_handoff(answer_of(request)).decision == "made"  # type: ignore[union-attr]
        assert ben.state(request) == "answered"

    def test_is_in_both_records_with_its_digest(self, world: World, ada: Party, ben: Party) -> None:
        request = ada.ask(world)
        his = ben.run(request=request, refuse="no").record.handoff
        hers = ada.run(answer=answer_of(request)).record.handoff
        assert his is not None
        assert hers is not None

        assert (hers.answer, hers.decision, hers.state) == (his.answer, "refused", "refused")
        assert (hers.request, hers.answer) == (his.request, read_handoff(answer_of(request)).digest)


class TestTheAnswerFile:
    @pytest.mark.parametrize("name", ["thesis.json", "notes.json", "answer.html", "reports.request.json"])
    def test_that_cannot_be_written_stops_the_run_before_it_changes_anything(
        self, world: World, ada: Party, ben: Party, name: str
    ) -> None:
        request = ada.ask(world)
        mine = [ben.folder / "thesis.json", ben.folder / "notes.html", Path(request)]
        for file in mine[:2]:
            file.write_text("mine")
        before = [file.read_bytes() for file in mine]
        place = Path(request).parent if "request" in name else ben.folder
        record = ben.run(request=request, answer_to=str(place / name)).record

        assert (record.status, code(record), record.plan) == (
            "invalid-parameters",
            "invalid-parameters",
            None,
        )
        assert [file.read_bytes() for file in mine] == before

    def test_that_a_full_disk_refuses_is_written_by_the_next_run(
        self, world: World, ada: Party, ben: Party, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise InvalidParameters("The hand-over file cannot be written.", why="No space left on device.")

        request = ada.ask(world)
        with monkeypatch.context() as patch:
            patch.setattr(handover, "send_answer", full)
            broken = ben.applied(request=request)
        assert (broken.handoff and broken.handoff.answer, Path(answer_of(request)).exists()) == ("", False)
        assert ben.state(request) == "open"
        again = ben.run(request=request).record

        assert (again.status, again.handoff and again.handoff.decision) == ("no-change", "made")
        assert ada.applied(answer=answer_of(request)).status == "succeeded"


class TestAClock:
    def test_of_this_machine_does_not_date_the_answer(
        self, world: World, ada: Party, ben: Party, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = ada.ask(world, hours=1)
        late = timedelta(hours=5)
        with monkeypatch.context() as patch:
            patch.setattr(handover, "utc", lambda moment=None: utc(moment or local_time() - late))
            ben.applied(request=request)

        assert read_handoff(answer_of(request)).at > read_handoff(request).made[:13]  # type: ignore[union-attr]

    def test_that_passes_the_expiry_before_the_approval_stops_the_apply(
        self, world: World, ada: Party, ben: Party, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        request = ada.ask(world, hours=-1)
        early = timedelta(hours=2)
        monkeypatch.setattr(handover, "utc", lambda moment=None: utc(moment or local_time() - early))
        planned = ben.run(request=request).record
        record = ben.run(request=request, approve=planned.plan.digest).record  # type: ignore[union-attr]

        assert (planned.status, record.status, code(record)) == (
            "planned",
            "invalid-parameters",
            "handoff-late",
        )
        assert not Path(answer_of(request)).exists()


def test_an_external_id_is_in_no_file_whatever_the_owners_write(
    world: World, ada: Party, ben: Party, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("VENDOR", SECRET)
    grant, request = ada.folder / "grant.json", str(ada.folder / "reports.request.json")
    grant.write_text(json.dumps({**grant_in(world).to_json(), "conditions": {"external_id": SECRET}}))
    write_request(grant, out=request, why=f"It is {SECRET}", records=ada.records)
    grant.unlink()
    other = str(ada.folder / "other.answer.json")
    refuse_request(
        request, f"Not {SECRET}", out=other, external_id="env:VENDOR", records=ben.folder / "others"
    )
    ben.applied(request=request, external_id="env:VENDOR", note=f"With {SECRET}")
    done = ada.applied(answer=answer_of(request), external_id="env:VENDOR", note=f"Of {SECRET}")
    assert (done.status, ada.state(request)) == ("succeeded", "proven")

    written = [file for each in (ada, ben) for file in each.folder.rglob("*") if file.is_file()]
    assert [file for file in written if SECRET.encode() in file.read_bytes()] == []
    assert "secret:" in Path(request).read_text()


class Course:
    """A course of both owners' actions, and what each of them then has to see.

    The owners' states are kept here as a person would say them, apart from any record.
    """

    def __init__(self, world: World, ada: Party, ben: Party) -> None:
        self.ada, self.ben, self.request = ada, ben, ada.ask(world)
        self.decided, self.seen, self.is_proven = "", "", False
        self.his, self.hers = "", ""  # made or undone

    def expected(self) -> tuple[str, str]:
        """What each owner has to see: ada, ben."""
        his = "undone" if self.his == "undone" else {"made": "answered"}.get(self.decided, self.decided)
        hers = "proven" if self.is_proven else {"made": "answered"}.get(self.seen, self.seen)
        return ("undone" if self.hers == "undone" else hers) or "open", his or "open"

    def answer(self) -> None:
        planned = self.ben.run(request=self.request).record
        if self.decided == "refused":
            return self._ends(planned, "handoff-replayed")
        if planned.plan is None or not planned.plan.changes:
            return self._ends(planned, "")
        record = self.ben.run(request=self.request, approve=planned.plan.digest).record
        if self.his == "undone":
            return self._ends(record, "handoff-replayed")
        self._ends(record, "not-proven")
        self.decided = self.his = "made"
        return None

    def refuse(self) -> None:
        used = "handoff-replayed" if self.decided else ""
        assert error_of(lambda: refuse_request(self.request, "no", records=self.ben.records)) == used
        self.decided = self.decided or "refused"

    def look(self) -> None:
        if self.decided:
            is_asked = self.hers == "made" and self.his == "undone"  # nothing to change, so the proof is made
            self._ends(self._accept(), self._refusal() or ("proof-failed" if is_asked else ""))

    def accept(self) -> None:
        if not self.decided:
            return
        planned = self._accept()
        if self._refusal():
            return self._ends(planned, self._refusal())
        assert planned.plan is not None
        record = self._accept(planned.plan.digest) if planned.plan.changes else planned
        self.hers = "made" if planned.plan.changes else self.hers
        self.is_proven = self.his == "made"
        return self._ends(record, "" if self.is_proven else "proof-failed")

    def undo_his(self) -> None:
        if self.his == "made":
            assert self.ben.desk.rolled_back(**self.ben.profiles).record.status == "succeeded"
            self.his = "undone"

    def undo_hers(self) -> None:
        if self.hers == "made":
            record = self.ada.desk.rolled_back(**self.ada.profiles).record
            assert record.status in ("succeeded", "not-proven"), record.error
            self.hers = "undone"

    def _accept(self, approve: str = "") -> Any:
        self.seen = self.seen if self.is_proven else self.decided
        return self.ada.run(answer=answer_of(self.request), approve=approve).record

    def _refusal(self) -> str:
        return "handoff-replayed" if self.is_proven else {"refused": "handoff-refused"}.get(self.decided, "")

    def _ends(self, record: Any, wanted: str) -> None:
        assert code(record) == wanted, record.error


@pytest.mark.parametrize("seed", range(3))
def test_the_state_is_true_after_every_action_of_both(
    world: World, ada: Party, ben: Party, seed: int, exhaustive: bool
) -> None:
    course, draw = Course(world, ada, ben), random.Random(seed)
    actions = ["answer", "answer", "refuse", "look", "accept", "accept", "undo_his", "undo_hers"]
    done = []
    for _ in range(40 if exhaustive else 9):
        done.append(draw.choice(actions))
        getattr(course, done[-1])()

        assert (ada.state(course.request), ben.state(course.request)) == course.expected(), done
