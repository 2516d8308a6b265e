"""Sessions for both sides and for the callers under test, each identified by STS."""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

from boto3.session import Session
from botocore.config import Config
from botocore.exceptions import ConfigParseError
from botocore.session import Session as Core

from xacct_nb.aws.answering_hosts import answering_endpoints
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.error_translation import clock_checked, translate_errors
from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.profile_clients import AWS_ITSELF, NO_PROFILE, Endpoint, make_client, session_of
from xacct_nb.aws.retries import Retries
from xacct_nb.aws.sign_in import bound, check_credentials, check_files, response_errors, sign_in_errors
from xacct_nb.aws.sign_in_failures import PARSE_HINT
from xacct_nb.errors import AwsRefused, InvalidInput, NoCredentials, WrongAccount, XacctError
from xacct_nb.grants.documents import DESTINATION, SOURCE, Documents, build
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.grants.sources import includes, is_likely
from xacct_nb.iam.arns import REGIONS, Arn, role_arn_of
from xacct_nb.records.fields import Identity
from xacct_nb.views import Shown, Table, View

_DOCTOR_PATIENCE = 10.0


@dataclass(frozen=True, repr=False)
class Sessions(Shown):
    """Open sessions by part (`source`, `destination`, `caller`); each client is made once.

    `given` is the grant that they were opened for, None for a diagnosis without one. With `side`, they read
    and change that side alone. `objects` are ARNs of S3 objects that the proof may ask for.
    """

    given: Grant | None
    identities: tuple[Identity, ...]
    endpoint: Endpoint = field(repr=False, default=AWS_ITSELF)
    answered_by: str = ""
    side: str = ""
    objects: tuple[str, ...] = ()
    _clients: dict[tuple[str, str], AwsClient] = field(repr=False, default_factory=dict)
    _roles: dict[str, str] = field(repr=False, default_factory=dict)
    _opened: dict[str, Session] = field(repr=False, default_factory=dict)

    @property
    def grant(self) -> Grant:
        """The grant that they were opened for. Raises InvalidInput where they were opened without one."""
        if self.given is None:
            raise InvalidInput(
                "These sessions were opened without a grant.",
                why="They can only read, for a diagnosis.",
                hint="Open them with the grant: xa.open_sessions(grant, source_profiles=[...], ...).",
            )
        return self.given

    @property
    def documents(self) -> Documents:
        """The policies of the grant, of the side that they are for. Raises OverQuota, UnresolvedSecret."""
        return build(self.grant, self.side)

    @property
    def partition(self) -> str:
        """The partition of the grant, else of the first session."""
        if self.given is not None:
            return self.given.partition
        return next((Arn.parse(each.arn).partition for each in self.identities), "aws")

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
        """Return the callers under test for a source: the user or role itself, else all that it stands for.

        Where the path of a session's role cannot be read, a pattern has it if its name tells so.
        """
        found = [(each, self._is_of(source, each)) for each in self._callers(source)]
        return tuple(who for who, is_of in found if is_of or (is_of is None and is_likely(source, who.arn)))

    def stranger(self, source: str) -> Identity | None:
        """Return a caller in the source's account that the grant does not name, None where there is none."""
        for each in self._callers(source):
            named = (other for other in self.grant.sources if not is_whole_account(other))
            if all(self._is_of(other, each) is False for other in named):
                return each
        return None

    def client(self, profile: str, service: str) -> AwsClient:
        """Return the profile's client for a service."""
        if (profile, service) not in self._clients:
            made = make_client(self._session(profile), service, self.endpoint, self.partition)
            self._clients[profile, service] = made
        return self._clients[profile, service]

    def role_client(self, credentials: Mapping[str, Any], service: str, profile: str = "") -> AwsClient:
        """Return a client with the credentials from AssumeRole; endpoint and region are the profile's."""
        session = self._session(profile) if profile else session_of("", self.endpoint, NO_PROFILE)
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return make_client(session, service, self.endpoint, self.partition, **keys)

    def to_json(self) -> list[dict[str, Any]]:
        """Return who every session is; no credentials."""
        return [identity.to_json() for identity in self.identities]

    def view(self) -> View:
        """Return the accounts and principals of the sessions as a table."""
        rows = tuple((each.part, each.account, each.arn, each.profile) for each in self.identities)
        where = f". Answered by: {self.answered_by}" if self.answered_by else ""
        caption = f"Sessions, as STS names them{where}"
        return Table(("part", "account", "caller", "profile"), rows, caption=caption)

    def _is_of(self, source: str, who: Identity) -> bool | None:
        """Return whether a caller is a source; None where that hangs on a path that cannot be read."""
        found = includes(source, who.arn)
        return includes(source, self._role_of(who)) if found is None else found

    def _role_of(self, who: Identity) -> str:
        """Return the ARN of a session's role with its path, where an administrator's session is there."""
        if who.arn not in self._roles:
            self._roles[who.arn] = who.arn
            with suppress(WrongAccount, AwsRefused):
                iam, name = self.admin(who.account, "iam"), Arn.parse(role_arn_of(who.arn)).name
                with translate_errors(f"GetRole {name}"):
                    self._roles[who.arn] = str(iam.get_role(RoleName=name)["Role"]["Arn"])
        return self._roles[who.arn]

    def _session(self, profile: str) -> Session:
        if profile not in self._opened:
            self._opened[profile] = session_of(profile, self.endpoint, region=REGIONS[self.partition])
        return self._opened[profile]

    def _callers(self, source: str) -> list[Identity]:
        account = account_of(source)
        return [each for each in self.identities if each.part == "caller" and each.account == account]


