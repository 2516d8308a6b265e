"""The layers of a picture: nodes in even ones, bundles of edges between them, few crossings."""

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from xacct_nb.grants.pictures.access_graph import AccessGraph
from xacct_nb.grants.pictures.graph_bundles import Bundle, Pair, bundles_of

_SWEEPS = 8
Layer = list[str]


@dataclass(frozen=True)
class Segment:
    """A line from a vertex to one in the next layer; the arrow's head is at its end, at its start, or not."""

    left: str
    right: str
    bundle: int
    head: str = ""


@dataclass(frozen=True)
class Layers:
    """Vertices by layer in their order: nodes by key, bundles as `bundle N`, bends as `bend N LAYER SIDE`."""

    order: tuple[tuple[str, ...], ...]
    bundles: Mapping[str, Bundle]
    segments: tuple[Segment, ...]
    groups: Mapping[str, str] = field(default_factory=dict)

    def group_of(self, vertex: str) -> str:
        """Return the account whose frame a vertex is in; a bundle and a bend are in none."""
        return self.groups.get(vertex, f" {vertex}")


def layers_of(graph: AccessGraph) -> Layers:
    """Return the layers of a graph. An edge of a node to itself is not in them."""
    edges = [each for each in graph.edges if each.source != each.target]
    keys = [node.key for node in graph.nodes]
    rank, back = ranks(keys, [(each.source, each.target) for each in edges])
    made = _Layering(rank)
    for number, bundle in enumerate(bundles_of(edges, back)):
        made.add(number, bundle)
    groups = {node.key: node.account or "outside" for node in graph.nodes}
    placed = [
        *made.layers,
        *[[] for _ in range(max(0, 2 * max(rank.values(), default=-1) + 1 - len(made.layers)))],
    ]
    for key in keys:
        placed[2 * rank[key]].append(key)
    bare = Layers(tuple(map(tuple, placed)), made.bundles, tuple(made.segments), groups)
    return _with_few_crossings(bare)


def ranks(keys: Sequence[str], pairs: Iterable[Pair]) -> tuple[dict[str, int], frozenset[Pair]]:
    """Return a rank for each node, and the pairs that lead back: all others lead to a higher rank."""
    after: dict[str, list[str]] = {key: [] for key in keys}
    for source, target in dict.fromkeys(pairs):
        after[source].append(target)
    back = frozenset(_leading_back(after))
    before: dict[str, list[str]] = {key: [] for key in keys}
    ahead: dict[str, list[str]] = {key: [] for key in keys}
    for source, targets in after.items():
        for target in targets:
            one, other = (target, source) if (source, target) in back else (source, target)
            ahead[one].append(other)
            before[other].append(one)
    rank: dict[str, int] = {}
    waiting = {key: len(before[key]) for key in keys}
    ready = [key for key in keys if not waiting[key]]
    for key in ready:
        rank[key] = max((rank[each] + 1 for each in before[key]), default=0)
        for each in ahead[key]:
            waiting[each] -= 1
            if not waiting[each]:
                ready.append(each)
    # Who is assumed by nobody stands directly before the role that it may assume.
    first = {
        key: min(rank[each] for each in ahead[key]) - 1 for key in keys if ahead[key] and not before[key]
    }
    return rank | first, back


def _leading_back(after: Mapping[str, list[str]]) -> Iterator[Pair]:
    """Yield the pairs that close a circle, found by depth-first search in the order of the nodes."""
    open_nodes, done = set[str](), set[str]()
    for start in after:
        if start in done:
            continue
        open_nodes.add(start)
        stack = [(start, iter(after[start]))]
        while stack:
            key, rest = stack[-1]
            following = next(rest, None)
            if following is None:
                stack.pop()
                open_nodes.discard(key)
                done.add(key)
            elif following in open_nodes:
                yield key, following
            elif following not in done:
                open_nodes.add(following)
                stack.append((following, iter(after[following])))


