"""Where everything in a picture stands: boxes in columns, frames around accounts, lines between columns."""

import re
import string
import textwrap
import unicodedata
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

from xacct_nb.grants.pictures.access_graph import NO_CONDITION, AccessGraph, AccessNode
from xacct_nb.grants.pictures.graph_bundles import MARKS, NODE_MARKS, STATE_NOTES, Bundle
from xacct_nb.grants.pictures.graph_layers import Layers, Segment, layers_of
from xacct_nb.redaction.invisible import on_one_line

KIND, NAME, SMALL, MARK = "kind", "name", "small", "mark"
# By the style of a line of text: the widest a character is taken to be, the height, and the most characters.
_STYLES = {KIND: (6.4, 14, 30), MARK: (7, 14, 30), NAME: (7.6, 16, 24), SMALL: (6.2, 14, 29)}
# How much wider than that some characters are, where the font is not one of equal widths.
_WEIGHTS = {**dict.fromkeys(string.ascii_uppercase, 1.25), **dict.fromkeys("MWmw@%", 1.75)}
_MOST_LINES = {NAME: 3, SMALL: 10}
_MARGIN, _PAD, _CHANNEL, _FRAME, _HEADER = 4, 7, 40, 8, 20
_GAP, _WIDE_GAP, _SWEEPS, _PORT = 10, 18, 6, 9


@dataclass(frozen=True)
class TextLine:
    """A line of text in one of the styles; `y` is its baseline."""

    text: str
    style: str
    y: int


@dataclass(frozen=True)
class Box:
    """A rectangle: a node, the label of a bundle, a frame, or (with no lines) the bend of a line."""

    key: str
    x: int
    y: int
    width: int
    height: int
    lines: tuple[TextLine, ...] = ()

    @property
    def middle(self) -> int:
        """Return the height of the middle."""
        return self.y + self.height // 2


@dataclass(frozen=True)
class Line:
    """A line of a bundle, from left to right; `head` as in Segment."""

    start: tuple[int, int]
    end: tuple[int, int]
    bundle: str
    head: str = ""


@dataclass(frozen=True)
class Drawing:
    """A picture in pixels."""

    width: int
    height: int
    nodes: tuple[Box, ...]
    labels: tuple[Box, ...]
    bends: tuple[Box, ...]
    frames: tuple[Box, ...]
    lines: tuple[Line, ...]
    bundles: Mapping[str, Bundle]


def draw(graph: AccessGraph) -> Drawing:
    """Return the drawing of a graph; equal graphs have equal drawings."""
    layers = layers_of(graph)
    texts = _texts(graph, layers)
    sizes = {key: _size(lines) for key, lines in texts.items()}
    tops = _tops(layers, sizes)
    boxes: dict[str, Box] = {}
    frames: list[Box] = []
    x = _MARGIN
    for at, column in enumerate(layers.order):
        framed = 0 if at % 2 else _FRAME
        width = max((sizes[key][0] for key in column), default=0)
        width = max([width, *(_title_width(layers.groups[key]) for key in column if key in layers.groups)])
        for key in column:
            boxes[key] = _box(key, x + framed, tops[key], width, sizes[key][1], texts[key])
        frames += [] if at % 2 else _frames(column, layers, boxes, x, width + 2 * _FRAME)
        x += width + 2 * framed + _channel(column, layers)
    lines = (*_lines(layers, boxes), *_across(boxes))
    placed = [boxes[key] for column in layers.order for key in column]
    bends = tuple(each for each in placed if each.key.startswith("bend "))
    labels = tuple(each for each in placed if each.key in layers.bundles)
    nodes = tuple(each for each in placed if each.lines and each.key not in layers.bundles)
    right = max((each.x + each.width for each in (*placed, *frames)), default=0) + _MARGIN
    height = max((each.y + each.height for each in (*placed, *frames)), default=0) + _MARGIN
    return Drawing(right, height, nodes, labels, bends, tuple(frames), lines, layers.bundles)


def _channel(column: Sequence[str], layers: Layers) -> int:
    """Return the room after a column: more where many lines leave it."""
    leaving = sum(each.left in column for each in layers.segments)
    return _CHANNEL + min(2 * leaving, 2 * _CHANNEL)


def _title_width(group: str) -> int:
    return int(_width(_title(group), KIND))


