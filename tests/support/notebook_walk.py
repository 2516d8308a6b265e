"""Run a notebook in JupyterLab as a person does, by keyboard alone."""

import json
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from support.browser_page import APPROVAL, digest_in, press, tab_to
from support.jupyterlab import Lab

OUTPUTS = ".jp-OutputArea"
UNLABELLED = """() => [...document.querySelectorAll(".jp-OutputArea :is(input, textarea, select, button)")]
    .filter(each => each.offsetParent && !each.labels?.length && !each.textContent.trim() && !each.ariaLabel)
    .map(each => each.outerHTML)"""
AT_CELLS = "() => document.activeElement.matches('.jp-Notebook :not(input, textarea, select)')"
ACTIVE = """() => [...document.querySelectorAll('.jp-Notebook .jp-Cell')].findIndex(
    each => each.matches('.jp-mod-active'))"""


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
        end = self.place_of(source)
        self.go_to(self.at)
        for _ in range(self.at, end + 1):
            self.page.keyboard.press("Shift+Enter")
        prompt = self.page.locator(".jp-Notebook .jp-Cell").nth(end).locator(".jp-InputArea-prompt")
        expect(prompt).to_have_text(re.compile(r"\[\d+\]:"))
        self.at = end + 1

    def run_again(self, first: str, source: str) -> None:
        """Run the cells from the one with the last line `first` to the one with this last line."""
        self.at = self.place_of(first)
        self.run_to(source)

    def write(self, cell: int, code: str) -> None:
        """Go to a cell, put this code in place of what is in it, and leave it."""
        self.go_to(cell)
        self.page.keyboard.press("Enter")
        self.page.keyboard.press("Control+a")
        self.page.keyboard.insert_text(code)
        self.page.keyboard.press("Escape")
        self.at = cell

    def restart(self) -> None:
        """Restart the kernel by JupyterLab's keys for it, and wait until it is ready."""
        self.go_to(self.at)
        press(self.page, "0", "0")
        self.page.get_by_role("button", name="Confirm Kernel Restart").click()
        self.page.get_by_role("button", name="Confirm Kernel Restart").wait_for(state="detached")
        expect(self.page.get_by_text("Python 3 (ipykernel) | Idle")).to_be_visible()

    def go_to(self, cell: int) -> None:
        """Leave the form by Tab, and go to a cell by the arrow keys."""
        for _ in range(200):
            if self.page.evaluate(AT_CELLS):
                break
            self.page.keyboard.press("Tab")
        away = cell - self.page.evaluate(ACTIVE)
        for _ in range(abs(away)):
            self.page.keyboard.press("ArrowDown" if away > 0 else "ArrowUp")

    def go_into(self, source: str, field: Locator) -> None:
        """Go to the cell with this last line, and into a field that it shows."""
        self.go_to(self.place_of(source))
        tab_to(self.page, field)

    def replace(self, text: str) -> None:
        """Type a text in place of what is in the field."""
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def approve(self, shown: str = "approval") -> str:
        """Type the start of the digest into the form for approval, which a cell shows; return the digest."""
        self.go_into(shown, self.field(APPROVAL))
        digest = digest_in(self.said("Digest: ").last)
        self.replace(digest[:8])
        self.page.keyboard.press("Enter")
        expect(self.said(f"Approved: {digest}")).to_be_visible()
        return digest

    def place_of(self, source: str) -> int:
        """Return the position of the cell with this last line."""
        return next(at for at, each in enumerate(self.sources) if each.splitlines()[-1] == source)

    def outputs(self, source: str) -> Locator:
        """Return what the cell with this last line shows."""
        cells = self.page.locator(".jp-Notebook .jp-Cell")
        return cells.nth(self.place_of(source)).locator(OUTPUTS).first

    def unlabelled(self) -> list[str]:
        """Return the fields and buttons without a label or a text."""
        return list(self.page.evaluate(UNLABELLED))

    def darken(self) -> None:
        """Choose JupyterLab's dark theme, in the palette of its commands."""
        self.page.keyboard.press("Control+Shift+C")
        self.page.keyboard.type("Theme: JupyterLab Dark")
        self.page.keyboard.press("Enter")
        expect(self.page.locator("body[data-jp-theme-light='false']")).to_have_count(1)

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
