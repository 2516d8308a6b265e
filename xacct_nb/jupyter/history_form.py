"""The form that filters the history of a ledger."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from xacct_nb.jupyter.form import Form, style
from xacct_nb.records.history import History, LedgerQuery, Timeline
from xacct_nb.views import Page, View

_CHOICES = {"status": "Status", "grant": "Grant", "notebook": "Notebook"}
_TIMES = {"since": "Since", "until": "Until"}
_ALL = "all"
_NARROW = {"style": {"description_width": "6em"}, "layout": {}}


class HistoryForm(Form):
    """Some records of a ledger; `.wanted` says which."""

    def __init__(self, lines: Sequence[Mapping[str, Any]], wanted: LedgerQuery, *, live: bool) -> None:
        super().__init__(live=live and bool(lines))
        self._lines, self.wanted = lines, wanted

    @property
    def history(self) -> History:
        """Return the wanted records."""
        return History(self.wanted.select(self._lines), len(self._lines))

    @property
    def timeline(self) -> Timeline:
        """Return the wanted records by the days on which they were made."""
        return self.history.timeline

    def view(self) -> View:
        """Return the wanted records, or what is not valid in the fields."""
        if self.problem is not None:
            return Page("Not valid. The last valid filter is used until it is.", self.explanation())
        return self.history.view()

    def fill(self, typed: Mapping[str, str]) -> None:
        """Take what is chosen and typed, or note the problem."""
        given = {name: "" if value == _ALL else value.strip() for name, value in typed.items()}
        self.try_to(lambda: self._take(given))

    def choices(self, name: str) -> list[str]:
        """Return the values of a field in the ledger, and the one that is wanted now."""
        found = {line[name] for line in self._lines} | {getattr(self.wanted, name)}
        return [_ALL, *sorted(found - {""})]

    def without_widget(self) -> dict[str, str]:
        """Return the table, also beside the widget: a notebook without a kernel shows it."""
        return {"text/plain": str(self), "text/html": f"<style>{style()}</style>{self._repr_html_()}"}

    def build_widget(self) -> Any:
        """Return three choices and two times over the timeline and the table, which follow them."""
        from ipywidgets import HTML, HBox

        from xacct_nb.jupyter.widgets import box, observe, region

        choices = {name: self._choice(name) for name in _CHOICES}
        times = {name: self._time(name) for name in _TIMES}
        fields, below = choices | times, HTML()

        def show(_: Any = None) -> None:
            self.fill({name: str(field.value) for name, field in fields.items()})
            parts = (self.view(),) if self.problem else (self.timeline.view(), self.view())
            title = f"{len(self.history.lines)} of {self.history.of} records"
            below.value = region("status", Page(title, parts))

        observe(fields.values(), show)
        show()
        # The style sheet is for this box and for what the cells below show.
        sheet = HTML(f"<style>{style()}</style>", layout={"display": "none"})
        return box(*(HBox(list(row.values())) for row in (choices, times)), below, sheet)

    def _take(self, given: Mapping[str, str]) -> None:
        self.wanted = replace(self.wanted, **given)  # type: ignore[arg-type]

    def _choice(self, name: str) -> Any:
        from ipywidgets import Dropdown

        from xacct_nb.jupyter.widgets import field

        now = getattr(self.wanted, name) or _ALL
        return field(Dropdown, _CHOICES[name], now, options=self.choices(name), **_NARROW)

    def _time(self, name: str) -> Any:
        from ipywidgets import Text

        from xacct_nb.jupyter.widgets import field

        # Read when the field is left: half a time is none.
        late = {"placeholder": "2026-11-24", "continuous_update": False}
        return field(Text, _TIMES[name], getattr(self.wanted, name), **late, **_NARROW)
