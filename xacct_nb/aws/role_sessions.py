"""A boto3 session over all hops to a role, which assumes them all again before its credentials end."""

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from boto3.session import Session
from botocore.credentials import DeferredRefreshableCredentials, ReadOnlyCredentials

from xacct_nb.aws.clients import AwsClient
from xacct_nb.aws.clock import AwsClock
from xacct_nb.aws.error_translation import clock_checked, translate_errors
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint, core_of, make_client
from xacct_nb.aws.sign_in import ask_for_code, check_credentials, response_errors, sign_in_errors
from xacct_nb.errors import WrongAccount
from xacct_nb.grants.access_path import RoleHop, hops_of
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import describe_arn
from xacct_nb.grants.session_length import session_length
from xacct_nb.grants.sources import includes
from xacct_nb.iam.arns import REGIONS, Arn
from xacct_nb.views import Page, Shown, Table, Text, View

_EXPIRED = ("ExpiredToken", "ExpiredTokenException", "RequestExpired")
_RENEWED, _SIGNED_WITH = "xacct-nb-renewed", "xacct-nb-signed-with"
_LONG_AGO = datetime.min.replace(tzinfo=UTC)
_DENIED_HINT = "Find the cause and its fix: xa.diagnose(grant, ...), or the notebook 40_diagnose_a_denial."
# Parts of a session's length that are left when new credentials are tried for, and when they are waited for.
_TRY_AT, _WAIT_AT = 4, 6


class ChainSession(Shown, Session):  # type: ignore[misc]
    """A boto3 session whose credentials are renewed over all hops; any thread may use it.

    The first hop is assumed with the source profile, each later one with the session of the one before. New
    credentials are fetched before the old ones end by AWS's clock, and at once where AWS says they ended.
    """

    def __init__(self, core: Any, chain: "_Chain", clock: AwsClock) -> None:
        self.hops = chain.hops
        self._chain, self._making = chain, threading.RLock()
        self._renewed = _Renewed(chain, clock)
        core._credentials = self._renewed
        super().__init__(botocore_session=core)
        core.register("before-sign", self._note_signature)
        core.register("needs-retry", self._renew_once)

    def client(self, *args: Any, **more: Any) -> AwsClient:
        """Return a client of a service, as boto3 does."""
        with self._making:
            return super().client(*args, **more)

    def resource(self, *args: Any, **more: Any) -> Any:
        """Return a resource of a service, as boto3 does."""
        with self._making:
            return super().resource(*args, **more)

    def view(self) -> View:
        """Return the hops: who assumes which role, with an external ID or not, and how long it lasts."""
        rows = tuple(
            (
                str(number),
                who,
                describe_arn(hop.role),
                "yes" if _has_external_id(hop) else "no",
                length.sentence,
            )
            for number, (who, hop, length) in enumerate(self._chain.described(), start=1)
        )
        table = Table(("hop", "who assumes", "role", "external ID", "how long"), rows)
        note = Text("All hops are assumed again before the session ends.", "note")
        return Page(f"Session of {describe_arn(self.hops[-1].role)}", (table, note))

    def _note_signature(self, request: Any, **_: Any) -> None:
        request.context[_SIGNED_WITH] = self._renewed.fetched

    def _renew_once(self, response: Any, request_dict: Any, **_: Any) -> float | None:
        """Return 0 to send a request again, once, where AWS says that the session is over."""
        parsed, context = response[1] if response else {}, request_dict["context"]
        if context.get(_RENEWED) or parsed.get("Error", {}).get("Code") not in _EXPIRED:
            return None
        context[_RENEWED] = True
        self._renewed.end(context.get(_SIGNED_WITH, 0))
        return 0.0


def session(
    grant: Grant,
    role: str = "",
    *,
    through: Sequence[Grant] = (),
    source_profile: str = "",
    session_name: str = "",
    region: str = "",
    mfa_serial: str = "",
    mfa_code: Callable[[], str] | None = None,
    endpoint: Endpoint = AWS_ITSELF,
) -> ChainSession:
    """Return a boto3 session of a role of the grant, without `role` of its last one, over all hops to it.

    `through` has the grants of the roles that are assumed before it, in their order; each hop passes the
    external ID, the session name, the source identity and the tags of its own grant. `mfa_code` is called for
    the code of `mfa_serial`; without it, a person is asked. The role is assumed once before this returns.
    Raises InvalidGrant, UnresolvedSecret, MissingProfile, NoCredentials, WrongAccount, AwsRefused.
    """
    hops = hops_of(grant, role, through)
    cores = []
    for _ in range(2):  # one signs in, the other has the role's credentials: region and endpoint are the same
        with sign_in_errors(source_profile, "source"):
            core = core_of(source_profile, endpoint, region=REGIONS[grant.partition])
        if region:
            core.set_config_variable("region", region)
        cores.append(core)
    code = mfa_code or (lambda: ask_for_code(f"MFA code for {mfa_serial}: "))
    source = Session(botocore_session=cores[0])
    chain = _Chain(hops, source, endpoint, source_profile, session_name, mfa_serial, code)
    made = ChainSession(cores[1], chain, endpoint.clock)
    made._renewed.begin()
    return made


