"""What the sandbox reports of the use of principals: IAM's last accessed data, and policy generation."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.boto3_clients import client, policy, trust
from support.in_process_sandbox import in_process_sandbox
from xacct_nb.sandbox.server.accounts import World

sandbox = in_process_sandbox

Ask = Callable[..., Any]
ALLOWED = ["s3:ListAllMyBuckets", "s3:CreateBucket", "s3:GetObject", "sqs:*", "iam:List*", "iam:PassRole"]


@pytest.fixture
def ask(world: World) -> Ask:
    """A client of the destination account's administrator, or of another principal."""
    return partial(client, world)


@pytest.fixture
def role(world: World, ask: Ask) -> str:
    """A role that mallory may assume, with a few permissions."""
    made = ask("iam").create_role(
        RoleName="reader", AssumeRolePolicyDocument=trust(f"arn:aws:iam::{world.source}:user/mallory")
    )
    document = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ALLOWED, "Resource": "*"}}
    ask("iam").put_role_policy(RoleName="reader", PolicyName="may", PolicyDocument=json.dumps(document))
    return str(made["Role"]["Arn"])


def session(ask: Ask, role: str, name: str = "s1") -> dict[str, Any]:
    made: dict[str, Any] = ask("sts", "mallory").assume_role(RoleArn=role, RoleSessionName=name)
    return dict(made["Credentials"])


def report(iam: Any, arn: str, granularity: str = "ACTION_LEVEL") -> dict[str, dict[str, Any]]:
    """The services of a finished report by their prefix."""
    job = iam.generate_service_last_accessed_details(Arn=arn, Granularity=granularity)["JobId"]
    iam.get_service_last_accessed_details(JobId=job)
    services = iam.get_service_last_accessed_details(JobId=job)["ServicesLastAccessed"]
    return {each["ServiceNamespace"]: each for each in services}


def test_a_report_has_each_service_that_the_policies_allow_and_the_last_attempt_at_it(
    ask: Ask, role: str
) -> None:
    ask("s3", session(ask, role)).list_buckets()

    found = report(ask("iam"), role)

    assert sorted(found) == ["iam", "s3", "sqs"]
    assert found["s3"]["LastAuthenticatedEntity"] == role
    assert found["s3"]["TotalAuthenticatedEntities"] == 1
    assert abs(found["s3"]["LastAuthenticated"] - datetime.now(UTC)) < timedelta(hours=1)
    assert found["s3"]["ServiceName"] == "Amazon S3"
    assert "LastAuthenticated" not in found["sqs"]


def test_tracked_actions_are_there_with_and_without_use_and_data_events_are_not(ask: Ask, role: str) -> None:
    ask("s3", session(ask, role)).list_buckets()

    found = report(ask("iam"), role)
    actions = {
        each["ActionName"]: "LastAccessedTime" in each for each in found["s3"]["TrackedActionsLastAccessed"]
    }

    assert actions == {"CreateBucket": False, "ListAllMyBuckets": True}
    assert "PassRole" not in str(found["iam"]["TrackedActionsLastAccessed"])
    assert "TrackedActionsLastAccessed" not in found["sqs"]
    assert "TrackedActionsLastAccessed" not in report(ask("iam"), role, "SERVICE_LEVEL")["s3"]


