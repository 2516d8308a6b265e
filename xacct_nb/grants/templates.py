"""Templates: grants for what people often need, each to be edited."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.arns import is_account_id
from xacct_nb.validation import nearest

_SOURCE, _DESTINATION = "111111111111", "222222222222"


@dataclass(frozen=True)
class Template:
    """A grant to begin with: `about` says what it gives, and what to edit in it."""

    name: str
    title: str
    about: str
    fields: Mapping[str, Any]

    def grant(self, source: str = _SOURCE, destination: str = _DESTINATION, partition: str = "aws") -> Grant:
        """Return the grant between two accounts. Raises InvalidInput for what is not an account id."""
        for account in (source, destination):
            if not is_account_id(account):
                raise InvalidInput(
                    f"{account!r} is not an account id.",
                    why="The grant of a template goes from one account to another.",
                    hint="Give 12 digits as text.",
                )
        changed = {_SOURCE: source, _DESTINATION: destination, "arn:aws:": f"arn:{partition}:"}
        fields: dict[str, Any] = _replaced(self.fields, changed)
        return Grant(name=self.name, **fields)


def template(name: str, source: str = _SOURCE, destination: str = _DESTINATION) -> Grant:
    """Return the grant of a template, from the source account to the destination account.

    Raises InvalidInput for a name that no template has, and for what is not an account id.
    """
    if name not in TEMPLATES:
        meant = f"Did you mean {near}? " if (near := nearest(name, TEMPLATES)) else ""
        raise InvalidInput(
            f"There is no template {name[:80]!r}.",
            why="A template is one of a fixed list.",
            hint=f"{meant}Templates: {', '.join(TEMPLATES)}.",
        )
    return TEMPLATES[name].grant(source, destination)


def _replaced(value: Any, changed: Mapping[str, str]) -> Any:
    """Return a value of the fields, each part of its texts that is in `changed` replaced at once."""
    if isinstance(value, str):
        return re.sub("|".join(changed), lambda found: changed[found[0]], value)
    if isinstance(value, Mapping):
        return {key: _replaced(each, changed) for key, each in value.items()}
    return [_replaced(each, changed) for each in value] if isinstance(value, list) else value


def _user(name: str) -> str:
    return f"arn:aws:iam::{_SOURCE}:user/{name}"


def _role(account: str, name: str) -> str:
    return f"arn:aws:iam::{account}:role/{name}"


_SHARED = "arn:aws:s3:::amzn-s3-demo-bucket-shared-container"
_CDK = f"cdk-hnb659fds-{{}}-role-{_DESTINATION}-us-east-1"
_ALL = (
    Template(
        "read-a-bucket",
        "Read a bucket",
        "A user lists a bucket and reads its objects. Edit the user, the role and the bucket.",
        {
            "sources": [_user("alice")],
            "destinations": [_role(_DESTINATION, "reports-reader")],
            "permissions": [
                {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::reports"]},
                {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]},
            ],
        },
    ),
    Template(
        "decrypt-with-a-key",
        "Decrypt with a key",
        "A role decrypts with a KMS key of the other account. Edit the key's id and Region. "
        "The policy of the key must let its own account use IAM policies, as the default one does.",
        {
            "sources": [_role(_SOURCE, "report-builder")],
            "destinations": [_role(_DESTINATION, "reports-decryptor")],
            "permissions": [
                {
                    "actions": ["kms:Decrypt", "kms:DescribeKey"],
                    "resources": [
                        f"arn:aws:kms:us-east-1:{_DESTINATION}:key/00000000-0000-0000-0000-000000000000"
                    ],
                }
            ],
        },
    ),
    Template(
        "deploy-by-cdk",
        "Deploy by CDK's bootstrap roles",
        "The role of a pipeline assumes a role that may assume the roles of cdk bootstrap in the target "
        "account. Edit the pipeline's role, the qualifier (hnb659fds) and the Region (us-east-1).",
        {
            "sources": [_role(_SOURCE, "pipeline")],
            "destinations": [_role(_DESTINATION, "cdk-deployer")],
            "permissions": [
                {
                    "actions": ["sts:AssumeRole"],
                    "resources": [
                        _role(_DESTINATION, _CDK.format(kind))
                        for kind in ("deploy", "file-publishing", "image-publishing", "lookup")
                    ],
                }
            ],
        },
    ),
    Template(
        "read-only-auditor",
        "Read-only auditor",
        "A user with MFA reads the configuration of the account, and no data. Edit the user.",
        {
            "sources": [_user("auditor")],
            "destinations": [_role(_DESTINATION, "auditor")],
            "managed_policies": ["arn:aws:iam::aws:policy/SecurityAudit"],
            "conditions": {"require_mfa": True},
        },
    ),
    Template(
        "vendor-with-external-id",
        "A vendor with an external ID",
        "The role of a vendor reads a bucket, and needs the external ID that the vendor gave you. "
        "Set the variable VENDOR_EXTERNAL_ID, or type another reference. Edit the role and the bucket.",
        {
            "sources": [_role(_SOURCE, "collector")],
            "destinations": [_role(_DESTINATION, "vendor-collector")],
            "permissions": [
                {"actions": ["s3:ListBucket"], "resources": ["arn:aws:s3:::usage"]},
                {"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::usage/*"]},
            ],
            "conditions": {"external_id": "env:VENDOR_EXTERNAL_ID"},
        },
    ),
    Template(
        "eks-pod-identity",
        "The target role of an EKS pod identity",
        "The pods of one service account use a role of another account: EKS assumes the role of the pod "
        "identity, and with it this one. Edit the tags; require the external ID of the association, too.",
        {
            "sources": [_role(_SOURCE, "reports-pod")],
            "destinations": [_role(_DESTINATION, "reports-pod-target")],
            "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
            "conditions": {
                "session_tags": {
                    "eks-cluster-name": "reports",
                    "kubernetes-namespace": "reports",
                    "kubernetes-service-account": "reader",
                }
            },
        },
    ),
    Template(
        "iam-tutorial",
        "AWS's IAM tutorial",
        "The role of the developers lists a bucket of the other account, and reads, writes and deletes its "
        "objects; the analysts may not. Edit the role and the bucket.",
        {
            "sources": [_role(_SOURCE, "Developers")],
            "destinations": [_role(_DESTINATION, "UpdateData")],
            "permissions": [
                {"actions": ["s3:ListAllMyBuckets"], "resources": ["*"]},
                {"actions": ["s3:ListBucket", "s3:GetBucketLocation"], "resources": [_SHARED]},
                {
                    "actions": ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"],
                    "resources": [f"{_SHARED}/*"],
                },
            ],
            "accept": ["wildcard-resource"],
        },
    ),
)
TEMPLATES = {each.name: each for each in _ALL}
