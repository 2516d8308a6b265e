"""A record as a page and as a notebook: one file that opens offline, and nothing in it that runs."""

import json
import re
import subprocess
import sys
from html import escape, unescape

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output, new_raw_cell

from support.hostile_notebooks import MARKUP
from support.hostile_strings import Fragment
from support.processes import processor_limit
from support.sample_views import one_of_each_view
from xacct_nb.jupyter.export import to_html, to_ipynb
from xacct_nb.jupyter.sanitize import sanitize_html
from xacct_nb.views import html

HARMLESS = {"a", "b", "br", "details", "div", "h1", "hr", "i", "img", "li", "p", "pre", "span", "strong"}
HARMLESS |= {"table", "tbody", "td", "tr", "ul"}
# Pieces that are harmless alone.
TOKENS = (
    "<p>",
    "</p>",
    "<b>",
    "</b>",
    "<td>",
    "<table>",
    "</table>",
    "<a href='",
    "'>",
    '"',
    "<!--",
    "-->",
    "x",
    "&",
)
ALONE = "import sys; from xacct_nb.jupyter.export import to_html; to_html('', '', None); print(*sys.modules)"


class Parsed(Fragment):
    """A fragment that may have other elements than our own, as long as none of them acts."""

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        harmless = ("class", "colspan", "rowspan", "scope", "tabindex", "title", "alt")
        self.strange += [tag] if tag not in HARMLESS else []
        self.strange += [
            name for name, value in attributes if name not in harmless and not stays(name, value)
        ]
        self.opened += [] if tag in ("br", "hr", "img") else [tag]

    handle_startendtag = handle_starttag


def stays(name: str, value: str | None) -> bool:
    """Return whether an address is one that a reader may follow, or is the picture itself."""
    within = name == "href" and ":" not in (value or "")
    begins = {"href": ("https://", "http://", "mailto:"), "src": ("data:image/",)}
    return within or (name in begins and str(value).startswith(begins[name]))


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


def test_it_needs_no_other_file_and_no_network() -> None:
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


def test_the_content_security_policy_comes_before_everything_that_it_forbids() -> None:
    page = page_of({"text/html": "<b>output</b>"})
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', page)

    assert policy
    assert unescape(policy[1]) == "default-src 'none'; style-src 'unsafe-inline'; img-src data:"
    assert policy.start() < page.index("<style>") < page.index("<b>output</b>")


def test_a_title_is_text() -> None:
    assert "<h1>&lt;b&gt;</h1>" in to_html("<b>", "", None)


def test_without_a_notebook_the_page_says_so_and_nothing_is_loaded_for_one() -> None:
    done = subprocess.run([sys.executable, "-c", ALONE], check=True, capture_output=True, text=True)

    assert "It was not run by xacct-nb run." in to_html("", "", None)
    assert {"nbformat", "nbconvert", "jsonschema"} & set(done.stdout.split()) == set()


def test_a_notebook_goes_through_plain_data_to_the_same_file() -> None:
    notebook = new_notebook(cells=[new_code_cell("1", id="one")])

    assert to_ipynb(dict(notebook)) == to_ipynb(notebook)


@pytest.mark.parametrize("piece", MARKUP)
def test_a_piece_of_hostile_markup_leaves_nothing_that_runs_fetches_or_stays_open(piece: str) -> None:
    shown = Parsed(sanitize_html(piece))

    assert shown.strange == []
    assert shown.opened == []


@given(st.lists(st.sampled_from((*MARKUP, *TOKENS)), max_size=12).map("".join))
@settings(max_examples=150)
def test_no_mixture_of_markup_leaves_anything_that_runs_fetches_or_stays_open(fragment: str) -> None:
    shown = Parsed(sanitize_html(fragment))

    assert (shown.strange, shown.opened) == ([], [])


@given(st.text(alphabet="<>\"'=/! -ab&;:", max_size=40))
@settings(max_examples=150)
def test_random_characters_become_no_markup(fragment: str) -> None:
    assert Parsed(sanitize_html(fragment)).strange == []


@pytest.mark.parametrize(
    "fragment",
    [
        html(one_of_each_view("<script> & 'more'")).replace("<svg></svg>", "[svg left out]"),
        '<p><a href="https://example.com/a#b">a</a> <a href="20_plan_and_apply.ipynb">b</a></p>',
        '<table border="1" class="dataframe"><tr style="text-align: right;"><th></th><th>a</th></tr></table>',
        "<ul><li>a<br></li></ul><hr/>",
    ],
)
def test_known_markup_stays_as_it_is(fragment: str) -> None:
    assert sanitize_html(fragment) == fragment


