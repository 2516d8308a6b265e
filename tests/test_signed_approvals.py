"""Approvals signed with a real SSH key, and every way in which a signature is not one of this plan."""

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from support.desk import Desk
from support.examples import an_account
from support.in_process_sandbox import in_process_sandbox, start
from support.ssh_keys import a_key, fingerprint, needs_ssh_keygen, public
from xacct_nb.changes.approval import PlannedRun
from xacct_nb.changes.plan import Plan
from xacct_nb.changes.signed_approval import (
    ApprovalStatement,
    SignedApproval,
    check_second_person,
    parse_statement,
)
from xacct_nb.cli.main import main
from xacct_nb.errors import (
    ApprovalExpired,
    ApprovalUsed,
    ApproverPlanned,
    ApproverUnknown,
    InvalidKey,
    InvalidParameters,
    MissingTool,
    UnknownRecord,
)
from xacct_nb.grants.approvers import APPROVAL_NAMESPACE, parse_approvers
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.records.change_record import change_record
from xacct_nb.records.model import Record
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.plan_signing import SignedPlan, find_plan, sign_plan
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.storage.approval_files import APPROVALS
from xacct_nb.storage.ledger import append_record, read_record, verify_records
from xacct_nb.storage.signatures import sign_text
from xacct_nb.storage.signed_approvals import _file_name

sandbox = in_process_sandbox
pytestmark = needs_ssh_keygen


@pytest.fixture
def desk(desk: Desk) -> Desk:
    return replace(desk, in_process=True)


@pytest.fixture
def ada(tmp_path: Path) -> Path:
    return a_key(tmp_path, "ada@example.com")


@pytest.fixture
def mallory(tmp_path: Path) -> Path:
    return a_key(tmp_path, "mallory")


def planned(desk: Desk, ada: Path, **fields: Any) -> Record:
    return desk.run(approvers=[public(ada)], **fields).record


def signed(desk: Desk, key: Path, digest: str, **texts: str) -> SignedPlan:
    return sign_plan(find_plan(desk.records, digest), key, **texts)


def ended(desk: Desk, digest: str, **fields: Any) -> tuple[str, str]:
    """The status and the error's code of a run with this approval."""
    record = desk.run(approve=digest, **fields).record
    return record.status, record.error.code if record.error else ""


