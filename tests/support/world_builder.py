"""A world of users, roles, policies and buckets, described as JSON and built in the sandbox."""

import json
import re
import secrets
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from botocore import xform_name

from support.questions import SERVICES as CORE
from xacct_nb.aws.clients import Clients, connect
from xacct_nb.iam.mfa_codes import STEP, code_of
from xacct_nb.sandbox.server.client import set_organization
from xacct_nb.sandbox.server.state import Sandbox

ACCOUNTS = ("A", "B", "C")
VERSION = "2012-10-17"
_PLACE = re.compile(r"(?<!\$)\{([ABC]|[a-z]+(?::[\w./ -]+)?)\}")
_DOCUMENTS = ("PolicyDocument", "AssumeRolePolicyDocument", "Policy", "ResourcePolicy")
SERVICES = CORE | {
    "ListQueues": "sqs",
    "ListSecrets": "secretsmanager",
    "ListKeys": "kms",
    "ListTopics": "sns",
    "ListTables": "dynamodb",
    "GetQueueAttributes": "sqs",
    "CreateQueue": "sqs",
    "GetSecretValue": "secretsmanager",
    "CreateSecret": "secretsmanager",
    "PutResourcePolicy": "secretsmanager",
    "DescribeKey": "kms",
    "CreateKey": "kms",
}
Keys = tuple[str, str, str | None]


