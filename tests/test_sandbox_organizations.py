"""AWS Organizations in the sandbox: what boto3 gets to know of the organization that was set."""

import secrets
from dataclasses import dataclass, field
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from support.boto3_clients import policy
from support.examples import an_account
from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox

WORK, DEEP, EMPTY = "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"
NO_ACCESS = r"AccessDeniedException\).*You don't have permissions to access this resource\."


@dataclass
class Organized:
    """An organization of this test's own: a management account, two in units, and one outside."""

    sandbox: Sandbox
    id: str = field(default_factory=lambda: f"o-{secrets.token_hex(8)}")
    management: str = field(default_factory=an_account)
    member: str = field(default_factory=an_account)
    deep: str = field(default_factory=an_account)
    stranger: str = field(default_factory=an_account)

    @property
    def root(self) -> str:
        return f"{self.id}/r-ab12/"

    @property
    def paths(self) -> dict[str, str]:
        return {
            self.management: self.root,
            self.member: f"{self.root}{WORK}/",
            self.deep: f"{self.root}{WORK}/{DEEP}/",
        }

    def set(self, **more: Any) -> None:
        fields = {"management": self.management, "units": [f"{self.root}{EMPTY}/"]} | more
        set_organization(self.sandbox, self.id, self.paths, **fields)

    def client(self, account: str, service: str = "organizations") -> Any:
        """A client of the root user of an account."""
        return self.client_of(account, self.sandbox.root_secret(account), service)

    def client_of(self, key: str, secret: str, service: str = "organizations") -> Any:
        return boto3.client(
            service,
            endpoint_url=self.sandbox.endpoint,
            region_name="us-east-1",
            aws_access_key_id=key,
            aws_secret_access_key=secret,
            config=Config(retries={"total_max_attempts": 1}, proxies={}),
        )

    def user(self, account: str, **statement: Any) -> Any:
        """A client of a user of an account with one policy of one statement."""
        iam = self.client(account, "iam")
        iam.create_user(UserName="reader")
        iam.put_user_policy(UserName="reader", PolicyName="read", PolicyDocument=policy(**statement))
        key = iam.create_access_key(UserName="reader")["AccessKey"]
        return self.client_of(key["AccessKeyId"], key["SecretAccessKey"])

    def arn(self, kind: str, *name: str) -> str:
        return "/".join((f"arn:aws:organizations::{self.management}:{kind}", self.id, *name))


@pytest.fixture
def organized(sandbox: Sandbox) -> Organized:
    return Organized(sandbox)


def test_the_organization_is_described_to_each_of_its_accounts(organized: Organized) -> None:
    organized.set()

    for account in (organized.management, organized.member):
        described = organized.client(account).describe_organization()["Organization"]
        assert described["Id"] == organized.id
        assert described["Arn"] == organized.arn("organization")
        assert described["MasterAccountId"] == organized.management
        assert described["FeatureSet"] == "ALL"


def test_an_account_has_its_state_its_name_and_its_path_and_no_status(organized: Organized) -> None:
    organized.set(names={organized.deep: "deep"}, states={organized.deep: "SUSPENDED"})

    listed = organized.client(organized.management).list_accounts()["Accounts"]
    found = {each["Id"]: each for each in listed}[organized.deep]

    assert (found["Name"], found["State"]) == ("deep", "SUSPENDED")
    assert found["Paths"] == [f"{organized.root}{WORK}/{DEEP}/{organized.deep}/"]
    assert found["Arn"] == organized.arn("account", organized.deep)
    assert "Status" not in found
    assert {each["Id"]: each["State"] for each in listed}[organized.member] == "ACTIVE"


def test_accounts_come_in_pages_of_20(organized: Organized) -> None:
    more = [f"{number:06d}{organized.management[6:]}" for number in range(41)]
    accounts = dict.fromkeys(more, f"{organized.root}{WORK}/") | {organized.management: organized.root}
    set_organization(organized.sandbox, organized.id, accounts, management=organized.management)
    client = organized.client(organized.management)

    for operation, parameters, every in (
        ("list_accounts", {}, set(accounts)),
        ("list_accounts_for_parent", {"ParentId": WORK}, set(more)),
    ):
        pages = list(client.get_paginator(operation).paginate(**parameters))
        assert [len(page["Accounts"]) for page in pages] == [20, 20, len(every) - 40]
        assert {each["Id"] for page in pages for each in page["Accounts"]} == every


def test_fewer_accounts_can_be_asked_for_and_never_more(organized: Organized) -> None:
    organized.set()
    client = organized.client(organized.management)
    first = client.list_accounts(MaxResults=2)
    rest = client.list_accounts(MaxResults=2, NextToken=first["NextToken"])

    assert [len(first["Accounts"]), len(rest["Accounts"])] == [2, 1]
    assert "NextToken" not in rest
    with pytest.raises(ClientError, match="InvalidInputException"):
        client.list_accounts(MaxResults=21)