class TestARun:
    def test_with_the_signature_of_an_approver_it_applies_the_plan(self, desk: Desk, ada: Path) -> None:
        plan = planned(desk, ada)
        sign = signed(desk, ada, plan.plan.digest, note="Agreed on Monday", ticket="CHG-7")
        done = desk.run(approve=plan.plan.digest, approvers=[public(ada)]).record

        assert done.status == "succeeded"
        assert (done.approval.signer, done.approval.key) == ("ada@example.com", fingerprint(ada))
        assert (done.approval.signed_at, done.approval.plan) == (sign.statement.at, plan.id)
        assert (done.approval.note, done.approval.ticket) == ("Agreed on Monday", "CHG-7")
        assert f"by ada@example.com at {sign.statement.at}, key {fingerprint(ada)}" in str(
            change_record(done)
        )
        assert verify_records(desk.records) == []

    def test_without_a_signature_it_changes_nothing(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada).plan.digest
        refused = desk.run(approve=digest, approvers=[public(ada)]).record

        assert (refused.status, refused.error.code) == ("stale-plan", "approval-unsigned")
        assert refused.error.why.endswith("has no signature of this digest.")
        assert f"xacct-nb approve {digest} --key KEY" in refused.error.hint
        assert refused.approval.digest == digest
        assert desk.state() == []

    def test_the_rule_of_the_plan_holds_where_the_run_leaves_it_out(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada).plan.digest

        assert ended(desk, digest) == ("stale-plan", "approval-unsigned")
        signed(desk, ada, digest)
        assert ended(desk, digest) == ("succeeded", "")

    def test_an_approver_must_be_one_of_the_run_and_of_the_plan(
        self, desk: Desk, ada: Path, mallory: Path
    ) -> None:
        digest = planned(desk, ada).plan.digest
        signed(desk, ada, digest)

        assert ended(desk, digest, approvers=[public(mallory)]) == ("stale-plan", "approval-unsigned")
        assert ended(desk, digest, approvers=[public(mallory), public(ada)]) == ("succeeded", "")

    @pytest.mark.parametrize("kind", ["ed25519", "rsa", "ecdsa"])
    def test_every_kind_of_key_can_sign(self, desk: Desk, tmp_path: Path, kind: str) -> None:
        key = a_key(tmp_path, kind, kind)
        digest = planned(desk, key).plan.digest
        signed(desk, key, digest)

        assert ended(desk, digest) == ("succeeded", "")

    def test_a_line_of_allowed_signers_names_the_approver(self, desk: Desk, ada: Path) -> None:
        line = f'ada,ada@example.com valid-before="29990101" {public(ada)}'
        digest = desk.run(approvers=[line]).record.plan.digest
        signed(desk, ada, digest)
        done = desk.run(approve=digest).record

        assert (done.status, done.approval.signer) == ("succeeded", "ada,ada@example.com")

    def test_a_key_that_an_agent_holds_signs_by_its_public_half(
        self, desk: Desk, ada: Path, tmp_path: Path, agent: None
    ) -> None:
        digest = planned(desk, ada).plan.digest
        subprocess.run(["ssh-add", "-q", ada], check=True)
        ada.unlink()
        signed(desk, Path(f"{ada}.pub"), digest)

        assert ended(desk, digest) == ("succeeded", "")

    def test_a_plan_made_after_the_use_needs_a_signature_of_its_own(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada).plan.digest
        signed(desk, ada, digest)
        first = ended(desk, digest)
        undo = desk.run("roll_back").record.plan.digest
        back = desk.run("roll_back", approve=undo).record.status
        again = ended(desk, digest)
        planned(desk, ada)
        replayed = desk.run(approve=digest).record
        signed(desk, ada, digest)

        assert (first, back, again) == (("succeeded", ""), "succeeded", ("stale-plan", "approval-used"))
        assert replayed.error.code == "approval-unsigned"
        assert "which was used, has expired, or is not in this folder" in replayed.error.why
        assert ended(desk, digest) == ("succeeded", "")

    def test_a_roll_back_follows_the_same_rule(self, desk: Desk, ada: Path) -> None:
        desk.applied()
        digest = desk.run("roll_back", approvers=[public(ada)]).record.plan.digest
        alone = desk.run("roll_back", approve=digest).record
        signed(desk, ada, digest)
        done = desk.run("roll_back", approve=digest).record

        assert (alone.status, alone.error.code) == ("stale-plan", "approval-unsigned")
        assert (done.status, done.approval.key) == ("succeeded", fingerprint(ada))

    def test_the_form_says_that_a_signature_is_required(self, desk: Desk, ada: Path) -> None:
        from xacct_nb.jupyter.forms.approval_form import ApprovalForm

        plan = desk.plan()

        assert f"xacct-nb approve {plan.digest} --key KEY" in str(
            ApprovalForm(plan, "", live=True, signed=True)
        )
        assert "xacct-nb approve" not in str(ApprovalForm(plan, "", live=True))
        assert str(ApprovalForm(Plan("reports", ()), "", live=True, signed=True)) == (
            "There is nothing to approve."
        )


@pytest.fixture
def agent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An agent of this test's own."""
    if not shutil.which("ssh-agent"):
        pytest.skip("ssh-agent is missing: apt install openssh-client")
    words = subprocess.run(["ssh-agent", "-s"], capture_output=True, text=True, check=True).stdout
    found = dict(
        part.split("=", 1) for part in words.replace("\n", ";").split(";") if part.startswith("SSH_")
    )
    for name, value in found.items():
        monkeypatch.setenv(name, value)
    yield
    subprocess.run(["ssh-agent", "-k"], capture_output=True, check=True)


def lay(desk: Desk, statement: ApprovalStatement, signature: str) -> Path:
    """Write a signed statement as somebody does who has the folder and no approver's key."""
    (desk.records / APPROVALS).mkdir(exist_ok=True)
    path = desk.records / APPROVALS / _file_name(statement)
    path.write_text(json.dumps({"statement": statement.to_json(), "signature": signature}))
    return path


