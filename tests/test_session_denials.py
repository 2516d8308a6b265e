"""The session of an assumed role is denied an action: for real, then diagnosed, then fixed."""

import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.denial_stage import Broken, Stage, allow
from support.denied_session import GET, KEY, TABLE
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.diagnosis.denial import NO_DENIAL, Denial, read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox


def another_owner(on: Stage) -> None:
    """The bucket is in a third account (here the source account), whose policies do not name the role."""
    bucket = f"third-{on.world.source}"
    s3 = on.root("s3", on.world.source)
    s3.create_bucket(Bucket=bucket)
    s3.put_object(Bucket=bucket, Key=KEY, Body=b"x")
    on.resource = f"arn:aws:s3:::{bucket}/{KEY}"
    on.permit(allow(GET, f"arn:aws:s3:::{bucket}/*"))


def revoked(on: Stage) -> None:
    moment = (datetime.now(UTC) + timedelta(seconds=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    on.permit(allow("*", "*", "Deny", DateLessThan={"aws:TokenIssueTime": moment}), "AWSRevokeOlderSessions")


@pytest.fixture
def stage(world: World) -> Stage:
    made = Stage(world)
    made.action, made.resource = GET, f"arn:aws:s3:::{world.bucket}/{KEY}"
    return made


def session(on: Stage) -> tuple[str, ...]:
    """Keys of a new session of the role."""
    parameters = {"RoleSessionName": "desk", **on.parameters, "RoleArn": on.role}
    made = on.clients()("sts").assume_role(**parameters)["Credentials"]
    return made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]


def read(on: Stage, keys: tuple[str, ...]) -> Denial:
    """Return the denial of the read, NO_DENIAL if it succeeds."""
    bucket, _, key = on.resource.partition(":s3:::")[2].partition("/")
    try:
        on.with_keys(keys)("s3").get_object(Bucket=bucket, Key=key)
    except ClientError as problem:
        return read_denial(str(problem))
    return NO_DENIAL


def explained(on: Stage, denial: Denial, *sides: str) -> Diagnosis:
    return diagnose(on.snapshot(*sides), attempt=on.attempt, denial=denial)


@pytest.mark.parametrize("broken", TABLE, ids=str)
def test_the_cause_ranks_first_and_with_its_fix_the_same_request_succeeds(
    stage: Stage, broken: Broken
) -> None:
    broken.break_it(stage)
    denial = read(stage, session(stage))
    found = explained(stage, denial, "source", "destination")
    from_here = explained(stage, denial, "source")

    assert denial.code == "AccessDenied"
    assert found.causes[0].code == broken.code, found
    assert broken.code in (from_here.causes[0].code, *from_here.indistinguishable_causes), from_here

    (broken.mend or (lambda on: on.apply_fix(found.causes[0])))(stage)
    again = read(stage, session(stage))

    assert again == NO_DENIAL, (again.text, found.causes[0].commands)


def test_a_revoked_session_is_diagnosed_and_a_new_one_works(stage: Stage) -> None:
    keys = session(stage)
    revoked(stage)
    denial = read(stage, keys)
    found = explained(stage, denial, "source", "destination")
    stage.apply_fix(found.causes[0])
    time.sleep(1.05 - time.time() % 1)  # the policy reaches to the end of this second

    assert found.causes[0].code == "session-revoked", found
    assert read(stage, session(stage)) == NO_DENIAL


def test_the_callers_own_credentials_are_recognized_by_the_caller_in_the_text(stage: Stage) -> None:
    denial = read(stage, stage.keys)
    named = denial if denial.caller else text_of_aws(stage)
    found = explained(stage, named, "source", "destination")

    assert denial.code == "AccessDenied"
    assert found.causes[0].code == "wrong-identity", found
    assert stage.alice in found.causes[0].why
    assert read(stage, session(stage)) == NO_DENIAL


def test_the_owner_of_a_bucket_in_a_third_account_must_allow_the_role(stage: Stage) -> None:
    another_owner(stage)
    denial = read(stage, session(stage))
    found = explained(stage, denial, "source", "destination")

    assert denial.code == "AccessDenied"
    assert (found.causes[0].code, found.causes[0].confidence) == ("resource-policy", "certain"), found
    assert found.causes[0].works is True
    assert found.causes[0].commands[0].startswith("aws s3api put-bucket-policy")
    assert "--profile SOURCE_ADMIN" in found.causes[0].commands[0]


def test_without_a_session_of_its_account_such_a_bucket_is_one_of_several_causes(stage: Stage) -> None:
    another_owner(stage)
    found = explained(stage, read(stage, session(stage)), "destination")

    assert (found.causes[0].code, found.causes[0].confidence) == ("other-account-resource", "possible")
    assert found.indistinguishable_causes[:2] == ("other-account-resource", "resource-policy")


def text_of_aws(on: Stage) -> Any:
    """Return the same denial with the text of AWS, which names the user."""
    return read_denial(f"User: {on.alice} is not authorized to perform: {GET} on resource: {on.resource}")
