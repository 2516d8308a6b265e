"""Control policies as they are set in the sandbox: which it refuses, and which it forgets."""

import json
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.questions import Room
from xacct_nb.errors import InvalidOrganization, SandboxError
from xacct_nb.runs.sandboxes import load_organization
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox

NOTHING: list[list[Any]] = [[]]
ROOT = "o-f1b2c3d4e5/r-ab12/"


def test_an_account_outside_the_organization_has_no_control_policies(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="'222222222222' is not an account of the organization"):
        set_organization(
            sandbox,
            "o-f1b2c3d4e5",
            {"111111111111": ROOT},
            service_control_policies={"222222222222": NOTHING},
        )


def test_a_control_policy_that_aws_refuses_is_refused_with_its_path(sandbox: Sandbox) -> None:
    room = Room(sandbox)
    allowing = {"Effect": "Allow", "Principal": "*", "Action": "s3:*", "Resource": "*"}
    policy = {"Version": "2012-10-17", "Statement": [allowing]}

    with pytest.raises(SandboxError, match="only RCPFullAWSAccess allows"):
        set_organization(
            sandbox,
            "o-f2b2c3d4e5",
            {room.names["source"]: "o-f2b2c3d4e5/r-ab12/"},
            resource_control_policies={room.names["source"]: [[policy]]},
        )


def test_an_organization_that_is_set_again_has_only_the_new_policies(sandbox: Sandbox) -> None:
    room = Room(sandbox)
    accounts = {room.names["source"]: "o-f3b2c3d4e5/r-ab12/"}
    denying = {room.names["source"]: NOTHING}

    set_organization(sandbox, "o-f3b2c3d4e5", accounts, service_control_policies=denying)
    with pytest.raises(
        ClientError, match="because no service control policy allows the iam:ListUsers action"
    ):
        room.do({"source": "ListUsers"})
    set_organization(sandbox, "o-f3b2c3d4e5", accounts)

    assert room.do({"source": "ListUsers"})["Users"] == []


def test_an_account_that_leaves_the_organization_leaves_its_policies(sandbox: Sandbox) -> None:
    room = Room(sandbox)
    member = {room.names["source"]: "o-f4b2c3d4e5/r-ab12/"}
    denying = {room.names["source"]: NOTHING}

    set_organization(sandbox, "o-f4b2c3d4e5", member, service_control_policies=denying)
    set_organization(sandbox, "o-f4b2c3d4e5", {room.names["third"]: "o-f4b2c3d4e5/r-ab12/"})

    assert room.do({"source": "ListUsers"})["Users"] == []


def test_a_field_that_is_not_known_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(
        SandboxError, match="There is no field 'scps'; there are accounts, delegated_administrators, id"
    ):
        set_organization(sandbox, "o-f5b2c3d4e5", {"111111111111": "o-f5b2c3d4e5/r-ab12/"}, scps={})


def test_an_organization_comes_from_a_file(sandbox: Sandbox, tmp_path: Path) -> None:
    room = Room(sandbox)
    told = {
        "id": "o-f6b2c3d4e5",
        "accounts": {room.names["source"]: "o-f6b2c3d4e5/r-ab12/"},
        "service_control_policies": {room.names["source"]: NOTHING},
    }
    (tmp_path / "organization.json").write_text(json.dumps(told))

    assert load_organization(sandbox, tmp_path / "organization.json") == [room.names["source"]]
    with pytest.raises(ClientError, match="no service control policy allows the iam:ListUsers action"):
        room.do({"source": "ListUsers"})


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"id": "o-f7b2c3d4e5"}'])
def test_a_file_that_is_no_organization_is_refused(sandbox: Sandbox, tmp_path: Path, text: str) -> None:
    (tmp_path / "organization.json").write_text(text)

    with pytest.raises(InvalidOrganization, match=r"The organization file .* cannot be used"):
        load_organization(sandbox, tmp_path / "organization.json")
