"""Who reaches what over accounts: the matrix, the chains of roles, and the trusts that are wide."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xacct_nb.grants.pictures.access_graph import (
    ANYONE,
    DENIED,
    HALF,
    OPEN,
    PERMISSION_SET,
    ROLES,
    WHOLE,
    AccessEdge,
    AccessGraph,
    AccessNode,
)
from xacct_nb.validation import Serializable
from xacct_nb.views import Shown, Table, Text, View

_MOST_COLUMNS, _MOST_ROWS, _MOST_CHAINS, _LONGEST_CHAIN = 12, 200, 500, 6
_NO_WAY = {DENIED: "denied", HALF: "one side only", "unread": "not known"}
_ALL_ANYONE = "anyone"
_WIDE = {WHOLE: "a whole account", ROLES: "every role that matches", PERMISSION_SET: "a permission set"}


@dataclass(frozen=True, repr=False)
class AccessMatrix(Shown, Serializable):
    """From where into where there are ways: `ways` are (from, into, open ways, further ones)."""

    ways: tuple[tuple[str, str, int, int], ...]
    caption: str = "Ways into roles, by account"

    def view(self) -> View:
        """Return a matrix, or one line for each pair where there are many accounts."""
        if not self.ways:
            return Text("Nobody may assume a role here.")
        rows, columns = (dict.fromkeys(each[:2][number] for each in self.ways) for number in (0, 1))
        if len(columns) > _MOST_COLUMNS:
            most = sorted(self.ways, key=lambda each: -each[2])[:_MOST_ROWS]
            more = f"; {_MOST_ROWS} of {len(self.ways)} pairs" if len(self.ways) > _MOST_ROWS else ""
            lines = tuple((one, other, _count(ways, rest)) for one, other, ways, rest in most)
            return Table(("from", "into", "ways"), lines, caption=f"{self.caption}{more}")
        cells = {(one, other): _count(ways, rest) for one, other, ways, rest in self.ways}
        grid = tuple((row, *(cells.get((row, each), "") for each in columns)) for row in rows)
        return Table(("from \\ into", *columns), grid, caption=self.caption)


@dataclass(frozen=True, repr=False)
class RoleChains(Shown, Serializable):
    """Roles that are reached through other roles: (who may begin, the roles in their order)."""

    chains: tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]
    is_whole: bool = True

    def view(self) -> View:
        """Return one line for each chain, the longest first."""
        if not self.chains:
            return Text("No role is reached through another one.")
        ordered = sorted(self.chains, key=lambda each: (-len(each[1]), each))[:_MOST_ROWS]
        rows = tuple((str(len(path)), _some(who), "\n".join(path)) for who, path in ordered)
        all_shown = self.is_whole and len(ordered) == len(self.chains)
        more = "" if all_shown else f"; the first {len(ordered)}, there are more"
        return Table(("hops", "who", "roles in their order"), rows, caption=f"Chains of roles{more}")


@dataclass(frozen=True, repr=False)
class WideTrusts(Shown, Serializable):
    """Trusts that name no single principal of a known account: (role, whom, why it is wide, conditions)."""

    trusts: tuple[tuple[str, str, str, str], ...]

    def view(self) -> View:
        """Return one line for each."""
        if not self.trusts:
            return Text("Each trust names users and roles of accounts that were read.", "good")
        shown = self.trusts[:_MOST_ROWS]
        more = f"; {len(shown)} of {len(self.trusts)}" if len(shown) < len(self.trusts) else ""
        tones = tuple("bad" if each[2] == _ALL_ANYONE else "note" for each in shown)
        return Table(("role", "trusts", "that is", "conditions"), shown, f"Wide trusts{more}", tones)


def matrix_of(graph: AccessGraph) -> AccessMatrix:
    """Return the ways of a graph by the accounts of both ends."""
    nodes = {node.key: node for node in graph.nodes}
    counts: dict[tuple[str, str], list[int]] = defaultdict(lambda: [0, 0])
    for each in graph.edges:
        counts[_place(nodes[each.source]), nodes[each.target].account][each.state != OPEN] += 1
    ways = ((one, other, ways, rest) for (one, other), (ways, rest) in sorted(counts.items()))
    return AccessMatrix(tuple(ways))


def chains_of(graph: AccessGraph) -> RoleChains:
    """Return the chains over two roles and more, each hop open on both sides."""
    after, before = defaultdict[str, list[str]](list), defaultdict[str, list[str]](list)
    for each in graph.edges:
        if each.state == OPEN and each.source != each.target:
            after[each.source].append(each.target)
            before[each.target].append(each.source)
    found = list[tuple[tuple[str, ...], tuple[str, ...]]]()
    for first in (role for role in list(after) if role in before):
        for path in _paths((first,), after):
            if len(found) == _MOST_CHAINS:
                return RoleChains(tuple(found), is_whole=False)
            found.append((tuple(dict.fromkeys(before[first])), path))
    return RoleChains(tuple(found))


def wide_trusts(graph: AccessGraph, known: Iterable[str]) -> WideTrusts:
    """Return the ways of anyone, of whole accounts and of accounts that are not among the known ones."""
    nodes, accounts = {node.key: node for node in graph.nodes}, frozenset(known)
    found = [
        (each.target, nodes[each.source].described, why, "\n".join(each.lines))
        for each in graph.edges
        if (why := _why_wide(nodes[each.source], accounts)) and each.state not in (DENIED, HALF)
    ]
    return WideTrusts(tuple(sorted(found, key=lambda each: (each[2] != _ALL_ANYONE, each))))


def unusual_ways(edges: Iterable[AccessEdge]) -> Mapping[tuple[str, str], str]:
    """Return by principal and role why a trusted principal has no way in, or what its own side asks."""
    found: dict[tuple[str, str], str] = {}
    opened = Counter((each.source, each.target) for each in edges if each.state == OPEN)
    for each in edges:
        own = [line for line in each.lines if line.startswith(("its own policy:", "its boundary:", "not if"))]
        if each.state in _NO_WAY and not opened[each.source, each.target]:
            found[each.source, each.target] = f"{_NO_WAY[each.state]}: {', '.join(each.lines)}"
        elif own:
            found.setdefault((each.source, each.target), ", ".join(own))
    return found


def _paths(path: tuple[str, ...], after: Mapping[str, list[str]]) -> Iterator[tuple[str, ...]]:
    for each in dict.fromkeys(after.get(path[-1], ())) if len(path) < _LONGEST_CHAIN else ():
        if each not in path:
            yield (*path, each)
            yield from _paths((*path, each), after)


def _place(node: AccessNode) -> str:
    return node.account or ("anyone" if node.key == ANYONE else f"{node.kind}s".replace("ys", "ies"))


def _why_wide(node: AccessNode, known: frozenset[str]) -> str:
    if node.key == ANYONE:
        return _ALL_ANYONE
    if node.account and node.account not in known and node.kind != "provider":
        return "of an account that was not read" + (" as a whole" if node.kind == WHOLE else "")
    return {
        WHOLE: "a whole account",
        ROLES: "every role that matches",
        PERMISSION_SET: "a permission set",
    }.get(node.kind, "")


def _count(ways: int, rest: int) -> str:
    return " ".join(filter(None, (str(ways) if ways else "", f"({rest} not open)" if rest else "")))


def _some(who: tuple[str, ...]) -> str:
    return "\n".join(who[:3]) + (f"\nand {len(who) - 3} more" if len(who) > 3 else "")
