"""Sessions for both sides and for the callers under test, each identified by STS."""

import os
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import repeat
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.session import Session as Core

from xacct_nb.aws.answering_hosts import answering_endpoints, note_answer
from xacct_nb.aws.clients import AwsClient, SandboxCore
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.error_translation import clock_checked, translate_errors
from xacct_nb.aws.retries import Retries
from xacct_nb.aws.sign_in import bound, check_credentials, check_files, sign_in_errors
from xacct_nb.errors import WrongAccount, XacctError
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.iam.arns import same_principal
from xacct_nb.records.fields import Identity
from xacct_nb.views import Shown, Table, View

_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
# Retries decides about every further attempt, also of the clients with which botocore gets credentials.
_CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 1},
    connect_timeout=5,
    read_timeout=30,
    user_agent_extra="xacct-nb",
)
# A run can do without Access Analyzer.
_SHORT_TIMEOUTS = Config(connect_timeout=3, read_timeout=10)
# A session with given credentials needs no profile, so AWS_PROFILE is not read.
_DOCTOR_PATIENCE = 10.0
_NO_PROFILE = {"profile": (None, None, None, None)}
_NO_FILES = _NO_PROFILE | dict.fromkeys(("config_file", "credentials_file"), (None, None, os.devnull, None))


@dataclass(frozen=True)
class Endpoint:
    """The AWS files and the endpoint to use: the user's own files and AWS, or the sandbox's.

    With it go the retries of its clients, and the clock that their responses show.
    """

    config_file: str = ""
    credentials_file: str = ""
    endpoint_url: str = ""
    retries: Retries = field(default_factory=Retries, repr=False, compare=False)
    clock: AwsClock = field(default_factory=AwsClock, repr=False, compare=False)


AWS_ITSELF = Endpoint()


@dataclass(frozen=True, repr=False)
class Sessions(Shown):
    """Open sessions by part (`source`, `destination`, `caller`); each client is made once."""

    grant: Grant
    identities: tuple[Identity, ...]
    endpoint: Endpoint = field(repr=False, default=AWS_ITSELF)
    answered_by: str = ""
    _clients: dict[tuple[str, str], AwsClient] = field(repr=False, default_factory=dict)
    _opened: dict[str, Session] = field(repr=False, default_factory=dict)

    def admin(self, account: str, service: str) -> AwsClient:
        """Return a client that administers the account. Raises WrongAccount where no session is in it."""
        for identity in self.identities:
            if identity.part != "caller" and identity.account == account:
                return self.client(identity.profile, service)
        raise WrongAccount(
            f"No session is in account {account}.",
            why="The grant needs to read or change resources there.",
            hint="Add a profile of that account to source_profiles or destination_profiles.",
        )

    def callers(self, source: str) -> tuple[Identity, ...]:
        """Return the callers under test for a source: the user or role itself, or all of a whole account."""
        is_whole = is_whole_account(source)
        return tuple(each for each in self._callers(source) if is_whole or same_principal(each.arn, source))

    def stranger(self, source: str) -> Identity | None:
        """Return a caller in the source's account that the grant does not name, None where there is none."""
        for each in self._callers(source):
            if not any(same_principal(each.arn, other) for other in self.grant.sources):
                return each
        return None

    def client(self, profile: str, service: str) -> AwsClient:
        """Return the profile's client for a service."""
        if (profile, service) not in self._clients:
            made = _make_client(self._session(profile), service, self.endpoint, self.grant.partition)
            self._clients[profile, service] = made
        return self._clients[profile, service]

    def role_client(self, credentials: Mapping[str, Any], service: str, profile: str = "") -> AwsClient:
        """Return a client with the credentials from AssumeRole; endpoint and region are the profile's."""
        session = self._session(profile) if profile else _session("", self.endpoint, _NO_PROFILE)
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return _make_client(session, service, self.endpoint, self.grant.partition, **keys)

    def to_json(self) -> list[dict[str, Any]]:
        """Return who every session is; no credentials."""
        return [identity.to_json() for identity in self.identities]

    def view(self) -> View:
        """Return the accounts and principals of the sessions as a table."""
        rows = tuple((each.part, each.account, each.arn, each.profile) for each in self.identities)
        where = f". Answered by: {self.answered_by}" if self.answered_by else ""
        caption = f"Sessions, as STS names them{where}"
        return Table(("part", "account", "caller", "profile"), rows, caption=caption)

    def _session(self, profile: str) -> Session:
        if profile not in self._opened:
            self._opened[profile] = _session(profile, self.endpoint)
        return self._opened[profile]

    def _callers(self, source: str) -> list[Identity]:
        account = account_of(source)
        return [each for each in self.identities if each.part == "caller" and each.account == account]


