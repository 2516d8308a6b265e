"""A page in a real Chromium tries every way to act in the sandbox; on an open MiniStack they act."""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, BrowserContext
from playwright.sync_api import Error as BrowserError

from support.bare_ministack import ministack
from support.ways_in import ACCOUNT, WAYS, Relay, Way, page_of, relay, site
from xacct_nb.aws.clients import connect
from xacct_nb.sandbox.server import client
from xacct_nb.sandbox.server.state import Sandbox

# The browser itself sends no request: it only connects, shows no icon, or blocks the address or the page.
NOTHING_SENT = {
    "preconnect and the name looked up",
    "0.0.0.0",
    "icon",
    "img of a data URL",
    "fetch of a data URL",
}
PATIENCE = 20_000  # milliseconds
EVERY = range(len(WAYS))
# One of each kind, for the tests of every day.
KINDS = (
    "img|script|iframe|beacon|fetch POST without CORS|fetch with a signature|web socket|form POST|faults|"
    "reset|form of plain text|form of a file|form of a data URL|web identity by fetch|web identity by a form|"
    "assertion by a form|assertion by a form of a data URL"
)
SOME = [number for number in EVERY if WAYS[number].name in KINDS.split("|")]


@pytest.mark.parametrize(
    "numbers", [SOME, pytest.param(EVERY, marks=pytest.mark.exhaustive)], ids=["some", "every"]
)
def test_no_way_in_acts(browser: Browser, sandbox: Sandbox, tmp_path: Path, numbers: list[int]) -> None:
    before = state_of(sandbox)
    with relay(sandbox.endpoint) as way_in, site() as page:
        tried = attempt(browser, way_in, page, tmp_path, numbers)
    acted = [WAYS[number].name for number in numbers if f"way-{number}" in users(sandbox)]
    print(f"\n{len(acted)} of {len(tried)} acted; {sum(tried.values())} of them sent a request to it")

    assert acted == []
    assert state_of(sandbox) == before
    assert {name for name, reached in tried.items() if not reached} <= NOTHING_SENT
    assert way_in.statuses() <= {"403"}


def test_ways_in_act_where_nothing_is_closed(browser: Browser, tmp_path: Path) -> None:
    with ministack() as bare, relay(bare.endpoint) as way_in, site() as page:
        numbers = [number for number in SOME if WAYS[number].name != "reset"]
        attempt(browser, way_in, page, tmp_path, numbers)
        acted = [WAYS[number].name for number in numbers if f"way-{number}" in users(bare)]
    print(f"\n{len(acted)} of {len(numbers)} acted on a MiniStack that is not closed: {', '.join(acted)}")

    assert {"img", "fetch POST without CORS", "form POST"} <= {*acted}


def attempt(browser: Browser, way_in: Relay, page: str, folder: Path, numbers: list[int]) -> dict[str, bool]:
    """Try the ways one after the other, each on a page of its own; whether each sent a request."""
    context = browser.new_context()  # its pages stay open: closing one that is being left may take forever
    for number in numbers:
        script = WAYS[number].code(number, way_in.port)
        (folder / "page.html").write_text(page_of(script))
        pages = {
            "http": f"{page}?{quote(script)}",
            "file": (folder / "page.html").as_uri(),
            "data": f"data:text/html,{quote(page_of(script))}",
        }
        _try(context, WAYS[number], number, way_in, pages[WAYS[number].page])
    return {WAYS[number].name: way_in.reached(number) for number in numbers}


def _try(context: BrowserContext, way: Way, number: int, way_in: Relay, address: str) -> None:
    page = context.new_page()
    with suppress(BrowserError):  # a page that leads elsewhere at once
        page.goto(address, wait_until="commit", timeout=PATIENCE)
    _until(lambda: way_in.reached(number), 0.3 if way.name in NOTHING_SENT else 5.0)
    time.sleep(0.03)  # a preflight is followed by its request


def _until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds() and time.monotonic() < deadline:
        time.sleep(0.01)


def users(sandbox: Sandbox) -> set[str]:
    secret = sandbox.root_secret(ACCOUNT)
    iam = connect("iam", endpoint_url=sandbox.endpoint, access_key_id=ACCOUNT, secret_access_key=secret)
    return {user["UserName"] for user in iam.list_users()["Users"]}


def state_of(sandbox: Sandbox) -> tuple[Any, ...]:
    """What a page could have changed: users, faults, an organization, everything by a reset."""
    return users(sandbox), client.misbehaviour(sandbox)
