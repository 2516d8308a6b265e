"""Sessions for both sides and for the callers under test, each known by what STS says it is."""

from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from copy import copy
from dataclasses import asdict, dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError, ProfileNotFound
from botocore.hooks import HierarchicalEmitter
from botocore.loaders import Loader
from botocore.session import Session as Core

from xacct_nb.errors import AwsRefused, InvalidInput, MissingProfile, NoCredentials, WrongAccount
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.iam.arns import same_principal
from xacct_nb.views import Shown, Table, View

_REGIONS = {"aws": "us-east-1", "aws-cn": "cn-north-1", "aws-us-gov": "us-gov-west-1"}
_CONFIG = Config(
    retries={"mode": "standard", "max_attempts": 5},
    connect_timeout=5,
    read_timeout=30,
    user_agent_extra="xacct-nb",
)
# What a run can do without is not waited for long.
_PATIENCE = {"accessanalyzer": Config(connect_timeout=3, read_timeout=10, retries={"total_max_attempts": 2})}


# Credentials that are given need no profile, so AWS_PROFILE does not count.
_NOBODY = {"profile": (None, None, None, None)}


@dataclass(frozen=True)
class Identity:
    """Who a profile is: the ARN and account that GetCallerIdentity answered, and the part it plays here."""

    profile: str
    part: str
    account: str
    arn: str


@dataclass(frozen=True)
class Endpoint:
    """Where profiles and AWS are: AWS's own files and endpoints, or the sandbox's."""

    config_file: str = ""
    credentials_file: str = ""
    endpoint_url: str = ""


AWS_ITSELF = Endpoint()


@dataclass(frozen=True, repr=False)
class Sessions(Shown):
    """Open sessions by part (`source`, `destination`, `caller`); clients are made once and kept."""

    grant: Grant
    identities: tuple[Identity, ...]
    endpoint: Endpoint = field(repr=False, default=AWS_ITSELF)
    _clients: dict[tuple[str, str], Any] = field(repr=False, default_factory=dict)
    _opened: dict[str, Session] = field(repr=False, default_factory=dict)

    def admin(self, account: str, service: str) -> Any:
        """A client that administers the account. Raises WrongAccount where no session is in it."""
        for identity in self.identities:
            if identity.part != "caller" and identity.account == account:
                return self.client(identity.profile, service)
        raise _no_session(account)

    def callers(self, source: str) -> tuple[Identity, ...]:
        """The callers under test for a source: the user or role itself, everybody here of a whole account."""
        here = (each for each in self._callers() if each.account == account_of(source))
        return tuple(each for each in here if is_whole_account(source) or same_principal(each.arn, source))

    def stranger(self, source: str) -> Identity | None:
        """Another principal of the source's account, which the grant does not name."""
        return next(
            (
                each
                for each in self._callers()
                if each.account == account_of(source)
                and not any(same_principal(each.arn, other) for other in self.grant.sources)
            ),
            None,
        )

    def client(self, profile: str, service: str) -> Any:
        """The profile's client for a service."""
        if (profile, service) not in self._clients:
            made = _made(self._session(profile), service, self.endpoint, self.grant.partition)
            self._clients[profile, service] = made
        return self._clients[profile, service]

    def role_client(self, credentials: Mapping[str, Any], service: str, profile: str = "") -> Any:
        """A client with the credentials that AssumeRole answered; endpoint and region are the profile's."""
        session = self._session(profile) if profile else _session("", self.endpoint, _NOBODY)
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return _made(session, service, self.endpoint, self.grant.partition, **keys)

    def to_json(self) -> list[dict[str, Any]]:
        """Who every session is; no credentials."""
        return [asdict(identity) for identity in self.identities]

    def view(self) -> View:
        """The accounts and principals that the sessions really are."""
        rows = tuple((each.part, each.account, each.arn, each.profile) for each in self.identities)
        return Table(("part", "account", "caller", "profile"), rows, caption="Sessions, as STS names them")

    def _session(self, profile: str) -> Session:
        if profile not in self._opened:
            self._opened[profile] = _session(profile, self.endpoint)
        return self._opened[profile]

    def _callers(self) -> list[Identity]:
        return [identity for identity in self.identities if identity.part == "caller"]


def open_sessions(
    grant: Grant,
    *,
    source_profiles: Iterable[str],
    destination_profiles: Iterable[str],
    caller_profiles: Iterable[str] = (),
    endpoint: Endpoint = AWS_ITSELF,
) -> Sessions:
    """Opens the profiles and asks STS who each one is.

    Source profiles must be in source accounts of the grant, destination profiles in destination accounts,
    and every account that is read or changed needs one. Raises MissingProfile, NoCredentials, WrongAccount.
    """
    sessions = Sessions(grant, (), endpoint)
    parts = (
        ("source", source_profiles, grant.source_accounts),
        ("destination", destination_profiles, grant.destination_accounts),
        ("caller", caller_profiles, ()),
    )
    found = [
        _identity(sessions, profile, part, accounts) for part, names, accounts in parts for profile in names
    ]
    opened = Sessions(grant, tuple(found), endpoint, sessions._clients, sessions._opened)
    for account in needed_accounts(grant):
        opened.admin(account, "iam")
    return opened


