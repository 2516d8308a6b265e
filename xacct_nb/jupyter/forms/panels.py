"""A panel of the page: one step with its heading, its buttons and what it shows."""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any

import ipywidgets

from xacct_nb.errors import XacctError, unexpected
from xacct_nb.jupyter.forms.form_parts import region
from xacct_nb.views import Page, Text, View, html

_AUTO = {"width": "auto", "height": "auto"}
# The states of a panel, as words and as classes.
STATES = {
    "shut": "xacct-shut",
    "now": "xacct-now",
    "working": "xacct-working",
    "done": "xacct-done",
    "not done": "xacct-failed",
    "not proven": "xacct-open",
}


class Panel:
    """One step of the page. It is shut, with the reason in words, until `open` is called."""

    def __init__(self, number: int, title: str, about: str, buttons: Sequence[str] = ()) -> None:
        self.number, self.title, self.about = number, title, about
        self._head, self._below = ipywidgets.HTML(), ipywidgets.HTML()
        self._body = ipywidgets.VBox()
        self.buttons = {name: ipywidgets.Button(description=name, layout=_AUTO) for name in buttons}
        self._row = ipywidgets.HBox(list(self.buttons.values()), layout={"flex_flow": "row wrap"})
        self.state, self._pressable = "shut", frozenset[str]()
        parts = [self._head, self._body, self._row, self._below]
        self.root = ipywidgets.VBox(parts).add_class("xacct-panel")

    def open(self, *parts: View) -> None:
        """Let the step be done; `parts` are shown until it says something else."""
        self._title("now", self.about)
        self.show(*self.buttons)
        self.say(*parts)

    def shut(self, reason: str) -> None:
        """Hide what the step showed, and say why it cannot be done."""
        self._title("shut", reason)
        self._body.children = ()
        self.show()
        self.say()

    def done(self, *parts: View, again: str = "", state: str = "done") -> None:
        """Show the step's result; only the button `again` stays."""
        self._title(state, self.about)
        self.show(again)
        self.say(*parts)

    def failed(self, *parts: View) -> None:
        """Show why the step was not done; its buttons stay for another try."""
        self._title("not done", self.about)
        self.show(*self.buttons)
        self.say(*parts, role="alert")

    def work(self, doing: str) -> None:
        """Say what is being done; until it is, a press has no effect."""
        self._title("working", self.about)
        self._pressable = frozenset()
        self.say(Text(doing, "note"))

    def freeze(self) -> None:
        """Take the buttons away, and leave everything else."""
        self.show()

    @property
    def is_open(self) -> bool:
        """Return whether the step can be done, or was done."""
        return self.state != "shut"

    def put(self, *widgets: Any) -> None:
        """Show these widgets above the buttons."""
        self._body.children = widgets

    def say(self, *parts: View, role: str = "status") -> None:
        """Show these parts below the buttons; a screen reader says them."""
        self._below.value = region(role, "".join(map(html, parts))) if parts else ""

    def show(self, *names: str) -> None:
        """Show these buttons only."""
        # A button is hidden, not disabled: a disabled one that has the focus takes it along.
        self._pressable = frozenset(names)
        for name, button in self.buttons.items():
            button.layout.display = "" if name in names else "none"
        self._row.layout.display = "" if any(names) else "none"

    def on_press(self, name: str, act: Callable[[], None]) -> None:
        """Call this when the button is pressed while it is shown; a second press of a double click is not."""

        def press(_: object) -> None:
            if name in self._pressable:
                act()

        self.buttons[name].on_click(press)

    def _title(self, state: str, about: str) -> None:
        # The state is a word: a colour alone tells nothing to many.
        self.state = state
        heading = f'<h3>{self.number}. {self.title} <span class="xacct-state">{state}</span></h3>'
        self._head.value = heading + html(Text(about, "note"))
        for each in STATES.values():
            self.root.remove_class(each)
        self.root.add_class(STATES[state])


class Step:
    """The context of one press of a button: an error is shown in the panel, and passed on to `note`.

    `beside` returns what is shown above the error.
    """

    def __init__(
        self,
        panel: Panel,
        doing: str,
        note: Callable[[BaseException | None], None],
        beside: Callable[[], tuple[View, ...]] = tuple,
    ) -> None:
        self.panel, self.doing, self.note, self.beside = panel, doing, note, beside
        self.problem: BaseException | None = None

    def __enter__(self) -> "Step":
        self.panel.work(self.doing)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None
    ) -> bool:
        self.problem = problem
        self.note(problem)
        if isinstance(problem, KeyboardInterrupt):
            self.panel.failed(*self.beside(), error_view(_INTERRUPTED))
        elif isinstance(problem, Exception):
            known = problem if isinstance(problem, XacctError) else unexpected(problem)
            self.panel.failed(*self.beside(), error_view(known))
        return isinstance(problem, (XacctError, KeyboardInterrupt))


_INTERRUPTED = XacctError(
    "The step was interrupted.",
    why="What AWS had answered until then is kept.",
    hint="Try it again. If it had begun to change AWS, seal the record below, and begin anew.",
)


def error_view(problem: XacctError) -> View:
    """Return what happened, why, and what to do."""
    more = (Text(each) for each in (problem.why, problem.hint) if each)
    return Page("This step was not done", (Text(problem.what, "bad"), *more))


class Countdown:
    """While it runs, calls `show` each second with the seconds since it began.

    Where no thread can be started, such as in a browser tab, `show` is not called.
    """

    def __init__(self, show: Callable[[float], None]) -> None:
        self._show, self._over, self._began = show, threading.Event(), time.monotonic()
        self._thread = threading.Thread(target=self._tick, daemon=True)

    def __enter__(self) -> "Countdown":
        with suppress(RuntimeError):  # can't start new thread
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def seconds(self) -> float:
        """Return how long it has run."""
        return time.monotonic() - self._began

    def _tick(self) -> None:
        while not self._over.wait(1.0):
            self._show(self.seconds)
