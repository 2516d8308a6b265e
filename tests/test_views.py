"""A view is described once and rendered as text and as HTML, safely in both."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from support.examples import ALICE, a_grant
from support.sample_views import TITLES, characters_of, one_of_each_view
from xacct_nb.changes.journal import Entry, Journal
from xacct_nb.changes.plan import Change
from xacct_nb.changes.planner import diff
from xacct_nb.changes.proof import ALLOWED, Outcome, Proof, expected_probes
from xacct_nb.grants.documents import build
from xacct_nb.grants.state import State
from xacct_nb.linting.findings import lint
from xacct_nb.redaction.invisible import printable
from xacct_nb.views import (
    Code,
    Diff,
    Link,
    Page,
    Picture,
    Shown,
    SideBySide,
    Snippet,
    Table,
    Text,
    html,
    text,
)

HOSTILE = "<script>alert('x')</script>\x1b[2J\x00\u202eevil\u2066\u200f\x9b"
LEFT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def test_a_table_aligns_its_columns() -> None:
    table = Table(("name", "value"), (("a", "1"), ("longer", "2")), caption="Things")

    assert text(table) == "Things\nname    value\n------  -----\na       1\nlonger  2"


def test_a_long_cell_is_wrapped_in_its_own_column() -> None:
    table = Table(("name", "value"), (("x" * 66, "1"),))

    assert text(table).splitlines()[2:] == [f"{'x' * 64}  1", "xx"]


def test_a_table_without_headers_is_its_rows() -> None:
    assert text(Table(("", ""), (("status", "succeeded"),), caption="Run")) == "Run\nstatus  succeeded"


def test_lines_of_a_cell_stay_lines() -> None:
    assert text(Table(("a", "b"), (("1\n2", "x"),))).splitlines()[2:] == ["1  x", "2"]


def test_a_table_without_rows_is_its_head() -> None:
    assert text(Table(("a", "b"), ())) == "a  b\n-  -"


def test_a_diff_shows_removed_and_added_lines() -> None:
    assert (
        text(Diff("trust", "one\ntwo\n", "one\nthree\n"))
        == "trust\n  @@ -1,2 +1,2 @@\n   one\n  -two\n  +three"
    )


def test_a_new_text_has_no_line_numbers() -> None:
    assert text(Diff("trust", "", "one\ntwo")) == "trust\n  +one\n  +two"


def test_a_removed_text_has_no_line_numbers() -> None:
    assert text(Diff("trust", "one\ntwo", "")) == "trust\n  -one\n  -two"


def test_equal_texts_have_no_diff_lines() -> None:
    assert Diff("trust", "one", "one").lines == []


def test_code_is_indented_under_its_title() -> None:
    assert text(Code("policy", "{\n}")) == "policy\n  {\n  }"


def test_a_page_is_its_title_and_its_parts() -> None:
    assert text(Page("Plan", (Text("one"), Text("two")))) == "Plan\n====\n\none\n\ntwo"


def test_views_side_by_side_follow_each_other_in_text() -> None:
    assert text(SideBySide(Text("left"), Text("right"))) == "left\n\nright"


@pytest.mark.parametrize(
    ("link", "href"),
    [
        (Link("AWS", "https://docs.aws.amazon.com/IAM?a=b:c#d"), "https://docs.aws.amazon.com/IAM?a=b:c#d"),
        (Link("Glossary", "../docs/glossary.md#plan"), "../docs/glossary.md#plan"),
        (Link("Record", "/home/ada/run.html", "../records/a%20b/run.html"), "../records/a%20b/run.html"),
        (Link("Record", "/home/ada/run.html", "/files/run.html"), "/files/run.html"),
        (Link("Record", "/home/ada/run.html"), ""),
        (Link("Elsewhere", "//example.com/x"), ""),
        (Link("Script", "javascript:alert(1)"), ""),
        (Link("Script", " JavaScript:alert(1)"), ""),
        (Link("Script", "java\nscript:alert(1)"), ""),
        (Link("Script", "fine.html", "data:text/html,<script>"), ""),
        (Link("Backslash", "\\\\example.com"), ""),
    ],
)
def test_a_link_opens_a_web_address_or_a_path_and_nothing_else(link: Link, href: str) -> None:
    found = re.findall(r'href="([^"]*)"', html(link))

    assert found == ([href] if href else [])
    assert text(link) == printable(f"{link.text}: {link.target}")


def test_a_picture_is_its_text_alternative_in_text() -> None:
    assert text(Picture("Access", "<svg></svg>", "one way\nalice to r")) == "Access\n  one way\n  alice to r"


def test_a_picture_that_no_template_has_escaped_is_shown_as_text() -> None:
    assert "<svg" not in html(Picture("Access", "<svg onload=alert(1)>", "one way"))


def test_a_snippet_shows_itself_to_be_copied() -> None:
    assert repr(Snippet("aws sts")) == "aws sts"
    assert "<pre" in Snippet("aws sts")._repr_html_()


def test_a_tone_is_a_class_and_not_a_word() -> None:
    table = Table(("a",), (("1",), ("2",)), tones=("good", "bad"))

    assert '<tr class="bad"><td class="brief">2</td></tr>' in html(table)
    assert "bad" not in text(table)


def test_hostile_text_is_escaped_in_html() -> None:
    page = html(one_of_each_view(HOSTILE))

    assert "<script" not in page
    assert page.count("&lt;script&gt;") == TITLES
    assert not LEFT.search(page)


def test_hostile_text_is_neutralised_in_text() -> None:
    shown = text(one_of_each_view(HOSTILE))

    assert not LEFT.search(shown)
    assert r"\u001b[2J" in shown
    assert r"\u202e" in shown


def test_tabs_line_feeds_and_letters_of_all_scripts_stay() -> None:
    assert printable("a\tb\nÄ 漢字 עברית") == "a\tb\nÄ 漢字 עברית"


@given(st.text(max_size=80))
def test_nothing_moves_the_cursor_or_changes_the_direction(words: str) -> None:
    assert not LEFT.search(text(one_of_each_view(words)))
    assert not LEFT.search(html(one_of_each_view(words)))


plain = st.text(st.characters(whitelist_categories=("L", "N", "S", "Po")), min_size=1, max_size=80)


@given(plain)
def test_text_and_html_show_the_same_text(words: str) -> None:
    as_text, as_html = characters_of(one_of_each_view(words))

    assert as_text == as_html


PLAN = diff(build(a_grant()), State({}))
PROBES = expected_probes(a_grant())
ENTRY = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", "role role/r", "made", "id-1", 0.25)
VALUES: list[Shown] = [
    a_grant(),
    build(a_grant()),
    lint(build(a_grant(sources=["111111111111"]))),
    State({}),
    PLAN,
    *PLAN.changes,
    PLAN.reverse(),
    Journal("reports", PLAN.changes, (ENTRY,)),
    Proof(tuple(Outcome(probe, ALLOWED, ALICE) for probe in PROBES)),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: type(value).__name__)
def test_every_value_shows_the_same_as_text_and_as_html(value: Shown) -> None:
    as_text, as_html = characters_of(value.view())

    assert as_text == as_html


def test_text_that_others_wrote_into_aws_is_shown_safely() -> None:
    role = "arn:aws:iam::222222222222:role/r"
    tags = {"path": "/", "description": HOSTILE, "tags": {HOSTILE: HOSTILE}}
    entry = Entry("2026-11-24T10:15:00Z", "222222222222", "CreateRole", HOSTILE, HOSTILE, HOSTILE)
    values = [
        Change("role", role, "", tags, None),
        Change("inline-policy", role, HOSTILE, None, {"Statement": []}),
        Journal("reports", (), (entry,)),
        Proof((Outcome(PROBES[0], "Error", HOSTILE, HOSTILE),)),
    ]

    for value in values:
        assert not LEFT.search(str(value) + value._repr_html_())
        assert "<script" not in value._repr_html_()
