"""What every command has in common: errors as messages and exit codes, an orderly end, progress."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import wraps
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.errors import EXIT_CODES, XacctError
from xacct_nb.views import on_one_line

if TYPE_CHECKING:
    from xacct_nb.records.fields import RunError

as_json_option = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object on standard output and nothing else there."
)
_REFUSED = {"record": "", "digest": "", "summary": "", "seconds": 0.0}


def handle_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """An error of ours becomes its message on standard error and the exit code of its status."""

    @wraps(command)
    def tell(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except XacctError as problem:
            _end(problem.status, problem.to_json(), f"{problem.code}: {problem}", options)
        except KeyboardInterrupt:
            _end("interrupted", None, "Interrupted.", options)

    return tell


def _end(status: str, error: Any, words: str, options: dict[str, Any]) -> None:
    from xacct_nb.redaction.redact import redact_all
    from xacct_nb.runs.secrets import environment_secrets

    error, words = redact_all([error, words], environment_secrets())
    if options.get("as_json"):
        click.echo(json.dumps({"status": status, **_REFUSED, "error": error}))
    click.echo(words, err=True)
    sys.exit(EXIT_CODES[status])


def print_error(error: "RunError | None") -> None:
    """The error that ended a run, on standard error as one that was refused at the door."""
    if error:
        lines = XacctError(error.what, why=error.why, hint=error.hint)
        click.echo(f"{error.code}: {lines}", err=True)


def print_result(ended: Any, printed: Mapping[str, Any], error: "RunError | None", as_json: bool) -> None:
    """How a run ended, on standard output as a page or as JSON; its error on standard error as well.

    The page tells the error too: where both go to one place, as on a terminal, it is not told twice.
    """
    click.echo(json.dumps(printed) if as_json else str(ended))
    if as_json or not _one_place():
        print_error(error)


def _one_place() -> bool:
    """Whether standard output and standard error go to the same terminal, pipe or file."""
    try:
        sys.stdout.flush()
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):  # a stream that is none of the system's
        return False


def interrupt_on_signals() -> None:
    """A run that is told to end, or whose terminal is closed, seals its record as it does on Ctrl-C."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """A bar on a terminal, one line a step elsewhere; always on standard error."""
    if not sys.stderr.isatty():
        yield lambda done, total, title: click.echo(f"[{done + 1}/{total}] {on_one_line(title)}", err=True)
        return
    from tqdm import tqdm

    with tqdm(total=0, unit="cell", leave=False) as bar:

        def tell(done: int, total: int, title: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(on_one_line(title))

        yield tell