def test_a_denied_attempt_counts_too(ask: Ask, role: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        ask("iam", session(ask, role)).create_user(UserName="eve")

    assert "LastAuthenticated" in report(ask("iam"), role)["iam"]


def test_a_job_is_in_progress_first_and_its_report_is_of_the_moment_it_was_made(ask: Ask, role: str) -> None:
    iam = ask("iam")
    job = iam.generate_service_last_accessed_details(Arn=role)["JobId"]
    ask("s3", session(ask, role)).list_buckets()
    first = iam.get_service_last_accessed_details(JobId=job)
    second = iam.get_service_last_accessed_details(JobId=job)

    assert (first["JobStatus"], second["JobStatus"]) == ("IN_PROGRESS", "COMPLETED")
    assert (second["JobType"], second["IsTruncated"]) == ("SERVICE_LEVEL", False)
    assert all("LastAuthenticated" not in each for each in second["ServicesLastAccessed"])


def test_a_long_report_comes_page_by_page(ask: Ask, role: str) -> None:
    iam = ask("iam")
    job = iam.generate_service_last_accessed_details(Arn=role)["JobId"]
    iam.get_service_last_accessed_details(JobId=job)
    first = iam.get_service_last_accessed_details(JobId=job, MaxItems=2)
    second = iam.get_service_last_accessed_details(JobId=job, MaxItems=2, Marker=first["Marker"])

    assert [each["ServiceNamespace"] for each in first["ServicesLastAccessed"]] == ["iam", "s3"]
    assert [each["ServiceNamespace"] for each in second["ServicesLastAccessed"]] == ["sqs"]
    assert second["IsTruncated"] is False


@pytest.mark.parametrize("name", ["role/nobody", "user/nobody", "policy/nothing", "saml-provider/x"])
def test_there_is_no_report_on_what_does_not_exist(ask: Ask, world: World, name: str) -> None:
    with pytest.raises(ClientError, match="NoSuchEntity"):
        report(ask("iam"), f"arn:aws:iam::{world.destination}:{name}")


def test_only_who_made_a_job_sees_it(ask: Ask, role: str, world: World) -> None:
    ask("iam").put_role_policy(RoleName="reader", PolicyName="look", PolicyDocument=policy("iam:*"))
    mine, other = ask("iam", session(ask, role)), ask("iam", session(ask, role))
    job = mine.generate_service_last_accessed_details(Arn=role)["JobId"]
    mine.get_service_last_accessed_details(JobId=job)

    assert mine.get_service_last_accessed_details(JobId=job)["JobStatus"] == "COMPLETED"
    for each in (other, ask("iam"), ask("iam", "source-admin")):
        with pytest.raises(ClientError, match="NoSuchEntity"):
            each.get_service_last_accessed_details(JobId=job)


def test_reports_need_the_right_to_them(ask: Ask, role: str) -> None:
    with pytest.raises(ClientError, match="perform: iam:GenerateServiceLastAccessedDetails"):
        ask("iam", session(ask, role)).generate_service_last_accessed_details(Arn=role)


def test_a_callers_report_has_its_calls_to_sts(ask: Ask, role: str, world: World) -> None:
    mallory = f"arn:aws:iam::{world.source}:user/mallory"
    before = report(ask("iam", "source-admin"), mallory)["sts"]
    session(ask, role)
    after = report(ask("iam", "source-admin"), mallory)["sts"]

    assert "LastAuthenticated" not in before
    assert after["LastAuthenticatedEntity"] == mallory


def test_a_policys_report_has_what_its_users_and_roles_did(ask: Ask, role: str) -> None:
    document = policy("s3:ListAllMyBuckets")
    arn = ask("iam").create_policy(PolicyName="list", PolicyDocument=document)["Policy"]["Arn"]
    ask("iam").attach_role_policy(RoleName="reader", PolicyArn=arn)
    ask("s3", session(ask, role)).list_buckets()

    found = report(ask("iam"), arn)

    assert list(found) == ["s3"]
    assert found["s3"]["LastAuthenticatedEntity"] == role


def test_a_groups_report_has_what_its_members_did(ask: Ask, world: World) -> None:
    iam = ask("iam", "source-admin")
    group = iam.create_group(GroupName="readers")["Group"]["Arn"]
    iam.put_group_policy(GroupName="readers", PolicyName="may", PolicyDocument=policy("s3:ListAllMyBuckets"))
    iam.add_user_to_group(GroupName="readers", UserName="mallory")
    ask("s3", "mallory").list_buckets()

    assert report(iam, group)["s3"]["LastAuthenticatedEntity"] == f"arn:aws:iam::{world.source}:user/mallory"


def test_a_role_that_is_made_again_was_never_used(ask: Ask, role: str, world: World) -> None:
    ask("s3", session(ask, role)).list_buckets()
    iam = ask("iam")
    iam.delete_role_policy(RoleName="reader", PolicyName="may")
    iam.delete_role(RoleName="reader")
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trust(world.source))
    iam.put_role_policy(RoleName="reader", PolicyName="may", PolicyDocument=policy("s3:*"))

    assert iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"] == {}
    assert "LastAuthenticated" not in report(iam, role)["s3"]


