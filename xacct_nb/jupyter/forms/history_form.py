"""The form that filters the history of a ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from xacct_nb.jupyter.forms.form import Field, Form, FormState, region, style
from xacct_nb.records.history import History, LedgerQuery, Timeline
from xacct_nb.views import Page, View, html

if TYPE_CHECKING:
    from xacct_nb.jupyter.forms.form_widget import FormWidget

_CHOICES = {"status": "Status", "grant": "Grant", "notebook": "Notebook"}
_TIMES = {"since": "Since", "until": "Until"}
_ALL = "all"


class HistoryForm(Form):
    """Some records of a ledger; `.wanted` is the query, `.notes` say what is not among the records."""

    def __init__(
        self,
        lines: Sequence[Mapping[str, Any]],
        wanted: LedgerQuery,
        *,
        live: bool,
        notes: tuple[str, ...] = (),
    ) -> None:
        super().__init__(live=live and bool(lines))
        self._lines, self.wanted, self.notes = lines, wanted, notes

    @property
    def history(self) -> History:
        """Return the wanted records."""
        return History(self.wanted.select(self._lines), len(self._lines), self.notes)

    @property
    def timeline(self) -> Timeline:
        """Return the wanted records by the days on which they were made."""
        return self.history.timeline

    def view(self) -> View:
        """Return the wanted records, or what is not valid in the fields."""
        if self.problem is not None:
            return Page("Not valid. The last valid filter is used until it is.", self.explanation())
        return self.history.view()

    def take(self, typed: Mapping[str, str]) -> None:
        """Take what is chosen and typed. Raises InvalidInput."""
        given = {name: "" if value == _ALL else value.strip() for name, value in typed.items()}
        self.wanted = replace(self.wanted, **given)  # type: ignore[arg-type]

    def choices(self, name: str) -> tuple[str, ...]:
        """Return the values of a field in the ledger, and the one that is wanted now."""
        found = {line[name] for line in self._lines} | {getattr(self.wanted, name)}
        return (_ALL, *sorted(found - {""}))

    def without_widget(self) -> dict[str, str]:
        """Return the table, also beside the widget: a notebook without a kernel shows it."""
        return {"text/plain": str(self), "text/html": f"<style>{style()}</style>{self._repr_html_()}"}

    def arrange(self, page: "FormWidget") -> list[Any]:
        """Return the fields in one row."""
        import ipywidgets

        row = [each.root for each in page.boxes.values()]
        return [ipywidgets.HBox(row, layout={"flex_flow": "row wrap"})]

    def fields(self) -> list[Field]:
        """Return three choices and two times."""
        now = self.wanted.__dict__
        choices = [
            Field(name, _CHOICES[name], now[name] or _ALL, choices=self.choices(name), narrow=True)
            for name in _CHOICES
        ]
        # Half a time is none.
        times = [
            Field(name, _TIMES[name], now[name], "2026-11-24", follows=False, narrow=True) for name in _TIMES
        ]
        return choices + times

    def state(self) -> FormState:
        """Return the timeline and the table, with the style sheet, which the cells below use too."""
        parts = (self.view(),) if self.problem else (self.timeline.view(), self.view())
        title = f"{len(self.history.lines)} of {self.history.of} records"
        return FormState(f"<style>{style()}</style>{region('status', html(Page(title, parts)))}")
