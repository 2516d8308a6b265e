"""What all commands share: errors as messages and exit codes, values as text or JSON, signals, progress."""

import json
import os
import signal
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import click

from xacct_nb.errors import EXIT_CODES, InvalidParameters, XacctError, unexpected
from xacct_nb.redaction.invisible import on_one_line

if TYPE_CHECKING:  # they load pydantic, and -h needs neither
    from xacct_nb.records.fields import RunError
    from xacct_nb.runs.demo import Demonstration
    from xacct_nb.runs.handoff.running import HandoverRun
    from xacct_nb.runs.runner import RunResult

PATH = click.Path(path_type=Path)
_JSON_HELP = "Print one JSON object on standard output and nothing else there."
_WHOLE = 1_000  # characters; no first sentence of a help is longer
TRACEBACK_VARIABLE = "XACCT_TRACEBACK"
_NO_PLAN: dict[str, Any] = {"digest": "", "summary": "", "findings": [], "unaccepted": [], "card": None}
_NO_RECORD = {"record": "", **_NO_PLAN, "seconds": 0.0}


def add_options(*options: Callable[..., Any]) -> Callable[..., Any]:
    """Return a decorator that adds these options to a command, in this order."""
    return lambda command: reduce(lambda inner, option: option(inner), reversed(options), command)


class CommandGroup(click.Group):
    """A group whose help says of each command the whole sentence, in any width."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write one entry for each command; click would cut it off at the end of the line."""
        rows = [(name, each.get_short_help_str(limit=_WHOLE)) for name, each in sorted(self.commands.items())]
        with formatter.section("Commands"):
            formatter.write_dl(rows)


class CommandLine(CommandGroup):
    """The group of all commands; whatever they raise becomes a message, an exit code, and JSON if asked."""

    def main(self, args: Sequence[str] | None = None, *given: Any, **options: Any) -> NoReturn:
        """Run a command and exit, as click's `main` does, but whatever it raises."""
        words = list(sys.argv[1:] if args is None else args)
        asked = JsonAsked("--json" in words)
        try:
            options |= {"standalone_mode": False, "obj": asked}
            code = super().main(words, *given, **options)
        except click.ClickException as problem:
            problem.show()
            asked.answer("invalid-parameters", _usage_error(problem))
            code = problem.exit_code
        except click.Abort:
            code = asked.fail("interrupted", None, "Interrupted.")
        except XacctError as problem:
            code = asked.fail(problem.status, problem.to_json(), f"{problem.code}: {problem}")
        except Exception as problem:  # the outermost way in: nothing is behind it but a traceback
            _print_traceback(problem)
            error = unexpected(problem)
            code = asked.fail(error.status, error.to_json(), f"{error.code}: {error}")
        sys.exit(code if isinstance(code, int) else 0)

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; what click's `main` would print in its own way gets through to ours."""
        try:
            _check_current_folder()
            return super().invoke(ctx)
        except KeyboardInterrupt:
            sys.exit(ctx.obj.fail("interrupted", None, "Interrupted."))
        except (EOFError, OSError) as problem:
            _print_traceback(problem)
            raise unexpected(problem) from problem


@dataclass
class JsonAsked:
    """Whether the command is to print JSON, as far as its options are known yet."""

    asked: bool

    def answer(self, status: str, error: Mapping[str, Any] | None) -> None:
        """Print the one JSON object of a command that failed."""
        if self.asked:
            click.echo(json.dumps({"status": status, **_NO_RECORD, "error": _clean(error)}))

    def fail(self, status: str, error: Mapping[str, Any] | None, message: str) -> int:
        """Print the error; return the exit code of its status."""
        self.answer(status, error)
        click.echo(_clean(message), err=True)
        return EXIT_CODES[status]


def _check_current_folder() -> None:
    try:
        os.getcwd()
    except OSError as problem:
        raise InvalidParameters(
            "The current folder cannot be used.",
            why=f"{problem.strerror}: it was removed, or it is not yours to read.",
            hint="Change to another folder: cd ~",
        ) from problem


def _usage_error(problem: click.ClickException) -> dict[str, Any]:
    context = getattr(problem, "ctx", None)
    hint = f"See the help: {context.command_path} --help" if context else ""
    return {"code": "invalid-command", "what": problem.format_message(), "why": "", "hint": hint}


def _print_traceback(problem: BaseException) -> None:
    if os.environ.get(TRACEBACK_VARIABLE):
        click.echo(_clean("".join(traceback.format_exception(problem))), err=True)


def _clean(value: Any) -> Any:
    """Return the value without the credentials of the environment."""
    from xacct_nb.redaction.patterns import credentials_in
    from xacct_nb.redaction.redact import redact_all

    return redact_all(value, credentials_in(os.environ))


def _note_json(ctx: click.Context, option: click.Parameter, value: bool) -> bool:
    if isinstance(ctx.obj, JsonAsked):
        ctx.obj.asked = value
    return value


with_json = add_options(
    click.option("--json", "as_json", is_flag=True, is_eager=True, callback=_note_json, help=_JSON_HELP)
)


def json_to_file(description: str) -> Callable[..., Any]:
    """Return the option `--json FILE`; only with `-` standard output is for JSON."""

    def note(ctx: click.Context, option: click.Parameter, value: Path | None) -> Path | None:
        _note_json(ctx, option, value == Path("-"))
        return value

    return click.option(
        "--json", "json_file", type=PATH, is_eager=True, callback=note, metavar="FILE", help=description
    )


def print_value(value: object, printed: Any, as_json: bool) -> None:
    """Print a value as text in the width and colours of the terminal, or its JSON data."""
    if as_json:
        click.echo(json.dumps(printed))
    else:
        from xacct_nb.cli.terminal import on_terminal

        click.echo(on_terminal(value))


def print_error(error: "RunError | None") -> None:
    """Print the error that ended a run to standard error, as the command line prints one before a run."""
    if error:
        lines = XacctError(error.what, why=error.why, hint=error.hint)
        click.echo(f"{error.code}: {lines}", err=True)


def end_run(result: "RunResult | Demonstration | HandoverRun", as_json: bool) -> NoReturn:
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

    with tqdm(desc="Starting", total=0, bar_format="{desc} ({elapsed})", leave=False) as bar:

        def report(done: int, total: int, title: str) -> None:
            bar.set_description_str(f"[{done + 1}/{total}] {on_one_line(title)}")

        yield report
