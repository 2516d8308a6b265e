"""What AWS reports of the use of a grant's roles and sources, and what is not known of it.

AWS counts each attempt that it authenticated, also one that it denied, and reports it some hours later.
https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_last-accessed.html
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

TRACKED_DAYS = 400
"""How far back AWS reports use, in days."""
REPORTING_HOURS = 4
"""After how many hours AWS usually reports an attempt."""


@dataclass(frozen=True)
class TrackedAction(Serializable):
    """An action that AWS tracks: its name without the service, and its `last` attempt, "" for none."""

    name: str
    last: str = ""


@dataclass(frozen=True)
class ServiceUsage(Serializable):
    """A service that the policies of a principal allow, and the `last` attempt, "" for none.

    `actions` are those that AWS tracks. Of an action that is not among them, nothing is known.
    """

    service: str
    last: str = ""
    actions: tuple[TrackedAction, ...] = ()

    @property
    def used(self) -> str:
        """Return the last attempt at the service or at one of its actions, "" for none."""
        return max((self.last, *(each.last for each in self.actions)))

    def action(self, name: str) -> TrackedAction | None:
        """Return a tracked action by its name in any case, None where AWS does not track it."""
        return next((each for each in self.actions if each.name.lower() == name.lower()), None)


@dataclass(frozen=True)
class PrincipalUsage(Serializable):
    """The use of a role or user, read `at` a moment; AWS tracks it `since` another one.

    Moments are ISO 8601 in UTC. `services` is None where AWS did not give it; `unknown` says what is missing
    and why. `last_used` is when anybody used a role last, "" for never or not known.
    """

    principal: str
    at: str = ""
    since: str = ""
    services: tuple[ServiceUsage, ...] | None = None
    last_used: str = ""
    unknown: tuple[str, ...] = ()

    @property
    def days(self) -> int:
        """Return for how many whole days AWS has tracked this principal, 0 where that is not known."""
        if not (self.at and self.since):
            return 0
        return max(0, (datetime.fromisoformat(self.at) - datetime.fromisoformat(self.since)).days)

    def service(self, name: str) -> ServiceUsage | None:
        """Return a service by its prefix in any case, None where the report does not name it."""
        return next((each for each in self.services or () if each.service.lower() == name.lower()), None)


@dataclass(frozen=True)
class PolicyActions(Serializable):
    """The actions that a managed policy allows, None where they cannot be told.

    `denies`: it denies some too.
    """

    policy: str
    actions: tuple[str, ...] | None = None
    denies: bool = False
    unknown: str = ""


@dataclass(frozen=True)
class GeneratedActions(Serializable):
    """The actions that IAM Access Analyzer saw in a trail for a role; data events are never among them."""

    role: str
    actions: tuple[str, ...] = ()
    since: str = ""
    until: str = ""
    is_complete: bool = False
    unknown: str = ""


@dataclass(frozen=True, repr=False)
class Usage(Shown, Serializable):
    """The use of a grant's roles and sources, the managed policies of the roles, and what a trail showed."""

    roles: tuple[PrincipalUsage, ...]
    sources: tuple[PrincipalUsage, ...] = ()
    policies: tuple[PolicyActions, ...] = ()
    generated: tuple[GeneratedActions, ...] = ()

    @property
    def unknown(self) -> tuple[str, ...]:
        """Return what is not known, each sentence once."""
        found = [text for each in (*self.roles, *self.sources) for text in each.unknown]
        found += [each.unknown for each in self.policies] + [each.unknown for each in self.generated]
        return tuple(dict.fromkeys(filter(None, found)))

    def view(self) -> View:
        """Return the services of each role with their last attempts, and what is not known."""
        rows = [row for each in self.roles for row in _rows(each)]
        used = Table(("role", "service", "last attempt", "actions that AWS tracks"), tuple(rows))
        parts: list[View] = [Text(_ABOUT), used]
        if seen := tuple(_seen(each) for each in self.generated if not each.unknown):
            parts.append(Table(("role", "seen in the trail", "period"), seen))
        if self.unknown:
            parts.append(Table(("not known",), tuple((each,) for each in self.unknown)))
        return Page("What is used", tuple(parts))


_ABOUT = (
    f"AWS counts every attempt, also a denied one, for {TRACKED_DAYS} days, and reports it after about "
    f"{REPORTING_HOURS} hours. It says that somebody used a role, not who."
)
_MOST_NAMED = 6


def tracked_since(created: datetime, at: datetime) -> datetime:
    """Return since when AWS tracks a principal: since it was made, at most 400 days."""
    return max(created, at - timedelta(days=TRACKED_DAYS))


def as_moment(moment: datetime | None) -> str:
    """Return a moment as text in UTC, to the second; "" for None."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if moment else ""


def day_of(moment: str) -> str:
    """Return the date of a moment."""
    return moment[:10]


def _rows(role: PrincipalUsage) -> Iterator[tuple[str, ...]]:
    if role.services is None:
        yield role.principal, "not known", "", ""
        return
    if not role.services:
        yield role.principal, "its policies allow none", "", ""
    for each in sorted(role.services, key=lambda one: (not one.used, one.service)):
        last = day_of(each.used) or f"never since {day_of(role.since)}"
        yield role.principal, each.service, last, _tracked(each)


def _tracked(service: ServiceUsage) -> str:
    used = [f"{each.name} {day_of(each.last)}" for each in service.actions if each.last]
    never = len(service.actions) - len(used)
    more = [f"{len(used) - _MOST_NAMED} more used"] if len(used) > _MOST_NAMED else []
    return "\n".join([*used[:_MOST_NAMED], *more, *([f"{never} never used"] if never else [])])


def _seen(generated: GeneratedActions) -> tuple[str, ...]:
    period = f"{day_of(generated.since)} to {day_of(generated.until)}"
    return generated.role, "\n".join(generated.actions) or "nothing", period
