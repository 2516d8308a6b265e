"""A JupyterLab with its own sandbox and records folder, and a real Chromium to drive it."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from support.browser_page import ConsoleErrors
from support.jupyterlab import (
    FLAGS,
    ROOT,
    Lab,
    LabServer,
    install,
    installed,
    running_lab,
)
from xacct_nb.runs.sandboxes import open_sandbox, reset_sandbox
from xacct_nb.sandbox.server import server as sandbox_server
from xacct_nb.storage.ledger import read_ledger

PATIENCE = 60_000  # milliseconds


@pytest.fixture(scope="session")
def chromium() -> str:
    """Return the system's Chromium; install it as root where apt-get is there."""
    with (Path(tempfile.gettempdir()) / "xacct-nb-chromium.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not installed() and os.geteuid() == 0 and shutil.which("apt-get"):
            install()
    return installed() or pytest.skip(
        "There is no Chromium here: install chromium, or run as root with apt-get."
    )


@pytest.fixture(scope="session")
def browser(chromium: str) -> Iterator[Browser]:
    flags = [*FLAGS, *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=flags)
        yield browser
        browser.close()


@pytest.fixture
def window(browser: Browser, tmp_path: Path) -> Iterator[Callable[..., Page]]:
    """Open windows of the browser; an error in the console of any tab of theirs fails the test.

    `allowed` are patterns of errors that the test is about. A picture of each window's end is saved.
    """
    opened = list[tuple[Page, ConsoleErrors]]()

    def open_window(width: int = 1280, height: int = 1000, allowed: tuple[str, ...] = ()) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height})
        context.set_default_timeout(PATIENCE)
        expect.set_options(timeout=PATIENCE)
        errors = ConsoleErrors(context, *allowed)
        opened.append((context.new_page(), errors))
        return opened[-1][0]

    yield open_window
    found = [error for _, errors in opened for error in errors]
    for number, (page, _) in enumerate(opened):
        page.screenshot(path=tmp_path / f"in_the_end_{number}.png")
        page.context.close()

    assert found == []


@pytest.fixture
def page(window: Callable[..., Page]) -> Page:
    """A window of 1280 pixels."""
    return window()


@pytest.fixture(scope="session")
def lab_server(chromium: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabServer]:
    """Start one JupyterLab on the loopback for all tests, and end it by its process id."""
    folder = tmp_path_factory.mktemp("lab")
    open_sandbox(folder / "sandbox")
    try:
        with running_lab(folder) as server:
            yield server
    finally:
        sandbox_server.down(folder / "sandbox")


@pytest.fixture
def lab(lab_server: LabServer, tmp_path: Path) -> Lab:
    """Return the test's own folder in that JupyterLab, with a copy of the notebooks; reset the accounts."""
    reset_sandbox(lab_server.root.parent / "sandbox")
    notebooks = lab_server.root / tmp_path.name
    shutil.copytree(ROOT / "notebooks", notebooks)
    return Lab(lab_server, notebooks, len(read_ledger(lab_server.records)))
