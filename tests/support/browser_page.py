"""What no page may have in a browser: errors in its console, findings of axe, parts that are cut off."""

import re
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Locator, Page

DIGEST = re.compile(r"Digest: ([0-9a-f]{64})")
APPROVAL = "First 8 characters of the digest"
# What JupyterLab itself writes to the console as errors.
OF_JUPYTERLAB: tuple[re.Pattern[str], ...] = ()
# JupyterLab leaves out what is far from the window, and axe does too.
_TALL = 20_000  # pixels
_WIDER = """shown => [...document.querySelectorAll(shown)].filter(
  each => each.offsetParent && each.scrollWidth > each.clientWidth + 1
).map(each => each.outerHTML.slice(0, 200))"""


class ConsoleErrors(list[str]):
    """The errors that the pages of a context write to their consoles, as they come."""

    def __init__(self, context: BrowserContext, *allowed: str) -> None:
        self._allowed = (*map(re.compile, allowed), *OF_JUPYTERLAB)
        context.on("console", lambda each: self._note(each.text) if each.type == "error" else None)
        context.on("weberror", lambda each: self._note(str(each.error)))

    def _note(self, text: str) -> None:
        if not any(each.search(text) for each in self._allowed):
            self.append(text)


def serious(page: Page, within: str = "html") -> list[str]:
    """Return the serious and critical findings of axe in all parts of a page that match."""
    size = page.viewport_size
    assert size
    assert page.locator(within).count()
    page.set_viewport_size({**size, "height": _TALL})
    found = Axe().run(page, context=within).response["violations"]
    page.set_viewport_size(size)
    return [
        f"{each['id']}: {node['html']} {_first(node)}"
        for each in found
        if each["impact"] in ("serious", "critical")
        for node in each["nodes"]
    ]


def cut_off(page: Page, within: str) -> list[str]:
    """Return the parts that are wider than their place, so that a person must scroll sideways."""
    return list(page.evaluate(_WIDER, within))


def digest_in(shown: Locator) -> str:
    """Return the digest of the plan that is shown there."""
    found = DIGEST.search(shown.text_content() or "")  # its text as it stands in the page, drawn or not
    assert found
    return found[1]


def described(page: Page, field: Locator) -> Locator:
    """Return what a screen reader says with a field."""
    return page.locator(f"#{field.get_attribute('aria-describedby') or 'nothing'}")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def tab_to(page: Page, wanted: Locator, *, backwards: bool = False) -> None:
    """Press Tab until this has the focus."""
    for _ in range(100):
        if wanted.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Shift+Tab" if backwards else "Tab")
    raise AssertionError(f"Tab does not lead to {wanted}")


def _first(node: dict[str, Any]) -> str:
    return next((each["message"] for each in (*node["any"], *node["all"], *node["none"])), "")
