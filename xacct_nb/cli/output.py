"""What all commands share: errors as messages and exit codes, values as text or JSON, signals, progress."""

import json
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import reduce, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from xacct_nb.errors import EXIT_CODES, XacctError
from xacct_nb.views import on_one_line

if TYPE_CHECKING:  # they load pydantic, and -h needs neither
    from xacct_nb.records.fields import RunError
    from xacct_nb.runs.demo import Demonstration
    from xacct_nb.runs.runner import RunResult

PATH = click.Path(path_type=Path)
_JSON_HELP = "Print one JSON object on standard output and nothing else there."
_NO_RECORD = {"record": "", "digest": "", "summary": "", "seconds": 0.0}


def add_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that adds these options to a command, in this order."""
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)


def handle_errors(command: Callable[..., Any]) -> Callable[..., Any]:
    """Wrap a command: an XacctError is printed to standard error and sets the exit code."""

    @wraps(command)
    def run(*args: Any, **options: Any) -> Any:
        try:
            return command(*args, **options)
        except XacctError as problem:
            _fail(problem.status, problem.to_json(), f"{problem.code}: {problem}", options)
        except KeyboardInterrupt:
            _fail("interrupted", None, "Interrupted.", options)

    return run


def _fail(status: str, error: dict[str, Any] | None, message: str, options: dict[str, Any]) -> NoReturn:
    from xacct_nb.redaction.patterns import credentials_in
    from xacct_nb.redaction.redact import redact_all

    error, message = redact_all([error, message], credentials_in(os.environ))
    if options.get("as_json"):
        click.echo(json.dumps({"status": status, **_NO_RECORD, "error": error}))
    click.echo(message, err=True)
    sys.exit(EXIT_CODES[status])


# A command with --json prints its errors so too.
with_json = add_options(click.option("--json", "as_json", is_flag=True, help=_JSON_HELP), handle_errors)


def print_value(value: object, printed: Any, as_json: bool) -> None:
    """Print a value as text, or its JSON data."""
    click.echo(json.dumps(printed) if as_json else str(value))


def print_error(error: "RunError | None") -> None:
    """Print the error that ended a run to standard error, as `handle_errors` prints one before a run."""
    if error:
        lines = XacctError(error.what, why=error.why, hint=error.hint)
        click.echo(f"{error.code}: {lines}", err=True)


def end_run(result: "RunResult | Demonstration", as_json: bool) -> NoReturn:
    """Print a run's result, its error to standard error as well, and exit with the code of its status.

    The text shows the error too. It is not printed twice where both streams go to one terminal or file.
    """
    print_value(result, result.to_json(), as_json)
    if as_json or not _is_one_stream():
        print_error(result.record.error)
    sys.exit(EXIT_CODES[result.record.status])


def _is_one_stream() -> bool:
    """Return whether standard output and standard error go to the same terminal, pipe or file."""
    try:
        sys.stdout.flush()
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):  # a stream without a file of the system
        return False


def interrupt_on_signals() -> None:
    """Make SIGTERM and SIGHUP end a run as Ctrl-C does: its record is sealed as `interrupted`."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, signal.default_int_handler)


@contextmanager
def progress_bar() -> Iterator[Callable[[int, int, str], None]]:
    """Show progress on standard error: a bar on a terminal, one line for each step elsewhere."""
    if not sys.stderr.isatty():
        yield lambda done, total, title: click.echo(f"[{done + 1}/{total}] {on_one_line(title)}", err=True)
        return
    from tqdm import tqdm

    with tqdm(total=0, unit="cell", leave=False) as bar:

        def report(done: int, total: int, title: str) -> None:
            bar.total, bar.n = total, done
            bar.set_description(on_one_line(title))

        yield report
