"""An approval: of which plan, by whom, when; and whether it still counts for the plan that stands."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from xacct_nb.changes.json_diff import json_diff
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.errors import ApprovalExpired, ApprovalUsed, ApproverPlanned, StalePlan

_AGAIN = "Plan again, read the plan, and approve it again."


@dataclass(frozen=True)
class Approval:
    """Who approved which plan, and when (UTC).

    `plan` is the id of the record in which the plan was first made, `planned_by` and `planned_at` (UTC) are
    who and when; empty where no record of it is known.
    """

    digest: str
    by: str
    at: str
    note: str = ""
    ticket: str = ""
    plan: str = ""
    planned_by: str = ""
    planned_at: str = ""

    def to_json(self) -> dict[str, Any]:
        """Plain data; what was not said is left out."""
        return {key: value for key, value in asdict(self).items() if value or key in ("digest", "by", "at")}


@dataclass(frozen=True)
class PlannedRun:
    """The approved plan as it was made: in which record, by whom, when, with which rule."""

    record: str
    by: str
    at: str
    two_people: bool
    plan: Mapping[str, Any]


@dataclass(frozen=True)
class UsedApproval:
    """A run that changed AWS with an approval of that plan, and when it ended."""

    record: str
    by: str
    at: str


@dataclass(frozen=True)
class ApprovalRules:
    """How long an approval counts, in hours from the plan on (0: without an end), and for how many people."""

    hours: int = 24
    two_people: bool = False


def validate_approval(
    approval: Approval, history: Iterable[PlannedRun | UsedApproval], rules: ApprovalRules, now: str
) -> Approval:
    """The approval with its plan's origin, if it counts at this time (UTC).

    `history` is what is known of this very plan, the newest first. The plans that count are those made
    after its last use and within the limit; the first of them is its origin. A plan that asked for two
    people keeps its rule. Raises ApprovalUsed, ApprovalExpired, ApproverPlanned.
    """
    fresh = list[PlannedRun]()
    for event in history:
        problem = _problem(event, rules.hours, now)
        if problem and not fresh:
            raise problem
        if problem or not isinstance(event, PlannedRun):
            break
        fresh.append(event)
    origin = fresh[-1] if fresh else None
    if rules.two_people or any(each.two_people for each in fresh):
        _check_other(approval, origin)
    if origin is None:
        return approval
    return replace(approval, plan=origin.record, planned_by=origin.by, planned_at=origin.at)


def stale_plan(digest: str, plan: Plan, approved: Mapping[str, Any] | None) -> StalePlan:
    """The error of an approval of another plan, with the difference if that plan is known."""
    shown = plan_differences(approved, plan.to_json()) if approved else ()
    return StalePlan(
        f"The approval {digest[:12] or '(none)'} is not for the plan that stands now.",
        why="\n".join((f"The plan that stands now has the digest {plan.digest}.", *shown)),
        hint="Read the plan above, and approve its digest.",
    )


def plan_differences(approved: Mapping[str, Any], standing: Mapping[str, Any]) -> tuple[str, ...]:
    """What differs between two plans (as `Plan.to_json` gives them), change by change; empty for equals."""
    was, now = _changes(approved), _changes(standing)
    both = [key for key in was if key in now]
    found = [f"no longer planned: {_named(was[key])}" for key in was if key not in now]
    found += [f"planned now: {_named(now[key])}" for key in now if key not in was]
    found += [line for key in both for line in _within(was[key], now[key])]
    if approved["grant"] != standing["grant"]:
        found.insert(0, f"the plan was of the grant {approved['grant']}, and is of {standing['grant']}")
    if not found and list(was) != list(now):
        found = ["the same changes in another order"]
    return tuple(found)


def _problem(event: PlannedRun | UsedApproval, hours: int, now: str) -> StalePlan | None:
    if isinstance(event, UsedApproval):
        return ApprovalUsed(
            "This approval was used already: it changes AWS once.",
            why=f"The record {event.record} used it, and no plan was made since.",
            hint=_AGAIN,
        )
    if hours and _time(now) - _time(event.at) > timedelta(hours=hours):
        return ApprovalExpired(
            f"The plan was made more than {hours} hour{'s' * (hours != 1)} ago: its approval has expired.",
            why=f"The record {event.record} is of {event.at}; approval_hours is {hours}.",
            hint=_AGAIN,
        )
    return None


def _check_other(approval: Approval, origin: PlannedRun | None) -> None:
    if origin is None:
        raise ApproverPlanned(
            "Nobody is known to have planned this, and two people are to agree on it.",
            why="two_people is true, and the records folder has no plan of this digest.",
            hint="Have somebody else plan it into the same records folder, then approve that plan.",
        )
    if origin.by == approval.by:
        raise ApproverPlanned(
            f"{approval.by} planned this, and somebody else is to approve it.",
            why=f"two_people is true, and the record {origin.record} says who planned.",
            hint="Have somebody else run it with this digest.",
        )


def _time(stamp: str) -> datetime:
    return datetime.fromisoformat(stamp)


def _changes(plan: Mapping[str, Any]) -> dict[tuple[str, str, str], Mapping[str, Any]]:
    return {(each["kind"], each["target"], each["name"]): each for each in plan["changes"]}


def _named(change: Mapping[str, Any]) -> str:
    return f"{change['sign']} {Change.from_json(change).title}"


def _within(was: Mapping[str, Any], now: Mapping[str, Any]) -> Iterator[str]:
    """The places in one change where two plans differ."""
    sides = ("before", "after")
    found = json_diff({side: was[side] for side in sides}, {side: now[side] for side in sides})
    yield from (f"{_named(now)}: {place}" for place in found)
