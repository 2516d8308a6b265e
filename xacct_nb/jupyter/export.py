"""The page of a record: one HTML file made of nbconvert's basic template and our own style sheet."""

from collections.abc import Callable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any

from xacct_nb.jupyter.forms.form import style
from xacct_nb.jupyter.sanitize import preformatted, sanitize_html
from xacct_nb.jupyter.simplify import simplify
from xacct_nb.redaction.invisible import printable

if TYPE_CHECKING:
    from jinja2 import Template
    from nbconvert.exporters.html import HTMLExporter

_PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{{ policy }}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{ title }}</title>
<style>{{ style }}</style>
</head>
<body class="xacct-record{{ kind }}">
<main>
<h1>{{ title }}</h1>
{{ summary }}
{% if body %}<details>
<summary><h2>The executed notebook</h2></summary>
{{ body }}
</details>{% endif %}
</main>
</body>
</html>
"""


# A second defence beside the sanitizer: a browser runs and fetches nothing that the page contains.
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:"


def to_html(title: str, summary: str, notebook: Mapping[str, Any] | None) -> str:
    """Return the page: title, summary (safe HTML), and a notebook's JSON, of which nothing runs.

    What the summary shows is left out of the notebook. Printed, the page has the summary alone.
    """
    from markupsafe import Markup

    body = (
        _exporter().from_notebook_node(simplify(notebook, summary))[0]
        if notebook
        else "<p>It was not run by xacct-nb run.</p>"
    )
    return _template().render(
        title=printable(title),
        policy=_POLICY,
        style=Markup(style()),
        summary=Markup(summary),
        body=Markup(body),
    )


def to_page(title: str, content: str) -> str:
    """Return a page without a notebook: title and content (safe HTML)."""
    from markupsafe import Markup

    return _template().render(
        title=printable(title),
        policy=_POLICY,
        style=Markup(style()),
        summary=Markup(content),
        body="",
        kind=" xacct-letter",
    )


def to_ipynb(notebook: Mapping[str, Any]) -> str:
    """Return the JSON of a notebook as the text of an .ipynb file."""
    from nbformat import from_dict
    from nbformat.v4 import writes

    # Half of a surrogate pair, which UTF-8 cannot hold, becomes its escape, which JSON reads back.
    return str(writes(from_dict(notebook))).encode(errors="backslashreplace").decode()


def warm_up() -> None:
    """Load what the export needs, by exporting a cell of each kind; call it while the kernel is busy."""
    from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

    shown = new_output("display_data", {"text/plain": "", "text/html": "<p>"})
    cells = [new_markdown_cell("# `a` [b](c)"), new_code_cell("a = 1", outputs=[shown])]
    language = {"name": "python", "pygments_lexer": "ipython3"}
    to_html("", "", new_notebook(cells=cells, metadata={"language_info": language}))


@cache
def _exporter() -> "HTMLExporter":
    from nbconvert.exporters.html import HTMLExporter

    exporter = HTMLExporter(
        template_name="basic",
        sanitize_html=True,
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        exclude_anchor_links=True,
        optimistic_validation=True,
        filters={"clean_html": sanitize_html},
    )
    exporter.register_filter("markdown2html", _rendered(exporter.markdown2html))
    return exporter


def _rendered(render: Callable[[object, str], str]) -> Callable[[object, str], str]:
    """Return the filter for prose; what it cannot render is shown as preformatted text."""
    from jinja2 import pass_context
    from nbconvert.filters.markdown_mistune import InvalidNotebook

    @pass_context
    def rendered(context: object, source: str) -> str:
        try:
            return render(context, source)
        except (InvalidNotebook, RecursionError):
            return preformatted(source)

    return rendered


@cache
def _template() -> "Template":
    from jinja2 import Environment

    return Environment(autoescape=True).from_string(_PAGE)
