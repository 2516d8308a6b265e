"""The history of a ledger with a filter over it; without a person what is asked for passes through."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import Any

from xacct_nb.errors import InvalidParameters
from xacct_nb.jupyter.stylesheet import style
from xacct_nb.records.history import History, Timeline, Wanted
from xacct_nb.views import Page, Shown, Text, View, html

_CHOICES = {"status": "Status", "grant": "Grant", "notebook": "Notebook"}
_TIMES = {"since": "Since", "until": "Until"}
_ALL, _ASIDE = "all", {"description_width": "6em"}


class HistoryForm(Shown):
    """Some records of a ledger: `.wanted` says which; `.problem` is what is wrong with what was typed."""

    def __init__(self, lines: Sequence[Mapping[str, Any]], wanted: Wanted, *, live: bool) -> None:
        self._lines, self.wanted, self._live = lines, wanted, live
        self.problem: InvalidParameters | None = None

    @property
    def history(self) -> History:
        """The records asked for."""
        return History(self.wanted.of(self._lines), len(self._lines))

    @property
    def timeline(self) -> Timeline:
        """The same by the days on which they were made."""
        return self.history.timeline

    def view(self) -> View:
        """The records asked for, or what is wrong."""
        if self.problem is not None:
            return Text("\n".join((self.problem.what, self.problem.why, self.problem.hint)), "bad")
        return self.history.view()

    def fill(self, typed: Mapping[str, str]) -> None:
        """Takes what is chosen and typed; what is not valid becomes `.problem`, the rest stays as it was."""
        given = {name: "" if value == _ALL else value.strip() for name, value in typed.items()}
        try:
            self.wanted = Wanted(**{**self.wanted.__dict__, **given})
            self.problem = None
        except InvalidParameters as problem:
            self.problem = problem

    @cached_property
    def widget(self) -> Any:
        """The filter over the records and their timeline, the same each time it is shown."""
        return history_box(self)

    def choices(self, name: str) -> list[str]:
        """What a field can be: everything in the ledger, and what is asked for now."""
        found = {line[name] for line in self._lines} | {getattr(self.wanted, name)}
        return [_ALL, *sorted(found - {""})]

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        # A table stands beside the widget for whoever shows the notebook without a kernel.
        shown = {"text/plain": str(self), "text/html": f"<style>{style()}</style>{html(self.view())}"}
        widget = self.widget._repr_mimebundle_() if self._live and self._lines else {}
        publish_display_data({**widget, **shown})


def history_box(form: HistoryForm) -> Any:
    """Three choices and two times over the timeline and the table, which follow them."""
    import ipywidgets

    choices = {name: _choice(form, name) for name in _CHOICES}
    times = {name: _time(form, name) for name in _TIMES}
    fields, below = choices | times, ipywidgets.HTML()

    def show(_: Any = None) -> None:
        form.fill({name: str(field.value) for name, field in fields.items()})
        parts = (form.view(),) if form.problem else (form.timeline.view(), form.view())
        title = f"{len(form.history.lines)} of {form.history.of} records"
        below.value = f'<div role="status">{html(Page(title, parts))}</div>'

    for field in fields.values():
        field.observe(show, names="value")
    show()
    rows = [ipywidgets.HBox(list(each.values())) for each in (choices, times)]
    return ipywidgets.VBox([*rows, below, _styled()]).add_class("xacct-form")


def _styled() -> Any:
    """The style sheet, for this box and for what the cells below show."""
    import ipywidgets

    return ipywidgets.HTML(f"<style>{style()}</style>", layout={"display": "none"})


def _choice(form: HistoryForm, name: str) -> Any:
    import ipywidgets

    now = getattr(form.wanted, name) or _ALL
    return ipywidgets.Dropdown(
        options=form.choices(name), value=now, description=_CHOICES[name], style=_ASIDE
    )


def _time(form: HistoryForm, name: str) -> Any:
    import ipywidgets

    # Read when the field is left: half a time is none.
    return ipywidgets.Text(
        value=getattr(form.wanted, name),
        description=_TIMES[name],
        placeholder="2026-11-24",
        continuous_update=False,
        style=_ASIDE,
    )
