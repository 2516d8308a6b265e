"""A sheet on two accounts of AWS itself: said beforehand, tagged, kept apart from others, and all removed."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from support.classes import a_sheet, let_alice_in
from support.examples import an_account
from support.in_process_sandbox import in_process_sandbox
from support.workshop import checked
from xacct_nb.aws import answering_hosts, polling
from xacct_nb.aws.clients import AwsClient, connect
from xacct_nb.errors import InvalidParameters, RollbackFailed, RolledBack, WaitingForApproval
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox
from xacct_nb.views import text
from xacct_nb.workshop.aws_opening import AwsAccounts
from xacct_nb.workshop.aws_world import AwsWorld
from xacct_nb.workshop.exercise import Made, Sheet
from xacct_nb.workshop.inventory import items_in
from xacct_nb.workshop.opened_sheet import OpenSheet
from xacct_nb.workshop.opening import open_sheet
from xacct_nb.workshop.sheets import all_sheets
from xacct_nb.workshop.world import WorkshopWorld

sandbox = in_process_sandbox
TRUST = (
    '{"Version":"2012-10-17","Statement":'
    '[{"Effect":"Allow","Principal":{"AWS":"%s"},"Action":"sts:AssumeRole"}]}'
)
DENY = '{"Version":"2012-10-17","Statement":[{"Effect":"Deny","Action":"%s","Resource":"*"}]}'


class Accounts:
    """Two accounts that have something of others in them, and a profile for each in the AWS files."""

    def __init__(self, sandbox: Sandbox, folder: Path) -> None:
        self.sandbox, self.source, self.destination = sandbox, an_account(), an_account()
        self.folder = folder / "participant"
        names = {"my-source": self.source, "my-destination": self.destination}
        self.files = {
            "AWS_CONFIG_FILE": str(folder / "config"),
            "AWS_SHARED_CREDENTIALS_FILE": str(folder / "credentials"),
        }
        place = f"region = us-east-1\nendpoint_url = {sandbox.endpoint}\n"
        (folder / "config").write_text("".join(f"[profile {name}]\n{place}" for name in names))
        keys = "[{}]\naws_access_key_id = {}\naws_secret_access_key = {}\n"
        profiles = [keys.format(name, *self.operator(account)) for name, account in names.items()]
        (folder / "credentials").write_text("".join(profiles))
        for account in names.values():
            iam = self.client(account, "iam")
            iam.create_user(UserName="somebody", Tags=[{"Key": "xacct-workshop", "Value": "another sheet"}])
            iam.create_group(GroupName="others")
            iam.create_role(RoleName="others-role", AssumeRolePolicyDocument=TRUST % account)
            iam.create_policy(PolicyName="others-policy", PolicyDocument=DENY % "s3:*")
            self.client(account, "s3").create_bucket(Bucket=f"others-{account}")
        self.before = self.contents()

    def operator(self, account: str) -> tuple[str, str]:
        """Create the user who administers an account; return the access key."""
        iam = self.client(account, "iam")
        iam.create_user(UserName="operator")
        allow = DENY.replace("Deny", "Allow") % "*"
        iam.put_user_policy(UserName="operator", PolicyName="everything", PolicyDocument=allow)
        made = iam.create_access_key(UserName="operator")["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def client(self, account: str, service: str) -> AwsClient:
        return connect(
            service,
            endpoint_url=self.sandbox.endpoint,
            access_key_id=account,
            secret_access_key=self.sandbox.root_secret(account),
        )

    def contents(self) -> dict[str, set[Any]]:
        return {
            account: set(items_in(lambda service, account=account: self.client(account, service)))  # type: ignore[misc]
            for account in (self.source, self.destination)
        }

    @contextmanager
    def denying(self, action: str) -> Iterator[None]:
        """Let a service control policy deny an action in both accounts, within the block."""
        path = "o-classroom1/r-ab12/"
        allow = json.loads(DENY.replace("Deny", "Allow") % "*")
        policies = [[allow, json.loads(DENY % action)]]
        both = (self.source, self.destination)
        set_organization(
            self.sandbox,
            "o-classroom1",
            dict.fromkeys(both, path),
            service_control_policies=dict.fromkeys(both, policies),
        )
        yield
        set_organization(self.sandbox, "o-classroom1", {})

    def open(self, sheet: Sheet, confirm: str | None = None) -> OpenSheet:
        agreed = self.destination if confirm is None else confirm
        return OpenSheet(sheet, "ann", self.folder, AwsAccounts("my-source", "my-destination", agreed))


@pytest.fixture
def accounts(sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Accounts:
    found = Accounts(sandbox, tmp_path)
    for name, value in found.files.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(AwsWorld, "patience", 0.2)
    monkeypatch.setattr(polling, "_LONGEST_PAUSE", 0.05)
    return found


def role(name: str) -> Made:
    return Made("destination", "role", name)


SHEET = a_sheet(1, "doors", role("visitor"))


class TestBeforehand:
    def test_it_says_what_it_makes_where_and_by_whom_and_makes_nothing(self, accounts: Accounts) -> None:
        with pytest.raises(WaitingForApproval) as problem:
            accounts.open(SHEET, confirm="")
        told = str(problem.value)

        assert accounts.contents() == accounts.before
        assert f"in {accounts.source}: user alice, user mallory" in told
        assert (
            f"in {accounts.destination}: role summary-reader, bucket reports-{accounts.destination}" in told
        )
        assert "role visitor" in told
        assert f'confirm = "{accounts.destination}"' in told
        assert "which is not AWS" in told

    def test_what_the_kernel_called_before_is_not_where_it_makes_something(
        self, accounts: Accounts, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setitem(answering_hosts._answered, "http://127.0.0.1:1", "http://127.0.0.1:1")
        with pytest.raises(WaitingForApproval) as problem:
            accounts.open(SHEET, confirm="")

        assert "127.0.0.1:1," not in str(problem.value)
        assert "which is not AWS" in str(problem.value)

    @pytest.mark.parametrize("word", ["yes", "111111111111", "source"])
    def test_another_word_is_no_agreement(self, accounts: Accounts, word: str) -> None:
        with pytest.raises(WaitingForApproval):
            accounts.open(SHEET, confirm=accounts.source if word == "source" else word)

        assert accounts.contents() == accounts.before

    @pytest.mark.parametrize("name", ["alice", "Alice"])
    def test_something_of_others_with_a_name_that_it_needs_is_refused(
        self, accounts: Accounts, name: str
    ) -> None:
        accounts.client(accounts.source, "iam").create_user(UserName=name)
        before = accounts.contents()
        with pytest.raises(InvalidParameters) as problem:
            accounts.open(SHEET)

        assert f"in {accounts.source}: user {name}." in str(problem.value)
        assert accounts.contents() == before

    def test_what_the_exercises_make_is_among_these_names(self, accounts: Accounts) -> None:
        iam = accounts.client(accounts.destination, "iam")
        iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=TRUST % accounts.destination)
        with pytest.raises(InvalidParameters, match="the workshop did not make it") as problem:
            accounts.open(SHEET)

        assert f"in {accounts.destination}: role visitor." in str(problem.value)

    def test_one_account_is_not_enough(self, accounts: Accounts) -> None:
        with pytest.raises(InvalidParameters, match="two different accounts"):
            OpenSheet(SHEET, "ann", accounts.folder, AwsAccounts("my-source", "my-source", accounts.source))

    def test_a_root_user_cannot_be_the_administrator(self, accounts: Accounts, sandbox: Sandbox) -> None:
        secret = sandbox.root_secret(accounts.source)
        keys = f"[my-source]\naws_access_key_id = {accounts.source}\naws_secret_access_key = {secret}\n"
        credentials = Path(accounts.files["AWS_SHARED_CREDENTIALS_FILE"])
        credentials.write_text(
            keys + credentials.read_text().partition("[my-destination]")[2].join(["[my-destination]", ""])
        )
        with pytest.raises(InvalidParameters, match="my-source has the keys of a root user"):
            accounts.open(SHEET)

        assert accounts.contents() == accounts.before

    def test_a_sheet_that_needs_the_sandbox_says_why(self, accounts: Accounts) -> None:
        sheet = a_sheet(needs_sandbox="It sets the clock of AWS.")
        with pytest.raises(InvalidParameters, match="needs the sandbox") as problem:
            accounts.open(sheet)

        assert problem.value.why == "It sets the clock of AWS."


class TestTheWork:
    def test_the_exercises_are_judged_and_everything_made_has_the_tag(self, accounts: Accounts) -> None:
        sheet = accounts.open(SHEET)
        before = sheet.check("ask")
        let_alice_in(sheet.world)
        found = sheet.check("ask")
        tags = [
            *accounts.client(accounts.source, "iam").list_user_tags(UserName="alice")["Tags"],
            *accounts.client(accounts.destination, "iam").list_role_tags(RoleName="visitor")["Tags"],
            *accounts.client(accounts.destination, "s3").get_bucket_tagging(Bucket=sheet.bucket)["TagSet"],
        ]

        assert (before.outcome, found.outcome) == ("not-attempted", "correct")
        assert tags == [{"Key": "xacct-workshop", "Value": "doors"}] * 3
        assert "which is not AWS" in text(sheet.view())

    def test_the_clean_up_removes_all_of_it_and_nothing_else_and_may_run_twice(
        self, accounts: Accounts
    ) -> None:
        sheet = accounts.open(SHEET)
        let_alice_in(sheet.world)
        sheet.client("destination-admin", "iam").create_role(
            RoleName="an-own-name", AssumeRolePolicyDocument=TRUST % accounts.source
        )
        sheet.client("source-admin", "iam").create_group(GroupName="an-own-group")
        sheet.client("destination-admin", "s3").create_bucket(Bucket=f"mine-{accounts.destination}")
        once, twice = sheet.clean_up(), sheet.clean_up()

        assert accounts.contents() == accounts.before
        assert (once.is_clean, twice.is_clean, len(twice.removed)) == (True, True, 0)
        assert len(once.removed) == 12
        assert (accounts.folder / "aws").exists()
        assert not (accounts.folder / "aws" / "credentials").exists()

    def test_what_other_tools_made_by_the_names_of_the_sheet_is_removed_too(self, accounts: Accounts) -> None:
        sheet = accounts.open(SHEET)
        iam = accounts.client(accounts.destination, "iam")
        iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=TRUST % accounts.source)

        assert sheet.clean_up().is_clean
        assert accounts.contents() == accounts.before

    def test_a_bucket_that_was_there_is_not_removed_although_the_participant_made_it_again(
        self, accounts: Accounts
    ) -> None:
        sheet = accounts.open(SHEET)
        sheet.client("destination-admin", "s3").create_bucket(Bucket=f"others-{accounts.destination}")
        sheet.clean_up()

        assert accounts.contents() == accounts.before

    def test_another_kernel_finds_the_world_and_can_remove_it(self, accounts: Accounts) -> None:
        first = accounts.open(SHEET)
        let_alice_in(first.world)
        again = accounts.open(SHEET, confirm="")

        assert again.check("ask").is_correct
        assert again.clean_up().is_clean
        assert accounts.contents() == accounts.before

    def test_where_the_file_of_what_was_made_is_lost_the_tags_tell(self, accounts: Accounts) -> None:
        accounts.open(a_sheet())
        (accounts.folder / "aws" / "aws.json").unlink()
        accounts.client(accounts.source, "iam").remove_user_from_group(GroupName="analysts", UserName="alice")
        accounts.client(accounts.source, "iam").delete_group(GroupName="analysts")
        again = accounts.open(a_sheet())
        again.clean_up()
        left = {each for found in accounts.contents().values() for each in found}

        assert {each.kind for each in left - set().union(*accounts.before.values())} <= {"bucket"}

    def test_an_instance_profile_and_its_role_are_known_by_their_tags(self, accounts: Accounts) -> None:
        def prepare(world: WorkshopWorld) -> None:
            iam, name = world.admin("destination", "iam"), {"InstanceProfileName": "visitor"}
            iam.create_role(RoleName="visitor", AssumeRolePolicyDocument=TRUST % world.source)
            iam.create_instance_profile(**name)
            iam.add_role_to_instance_profile(**name, RoleName="visitor")

        accounts.open(a_sheet(prepare=prepare))
        (accounts.folder / "aws" / "aws.json").unlink()
        iam = accounts.client(accounts.source, "iam")
        iam.remove_user_from_group(GroupName="analysts", UserName="alice")
        iam.delete_group(GroupName="analysts")
        accounts.open(a_sheet()).clean_up()
        left = {each for found in accounts.contents().values() for each in found}

        assert {each.kind for each in left - set().union(*accounts.before.values())} <= {"bucket"}

    def test_a_reset_makes_it_again(self, accounts: Accounts) -> None:
        sheet = accounts.open(SHEET)
        let_alice_in(sheet.world)
        sheet.reset()

        assert not sheet.check("ask", 1).is_correct
        assert sheet.clean_up().is_clean

    def test_what_asks_a_third_account_is_left_out_or_said(self, accounts: Accounts) -> None:
        sheet = accounts.open(SHEET)
        with pytest.raises(InvalidParameters.__base__, match="third account"):  # type: ignore[arg-type]
            sheet.world.outside  # noqa: B018

        assert "outsider" not in sheet.world.profiles


class TestFailures:
    def test_a_failure_half_way_is_undone_and_says_so(self, accounts: Accounts) -> None:
        def prepare(world: WorkshopWorld) -> None:
            world.add_user("carol")
            world.admin("destination", "iam").create_role(RoleName="x y", AssumeRolePolicyDocument="{}")

        with pytest.raises(RolledBack) as problem:
            accounts.open(a_sheet(prepare=prepare))

        assert "What had been made was removed again: 9." in str(problem.value)
        assert accounts.contents() == accounts.before

    def test_what_cannot_be_removed_is_named_and_removed_by_the_next_run(self, accounts: Accounts) -> None:
        sheet = accounts.open(SHEET)
        let_alice_in(sheet.world)
        with accounts.denying("iam:DeleteRole"):
            found = sheet.clean_up()

        assert {each.name for each in found.left} == {"hub", "summary-reader", "visitor"}
        assert "role visitor" in text(found.view())
        assert sheet.clean_up().is_clean
        assert accounts.contents() == accounts.before

    def test_a_failure_that_cannot_be_undone_says_exactly_what_is_left(self, accounts: Accounts) -> None:
        def prepare(world: WorkshopWorld) -> None:
            world.admin("destination", "iam").create_role(RoleName="x y", AssumeRolePolicyDocument="{}")

        with (
            accounts.denying("iam:DeleteUser"),
            pytest.raises(RollbackFailed) as problem,
        ):
            accounts.open(a_sheet(prepare=prepare))
        again = accounts.open(a_sheet())

        assert (
            f"This is left, and could not be removed: in {accounts.source}: user alice, user mallory."
            in str(problem.value)
        )
        assert again.clean_up().is_clean
        assert accounts.contents() == accounts.before

    def test_two_other_accounts_are_refused_while_the_first_are_not_cleaned_up(
        self, accounts: Accounts, sandbox: Sandbox, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        accounts.open(SHEET)
        (tmp_path / "others").mkdir()
        others = Accounts(sandbox, tmp_path / "others")
        for name, value in others.files.items():
            monkeypatch.setenv(name, value)
        others.folder = accounts.folder
        with pytest.raises(InvalidParameters, match="open in two other accounts"):
            others.open(SHEET)

        assert others.contents() == others.before


ON_AWS = [each for each in all_sheets() if not each.needs_sandbox]


@pytest.mark.parametrize("sheet", ON_AWS, ids=lambda each: each.name)
def test_the_solutions_of_a_sheet_are_correct_on_aws_too_and_nothing_is_left(
    accounts: Accounts, sheet: Sheet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XACCT_WORKSHOP", str(tmp_path / "workshop"))
    profiles = {"source_profile": "my-source", "destination_profile": "my-destination"}
    found = open_sheet(sheet.name, {"sandbox": False, **profiles, "confirm": accounts.destination})
    verdicts = [checked(found, exercise, exercise.solution) for exercise in found.sheet.exercises]
    cleaned = found.clean_up()

    assert [str(each) for each in verdicts if not each.is_correct] == []
    assert cleaned.is_clean, str(cleaned)
    assert accounts.contents() == accounts.before
