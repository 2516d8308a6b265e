"""Everything in a picture stands where it can be read: no box on another, and no line over a box."""

from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.graphs import ACCOUNTS, chain_of, forty_nodes, graphs, role_of
from xacct_nb.grants.pictures.access_graph import AccessEdge, AccessGraph, node_of
from xacct_nb.grants.pictures.graph_bundles import bundles_of
from xacct_nb.grants.pictures.graph_layers import ranks
from xacct_nb.grants.pictures.graph_layout import Box, Drawing, Line, draw

EXAMPLES = {"forty nodes": forty_nodes(), "a chain of six": chain_of(6)}


@given(graphs())
def test_no_node_and_no_label_stands_on_another(graph: AccessGraph) -> None:
    assert overlaps(draw(graph)) == []


@given(graphs())
def test_no_line_runs_over_a_box(graph: AccessGraph) -> None:
    assert crossed(draw(graph)) == []


@given(graphs())
def test_equal_graphs_have_equal_drawings(graph: AccessGraph) -> None:
    assert draw(graph) == draw(AccessGraph.from_json(graph.to_json()))


@given(graphs())
def test_everything_is_within_the_picture(graph: AccessGraph) -> None:
    drawing = draw(graph)

    for box in (*drawing.nodes, *drawing.labels, *drawing.frames):
        assert min(box.x, box.y) >= 0
        assert box.x + box.width <= drawing.width
        assert box.y + box.height <= drawing.height


@given(graphs())
def test_every_text_is_within_its_box(graph: AccessGraph) -> None:
    drawing = draw(graph)

    for box in (*drawing.nodes, *drawing.labels):
        assert all(box.y < line.y <= box.y + box.height - 3 for line in box.lines)
        assert [line.y for line in box.lines] == sorted({line.y for line in box.lines})


@given(graphs())
def test_every_node_is_drawn_once_and_in_the_frame_of_its_account(graph: AccessGraph) -> None:
    drawing = draw(graph)

    assert sorted(box.key for box in drawing.nodes) == sorted(node.key for node in graph.nodes)
    for node in graph.nodes:
        box = next(each for each in drawing.nodes if each.key == node.key)
        assert [frame.key for frame in drawing.frames if holds(frame, box)] == [node.account or "outside"]


@given(graphs())
def test_lines_lead_from_every_source_to_every_target_of_a_bundle_and_nowhere_else(
    graph: AccessGraph,
) -> None:
    drawing = draw(graph)

    drawn = {
        (source, target, bundle.lines, bundle.state, bundle.mark)
        for bundle in drawing.bundles.values()
        for source in bundle.sources
        for target in bundle.targets
    }
    meant = {
        (each.source, each.target, each.lines, each.state, each.mark)
        for each in graph.edges
        if each.source != each.target
    }
    assert drawn == meant
    for key, bundle in drawing.bundles.items():
        assert ends_of(drawing, key) == (set(bundle.sources), set(bundle.targets))


@given(graphs())
def test_arrows_point_to_the_right_except_those_that_close_a_circle(graph: AccessGraph) -> None:
    keys = [node.key for node in graph.nodes]
    rank, back = ranks(keys, [(e.source, e.target) for e in graph.edges if e.source != e.target])

    for each in graph.edges:
        if each.source != each.target:
            leads_back = (each.source, each.target) in back
            assert (rank[each.source] < rank[each.target]) is not leads_back


@given(st.permutations(range(5)))
def test_a_graph_without_a_circle_has_no_arrow_to_the_left(order: list[int]) -> None:
    _, back = ranks([str(n) for n in order], [(str(n), str(n + 1)) for n in range(4)])

    assert back == frozenset()


@pytest.mark.parametrize("graph", EXAMPLES.values(), ids=EXAMPLES)
def test_what_people_have_keeps_the_laws(graph: AccessGraph) -> None:
    drawing = draw(graph)

    assert overlaps(drawing) == []
    assert crossed(drawing) == []


def test_forty_nodes_fit_in_a_window_of_1400_pixels() -> None:
    drawing = draw(forty_nodes())

    assert len(drawing.nodes) == 40
    assert drawing.width <= 1350


def test_ten_callers_of_ten_roles_under_the_same_conditions_meet_in_one_label() -> None:
    edges = [AccessEdge(f"caller {one}", f"role {two}") for one in range(10) for two in range(10)]

    (bundle,) = bundles_of(edges)

    assert (len(bundle.sources), len(bundle.targets)) == (10, 10)


