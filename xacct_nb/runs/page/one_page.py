"""The whole path of a grant on one page: for a person as panels, without one step by step."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any

from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.runs.page.steps import PageRun, PageSteps
from xacct_nb.views import Page, Shown, Text, View


class OnePage(Shown):
    """The page of a run. Without a person it goes through at once, with the parameter `approve`."""

    def __init__(self, run: PageRun) -> None:
        self.steps, self.live = PageSteps(run), run.attended
        self.parts: tuple[View, ...] = () if self.live else tuple(self._go_through())

    def view(self) -> View:
        """Return what the steps have made; for a person, that the page has it."""
        waiting = Text("The steps are on the page above; its last one seals the record.", "note")
        return Page("Grant on one page", self.parts or (waiting,))

    @property
    def note(self) -> "PageNote":
        """Return what the last cell of a notebook shows while a person is at the page."""
        return PageNote()

    def _go_through(self) -> Iterator[View]:
        steps = self.steps
        yield steps.form.view()
        checked = steps.check()
        yield from checked.views
        yield checked.approval.view()
        yield from steps.apply(checked)
        yield from steps.prove()

    def _repr_mimebundle_(self, **_: object) -> dict[str, Any]:
        """Return the page for a front end; the text and HTML of the values where there is no person."""
        if not self.live:
            return {"text/plain": str(self), "text/html": f"<style>{style()}</style>{self._repr_html_()}"}
        return {**self.widget._repr_mimebundle_(), "text/plain": "Run the cell to see the page."}

    @cached_property
    def widget(self) -> Any:
        """Return the page as one ipywidgets box, the same each time it is shown."""
        from xacct_nb.jupyter.forms.one_page import PageWidget

        return PageWidget(self.steps).root


class PageNote(Shown):
    """What stands for the record while a person is at the page."""

    def view(self) -> View:
        """Return who seals the record."""
        return Text("The page above seals the record, in its last step.", "note")
