"""Run a notebook in JupyterLab as a person does."""

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from support.jupyterlab import Lab

UNLABELLED = """() => [...document.querySelectorAll(".jp-OutputArea :is(input, textarea, select, button)")]
    .filter(each => each.offsetParent && !each.labels?.length && !each.textContent.trim() && !each.ariaLabel)
    .map(each => each.outerHTML)"""


class Walk:
    """A person at a notebook in JupyterLab: runs cell after cell, and waits for what the last one shows."""

    def __init__(self, lab: Lab, page: Page, notebook: str) -> None:
        self.page, self.at = page, 0
        self.path = lab.notebooks / notebook
        self.sources = sources(self.path)
        page.goto(lab.link(notebook))
        expect(page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def run_to(self, source: str) -> None:
        """Run the cells up to the one with this last line, and wait until it has run."""
        end = next(at for at, each in enumerate(self.sources) if each.splitlines()[-1] == source)
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        cells.nth(self.at).locator(".jp-InputPrompt, .jp-InputArea-prompt").first.click()
        for _ in range(self.at, end + 1):
            self.page.keyboard.press("Shift+Enter")
        expect(cells.nth(end).locator(".jp-InputArea-prompt")).to_have_text(re.compile(r"\[\d+\]:"))
        self.at = end + 1

    def unlabelled(self) -> list[str]:
        """Return the fields and buttons without a label or a text."""
        return list(self.page.evaluate(UNLABELLED))

    def saved(self) -> str:
        """Save the notebook, and return its text on disk."""
        self.page.locator("[data-command='docmanager:save']").click()
        expect(self.page.locator(".lm-TabBar-tab.jp-mod-dirty")).to_have_count(0)
        return self.path.read_text()

    def field(self, label: str) -> Locator:
        return self.page.get_by_label(label, exact=True)

    def policy(self, title: str) -> Locator:
        return (
            self.page.get_by_role("figure", name=title).or_(self.page.locator("figure", has_text=title)).first
        )

    def said(self, words: str) -> Locator:
        return self.page.locator(".xacct-text", has_text=words)


def sources(notebook: Path) -> list[str]:
    return ["".join(cell["source"]) for cell in json.loads(notebook.read_text())["cells"]]