def test_one_bundle_reaches_roles_in_several_columns() -> None:
    hub, spoke, deep = (role_of(account, "r") for account in ACCOUNTS)
    pairs = ((hub, spoke), (hub, deep), (spoke, deep))
    edges = tuple(AccessEdge(one, other, ("x",) if one == hub else ()) for one, other in pairs)
    drawing = draw(AccessGraph("chain", tuple(map(node_of, (hub, spoke, deep))), edges))

    (bundle,) = (key for key, each in drawing.bundles.items() if each.sources == (hub,))

    assert ends_of(drawing, bundle) == ({hub}, {spoke, deep})
    assert crossed(drawing) == []


def test_lines_that_need_not_cross_do_not() -> None:
    names = ("a", "b", "c", "d")
    callers, roles = ([role_of(account, name) for name in names] for account in ACCOUNTS[:2])
    edges = tuple(
        AccessEdge(caller, role, (caller,)) for caller, role in zip(callers, reversed(roles), strict=True)
    )
    drawing = draw(AccessGraph("crossed", tuple(map(node_of, (*callers, *roles))), edges))
    top = {box.key: box.y for box in drawing.nodes}

    assert sorted(roles, key=lambda role: top[role]) == [
        role for _, role in sorted(zip(callers, reversed(roles), strict=True), key=lambda pair: top[pair[0]])
    ]


def test_who_is_assumed_by_nobody_stands_directly_before_its_role() -> None:
    graph = chain_of(5)
    late = role_of("999999999999", "late")
    edges = (*graph.edges, AccessEdge(late, graph.nodes[-1].key))
    drawing = draw(AccessGraph("late", (*graph.nodes, node_of(late)), edges))
    left = {box.key: box.x for box in drawing.nodes}

    assert left[late] == left[graph.nodes[-2].key]


def overlaps(drawing: Drawing) -> list[tuple[str, str]]:
    """The pairs of nodes, labels and bends that share a point, and those of frames."""
    boxes = (*drawing.nodes, *drawing.labels, *drawing.bends)
    return [
        (one.key, other.key)
        for kind in (boxes, drawing.frames)
        for one, other in combinations(kind, 2)
        if one.x < other.x + other.width
        and other.x < one.x + one.width
        and one.y < other.y + other.height
        and other.y < one.y + one.height
    ]


def crossed(drawing: Drawing) -> list[tuple[Line, str]]:
    """The lines with a point inside a node or a label; each begins and ends at the edge of its own."""
    boxes = (*drawing.nodes, *drawing.labels)
    return [
        (line, box.key)
        for line in drawing.lines
        for box in boxes
        if any(is_inside(point, box) for point in points_of(line))
    ]


def points_of(line: Line) -> list[tuple[float, float]]:
    """Points of the curve that the SVG has: it begins and ends level, its controls half-way."""
    (x, y), (end, bottom) = line.start, line.end
    middle = (x + end) / 2
    return [
        (
            (1 - t) ** 3 * x + 3 * (1 - t) * t * middle + t**3 * end,
            (1 - t) ** 2 * (1 + 2 * t) * y + t**2 * (3 - 2 * t) * bottom,
        )
        for t in (step / 12 for step in range(13))
    ]


def is_inside(point: tuple[float, float], box: Box) -> bool:
    x, y = point
    return box.x < x < box.x + box.width and box.y < y < box.y + box.height


def holds(frame: Box, box: Box) -> bool:
    return (
        frame.x <= box.x
        and frame.y <= box.y
        and frame.x + frame.width >= box.x + box.width
        and frame.y + frame.height >= box.y + box.height
    )


def ends_of(drawing: Drawing, bundle: str) -> tuple[set[str], set[str]]:
    """The nodes at which the lines of a bundle begin, and those at which its arrows end."""
    heads, tails = set[str](), set[str]()
    for line in drawing.lines:
        if line.bundle == bundle:
            for side, (x, y) in (("left", line.start), ("right", line.end)):
                for box in drawing.nodes:
                    touches = x == (box.x + box.width if side == "left" else box.x)
                    if touches and box.y <= y <= box.y + box.height:
                        (heads if line.head == side else tails).add(box.key)
    return tails, heads