class _Layering:
    """Collects the bundles with their bends and segments."""

    def __init__(self, rank: Mapping[str, int]) -> None:
        self.rank = rank
        self.layers: list[Layer] = []
        self.bundles: dict[str, Bundle] = {}
        self.segments: list[Segment] = []

    def add(self, number: int, bundle: Bundle) -> None:
        """Put a bundle before the first node on its right, and lead lines to it from both sides."""
        left, right = (bundle.targets, bundle.sources) if bundle.back else (bundle.sources, bundle.targets)
        at = 2 * min(self.rank[key] for key in right) - 1
        vertex = f"bundle {number}"
        self.bundles[vertex] = bundle
        self._place(at, vertex)
        bends: set[str] = set()
        for key in left:
            self._lead(key, 2 * self.rank[key], vertex, at, number, bends, bundle.back)
        for key in right:
            self._lead(vertex, at, key, 2 * self.rank[key], number, bends, not bundle.back)

    def _lead(
        self, start: str, first: int, end: str, last: int, number: int, bends: set[str], heads: bool
    ) -> None:
        """Lead a line over the layers between; lines of one bundle share their bends."""
        to_bundle = end.startswith("bundle ")
        side, here = ("in" if to_bundle else "out"), start
        for layer in range(first + 1, last + 1):
            following = end if layer == last else f"bend {number} {layer} {side}"
            at_node = (layer == first + 1) if to_bundle else (layer == last)
            head = ("left" if to_bundle else "right") if heads and at_node else ""
            segment = Segment(here, following, number, head)
            if segment not in self.segments:
                self.segments.append(segment)
            if following != end and following not in bends:
                bends.add(following)
                self._place(layer, following)
            here = following

    def _place(self, layer: int, vertex: str) -> None:
        while len(self.layers) <= layer:
            self.layers.append([])
        self.layers[layer].append(vertex)


def _with_few_crossings(layers: Layers) -> Layers:
    """Return the layers in the best order that sweeps from both ends find."""
    order = [list(each) for each in layers.order]
    order = [_together(layer, layers, {key: n for n, key in enumerate(layer)}) for layer in order]
    best, fewest = order, _crossings(order, layers.segments)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        order = _swept(order, layers, rightwards=not sweep % 2)
        count = _crossings(order, layers.segments)
        if count < fewest:
            best, fewest = order, count
    return Layers(tuple(map(tuple, best)), layers.bundles, layers.segments, layers.groups)


def _swept(order: list[Layer], layers: Layers, *, rightwards: bool) -> list[Layer]:
    beside: dict[str, list[str]] = {}
    for each in layers.segments:
        one, other = (each.right, each.left) if rightwards else (each.left, each.right)
        beside.setdefault(one, []).append(other)
    swept = [list(each) for each in order]
    for at in range(1, len(swept)) if rightwards else range(len(swept) - 2, -1, -1):
        near = swept[at - 1 if rightwards else at + 1]
        place = {key: number / max(1, len(near) - 1) for number, key in enumerate(near)}
        own = {key: number / max(1, len(swept[at]) - 1) for number, key in enumerate(swept[at])}
        wanted = {
            key: _mean([place[each] for each in beside[key]]) if key in beside else own[key]
            for key in swept[at]
        }
        swept[at] = _together(swept[at], layers, wanted)
    return swept


def _together(layer: Layer, layers: Layers, wanted: Mapping[str, float]) -> Layer:
    """Return the vertices of a layer by their wanted places, those of one account next to each other."""
    groups: dict[str, list[str]] = {}
    for key in layer:
        groups.setdefault(layers.group_of(key), []).append(key)
    means = {name: _mean([wanted[key] for key in keys]) for name, keys in groups.items()}
    return [
        key
        for name in sorted(groups, key=lambda name: means[name])
        for key in sorted(groups[name], key=lambda key: wanted[key])
    ]


def _crossings(order: Sequence[Layer], segments: Iterable[Segment]) -> int:
    """Return how many pairs of lines cross, counted between neighbouring layers."""
    place = {key: (at, number) for at, layer in enumerate(order) for number, key in enumerate(layer)}
    between: dict[int, list[tuple[int, int]]] = {}
    for each in segments:
        at, left = place[each.left]
        between.setdefault(at, []).append((left, place[each.right][1]))
    count = 0
    for pairs in between.values():
        ends: list[int] = []
        for _, right in sorted(pairs):
            # Those that began above and end below; equal ends do not cross.
            count += len(ends) - bisect_left(ends, right + 1)
            insort(ends, right)
    return count


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