def open_sessions(
    grant: Grant | None = None,
    *,
    source_profiles: Iterable[str] = (),
    destination_profiles: Iterable[str] = (),
    caller_profiles: Iterable[str] = (),
    endpoint: Endpoint = AWS_ITSELF,
    side: str = "",
) -> Sessions:
    """Open the profiles, and let STS identify each one.

    With a grant, source profiles must be in its source accounts, destination profiles in its destination
    accounts, and each account of a side that has profiles needs one. For a diagnosis (`xa.diagnose`) one side
    or the callers alone are enough, also without a grant; reading the other side raises WrongAccount.
    With `side` (source or destination) they are for that side: profiles of the other account stay closed,
    which are those of the callers too where the side is the destination.
    Raises MissingProfile, NoCredentials, WrongAccount, and InvalidInput where no profile is named.
    """
    sessions = Sessions(grant, (), endpoint, side=side)
    in_grant = (grant.source_accounts, grant.destination_accounts) if grant else ((), ())
    parts = (
        (SOURCE, _names(SOURCE, source_profiles) if side != DESTINATION else (), in_grant[0]),
        (DESTINATION, _names(DESTINATION, destination_profiles) if side != SOURCE else (), in_grant[1]),
        ("caller", _names("caller", caller_profiles) if side != DESTINATION else (), ()),
    )
    if not any(names for _, names, _ in parts):
        raise InvalidInput(
            "No profile was named, so there is no session to open.",
            why="source_profiles, destination_profiles and caller_profiles are all empty.",
            hint="Name at least one profile of the AWS config; xacct-nb doctor lists them.",
        )
    found = [_identity(sessions, name, part, accounts) for part, names, accounts in parts for name in names]
    opened = replace(sessions, identities=tuple(found))
    where = endpoint.endpoint_url or answering_endpoints(opened.partition)
    opened = replace(opened, answered_by=where)
    for accounts, names in _needed(grant, parts) if grant else ():
        for account in accounts if names else ():
            opened.admin(account, "iam")
    return opened


def _names(part: str, profiles: Iterable[str]) -> tuple[str, ...]:
    """Return the names of profiles. Raises InvalidInput where they are one text, or no texts."""
    names = () if isinstance(profiles, str) else tuple(profiles)
    if isinstance(profiles, str) or not all(isinstance(each, str) for each in names):
        raise InvalidInput(
            f"{part}_profiles is no list of names of profiles.",
            why=f"It is {profiles!r}.",
            hint=f'Write it like {part}_profiles=["NAME"].',
        )
    return names


def _needed(grant: Grant, parts: Any) -> Iterator[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Yield the accounts that are read or changed on each side, with the side's profiles."""
    (_, sources, _), (_, destinations, _), _ = parts
    yield carrier_accounts(grant), sources
    yield grant.destination_accounts, destinations


def profile_identities(clock: AwsClock) -> list[tuple[str, str, str]]:
    """Return the name, the ARN (from STS) and the problem of every profile in the user's AWS config.

    `clock` shows AWS's time then. Raises NoCredentials where the config cannot be read.
    """
    check_files(Core())
    try:
        profiles = Core(NO_PROFILE).available_profiles  # also where AWS_PROFILE names none of them
    except ConfigParseError as problem:
        raise NoCredentials(f"{problem}.", hint=PARSE_HINT) from problem
    return each_at_once(partial(_identify, clock=clock), profiles, threads=8)


def _identify(profile: str, clock: AwsClock) -> tuple[str, str, str]:
    config = Config(connect_timeout=3, read_timeout=5, retries={"total_max_attempts": 1})
    try:
        with sign_in_errors(profile), clock_checked():
            core = Core(profile=profile)
            bound(core)
            Retries(_DOCTOR_PATIENCE).follow(core)
            clock.follow(core)
            session = Session(botocore_session=core)
            sts = session.client("sts", region_name=session.region_name or REGIONS["aws"], config=config)
            check_credentials(profile, session.get_credentials())
            with response_errors(profile):
                return profile, str(sts.get_caller_identity()["Arn"]), ""
    except XacctError as problem:
        return profile, "", problem.why or problem.what


def needed_accounts(grant: Grant, side: str = "") -> tuple[str, ...]:
    """Return the accounts that are read or changed, of both sides or of one."""
    source = carrier_accounts(grant) if side != DESTINATION else ()
    return tuple(dict.fromkeys((*source, *(grant.destination_accounts if side != SOURCE else ()))))


def carrier_accounts(grant: Grant) -> tuple[str, ...]:
    """Return the accounts in which a user, role or group gets the caller policy."""
    carriers = [grant.attach_to] if grant.attach_to else grant.principals
    return tuple(dict.fromkeys(map(account_of, carriers)))


def check_both_sides(sessions: Sessions) -> None:
    """Check that each account that is read or changed has a session. Raises WrongAccount."""
    for account in needed_accounts(sessions.grant, sessions.side):
        sessions.admin(account, "iam")


def _identity(sessions: Sessions, profile: str, part: str, accounts: tuple[str, ...]) -> Identity:
    with sign_in_errors(profile, part), clock_checked():
        client = sessions.client(profile, "sts")
        check_credentials(profile, sessions._session(profile).get_credentials())
        with response_errors(profile):
            identity = dict(client.get_caller_identity())
            account, arn = identity["Account"], identity["Arn"]
    if accounts and account not in accounts:
        raise WrongAccount(
            f"The {part} profile {profile!r} is in account {account}.",
            why=f"The grant's {part} accounts: {', '.join(accounts)}.",
            hint="Choose another profile, or correct the grant.",
        )
    return Identity(profile, part, account, arn)