@pytest.mark.parametrize(
    ("fragment", "shown"),
    [
        ("<b>kept</b><script>gone</script><style>gone</style>", "<b>kept</b>[script left out]"),
        ("<script>to be read", "&lt;script&gt;to be read"),
        ("<p>a <SVG><circle/></svg> b</p>", "<p>a [svg left out] b</p>"),
        ("<math><mi>x</mi></math>", "[math left out]"),
        ("<svg><circle>to be read", "&lt;svg&gt;&lt;circle&gt;to be read"),
        ('<a href="javascript:alert(1)">a</a>', "<a>a</a>"),
        ('<a href="java&#10;script:alert(1)">a</a>', "<a>a</a>"),
        ('<img src="https://example.com/x" alt="a picture">', '<img alt="a picture">'),
        ('<img src="data:image/png;base64,AAAA">', '<img src="data:image/png;base64,AAAA">'),
        ("<p onclick='a' style='position: fixed' id=a class=b>c</p>", '<p class="b">c</p>'),
        ("a <!-- b --> c <!-- d", "a  c &lt;!-- d"),
        ("<p>a<b>b", "<p>a<b>b</b></p>"),
        ("&#8238;a &copy; &amp;", r"\u202ea © &amp;"),
        ("</main>a", "&lt;/main&gt;a"),
    ],
)
def test_unknown_markup_becomes_text_and_active_attributes_are_removed(fragment: str, shown: str) -> None:
    assert sanitize_html(fragment) == shown


@pytest.mark.parametrize(
    "fragment",
    [
        "<div>" * 20_000,
        "<b>x</b>" * 40_000 + "<x>",
        "<p><div>" * 101,
        "<script" * 99_000,
        "<style>a<!--" * 50_000,
    ],
)
def test_markup_without_end_is_shown_as_text_without_parsing_it(fragment: str) -> None:
    with processor_limit():
        shown = sanitize_html(fragment)

    assert shown == f"<pre>{escape(fragment)}</pre>"


def test_a_terminal_s_text_loses_its_colours_and_keeps_every_line() -> None:
    stream = new_output("stream", name="stdout", text="\x1b[31mred\x1b[0m\r10%\r20%\n\x1b[8mhidden\x07")
    page = to_html("", "", new_notebook(cells=[new_code_cell("1", outputs=[stream])]))

    assert "<pre>red\n10%\n20%\nhidden\\u0007</pre>" in page


def test_pictures_are_shown_where_the_notebook_brings_them_along() -> None:
    prose = new_markdown_cell("![a](attachment:a.png)", attachments={"a.png": {"image/png": "AAAA"}})
    plots = [new_output("display_data", {kind: "AAAA"}) for kind in ("image/png", "image/svg+xml")]
    page = to_html("", "", new_notebook(cells=[prose, new_code_cell("1", outputs=plots)]))

    assert page.count("data:image/png;base64,AAAA") == 2
    assert page.count("data:image/svg+xml;base64,") == 1


def test_a_picture_that_the_notebook_lacks_is_shown_as_it_was_written() -> None:
    assert "<pre>![a](attachment:b.png)</pre>" in page_of(prose="![a](attachment:b.png)")


def test_a_cell_that_did_not_complete_says_so() -> None:
    states = ("completed", "failed", "timed-out", "aborted", "not-run")
    cells = [new_code_cell("1", metadata={"xacct_nb": {"state": state}}) for state in states]
    page = to_html("", "", new_notebook(cells=cells))

    assert re.findall(r'<p class="xacct-text bad">(.*?)</p>', page) == [
        "This cell reached its time limit and was interrupted.",
        "This cell was interrupted.",
        "This cell was not run.",
    ]


def test_no_metadata_hides_what_was_run() -> None:
    hidden = new_code_cell("secretly()", metadata={"transient": {"remove_source": True}})
    raw = new_raw_cell("raw", metadata={"raw_mimetype": "text/latex"})
    page = to_html("", "", new_notebook(cells=[hidden, raw]))

    assert "secretly" in page
    assert "<pre>raw</pre>" in page


def test_half_of_a_surrogate_pair_is_kept_as_its_escape() -> None:
    notebook = new_notebook(cells=[new_code_cell("'\ud800'", id="one")])

    assert json.loads(to_ipynb(notebook).encode())["cells"][0]["source"] == ["'\ud800'"]
    assert r"\ud800" in to_html("", "", notebook)


def test_what_the_top_of_the_page_shows_is_not_shown_again_below() -> None:
    table = f'<table class="xacct-table"><tbody><tr><td>{"a plan " * 40}</td></tr></tbody></table>'
    other = table.replace("a plan", "a proof")
    outputs = [new_output("display_data", {"text/html": each}) for each in (table, other)]

    page = to_html(
        "", f"<section>{table}</section>", new_notebook(cells=[new_code_cell("1", outputs=outputs)])
    )

    assert page.count("a plan " * 40) == 1
    assert page.count("a proof " * 40) == 1
    assert "Shown at the top of this page." in page
