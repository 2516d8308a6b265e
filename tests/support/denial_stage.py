"""Two accounts whose access works, one fault made in them, and the fix of a diagnosis applied for real."""

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

from xacct_nb.aws.attempts import try_once
from xacct_nb.aws.clients import connect
from xacct_nb.aws.diagnosis_sessions import AccountSession, Clients, DiagnosisSessions
from xacct_nb.aws.snapshot_reader import take_snapshot
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
    intended: str = ""
    action: str = ""
    resource: str = ""
    role: str = ""
    secret: str = SECRET
    seed: str = ""
    client: ClientSettings | None = None
    sandbox: Sandbox | None = None
    used: set[int] = field(default_factory=set)
    made: dict[tuple[str, str, str, str | None], Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.role = self.role or f"arn:aws:iam::{self.world.destination}:role/{ROLE}"
        self.alice = f"arn:aws:iam::{self.world.source}:user/alice"
        self.mallory = f"arn:aws:iam::{self.world.source}:user/mallory"
        self.source_iam, self.destination_iam = (
            self.root("iam", self.world.source),
            self.root("iam", self.world.destination),
        )
        self.destination_iam.create_role(RoleName=ROLE, AssumeRolePolicyDocument=trusting(self.alice))
        self.permit(allow("s3:GetObject", f"arn:aws:s3:::{self.world.bucket}/*"))
        self.identity(allow("sts:AssumeRole", self.role))
        self.keys = self.keys or self.keys_of("alice")

    def root(self, service: str, account: str) -> Any:
        return self.with_keys((account, self.world.root_secret(account)))(service)

    def keys_of(self, user: str) -> tuple[str, ...]:
        """Return a new access key of a user, who may have at most two."""
        for old in self.source_iam.list_access_keys(UserName=user)["AccessKeyMetadata"][1:]:
            self.source_iam.delete_access_key(UserName=user, AccessKeyId=old["AccessKeyId"])
        made = self.source_iam.create_access_key(UserName=user)["AccessKey"]
        return made["AccessKeyId"], made["SecretAccessKey"]

    def sign_in(self, user: str) -> None:
        """Make that user the caller."""
        self.keys = self.keys_of(user)

    # What a fault changes.

    def identity(self, document: str | None, name: str = "assume") -> None:
        """Write an inline policy of Alice, or delete it."""
        if document is None:
            self.source_iam.delete_user_policy(UserName="alice", PolicyName=name)
        else:
            self.source_iam.put_user_policy(UserName="alice", PolicyName=name, PolicyDocument=document)

    def permit(self, document: str | None, name: str = "reads") -> None:
        """Write an inline policy of the role, or delete it."""
        if document is None:
            self.destination_iam.delete_role_policy(RoleName=ROLE, PolicyName=name)
        else:
            self.destination_iam.put_role_policy(RoleName=ROLE, PolicyName=name, PolicyDocument=document)

    def trust(
        self, *principals: str, effect: str = "Allow", actions: Any = "sts:AssumeRole", **when: Any
    ) -> None:
        """Write the role's trust policy with one statement."""
        self.destination_iam.update_assume_role_policy(
            RoleName=ROLE, PolicyDocument=trusting(*principals or (self.alice,), actions=actions, **when)
        )

    def managed(self, name: str, document: str, side: str = "source") -> str:
        """Create a managed policy in the account of a side; its ARN."""
        iam = self.source_iam if side == "source" else self.destination_iam
        return str(iam.create_policy(PolicyName=name, PolicyDocument=document)["Policy"]["Arn"])

    def become(self, name: str = "hub", path: str = "/", policy: str | None = None, **passed: Any) -> str:
        """Make a session of a role in the source account the caller; return the role's ARN."""
        admin = f"arn:aws:iam::{self.world.source}:user/admin"
        tagging = ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]
        try:
            role = self.source_iam.get_role(RoleName=name)["Role"]["Arn"]
            self.source_iam.update_assume_role_policy(
                RoleName=name, PolicyDocument=trusting(admin, actions=tagging)
            )
        except self.source_iam.exceptions.NoSuchEntityException:
            made = self.source_iam.create_role(
                RoleName=name, Path=path, AssumeRolePolicyDocument=trusting(admin, actions=tagging)
            )
            role = made["Role"]["Arn"]
        self.source_iam.put_role_policy(
            RoleName=name, PolicyName="assume", PolicyDocument=policy or allow("sts:AssumeRole", self.role)
        )
        self.sit_in(role, **passed)
        return str(role)

    def sit_in(self, role: str, name: str = "desk", **passed: Any) -> None:
        """Make a new session of that role the caller; the administrator assumes it."""
        sts = self.with_keys(self.keys_of("admin"))("sts")
        made = sts.assume_role(RoleArn=role, RoleSessionName=name, **passed)["Credentials"]
        self.keys = made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"]

    def device(self, user: str = "alice") -> str:
        """Give a user an MFA device; return its serial number."""
        made = self.source_iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
        self.seed = bytes(made["Base32StringSeed"]).decode()
        now = int(time.time()) // 30
        first, second = code_of(self.seed, now - 3), code_of(self.seed, now - 2)
        self.source_iam.enable_mfa_device(
            UserName=user,
            SerialNumber=made["SerialNumber"],
            AuthenticationCode1=first,
            AuthenticationCode2=second,
        )
        return str(made["SerialNumber"])

    def code(self) -> str:
        """Return an MFA code that was not used yet."""
        now = int(time.time()) // 30
        step = next(each for each in (now - 1, now, now + 1) if each not in self.used)
        self.used.add(step)
        return code_of(self.seed, step)

    # The request and its diagnosis.

    @property
    def attempt(self) -> Attempt:
        return Attempt(
            caller=self.intended,
            role=self.role,
            parameters=self.parameters,
            action=self.action,
            resource=self.resource,
        )

    def clients(self) -> Clients:
        return self.with_keys(self.keys)

    def try_it(self) -> AttemptResult:
        """Make the request with the caller's own keys."""
        return try_once(self.attempt, self.clients()("sts"))

    def snapshot(self, *sides: str) -> Snapshot:
        """Return what administrators of these sides (source, destination) can read."""
        accounts = {"source": self.world.source, "destination": self.role.split(":")[4]}
        roots = {side: AccountSession(self.root_of(accounts[side])) for side in sides}
        found = take_snapshot(self.attempt, DiagnosisSessions(AccountSession(self.clients()), **roots))
        return found.model_copy(update={"client": self.client})

    def diagnosis(self, tried: AttemptResult, *sides: str) -> Diagnosis:
        return diagnose(self.snapshot(*sides), attempt=self.attempt, result=tried)

    def apply_fix(self, cause: Cause) -> None:
        """Run the commands of a cause's fix exactly as they are printed."""
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
        return lambda service: self._client(service, *keys)

    def _client(self, service: str, key: str, secret: str, token: str | None = None) -> Any:
        """Return the client of these credentials; each is made once."""
        known = (service, key, secret, token)
        if known not in self.made:
            self.made[known] = connect(
                service,
                endpoint_url=self.world.endpoint,
                access_key_id=key,
                secret_access_key=secret,
                session_token=token,
            )
        return self.made[known]