class _Renewed(DeferredRefreshableCredentials):  # type: ignore[misc]
    """Credentials that come from all hops of a chain; `fetched` counts how often."""

    def __init__(self, chain: "_Chain", clock: AwsClock) -> None:
        super().__init__(self._fetch, "assume-role", clock.now)
        self.fetched = 0
        self._chain = chain

    def begin(self) -> None:
        """Fetch the first credentials; what goes wrong is raised, and not logged as botocore does."""
        self._set_from_data(self._fetch())
        self._frozen_credentials = ReadOnlyCredentials(self._access_key, self._secret_key, self._token)

    def end(self, fetched: int) -> None:
        """Fetch new credentials before the next request, unless it was done since."""
        if fetched == self.fetched:
            self._expiry_time = _LONG_AGO

    def _fetch(self) -> dict[str, str]:
        credentials, seconds = self._chain.assume()
        self.fetched += 1
        self._advisory_refresh_timeout, self._mandatory_refresh_timeout = (
            seconds // _TRY_AT,
            seconds // _WAIT_AT,
        )
        return {
            "access_key": credentials["AccessKeyId"],
            "secret_key": credentials["SecretAccessKey"],
            "token": credentials["SessionToken"],
            "expiry_time": credentials["Expiration"].isoformat(),
        }


class _Chain:
    """The hops, and what they are assumed with; called by one thread at a time."""

    def __init__(
        self,
        hops: tuple[RoleHop, ...],
        source: Session,
        endpoint: Endpoint,
        profile: str,
        session_name: str,
        mfa_serial: str,
        mfa_code: Callable[[], str],
    ) -> None:
        self.hops, self._source, self._endpoint, self._profile = hops, source, endpoint, profile
        self._session_name, self._mfa = session_name, (mfa_serial, mfa_code)
        self._partition, self._caller = Arn.parse(hops[0].role).partition, ""

    def described(self) -> list[tuple[str, RoleHop, Any]]:
        """Return who assumes each role, the hop, and the length of its session."""
        callers = [self._caller, *(hop.role for hop in self.hops)]
        return [
            (describe_arn(caller), hop, session_length(hop.grant, _is_role(caller)))
            for caller, hop in zip(callers, self.hops, strict=False)
        ]

    def assume(self) -> tuple[Mapping[str, Any], int]:
        """Assume every role, and return the credentials of the last one with its session's seconds."""
        sts = self._sign_in()
        name, credentials, seconds = Arn.parse(self._caller).name, {}, 0
        for number, (caller, hop, length) in enumerate(self.described(), start=1):
            parameters = hop.parameters(name, length.seconds, self._session_name)
            if number == 1 and self._mfa[0]:
                parameters |= {"SerialNumber": self._mfa[0], "TokenCode": self._mfa[1]()}
            doing = f"Hop {number} of {len(self.hops)}, {caller} to {describe_arn(hop.role)}"
            with translate_errors(doing, _DENIED_HINT):
                credentials = sts.assume_role(**parameters)["Credentials"]
            sts, seconds = self._client_with(credentials), length.seconds
        return credentials, seconds

    def _sign_in(self) -> AwsClient:
        """Return a client of the source profile, once STS has said that it is a source of the first grant."""
        with sign_in_errors(self._profile, "source"), clock_checked():
            sts = make_client(self._source, "sts", self._endpoint, self._partition)
            check_credentials(self._profile, self._source.get_credentials())
            with response_errors(self._profile):
                self._caller = str(sts.get_caller_identity()["Arn"])
        _check_source(self._caller, self._profile, self.hops[0].grant)
        return sts

    def _client_with(self, credentials: Mapping[str, Any]) -> AwsClient:
        keys = {
            "aws_access_key_id": credentials["AccessKeyId"],
            "aws_secret_access_key": credentials["SecretAccessKey"],
            "aws_session_token": credentials["SessionToken"],
        }
        return make_client(self._source, "sts", self._endpoint, self._partition, **keys)


def _check_source(caller: str, profile: str, grant: Grant) -> None:
    if any(includes(source, caller) is not False for source in grant.sources):
        return
    raise WrongAccount(
        f"The profile {profile or 'default'!r} is {caller}, which the grant {grant.name!r} does not name.",
        why=f"Its sources: {', '.join(grant.sources)}.",
        hint="Choose the profile of a source: source_profile=NAME.",
    )


def _is_role(caller: str) -> bool:
    return Arn.parse(caller).resource.startswith(("assumed-role/", "role/"))


def _has_external_id(hop: RoleHop) -> bool:
    return bool(hop.grant.conditions.external_id.get_secret_value())
