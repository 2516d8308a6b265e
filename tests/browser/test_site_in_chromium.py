"""The browser edition in Chromium: a sheet from its first cell to the clean-up, with nothing but the site."""

import json
import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import pytest
from playwright.sync_api import Page

from xacct_nb.errors import MissingTool
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.publish import solution_notebook
from xacct_nb.workshop.sheets import all_sheets
from xacct_nb.workshop.site.build import build_site, default_cache

pytestmark = pytest.mark.browser
FIRST, *OTHERS = all_sheets()


class Quiet(SimpleHTTPRequestHandler):
    """Serves files as `python -m http.server` does, without a line for each."""

    def log_message(self, *_: object) -> None:
        """Write nothing."""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a site whose notebooks hold solutions."""
    folder = tmp_path_factory.mktemp("site") / "site"
    try:
        build_site(folder, default_cache(), print)
    except MissingTool as problem:
        pytest.skip(f"What the site is made of cannot be fetched: {problem}")
    for sheet in all_sheets():
        text = json.dumps(solution_notebook(sheet))
        (folder / "files" / f"{sheet.stem}.ipynb").write_text(text)
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    shutil.rmtree(folder, ignore_errors=True)


def opened(page: Page, site: str, sheet: Sheet) -> list[str]:
    """Open a sheet from the list; return all requests, a list that is filled later."""
    requests = list[str]()
    page.context.on("request", lambda request: requests.append(request.url))
    page.goto(site)
    page.get_by_role("link", name=sheet.title).click()
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=120_000)
    return requests


def run_all(page: Page, correct: int) -> str:
    """Run all cells of the notebook, and return what they show."""
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    shown = page.locator(".jp-OutputArea-output")
    shown.filter(has_text="it was all listed once more").first.wait_for(timeout=120_000)
    texts = shown.all_text_contents()  # also of cells that are scrolled out of sight

    assert sum("Correct." in text for text in texts) == correct, texts
    return "\n".join(texts)


def foreign(requests: list[str], site: str) -> list[str]:
    """Return the requests that leave the site."""
    return [url for url in requests if not url.startswith((site, "data:", "blob:"))]


def test_the_first_sheet_is_solved_without_a_network_and_its_progress_stays(page: Page, site: str) -> None:
    requests = opened(page, site, FIRST)
    shown = run_all(page, len(FIRST.exercises))
    page.wait_for_timeout(1_500)  # the browser writes what it keeps
    again = page.context.new_page()
    opened(again, site, FIRST)
    shown_again = run_all(again, len(FIRST.exercises))

    assert foreign(requests, site) == []
    assert "A browser tab has no terminal" in shown
    assert "0 of 4 exercises are correct." in shown
    assert "4 of 4 exercises are correct." in shown_again


@pytest.mark.exhaustive
@pytest.mark.parametrize("sheet", OTHERS, ids=lambda sheet: sheet.stem)
def test_each_sheet_is_solved_in_the_tab(page: Page, site: str, sheet: Sheet) -> None:
    print(f"{sheet.number} of {len(OTHERS) + 1}")
    requests = opened(page, site, sheet)
    run_all(page, len(sheet.exercises))

    assert foreign(requests, site) == []
