"""The live state of what is under review: each grant planned against its accounts; nothing is changed."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import cached_property

from xacct_nb.aws.parallel import each_at_once
from xacct_nb.aws.reader import read_resources
from xacct_nb.aws.sessions import Sessions, check_both_sides, open_sessions
from xacct_nb.aws.usage_reader import read_usage
from xacct_nb.changes.narrowing import narrow
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.changes.planner import diff
from xacct_nb.changes.usage import Usage
from xacct_nb.errors import XacctError
from xacct_nb.fleets.expansion import ExpandedGrant
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.fleet_narrowing import narrow_fleet
from xacct_nb.fleets.plan import FleetPlan
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant
from xacct_nb.records.review.subject import LiveState
from xacct_nb.records.review.use import use_lines
from xacct_nb.runs.fleet.fleet_run import FleetRun
from xacct_nb.runs.fleet.fleet_usage import read_fleet_usage
from xacct_nb.runs.fleet.fleet_work import plan_fleet
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.runs.review.declared import DeclaredAccess
from xacct_nb.storage.references import check_allowed

_THREADS = 8
_OTHERS = "The account is another owner's: what is there was not read."


class LiveReading:
    """Reads and plans grants and fleets by the profiles of a run."""

    def __init__(self, run: FormRun) -> None:
        self.run = run

    @cached_property
    def named(self) -> Sessions:
        """The sessions of all profiles. Raises MissingProfile, NoCredentials, InvalidInput."""
        settings = self.run.settings
        found = open_sessions(
            source_profiles=settings.source_profiles,
            destination_profiles=settings.destination_profiles,
            endpoint=self.run.place.open(),
        )
        self.run.place.note()
        self.run.evidence.add("sessions", found.to_json())
        return found

    def sessions_for(self, grant: Grant) -> Sessions:
        """Return the sessions of a grant's accounts. Raises WrongAccount, and what `named` raises."""
        found = replace(self.named, given=grant)
        check_both_sides(found)
        return found

    def profiles_of(self, grant: Grant) -> dict[str, list[str]]:
        """Return the names of the profiles in the accounts of each side of a grant."""
        sides = {"source": grant.source_accounts, "destination": grant.destination_accounts}
        return {
            part: [
                each.profile
                for each in self.named.identities
                if each.part == part and each.account in accounts
            ]
            for part, accounts in sides.items()
        }

    def looked_up(self, grant: Grant) -> Grant:
        """Return the grant with its external ID. Raises RefusedReference, UnresolvedSecret."""
        check_allowed(grant.conditions.external_id.get_secret_value(), self.run.settings.allow_references)
        return self.run.look_up_secret(grant)

    def plan(self, grant: Grant) -> Plan:
        """Return the plan of a grant. Raises what reading it raises."""
        sessions = self.sessions_for(self.looked_up(grant))
        return diff(sessions.documents, read_resources(sessions.documents, sessions))

    def plan_fleet(self, declared: DeclaredAccess) -> tuple[FleetRun, FleetPlan]:
        """Return a fleet as a run has it, and its plan. Raises what reading it raises."""
        assert isinstance(declared.of, Fleet)
        of = FleetRun(self.run)
        of.declared = declared.of.resolved(self.looked_up)
        if declared.expanded:
            of.expanded = replace(declared.expanded, fleet=of.declared)
        return of, plan_fleet(of.expanded, of.access, progress=of.progress)

    def fleet_use(self, of: FleetRun) -> dict[str, LiveState]:
        """Return what is used of each grant of a fleet, and what could go; no live state."""
        try:
            usage = read_fleet_usage(of.expanded, of.access, patience=of.access.patience)
        except XacctError as problem:
            unknown = LiveState(use=(f"Not known: {problem.what} {problem.why}".strip(),))
            return dict.fromkeys((each.declared.name for each in of.expanded.grants), unknown)
        found = narrow_fleet(of.expanded, usage).narrowings
        return {
            each.declared.name: LiveState(narrowing=narrowing, use=use_lines(_of(usage, each), narrowing))
            for each, narrowing in zip(of.expanded.grants, found, strict=True)
        }

    def states_of(self, grants: Iterable[Grant]) -> list[LiveState]:
        """Return the live state of each grant, read at the same time."""
        wanted = list(grants)
        with suppress(XacctError):  # each grant says so
            for each in self.named.identities:  # boto3 makes clients in one thread at a time
                self.named.client(each.profile, "iam")
        return each_at_once(self._state_of, wanted, threads=_THREADS)

    def _state_of(self, grant: Grant) -> LiveState:
        """Return how a grant differs from its declaration, and what of it is used, where that is known."""
        try:
            plan = self.plan(grant)
        except XacctError as problem:
            return LiveState(unread=(f"{problem.what} {problem.why}".strip(),))
        state = LiveState(_titles(plan.changes))
        try:
            usage = read_usage(grant, self.sessions_for(grant), patience=self.run.settings.patience_seconds)
        except XacctError as problem:
            return replace(state, use=(f"Not known: {problem.what} {problem.why}".strip(),))
        narrowing = narrow(grant, usage)
        return replace(state, narrowing=narrowing, use=use_lines(usage, narrowing))


def _of(usage: Usage, grant: ExpandedGrant) -> Usage:
    """Return the use of the roles and sources of one grant of a fleet."""
    whole, destinations = grant.source, frozenset(grant.source.destinations)
    return replace(
        usage,
        roles=tuple(each for each in usage.roles if each.principal in destinations),
        sources=tuple(each for each in usage.sources if each.principal in whole.sources),
    )


def fleet_states(
    plan: FleetPlan, grant: str, accounts: tuple[str, ...], used: LiveState
) -> Iterator[tuple[str, LiveState]]:
    """Yield each account of a fleet's grant with its live state and the use; the source side is in each."""
    slices = {each.account: each for each in plan.slices if each.key == (grant, DESTINATION, each.account)}
    source = tuple(
        f"source side: {title}"
        for each in plan.slices
        if (each.plan.grant, each.side) == (grant, SOURCE)
        for title in _titles(each.plan.changes)
    )
    for account in accounts:
        found = _titles(slices[account].plan.changes) if account in slices else ()
        unread = tuple(
            f"{each.reason} {each.hint}".strip()
            for each in plan.unplanned
            if each.grant == grant and (each.side == SOURCE or each.account == account)
        )
        unread = unread or (() if account in slices else (_OTHERS,))
        yield account, replace(used, differences=(*found, *source), unread=unread)


def _titles(changes: tuple[Change, ...]) -> tuple[str, ...]:
    """Return what differs; an external ID of which only the fingerprint is known is equal if that is."""
    return tuple(f"{each.sign} {each.title}" for each in changes if _is_real(each))


def _is_real(change: Change) -> bool:
    shown = change.masked_sides
    return differs(change.kind, shown["before"], shown["after"])
