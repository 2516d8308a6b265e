"""A resource's own policy that must allow the role gets one more statement, in the command of its service."""

import json
from typing import Any

import pytest

from support.aws_commands import read_command
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denial import read_denial
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import Destination, Principal, Snapshot, SnapshotPolicy

HOME, OTHER = "222222222222", "333333333333"
ROLE = f"arn:aws:iam::{HOME}:role/reader"
EVERYTHING = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
SECRET = f"arn:aws:secretsmanager:eu-west-1:{OTHER}:secret:books-AbCdEf"
QUEUE = f"arn:aws:sqs:eu-west-1:{OTHER}:books"
KEY = f"arn:aws:kms:eu-west-1:{OTHER}:key/0d990263-018e-4e65-a703-eff731de951e"
RESOURCES = {
    SECRET: ("secretsmanager:GetSecretValue", "put_resource_policy", "ResourcePolicy"),
    QUEUE: ("sqs:ReceiveMessage", "set_queue_attributes", "Attributes"),
    KEY: ("kms:Decrypt", "put_key_policy", "Policy"),
}
KNOWN = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Sid": "Mine",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{OTHER}:user/bob"},
            "Action": "*",
            "Resource": "*",
        }
    ],
}


def explained(arn: str, action: str, policy: dict[str, Any] | None, **more: Any) -> Diagnosis:
    own = SnapshotPolicy(name="all", holder=ROLE, document=EVERYTHING)
    trust = {"Version": "2012-10-17", "Statement": []}
    side = Destination(
        role=Principal(arn=ROLE, id="AROAEXAMPLE", trust=trust),
        policies=(own,),
        resource_policies={arn: policy},
        resource_account=OTHER,
        **more,
    )
    text = f"User: arn:aws:sts::{HOME}:assumed-role/reader/desk is not authorized to perform: {action}"
    attempt = Attempt(role=ROLE, action=action, resource=arn)
    return diagnose(Snapshot(destination=side), attempt=attempt, denial=read_denial(text))


@pytest.mark.parametrize("policy", [None, KNOWN], ids=["no policy", "a policy for another"])
@pytest.mark.parametrize("arn", RESOURCES)
def test_the_role_is_added_and_nobody_loses_anything(arn: str, policy: dict[str, Any] | None) -> None:
    action, operation, name = RESOURCES[arn]
    first = explained(arn, action, policy).causes[0]
    command = read_command(first.commands[0], {})
    written = command.parameters[name]
    document = json.loads(written["Policy"] if isinstance(written, dict) else written)
    added = document["Statement"][-1]

    assert (first.code, first.confidence) == ("key-policy" if arn == KEY else "resource-policy", "certain")
    assert (first.works, first.takes_from) == (True, ())
    assert first.lets_in == ("every session of role/reader",)
    assert command.operation == operation
    assert "--region eu-west-1" in first.commands[0]
    assert document["Statement"][:-1] == (policy or {"Statement": []})["Statement"]
    assert (added["Effect"], added["Principal"], added["Action"]) == ("Allow", {"AWS": ROLE}, action)


class TestTheSettingsOfABucket:
    ARN, OBJECT = "arn:aws:s3:::books", "arn:aws:s3:::books/q.csv"
    PUBLIC: dict[str, Any] = {  # noqa: RUF012  it is never changed
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": "*",
                "Action": "s3:GetObject",
                "Resource": "arn:aws:s3:::books/*",
            }
        ],
    }

    def explained(self, **read: Any) -> Diagnosis:
        own = SnapshotPolicy(name="all", holder=ROLE, document=EVERYTHING)
        side = Destination(
            role=Principal(arn=ROLE, id="AROAEXAMPLE"),
            policies=(own,),
            resource_policies={self.ARN: self.PUBLIC},
            resource_account=OTHER,
            **read,
        )
        text = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"
        attempt = Attempt(role=ROLE, action="s3:GetObject", resource=self.OBJECT)
        return diagnose(Snapshot(destination=side), attempt=attempt, denial=read_denial(text))

    def test_a_public_policy_that_is_blocked_is_likely_the_cause(self) -> None:
        found = self.explained(blocks_public=True, object_ownership="BucketOwnerEnforced")

        assert ("public-access-blocked", "likely") in [(each.code, each.confidence) for each in found.causes]
        assert "object-of-another-owner" not in [each.code for each in found.causes]
        assert not [each for each in found.unknowns if "books" in each.what]

    def test_where_they_were_not_read_both_are_said_to_be_unread_with_the_right_that_reads_them(self) -> None:
        found = self.explained()
        unread = {each.what: each.why for each in found.unknowns if "bucket books" in each.what}

        assert len(unread) == 2
        assert "s3:GetBucketOwnershipControls" in str(unread)
        assert "s3:GetBucketPublicAccessBlock" in str(unread)
        assert "object-of-another-owner" in [each.code for each in found.causes]
        assert "certain" not in [each.confidence for each in found.causes]
