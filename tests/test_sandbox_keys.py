"""Keys of KMS in the sandbox: key policies decide, in one account and across accounts."""

import json
from typing import Any

import pytest
from botocore.exceptions import ClientError

from support.boto3_clients import policy
from support.in_process_sandbox import in_process_sandbox, start
from support.questions import Room
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox


class Keys:
    """A key in the destination, and alice in the source."""

    def __init__(self, room: Room) -> None:
        self.room = room
        room.do({"source": "CreateUser", "UserName": "alice"})
        room.do({"source": "CreateAccessKey", "UserName": "alice", "as": "alice"})
        self.alice = f"arn:aws:iam::{room.names['source']}:user/alice"
        self.arn = ""

    def make(self, side: str, *principals: str) -> None:
        """A key of one side whose policy lets these encrypt."""
        document = policy("kms:Encrypt", Principal={"AWS": list(principals)}, Resource="*")
        key = self.room.client(side, "kms").create_key(Policy=document, BypassPolicyLockoutSafetyCheck=True)
        self.arn = key["KeyMetadata"]["Arn"]

    def may(self, action: str) -> None:
        """Alice's own side allows this."""
        self.room.client("source", "iam").put_user_policy(
            UserName="alice", PolicyName="may", PolicyDocument=policy(action)
        )

    def encrypt(self) -> str:
        """ "" for an encrypted text, else why not."""
        try:
            self.room.client("alice", "kms").encrypt(KeyId=self.arn, Plaintext=b"x")
        except ClientError as refusal:
            return f"{refusal.response['Error']['Code']}: {refusal.response['Error']['Message']}"
        return ""


@pytest.fixture
def keys(sandbox: Sandbox) -> Keys:
    return Keys(Room(sandbox))


def denied(keys: Keys, policy_type: str) -> str:
    where = f"{keys.alice} is not authorized to perform: kms:Encrypt on resource: {keys.arn}"
    return (
        f"AccessDeniedException: User: {where} because no {policy_type} policy allows the kms:Encrypt action"
    )


def test_a_key_of_another_account_needs_both_sides(keys: Keys) -> None:
    keys.make("destination", keys.alice)
    without = keys.encrypt()
    keys.may("kms:Encrypt")

    assert without == denied(keys, "identity-based")
    assert keys.encrypt() == ""


def test_a_key_whose_policy_names_the_account_leaves_it_to_the_account(keys: Keys) -> None:
    keys.make("destination", keys.room.names["source"])
    keys.may("kms:*")

    assert keys.encrypt() == ""


def test_a_key_whose_policy_does_not_name_the_caller_is_shut(keys: Keys) -> None:
    keys.make("destination", keys.room.names["destination"])
    keys.may("kms:*")

    assert keys.encrypt() == denied(keys, "resource-based")


def test_in_one_account_the_key_s_policy_alone_is_enough_for_whom_it_names(keys: Keys) -> None:
    keys.make("source", keys.alice)

    assert keys.encrypt() == ""


def test_in_one_account_a_key_s_policy_is_needed_whatever_the_user_may(keys: Keys) -> None:
    keys.room.do({"source": "CreateUser", "UserName": "alice2"})
    keys.make("source", f"{keys.alice}2")
    keys.may("kms:*")

    assert keys.encrypt() == denied(keys, "resource-based")


KEY_POLICIES: dict[str, tuple[Any, str]] = {
    "no JSON": ("nope", "not valid"),
    "a list": ("[]", "not valid"),
    "nothing": ("", "not valid"),
    "another effect": ({"Effect": "Permit"}, "not valid"),
    "no principal": ({"Principal": None}, "not valid"),
    "somebody who does not exist": (
        {"Principal": {"AWS": "arn:aws:iam::{account}:role/nobody"}},
        "invalid principals",
    ),
    "nobody may change it": ({"Action": "kms:Decrypt"}, "will not allow you to update"),
    "the account may": ({}, ""),
}


@pytest.mark.parametrize("name", KEY_POLICIES)
def test_a_key_policy_is_taken_or_refused(name: str) -> None:
    room = Room(start())
    kms, account = room.client("destination", "kms"), room.names["destination"]
    changed, message = KEY_POLICIES[name]
    key = kms.create_key()["KeyMetadata"]["KeyId"]
    before = kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"]
    root = {"AWS": f"arn:aws:iam::{account}:root"}
    statement = {"Effect": "Allow", "Principal": root, "Action": "kms:*", "Resource": "*"}
    document = changed
    if isinstance(changed, dict):
        whole = {"Version": "2012-10-17", "Statement": statement | changed}
        document = json.dumps(whole).replace("{account}", account)
    try:
        kms.put_key_policy(KeyId=key, PolicyName="default", Policy=document)
    except ClientError as refusal:
        error = refusal.response["Error"]
        assert error["Code"] == "MalformedPolicyDocumentException"
        assert message in error["Message"]
        assert kms.get_key_policy(KeyId=key, PolicyName="default")["Policy"] == before
    else:
        assert message == ""