@pytest.mark.parametrize("token", ["no token", "Um9vdHM6MA==", "QWNjb3VudHM6eA=="])
def test_a_token_of_another_list_is_refused(organized: Organized, token: str) -> None:
    organized.set()
    with pytest.raises(ClientError, match="InvalidInputException") as caught:
        organized.client(organized.management).list_accounts(NextToken=token)

    assert caught.value.response["Reason"] == "INVALID_PAGINATION_TOKEN"


def test_the_tree_of_units_can_be_walked_from_the_root(organized: Organized) -> None:
    organized.set(names={WORK: "Work"})
    client = organized.client(organized.management)
    (root,) = client.list_roots()["Roots"]
    below = client.list_organizational_units_for_parent(ParentId=root["Id"])["OrganizationalUnits"]
    deeper = client.list_organizational_units_for_parent(ParentId=WORK)["OrganizationalUnits"]

    assert (root["Id"], root["Arn"]) == ("r-ab12", organized.arn("root", "r-ab12"))
    assert [(each["Id"], each["Name"]) for each in below] == [(WORK, "Work"), (EMPTY, EMPTY)]
    assert [(each["Id"], each["Path"]) for each in deeper] == [(DEEP, f"{organized.root}{WORK}/{DEEP}/")]
    assert client.list_organizational_units_for_parent(ParentId=DEEP)["OrganizationalUnits"] == []


def test_a_parent_has_the_accounts_directly_in_it(organized: Organized) -> None:
    organized.set()
    client = organized.client(organized.management)
    inside = {
        parent: [each["Id"] for each in client.list_accounts_for_parent(ParentId=parent)["Accounts"]]
        for parent in ("r-ab12", WORK, DEEP, EMPTY)
    }

    assert inside == {
        "r-ab12": [organized.management],
        WORK: [organized.member],
        DEEP: [organized.deep],
        EMPTY: [],
    }
    assert client.list_parents(ChildId=organized.deep)["Parents"] == [
        {"Id": DEEP, "Type": "ORGANIZATIONAL_UNIT"}
    ]
    assert client.list_parents(ChildId=WORK)["Parents"] == [{"Id": "r-ab12", "Type": "ROOT"}]


def test_accounts_and_units_have_their_tags(organized: Organized) -> None:
    organized.set(tags={organized.member: {"environment": "prod", "team": ""}, WORK: {"kind": "work"}})
    client = organized.client(organized.management)
    tags = {
        each: client.list_tags_for_resource(ResourceId=each)["Tags"]
        for each in (organized.member, WORK, organized.deep)
    }

    assert tags == {
        organized.member: [{"Key": "environment", "Value": "prod"}, {"Key": "team", "Value": ""}],
        WORK: [{"Key": "kind", "Value": "work"}],
        organized.deep: [],
    }


def test_one_account_and_one_unit_can_be_described(organized: Organized) -> None:
    organized.set(names={WORK: "Work"})
    client = organized.client(organized.management)

    assert client.describe_account(AccountId=organized.member)["Account"]["State"] == "ACTIVE"
    unit = client.describe_organizational_unit(OrganizationalUnitId=WORK)["OrganizationalUnit"]
    assert unit["Name"] == "Work"


@pytest.mark.parametrize(
    ("operation", "parameters", "code"),
    [
        ("list_tags_for_resource", {"ResourceId": "ou-ab12-99999999"}, "TargetNotFoundException"),
        ("list_accounts_for_parent", {"ParentId": "ou-ab12-99999999"}, "ParentNotFoundException"),
        ("list_organizational_units_for_parent", {"ParentId": "r-zz99"}, "ParentNotFoundException"),
        ("list_parents", {"ChildId": "r-ab12"}, "ChildNotFoundException"),
        ("describe_account", {"AccountId": "000000000000"}, "AccountNotFoundException"),
        (
            "describe_organizational_unit",
            {"OrganizationalUnitId": "r-ab12"},
            "OrganizationalUnitNotFoundException",
        ),
        ("list_policies", {"Filter": "SERVICE_CONTROL_POLICY"}, "UnknownOperationException"),
    ],
)
def test_what_is_not_there_is_refused_by_its_code(
    organized: Organized, operation: str, parameters: dict[str, str], code: str
) -> None:
    organized.set()
    with pytest.raises(ClientError) as caught:
        getattr(organized.client(organized.management), operation)(**parameters)

    assert caught.value.response["Error"]["Code"] == code
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_another_member_may_only_describe_the_organization(organized: Organized) -> None:
    organized.set()
    client = organized.client(organized.member)

    for call in (
        client.list_accounts,
        client.list_roots,
        lambda: client.list_tags_for_resource(ResourceId=organized.member),
    ):
        with pytest.raises(ClientError, match=NO_ACCESS):
            call()


def test_a_delegated_administrator_may_read_all_of_it(organized: Organized) -> None:
    organized.set(delegated_administrators=[organized.member])
    reader = organized.user(organized.member, action="organizations:List*")

    assert len(reader.list_accounts()["Accounts"]) == 3
    assert reader.list_tags_for_resource(ResourceId=organized.deep)["Tags"] == []


