"""When grants end: those that end soon or have ended, of grants and of fleets, soonest first."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from xacct_nb.fleets.expansion import ExpandedFleet
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.expiry import has_ended, moment_of
from xacct_nb.grants.grant import Grant
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View

NEAR_DAYS = 30
"""How many days before it an end is near, where nobody says otherwise."""


@dataclass(frozen=True)
class GrantEnd(Serializable):
    """The end of a grant, seen from a moment: `ends` is in UTC, `days_left` are whole days, 0 once past.

    `fleet` is the name of the fleet that the grant is of, "" for a grant alone.
    """

    grant: str
    fleet: str
    ends: str
    days_left: int
    is_past: bool

    @property
    def sentence(self) -> str:
        """Return when the grant ends or ended, as people read it."""
        at = f"{self.ends[:16].replace('T', ' ')} UTC"
        if self.is_past:
            return f"The grant {self.grant!r} ended at {at}: plan it to remove what is left of it."
        return f"The grant {self.grant!r} ends {self.when}, at {at}."

    @property
    def when(self) -> str:
        """Return how far away the end is."""
        if self.is_past:
            return "has ended"
        if not self.days_left:
            return "in less than a day"
        return f"in {self.days_left} day{'s' * (self.days_left != 1)}"


@dataclass(frozen=True, repr=False)
class Endings(Shown, Serializable):
    """The grants that have ended or end within `days` days after the moment `now` (UTC), soonest first.

    `later` is the number of grants that end after that, `endless` of those that have no end.
    """

    now: str
    days: int
    found: tuple[GrantEnd, ...]
    later: int = 0
    endless: int = 0

    @property
    def past(self) -> tuple[GrantEnd, ...]:
        """Return those that have ended."""
        return tuple(each for each in self.found if each.is_past)

    @property
    def near(self) -> tuple[GrantEnd, ...]:
        """Return those that end within the days."""
        return tuple(each for each in self.found if not each.is_past)

    @property
    def sentences(self) -> tuple[str, ...]:
        """Return one sentence for each of them."""
        return tuple(each.sentence for each in self.found)

    def view(self) -> View:
        """Return one row for each of them, and how many grants end later or have no end."""
        rows = tuple((each.grant, each.fleet, each.ends, each.when) for each in self.found)
        tones = tuple("bad" if each.is_past else "change" for each in self.found)
        table = [Table(("grant", "fleet", "ends (UTC)", ""), rows, tones=tones)] if rows else []
        none = "" if rows else f"No grant ends within {self.days} days after {self.now}. "
        rest = Text(f"{none}{self.later} end later, {self.endless} have no end.", "note")
        return Page(f"Ends within {self.days} days", (*table, rest))


def endings(
    of: Grant | Fleet | ExpandedFleet | Iterable[Grant | Fleet | ExpandedFleet],
    now: str,
    days: int = NEAR_DAYS,
) -> Endings:
    """Return which grants have ended at the moment `now`, or end within `days` days after it.

    `of` is a grant, a fleet, or any number of both; `now` is in UTC, 2026-11-29T18:00:00Z. This signature is
    kept: the review of access uses it.
    """
    found, later, endless = list[GrantEnd](), 0, 0
    for fleet, grant in _grants(of):
        if not grant.expires:
            endless += 1
        elif (end := _seen_from(grant, fleet, now)).is_past or _is_near(end, now, days):
            found.append(end)
        else:
            later += 1
    ordered = sorted(found, key=lambda each: (each.ends, each.fleet, each.grant))
    return Endings(now, days, tuple(ordered), later, endless)


def _grants(of: object) -> Iterator[tuple[str, Grant]]:
    """Yield each grant with the name of its fleet, "" where it is of none."""
    if isinstance(of, ExpandedFleet):
        of = of.fleet
    if isinstance(of, Grant):
        yield "", of
    elif isinstance(of, Fleet):
        yield from ((of.name, each.template) for each in of.grants)
    elif isinstance(of, Iterable):
        for each in of:
            yield from _grants(each)


def _seen_from(grant: Grant, fleet: str, now: str) -> GrantEnd:
    is_past = has_ended(grant.expires, now)
    left = 0 if is_past else (_at(moment_of(grant.expires)) - _at(now)).days
    return GrantEnd(grant.name, fleet, moment_of(grant.expires), left, is_past)


def _is_near(end: GrantEnd, now: str, days: int) -> bool:
    return (_at(end.ends) - _at(now)).total_seconds() <= days * 86400


def _at(moment: str) -> datetime:
    return datetime.fromisoformat(moment).astimezone(UTC)
