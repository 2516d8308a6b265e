"""A session over all hops to a role: it meets each grant's conditions, and renews itself, the whole chain."""

import json
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import datetime, timedelta
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError
from urllib3 import HTTPResponse

from support.examples import an_account, applied, endpoint_of, grant_in, plan_of, root_iam, sessions_in
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.role_sessions import ChainSession, session
from xacct_nb.errors import (
    AwsRefused,
    InvalidGrant,
    MissingProfile,
    NoCredentials,
    UnresolvedSecret,
    WrongAccount,
)
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.mfa_codes import STEP, code_of
from xacct_nb.runs.sandboxes import add_accounts
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import expire_session
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

KEY = "2026/summary.csv"
FIRST_ID, SECOND_ID = "relay-external-id-1", "reader-external-id-2"


@pytest.fixture(scope="module")
def world(sandbox: Sandbox, tmp_path_factory: pytest.TempPathFactory) -> World:
    """One world for all tests of this file: they only read."""
    return add_accounts(sandbox, an_account(), an_account(), tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def relay(world: World) -> Grant:
    """alice may assume the role relay of her own account."""
    roles = [f"arn:aws:iam::{world.source}:role/team/relay"]
    grant = grant_in(
        world, name="relay", destinations=roles, permissions=[], conditions={"external_id": FIRST_ID}
    )
    applied(grant, sessions_in(world, grant, destination_admin="source-admin"))
    return grant


@pytest.fixture(scope="module")
def reader(world: World, relay: Grant) -> Grant:
    """The role relay may assume the role that reads the reports, for two hours."""
    more: dict[str, Any] = {"sources": relay.destinations, "conditions": {"external_id": SECOND_ID}}
    grant = grant_in(world, session_minutes=120, **more)
    applied(grant, sessions_in(world, grant, callers=()))
    return grant


def opened(world: World, grant: Grant, **options: Any) -> ChainSession:
    place = replace(endpoint_of(world), clock=AwsClock())
    return session(grant, **{"source_profile": "alice", "endpoint": place, **options})


def reads(made: ChainSession, world: World) -> bytes:
    return bytes(made.client("s3").get_object(Bucket=world.bucket, Key=KEY)["Body"].read())


def key_of(made: ChainSession) -> str:
    return str(made.get_credentials().get_frozen_credentials().access_key)


def test_the_session_is_the_last_roles_and_each_hop_has_its_own_external_id(
    world: World, relay: Grant, reader: Grant
) -> None:
    made = opened(world, reader, through=[relay])

    assert made.client("sts").get_caller_identity()["Arn"].endswith(":assumed-role/reports-reader/alice")
    assert reads(made, world).startswith(b"quarter")


def test_a_plan_that_takes_the_next_hop_from_a_role_says_so(
    world: World, relay: Grant, reader: Grant
) -> None:
    plan = plan_of(relay, sessions_in(world, relay, destination_admin="source-admin"))

    assert plan.summary == "Plan: 0 to add, 0 to change, 1 to destroy."
    assert "role/team/relay can no longer assume the roles of the grant 'reports'" in plan.notes[0]


def test_what_it_shows_has_who_assumes_what_and_how_long_and_no_secret(
    world: World, relay: Grant, reader: Grant
) -> None:
    made = opened(world, reader, through=[relay])
    shown = f"{made!r}{made}{made._repr_html_()}{made.hops!r}{made.get_credentials()!r}"
    keys = made.get_credentials().get_frozen_credentials()

    assert "user/alice" in shown
    assert "A session lasts 1 hour, not the 2 hours that the grant allows." in shown
    assert [each for each in (*keys[:3], FIRST_ID, SECOND_ID) if each in shown] == []


def test_a_session_that_aws_ended_is_renewed_over_the_whole_chain(
    world: World, relay: Grant, reader: Grant, sandbox: Sandbox
) -> None:
    made = opened(world, reader, through=[relay])
    before = key_of(made)
    expire_session(sandbox, before)

    assert reads(made, world).startswith(b"quarter")
    assert key_of(made) != before


class AheadClock(AwsClock):
    """AWS's clock some seconds later, without waiting for it."""

    seconds = 0.0

    def now(self) -> datetime:
        return super().now() + timedelta(seconds=self.seconds)


def test_a_session_is_renewed_before_it_ends_by_awss_clock(world: World, relay: Grant, reader: Grant) -> None:
    clock = AheadClock()
    made = opened(world, reader, through=[relay], endpoint=replace(endpoint_of(world), clock=clock))
    s3, before = made.client("s3"), key_of(made)

    clock.seconds = 2_600.0  # of an hour, 1,000 seconds are left
    unchanged = key_of(made)
    clock.seconds = 3_100.0

    assert unchanged == before
    assert s3.get_object(Bucket=world.bucket, Key=KEY)["ContentLength"] > 0
    assert key_of(made) != before


def test_many_threads_renew_a_session_once(
    world: World, relay: Grant, reader: Grant, sandbox: Sandbox
) -> None:
    made = opened(world, reader, through=[relay])
    made.client("s3")
    expire_session(sandbox, key_of(made))
    fetched = made._renewed.fetched

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: reads(made, world), range(24)))

    assert len(set(answers)) == 1
    assert made._renewed.fetched == fetched + 1


