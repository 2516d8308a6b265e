"""An approval: of which plan, by whom, when; and the rules that decide whether it is still valid."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from xacct_nb.changes.json_diff import json_diff
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.errors import ApprovalExpired, ApprovalUsed, ApproverPlanned, ApproverUnknown, StalePlan
from xacct_nb.iam.canonical import canonical_json

MAPPED = " (mapped)"
"""Ends the name of a user that runs in a user namespace: it is mapped from another user outside of it."""
_NOBODY = ("nobody", "nfsnobody")
_CLOCKS_DIFFER = timedelta(minutes=15)
_AGAIN = "Plan again, read the plan, and approve it again."


@dataclass(frozen=True)
class Approval:
    """Who approved which plan, and when (UTC).

    `reference` is where the plan's external ID comes from, "" where it was given itself.
    `plan` is the id of the record in which the plan was first made. `planned_by` is who made it, `planned_at`
    (UTC) is when. They are empty where no such record was found. `signer` is whose SSH key signed the
    approval, `key` its fingerprint, and `signed_at` when (UTC); empty where no signature was required.
    `shortened` says which end the approval shortened, from which moment to which.
    """

    digest: str
    by: str
    at: str
    note: str = ""
    ticket: str = ""
    plan: str = ""
    planned_by: str = ""
    planned_at: str = ""
    reference: str = ""
    signer: str = ""
    key: str = ""
    signed_at: str = ""
    shortened: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return plain data; empty fields are left out."""
        return {key: value for key, value in asdict(self).items() if value or key in ("digest", "by", "at")}


@dataclass(frozen=True)
class PlannedRun:
    """A run that made the approved plan: its record, who ran it, when, and the rules that it ran under.

    `approvers` are the public keys of which one must sign; `seal` is that of the record, "" before it is
    sealed.
    """

    record: str
    by: str
    at: str
    two_people: bool
    plan: Plan
    approvers: tuple[str, ...] = ()
    seal: str = ""


@dataclass(frozen=True)
class UsedApproval:
    """A run that changed AWS with an approval of the plan, and when it ended."""

    record: str
    at: str


def validate_approval(
    approval: Approval,
    history: Iterable[PlannedRun | UsedApproval],
    now: str,
    *,
    hours: int = 24,
    two_people: bool = False,
) -> Approval:
    """Return the approval with its plan's origin, if it is valid at this time (UTC).

    `history` has the runs that made or used this plan, newest first. Valid plans were made after the last
    use and at most `hours` ago (0: no limit); the oldest of them is the origin. Two people must agree where
    `two_people` or one of these plans requires it. Raises ApprovalUsed, ApprovalExpired, ApproverPlanned,
    ApproverUnknown.
    """
    plans = valid_plans(history, now, hours)
    if two_people or any(each.two_people for each in plans):
        _check_other(approval, plans[-1] if plans else None)
    return with_origin(approval, plans)


def valid_plans(
    history: Iterable[PlannedRun | UsedApproval], now: str, hours: int = 24
) -> tuple[PlannedRun, ...]:
    """Return the plans that were made after the last use and in time, the newest first.

    Raises ApprovalUsed, ApprovalExpired where there are none, but a use or a plan.
    """
    found = list[PlannedRun]()
    for event in history:
        problem = _problem(event, hours, now)
        if problem and not found:
            raise problem
        if problem or not isinstance(event, PlannedRun):
            break
        found.append(event)
    return tuple(found)


def with_origin(approval: Approval, plans: Sequence[PlannedRun]) -> Approval:
    """Return the approval with the origin of its plan: the oldest of these, the newest first."""
    if not plans:
        return approval
    origin = plans[-1]
    return replace(approval, plan=origin.record, planned_by=origin.by, planned_at=origin.at)


def approval_used(record: str) -> ApprovalUsed:
    """Return the error of an approval that this record used."""
    return ApprovalUsed(
        "This approval was used already: it is valid for one change.",
        why=f"The record {record} used it, and no plan was made since.",
        hint=_AGAIN,
    )


def is_mapped(user: str) -> bool:
    """Return whether a user is mapped from another one or has no name, so that it may be any person."""
    return user.endswith(MAPPED) or user in _NOBODY or not user or user.isdigit()


def unapproved_plan(digest: str, plan: Plan, approved: Plan | None = None) -> StalePlan:
    """Return the error of an approval of another plan, with the differences if that plan was found."""
    found = plan_differences(approved, plan) if approved else ()
    return StalePlan(
        f"The approval {digest[:12] or '(none)'} is not for the current plan.",
        why="\n".join((f"The current plan has the digest {plan.digest}.", *found)),
        hint="Read the plan above, and approve its digest.",
    )


def planned_elsewhere(record: str, where: str) -> StalePlan:
    """Return the error of an approval whose plan was made at another place only, named by its record."""
    return StalePlan(
        "The approved plan was not made where this run acts.",
        why=f"This run acts on {where}. The record {record} has the plan, made for another place.",
        hint=_AGAIN,
    )


