"""A stage on which something really is denied: a world that works, one thing broken, the mend obeyed."""

import base64
import hmac
import json
import re
import shlex
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from xacct_nb.aws.clients import connect
from xacct_nb.aws.diagnosis_sessions import AccountSession, Clients
from xacct_nb.aws.snapshot_reader import take_snapshot, try_once
from xacct_nb.diagnosis.attempt import Attempt, AttemptResult
from xacct_nb.diagnosis.cause import Cause
from xacct_nb.diagnosis.diagnosis import Diagnosis, diagnose
from xacct_nb.diagnosis.snapshot import ClientSettings, Snapshot
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

SECRET = "the-external-ID:of/the.owner"
OTHER_SECRET = "an-external-ID:of/somebody.else"
ROLE = "reader"


@dataclass
class Stage:
    """Alice may assume the role `reader` of the other account and read the bucket, until it is broken."""

    world: World
    parameters: dict[str, Any] = field(default_factory=dict)
    keys: tuple[str, ...] = ()
    meant: str = ""
    action: str = ""
    resource: str = ""
    role: str = ""
    secret: str = SECRET
    seed: str = ""
    client: ClientSettings | None = None
    sandbox: Sandbox | None = None
    used: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        self.role = self.role or f"arn:aws:iam::{self.world.destination}:role/{ROLE}"
        self.alice = f"arn:aws:iam::{self.world.source}:user/alice"
        self.mallory = f"arn:aws:iam::{self.world.source}:user/mallory"
        self.near, self.far = self.root("iam", self.world.source), self.root("iam", self.world.destination)
        self.far.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trusting(self.alice))
        self.permit(allow("s3:GetObject", f"arn:aws:s3:::{self.world.bucket}/*"))
        self.identity(allow("sts:AssumeRole", self.role))
        self.keys = self.keys or self.keys_of("alice")

    def root(self, service: str, account: str) -> Any:
        return connect(
            service, endpoint_url=self.world.endpoint, access_key_id=account, secret_access_key="test"
        )

    def keys_of(self, user: str) -> tuple[str, ...]:
        """A new key of a user, who has two at most."""
        for old in self.near.list_access_keys(UserName=user)["AccessKeyMetadata"][1:]:
            self.near.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
        made = self.near.create_access_key(UserName=user)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def sign_in(self, user: str) -> None:
        """The caller is that user from now on."""
        self.keys = self.keys_of(user)

    # What a break changes.

    def identity(self, document: str | None, name: str = "assume") -> None:
        """Alice's inline policy."""
        if document is None:
            self.near.delete_user_policy(UserName="alice", PolicyName=name)
        else:
            self.near.put_user_policy(UserName="alice", PolicyName=name, PolicyDocument=document)

    def permit(self, document: str | None, name: str = "reads") -> None:
        """The role's inline policy."""
        if document is None:
            self.far.delete_role_policy(RoleName=ROLE, PolicyName=name)
        else:
            self.far.put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=document)

    def trust(
        self, *principals: str, effect: str = "Allow", actions: Any = "sts:AssumeRole", **when: Any
    ) -> None:
        """The role's trust policy, with one statement."""
        self.far.update_assume_role_policy(
            RoleName=ROLE, PolicyDocument=trusting(*principals or (self.alice,), actions=actions, **when)
        )

    def managed(self, name: str, document: str, side: str = "near") -> str:
        return str(
            getattr(self, side).create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"]
        )

    def become(self, name: str = "hub", path: str = "/", policy: str | None = None, **passed: Any) -> str:
        """The caller is a session of a role of the source account from now on; its role's ARN."""
        admin = f"arn:aws:iam::{self.world.source}:user/admin"
        tagging = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        try:
            role = self.near.get_role(RoleName=name)["Role"]["Arn"]
            self.near.update_assume_role_policy(
                RoleName=name, PolicyDocument=trusting(admin, actions=tagging)
            )
        except self.near.exceptions.NoSuchEntityException:
            made = self.near.create_role(
                RoleName=name, Path=path, AssumeRolePolicyDocument=trusting(admin, actions=tagging)
            )
            role = made["Role"]["Arn"]
        self.near.put_role_policy(
            RoleName=name, PolicyName="assume", PolicyDocument=policy or allow("sts:AssumeRole", self.role)
        )
        self.sit_in(role, **passed)
        return str(role)

    def sit_in(self, role: str, name: str = "desk", **passed: Any) -> None:
        """The caller is a new session of that role, which the administrator made."""
        sts = self.with_keys(self.keys_of("admin"))("sts")
        made = sts.assume_role(RoleArn=role, RoleSessionName=name, **passed)["Credentials"]
        self.keys = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]

    def device(self, user: str = "alice") -> str:
        """An MFA device for a user; its serial number."""
        made = self.near.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
        self.seed = bytes(made["Base32StringSeed"]).decode()
        now = int(time.time()) // 30
        first, second = code_of(self.seed, now - 3), code_of(self.seed, now - 2)
        self.near.enable_mfa_device(
            UserName=user,
            SerialNumber=made["SerialNumber"],
            AuthenticationCode1=first,
            AuthenticationCode2=second,
        )
        return str(made["SerialNumber"])

    def code(self) -> str:
        """A code that was not used yet."""
        now = int(time.time()) // 30
        step = next(each for each in (now - 1, now, now + 1) if each not in self.used)
        self.used.add(step)
        return code_of(self.seed, step)

    # What is asked.

    @property
    def attempt(self) -> Attempt:
        return Attempt(
            caller=self.meant,
            role=self.role,
            parameters=self.parameters,
            action=self.action,
            resource=self.resource,
        )

    def clients(self) -> Clients:
        return self.with_keys(self.keys)

    def try_it(self) -> AttemptResult:
        """The call itself, with the caller's own keys."""
        return try_once(self.attempt, self.clients()("sts"))

    def snapshot(self, *sides: str) -> Snapshot:
        """What these sides can read: source, destination."""
        found = take_snapshot(
            self.attempt,
            caller=AccountSession(self.clients()),
            source=AccountSession(self.root_of(self.world.source)) if "source" in sides else None,
            destination=AccountSession(self.root_of(self.role.split(":")[4]))
            if "destination" in sides
            else None,
        )
        return found.model_copy(update={"client": self.client})

    def diagnosis(self, tried: AttemptResult, *sides: str) -> Diagnosis:
        return diagnose(self.snapshot(*sides), attempt=self.attempt, result=tried)

    def obey(self, cause: Cause) -> None:
        """Does what the mend says: its commands, word by word."""
        for command in cause.commands:
            words = [word.replace("${EXTERNAL_ID:?}", self.secret) for word in shlex.split(command)]
            assert words[0] == "aws", command
            if words[1] == "sts":
                self.parameters = self._call(_options(words[3:]))
            else:
                _run(self._admin(words[1], cause.side), words[2], _options(words[3:]))

    def _call(self, options: dict[str, Any]) -> dict[str, Any]:
        self.role = options.pop("RoleArn")
        external_id = {"ExternalId": self.secret} if "ExternalId" in options else {}
        coded = {"TokenCode": self.code()} if "TokenCode" in options else {}
        seconds = {"DurationSeconds": int(options["DurationSeconds"])} if "DurationSeconds" in options else {}
        return {**options, **external_id, **coded, **seconds}

    def _admin(self, service: str, side: str) -> Any:
        account = self.world.source if side == "source" else self.role.split(":")[4]
        return self.root({"s3api": "s3"}.get(service, service), account)

    def root_of(self, account: str) -> Clients:
        return lambda service: self.root(service, account)

    def with_keys(self, keys: tuple[str, ...]) -> Clients:
        token = keys[2] if len(keys) > 2 else None
        return lambda service: connect(
            service,
            endpoint_url=self.world.endpoint,
            access_key_id=keys[0],
            secret_access_key=keys[1],
            session_token=token,
        )


