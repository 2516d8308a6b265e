"""The world of one participant and one sheet: two accounts with their users, a third one, and who calls."""

import hashlib
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from configparser import Error as ConfigError
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from xacct_nb.aws.answers import Answer, call_aws
from xacct_nb.aws.clients import AwsClient, Clients, connect
from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.grants.grant import Grant
from xacct_nb.sandbox.server import accounts
from xacct_nb.sandbox.server.accounts import Resident, Side, World
from xacct_nb.sandbox.server.state import Sandbox, write_private
from xacct_nb.storage.locks import EXCLUSIVE, lock_file
from xacct_nb.workshop.inventory import Item, items_in
from xacct_nb.workshop.mfa_device import DeviceFile

OUTSIDER = "outsider"
_ACCOUNTS = ("source", "destination", "outside")
ADMINS: Mapping[Side, str] = {"source": "source-admin", "destination": "destination-admin"}


class WorkshopWorld:
    """A source and a destination account of one participant, and `outside`, an account of somebody else.

    Its users call with the keys that its credentials file had when it was opened, or that it made itself.
    `sandbox` is None on AWS itself. `is_new` is True where it was not there before it was opened,
    `was_lost` where it had been there, and the sandbox was ended or emptied since.
    """

    def __init__(
        self,
        world: World,
        outside: str,
        seed: str,
        sandbox: Sandbox | None,
        *,
        is_new: bool = False,
        was_lost: bool = False,
    ) -> None:
        self.accounts, self._outside, self.sandbox = world, outside, sandbox
        self.source, self.destination = world.source, world.destination
        self.bucket, self.other_bucket = world.bucket, world.other_bucket
        self.is_new, self.was_lost = is_new, was_lost
        self._seed, self._keys = seed, accounts.known_keys(world.credentials_file)
        self._clients = dict[tuple[str, str], AwsClient]()
        self._owners = dict[tuple[str, str], AwsClient]()
        self._further = dict[str, Clients]()

    patience = 0.0
    """Seconds after which a change has effect at the latest: none in the sandbox."""

    @property
    def outside(self) -> str:
        """The third account, whose administrator is `outsider`."""
        return self._outside

    @property
    def owned(self) -> tuple[str, ...]:
        """The accounts that `contents` looks into."""
        return self.source, self.destination, self.outside

    @property
    def place(self) -> str:
        """What AWS's answers are those of, in words."""
        return "the sandbox"

    @property
    def devices(self) -> DeviceFile:
        """The MFA devices that the participant has in this world."""
        return DeviceFile(self.accounts.credentials_file.parent)

    @property
    def profiles(self) -> tuple[str, ...]:
        """Return the names of those who can call."""
        return tuple(self._keys)

    @property
    def callers(self) -> tuple[str, ...]:
        """Return the names of those who can be asked about: the profiles, and sessions that were added."""
        return (*self.profiles, *self._further)

    def account(self, side: Side) -> str:
        """Return the account id of a side."""
        return self.accounts.account(side)

    def user_arn(self, name: str, side: Side = "source") -> str:
        """Return the ARN of a user."""
        return f"arn:aws:iam::{self.account(side)}:user/{name}"

    def role_arn(self, name: str, side: Side = "destination") -> str:
        """Return the ARN of a role."""
        return f"arn:aws:iam::{self.account(side)}:role/{name}"

    def object_arn(self, key: str, bucket: str = "") -> str:
        """Return the ARN of an object, of `bucket` if none is named."""
        return f"arn:aws:s3:::{bucket or self.bucket}/{key}"

    def client(self, profile: str, service: str) -> AwsClient:
        """Return the client of a user for a service. Raises KeyError for a profile that is not there."""
        if profile in self._further:
            return self._further[profile](service)
        found = self._clients.get((profile, service))
        if found is None:
            found = self._connect(service, *self._keys[profile])
            self._clients[profile, service] = found
        return found

    def admin(self, side: Side, service: str) -> AwsClient:
        """Return a client of the administrator of a side."""
        return self.client(ADMINS[side], service)

    def identify(self, side: Side = "source") -> Answer:
        """Return AWS's answer to who the administrator of a side is: no value where the world is gone."""
        return call_aws(self.admin(side, "sts").get_caller_identity)

    def owner(self, account: str, service: str) -> AwsClient:
        """Return a client of the root user of an account, which stays when its users are removed."""
        if (account, service) not in self._owners:
            self._owners[account, service] = self._connect(
                service, account, self.accounts.root_secret(account)
            )
        return self._owners[account, service]

    def contents(self, account: str) -> tuple[Item, ...]:
        """Return what is in an account, in the order in which it can be removed."""
        return items_in(partial(self.owner, account))

    def sessions(self, grant: Grant, side: str = "") -> Sessions:
        """Open the sessions of the two administrators for a grant, or of the one of a side."""
        admins = {f"{each}_profiles": [name] for each, name in ADMINS.items()}
        return open_sessions(grant, **admins, endpoint=self.endpoint, side=side)

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint and the AWS files of the world."""
        files = self.accounts
        return Endpoint(str(files.config_file), str(files.credentials_file), files.endpoint)

    def forget(self, *, is_clean: bool) -> None:
        """Let the next `open_world` make the world again; whether nothing is left does not matter here."""
        forget_world(self.accounts.config_file.parent)

    def session_client(self, credentials: Mapping[str, Any], service: str) -> AwsClient:
        """Return a client with the Credentials of a response of STS."""
        key = credentials["AccessKeyId"], credentials["SecretAccessKey"]
        return self._connect(service, *key, credentials["SessionToken"])

    def add_session(self, name: str, credentials: Mapping[str, Any]) -> str:
        """Let a session of STS call under a name, as if it were a user's profile; return the name."""
        self._further[name] = partial(self.session_client, credentials)
        return name

    def keep_session(self, name: str, credentials: Mapping[str, Any]) -> str:
        """Give a session of STS a profile in the world's files, where other kernels find it; return it."""
        accounts.add_session(self.accounts, name, credentials)
        self._read_keys()
        return name

    def add_user(self, name: str, side: Side = "source", *, allowed: str = "", group: str = "") -> str:
        """Create a user with a key, unless it is there; return its profile, which is its name.

        `allowed` is an action that its own policy allows on every resource.
        """
        resident = Resident(name, side, name, allowed=allowed, group=group)
        accounts.add_user(self.admin(side, "iam"), self.accounts, resident)
        self._read_keys()
        return name

    def _read_keys(self) -> None:
        self._keys = accounts.known_keys(self.accounts.credentials_file)

    def secret(self, name: str) -> str:
        """Return a text that nobody can guess, the same each time, such as an external ID."""
        return hmac.digest(self._seed.encode(), name.encode(), hashlib.sha256).hex()[:24]

    def details(self, side: Side) -> dict[str, Any]:
        """Return all users, groups, roles and customer managed policies of a side, as IAM lists them."""
        found = dict[str, Any]()
        kinds = ["User", "Role", "Group", "LocalManagedPolicy"]
        for page in (
            self.admin(side, "iam").get_paginator("get_account_authorization_details").paginate(Filter=kinds)
        ):
            for kind in ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"):
                found.setdefault(kind, []).extend(page[kind])
        return found

    def fingerprint(self) -> str:
        """Return a digest of what is in both accounts: it differs once somebody has changed them."""
        buckets = self._buckets()
        state = [self.details("source"), self.details("destination"), buckets, self._bucket_policies(buckets)]
        text = json.dumps(_without_use(state), sort_keys=True, default=str)
        return hashlib.sha256(text.encode()).hexdigest()

    def _buckets(self) -> list[str]:
        return [each["Name"] for each in self.admin("destination", "s3").list_buckets()["Buckets"]]

    def _bucket_policies(self, buckets: list[str]) -> list[str]:
        s3, found = self.admin("destination", "s3"), list[str]()
        for bucket in buckets:
            try:
                found.append(s3.get_bucket_policy(Bucket=bucket)["Policy"])
            except s3.exceptions.ClientError:
                found.append("")
        return found

    def _connect(self, service: str, key: str, secret: str, token: str | None = None) -> AwsClient:
        return connect(
            service,
            endpoint_url=self.accounts.endpoint,
            access_key_id=key,
            secret_access_key=secret,
            session_token=token,
        )