@dataclass(frozen=True)
class Broken:
    """One fault: the cause's code, its numbers in the list of failures, what makes it and what fixes it.

    Without a `mend` the commands of the first cause fix it.
    """

    code: str
    entries: str
    break_it: Callable[[Stage], Any]
    mend: Callable[[Stage], Any] | None = None
    side: str = ""

    def __str__(self) -> str:
        return f"{self.entries.replace(' ', '+')}-{self.code}"


def allow(action: Any, resource: Any, effect: str = "Allow", version: str = "2012-10-17", **when: Any) -> str:
    """Return a policy of one statement; `when` is its Condition."""
    statement = {"Effect": effect, "Action": action, "Resource": resource}
    return json.dumps({"Version": version, "Statement": [statement | ({"Condition": when} if when else {})]})


def trusting(*principals: str, actions: Any = "sts:AssumeRole", **when: Any) -> str:
    """Return a trust policy of one statement; a name without an ARN is a service."""
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
    """Return the code of an authenticator app (RFC 6238)."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8), "sha1")
    offset = digest[-1] & 15
    return f"{(int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF) % 1_000_000:06d}"


def _options(words: list[str]) -> dict[str, Any]:
    """Return options of the AWS CLI as parameters of boto3, without those that say where it calls."""
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
            found[name] = json.loads(word) if name == "Tags" else word
    return {name: value for name, value in found.items() if name not in ("Profile", "EndpointUrl")}


def _run(client: Any, operation: str, options: dict[str, Any]) -> None:
    getattr(client, operation.replace("-", "_"))(**options)


def config(folder: Path, text: str, credentials: str = "") -> None:
    """Write the AWS config and credentials files of a test."""
    (folder / "config").write_text(text)
    (folder / "credentials").write_text(credentials)
