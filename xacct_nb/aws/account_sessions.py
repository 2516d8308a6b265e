"""Sessions in the many accounts of a fleet: by a profile of the account, or by a role in each of them."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from xacct_nb.aws.bound_clients import AccountKeys, SharedClients
from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import local_time
from xacct_nb.aws.error_translation import translate_errors
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint
from xacct_nb.aws.retries import PATIENCE, Retries
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.errors import WrongAccount
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.records.fields import Identity

SESSION_NAME = "xacct-nb-fleet"
_EARLIER = timedelta(minutes=5)


@dataclass(frozen=True)
class FleetAccess:
    """How the accounts of a fleet are reached; it can be pickled, and holds no credentials.

    In an account in which no profile is, `account_role` is assumed: by the first destination profile, or by
    the first source profile on the source side.
    """

    source_profiles: tuple[str, ...] = ()
    destination_profiles: tuple[str, ...] = ()
    caller_profiles: tuple[str, ...] = ()
    account_role: str = ""
    partition: str = "aws"
    config_file: str = ""
    credentials_file: str = ""
    endpoint_url: str = ""
    patience: float = PATIENCE

    @property
    def endpoint(self) -> Endpoint:
        """The endpoint and the AWS files to use."""
        if not (self.config_file or self.endpoint_url):
            return AWS_ITSELF
        return Endpoint(self.config_file, self.credentials_file, self.endpoint_url)

    def open(self) -> "AccountSessions":
        """Open the profiles and let STS identify each. Raises MissingProfile, NoCredentials, InvalidInput."""
        named = open_sessions(
            source_profiles=self.source_profiles,
            destination_profiles=self.destination_profiles,
            caller_profiles=self.caller_profiles,
            endpoint=self.endpoint,
        )
        return AccountSessions(self, named)


class AccountSessions:
    """Opens the sessions of any account of a fleet; all threads share it."""

    def __init__(self, access: FleetAccess, named: Sessions) -> None:
        self.access, self.named = access, named
        self.shared = SharedClients(named.endpoint, access.partition)
        self._keys = dict[str, tuple[AccountKeys, datetime]]()
        for each in named.identities:  # boto3 makes clients in one thread at a time
            for service in ("sts", "iam"):
                named.client(each.profile, service)

    def of(self, grant: Grant, side: str, account: str, *, and_source: bool = False) -> "SliceSessions":
        """Return the sessions for one slice: the account's administrator, and the callers under test.

        With `and_source` also the administrators of the grant's source accounts, as a diagnosis needs them.
        Raises WrongAccount where nothing says how to get into an account, and AwsRefused where its role
        cannot be assumed.
        """
        wanted = [(side, account)]
        if and_source:
            wanted += [(SOURCE, each) for each in grant.source_accounts if each != account]
        return self._of(grant, side, wanted, and_source)

    def callers_of(self, grant: Grant, side: str) -> "SliceSessions":
        """Return the sessions of the callers alone: the account is another owner's, and is not entered."""
        return self._of(grant, side, [], False)

    def _of(
        self, grant: Grant, side: str, wanted: Sequence[tuple[str, str]], and_source: bool
    ) -> "SliceSessions":
        retries, keys, admins = Retries(self.access.patience), dict[str, AccountKeys](), list[Identity]()
        for part, each in wanted:
            who, own = self._administrator(part, each)
            admins.append(who)
            if own:
                keys[each] = replace(own, retries=retries)
        callers = (each for each in self.named.identities if each.part == "caller")
        return SliceSessions(
            grant,
            (*admins, *self._readers(grant, [each for _, each in wanted]), *callers),
            replace(self.named.endpoint, retries=retries) if keys else self.named.endpoint,
            self.named.answered_by,
            "" if and_source else side,
            _clients=self.named._clients,
            _roles=self.named._roles,
            _opened=self.named._opened,
            shared=self.shared,
            admin_keys=keys,
        )

    def _readers(self, grant: Grant, opened: list[str]) -> Iterator[Identity]:
        """Yield who can read the path of a caller's role, on which it hangs whether a pattern matches it."""
        accounts = {account_of(each) for each in grant.role_patterns} - set(opened)
        for each in self.named.identities:
            if each.part != "caller" and each.account in accounts:
                yield replace(each, part=SOURCE)

    def _administrator(self, side: str, account: str) -> tuple[Identity, AccountKeys | None]:
        """Return who administers an account, with keys where it is a role that was assumed for it."""
        for each in self.named.identities:
            if each.part != "caller" and each.account == account:
                return replace(each, part=side), None
        return self._by_role(side, account)

    def _by_role(self, side: str, account: str) -> tuple[Identity, AccountKeys]:
        profile = self._hub(side, account)
        role = f"arn:{self.access.partition}:iam::{account}:role/{self.access.account_role}"
        who = Identity(f"{self.access.account_role} in {account} by {profile}", side, account, role)
        known = self._keys.get(account)
        if known is None or known[1] - _EARLIER < local_time():
            known = keys_in(self.named, profile, role, SESSION_NAME)
            self._keys[account] = known
        return who, known[0]

    def _hub(self, side: str, account: str) -> str:
        """Return the profile that assumes the account's role. Raises WrongAccount."""
        for part in (side, DESTINATION, SOURCE):
            for each in self.named.identities:
                if each.part == part and self.access.account_role:
                    return each.profile
        raise WrongAccount(
            f"No session is in account {account}.",
            why="No profile is in it, and no account_role says which role to assume there.",
            hint="Set account_role, such as OrganizationAccountAccessRole, or name a profile of the account.",
        )


@dataclass(frozen=True, repr=False)
class SliceSessions(Sessions):
    """The sessions for one account of a fleet, whose clients are shared with all others."""

    shared: SharedClients | None = field(default=None, repr=False)
    admin_keys: Mapping[str, AccountKeys] = field(default_factory=dict, repr=False)

    def admin(self, account: str, service: str) -> AwsClient:
        """Return a client that administers the account. Raises WrongAccount where no session is in it."""
        if self.shared and account in self.admin_keys:
            return self.shared.client(service, self.admin_keys[account])
        return super().admin(account, service)

    def client(self, profile: str, service: str) -> AwsClient:
        """Return the client of a profile, or of a role that was assumed to administer an account."""
        for each in self.identities if self.shared else ():
            if each.profile == profile and each.part != "caller" and each.account in self.admin_keys:
                return self.admin(each.account, service)
        return super().client(profile, service)

    def role_client(self, credentials: Mapping[str, Any], service: str, profile: str = "") -> AwsClient:
        """Return a client with the credentials from AssumeRole."""
        if self.shared:
            keys = replace(keys_of(credentials, profile), retries=self.endpoint.retries)
            return self.shared.client(service, keys)
        return super().role_client(credentials, service, profile)


def keys_in(hub: Sessions, profile: str, role: str, session: str) -> tuple[AccountKeys, datetime]:
    """Return keys for the account of a role, which a profile of the hub assumes, and when they expire.

    Raises AwsRefused.
    """
    sts = hub.client(profile, "sts")
    with translate_errors(f"AssumeRole of {role}"):
        given = sts.assume_role(RoleArn=role, RoleSessionName=session)["Credentials"]
    return replace(keys_of(given, profile), retries=hub.endpoint.retries), given["Expiration"]


def keys_of(credentials: Mapping[str, Any], profile: str) -> AccountKeys:
    """Return the keys in the Credentials of a response of STS, which the profile got."""
    return AccountKeys(
        credentials["AccessKeyId"], credentials["SecretAccessKey"], credentials["SessionToken"], profile
    )