@dataclass(frozen=True)
class Broken:
    """One cause: what breaks the stage, the entries of the catalogue that it stands for, and the mend.

    Without a `mend` the commands of the first cause are it.
    """

    code: str
    entries: str
    break_it: Callable[[Stage], Any]
    mend: Callable[[Stage], Any] | None = None
    side: str = ""

    def __str__(self) -> str:
        return f"{self.entries.replace(' ', '+')}-{self.code}"


def allow(action: Any, resource: Any, effect: str = "Allow", version: str = "2012-10-17", **when: Any) -> str:
    """A policy of one statement; `when` is its Condition."""
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": version, "Statement": [statement | ({"Condition": when} if when else {})]})


def trusting(*principals: str, actions: Any = "sts:AssumeRole", **when: Any) -> str:
    """A trust policy of one statement; a name without an ARN is a service."""
    users = [each for each in principals if not each.endswith(".com")]
    services = [each for each in principals if each.endswith(".com")]
    named = ({"AWS": users if len(users) > 1 else users[0]} if users else {}) | (
        {"Service": services[0]} if services else {}
    )
    statement = {"Effect": "Allow", "Principal": named, "Action": actions}
    return json.dumps(
        {"Version": "2012-10-17", "Statement": [statement | ({"Condition": when} if when else {})]}
    )


def code_of(seed: str, step: int) -> str:
    """The code of an authenticator app (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8), "sha1")
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"


def _options(words: list[str]) -> dict[str, Any]:
    """Options of the AWS CLI in boto3's names."""
    found: dict[str, Any] = {}
    name = ""
    for word in words:
        if word.startswith("--"):
            name = "".join(part.title() for part in word[2:].split("-"))
            found[name] = True
        elif re.match(r"Key=.*,Value=", word):
            pair = dict(part.split("=", 1) for part in word.split(",", 1))
            found[name] = [*(found[name] if isinstance(found[name], list) else []), pair]
        else:
            found[name] = word
    return found


def _run(client: Any, operation: str, options: dict[str, Any]) -> None:
    getattr(client, operation.replace("-", "_"))(**options)


def config(folder: Path, text: str, credentials: str = "") -> None:
    """The AWS files of a test."""
    (folder / "config").write_text(text)
    (folder / "credentials").write_text(credentials)
