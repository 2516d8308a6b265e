"""The status of a class on a terminal: once, or repainted until it is ended; or served as a page."""

import json
import os
import sys
import time
from contextlib import suppress
from pathlib import Path

import click

from xacct_nb.cli.output import print_value
from xacct_nb.workshop.class_status import ClassStatus, class_status
from xacct_nb.workshop.folders import status_folder
from xacct_nb.workshop.sheets import all_sheets

_SECONDS = 2.0  # between two looks
_HOME_AND_CLEAR = "\x1b[H\x1b[J"


def show_status(folder: Path | None, *, follow: bool, port: int | None, as_json: bool) -> None:
    """Print the status of the class in a folder; serve it as a page with a `port`; `follow` repeats it."""
    shown = folder or status_folder()
    if folder is None:
        with suppress(OSError):  # before the first sheet is opened, there is no folder yet
            shown.mkdir(mode=0o700, parents=True, exist_ok=True)
    if port is not None:
        _serve(shown, port)
    elif follow:
        _follow(shown, as_json)
    else:
        found = class_status(shown, all_sheets())
        print_value(found, found.to_json(), as_json)


def _follow(folder: Path, as_json: bool) -> None:
    """Print the status when it has changed, on a terminal in the same place, until Ctrl-C."""
    before = None
    on_screen = sys.stdout.isatty() and not as_json and os.environ.get("TERM") != "dumb"
    while True:
        found = class_status(folder, all_sheets())
        if on_screen:  # also unchanged: how long ago everybody was seen changes with the time
            click.echo(_HOME_AND_CLEAR, nl=False)
            print_value(found, None, False)
        elif _changes(found) != before:
            print_value(found, found.to_json(), as_json)
        before = _changes(found)
        sys.stdout.flush()
        time.sleep(_SECONDS)


def _changes(found: ClassStatus) -> str:
    return json.dumps({**found.to_json(), "read_at": ""})


def _serve(folder: Path, port: int) -> None:
    from xacct_nb.workshop.class_page import ClassPage

    with ClassPage(folder, port) as page:
        click.echo(f"The class: {page.address}\nEnd it with Ctrl-C.", err=True)
        page.serve()