def rewritten(file: Path, **fields: Any) -> Any:
    """The content of a signed approval with some fields of its statement as given."""
    content = json.loads(file.read_text())
    return {**content, "statement": {**content["statement"], **fields}}


def another_key(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(desk, sign.statement, sign_text(sign.statement.text, mallory, APPROVAL_NAMESPACE))


def another_purpose(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(desk, sign.statement, sign_text(sign.statement.text, ada, "xacct-nb-ledger"))


def no_purpose(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(desk, sign.statement, sign_text(sign.statement.text, ada, "file"))


def signature_of_another_statement(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(
        desk,
        sign.statement,
        sign_text(replace(sign.statement, digest="0" * 64).text, ada, APPROVAL_NAMESPACE),
    )


def changed_note(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    sign.file.write_text(json.dumps(rewritten(sign.file, note="Approved by everybody")))


def changed_note_under_its_name(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    content = rewritten(sign.file, note="Approved by everybody")
    sign.file.unlink()
    lay(desk, replace(sign.statement, note="Approved by everybody"), content["signature"])


def renamed(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    sign.file.rename(sign.file.with_name(sign.file.name.replace(".signed", "0.signed")))


def for_another_plan(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, plan="another-record")


def for_another_seal(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, seal="0" * 64)


def for_no_seal(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, seal="")


def for_the_sandbox(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, where="sandbox")


def for_other_accounts(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, accounts=("333333333333",))


def for_another_digest(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    """The first 16 digits, which the file's name has, are the same."""
    relaid(desk, sign, ada, digest=sign.statement.digest[:16] + "0" * 48)


def relaid(desk: Desk, sign: SignedPlan, ada: Path, **fields: Any) -> None:
    sign.file.unlink()
    other = replace(sign.statement, **fields)
    lay(desk, other, sign_text(other.text, ada, APPROVAL_NAMESPACE))


def one_field_more(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    content = rewritten(sign.file, force=True)
    text = canonical_json(content["statement"])
    content["signature"] = sign_text(text, ada, APPROVAL_NAMESPACE)
    sign.file.write_text(json.dumps(content))


def another_form(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    relaid(desk, sign, ada, purpose="xacct-nb/approval/2")


def empty(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    sign.file.write_text("")


def torn(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    sign.file.write_text(sign.file.read_text()[:-40])


def no_signature(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(desk, sign.statement, "")


def nonsense(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    lay(desk, sign.statement, "-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n")


def a_link(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    elsewhere = desk.records.parent / "elsewhere.json"
    sign.file.rename(elsewhere)
    sign.file.symlink_to(elsewhere)


def too_long(desk: Desk, sign: SignedPlan, ada: Path, mallory: Path) -> None:
    sign.file.write_text(sign.file.read_text() + " " * 70_000)


ATTACKS: dict[Callable[..., None], str] = {
    another_key: "is none of the approvers",
    another_purpose: "its signature does not match, or its key is not valid for approvals now",
    no_purpose: "its signature does not match, or its key is not valid for approvals now",
    signature_of_another_statement: "its signature does not match",
    changed_note: "it is incomplete, or was changed since it was signed",
    changed_note_under_its_name: "its signature does not match",
    renamed: "it is incomplete, or was changed since it was signed",
    for_another_plan: "it is for the plan in another-record, which was used",
    for_another_seal: "is not the one that was signed",
    for_no_seal: "is not the one that was signed",
    for_the_sandbox: "it is for sandbox, and this run acts on ",
    for_other_accounts: "it names other accounts",
    for_another_digest: "it is for another digest",
    one_field_more: "it is incomplete, or was changed since it was signed",
    another_form: "it is incomplete, or was changed since it was signed",
    empty: "it is incomplete, or was changed since it was signed",
    torn: "it is incomplete, or was changed since it was signed",
    no_signature: "its signature is none of an SSH key",
    nonsense: "its signature is none of an SSH key",
    a_link: "it is incomplete, or was changed since it was signed",
    too_long: "it is incomplete, or was changed since it was signed",
}


@dataclass(frozen=True)
class PlannedOnce:
    """A plan that ada may approve, for attacks each of which has a copy of its records."""

    desk: Desk
    digest: str
    ada: Path
    mallory: Path

    def copy(self, folder: Path) -> Desk:
        return replace(self.desk, records=Path(shutil.copytree(self.desk.records, folder / "records")))


@pytest.fixture(scope="module")
def planned_once(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PlannedOnce]:
    folder = tmp_path_factory.mktemp("planned")
    world = add_accounts(start(), an_account(), an_account(), folder)
    desk, ada = Desk(world, folder / "records", in_process=True), a_key(folder, "ada@example.com")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_CONFIG_FILE", str(world.config_file))
        patch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(world.credentials_file))
        yield PlannedOnce(desk, planned(desk, ada).plan.digest, ada, a_key(folder, "mallory"))


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__.replace("_", " "))
def test_what_is_no_signature_of_this_plan_is_refused_and_named(
    planned_once: PlannedOnce, tmp_path: Path, attack: Callable[..., None]
) -> None:
    desk, digest, ada = planned_once.copy(tmp_path), planned_once.digest, planned_once.ada
    attack(desk, signed(desk, ada, digest), ada, planned_once.mallory)
    refused = desk.run(approve=digest).record

    assert (refused.status, refused.error.code) == ("stale-plan", "approval-unsigned")
    assert ATTACKS[attack] in refused.error.why
    assert desk.state() == []


class TestAttacks:
    def test_a_key_that_is_no_longer_an_approver_is_refused(
        self, desk: Desk, ada: Path, mallory: Path
    ) -> None:
        digest = desk.run(approvers=[public(ada), public(mallory)]).record.plan.digest
        signed(desk, mallory, digest)

        assert ended(desk, digest, approvers=[public(ada)]) == ("stale-plan", "approval-unsigned")

    @pytest.mark.parametrize(
        "options", ['valid-before="20200101"', 'valid-after="29990101"', 'namespaces="git"']
    )
    def test_a_key_that_is_not_valid_now_or_for_approvals_is_refused(
        self, desk: Desk, ada: Path, options: str
    ) -> None:
        digest = planned(desk, ada).plan.digest
        signed(desk, ada, digest)
        approvers = [f"ada {options} {public(ada)}"]

        assert ended(desk, digest, approvers=approvers) == ("stale-plan", "approval-unsigned")

    def test_one_broken_signature_does_not_hide_a_whole_one(
        self, desk: Desk, ada: Path, mallory: Path
    ) -> None:
        digest = planned(desk, ada).plan.digest
        sign = signed(desk, ada, digest)
        lay(desk, replace(sign.statement, note="x"), "")
        lay(desk, replace(sign.statement, note="y"), sign_text("y", mallory, APPROVAL_NAMESPACE))

        assert ended(desk, digest) == ("succeeded", "")

    def test_a_copy_of_a_signature_approves_no_second_run(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada).plan.digest
        sign = signed(desk, ada, digest)
        shutil.copy(sign.file, sign.file.with_name(sign.file.name.replace(".signed", "a.signed")))
        first = ended(desk, digest)
        undo = desk.run("roll_back").record.plan.digest
        desk.run("roll_back", approve=undo)

        assert first == ("succeeded", "")
        assert ended(desk, digest) == ("stale-plan", "approval-used")

    def test_a_forged_plan_in_the_folder_is_not_signed_under_the_digest_of_another(
        self, desk: Desk, ada: Path
    ) -> None:
        """Its page shows no change, and its line in the ledger has the digest of the real plan."""
        whole = planned(desk, ada)
        path = desk.records / whole.id / "record.json"
        content = json.loads(path.read_text())
        content["plan"]["changes"] = content["plan"]["changes"][:1]
        path.write_text(json.dumps(content))

        with pytest.raises(UnknownRecord, match="No single plan has the digest"):
            find_plan(desk.records, whole.plan.digest)

    def test_a_plan_sealed_anew_with_another_planner_is_not_the_one_that_was_signed(
        self, desk: Desk, ada: Path
    ) -> None:
        whole = planned(desk, ada)
        signed(desk, ada, whole.plan.digest)
        shutil.rmtree(desk.records / whole.id)
        (desk.records / "ledger.jsonl").unlink()
        append_record(desk.records, replace(whole, host=replace(whole.host, user="eve")), {})
        refused = desk.run(approve=whole.plan.digest).record

        assert refused.error.code == "approval-unsigned"
        assert "is not the one that was signed" in refused.error.why

    def test_verify_names_a_signature_whose_record_was_sealed_anew_or_that_was_changed(
        self, desk: Desk, ada: Path
    ) -> None:
        digest = planned(desk, ada).plan.digest
        sign = signed(desk, ada, digest)
        whole = verify_records(desk.records)
        lay(desk, replace(sign.statement, seal="0" * 64), "")
        changed_note(desk, sign, ada, ada)
        told = sorted(line.partition(": ")[2] for line in verify_records(desk.records))

        assert whole == []
        assert told == [
            "is incomplete, or was changed",
            "the record that it signs is not here, or was sealed anew",
        ]


class TestTwoPeople:
    def test_the_planner_may_not_sign(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada, two_people=True).plan.digest

        with pytest.raises((ApproverPlanned, ApproverUnknown)):
            signed(desk, ada, digest)

    def test_a_signature_of_the_planner_that_was_made_otherwise_is_refused(
        self, desk: Desk, ada: Path
    ) -> None:
        plan = planned(desk, ada)
        signed(desk, ada, plan.plan.digest)
        status, code = ended(desk, plan.plan.digest, two_people=True)

        assert (status, code in ("approver-planned", "approver-unknown")) == ("stale-plan", True)
        assert desk.state() == []

    @pytest.mark.parametrize(
        ("planner", "user", "signer", "problem"),
        [
            ("ada", "ada", "key", ApproverPlanned),
            ("ada", "bob", "ada", ApproverPlanned),
            ("ada", "bob", "ada@example.com", ApproverPlanned),
            ("ada", "bob", "bob,ada@example.com", ApproverPlanned),
            ("Ада", "Ада", "bob", ApproverPlanned),
            ("ada", "bob", "Ada@Example.com", ApproverPlanned),
            ("root (mapped)", "bob", "bob", ApproverUnknown),
            ("ada", "nobody", "bob", ApproverUnknown),
            ("ada", "1000", "bob", ApproverUnknown),
        ],
    )
    def test_neither_the_user_nor_the_name_of_the_key_is_the_planner(
        self, planner: str, user: str, signer: str, problem: type[Exception]
    ) -> None:
        with pytest.raises(problem):
            check_second_person(by(user, signer), [a_plan_of(planner)])

    @pytest.mark.parametrize(
        ("user", "signer"), [("bob", "bob@example.com"), ("bob", "adam"), ("b", "SHA256:x")]
    )
    def test_somebody_else_may_sign(self, user: str, signer: str) -> None:
        check_second_person(by(user, signer), [a_plan_of("ada")])

    def test_the_first_planner_counts_also_where_somebody_else_planned_too(self) -> None:
        with pytest.raises(ApproverPlanned):
            check_second_person(by("ada", "key"), [a_plan_of("bob"), a_plan_of("ada")])


def by(user: str, signer: str) -> SignedApproval:
    statement = ApprovalStatement("0" * 64, "a-plan", "0" * 64, "AWS", (), "2026-11-24T10:15:00Z", user)
    return SignedApproval("a-file", statement, "SHA256:key", signer)


def a_plan_of(planner: str) -> PlannedRun:
    return PlannedRun("a-plan", planner, "2026-11-24T10:00:00Z", True, Plan("reports", ()))


class TestTheCommand:
    def test_it_shows_the_plan_and_signs_it(self, desk: Desk, ada: Path) -> None:
        plan = planned(desk, ada)
        done = approve(desk, plan.plan.digest[:8], "--key", str(ada), "--note", "Агреед")

        assert done.exit_code == 0
        assert str(plan.plan) in done.stdout
        assert done.stdout.index("Plan to approve") < done.stdout.index("Approved by")
        assert f"planned by  {user_name()} at {plan.started}" in done.stdout
        assert ended(desk, plan.plan.digest) == ("succeeded", "")

    def test_with_json_it_prints_one_object(self, desk: Desk, ada: Path) -> None:
        plan = planned(desk, ada)
        done = approve(desk, plan.plan.digest, "--key", str(ada), "--json")
        told = json.loads(done.stdout)

        assert (told["status"], told["digest"], told["record"]) == ("approved", plan.plan.digest, plan.id)
        assert (told["key"], told["by"]) == (fingerprint(ada), user_name())
        assert Path(told["file"]).is_file()
        assert "Plan to approve" in done.stderr

    @pytest.mark.parametrize("digest", ["f" * 64, "", "0", "*", "../../etc"])
    def test_an_unknown_digest_is_refused(self, desk: Desk, ada: Path, digest: str) -> None:
        planned(desk, ada)
        done = approve(desk, digest, "--key", str(ada))

        assert (done.exit_code, done.stdout) == (2, "")
        assert "unknown-record: No single plan has the digest" in done.stderr
        assert not (desk.records / APPROVALS).exists()

    def test_a_key_that_is_none_of_the_plans_approvers_signs_nothing(
        self, desk: Desk, ada: Path, mallory: Path
    ) -> None:
        digest = planned(desk, ada).plan.digest

        with pytest.raises(InvalidKey, match="is none of the approvers of this plan"):
            signed(desk, mallory, digest)
        assert not (desk.records / APPROVALS).exists()

    def test_what_is_no_key_signs_nothing(self, desk: Desk, ada: Path, tmp_path: Path) -> None:
        digest = planned(desk, ada).plan.digest
        for key in (tmp_path / "nowhere", tmp_path):
            with pytest.raises(InvalidKey, match="Nothing was signed with the key"):
                signed(desk, key, digest)

    @pytest.mark.parametrize("options", ['namespaces="git"', 'valid-before="20200101"'])
    def test_a_key_whose_signature_no_run_accepts_signs_nothing(
        self, desk: Desk, ada: Path, options: str
    ) -> None:
        digest = desk.run(approvers=[f"ada {options} {public(ada)}"]).record.plan.digest

        with pytest.raises(InvalidKey, match="is not valid for an approval of this plan now") as refused:
            signed(desk, ada, digest)
        assert options in refused.value.why
        assert not list((desk.records / APPROVALS).glob("*"))

    def test_a_used_or_expired_plan_is_not_signed(self, desk: Desk, ada: Path) -> None:
        digest = desk.run().record.plan.digest
        desk.run(approve=digest)
        old = replace(desk.run("roll_back").record, id="old", started="2026-01-01T00:00:00Z")
        append_record(desk.records, replace(old, plan=replace(old.plan, grant="old")), {})

        with pytest.raises(ApprovalUsed):
            signed(desk, ada, digest)
        with pytest.raises(ApprovalExpired):
            signed(desk, ada, replace(old.plan, grant="old").digest)

    def test_a_note_without_end_is_refused(self, desk: Desk, ada: Path) -> None:
        digest = planned(desk, ada).plan.digest

        with pytest.raises(InvalidParameters, match="too long"):
            signed(desk, ada, digest, note="x" * 4001)

    def test_a_link_in_place_of_the_folder_is_not_followed(
        self, desk: Desk, ada: Path, tmp_path: Path
    ) -> None:
        digest, target = planned(desk, ada).plan.digest, tmp_path / "target"
        target.mkdir()
        (desk.records / APPROVALS).symlink_to(target)

        with pytest.raises((InvalidParameters, UnknownRecord)):
            signed(desk, ada, digest)
        assert list(target.iterdir()) == []

    def test_without_ssh_keygen_one_message_says_what_to_install(
        self, desk: Desk, ada: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        digest = planned(desk, ada).plan.digest
        signed(desk, ada, digest)
        monkeypatch.setenv("PATH", str(tmp_path))

        with pytest.raises(MissingTool):
            signed(desk, ada, digest)
        assert ended(desk, digest) == ("invalid-parameters", "missing-tool")

    def test_the_signature_is_one_that_ssh_keygen_itself_verifies(
        self, desk: Desk, ada: Path, tmp_path: Path
    ) -> None:
        sign = signed(desk, ada, planned(desk, ada).plan.digest)
        content = json.loads(sign.file.read_text())
        (tmp_path / "sig").write_text(content["signature"])
        (tmp_path / "signers").write_text(f"ada {public(ada)}\n")
        text = canonical_json(content["statement"]) + "\n"
        about = ["-n", "xacct-nb-approval", "-I", "ada", "-f", tmp_path / "signers", "-s", tmp_path / "sig"]
        done = subprocess.run(["ssh-keygen", "-Y", "verify", *about], input=text.encode(), check=False)

        assert done.returncode == 0


def approve(desk: Desk, *words: str) -> Any:
    command = ["approve", *words, "--records", str(desk.records)]
    return CliRunner().invoke(main, command, catch_exceptions=False)


class TestApprovers:
    def test_a_private_key_is_refused_and_not_shown(self, ada: Path) -> None:
        secret = ada.read_text()
        for written in (secret, secret.replace("\n", " "), secret.replace("\n", "\\n")):
            with pytest.raises(InvalidParameters, match="item 1 is a private key") as refused:
                parse_approvers([written])
            assert secret.split("\n")[1][:20] not in str(refused.value)

    @pytest.mark.parametrize(
        "line",
        [
            "",
            "ada",
            "ssh-ed25519",
            "ssh-ed25519 AAAA",
            "ssh-ed25519 !!!! ada",
            "ssh-dss AAAAB3NzaC1kc3MAAACBAP ada",
            "ssh-rsa {ed25519} ada",
            "* ssh-ed25519 {ed25519}",
            "!ada ssh-ed25519 {ed25519}",
            "ada cert-authority ssh-ed25519 {ed25519}",
            "ssh-ed25519 {ed25519} ada\nssh-ed25519 {ed25519} eve",
            "ssh-ed25519 {ed25519}AAAA ada",
        ],
    )
    def test_what_is_no_public_key_is_refused(self, ada: Path, line: str) -> None:
        with pytest.raises(InvalidParameters, match="item 1 is not a public SSH key"):
            parse_approvers([line.format(ed25519=public(ada).split()[1])])

    def test_a_key_twice_is_refused(self, ada: Path) -> None:
        with pytest.raises(InvalidParameters, match="item 2 is a key that stands there already"):
            parse_approvers([public(ada), f"eve {public(ada)}"])

    def test_a_name_is_that_of_the_line_else_the_comment_else_the_fingerprint(self, ada: Path) -> None:
        key = " ".join(public(ada).split()[:2])
        names = [parse_approvers([line])[0].name for line in (f"bob {key} c", f"{key} a b", key)]

        assert names == ["bob", "a b", fingerprint(ada)]

    def test_a_run_with_an_invalid_list_does_not_begin(self, desk: Desk, ada: Path) -> None:
        command = [
            "run",
            "plan_and_apply",
            "-p",
            "approvers",
            ada.read_text(),
            "--records",
            str(desk.records),
        ]
        done = CliRunner().invoke(main, command, catch_exceptions=False)

        assert done.exit_code == 2
        assert "approvers: item 1 is a private key. It is not shown here." in done.stderr
        assert ada.read_text().split("\n")[1][:20] not in done.output
        assert not desk.records.exists()

    def test_nor_one_whose_run_file_has_a_private_key(self, desk: Desk, ada: Path, tmp_path: Path) -> None:
        for content in ({"approvers": [ada.read_text()]}, {"approvers": ada.read_text()}):
            (tmp_path / "run.json").write_text(json.dumps(content))
            words = [
                "run",
                "plan_and_apply",
                "-r",
                str(tmp_path / "run.json"),
                "--records",
                str(desk.records),
            ]
            done = CliRunner().invoke(main, words, catch_exceptions=False)

            assert done.exit_code == 2
            assert ada.read_text().split("\n")[1][:20] not in done.output


@pytest.mark.parametrize("content", [None, [], {}, {"digest": "x"}, "text", 7])
def test_what_is_no_statement_is_none(content: Any) -> None:
    assert parse_statement(content) is None


def test_a_record_with_a_signature_is_read_back(desk: Desk, ada: Path) -> None:
    import jsonschema

    from xacct_nb.runs.loading import record_schema

    digest = planned(desk, ada).plan.digest
    signed(desk, ada, digest)
    done = desk.run(approve=digest)
    content = json.loads((done.folder / "record.json").read_text())

    jsonschema.validate(content, record_schema())
    assert read_record(desk.records, done.record.id).approval == done.record.approval
    assert os.path.exists(done.folder / "run.html")
