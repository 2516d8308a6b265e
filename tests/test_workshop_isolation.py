"""Participants in one sandbox: nobody sees or breaks another's world; what is killed loses no progress."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from support.classes import a_sheet, let_alice_in
from support.sheet_processes import a_kernel, opening, run_in, started
from xacct_nb.aws.answers import call_aws
from xacct_nb.errors import AwsRefused
from xacct_nb.runs.sandboxes import open_sandbox, reset_sandbox
from xacct_nb.sandbox.server import server
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.sandbox.server.client import expire_session, raise_quotas, set_organization
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.world import WorkshopWorld

Attack = Callable[[WorkshopWorld, WorkshopWorld, str], Any]
TRUST = (
    '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"sts:AssumeRole",'
    '"Principal":{"AWS":"arn:aws:iam::%s:user/alice"}}]}'
)
PROFILES = ("source-admin", "destination-admin", "mallory", "alice", "outsider")


def put_policy(mine: WorkshopWorld, other: WorkshopWorld, who: str) -> Any:
    policy = '{"Version":"2012-10-17","Statement":[]}'
    return mine.client(who, "s3").put_bucket_policy(Bucket=other.bucket, Policy=policy)


ATTACKS: dict[str, Attack] = {
    "assume a role": lambda mine, other, who: mine.client(who, "sts").assume_role(
        RoleArn=other.role_arn("summary-reader"), RoleSessionName="attack"
    ),
    "assume the hub": lambda mine, other, who: mine.client(who, "sts").assume_role(
        RoleArn=other.role_arn("hub", "source"), RoleSessionName="attack"
    ),
    "read an object": lambda mine, other, who: mine.client(who, "s3").get_object(
        Bucket=other.bucket, Key="2026/summary.csv"
    ),
    "list a bucket": lambda mine, other, who: mine.client(who, "s3").list_objects_v2(Bucket=other.bucket),
    "write an object": lambda mine, other, who: mine.client(who, "s3").put_object(
        Bucket=other.bucket, Key="2026/summary.csv", Body=b"x"
    ),
    "delete an object": lambda mine, other, who: mine.client(who, "s3").delete_object(
        Bucket=other.bucket, Key="2026/summary.csv"
    ),
    "set a bucket policy": put_policy,
    "delete a bucket": lambda mine, other, who: mine.client(who, "s3").delete_bucket(
        Bucket=other.other_bucket
    ),
    "take a bucket's name": lambda mine, other, who: mine.client(who, "s3").create_bucket(
        Bucket=other.bucket
    ),
    "see a role": lambda mine, other, who: mine.client(who, "iam").get_role(
        RoleName=f"secret-{other.destination}"
    ),
    "delete a role": lambda mine, other, who: mine.client(who, "iam").delete_role(
        RoleName=f"secret-{other.destination}"
    ),
    "read a policy": lambda mine, other, who: mine.client(who, "iam").get_policy(
        PolicyArn=f"arn:aws:iam::{other.source}:policy/xacct-summary-readers"
    ),
    "delete a policy": lambda mine, other, who: mine.client(who, "iam").delete_policy(
        PolicyArn=f"arn:aws:iam::{other.source}:policy/xacct-summary-readers"
    ),
}


def opened_by(name: str, sandbox: Sandbox, folder: Path) -> OpenSheet:
    return OpenSheet(a_sheet(), name, folder / name / "doors", sandbox)


def let_in(mine: WorkshopWorld, other: WorkshopWorld) -> list[str]:
    """Try every attack of everybody in one world on another; return those that AWS allowed."""
    return [
        f"{who} may {name}"
        for who in PROFILES
        for name, attack in ATTACKS.items()
        if call_aws(lambda attack=attack, who=who: attack(mine, other, who)).value
    ]


def with_a_secret(sheet: OpenSheet) -> OpenSheet:
    """Let the world have a role that no other world has."""
    iam = sheet.client("destination-admin", "iam")
    iam.create_role(RoleName=f"secret-{sheet.destination}", AssumeRolePolicyDocument=TRUST % sheet.source)
    return sheet


def test_nobody_can_see_or_change_what_another_participant_has(sandbox: Sandbox, tmp_path: Path) -> None:
    ann, ben = opened_by("ann", sandbox, tmp_path), with_a_secret(opened_by("ben", sandbox, tmp_path))
    before = ben.world.fingerprint()

    assert let_in(ann.world, ben.world) == []
    assert ben.world.fingerprint() == before
    buckets = ann.client("destination-admin", "s3").list_buckets()["Buckets"]
    assert {each["Name"] for each in buckets} == {ann.bucket, ann.other_bucket}
    assert len(let_in(ben.world, ben.world)) > 6  # the same calls reach what is one's own


@pytest.mark.exhaustive
def test_thirty_participants_are_kept_apart(sandbox: Sandbox, tmp_path: Path) -> None:
    sheets = [with_a_secret(opened_by(f"p{number}", sandbox, tmp_path)) for number in range(30)]
    pairs = [(mine, other) for mine in sheets for other in sheets if mine is not other]

    assert len({account for each in sheets for account in (each.source, each.destination)}) == 60
    assert [found for mine, other in pairs for found in let_in(mine.world, other.world)] == []


def test_a_reset_and_a_clean_up_of_one_leave_the_others_as_they_are(sandbox: Sandbox, tmp_path: Path) -> None:
    ann, ben, eve = (opened_by(name, sandbox, tmp_path) for name in ("ann", "ben", "eve"))
    let_alice_in(ben)
    before, first = ben.world.fingerprint(), ann.source
    ann.reset()
    eve.clean_up()

    assert ben.world.fingerprint() == before
    assert ben.check("ask").is_correct
    assert ann.source != first
    assert not ann.check("ask", "tried").is_correct


def test_what_is_set_for_the_accounts_of_one_has_no_effect_on_another(
    sandbox: Sandbox, tmp_path: Path
) -> None:
    ann, ben = (opened_by(name, sandbox, tmp_path) for name in ("ann", "ben"))
    let_alice_in(ann)
    let_alice_in(ben)
    deny = {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*"}]}
    path = "o-ann1234567/r-ab12/"
    set_organization(
        sandbox,
        "o-ann1234567",
        {ann.source: path, ann.destination: path},
        service_control_policies={ann.source: [[deny]]},
    )
    raise_quotas(sandbox, ann.destination, ACLSizePerRole=4096)
    session = ben.client("alice", "sts").assume_role(
        RoleArn=ben.role_arn("visitor"), RoleSessionName="attack"
    )
    mine = ann.client("destination-admin", "sts").get_session_token()["Credentials"]
    expire_session(sandbox, mine["AccessKeyId"])

    assert not call_aws(ann.world.session_client(mine, "sts").get_caller_identity).value
    assert not call_aws(ann.client("source-admin", "iam").list_users).value
    assert ben.check("ask").is_correct
    assert call_aws(ben.world.session_client(session["Credentials"], "sts").get_caller_identity).value


class TestKilled:
    @pytest.fixture
    def folder(self, tmp_path: Path) -> Iterator[Path]:
        yield tmp_path
        server.down(tmp_path / "sandbox")

    def test_a_killed_kernel_loses_neither_progress_nor_world(self, folder: Path) -> None:
        code = opening(folder)
        with a_kernel() as (manager, client):
            outcome = run_in(client, f"{code}\nlet_alice_in(sheet)\nprint(sheet.check('ask').outcome)")
            run_in(client, "sheet.hint('allow')")
            accounts = run_in(client, "print(sheet.source, sheet.destination)")
            client.execute("sheet.check('narrow', 1)\nimport time\ntime.sleep(60)")
            pid = manager.provisioner.process.pid
            os.kill(pid, signal.SIGKILL)
        again = opened_by("ann", open_sandbox(folder / "sandbox"), folder)

        assert (outcome, accounts) == ("correct", f"{again.source} {again.destination}")
        assert (again.progress.of("ask").outcome, again.progress.of("allow").hints) == ("correct", 1)
        assert again.check("ask").is_correct
        assert not again.world.was_lost

    def test_a_kernel_that_is_killed_while_it_makes_a_world_leaves_none_that_is_half_made(
        self, folder: Path
    ) -> None:
        code = opening(folder).replace(
            "a_sheet()", "a_sheet(prepare=lambda world: (print(1, flush=True), hang()))"
        )
        process = started(f"import time\nhang = lambda: time.sleep(60)\n{code}")
        assert process.stdout
        process.stdout.readline()
        process.kill()
        process.wait()
        again = opened_by("ann", open_sandbox(folder / "sandbox"), folder)
        let_alice_in(again)

        assert again.check("ask").is_correct

    def test_two_kernels_that_open_a_sheet_at_once_have_the_same_accounts(self, folder: Path) -> None:
        open_sandbox(folder / "sandbox")
        both = [started(f"{opening(folder)}\nprint(sheet.source, sheet.destination)") for _ in "ab"]
        told = {process.communicate(timeout=60)[0] for process in both}
        again = opened_by("ann", open_sandbox(folder / "sandbox"), folder)

        assert told == {f"{again.source} {again.destination}\n"}

    def test_after_a_killed_sandbox_the_world_is_made_again_and_what_was_correct_counts(
        self, folder: Path
    ) -> None:
        sandbox = open_sandbox(folder / "sandbox")
        sheet = opened_by("ann", sandbox, folder)
        let_alice_in(sheet)
        sheet.check("ask")
        os.kill(sandbox.pid, signal.SIGKILL)
        with pytest.raises(AwsRefused, match="do not answer") as problem:
            sheet.check("ask")
        again = opened_by("ann", open_sandbox(folder / "sandbox"), folder)

        assert "Run the cell with open_sheet again" in problem.value.hint
        assert again.source == sheet.source
        assert again.progress.of("ask").outcome == "correct"
        assert again.check("allow").outcome == "not-attempted"
        assert "The sandbox was started again" in text(again.view())

    def test_after_a_reset_of_the_sandbox_the_world_is_made_again_and_what_was_correct_counts(
        self, folder: Path
    ) -> None:
        sheet = opened_by("ann", open_sandbox(folder / "sandbox"), folder)
        let_alice_in(sheet)
        sheet.check("ask")
        again = opened_by("ann", reset_sandbox(folder / "sandbox"), folder)

        assert again.progress.of("ask").outcome == "correct"
        assert "The sandbox was started again or reset" in text(again.view())
        let_alice_in(again)
        assert again.check("ask").is_correct

    @pytest.mark.parametrize("side", ["source", "destination"])
    def test_an_administrator_who_was_removed_leads_to_new_accounts(self, folder: Path, side: Side) -> None:
        sandbox = open_sandbox(folder / "sandbox")
        sheet = opened_by("ann", sandbox, folder)
        iam = sheet.world.admin(side, "iam")
        for key in iam.list_access_keys()["AccessKeyMetadata"]:
            iam.delete_access_key(AccessKeyId=key["AccessKeyId"])
        again = opened_by("ann", sandbox, folder)
        let_alice_in(again)

        assert again.check("ask").is_correct

    def test_keys_that_the_participant_lost_are_replaced_with_new_accounts(self, folder: Path) -> None:
        sandbox = open_sandbox(folder / "sandbox")
        sheet = opened_by("ann", sandbox, folder)
        for content in ("", "[source-admin", "[alice]\naws_access_key_id = x\n"):
            sheet.world.accounts.credentials_file.write_text(content)
            again = opened_by("ann", sandbox, folder)
            let_alice_in(again)

            assert again.check("ask").is_correct
            assert again.source != sheet.source