def test_a_hop_that_is_denied_is_named(world: World, relay: Grant, reader: Grant) -> None:
    other = reader.model_copy(update={"conditions": relay.conditions})

    with pytest.raises(
        AwsRefused, match=r"Hop 2 of 2, role/team/relay of \d+ to role/reports-reader of \d+: AWS"
    ) as raised:
        opened(world, other, through=[relay])

    assert FIRST_ID not in str(raised.value)


def test_a_denied_renewal_says_which_hop_it_is(
    world: World, relay: Grant, reader: Grant, sandbox: Sandbox
) -> None:
    made = opened(world, reader, through=[relay])
    iam = root_iam(world, world.source)
    denial = {"Effect": "Deny", "Action": "sts:AssumeRole", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": denial})
    iam.put_user_policy(UserName="alice", PolicyName="denied", PolicyDocument=document)
    expire_session(sandbox, key_of(made))
    try:
        with pytest.raises(AwsRefused, match="Hop 1 of 2"):
            reads(made, world)
    finally:
        iam.delete_user_policy(UserName="alice", PolicyName="denied")

    assert reads(made, world)


def test_a_profile_that_is_no_source_is_refused(
    world: World, relay: Grant, reader: Grant, caplog: pytest.LogCaptureFixture
) -> None:
    with (
        caplog.at_level("WARNING"),
        pytest.raises(WrongAccount, match="user/mallory, which the grant 'relay' does not name"),
    ):
        opened(world, reader, through=[relay], source_profile="mallory")
    with pytest.raises(MissingProfile):
        opened(world, relay, source_profile="nobody")

    assert [record for record in caplog.records if record.name.startswith("botocore")] == []


def test_keys_that_aws_does_not_know_are_the_profiles_problem(
    world: World, relay: Grant, tmp_path: Path
) -> None:
    keys = tmp_path / "credentials"
    keys.write_text(
        "[alice]\naws_access_key_id = AKIAIOSFODNN7EXAMPLE\naws_secret_access_key = no-key-of-anybody\n"
    )

    with pytest.raises(NoCredentials, match="The profile 'alice' cannot sign in"):
        opened(world, relay, endpoint=replace(endpoint_of(world), credentials_file=str(keys)))


def test_grants_in_a_wrong_order_are_refused_before_any_call(relay: Grant, reader: Grant) -> None:
    with pytest.raises(InvalidGrant, match="may not assume"):
        session(relay, through=[reader])
    with pytest.raises(InvalidGrant, match="is no role of the grant 'relay'"):
        session(relay, reader.destinations[0])


def test_a_reference_is_looked_up_before_the_session(world: World, relay: Grant) -> None:
    conditions = {"external_id": "env:RELAY_EXTERNAL_ID"}
    unresolved = grant_in(world, name="relay", destinations=list(relay.destinations), conditions=conditions)

    with pytest.raises(UnresolvedSecret, match="RELAY_EXTERNAL_ID"):
        opened(world, unresolved)


def test_a_grant_from_a_user_may_have_a_session_of_more_than_an_hour(world: World, relay: Grant) -> None:
    long = grant_in(world, name="long", destinations=[f"arn:aws:iam::{world.destination}:role/long"])
    long = long.model_copy(update={"session_minutes": 180})
    applied(long, sessions_in(world, long))
    made = opened(world, long)

    left = made.get_credentials()._seconds_remaining()

    assert 10_700 < left <= 10_801


def test_a_renewal_that_was_made_since_is_not_made_again(world: World, relay: Grant, reader: Grant) -> None:
    made = opened(world, reader, through=[relay])
    first = made._renewed.fetched
    made._renewed.end(first)
    renewed = key_of(made)
    made._renewed.end(first)

    assert key_of(made) == renewed


def test_a_request_is_sent_again_once_where_aws_keeps_saying_that_the_session_is_over(
    world: World, relay: Grant, reader: Grant
) -> None:
    made = opened(world, reader, through=[relay])
    body = b"<Error><Code>ExpiredToken</Code><Message>The provided token has expired.</Message></Error>"
    sent: list[str] = []

    def refuse(request: AWSPreparedRequest, **_: object) -> AWSResponse:
        sent.append(str(request.headers["X-Amz-Security-Token"]))
        raw = HTTPResponse(BytesIO(body), {}, 400, preload_content=False)
        return AWSResponse(request.url, 400, raw.headers, raw)

    s3 = made.client("s3")
    s3.meta.events.register("before-send.s3.GetObject", refuse)
    with pytest.raises(ClientError, match="ExpiredToken"):
        s3.get_object(Bucket=world.bucket, Key=KEY)

    assert len(set(sent)) == len(sent) == 2


def test_an_mfa_code_is_asked_for_once_a_renewal_and_passed_at_the_first_hop(
    world: World, relay: Grant, reader: Grant, sandbox: Sandbox
) -> None:
    iam, now = root_iam(world, world.source), int(time.time()) // STEP
    device = iam.create_virtual_mfa_device(VirtualMFADeviceName="alice")["VirtualMFADevice"]
    seed, serial = device["Base32StringSeed"].decode(), device["SerialNumber"]
    pair = {f"AuthenticationCode{number}": code_of(seed, now - 11 + number) for number in (1, 2)}
    iam.enable_mfa_device(UserName="alice", SerialNumber=serial, **pair)
    trust = iam.get_role(RoleName="relay")["Role"]["AssumeRolePolicyDocument"]
    with_mfa = json.loads(json.dumps(trust))
    with_mfa["Statement"][0]["Condition"]["Bool"] = {"aws:MultiFactorAuthPresent": "true"}
    iam.update_assume_role_policy(RoleName="relay", PolicyDocument=json.dumps(with_mfa))
    codes = iter([code_of(seed, now - 2), code_of(seed, now - 1), code_of(seed, now)])
    asked: list[str] = []

    def ask() -> str:
        asked.append(next(codes))
        return asked[-1]

    try:
        made = opened(world, reader, through=[relay], mfa_serial=serial, mfa_code=ask)
        expire_session(sandbox, key_of(made))
        renewed = reads(made, world)
        with pytest.raises(AwsRefused, match="Hop 1 of 2"):
            opened(world, reader, through=[relay])
    finally:
        iam.update_assume_role_policy(RoleName="relay", PolicyDocument=json.dumps(trust))

    assert renewed.startswith(b"quarter")
    assert len(asked) == 2
