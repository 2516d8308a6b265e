"""Sessions: who each profile really is, and what is refused before anything runs."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError, EndpointConnectionError
from botocore.stub import Stubber

from support.examples import a_grant, endpoint_of, grant_in, sessions_in
from xacct_nb.aws.clients import connect
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import check_both_sides, needed_accounts, open_sessions
from xacct_nb.errors import AwsRefused, InvalidInput, MissingProfile, NoCredentials, WrongAccount
from xacct_nb.grants.documents import build
from xacct_nb.iam.arns import same_principal
from xacct_nb.sandbox.server.accounts import World

GROUP = "arn:aws:iam::111111111111:group/analysts"


@pytest.fixture
def nobodys_variables(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    """Tests here set AWS variables of their own."""
    for name in ("AWS_PROFILE", "AWS_DEFAULT_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def opened(world: World, **profiles: list[str]) -> Any:
    usual = {"source_profiles": ["source-admin"], "destination_profiles": ["destination-admin"]}
    return open_sessions(grant_in(world), **{**usual, **profiles}, endpoint=endpoint_of(world))


def test_every_session_has_the_identity_that_sts_returns(world: World) -> None:
    identities = opened(world, caller_profiles=["alice"]).to_json()

    assert [(each["part"], each["account"], each["arn"]) for each in identities] == [
        ("source", world.source, f"arn:aws:iam::{world.source}:user/admin"),
        ("destination", world.destination, f"arn:aws:iam::{world.destination}:user/admin"),
        ("caller", world.source, f"arn:aws:iam::{world.source}:user/alice"),
    ]


def test_sessions_show_who_they_are_and_no_credentials(world: World) -> None:
    sessions = opened(world, caller_profiles=["alice"])
    shown = f"{sessions} {sessions!r} {sessions._repr_html_()} {json.dumps(sessions.to_json())}"

    assert f"arn:aws:iam::{world.source}:user/alice" in shown
    assert "AKIA" not in shown
    assert "secret" not in shown


def test_a_missing_profile_is_named(world: World) -> None:
    with pytest.raises(MissingProfile) as refusal:
        opened(world, caller_profiles=["bob"])

    assert refusal.value.what == "The AWS config has no profile 'bob'."
    assert refusal.value.why == "It was given as a caller profile."
    assert refusal.value.hint


@pytest.mark.parametrize("part", ["source", "destination"])
def test_a_profile_in_the_wrong_account_is_refused(world: World, part: str) -> None:
    other = {"source": "destination-admin", "destination": "source-admin"}[part]

    with pytest.raises(WrongAccount, match=f"The {part} profile '{other}' is in account") as refusal:
        opened(world, **{f"{part}_profiles": [other]})

    assert refusal.value.why.startswith(f"The grant's {part} accounts: ")


def test_an_account_without_a_session_is_named_when_it_is_read(world: World) -> None:
    sessions = opened(world, destination_profiles=[])

    with pytest.raises(WrongAccount, match=f"No session is in account {world.destination}"):
        read(build(sessions.grant), sessions)
    with pytest.raises(WrongAccount, match=f"No session is in account {world.destination}"):
        check_both_sides(sessions)


def test_each_account_of_a_side_with_profiles_needs_one(world: World) -> None:
    roles = [f"arn:aws:iam::{account}:role/reader" for account in (world.destination, "333333333333")]

    with pytest.raises(WrongAccount, match="No session is in account 333333333333"):
        sessions_in(world, grant_in(world, destinations=roles))


def test_without_a_profile_there_is_nothing_to_open() -> None:
    with pytest.raises(InvalidInput, match="No profile was named"):
        open_sessions()


def test_sessions_without_a_grant_are_for_a_diagnosis(world: World) -> None:
    sessions = open_sessions(caller_profiles=["alice"], endpoint=endpoint_of(world))

    assert [each.part for each in sessions.identities] == ["caller"]
    with pytest.raises(InvalidInput, match="opened without a grant"):
        assert sessions.grant


def test_a_profile_without_credentials_is_named(world: World) -> None:
    Path(world.config_file).write_text(
        f"{world.config_file.read_text()}\n[profile empty]\nregion = us-east-1\n"
    )

    with pytest.raises(NoCredentials) as refusal:
        opened(world, source_profiles=["empty"])

    assert refusal.value.what == "The profile 'empty' cannot sign in."
    assert refusal.value.why == "It has no credentials."


def test_credentials_that_aws_does_not_accept_are_refused_and_not_quoted(world: World) -> None:
    lines = world.credentials_file.read_text().splitlines()
    wrong = ["aws_secret_access_key = hunter2hunter2hunter2" if "secret" in line else line for line in lines]
    world.credentials_file.write_text("\n".join(wrong))

    with pytest.raises(NoCredentials) as refusal:
        opened(world)

    assert refusal.value.what == "The profile 'source-admin' cannot sign in."
    assert "hunter2" not in str(refusal.value)


def test_the_variables_of_the_user_do_not_count_for_a_named_profile(
    world: World, nobodys_variables: pytest.MonkeyPatch
) -> None:
    nobodys_variables.setenv("AWS_ACCESS_KEY_ID", world.destination)
    nobodys_variables.setenv("AWS_SECRET_ACCESS_KEY", "none")
    nobodys_variables.setenv("AWS_PROFILE", "not-there")

    assert opened(world).identities[0].arn == f"arn:aws:iam::{world.source}:user/admin"


def test_the_users_profile_does_not_count_for_credentials_of_a_role(
    world: World, nobodys_variables: pytest.MonkeyPatch
) -> None:
    nobodys_variables.setenv("AWS_PROFILE", "not-there")
    credentials = {
        "AccessKeyId": world.source,
        "SecretAccessKey": world.root_secret(world.source),
        "SessionToken": "",
    }
    answer = opened(world).role_client(credentials, "sts").get_caller_identity()

    assert answer["Account"] == world.source


def test_a_role_session_can_be_a_caller(world: World) -> None:
    iam = connect(
        "iam",
        endpoint_url=world.endpoint,
        access_key_id=world.source,
        secret_access_key=world.root_secret(world.source),
    )
    assert iam.get_role(RoleName="hub")
    hub = f"arn:aws:iam::{world.source}:role/hub"
    sessions = sessions_in(world, grant_in(world, sources=[hub]), ("alice", "hub"))

    assert [each.profile for each in sessions.callers(hub)] == ["hub"]
    assert sessions.callers(hub)[0].arn.startswith(f"arn:aws:sts::{world.source}:assumed-role/hub/")


def test_every_caller_of_a_whole_account_is_its_caller(world: World) -> None:
    sessions = sessions_in(world, grant_in(world, sources=[world.source]))

    assert [each.profile for each in sessions.callers(world.source)] == ["alice", "mallory"]
    assert sessions.stranger(world.source) is not None


def test_a_user_beside_a_whole_account_is_a_caller_of_its_own(world: World) -> None:
    alice = f"arn:aws:iam::{world.source}:user/alice"
    sessions = sessions_in(world, grant_in(world, sources=[world.source, alice]), ("mallory", "alice"))

    assert [each.profile for each in sessions.callers(alice)] == ["alice"]


def test_a_stranger_is_a_principal_that_the_grant_does_not_name(world: World) -> None:
    alice = f"arn:aws:iam::{world.source}:user/alice"
    sessions = sessions_in(world, grant_in(world))
    stranger = sessions.stranger(alice)

    assert stranger is not None
    assert stranger.profile == "mallory"


def test_without_another_caller_there_is_no_stranger(world: World) -> None:
    alice = f"arn:aws:iam::{world.source}:user/alice"

    assert sessions_in(world, grant_in(world), ("alice",)).stranger(alice) is None


@pytest.mark.parametrize(
    ("caller", "principal", "is_same"),
    [
        ("iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/alice", True),
        ("iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/team/alice", True),
        ("iam::111111111111:user/alice", "arn:aws:iam::222222222222:user/alice", False),
        ("iam::111111111111:user/alice", "arn:aws:iam::111111111111:role/alice", False),
        ("iam::111111111111:user/alice", "arn:aws:iam::111111111111:user/Alice", False),
        ("sts::111111111111:assumed-role/hub/me", "arn:aws:iam::111111111111:role/team/hub", True),
        ("sts::111111111111:assumed-role/hub/me", "arn:aws:iam::111111111111:role/me", False),
        ("iam::111111111111:user/alice", "111111111111", False),
    ],
)
def test_a_caller_is_known_by_account_kind_and_name(caller: str, principal: str, is_same: bool) -> None:
    assert same_principal(f"arn:aws:{caller}", principal) is is_same


@pytest.mark.parametrize(
    ("fields", "accounts"),
    [
        ({}, ("111111111111", "222222222222")),
        ({"sources": ["111111111111"]}, ("222222222222",)),
        ({"sources": ["111111111111"], "attach_to": GROUP}, ("111111111111", "222222222222")),
        ({"sources": ["arn:aws:iam::222222222222:user/al"]}, ("222222222222",)),
    ],
)
def test_only_accounts_that_are_read_need_a_session(
    fields: dict[str, Any], accounts: tuple[str, ...]
) -> None:
    assert needed_accounts(a_grant(**fields)) == accounts


def test_an_error_of_aws_is_translated_once_with_the_original_as_its_cause() -> None:
    iam = connect("iam", endpoint_url="http://127.0.0.1:1", access_key_id="x", secret_access_key="x")
    stub = Stubber(iam)
    stub.add_client_error("get_role", "ServiceFailure", "Sorry", response_meta={"RequestId": "id-1"})

    with stub, pytest.raises(AwsRefused) as refusal, translate_errors("GetRole reader"):
        iam.get_role(RoleName="reader")

    assert refusal.value.what == "GetRole reader: AWS returned ServiceFailure: Sorry"
    assert (refusal.value.aws_code, refusal.value.request_id) == ("ServiceFailure", "id-1")
    assert isinstance(refusal.value.__cause__, ClientError)


def test_a_network_that_is_down_says_what_to_do() -> None:
    with pytest.raises(AwsRefused) as refusal, translate_errors("GetRole reader"):
        raise EndpointConnectionError(endpoint_url="https://iam.amazonaws.com")

    assert refusal.value.aws_code == "EndpointConnectionError"
    assert refusal.value.hint == "Check the network and the endpoint, then run it again."
