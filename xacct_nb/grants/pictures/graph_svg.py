"""A graph of access as inline SVG: no script, no address, the colour of the text around it."""

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from xacct_nb.grants.pictures.access_graph import AccessGraph
from xacct_nb.grants.pictures.graph_bundles import in_words
from xacct_nb.grants.pictures.graph_layout import Line, draw
from xacct_nb.redaction.invisible import printable
from xacct_nb.validation import Serializable
from xacct_nb.views import Picture, Shown

if TYPE_CHECKING:
    from jinja2 import Template

_HEAD, _HALF_HEAD = 8, 4
_CLASSES = {"+": " add", "-": " destroy", "~": " change", "": ""}


@dataclass(frozen=True, repr=False)
class AccessPicture(Shown, Serializable):
    """A graph of access that shows itself as a picture, and in words."""

    graph: AccessGraph

    @property
    def svg(self) -> str:
        """Return the picture as markup, in which every text is escaped."""
        graph = self.graph.bounded()
        return _svg(graph, in_words(graph).partition("\n")[0])

    @property
    def words(self) -> str:
        """Return the same as text: a line that sums it up, then every way in, then what is not shown."""
        return in_words(self.graph.bounded())

    def around(self, focus: str, depth: int = 0) -> "AccessPicture":
        """Return the picture of what leads to a node and what it leads to. Raises InvalidInput."""
        return AccessPicture(self.graph.around(focus, depth))

    def view(self) -> Picture:
        """Return the picture with its text alternative."""
        return Picture(self.graph.title, self.svg, self.words)


def _svg(graph: AccessGraph, summary: str) -> str:
    from markupsafe import Markup

    drawing = draw(graph)
    nodes = {node.key: node for node in graph.nodes}
    rendered = _template().render(
        drawing=drawing,
        title=graph.title,
        summary=summary,
        nodes=[(box, nodes[box.key]) for box in drawing.nodes],
        labels=[(box, drawing.bundles[box.key]) for box in drawing.labels],
        paths=[(_path(each), _head(each), drawing.bundles[each.bundle]) for each in drawing.lines],
        narrowest=drawing.width * 7 // 9,
    )
    return Markup(rendered)


def _path(line: Line) -> str:
    (x, y), (end, bottom) = line.start, line.end
    x += _HEAD - 1 if line.head == "left" else 0
    end -= _HEAD - 1 if line.head == "right" else 0
    if y == bottom:
        return f"M{x} {y}H{end}"
    middle = (x + end) // 2
    return f"M{x} {y}C{middle} {y} {middle} {bottom} {end} {bottom}"


def _head(line: Line) -> str:
    if not line.head:
        return ""
    x, y = line.end if line.head == "right" else line.start
    back = x - _HEAD if line.head == "right" else x + _HEAD
    return f"M{x} {y}L{back} {y - _HALF_HEAD}V{y + _HALF_HEAD}Z"


_SVG = """
{%- macro words(box) -%}
{%- for line in box.lines %}<text class="{{ line.style }}" x="{{ box.x + 7 }}" y="{{ line.y }}"
{%- if line.style == "name" %} font-family="ui-monospace, monospace" font-size="12" font-weight="600"
{%- else %} font-size="11"{% endif %}
{%- if line.style == "kind" %} opacity=".75"{% endif %}
{%- if line.style == "mark" %} font-weight="600"{% endif %}>{{ line.text }}</text>{% endfor -%}
{%- endmacro -%}
{%- macro frame(box, radius) -%}
<rect x="{{ box.x }}" y="{{ box.y }}" width="{{ box.width }}" height="{{ box.height }}" rx="{{ radius }}"
{%- endmacro -%}
{%- macro dashes(bundle) -%}
{%- if bundle.mark == "-" %} stroke-dasharray="7 4"
{%- elif bundle.state != "open" %} stroke-dasharray="2 4"{% endif -%}
{%- endmacro -%}
<svg xmlns="http://www.w3.org/2000/svg" class="xacct-graph" role="img" width="{{ drawing.width }}"
 height="{{ drawing.height }}" viewBox="0 0 {{ drawing.width }} {{ drawing.height }}"
 font-family="system-ui, sans-serif" fill="currentColor"
 style="max-width: 100%; min-width: {{ narrowest }}px; height: auto">
<title>{{ title }}</title><desc>{{ summary }}</desc>
{% for box in drawing.frames %}<g class="frame">{{ frame(box, 6) }} fill-opacity=".05"/>{{ words(box) }}</g>
{% endfor %}
{%- for path, head, bundle in paths %}<g class="way{{ classes[bundle.mark] }}" fill="none"
 stroke="{{ colours[bundle.mark] }}" stroke-width="{{ "2.2" if bundle.mark == "+" else "1.3" }}"
{{- dashes(bundle) }}>
{%- if path %}<path d="{{ path }}"/>{% endif %}
{%- if head %}<path d="{{ head }}" fill="{{ colours[bundle.mark] }}" stroke="none"/>{% endif %}</g>
{% endfor %}
{%- for box, bundle in labels %}<g class="label{{ classes[bundle.mark] }}">
<title>{{ bundle.lines|join("; ") }}</title>
{{- frame(box, 9) }} fill-opacity="0" stroke="{{ colours[bundle.mark] }}"
{%- if not bundle.mark %} stroke-opacity=".55"{% endif %}
{{- dashes(bundle) }}/>
{{- words(box) }}</g>
{% endfor %}
{%- for box, node in nodes %}<g class="node{{ classes[node.mark] }}"><title>{{ node.key }}
{%- for line in node.lines %}; {{ line }}{% endfor %}</title>
{{- frame(box, 2) }} fill-opacity="0" stroke="{{ colours[node.mark] }}"
{%- if node.mark == "+" %} stroke-width="2.2"{% endif %}
{%- if node.mark == "-" %} stroke-dasharray="7 4"{% endif %}/>
{{- words(box) }}</g>
{% endfor %}</svg>"""
# Middle tones: each has a contrast of 3 and more to white and to black.
_COLOURS = {"+": "#2e8b57", "-": "#d1495b", "~": "#b7791f", "": "currentColor"}


@cache
def _template() -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=_safe)
    environment.globals |= {"colours": _COLOURS, "classes": _CLASSES}
    return environment.from_string(_SVG)


def _safe(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
