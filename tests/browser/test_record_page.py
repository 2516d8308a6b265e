"""The page of a record with a hostile notebook, in a real browser: whole, and nothing in it acts."""

import re
from pathlib import Path

import pytest
from playwright.sync_api import Page

from support.hostile_notebooks import PROSE, hostile_notebook, seen
from xacct_nb.jupyter.export import to_html

pytestmark = pytest.mark.browser

# The policy keeps a page from acting too; mail programs and ticket systems may drop it.
POLICY = re.compile(r'<meta http-equiv="Content-Security-Policy"[^>]*>')


@pytest.fixture(scope="module")
def hostile() -> str:
    return to_html("plan_and_apply: succeeded", "<p>summary</p>", hostile_notebook())


@pytest.mark.parametrize("policy", [True, False], ids=["with-its-policy", "without-its-policy"])
def test_nothing_runs_is_fetched_or_hides_the_rest(
    hostile: str, page: Page, tmp_path: Path, policy: bool
) -> None:
    file, asked, dialogs = tmp_path / "run.html", list[str](), list[str]()
    file.write_text(hostile if policy else POLICY.sub("", hostile), encoding="utf-8")
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page.goto(file.as_uri())
    page.wait_for_load_state("networkidle")
    page.locator("details > summary").click()
    words = page.locator("body").inner_text()

    assert [each for each in asked if not each.startswith("data:")] == [file.as_uri()]
    assert dialogs == []
    assert page.title() == "plan_and_apply: succeeded"
    assert [each for each in map(seen, range(len(PROSE))) if each not in words] == []
    assert "the last words" in words
    assert page.locator("details > *").last.inner_text().endswith("the last words")


def test_what_seems_to_be_a_link_or_a_form_leads_nowhere_else(
    hostile: str, page: Page, tmp_path: Path
) -> None:
    (tmp_path / "run.html").write_text(POLICY.sub("", hostile), encoding="utf-8")
    page.goto((tmp_path / "run.html").as_uri())
    links = page.evaluate("() => [...document.links].map(each => each.getAttribute('href'))")

    assert [each for each in links if not re.match("#|https://", each)] == []
    assert page.locator("form, button, input, textarea, select, iframe, object, embed, video").count() == 0
