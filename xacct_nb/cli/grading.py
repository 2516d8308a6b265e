"""The grading of a class on a terminal: a bar or a line for each notebook, then the table and the files."""

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from xacct_nb.cli.output import interrupt_on_signals, print_value
from xacct_nb.errors import InvalidParameters
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.workshop.grading.exports import csv_text, gradescope_results
from xacct_nb.workshop.grading.grades import ClassGrades, NotebookGrade
from xacct_nb.workshop.grading.grading_run import Report, grade_folder

_STANDARD_OUTPUT = Path("-")


def grade(folder: Path, files: dict[str, Path | None], **options: object) -> int:
    """Grade a folder, print the grades, write the files; return the exit code.

    `files` are those that `--json`, `--csv` and `--gradescope` name; JSON to `-` replaces the table.
    """
    chosen = {form: path for form, path in files.items() if path}
    written = {form: path for form, path in chosen.items() if path != _STANDARD_OUTPUT}
    for form, path in written.items():
        _require_writable(path if form == "gradescope" else path.parent)
    interrupt_on_signals()
    with _progress() as report:
        grades = grade_folder(folder, report=report, **options)  # type: ignore[arg-type]
    print_value(grades, grades.to_json(), chosen.get("json") == _STANDARD_OUTPUT)
    for form, path in written.items():
        _WRITERS[form](grades, path)
        click.echo(f"Written: {path}", err=True)
    return 0 if grades.is_complete else 1


def _require_writable(folder: Path) -> None:
    """Make a folder, unless it is there: what cannot be written is said before anything is graded."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        replace_file(folder / ".xacct-nb-grades", b"")
        (folder / ".xacct-nb-grades").unlink()
    except OSError as problem:
        raise InvalidParameters(
            f"Nothing can be written to {str(folder)!r}.",
            why=f"{problem.strerror}.",
            hint="Name a folder that you may write to.",
        ) from problem


def _write_json(grades: ClassGrades, path: Path) -> None:
    replace_file(path, json.dumps(grades.to_json(), indent=1).encode())


def _write_csv(grades: ClassGrades, path: Path) -> None:
    # With its mark at the start, spreadsheets read it as UTF-8.
    replace_file(path, csv_text(grades).encode("utf-8-sig"))


def _write_gradescope(grades: ClassGrades, path: Path) -> None:
    for name, results in gradescope_results(grades).items():
        (path / name).mkdir(exist_ok=True)
        replace_file(path / name / "results.json", json.dumps(results, indent=1).encode())


_WRITERS: dict[str, Callable[[ClassGrades, Path], None]] = {
    "json": _write_json,
    "csv": _write_csv,
    "gradescope": _write_gradescope,
}


@contextmanager
def _progress() -> Iterator[Report]:
    """Show progress on standard error: a bar on a terminal, a line for each notebook elsewhere."""
    if not sys.stderr.isatty():
        yield _line_for_each(time.monotonic())
        return
    from tqdm import tqdm

    with tqdm(desc="Grading", unit="notebook", total=0, leave=False) as bar:

        def report(done: int, total: int, last: NotebookGrade) -> None:
            bar.total = total
            bar.set_postfix_str(_short(last), refresh=False)
            bar.update()

        yield report


def _line_for_each(began: float) -> Report:
    def report(done: int, total: int, last: NotebookGrade) -> None:
        left = (time.monotonic() - began) / done * (total - done)
        more = f" (about {left:.0f} s left)" if done < total else ""
        click.echo(f"[{done}/{total}] {_short(last)}{more}", err=True)

    return report


def _short(grade: NotebookGrade) -> str:
    return on_one_line(f"{grade.participant} {grade.sheet}: {grade.score}")
