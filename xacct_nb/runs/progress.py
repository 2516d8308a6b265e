"""What a headless run shows while it lasts: its steps, its calls to AWS, and what it waits for."""

import sys
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass

from xacct_nb.aws.polling import is_wait
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.redaction.redact import redact

Progress = Callable[[int, int, str], None]
_CHANGES = "Change AWS"  # the heading of the cell that does


@dataclass(frozen=True)
class ProgressLines:
    """Shows the progress of one run, without the secrets that are known by then.

    `report(done, of, title)` is called as each code cell starts; None shows nothing at all. Calls and waits
    go to standard error, above the bar where there is one.
    """

    report: Progress | None
    approved: bool
    secrets: set[str]

    def step(self, done: int, of: int, title: str) -> None:
        """Show that a step starts; the one that changes AWS does nothing without an approval."""
        planned = title.startswith(_CHANGES) and not self.approved
        note = ": not approved, so nothing is changed" if planned else ""
        if self.report:
            self.report(done, of, redact(title, self.secrets) + note)

    def call(self, line: str) -> None:
        """Show a call to AWS, and what it returned."""
        self._show([on_one_line(line)])

    def waits(self, text: str) -> None:
        """Show those lines of a cell that say what it waits for."""
        self._show(filter(is_wait, text.splitlines()))

    def _show(self, lines: Iterable[str]) -> None:
        with suppress(OSError):
            for line in map(self._clean, lines) if self.report else ():
                if bar := sys.modules.get("tqdm"):  # it is loaded where a bar is shown
                    bar.tqdm.write(line, file=sys.stderr)
                else:
                    print(line, file=sys.stderr, flush=True)

    def _clean(self, line: str) -> str:
        return redact(line, self.secrets)