def _title(group: str) -> str:
    return f"account {group}" if group.isdigit() else "outside accounts"


def _texts(graph: AccessGraph, layers: Layers) -> dict[str, list[tuple[str, str]]]:
    """Return the lines of text of each vertex with their styles; a bend has none."""
    loops: dict[str, list[str]] = {}
    for each in graph.edges:
        if each.source == each.target:
            said = ", ".join((*STATE_NOTES[each.state], *each.lines))
            loops.setdefault(each.source, []).append(f"{each.mark} may assume itself: {said}".strip())
    nodes = {node.key: list(_of_node(node, loops.get(node.key, []))) for node in graph.nodes}
    bundles = {key: list(_of_bundle(bundle)) for key, bundle in layers.bundles.items()}
    bends: dict[str, list[tuple[str, str]]] = {
        key: [] for column in layers.order for key in column if key.startswith("bend ")
    }
    return {**bends, **nodes, **bundles}


def _of_node(node: AccessNode, loops: Iterable[str]) -> Iterator[tuple[str, str]]:
    yield (f"{node.mark} {NODE_MARKS[node.mark]} {node.kind}", MARK) if node.mark else (node.kind, KIND)
    yield from ((line, NAME) for line in _wrapped([node.name], NAME))
    yield from ((line, SMALL) for line in _wrapped((*node.lines, *loops), SMALL))


def _of_bundle(bundle: Bundle) -> Iterator[tuple[str, str]]:
    if bundle.mark:
        yield f"{bundle.mark} {MARKS[bundle.mark]}", MARK
    said = [*STATE_NOTES[bundle.state], *bundle.lines] or [NO_CONDITION]
    yield from ((line, SMALL) for line in _wrapped(said, SMALL))


def _wrapped(texts: Iterable[str], style: str) -> list[str]:
    """Return the texts in lines that fit; where they are too many, the last line says so."""
    lines = [line for text in texts for line in _fitting(on_one_line(text), _STYLES[style][2])]
    most = _MOST_LINES[style]
    if len(lines) <= most:
        return lines
    if style == NAME:
        return [*lines[: most - 1], f"{lines[most - 1][:-1]}…"]
    return [*lines[: most - 1], f"… {len(lines) - most + 1} more lines: in words"]


class _Wrapper(textwrap.TextWrapper):
    """Breaks a line at white space, and within names after the signs that join their parts."""

    wordsep_re = re.compile(r"(\s+|(?<=[.:/=,_@-])(?=\w))")