@dataclass
class BuiltWorld:
    """Three accounts of the sandbox that no other test has, filled as a description says.

    In every text, `{A}`, `{B}` and `{C}` stand for the accounts, `{id:NAME}` for a unique id, `{key:NAME}`
    for an access key id, `{arn:NAME}` for a key, secret or queue, `{url:NAME}` for a queue, `{serial:NAME}`
    and `{code:NAME}` for an MFA device, `{secret}` for an external ID.
    """

    sandbox: Sandbox
    names: dict[str, str] = field(default_factory=dict)
    keys: dict[str, Keys] = field(default_factory=dict)
    _seeds: dict[str, str] = field(default_factory=dict)
    _used: dict[str, int] = field(default_factory=dict)
    _clients: dict[tuple[str, str], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.names |= {each: f"{secrets.randbelow(9 * 10**11) + 10**11}" for each in ACCOUNTS}
        # The same in every world: to make a fingerprint of another one takes 50 ms.
        self.names |= {"secret": "the-external-ID:of/the.owner", "other": "an-external-ID:of/somebody.else"}
        self.keys |= {f"{each}/root": self.root_keys(each) for each in ACCOUNTS}
        self.names["long"] = "x" * 250
        self.names["org"] = f"o-{secrets.token_hex(5)}"

    def build(self, told: Mapping[str, Any]) -> None:
        """Create everything that a description holds: the users of all accounts, then roles and buckets."""
        for account in ACCOUNTS:
            self._managed(account, told.get(account, {}).get("policies", {}))
            self._groups(account, told.get(account, {}).get("groups", {}))
            for name, user in told.get(account, {}).get("users", {}).items():
                self._user(account, name, user)
        for account in ACCOUNTS:
            for name, role in told.get(account, {}).get("roles", {}).items():
                self._role(account, name, role)
            for name, bucket in told.get(account, {}).get("buckets", {}).items():
                self._bucket(account, name, bucket)
            self._resources(account, told.get(account, {}))
        if told.get("organization"):
            set_organization(self.sandbox, **self.filled("", told["organization"]))

    def do(self, step: Mapping[str, Any]) -> Any:
        """Make one call of an account's root user, `{ACCOUNT: OPERATION, ...}`; `as` keeps an access key."""
        (account, operation), *rest = step.items()
        made = self._root(account, operation, **{name: each for name, each in rest if name != "as"})
        if "as" in step:
            self.keys[step["as"]] = (
                made["AccessKey"]["AccessKeyId"],
                made["AccessKey"]["SecretAccessKey"],
                None,
            )
        return made

    def root(self, account: str) -> Clients:
        """Return the clients of an account's root user; `account` is A, B, C or the 12 digits."""
        return self.clients(self.root_keys(account))

    def root_keys(self, account: str) -> Keys:
        """Return the credentials of an account's root user."""
        number = self.names.get(account, account)
        return number, self.sandbox.root_secret(number), None

    def clients(self, keys: Keys) -> Clients:
        """Return the clients of these credentials; each is made once."""

        def client(service: str) -> Any:
            if (keys[0], service) not in self._clients:
                self._clients[keys[0], service] = connect(
                    service,
                    endpoint_url=self.sandbox.endpoint,
                    access_key_id=keys[0],
                    secret_access_key=keys[1],
                    session_token=keys[2],
                )
            return self._clients[keys[0], service]

        return client

    def code(self, user: str) -> str:
        """Return an MFA code of a user's device that was not used yet."""
        now = int(time.time()) // STEP
        step = max(now - 2, self._used.get(user, 0) + 1)
        self._used[user] = step
        return code_of(self._seeds[user], step)

    def filled(self, name: str, value: Any) -> Any:
        """Return a value with its places filled; a policy's statements become a document."""
        if isinstance(value, str):
            return _PLACE.sub(self._place, value)
        if name in _DOCUMENTS:
            whole = value if isinstance(value, dict) and "Statement" in value else _whole(value)
            return json.dumps(self.filled("", whole))
        if isinstance(value, list):
            return [self.filled("", each) for each in value]
        if isinstance(value, dict):
            return {self.filled("", key): self.filled(key, each) for key, each in value.items()}
        return value

    def _place(self, found: re.Match[str]) -> str:
        kind, _, name = found[1].partition(":")
        return self.code(name) if kind == "code" else self.names[found[1]]

    def _root(self, account: str, operation: str, **parameters: Any) -> Any:
        client = self.root(account)(SERVICES[operation])
        return getattr(client, xform_name(operation))(**{
            name: self.filled(name, value) for name, value in parameters.items()
        })  # fmt: skip

    def _managed(self, account: str, policies: Mapping[str, Any]) -> None:
        """Create managed policies; a list of lists are the versions of one, the first of them the default."""
        for name, told in policies.items():
            first, *more = told if isinstance(told[0], list) else [told]
            arn = f"arn:aws:iam::{{{account}}}:policy/{name}"
            self._root(account, "CreatePolicy", PolicyName=name, PolicyDocument=first)
            for each in more:
                self._root(account, "CreatePolicyVersion", PolicyArn=arn, PolicyDocument=each)

    def _groups(self, account: str, groups: Mapping[str, Any]) -> None:
        for name, told in groups.items():
            self._root(account, "CreateGroup", GroupName=name)
            self._hold(account, "Group", name, told)

    def _user(self, account: str, name: str, told: Mapping[str, Any]) -> None:
        made = self._root(account, "CreateUser", UserName=name, **_entity(told))["User"]
        self.names[f"id:{name}"] = made["UserId"]
        self._hold(account, "User", name, told)
        for group in told.get("groups", []):
            self._root(account, "AddUserToGroup", GroupName=group, UserName=name)
        key = self._root(account, "CreateAccessKey", UserName=name)["AccessKey"]
        whose = name if account == "A" else f"{account}/{name}"
        self.keys[whose] = key["AccessKeyId"], key["SecretAccessKey"], None
        self.names[f"key:{name}"] = key["AccessKeyId"]
        if told.get("mfa"):
            self._device(account, name, str(told["mfa"]))

    def _device(self, account: str, user: str, name: str) -> None:
        made = self._root(account, "CreateVirtualMFADevice", VirtualMFADeviceName=name)["VirtualMFADevice"]
        self._seeds[user] = made["Base32StringSeed"].decode()
        self.names[f"serial:{user}"] = made["SerialNumber"]
        now = int(time.time()) // STEP
        first, second = (code_of(self._seeds[user], now - ago) for ago in (10, 9))
        codes = {"AuthenticationCode1": first, "AuthenticationCode2": second}
        self._root(account, "EnableMFADevice", UserName=user, SerialNumber=made["SerialNumber"], **codes)

    def _role(self, account: str, name: str, told: Mapping[str, Any]) -> None:
        longest = {"MaxSessionDuration": told["longest"]} if "longest" in told else {}
        parameters = {"AssumeRolePolicyDocument": told["trust"], **_entity(told), **longest}
        made = self._root(account, "CreateRole", RoleName=name, **parameters)["Role"]
        self.names[f"id:{name}"] = made["RoleId"]
        self._hold(account, "Role", name, told)

    def _hold(self, account: str, kind: str, name: str, told: Mapping[str, Any]) -> None:
        """Give a user, role or group its policies and its boundary."""
        who = {f"{kind}Name": name}
        for policy, document in told.get("policies", {}).items():
            self._root(account, f"Put{kind}Policy", **who, PolicyName=policy, PolicyDocument=document)
        for policy in told.get("attached", []):
            arn = policy if policy.startswith("arn:") else f"arn:aws:iam::{{{account}}}:policy/{policy}"
            self._root(account, f"Attach{kind}Policy", **who, PolicyArn=arn)
        if boundary := told.get("boundary"):
            arn = boundary if boundary.startswith("arn:") else f"arn:aws:iam::{{{account}}}:policy/{boundary}"
            self._root(account, f"Put{kind}PermissionsBoundary", **who, PermissionsBoundary=arn)

    def _resources(self, account: str, told: Mapping[str, Any]) -> None:
        """Create keys, secrets and queues, each with its own policy, None for none."""
        for name, policy in told.get("keys", {}).items():
            made = self._root(account, "CreateKey", Policy=policy)["KeyMetadata"]
            self.names[f"arn:{name}"] = made["Arn"]
        for name, policy in told.get("secrets", {}).items():
            made = self._root(account, "CreateSecret", Name=name, SecretString="x")
            self.names[f"arn:{name}"] = made["ARN"]
            if policy:
                self._root(account, "PutResourcePolicy", SecretId=name, ResourcePolicy=policy)
        for name, policy in told.get("queues", {}).items():
            kept = {"Attributes": {"Policy": policy}} if policy else {}
            made = self._root(account, "CreateQueue", QueueName=name, **kept)
            self.names[f"url:{name}"] = made["QueueUrl"]
            self.names[f"arn:{name}"] = self.filled("", f"arn:aws:sqs:us-east-1:{{{account}}}:{name}")

    def _bucket(self, account: str, name: str, told: Mapping[str, Any]) -> None:
        self._root(account, "CreateBucket", Bucket=name)
        for key in told.get("objects", []):
            self._root(account, "PutObject", Bucket=name, Key=key, Body="x")
        if "policy" in told:
            self._root(account, "DeletePublicAccessBlock", Bucket=name)
            self._root(account, "PutBucketPolicy", Bucket=name, Policy=told["policy"])


def _whole(statements: Any) -> dict[str, Any]:
    return {"Version": VERSION, "Statement": statements if isinstance(statements, list) else [statements]}


def _entity(told: Mapping[str, Any]) -> dict[str, Any]:
    tags = [{"Key": key, "Value": value} for key, value in told.get("tags", {}).items()]
    path = {"Path": told["path"]} if "path" in told else {}
    return path | ({"Tags": tags} if tags else {})
