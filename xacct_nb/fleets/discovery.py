"""What was discovered in accounts: who may assume what, and the declared grants that give the same."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from xacct_nb.fleets.discovery_accounts import live_accounts
from xacct_nb.fleets.discovery_candidates import STAYS, Gap, Surveyed, find_candidates
from xacct_nb.fleets.discovery_grants import DiscoveredGrant, declare
from xacct_nb.fleets.discovery_reach import (
    AccessMatrix,
    RoleChains,
    WideTrusts,
    chains_of,
    matrix_of,
    unusual_ways,
    wide_trusts,
)
from xacct_nb.grants.expiry import expiry_condition
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.pictures.access_graph import OPEN, AccessGraph, source_keys
from xacct_nb.grants.pictures.graph_svg import AccessPicture
from xacct_nb.grants.pictures.live_access import AccountDetails, graph_of_accounts
from xacct_nb.iam.condition_words import describe_condition
from xacct_nb.redaction.redact import secrets_in
from xacct_nb.validation import Serializable, as_plain
from xacct_nb.views import Page, Shown, Table, Text, View

_MOST_ROWS, _EXAMPLES = 200, 3


@dataclass(frozen=True)
class ReadAccount(Serializable):
    """An account, how many roles and users were read there, and what could not be read."""

    account: str
    roles: int = 0
    users: int = 0
    problem: str = ""


@dataclass(frozen=True, repr=False)
class DeclaredGrants(Shown, Serializable):
    """The grants that give what is there, and what is there that none of them says."""

    grants: tuple[DiscoveredGrant, ...]
    gaps: tuple[Gap, ...]

    def view(self) -> View:
        """Return one line for each grant, then what no grant says."""
        rows = tuple(_row(each) for each in self.grants[:_MOST_ROWS])
        tones = tuple("note" if each.changes else "good" for each in self.grants[:_MOST_ROWS])
        more = f"; {len(rows)} of {len(self.grants)}" if len(rows) < len(self.grants) else ""
        headers = ("grant", "sources", "roles", "external ID", "a plan changes")
        table = (
            Table(headers, rows, f"Declared grants{more}", tones)
            if rows
            else Text("No grant can be declared.")
        )
        return Page("Declared grants", (Text(self.summary), table, self._gaps_view()))

    @property
    def summary(self) -> str:
        """Return how many there are, whose, and how many of them plan a change."""
        made, changing = (
            sum(each.made for each in self.grants),
            sum(bool(each.changes) for each in self.grants),
        )
        plans = (
            f"a plan of {changing} of them changes something"
            if changing
            else "a plan of them changes nothing"
        )
        return f"Declared grants: {len(self.grants)}, of roles that this tool made: {made}; {plans}."

    def _gaps_view(self) -> View:
        if not self.gaps:
            return Text("The grants say all.", "good")
        alike: dict[tuple[str, str], list[str]] = {}
        for each in self.gaps:
            alike.setdefault((each.why, each.effect), []).append(each.role)
        ordered = sorted(alike.items(), key=lambda item: (item[0][1] == STAYS, -len(item[1])))[:_MOST_ROWS]
        rows = tuple((why, effect, str(len(roles)), _some(roles)) for (why, effect), roles in ordered)
        return Table(("what no grant says", "effect", "roles", "which"), rows, "Not declared")


@dataclass(frozen=True, repr=False)
class Discovery(Shown, Serializable):
    """What was read in accounts, and the grants that give the same. External IDs are in none of it.

    `secrets` are the external IDs that were read, so that a record is searched for them.
    """

    accounts: tuple[ReadAccount, ...]
    graph: AccessGraph
    declared: DeclaredGrants
    within: int = 0
    secrets: frozenset[str] = field(default=frozenset(), repr=False, compare=False)

    @property
    def grants(self) -> tuple[Grant, ...]:
        """Return the declared grants."""
        return tuple(grant for each in self.declared.grants for grant in each.grants)

    @cached_property
    def matrix(self) -> AccessMatrix:
        """Return from which account there are how many ways into which."""
        return matrix_of(self.graph)

    @cached_property
    def chains(self) -> RoleChains:
        """Return the roles that are reached through other roles."""
        return chains_of(self.graph)

    @cached_property
    def wide(self) -> WideTrusts:
        """Return the trusts of anyone, of whole accounts, and of accounts that were not read."""
        return wide_trusts(
            self.graph, (each.account for each in self.accounts if not each.problem or each.roles)
        )

    def picture(self, focus: str = "", depth: int = 0) -> AccessPicture:
        """Return the picture of who may assume what, around an ARN, a name or an account id if one is given.

        Raises InvalidInput.
        """
        found = AccessPicture(self.graph)
        return found.around(focus, depth) if focus else found

    def around(self, focus: str, depth: int = 0) -> "Discovery":
        """Return the same with the ways around a node or an account alone. Raises InvalidInput."""
        return replace(self, graph=self.graph.around(focus, depth))

    def to_json(self) -> dict[str, Any]:
        """Return plain data, external IDs as fingerprints."""
        names = ("accounts", "graph", "declared", "within")
        return {name: as_plain(getattr(self, name)) for name in names}

    def view(self) -> View:
        """Return what was read in which account, and what was found."""
        rows = tuple((each.account, str(each.roles), str(each.users), each.problem) for each in self.accounts)
        tones = tuple("bad" if each.problem else "" for each in self.accounts)
        table = Table(("account", "roles", "users", "not read"), rows, "Accounts", tones)
        states = Counter(each.state for each in self.graph.edges)
        ways = ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "none"
        found = Text(f"Ways into roles: {ways}. {self.within} roles are for their own account alone.")
        notes = tuple(Text(note, "note") for note in self.graph.notes if not note.startswith("Account "))
        return Page("What is there", (table, found, Text(self.declared.summary), *notes))


def discover_in(accounts: Iterable[AccountDetails]) -> Discovery:
    """Return who may assume what in accounts as IAM described them, and the grants that give the same."""
    given = tuple(accounts)
    readable = [each for each in given if each.account]
    live, graph = live_accounts(readable), graph_of_accounts(readable)
    ways = {(each.source, each.target) for each in graph.edges if each.state == OPEN}
    candidates = find_candidates(Surveyed(live, ways))
    grants, gaps = declare(candidates, live)
    both = (*candidates.gaps, *gaps, *_of_callers(grants, graph))
    secrets = secrets_in([role.trust for role in live.roles])
    return Discovery(
        tuple(map(_read, given)),
        graph,
        DeclaredGrants(tuple(grants), tuple(dict.fromkeys(both))),
        candidates.within,
        frozenset(secrets),
    )


def _of_callers(grants: Iterable[DiscoveredGrant], graph: AccessGraph) -> Iterator[Gap]:
    """Yield where a caller of a declared grant has no way in, or asks more on its own side."""
    unusual = unusual_ways(graph.edges)
    for each in (one for found in grants for one in found.grants) if unusual else ():
        ends = " and ".join(describe_condition(expiry_condition(each.expires)))
        for source in source_keys(each):
            for role in each.destinations:
                why = unusual.get((source, role), "")
                if why and why != f"its own policy: {ends}":  # the caller policy of the grant itself
                    yield Gap(role, f"{source}: {why}", STAYS)


def _read(account: AccountDetails) -> ReadAccount:
    roles, users = (len(account.details.get(name, ())) for name in ("RoleDetailList", "UserDetailList"))
    return ReadAccount(account.account, roles, users, account.problem)


def _row(each: DiscoveredGrant) -> tuple[str, ...]:
    sources = [source for grant in each.grants[:1] for source in grant.sources]
    return (
        each.name,
        _some(sources),
        _some(each.roles),
        each.fingerprint,
        "\n".join(each.changes) or "nothing",
    )


def _some(texts: Iterable[str]) -> str:
    found = list(texts)
    more = [f"and {len(found) - _EXAMPLES} more"] if len(found) > _EXAMPLES else []
    return "\n".join([*found[:_EXAMPLES], *more])
