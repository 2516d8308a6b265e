"""A diagnosis says where it looked, and a caller that does not exist is a cause of its own."""

import shlex
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from support.in_process_sandbox import ENDPOINT
from support.world_stage import PROFILES, Stage, endpoint
from xacct_nb.aws.diagnosis_sessions import AccountSession, DiagnosisSessions
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis
from xacct_nb.diagnosis.looked_in import NOWHERE, command_for_aws
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot
from xacct_nb.runs.denial.inquiry import diagnose
from xacct_nb.runs.runner import RunResult, run
from xacct_nb.sandbox.server.state import Sandbox

DENIED = (
    "An error occurred (AccessDenied) when calling the AssumeRole operation: User: {caller} is not "
    "authorized to perform: sts:AssumeRole on resource: {role}"
)
ANNA, VAULT = "arn:aws:iam::111111111111:user/anna", "arn:aws:iam::222222222222:role/vault"
ALICE, SUMMARY = "arn:aws:iam::111111111111:user/alice", "arn:aws:iam::222222222222:role/summary-reader"


def named(found: Diagnosis) -> list[tuple[str, str]]:
    return [(each.code, each.confidence) for each in found.causes if each.confidence != "possible"]


class TestInTheDefaultSandbox:
    @pytest.fixture(autouse=True)
    def _the_sandbox(self, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("XACCT_SANDBOX_DIR", str(sandbox.folder))

    def diagnosed(self, records: Path, **fields: str) -> tuple[RunResult, dict[str, Any]]:
        ended = run("diagnose_a_denial", options=list(fields.items()), records=str(records))
        assert ended.record.diagnosis is not None, ended.record.error
        return ended, dict(ended.record.diagnosis)

    def test_a_pasted_text_is_said_to_be_looked_up_there(self, sandbox: Sandbox, tmp_path: Path) -> None:
        ended, found = self.diagnosed(tmp_path, error_text=DENIED.format(caller=ALICE, role=VAULT))
        looked, shown = found["looked_in"], str(ended)

        assert found["headline"].startswith("In the sandbox: Certain: ")
        assert (looked["place"], looked["endpoint"]) == ("sandbox", sandbox.endpoint)
        assert looked["profiles"] == {"source": "source-admin", "destination": "destination-admin"}
        assert f"Looked in the SANDBOX at {sandbox.endpoint}" in shown
        assert "not about AWS" in shown
        assert shown.index("Looked in") < shown.index("confidence")
        assert "-p sandbox false" in shown

    @pytest.mark.parametrize("account", ["111111111111", "555555555555"])
    def test_a_text_about_nobody_in_it_is_explained_alone(
        self, sandbox: Sandbox, tmp_path: Path, account: str
    ) -> None:
        caller = ANNA.replace("111111111111", account)
        _, found = self.diagnosed(tmp_path, error_text=DENIED.format(caller=caller, role=VAULT))

        assert found["looked_in"]["endpoint"] == sandbox.endpoint

        assert "In the sandbox" not in found["headline"]
        assert "has neither this caller nor this role" in found["looked_in"]["note"]
        assert "-p sandbox false" in found["looked_in"]["command"]

    def test_a_caller_that_was_given_is_not_replaced_by_the_examples_profile(self, tmp_path: Path) -> None:
        typed = ALICE.replace("alice", "allice")
        _, found = self.diagnosed(tmp_path, caller=typed, role=SUMMARY)
        first = found["causes"][0]

        assert (first["code"], first["side"], first["confidence"]) == ("no-such-caller", "source", "certain")
        assert ALICE in first["why"]
        assert "another-caller" not in [each["code"] for each in found["causes"]]
        assert [command for each in found["causes"] for command in each["commands"]] == []
        assert found["looked_in"]["note"] == found["looked_in"]["command"] == ""


@pytest.fixture(scope="module")
def stage() -> Stage:
    """A role that trusts an account in which there is a carol, and no carla."""
    trust = {"Effect": "Allow", "Principal": {"AWS": "{A}"}, "Action": "sts:AssumeRole"}
    told = {"A": {"users": {"carol": {}}}, "B": {"roles": {"vault": {"trust": trust}}}}
    return Stage({**told, "call": {"by": "carol", "role": "arn:aws:iam::{B}:role/vault"}})


def sides(stage: Stage, *names: str) -> DiagnosisSessions:
    accounts = {"source": "A", "destination": "B"}
    opened = {name: AccountSession(stage.built.root(accounts[name]), PROFILES[name]) for name in names}
    return DiagnosisSessions(endpoint=endpoint(), **opened)


class TestACallerThatDoesNotExist:
    def test_it_is_certain_where_no_text_names_it_and_nothing_is_written_for_it(self, stage: Stage) -> None:
        caller, role = self.arns(stage, "user/carla")
        found = diagnose(None, sides(stage, "source", "destination"), caller=caller, role=role)
        (cause,) = [each for each in found.causes if each.confidence != "possible"]

        assert (cause.code, cause.side, cause.confidence) == ("no-such-caller", "source", "certain")
        assert caller.replace("carla", "carol") in cause.why
        assert cause.commands == ()
        assert "the caller's policies and boundary" not in [each.what for each in found.unknowns]

    @pytest.mark.parametrize("read", [("source", "destination"), ("source",)])
    def test_it_existed_when_aws_named_it(self, stage: Stage, read: tuple[str, ...]) -> None:
        caller, role = self.arns(stage, "user/carla")
        found = diagnose(None, sides(stage, *read), error=DENIED.format(caller=caller, role=role))

        assert named(found)[0] == ("no-such-caller", "likely")
        assert "deleted since" in found.causes[0].why

    def test_a_roles_session_of_which_the_role_is_gone(self, stage: Stage) -> None:
        caller, role = self.arns(stage, "role/build")
        session = f"{caller.replace(':iam:', ':sts:').replace('role/', 'assumed-role/')}/desk"
        found = diagnose(None, sides(stage, "source"), error=DENIED.format(caller=session, role=role))

        assert named(found)[0] == ("no-such-caller", "likely")
        assert f"No role has the ARN {caller}" in found.causes[0].why

    def test_its_own_call_of_another_service_was_denied(self, stage: Stage) -> None:
        caller, _ = self.arns(stage, "user/carla")
        text = f"User: {caller} is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::books/a"
        found = diagnose(None, sides(stage, "source"), error=text)

        assert ("no-such-caller", "likely") in named(found)

    def test_no_command_names_it_in_a_trust_policy(self, stage: Stage) -> None:
        stage.built.do({"B": "CreateRole", "RoleName": "safe", "AssumeRolePolicyDocument": {
            "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"AWS": "arn:aws:iam::{A}:user/carol"}
        }})  # fmt: skip
        caller, role = self.arns(stage, "user/carla", "safe")
        found = diagnose(None, sides(stage, "source", "destination"), caller=caller, role=role)

        assert ("other-principal-trusted", "certain") in named(found)
        assert [command for each in found.causes for command in each.commands] == []

    @pytest.mark.parametrize("name", ["user/carol", "root"])
    def test_one_that_does_is_not_missed(self, stage: Stage, name: str) -> None:
        caller, role = self.arns(stage, name)
        found = diagnose(None, sides(stage, "source", "destination"), caller=caller, role=role)

        assert "no-such-caller" not in [each.code for each in found.causes]

    def arns(self, stage: Stage, caller: str, role: str = "vault") -> tuple[str, str]:
        places = (f"arn:aws:iam::{{A}}:{caller}", f"arn:aws:iam::{{B}}:role/{role}")
        return tuple(stage.built.filled("", each) for each in places)  # type: ignore[return-value]


class TestWhereItLooked:
    def test_an_answer_of_the_sandbox_is_not_called_one_of_aws(self, stage: Stage) -> None:
        mine = AccountSession(stage.built.clients(stage.built.keys["carol"]), PROFILES["caller"])
        asked = replace(sides(stage, "source", "destination"), caller=mine)
        found = diagnose(None, asked, role=stage.built.filled("", stage.call["role"]))

        assert "The sandbox returned now: " in str(found)
        assert "AWS returned now" not in str(found)
        assert "`export AWS_CONFIG_FILE=" in found.causes[0].mend

    def test_from_a_text_alone_it_looked_nowhere(self) -> None:
        found = diagnose(error=DENIED.format(caller=ANNA, role=VAULT))

        assert found.looked_in == NOWHERE
        assert "Nothing was looked up" in str(found)
        assert Diagnosis.from_json(found.to_json()) == found

    def test_a_side_of_the_other_owner_is_from_a_file(self) -> None:
        sent = Snapshot(destination=Destination(role=Principal(arn=VAULT)))
        found = diagnose(error=DENIED.format(caller=ANNA, role=VAULT), snapshot=sent)

        assert found.looked_in is not None
        assert found.looked_in.from_file == ("destination",)
        assert "Nothing was looked up" not in str(found)

    def test_a_record_that_does_not_say_it_is_shown_without_it(self) -> None:
        fields = diagnose(error=DENIED.format(caller=ANNA, role=VAULT)).to_json()
        del fields["looked_in"]

        assert "ooked" not in str(Diagnosis.from_json(fields))

    def test_an_endpoint_of_ones_own_is_named(self, stage: Stage) -> None:
        session = AccountSession(stage.built.root("A"), "mine")
        found = diagnose(
            None, DiagnosisSessions(source=session), error=DENIED.format(caller=ANNA, role=VAULT)
        )

        assert found.looked_in is not None
        assert found.looked_in.place == ENDPOINT
        assert f"Looked in {ENDPOINT}, with the profiles: mine (source)." in str(found)

    @pytest.mark.parametrize("text", [DENIED.format(caller=ANNA, role=VAULT), 'it\'s "denied" $(here)'])
    def test_the_command_for_aws_gives_the_text_as_it_is(self, text: str) -> None:
        words = shlex.split(command_for_aws(Attempt(role=VAULT), read_denial(text)))

        assert words[words.index("error_text") + 1] == read_denial(text).text
        assert ("role" in words) is (VAULT not in text)

    def test_a_long_text_comes_from_a_file(self) -> None:
        text = DENIED.format(caller=ANNA, role=VAULT) + " " * 10 + "x" * 400

        assert '"$(cat error.txt)"' in command_for_aws(Attempt(), read_denial(text))
