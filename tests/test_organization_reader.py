"""An organization is read with few calls, and what AWS did not return is said."""

import json
import secrets
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import boto3
import botocore
import pytest
from botocore.config import Config
from botocore.session import Session as Core

from support.boto3_clients import policy
from support.examples import an_account
from xacct_nb.aws.organization_reader import read_organization, read_tags, read_units
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.sessions import open_sessions
from xacct_nb.errors import AwsRefused, InvalidOrganization
from xacct_nb.fleets.organization import Account, accounts_without_tags, select
from xacct_nb.sandbox.faults.faults import Fault
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.client import misbehaving, set_organization
from xacct_nb.sandbox.server.state import Sandbox

WORK, DEEP, EMPTY = "ou-ab12-11111111", "ou-ab12-22222222", "ou-ab12-33333333"


class Wide:
    """An organization of 45 accounts: one in the root, 30 in a unit, 14 in a unit below it; and one empty."""

    def __init__(self, sandbox: Sandbox) -> None:
        self.sandbox, self.management = sandbox, an_account()
        self.id = f"o-{secrets.token_hex(8)}"
        self.root = f"{self.id}/r-ab12/"
        end = self.management[3:]
        self.shallow = [f"{number:03d}{end}" for number in range(100, 130)]
        self.deep = [f"{number:03d}{end}" for number in range(200, 214)]
        self.paths = {
            self.management: self.root,
            **dict.fromkeys(self.shallow, f"{self.root}{WORK}/"),
            **dict.fromkeys(self.deep, f"{self.root}{WORK}/{DEEP}/"),
        }
        self.set()

    def set(self, **more: Any) -> None:
        fields = {"management": self.management, "units": [f"{self.root}{EMPTY}/"]} | more
        set_organization(self.sandbox, self.id, self.paths, **fields)

    def client(self, account: str = "", core: Core | None = None, **retries: Any) -> Any:
        account = account or self.management
        session = boto3.Session(botocore_session=core) if core else boto3
        return session.client(
            "organizations",
            endpoint_url=self.sandbox.endpoint,
            region_name="us-east-1",
            aws_access_key_id=account,
            aws_secret_access_key=self.sandbox.root_secret(account),
            config=Config(retries={"total_max_attempts": 1, **retries}, proxies={}),
        )


@pytest.fixture
def wide(sandbox: Sandbox) -> Wide:
    return Wide(sandbox)


@contextmanager
def counted(client: Any) -> Iterator[Counter[str]]:
    """The calls of a client within the block, by operation."""
    calls = Counter[str]()

    def count(model: Any, **_: Any) -> None:
        calls[model.name] += 1

    client.meta.events.register("before-call", count)
    yield calls
    client.meta.events.unregister("before-call", count)


def older(tmp_path: Path, *fields: str) -> Core:
    """A session of an older botocore: its model of an account does not have these fields yet."""
    source = next((Path(botocore.__file__).parent / "data" / "organizations").glob("*"))
    folder = tmp_path / "organizations" / source.name
    folder.mkdir(parents=True)
    core = Core()
    loader = core.get_component("data_loader")
    for name in ("service-2", "paginators-1", "endpoint-rule-set-1"):
        model = loader.load_service_model("organizations", name)
        for field in fields:
            model.get("shapes", {}).get("Account", {}).get("members", {}).pop(field, None)
        (folder / f"{name}.json").write_text(json.dumps(model))
    fresh = Core()
    fresh.get_component("data_loader").search_paths.insert(0, str(tmp_path))
    return fresh


def test_the_accounts_have_their_state_and_the_path_of_the_condition_keys(wide: Wide) -> None:
    account = wide.deep[0]
    wide.set(names={account: "first"}, states={account: "SUSPENDED"})
    organization = read_organization(wide.client())

    assert (organization.id, organization.management) == (wide.id, wide.management)
    assert {each.id: each.path for each in organization.accounts} == wide.paths
    assert Account(account, "first", "SUSPENDED", f"{wide.root}{WORK}/{DEEP}/") in organization.accounts
    assert organization.accounts == tuple(sorted(organization.accounts, key=lambda each: each.id))
    assert organization.notes == ()


def test_an_organization_is_read_with_one_call_for_20_accounts(wide: Wide) -> None:
    client = wide.client()
    with counted(client) as calls:
        read_organization(client)

    assert calls == {"DescribeOrganization": 1, "ListAccounts": 3}


def test_tags_are_read_of_the_accounts_that_a_selection_needs_and_no_others(wide: Wide) -> None:
    prod, closed = wide.deep[3], wide.deep[4]
    wide.set(
        tags={prod: {"environment": "prod"}, wide.shallow[0]: {"environment": "prod"}},
        states={closed: "CLOSED"},
    )
    client = wide.client()
    organization, asked = read_organization(client), ([], [DEEP], {"environment": "prod"}, [wide.deep[0]])
    with counted(client) as calls:
        tagged = read_tags(client, organization, accounts_without_tags(organization, *asked))

    assert calls == {"ListTagsForResource": len(wide.deep) - 2}
    assert [each.id for each in select(tagged, *asked).accounts] == [prod]
    assert {each.id for each in tagged.accounts if each.tags is not None} == set(wide.deep) - {
        closed,
        wide.deep[0],
    }
    with pytest.raises(InvalidOrganization, match="tags of 12 accounts were not read"):
        select(organization, *asked)


def test_tags_that_were_read_before_are_kept(wide: Wide) -> None:
    first, second = wide.deep[:2]
    wide.set(tags={first: {"a": "1"}, second: {"a": "2"}})
    client = wide.client()
    organization = read_tags(client, read_tags(client, read_organization(client), [first]), [second])

    assert {each.id: each.tags for each in organization.accounts if each.tags is not None} == {
        first: {"a": "1"},
        second: {"a": "2"},
    }


