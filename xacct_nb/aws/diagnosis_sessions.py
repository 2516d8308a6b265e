"""Sessions for a diagnosis: any one side is enough, and a profile that cannot sign in is only reported."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cache, cached_property, partial
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.clients import Clients
from xacct_nb.aws.profile_clients import AWS_ITSELF, Endpoint, clients_of
from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.sign_in import response_errors, unexpected_errors
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE
from xacct_nb.errors import NoCredentials
from xacct_nb.iam.arns import Arn, is_arn, role_arn_of, same_principal
from xacct_nb.records.fields import Identity


class AccountSession:
    """The clients of one session, and its identity, which is requested once; `calls` holds that request."""

    def __init__(self, clients: Clients, profile: str = "") -> None:
        self.client, self.profile = cache(clients), profile
        self.calls: list[str] = []

    @cached_property
    def identity(self) -> dict[str, str]:
        """The response of GetCallerIdentity. Raises ClientError, BotoCoreError, NoCredentials."""
        self.calls.append("sts:get_caller_identity")
        with unexpected_errors(self.profile):
            sts = self.client("sts")
        with response_errors(self.profile):
            found = sts.get_caller_identity()
            return {name: str(found[name]) for name in ("Account", "Arn", "UserId")}

    @property
    def account(self) -> str:
        """The account that the session is in. Raises ClientError, BotoCoreError."""
        return self.identity["Account"]


Fits = Callable[[AccountSession], bool]


@dataclass(frozen=True)
class DiagnosisSessions:
    """The sessions that fit an attempt, each None where there is none; `problems` say why, by side.

    `tried` is the first of the caller's profiles, also where it could not sign in.
    """

    caller: AccountSession | None = None
    source: AccountSession | None = None
    destination: AccountSession | None = None
    problems: dict[str, str] = field(default_factory=dict)
    tried: str = ""
    endpoint: Endpoint = AWS_ITSELF

    def to_json(self) -> list[dict[str, Any]]:
        """Return who every session is; no credentials."""
        opened = ((CALLER, self.caller), (SOURCE, self.source), (DESTINATION, self.destination))
        return [
            Identity(session.profile, part, session.account, session.identity["Arn"]).to_json()
            for part, session in opened
            if session is not None
        ]


def open_for_diagnosis(
    attempt: Attempt,
    *,
    source_profiles: Iterable[str] = (),
    destination_profiles: Iterable[str] = (),
    caller_profiles: Iterable[str] = (),
    endpoint: Endpoint = AWS_ITSELF,
) -> DiagnosisSessions:
    """Open the profiles that fit the attempt: the caller's own, and one in each of the two accounts.

    A profile that cannot sign in becomes one of the `problems`, with the client's own error text.
    """
    partition = Arn.parse(attempt.role).partition if is_arn(attempt.role) else "aws"
    problems: dict[str, str] = {}
    clients = partial(clients_of, endpoint=endpoint, partition=partition)

    def first(part: str, profiles: Iterable[str], fits: Fits) -> AccountSession | None:
        sessions = (AccountSession(clients(each), each) for each in profiles)
        return _first(sessions, fits, part, problems)

    callers = list(caller_profiles)
    caller = first(CALLER, callers, lambda session: _is_caller(session.identity["Arn"], attempt))
    who = attempt.caller or (caller.identity["Arn"] if caller else "")
    source = first(SOURCE, source_profiles, lambda each: each.account == _account(who))
    destination = first(
        DESTINATION, destination_profiles, lambda each: _is_destination(each.account, attempt)
    )
    return DiagnosisSessions(caller, source, destination, problems, next(iter(callers), ""), endpoint)


def select_for_diagnosis(sessions: Sessions, attempt: Attempt) -> DiagnosisSessions:
    """Return those of the sessions that fit the attempt: any one side is enough."""

    def first(fits: Callable[[Identity], bool], *parts: str) -> AccountSession | None:
        ordered = (each for part in parts for each in sessions.identities if each.part == part)
        found = (each.profile for each in ordered if fits(each))
        return next((AccountSession(partial(sessions.client, each), each) for each in found), None)

    callers = [each for each in sessions.identities if each.part == CALLER]
    caller = first(lambda each: _is_caller(each.arn, attempt), CALLER)
    who = attempt.caller or next(
        (each.arn for each in callers if caller and caller.profile == each.profile), ""
    )
    source = first(lambda each: each.account == _account(who), SOURCE, DESTINATION)
    destination = first(lambda each: _is_destination(each.account, attempt), DESTINATION, SOURCE)
    problems = (
        {} if caller or not callers else {CALLER: _none_fits((each.profile, each.arn) for each in callers)}
    )
    return DiagnosisSessions(caller, source, destination, problems, endpoint=sessions.endpoint)


def _is_caller(arn: str, attempt: Attempt) -> bool:
    return not is_arn(attempt.caller) or same_principal(arn, role_arn_of(attempt.caller))


def _is_destination(account: str, attempt: Attempt) -> bool:
    """Return whether an account is the role's, or that of the resource: the ARN of a bucket has none."""
    if attempt.is_direct:
        return account == (_account(attempt.resource) or account)
    return account == _account(attempt.role)


def _account(arn: str) -> str | None:
    return Arn.parse(arn).account if is_arn(arn) else None


def _first(
    sessions: Iterable[AccountSession], fits: Fits, part: str, problems: dict[str, str]
) -> AccountSession | None:
    """Return the first session that fits; if none fits, a caller that is the only one."""
    others: list[AccountSession] = []
    for session in sessions:
        try:
            if fits(session):
                return session
            others.append(session)
        except (BotoCoreError, ClientError) as problem:
            kind = type(problem)
            problems[part] = f"{kind.__module__}.{kind.__name__}: {problem}"
        except NoCredentials as problem:
            problems[part] = f"{problem.what} {problem.why}"
    if others and part not in problems:
        problems[part] = _none_fits((each.profile, each.identity["Arn"]) for each in others)
    return others[0] if part == CALLER and len(others) == 1 else None


def _none_fits(known: Iterable[tuple[str, str]]) -> str:
    return f"No profile fits: {', '.join(f'{profile} is {arn}' for profile, arn in known)}."
