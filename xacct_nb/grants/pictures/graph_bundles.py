"""Edges that say the same, drawn as one: each source of a bundle may assume each of its targets."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from xacct_nb.grants.pictures.access_graph import (
    DENIED,
    HALF,
    OPEN,
    UNREAD,
    AccessEdge,
    AccessGraph,
    AccessNode,
)
from xacct_nb.grants.sentences import join_words

Pair = tuple[str, str]
_STATES = {
    OPEN: "may assume",
    HALF: "may not assume",
    DENIED: "may not assume",
    UNREAD: "may perhaps assume",
}
STATE_NOTES: Mapping[str, tuple[str, ...]] = {
    OPEN: (),
    HALF: ("no access:",),
    DENIED: ("no access:",),
    UNREAD: ("not known:",),
}
MARKS = {"+": "added", "~": "changed", "-": "taken away"}
NODE_MARKS = {"+": "new", "-": "removed", "~": "changed"}


@dataclass(frozen=True)
class Bundle:
    """Every source may assume every target, under the same lines; `back` where the layout reverses it."""

    sources: tuple[str, ...]
    targets: tuple[str, ...]
    lines: tuple[str, ...]
    state: str = OPEN
    mark: str = ""
    back: bool = False


def bundles_of(edges: Iterable[AccessEdge], back: frozenset[Pair] = frozenset()) -> tuple[Bundle, ...]:
    """Return the edges as few bundles, in the order of their first edges; those of `back` are reversed."""
    alike: dict[tuple[object, ...], list[Pair]] = {}
    for each in edges:
        pair = (each.source, each.target)
        alike.setdefault((each.lines, each.state, each.mark, pair in back), []).append(pair)
    return tuple(
        Bundle(sources, targets, *key)  # type: ignore[arg-type]
        for key, pairs in alike.items()
        for sources, targets in _fewest(pairs)
    )


def _fewest(pairs: list[Pair]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    by_target = [(sources, targets) for targets, sources in _grouped((t, s) for s, t in pairs)]
    by_source = _grouped(pairs)
    return by_target if len(by_target) <= len(by_source) else by_source


def _grouped(pairs: Iterable[Pair]) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return groups of first parts that share all their second parts, with these."""
    seconds: dict[str, list[str]] = {}
    for first, second in pairs:
        seconds.setdefault(first, []).append(second)
    groups: dict[tuple[str, ...], list[str]] = {}
    for first, found in seconds.items():
        groups.setdefault(tuple(dict.fromkeys(found)), []).append(first)
    return [(tuple(firsts), shared) for shared, firsts in groups.items()]


def in_words(graph: AccessGraph) -> str:
    """Return the graph as text: a line that sums it up, one for each bundle of edges, and the notes."""
    nodes = {node.key: node for node in graph.nodes}
    lines = [_sentence(each, nodes) for each in bundles_of(graph.edges)]
    alone = set(nodes) - {end for each in graph.edges for end in (each.source, each.target)}
    apart = [f"{nodes[key].described}: nothing leads there." for key in nodes if key in alone]
    about = [f"{node.described}: {'; '.join(node.lines)}." for node in graph.nodes if node.lines]
    return "\n".join([_summary(graph), *lines, *apart, *about, *graph.notes])


def _summary(graph: AccessGraph) -> str:
    if not graph.edges:
        return "Nobody may assume anything here."
    sources = len({each.source for each in graph.edges})
    targets = len({each.target for each in graph.edges})
    accounts = len({node.account for node in graph.nodes if node.account})
    ways = sum(each.state in (OPEN, UNREAD) for each in graph.edges)
    counts = {mark: sum(each.mark == mark for each in graph.edges) for mark in MARKS}
    more = [f"{count} {MARKS[mark]}" for mark, count in counts.items() if count]
    more += [f"{len(graph.edges) - ways} without access"] if ways < len(graph.edges) else []
    aside = f" ({', '.join(more)})" if more else ""
    return (
        f"In words: {_count(sources, 'principal')}, {_count(targets, 'role')} and "
        f"{_count(ways, 'way')} in{aside}, over {_count(accounts, 'account')}."
    )


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _sentence(bundle: Bundle, nodes: Mapping[str, AccessNode]) -> str:
    sources, targets = (
        join_words(_described(nodes[key] for key in keys)) for keys in (bundle.sources, bundle.targets)
    )
    mark = f"{bundle.mark} {MARKS[bundle.mark]}: " if bundle.mark else ""
    return f"{mark}{sources} {_STATES[bundle.state]} {targets}: {', '.join(bundle.lines)}."


def _described(nodes: Iterable[AccessNode]) -> Iterator[str]:
    """Yield the nodes as a sentence names them, those of one account together."""
    together: dict[str, list[str]] = {}
    for node in nodes:
        name, of, account = node.described.rpartition(" of ")
        together.setdefault(f"{of}{account}", []).append(name)
    yield from (f"{join_words(names)}{end}" for end, names in together.items())