def open_sessions(
    grant: Grant,
    *,
    source_profiles: Iterable[str],
    destination_profiles: Iterable[str],
    caller_profiles: Iterable[str] = (),
    endpoint: Endpoint = AWS_ITSELF,
) -> Sessions:
    """Open the profiles, and let STS identify each one.

    Source profiles must be in source accounts of the grant, destination profiles in destination accounts, and
    every account that is read or changed needs one. Raises MissingProfile, NoCredentials, WrongAccount.
    """
    sessions = Sessions(grant, (), endpoint)
    parts = (
        ("source", source_profiles, grant.source_accounts),
        ("destination", destination_profiles, grant.destination_accounts),
        ("caller", caller_profiles, ()),
    )
    found = [_identity(sessions, name, part, accounts) for part, names, accounts in parts for name in names]
    where = endpoint.endpoint_url or answering_endpoints(grant.partition)
    opened = replace(sessions, identities=tuple(found), answered_by=where)
    for account in needed_accounts(grant):
        opened.admin(account, "iam")
    return opened


def profile_identities(clock: AwsClock) -> list[tuple[str, str, str]]:
    """Return the name, the ARN (from STS) and the problem of every profile in the user's AWS config.

    `clock` shows AWS's time then. Raises AwsRefused, NoCredentials where the config cannot be read.
    """
    check_files(Core())
    with translate_errors("Reading the AWS config"):
        profiles = Session().available_profiles
    with ThreadPoolExecutor(8) as threads:
        return list(threads.map(_identify, profiles, repeat(clock)))


def _identify(profile: str, clock: AwsClock) -> tuple[str, str, str]:
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    try:
        with sign_in_errors(profile), clock_checked():
            core = Core(profile=profile)
            bound(core)
            Retries(_DOCTOR_PATIENCE).follow(core)
            clock.follow(core)
            session = Session(botocore_session=core)
            sts = session.client("sts", region_name=session.region_name or _REGIONS["aws"], config=config)
            check_credentials(profile, session.get_credentials())
            return profile, str(sts.get_caller_identity()["Arn"]), ""
    except XacctError as problem:
        return profile, "", problem.why or problem.what


def needed_accounts(grant: Grant) -> tuple[str, ...]:
    """Return the accounts that are read or changed."""
    carriers = [grant.attach_to] if grant.attach_to else grant.principals
    return tuple(dict.fromkeys((*map(account_of, carriers), *grant.destination_accounts)))


def _identity(sessions: Sessions, profile: str, part: str, accounts: tuple[str, ...]) -> Identity:
    with sign_in_errors(profile, part), clock_checked():
        client = sessions.client(profile, "sts")
        check_credentials(profile, sessions._session(profile).get_credentials())
        identity = client.get_caller_identity()
    if accounts and identity["Account"] not in accounts:
        raise WrongAccount(
            f"The {part} profile {profile!r} is in account {identity['Account']}.",
            why=f"The grant's {part} accounts: {', '.join(accounts)}.",
            hint="Choose another profile, or correct the grant.",
        )
    return Identity(profile, part, identity["Account"], identity["Arn"])


def warm_up() -> None:
    """Load AWS's models of the services that every run uses; no call is made."""
    keys = {"aws_access_key_id": "none", "aws_secret_access_key": "none"}
    # An AWS config that cannot be read, an endpoint that is no URL: a run that needs it will say so.
    with suppress(BotoCoreError, ValueError):
        session = _session("", AWS_ITSELF, _NO_FILES)
        for service in ("sts", "iam", "s3"):
            _make_client(session, service, AWS_ITSELF, "aws", **keys)


class _Models(Loader):  # type: ignore[misc]
    """AWS's models; lists the services by the names of their folders, without looking into each folder."""

    def list_available_services(self, type_name: str) -> list[str]:
        return sorted({folder.name for path in self.search_paths for folder in Path(path).glob("*/")})


_MODELS = _Models()


@cache
def _handlers() -> HierarchicalEmitter:
    from xacct_nb.aws import credential_capture  # noqa: F401  it adds its handlers to botocore's own

    handlers = HierarchicalEmitter()
    Core(_NO_PROFILE, handlers)
    handlers.register("after-call", note_answer)
    return handlers


def _session(profile: str, endpoint: Endpoint, variables: Any = None) -> Session:
    # All sessions share one loader and one set of handlers: registering the handlers takes 5 ms.
    more: Any = {"include_builtin_handlers": False, "profile": profile or None}
    if endpoint.endpoint_url:
        files = endpoint.config_file, endpoint.credentials_file
        core = SandboxCore(endpoint.endpoint_url, *files, copy(_handlers()), **more)
    else:
        core = Core(variables, copy(_handlers()), **more)
        if variables is None:  # it takes its credentials from the profile
            bound(core)
    core.register_component("data_loader", _MODELS)
    config = core.get_default_client_config()
    core.set_default_client_config(config.merge(_CONFIG) if config else _CONFIG)
    endpoint.retries.follow(core)
    endpoint.clock.follow(core)
    return Session(botocore_session=core)


def client_of(profile: str, service: str, endpoint: Endpoint, partition: str) -> AwsClient:
    """Return a profile's client for a service. Raises ProfileNotFound."""
    return _make_client(_session(profile, endpoint), service, endpoint, partition)


def _make_client(
    session: Session, service: str, endpoint: Endpoint, partition: str, **keys: str
) -> AwsClient:
    region = session.region_name or _REGIONS[partition]
    config, url = _CONFIG, endpoint.endpoint_url or None
    if service == "accessanalyzer":
        config = config.merge(_SHORT_TIMEOUTS)
    return session.client(service, region_name=region, endpoint_url=url, config=config, **keys)
