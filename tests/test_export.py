"""A record as a page and as a notebook: one file that opens offline, and nothing in it that runs."""

import re
import subprocess
import sys
from html import unescape

from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from xacct_nb.jupyter.export import as_notebook, to_html, to_ipynb

ALONE = "import sys; from xacct_nb.jupyter.export import to_html; to_html('', '', None); print(*sys.modules)"


def page_of(*outputs: dict[str, str], prose: str = "## The plan") -> str:
    shown = [new_output("display_data", data) for data in outputs]
    return to_html(
        "plan",
        "<p>summary</p>",
        new_notebook(cells=[new_markdown_cell(prose), new_code_cell("plan", outputs=shown)]),
    )


def test_it_holds_the_title_the_summary_the_prose_the_source_and_the_output() -> None:
    page = page_of({"text/plain": "Plan: 4 to add"})
    words = re.sub(r"<[^>]*>", " ", page.partition("</head>")[2]).split()

    assert words == [
        "plan",
        "summary",
        "The",
        "executed",
        "notebook",
        "The",
        "plan",
        "plan",
        "Plan:",
        "4",
        "to",
        "add",
    ]


def test_it_asks_no_other_file_and_no_network() -> None:
    page = page_of({"text/html": "<table><tr><td>role</td></tr></table>"})

    assert re.findall(r"<(?:link|img|iframe|script)\b|@import|\bsrc=|url\(", page) == []
    assert len(page) < 20_000


def test_a_script_in_an_output_or_in_prose_is_left_out() -> None:
    page = page_of(
        {"text/html": "<b>kept</b><script>alert(1)</script><SCRIPT src='x'></SCRIPT >"},
        prose="<script>alert(2)</script>",
    )

    assert "<b>kept</b>" in page
    assert "alert" not in page
    assert "<script" not in page.lower()


def test_a_browser_is_told_to_run_and_fetch_nothing_before_anything_else() -> None:
    page = page_of({"text/html": "<b>output</b>"})
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)

    assert policy
    assert unescape(policy[1]) == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert policy.start() < page.index("<style>") < page.index("<b>output</b>")


def test_a_title_is_text() -> None:
    assert "<h1>&lt;b&gt;</h1>" in to_html("<b>", "", None)


def test_without_a_notebook_it_says_so_and_loads_nothing_for_it() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], check=True, capture_output=True, text=True)

    assert "It was not run by xacct-nb run." in to_html("", "", None)
    assert {"nbformat", "nbconvert", "jsonschema"} & set(done.stdout.split()) == set()


def test_a_notebook_goes_through_plain_data_to_the_same_file() -> None:
    notebook = new_notebook(cells=[new_code_cell("1", id="one")])

    assert to_ipynb(as_notebook(dict(notebook))) == to_ipynb(notebook)