def test_an_account_in_no_organization_is_told_so(organized: Organized) -> None:
    organized.set()
    for operation in ("describe_organization", "list_accounts"):
        with pytest.raises(ClientError, match="Your account is not a member of an organization") as caught:
            getattr(organized.client(organized.stranger), operation)()
        assert caught.value.response["Error"]["Code"] == "AWSOrganizationsNotInUseException"


def test_a_user_needs_the_permission(organized: Organized) -> None:
    organized.set()
    reader = organized.user(organized.management, action="organizations:ListAccounts")

    assert len(reader.list_accounts()["Accounts"]) == 3
    with pytest.raises(ClientError, match=NO_ACCESS):
        reader.list_roots()


def test_a_permission_may_be_for_one_account(organized: Organized) -> None:
    organized.set()
    member = organized.arn("account", organized.member)
    reader = organized.user(organized.management, action="organizations:ListTagsForResource", Resource=member)

    assert reader.list_tags_for_resource(ResourceId=organized.member)["Tags"] == []
    with pytest.raises(ClientError, match=NO_ACCESS):
        reader.list_tags_for_resource(ResourceId=organized.deep)


def test_a_control_policy_denies_a_member_with_the_same_words(organized: Organized) -> None:
    organized.set(service_control_policies={organized.member: [[]]})
    with pytest.raises(ClientError, match=NO_ACCESS):
        organized.client(organized.member).describe_organization()

    (root,) = organized.client(organized.management).list_roots()["Roots"]
    assert root["PolicyTypes"] == [{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}]


def test_the_paths_are_those_of_the_condition_keys(organized: Organized) -> None:
    organized.set()
    keys = {"aws:PrincipalOrgID": organized.id, "aws:PrincipalOrgPaths": f"{organized.root}{WORK}/"}
    condition = {"StringEquals": {"aws:PrincipalOrgID": keys["aws:PrincipalOrgID"]}}
    condition["ForAllValues:StringEquals"] = {"aws:PrincipalOrgPaths": keys["aws:PrincipalOrgPaths"]}
    reader = organized.user(
        organized.member, action="organizations:DescribeOrganization", Condition=condition
    )

    assert reader.describe_organization()["Organization"]["Id"] == organized.id


def test_a_management_account_without_a_path_is_in_the_root(organized: Organized) -> None:
    set_organization(
        organized.sandbox,
        organized.id,
        {organized.member: f"{organized.root}{WORK}/"},
        management=organized.management,
    )
    client = organized.client(organized.management)

    listed = client.list_accounts_for_parent(ParentId="r-ab12")["Accounts"]
    assert [each["Id"] for each in listed] == [organized.management]


def test_without_a_management_account_it_is_one_that_nobody_uses(organized: Organized) -> None:
    set_organization(organized.sandbox, organized.id, organized.paths)
    client = organized.client(organized.management)
    described = client.describe_organization()["Organization"]

    assert described["MasterAccountId"] not in organized.paths
    with pytest.raises(ClientError, match=NO_ACCESS):
        client.list_accounts()


def test_an_account_that_joins_another_organization_leaves_the_first(organized: Organized) -> None:
    organized.set()
    other = Organized(organized.sandbox)
    set_organization(
        other.sandbox,
        other.id,
        {organized.member: other.root, other.management: other.root},
        management=other.management,
    )

    for each, members in (
        (organized, {organized.management, organized.deep}),
        (other, {other.management, organized.member}),
    ):
        listed = each.client(each.management).list_accounts()["Accounts"]
        assert {account["Id"] for account in listed} == members


def test_an_organization_that_ends_is_in_use_no_more(organized: Organized) -> None:
    organized.set()
    set_organization(organized.sandbox, organized.id, {})

    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        organized.client(organized.management).describe_organization()


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ({"states": {"{member}": "OPEN"}}, "'OPEN' is not a state of an account: PENDING_ACTIVATION"),
        ({"names": {"ou-ab12-99999999": "Lost"}}, "neither an account nor a unit"),
        ({"tags": {"{stranger}": {"a": "b"}}}, "neither an account nor a unit"),
        ({"delegated_administrators": ["{stranger}"]}, "neither an account nor a unit"),
        ({"units": ["r-ab12/ou-ab12-33333333/"]}, "is not a path in"),
    ],
)
def test_what_cannot_be_in_an_organization_is_refused(
    organized: Organized, more: dict[str, Any], why: str
) -> None:
    with pytest.raises(SandboxError, match=why):
        organized.set(**filled(more, vars(organized)))
    with pytest.raises(ClientError, match="AWSOrganizationsNotInUseException"):
        organized.client(organized.management).describe_organization()


def filled(value: Any, names: dict[str, Any]) -> Any:
    """The value with `{member}` and the like replaced."""
    if isinstance(value, dict):
        return {filled(key, names): filled(each, names) for key, each in value.items()}
    if isinstance(value, list):
        return [filled(each, names) for each in value]
    return value.format(**names)
