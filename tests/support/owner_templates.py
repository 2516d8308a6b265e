"""CloudFormation templates for an owner: the grants that they are tried with, and the policies in them."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.aws.clients import connect
from xacct_nb.handoff.forms.half import EXTERNAL_ID
from xacct_nb.sandbox.server.accounts import World

AGREED = "abc/d,e=f@g"
GRANTS: dict[str, dict[str, Any]] = {
    "external ID": {"conditions": {"external_id": "env:NAME"}},
    "group": {"attach_to": "arn:aws:iam::111111111111:group/readers"},
    "inline": {"caller_policy": "inline"},
    "inline on a group": {
        "caller_policy": "inline",
        "attach_to": "arn:aws:iam::111111111111:group/readers",
    },
    "many": {
        "sources": ["arn:aws:iam::111111111111:user/alice", "arn:aws:iam::111111111111:role/a/hub"],
        "destinations": [f"arn:aws:iam::222222222222:role/p/r{number}" for number in range(3)],
        "managed_policies": ["arn:aws:iam::aws:policy/ReadOnlyAccess"],
        "permissions_boundary": "arn:aws:iam::222222222222:policy/bound",
        "conditions": {"require_mfa": True, "source_ips": ["203.0.113.0/24"]},
    },
    "China": {
        "sources": ["arn:aws-cn:iam::111111111111:user/alice"],
        "destinations": ["arn:aws-cn:iam::222222222222:role/reader"],
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws-cn:s3:::reports/*"]}],
    },
    "GovCloud": {
        "sources": ["arn:aws-us-gov:iam::111111111111:user/alice"],
        "destinations": ["arn:aws-us-gov:iam::222222222222:role/reader"],
        "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws-us-gov:s3:::reports/*"]}],
    },
}


def cloudformation(world: World, account: str) -> Any:
    secret = world.root_secret(account)
    return connect(
        "cloudformation", endpoint_url=world.endpoint, access_key_id=account, secret_access_key=secret
    )


def literal(value: Any) -> Any:
    """What CloudFormation makes of a value: the parameter in the place of a reference to it."""
    if value == {"Ref": "ExternalId"}:
        return EXTERNAL_ID
    if isinstance(value, Mapping):
        assert not [key for key in value if key == "Ref" or key.startswith("Fn::")]
        return {key: literal(item) for key, item in value.items()}
    return [literal(each) for each in value] if isinstance(value, list) else value


def documents_in(found: Mapping[str, Any]) -> list[Any]:
    """The policies that the resources of a template have."""
    documents = []
    for resource in found["Resources"].values():
        about = resource["Properties"]
        inline = [each["PolicyDocument"] for each in about.get("Policies", ())]
        own = [about[name] for name in ("AssumeRolePolicyDocument", "PolicyDocument") if name in about]
        documents += [literal(each) for each in (*own, *inline)]
    return documents