def _fitting(text: str, most: int) -> list[str]:
    wide = any(unicodedata.east_asian_width(each) in "WF" for each in text)
    return _Wrapper(most // 2 if wide else most).wrap(text) or [""]


def _size(lines: Sequence[tuple[str, str]]) -> tuple[int, int]:
    if not lines:
        return 0, 6
    width = max(_width(text, style) for text, style in lines)
    return int(width) + 2 * _PAD, sum(_STYLES[style][1] for _, style in lines) + 2 * _PAD - 3


def _width(text: str, style: str) -> float:
    """Return how wide a text is at most, in the widest of the usual fonts."""
    weights = {} if style == NAME else _WEIGHTS
    wide = (2 if unicodedata.east_asian_width(each) in "WF" else weights.get(each, 1) for each in text)
    return sum(wide) * _STYLES[style][0]


def _box(key: str, x: int, y: int, width: int, height: int, lines: Sequence[tuple[str, str]]) -> Box:
    placed, at = [], y + _PAD - 3
    for text, style in lines:
        at += _STYLES[style][1]
        placed.append(TextLine(text, style, at - 2))
    return Box(key, x, y, width, height, tuple(placed))


def _tops(layers: Layers, sizes: Mapping[str, tuple[int, int]]) -> dict[str, int]:
    """Return the top of each vertex: near what it is joined to, in the order of its column."""
    beside: tuple[dict[str, list[str]], dict[str, list[str]]] = ({}, {})
    for each in layers.segments:
        beside[0].setdefault(each.right, []).append(each.left)
        beside[1].setdefault(each.left, []).append(each.right)
    offsets = {key: top for column in layers.order for key, top in _stacked(column, layers, sizes)}
    tops = dict(offsets)
    for sweep in range(_SWEEPS):
        near = beside[sweep % 2]
        for column in layers.order if sweep % 2 == 0 else reversed(layers.order):
            wanted = [_wanted(key, near, tops, sizes) - offsets[key] for key in column]
            for key, moved in zip(column, _ascending(wanted), strict=True):
                tops[key] = offsets[key] + moved
    lowest = min((tops[key] - _above(key, layers) for key in tops), default=0)
    return {key: top - lowest + _MARGIN for key, top in tops.items()}


def _wanted(
    key: str, near: Mapping[str, list[str]], tops: Mapping[str, int], sizes: Mapping[str, tuple[int, int]]
) -> float:
    """Return the top at which the middle of a vertex is level with those that it is joined to."""
    if key not in near:
        return tops[key]
    middles = [tops[each] + sizes[each][1] / 2 for each in near[key]]
    return sum(middles) / len(middles) - sizes[key][1] / 2


def _ascending(wanted: Sequence[float]) -> list[int]:
    """Return the nearest numbers that never descend: neighbours in the wrong order get their mean."""
    pools: list[tuple[float, int]] = []
    for each in wanted:
        mean, count = each, 1
        while pools and pools[-1][0] > mean:
            before, number = pools.pop()
            mean, count = (mean * count + before * number) / (count + number), count + number
        pools.append((mean, count))
    return [round(mean) for mean, count in pools for _ in range(count)]


def _stacked(
    column: Sequence[str], layers: Layers, sizes: Mapping[str, tuple[int, int]]
) -> Iterator[tuple[str, int]]:
    """Yield each vertex of a column with its top where all stand as close as they may."""
    top = 0
    for before, key in pairwise(["", *column]):
        if before:
            same = layers.group_of(before) == layers.group_of(key)
            between = _GAP if same else _below(before, layers) + _WIDE_GAP + _above(key, layers)
            top += sizes[before][1] + between
        yield key, top


def _above(key: str, layers: Layers) -> int:
    return _HEADER + _FRAME // 2 if key in layers.groups else 0


def _below(key: str, layers: Layers) -> int:
    return _FRAME if key in layers.groups else 0


def _frames(
    column: Sequence[str], layers: Layers, boxes: Mapping[str, Box], x: int, width: int
) -> Iterator[Box]:
    for group, keys in groupby((key for key in column if key in layers.groups), layers.group_of):
        inside = [boxes[key] for key in keys]
        top = inside[0].y - _above(inside[0].key, layers)
        height = inside[-1].y + inside[-1].height + _FRAME - top
        title = TextLine(_title(group), KIND, top + 15)
        yield Box(group, x, top, width, height, (title,))


def _lines(layers: Layers, boxes: Mapping[str, Box]) -> Iterator[Line]:
    """Yield the lines between neighbouring columns; those of a node's side start one below the other."""
    rightwards = _ports(layers.segments, boxes, rightwards=True)
    leftwards = _ports(layers.segments, boxes, rightwards=False)
    for each in layers.segments:
        left, right = boxes[each.left], boxes[each.right]
        start = (left.x + left.width, rightwards[each])
        yield Line(start, (right.x, leftwards[each]), f"bundle {each.bundle}", each.head)


def _ports(segments: Iterable[Segment], boxes: Mapping[str, Box], *, rightwards: bool) -> dict[Segment, int]:
    """Return the height at which each segment meets its node; at a label and a bend, the middle."""
    sides: dict[str, list[Segment]] = {}
    for each in segments:
        sides.setdefault(each.left if rightwards else each.right, []).append(each)
    ports: dict[Segment, int] = {}
    for key, found in sides.items():
        box = boxes[key]
        found.sort(key=lambda each: boxes[each.right if rightwards else each.left].middle)
        is_node = not key.startswith(("bend ", "bundle "))
        step = min(_PORT, (box.height - 10) // len(found)) if is_node else 0
        first = box.middle - step * (len(found) - 1) // 2
        ports |= {each: first + step * number for number, each in enumerate(found)}
    return ports


def _across(boxes: Mapping[str, Box]) -> Iterator[Line]:
    """Yield the level line over a column at each bend."""
    for box in boxes.values():
        if box.key.startswith("bend "):
            number = box.key.split()[1]
            yield Line((box.x, box.middle), (box.x + box.width, box.middle), f"bundle {number}")