def outdated_plan(plan: Plan, now: Plan) -> StalePlan:
    """Return the error of a plan whose resources changed since it was made, with the differences."""
    return StalePlan(
        "The resources have changed since this plan was made.",
        why="\n".join(("The current plan differs, and nothing was changed.", *plan_differences(plan, now))),
        hint="Run the cells again from the one that opens the sessions, then approve the new plan.",
    )


def plan_differences(approved: Plan, current: Plan) -> tuple[str, ...]:
    """Return what differs between two plans, change by change, and in what else an approval covers."""
    was, now = (
        {(each.kind, each.target, each.name): each for each in plan.changes} for plan in (approved, current)
    )
    both = [key for key in was if key in now]
    found = [f"no longer planned: {_name(was[key])}" for key in was if key not in now]
    found += [f"planned now: {_name(now[key])}" for key in now if key not in was]
    found += [
        f"{_name(now[key])}: {difference}"
        for key in both
        for difference in json_diff(was[key].masked_sides, now[key].masked_sides)
    ]
    found += [*_accept_differences(approved, current), *_access_differences(approved, current)]
    if approved.grant != current.grant:
        found.insert(0, f"the approved plan is of the grant {approved.grant}, this one of {current.grant}")
    if not found and list(was) != list(now):
        found = ["the same changes in another order"]
    return tuple(found)


def _accept_differences(approved: Plan, current: Plan) -> Iterator[str]:
    was, now = approved.accepted, current.accepted
    yield from (f"no longer accepted: {code}" for code in was if code not in now)
    yield from (f"accepted now, not when the plan was made: {code}" for code in now if code not in was)


def _access_differences(approved: Plan, current: Plan) -> Iterator[str]:
    """Yield what the roles can do in one of two plans only, and what is lost in one of them only."""
    was, now = ({each.key: each for each in plan.access} for plan in (approved, current))
    yield from (f"no longer there: {was[key].title}" for key in was if key not in now)
    for key, each in now.items():
        if key not in was:
            yield f"there now: {each.title}. {each.sentence(False)}"
        elif was[key] != each:
            both = (was[key].to_json()["value"], each.to_json()["value"])
            yield from (f"{each.title}: {difference}" for difference in json_diff(*both))
    lost, lose = (
        {canonical_json(each.to_json()): each for each in plan.lost} for plan in (approved, current)
    )
    yield from (f"no longer lost: {each.sentence}" for key, each in lost.items() if key not in lose)
    yield from (f"lost now: {each.sentence}" for key, each in lose.items() if key not in lost)


def _problem(event: PlannedRun | UsedApproval, hours: int, now: str) -> StalePlan | None:
    if isinstance(event, UsedApproval):
        return approval_used(event.record)
    age = datetime.fromisoformat(now) - datetime.fromisoformat(event.at)
    if hours and age < -_CLOCKS_DIFFER:
        return ApprovalExpired(
            "The plan is dated in the future, so it is not known when its approval expires.",
            why=f"The plan in the record {event.record} is of {event.at}, and it is {now} here.",
            hint=f"Correct the clock of the machine that is wrong. {_AGAIN}",
        )
    if hours and age > timedelta(hours=hours):
        return ApprovalExpired(
            f"The plan was made more than {hours} hour{'s' * (hours != 1)} ago: its approval has expired.",
            why=f"The plan in the record {event.record} was made at {event.at}; approval_hours is {hours}.",
            hint=_AGAIN,
        )
    return None


def _check_other(approval: Approval, origin: PlannedRun | None) -> None:
    if origin is None:
        raise ApproverPlanned(
            "Two people must agree on this plan, and it is not known who made it.",
            why="two_people is true, and the records folder has no plan of this digest.",
            hint="Have someone else plan it into the same records folder, then approve that plan.",
        )
    for user, did in ((origin.by, "made this plan"), (approval.by, "approves it")):
        if is_mapped(user):
            raise _unknown(user, did)
    if origin.by == approval.by:
        raise ApproverPlanned(
            f"{approval.by} made this plan, and someone else must approve it.",
            why=f"two_people is true, and the record {origin.record} names the planner.",
            hint="Have someone else run it with this digest.",
        )


def _unknown(user: str, did: str) -> ApproverUnknown:
    return ApproverUnknown(
        f"Two people must agree on this plan, and it is not known which person {did}: the user is {user!r}.",
        why="A user of a user namespace (unshare, a rootless container), nobody, and a number without a name "
        "may be anyone on this machine.",
        hint="Run it as the person's own user, outside of a container. Or set approvers, and have a second "
        "person sign: xacct-nb approve DIGEST --key KEY",
    )


def _name(change: Change) -> str:
    return f"{change.sign} {change.title}"
