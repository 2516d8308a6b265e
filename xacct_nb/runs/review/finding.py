"""The subjects of a review: each grant with its reviewers, records and live state, alike ones together."""

from collections.abc import Iterable, Iterator, Mapping

from xacct_nb.errors import XacctError
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.grant import Grant
from xacct_nb.records.review.past import past_of
from xacct_nb.records.review.subject import LiveState, ReviewSubject, responsible
from xacct_nb.runs.review.declared import DeclaredAccess, RecentRecords
from xacct_nb.runs.review.live_reading import LiveReading, fleet_states

Reviewers = Mapping[str, tuple[str, ...]]


class SubjectFinder:
    """Finds the subjects of declarations, for these reviewers."""

    def __init__(self, reading: LiveReading, records: RecentRecords, reviewers: Reviewers) -> None:
        self.reading, self.records, self.reviewers = reading, records, reviewers
        self._keys = dict[str, int]()

    def subjects_of(self, declared: Iterable[DeclaredAccess]) -> Iterator[ReviewSubject]:
        """Yield the subjects of declarations. Raises InvalidGrant, InvalidOrganization."""
        every = tuple(declared)
        grants = [(each, each.of) for each in every if isinstance(each.of, Grant)]
        states = self.reading.states_of(grant for _, grant in grants)
        for (each, grant), state in zip(grants, states, strict=True):
            yield self._of_grant(each, grant, state)
        for each in every:
            if isinstance(each.of, Fleet):
                yield from self._of_fleet(each, each.of)

    def _of_grant(self, declared: DeclaredAccess, grant: Grant, state: LiveState) -> ReviewSubject:
        accounts = grant.destination_accounts
        return ReviewSubject(
            self._key(grant.name),
            declared.origin,
            "",
            grant,
            accounts,
            responsible(self.reviewers, (grant.name,), accounts),
            past=past_of(self.records, grant.name),
            live=state,
            findings=grant.accept,
        )

    def _of_fleet(self, declared: DeclaredAccess, fleet: Fleet) -> Iterator[ReviewSubject]:
        try:
            of, plan = self.reading.plan_fleet(declared)
        except XacctError as problem:
            unread = LiveState(unread=(f"{problem.what} {problem.why}".strip(),))
            expanded = declared.expanded or expand(fleet)
            for each in expanded.grants:
                states = dict.fromkeys(each.accounts, unread)
                yield from self._groups(declared, expanded, each.declared.name, states)
            return
        used_by = self.reading.fleet_use(of)
        for each in of.expanded.grants:
            used = used_by[each.declared.name]
            states = dict(fleet_states(plan, each.declared.name, each.accounts, used))
            yield from self._groups(declared, of.expanded, each.declared.name, states)

    def _groups(
        self, declared: DeclaredAccess, expanded: ExpandedFleet, name: str, states: Mapping[str, LiveState]
    ) -> Iterator[ReviewSubject]:
        """Yield a grant of a fleet once for all accounts that are alike."""
        fleet = expanded.fleet.name
        found = dict[tuple[object, ...], list[str]]()
        pasts = {account: past_of(self.records, name, fleet, account) for account in states}
        for account, state in states.items():
            who = responsible(self.reviewers, (name, fleet), (account,))
            key = _alike(state.differences, account), _alike(state.unread, account), pasts[account], who
            found.setdefault(key, []).append(account)
        grant = next(each.declared for each in expanded.grants if each.declared.name == name)
        for accounts in found.values():
            first = accounts[0]
            yield ReviewSubject(
                self._key(name if len(found) == 1 else _with_accounts(name, accounts)),
                declared.origin,
                fleet,
                grant.in_account(first),
                tuple(accounts),
                responsible(self.reviewers, (name, fleet), (first,)),
                is_whole=len(found) == 1,
                past=pasts[first],
                live=states[first],
                findings=grant.template.accept,
            )

    def _key(self, name: str) -> str:
        """Return a key that no other item has: the name, from the second on with a number."""
        self._keys[name] = self._keys.get(name, 0) + 1
        return name if self._keys[name] == 1 else f"{name}~{self._keys[name]}"


def _with_accounts(name: str, accounts: list[str]) -> str:
    """Return a grant's name with the first account, and how many more there are."""
    more = f"+{len(accounts) - 1}" if len(accounts) > 1 else ""
    return f"{name}@{accounts[0]}{more}"


def is_over(subject: ReviewSubject) -> bool:
    """Return whether nothing of a grant that has ended is left in its accounts."""
    return not (subject.live.differences or subject.live.unread)


def _alike(texts: tuple[str, ...], account: str) -> tuple[str, ...]:
    return tuple(text.replace(account, "{account}") for text in texts)