def test_a_role_knows_when_it_was_used_last_which_being_assumed_is_not(ask: Ask, role: str) -> None:
    iam, made = ask("iam"), session(ask, role)
    assumed = iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"]
    ask("s3", made).list_buckets()
    used = iam.get_role(RoleName="reader")["Role"]["RoleLastUsed"]

    assert assumed == {}
    assert (used["Region"], used["LastUsedDate"] > datetime.now(UTC) - timedelta(hours=1)) == (
        "us-east-1",
        True,
    )


def test_a_service_that_is_denied_as_a_whole_is_not_in_the_report(ask: Ask, role: str) -> None:
    deny = policy("sqs:*", "Deny")
    ask("iam").put_role_policy(RoleName="reader", PolicyName="not", PolicyDocument=deny)

    assert sorted(report(ask("iam"), role)) == ["iam", "s3"]


@pytest.fixture
def generate(ask: Ask, world: World) -> Callable[..., dict[str, Any]]:
    """Starts a generation for a principal, and returns what came of it."""
    trails = ask("cloudtrail")
    trail = trails.create_trail(Name="all", S3BucketName="logs")["TrailARN"]
    trails.start_logging(Name="all")
    service = {"Service": "access-analyzer.amazonaws.com"}
    access = ask("iam").create_role(
        RoleName="access", AssumeRolePolicyDocument=policy("sts:AssumeRole", Principal=service)
    )["Role"]["Arn"]

    def run(principal: str, days: int = 1, who: Any = "destination-admin", **wanted: str) -> dict[str, Any]:
        analyzer = ask("accessanalyzer", who)
        job = analyzer.start_policy_generation(
            policyGenerationDetails={"principalArn": principal},
            cloudTrailDetails={
                "trails": [{"cloudTrailArn": wanted.get("trail", trail), "allRegions": True}],
                "accessRole": wanted.get("role", access),
                "startTime": datetime.now(UTC) - timedelta(days=days),
            },
        )["jobId"]
        first = analyzer.get_generated_policy(jobId=job)["jobDetails"]["status"]
        assert first == "IN_PROGRESS"
        return dict(analyzer.get_generated_policy(jobId=job))

    return run


def test_a_generated_policy_has_the_management_calls_that_were_allowed(
    ask: Ask, role: str, generate: Callable[..., dict[str, Any]]
) -> None:
    made = session(ask, role)
    ask("s3", made).list_buckets()
    ask("sqs", made).list_queues()
    with pytest.raises(ClientError, match="AccessDenied"):
        ask("iam", made).create_user(UserName="eve")

    found = generate(role)
    (text,) = found["generatedPolicyResult"]["generatedPolicies"]

    assert found["jobDetails"]["status"] == "SUCCEEDED"
    assert json.loads(text["policy"])["Statement"] == [
        {"Effect": "Allow", "Action": ["s3:ListAllMyBuckets"], "Resource": "*"}
    ]


@pytest.mark.parametrize(
    ("wanted", "code"),
    [
        ({"role": "arn:aws:iam::ACCOUNT:role/none"}, "AUTHORIZATION_ERROR"),
        ({"trail": "arn:aws:cloudtrail:us-east-1:ACCOUNT:trail/none"}, "RESOURCE_NOT_FOUND_ERROR"),
    ],
)
def test_a_generation_fails_without_its_role_or_its_trail(
    role: str, generate: Callable[..., dict[str, Any]], wanted: dict[str, str], code: str
) -> None:
    own = {name: text.replace("ACCOUNT", role.split(":")[4]) for name, text in wanted.items()}
    details = generate(role, **own)["jobDetails"]

    assert (details["status"], details["jobError"]["code"]) == ("FAILED", code)


def test_a_generation_covers_90_days_at_most(role: str, generate: Callable[..., dict[str, Any]]) -> None:
    with pytest.raises(ClientError, match="at most 90 days"):
        generate(role, days=91)


def test_a_generation_needs_the_right_to_it_and_to_pass_the_role(
    ask: Ask, role: str, generate: Callable[..., dict[str, Any]]
) -> None:
    made = session(ask, role)
    with pytest.raises(ClientError, match="access-analyzer:StartPolicyGeneration"):
        generate(role, who=made)
    document = policy("access-analyzer:*")
    ask("iam").put_role_policy(RoleName="reader", PolicyName="may", PolicyDocument=document)

    with pytest.raises(ClientError, match="iam:PassRole"):
        generate(role, who=made)