def open_world(sandbox: Sandbox, folder: Path, prepare: Callable[[WorkshopWorld], None]) -> WorkshopWorld:
    """Return the world of a folder: the one that is there, else a new one that `prepare` has completed.

    A world that the sandbox has no more, since it was started again, is made again with the same accounts.
    Where AWS does not know its administrators (a reset, or they were removed), others take their place.
    One kernel at a time makes it; one that is half made, since its kernel was killed, is never used.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    with closing(lock_file(folder / "world.lock", EXCLUSIVE)):
        known = _recall(folder)
        world = accounts.world_of(sandbox, known["source"], known["destination"], folder)
        was_lost = "instance" in known
        if known.get("instance") == sandbox.instance:
            if _has_admins(world):
                found = WorkshopWorld(world, known["outside"], known["seed"], sandbox)
                if all(found.identify(side).value for side in ADMINS):
                    return found
            known = _new_accounts()  # nobody can administer the old ones any more
            world = accounts.world_of(sandbox, known["source"], known["destination"], folder)
        forget_world(folder)
        for file in (world.config_file, world.credentials_file):
            file.unlink(missing_ok=True)
        _furnish(sandbox, world, known["outside"])
        found = WorkshopWorld(world, known["outside"], known["seed"], sandbox, is_new=True, was_lost=was_lost)
        prepare(found)
        _remember(folder, known | {"instance": sandbox.instance})
        return found


def forget_world(folder: Path) -> None:
    """Let the next `open_world` make the world again, with accounts of other numbers."""
    (folder / "world.json").unlink(missing_ok=True)


def _furnish(sandbox: Sandbox, world: World, outside: str) -> None:
    connection = partial(_root_client, sandbox.endpoint)
    accounts.furnish(connection, world)
    root = connection("iam", outside, sandbox.root_secret(outside))
    accounts.add_user(root, world, Resident(OUTSIDER, "source", OUTSIDER, allowed="*"))


def _root_client(endpoint: str, service: str, key: str, secret: str) -> AwsClient:
    return connect(service, endpoint_url=endpoint, access_key_id=key, secret_access_key=secret)


def _recall(folder: Path) -> dict[str, str]:
    """Return the accounts and the seed of a folder's world; new ones where it has none."""
    try:
        known = json.loads((folder / "world.json").read_text(encoding="utf-8"))
        return {name: str(known[name]) for name in (*_ACCOUNTS, "seed", "instance")}
    except (OSError, ValueError, LookupError, TypeError):
        return _new_accounts()


def _new_accounts() -> dict[str, str]:
    numbers = {name: str(secrets.randbelow(9 * 10**11) + 10**11) for name in _ACCOUNTS}
    return numbers | {"seed": secrets.token_hex(16)}


def _has_admins(world: World) -> bool:
    """Return whether the credentials file still has the keys of the administrators; anybody may edit it."""
    try:
        return set(ADMINS.values()) <= set(accounts.known_keys(world.credentials_file))
    except (OSError, ValueError, ConfigError):
        return False


def _remember(folder: Path, known: Mapping[str, str]) -> None:
    write_private(folder / "world.json", json.dumps(known, indent=2))


def _without_use(value: Any) -> Any:
    """Return account details without what a call alone changes: when something was last used."""
    if isinstance(value, dict):
        return {name: _without_use(each) for name, each in value.items() if "LastUsed" not in name}
    return [_without_use(each) for each in value] if isinstance(value, list) else value
