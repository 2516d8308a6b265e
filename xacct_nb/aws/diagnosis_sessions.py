"""Opens whatever sessions there are, for a snapshot: what cannot be opened is said, and stops nothing."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from xacct_nb.aws.sessions import Endpoint, Identity, Sessions, client_of
from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.snapshot import CALLER, DESTINATION, SOURCE, is_arn
from xacct_nb.iam.arns import Arn, role_arn_of, same_principal

Clients = Callable[[str], Any]
"""Gives the boto3 client of a service."""


AWS_ITSELF = Endpoint()


class Side:
    """The clients of one session, and who it is, asked once. `calls` are those made to find that out."""

    def __init__(self, clients: Clients, profile: str = "", arn: str = "") -> None:
        self._clients, self.profile, self._arn = clients, profile, arn
        self._made: dict[str, Any] = {}
        self.calls: list[str] = []

    def client(self, service: str) -> Any:
        """The session's client for a service, made once."""
        if service not in self._made:
            self._made[service] = self._clients(service)
        return self._made[service]

    @cached_property
    def identity(self) -> Any:
        """What GetCallerIdentity says. Raises ClientError, BotoCoreError."""
        self.calls.append("sts:get_caller_identity")
        return self.client("sts").get_caller_identity()

    @property
    def account(self) -> str:
        """The account that the session is in. Raises ClientError, BotoCoreError."""
        return str(self.identity["Account"])


@dataclass(frozen=True)
class Sides:
    """The sessions that look and ask, each None where there is none; `troubles` say why, by side.

    `tried` is the caller's profile that was tried, also where it did not open.
    """

    caller: Side | None = None
    source: Side | None = None
    destination: Side | None = None
    troubles: dict[str, str] = field(default_factory=dict)
    tried: str = ""

    def to_json(self) -> list[dict[str, Any]]:
        """Who every session is; no credentials."""
        opened = ((CALLER, self.caller), (SOURCE, self.source), (DESTINATION, self.destination))
        return [
            vars(Identity(side.profile, part, side.account, str(side.identity["Arn"])))
            for part, side in opened
            if side is not None
        ]


def open_sides(
    attempt: Attempt,
    *,
    source_profiles: Iterable[str] = (),
    destination_profiles: Iterable[str] = (),
    caller_profiles: Iterable[str] = (),
    endpoint: Endpoint = AWS_ITSELF,
) -> Sides:
    """Opens the profiles that fit the attempt: the caller's own, and one in each of the two accounts.

    A profile that cannot sign in is a trouble, in the client's own words.
    """
    partition = Arn.parse(attempt.role).partition if is_arn(attempt.role) else "aws"

    def opened(profiles: Iterable[str]) -> list[Side]:
        return [Side(_clients(profile, endpoint, partition), profile) for profile in profiles]

    troubles: dict[str, str] = {}
    callers = list(caller_profiles)
    caller = _first(opened(callers), _is_caller(attempt.caller), CALLER, troubles)
    who = attempt.caller or (str(caller.identity["Arn"]) if caller else "")
    source = _first(opened(source_profiles), _is_in(who), SOURCE, troubles)
    destination = _first(opened(destination_profiles), _is_in(attempt.role), DESTINATION, troubles)
    return Sides(caller, source, destination, troubles, next(iter(callers), ""))


def sides_of(sessions: Sessions, attempt: Attempt) -> Sides:
    """The sessions of a grant that fit the attempt."""

    def opened(part: str, fits: Callable[[Identity], bool]) -> Side | None:
        found = (each for each in sessions.identities if each.part == part and fits(each))
        identity = next(found, None)
        return (
            Side(lambda service: sessions.client(identity.profile, service), identity.profile)
            if identity
            else None
        )

    wanted = role_arn_of(attempt.caller) if is_arn(attempt.caller) else ""
    caller = opened(CALLER, lambda each: not wanted or same_principal(each.arn, wanted))
    near = Arn.parse(attempt.caller).account if is_arn(attempt.caller) else ""
    far = Arn.parse(attempt.role).account if is_arn(attempt.role) else ""
    return Sides(
        caller,
        opened(SOURCE, lambda each: each.account == near),
        opened(DESTINATION, lambda each: each.account == far),
    )


def _clients(profile: str, endpoint: Endpoint, partition: str) -> Clients:
    return lambda service: client_of(profile, service, endpoint, partition)


def _is_caller(arn: str) -> Callable[[Side], bool]:
    wanted = role_arn_of(arn) if is_arn(arn) else ""
    return lambda side: not wanted or same_principal(str(side.identity["Arn"]), wanted)


def _is_in(arn: str) -> Callable[[Side], bool]:
    return lambda side: is_arn(arn) and side.account == Arn.parse(arn).account


def _first(
    sides: list[Side], fits: Callable[[Side], bool], part: str, troubles: dict[str, str]
) -> Side | None:
    """The first session that fits; the caller's only one, whoever it turns out to be."""
    others: list[Side] = []
    for side in sides:
        try:
            if fits(side):
                return side
            others.append(side)
        except (BotoCoreError, ClientError) as problem:
            kind = type(problem)
            troubles[part] = f"{kind.__module__}.{kind.__name__}: {problem}"
    if others and part not in troubles:
        known = (f"{each.profile} is {each.identity['Arn']}" for each in others)
        troubles[part] = f"No profile fits: {', '.join(known)}."
    return others[0] if part == CALLER and len(others) == 1 else None
