"""Pictures of who may assume what in a real browser: texts in their boxes, readable, printed."""

import pytest
from playwright.sync_api import Page

from support.examples import a_grant
from support.graphs import chain_of, forty_nodes
from xacct_nb.grants.pictures.access_graph import AccessEdge, AccessGraph, AccessNode, graph_of_grants
from xacct_nb.grants.pictures.graph_svg import AccessPicture
from xacct_nb.jupyter.forms.form import style
from xacct_nb.views import html

pytestmark = pytest.mark.browser

WIDE = AccessNode("a", "user", "W" * 24, "111111111111", ("W" * 29, "MMMM " * 5))
CHINESE = AccessNode("b", "role", "漢字" * 10, "222222222222", ("漢字" * 20,))
PICTURES = {
    "one grant": graph_of_grants([a_grant(conditions={"external_id": "only-a-test", "require_mfa": True})]),
    "forty nodes": forty_nodes(),
    "a chain": chain_of(5),
    "wide letters": AccessGraph("wide", (WIDE, CHINESE), (AccessEdge("a", "b", ("W" * 29, "漢字漢字" * 9)),)),
    "marks": AccessGraph(
        "marks",
        (AccessNode("a", "user", "a", "1"), AccessNode("b", "role", "b", "2", (), "+")),
        tuple(AccessEdge("a", "b", (), "open", mark) for mark in ("+", "~", "-")),
    ),
}
# The texts that reach over the edge of their rectangle.
OUTSIDE = """() => [...document.querySelectorAll('svg.xacct-graph g')].flatMap(part => {
  const box = part.querySelector(':scope > rect')?.getBBox()
  const texts = box ? [...part.querySelectorAll(':scope > text')] : []
  return texts.filter(text => {
    const own = text.getBBox()
    return own.x < box.x || own.x + own.width > box.x + box.width || own.y < box.y - 1
      || own.y + own.height > box.y + box.height + 1
  }).map(text => text.textContent)
})"""
# The colours of all texts, or of all lines: red, green and blue, and how much of them is seen.
COLOURS = """([name, paint]) => [...document.querySelectorAll(name)].flatMap(part => {
  const style = getComputedStyle(part), numbers = style[paint].match(/[\\d.]+/g)
  if (!numbers) return []
  const scale = style[paint].startsWith('color(') ? 255 : 1
  const seen = style.opacity * (paint == 'stroke' ? style.strokeOpacity : 1)
  return [[...numbers.slice(0, 3).map(each => each * scale), seen]]
})"""
SIZES = """() => [...document.querySelectorAll('svg.xacct-graph')].map(
  each => [each.clientWidth, each.clientHeight])"""
GROUNDS = {"light": ((255, 255, 255), "#000", "#1f2328"), "dark": ((17, 17, 17), "#fff", "#e0e0e0")}


@pytest.fixture
def shown(page: Page) -> Page:
    """All pictures, one below the other."""
    pictures = "".join(html(AccessPicture(graph).view()) for graph in PICTURES.values())
    page.set_content(f"<style>{style()}</style><body>{pictures}")
    return page


def test_every_text_is_within_its_box(shown: Page) -> None:
    assert shown.locator("svg.xacct-graph").count() == len(PICTURES)
    assert shown.evaluate(OUTSIDE) == []


@pytest.mark.parametrize("ground", GROUNDS)
def test_texts_and_lines_stand_out_from_a_light_and_a_dark_ground(shown: Page, ground: str) -> None:
    behind, ink, ink_1 = GROUNDS[ground]
    shown.add_style_tag(content=f":root {{ --jp-ui-font-color0: {ink}; --jp-ui-font-color1: {ink_1} }}")

    texts, lines = (
        [blended(each, behind) for each in shown.evaluate(COLOURS, part)]
        for part in (["svg.xacct-graph text", "fill"], ["svg.xacct-graph path, g > rect", "stroke"])
    )

    assert len(texts) > 100 < len(lines)
    assert min(contrast(each, behind) for each in texts) >= 4.5
    assert min(contrast(each, behind) for each in lines) >= 3


def test_a_wide_picture_scrolls_in_its_own_place(shown: Page) -> None:
    shown.set_viewport_size({"width": 500, "height": 800})
    widths = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"

    assert len(set(shown.evaluate(widths))) == 1
    assert shown.evaluate("() => document.querySelector('.xacct-picture > div').scrollWidth <= 500")


def test_a_picture_is_printed_whole_on_one_page(shown: Page) -> None:
    shown.emulate_media(media="print")
    shown.set_viewport_size({"width": 700, "height": 1000})

    for width, height in shown.evaluate(SIZES):
        assert width <= 700
        assert height <= 245 / 25.4 * 96 + 1


def blended(colour: list[float], behind: tuple[float, ...]) -> tuple[float, ...]:
    """What is seen of a colour over another one."""
    *parts, seen = colour
    return tuple(part * seen + other * (1 - seen) for part, other in zip(parts, behind, strict=True))


def contrast(one: tuple[float, ...], other: tuple[float, ...]) -> float:
    """The contrast of two colours as WCAG defines it."""
    dark, light = sorted((luminance(one), luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def luminance(colour: tuple[float, ...]) -> float:
    parts = (part / 255 for part in colour)
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))