def test_a_unit_without_accounts_is_known_once_the_units_are_read(wide: Wide) -> None:
    client = wide.client()
    organization = read_organization(client)
    with counted(client) as calls:
        whole = read_units(client, organization)

    assert organization.empty_units == ()
    assert whole.empty_units == (EMPTY,)
    assert calls == {"ListRoots": 1, "ListOrganizationalUnitsForParent": 4}
    assert select(whole, organization_units=[EMPTY]).accounts == ()


def test_where_aws_returns_no_paths_the_units_are_asked_and_a_note_says_so(
    wide: Wide, tmp_path: Path
) -> None:
    wide.set(names={wide.deep[0]: "first"})
    client = wide.client(core=older(tmp_path, "Paths"))
    with counted(client) as calls:
        organization = read_organization(client)
    by_paths = read_units(wide.client(), read_organization(wide.client()))

    assert replace(organization, notes=()) == by_paths
    (note,) = organization.notes
    assert "4 units were asked for their accounts by ListAccountsForParent" in note
    # The unit with 30 accounts has two pages; no call is for one account.
    assert calls == {
        "DescribeOrganization": 1,
        "ListAccounts": 3,
        "ListRoots": 1,
        "ListOrganizationalUnitsForParent": 4,
        "ListAccountsForParent": 5,
    }


def test_where_aws_returns_no_state_no_account_is_selected_and_a_note_says_so(
    wide: Wide, tmp_path: Path
) -> None:
    organization = read_organization(wide.client(core=older(tmp_path, "State")))
    selection = select(organization, organization_units=["r-ab12"])

    assert {each.state for each in organization.accounts} == {""}
    assert "The state of 45 accounts was not read" in organization.notes[0]
    assert "Update boto3" in str(organization)
    assert (len(selection.chosen), len(selection.left_out)) == (0, 45)


def test_a_denied_call_names_the_permission_and_the_account_that_needs_it(wide: Wide) -> None:
    with pytest.raises(AwsRefused) as caught:
        read_organization(wide.client(wide.deep[0]))

    assert caught.value.what == (
        "ListAccounts of AWS Organizations: AWS returned AccessDeniedException: "
        "You don't have permissions to access this resource."
    )
    assert caught.value.hint == (
        f"Use a session of the management account {wide.management}, or of a delegated administrator, that "
        "may call organizations:ListAccounts."
    )
    assert "neither the management account" in caught.value.why


@pytest.mark.parametrize(
    ("allowed", "missing"),
    [
        ([], "DescribeOrganization"),
        (["DescribeOrganization"], "ListAccounts"),
        (["DescribeOrganization", "ListAccounts"], "ListTagsForResource"),
        (["DescribeOrganization", "ListAccounts", "ListTagsForResource"], "ListRoots"),
        (
            ["DescribeOrganization", "ListAccounts", "ListTagsForResource", "ListRoots"],
            "ListOrganizationalUnitsForParent",
        ),
    ],
)
def test_each_call_names_its_own_permission(wide: Wide, allowed: list[str], missing: str) -> None:
    iam = boto3.client(
        "iam",
        endpoint_url=wide.sandbox.endpoint,
        region_name="us-east-1",
        aws_access_key_id=wide.management,
        aws_secret_access_key=wide.sandbox.root_secret(wide.management),
    )
    iam.create_user(UserName="reader")
    for action in allowed:
        document = policy(f"organizations:{action}")
        iam.put_user_policy(UserName="reader", PolicyName=action, PolicyDocument=document)
    key = iam.create_access_key(UserName="reader")["AccessKey"]
    client = boto3.client(
        "organizations",
        endpoint_url=wide.sandbox.endpoint,
        region_name="us-east-1",
        aws_access_key_id=key["AccessKeyId"],
        aws_secret_access_key=key["SecretAccessKey"],
    )

    with pytest.raises(AwsRefused, match=f"^{missing} of AWS Organizations") as caught:
        read_units(client, read_tags(client, read_organization(client), wide.deep[:1]))
    assert caught.value.hint.endswith(f"that may call organizations:{missing}.")


def test_an_account_in_no_organization_is_said_to_be_in_none(wide: Wide) -> None:
    with pytest.raises(AwsRefused, match="Your account is not a member of an organization") as caught:
        read_organization(wide.client(an_account()))

    assert caught.value.aws_code == "AWSOrganizationsNotInUseException"
    assert "Use a session of the management account" in caught.value.hint


def test_a_throttled_call_is_made_again_in_adaptive_mode(world: World, sandbox: Sandbox) -> None:
    root = f"o-{secrets.token_hex(8)}/r-ab12/"
    accounts = dict.fromkeys((world.source, world.destination), root)
    set_organization(sandbox, root.partition("/")[0], accounts, management=world.source)
    files = (str(world.config_file), str(world.credentials_file), sandbox.endpoint)
    sessions = open_sessions(None, source_profiles=["source-admin"], endpoint=Endpoint(*files))
    client = sessions.client("source-admin", "organizations")

    throttled = Fault("throttling", ("ListTagsForResource",), count=3)
    with misbehaving(sandbox, throttled), counted(client) as calls:
        organization = read_tags(client, read_organization(client), accounts)

    assert client.meta.config.retries["mode"] == "adaptive"
    assert {each.tags is None for each in organization.accounts} == {False}
    assert calls.total() == 4
    assert sessions.endpoint.retries.count == 3