def profile_identities() -> list[tuple[str, str, str]]:
    """Every profile of the user's own AWS config: its name, its ARN as STS says, or what is wrong with it.

    Raises AwsRefused where the config cannot be read.
    """
    with translate_errors("Reading the AWS config"):
        profiles = Session().available_profiles
    with ThreadPoolExecutor(8) as at_once:
        return list(at_once.map(_who, profiles))


def _who(profile: str) -> tuple[str, str, str]:
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    try:
        session = Session(profile_name=profile)
        sts = session.client("sts", region_name=session.region_name or _REGIONS["aws"], config=config)
        return profile, str(sts.get_caller_identity()["Arn"]), ""
    except (BotoCoreError, ClientError) as problem:
        return profile, "", str(problem)


def needed_accounts(grant: Grant) -> tuple[str, ...]:
    """The accounts in which something is read or changed."""
    carriers = [grant.attach_to] if grant.attach_to else grant.principals
    return tuple(dict.fromkeys((*map(account_of, carriers), *grant.destination_accounts)))


@contextmanager
def translate_errors(doing: str) -> Iterator[None]:
    """Turns botocore's errors into AwsRefused, with the original as its cause."""
    try:
        yield
    except ClientError as problem:
        error, meta = problem.response.get("Error", {}), problem.response.get("ResponseMetadata", {})
        raise AwsRefused(
            f"{doing}: AWS answered {error.get('Code')}: {error.get('Message')}",
            aws_code=str(error.get("Code")),
            why=f"The request has the id {meta['RequestId']}." if meta.get("RequestId") else "",
            request_id=str(meta.get("RequestId", "")),
        ) from problem
    except BotoCoreError as problem:
        raise AwsRefused(
            f"{doing}: {problem}",
            aws_code=type(problem).__name__,
            hint="Check the network and the endpoint, then run it again.",
        ) from problem


def _identity(sessions: Sessions, profile: str, part: str, accounts: tuple[str, ...]) -> Identity:
    try:
        answer = sessions.client(profile, "sts").get_caller_identity()
    except ProfileNotFound as problem:
        raise MissingProfile(
            f"The AWS config has no profile {profile!r}.",
            why=f"It was to be the {part} session.",
            hint="Correct the name, or add it: aws configure --profile NAME.",
        ) from problem
    except (BotoCoreError, ClientError) as problem:
        raise _no_credentials(profile, problem) from problem
    if accounts and answer["Account"] not in accounts:
        raise WrongAccount(
            f"The {part} profile {profile!r} is in account {answer['Account']}.",
            why=f"The grant's {part} accounts: {', '.join(accounts)}.",
            hint="Choose another profile, or correct the grant.",
        )
    return Identity(profile, part, answer["Account"], answer["Arn"])


def _no_credentials(profile: str, problem: Exception) -> InvalidInput:
    missing = isinstance(problem, NoCredentialsError)
    why = "It has no credentials." if missing else str(problem)
    return NoCredentials(
        f"The profile {profile!r} cannot sign in.",
        why=why,
        hint=f"Try it alone: aws sts get-caller-identity --profile {profile}",
    )


def _no_session(account: str) -> WrongAccount:
    return WrongAccount(
        f"No session is in account {account}.",
        why="The grant has something to read or change there.",
        hint="Add a profile of that account to source_profiles or destination_profiles.",
    )


def warm_up() -> None:
    """Loads AWS's models of the services that every run uses; no call is made."""
    session = _session("", AWS_ITSELF, _NOBODY)
    for service in ("sts", "iam", "s3"):
        _made(session, service, AWS_ITSELF, "aws", aws_access_key_id="none", aws_secret_access_key="none")


class _Models(Loader):  # type: ignore[misc]
    """AWS's models; a service is known by its folder, where the stock loader looks into every folder."""

    def list_available_services(self, type_name: str) -> list[str]:
        return sorted({folder.name for path in self.search_paths for folder in Path(path).glob("*/")})


@cache
def _loader() -> Loader:
    return _Models()


@cache
def _handlers() -> HierarchicalEmitter:

    handlers = HierarchicalEmitter()
    Core(_NOBODY, handlers)
    return handlers


def _session(profile: str, endpoint: Endpoint, variables: Any = None) -> Session:
    # Models and handlers are loaded once for all sessions: to register the handlers alone takes 5 ms.
    core = Core(variables, copy(_handlers()), include_builtin_handlers=False, profile=profile or None)
    core.register_component("data_loader", _loader())
    for name in ("config_file", "credentials_file"):
        if value := getattr(endpoint, name):
            core.set_config_variable(name, value)
    return Session(botocore_session=core)


def client_of(profile: str, service: str, endpoint: Endpoint, partition: str) -> Any:
    """A profile's client for a service. Raises ProfileNotFound."""
    return _made(_session(profile, endpoint), service, endpoint, partition)


def _made(session: Session, service: str, endpoint: Endpoint, partition: str, **keys: str) -> Any:
    region = session.region_name or _REGIONS[partition]
    # What is on this machine is not asked for by way of a proxy.
    config = _CONFIG.merge(Config(proxies={}) if endpoint.endpoint_url else Config())
    config = config.merge(_PATIENCE.get(service, Config()))
    url = endpoint.endpoint_url or None
    return session.client(service, region_name=region, endpoint_url=url, config=config, **keys)
