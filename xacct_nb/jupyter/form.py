"""What all forms share: a value to edit, the problem with what was typed, and how a notebook shows them.

ipywidgets is loaded only where a widget is built. It carries no types, so its widgets are Any.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from importlib.resources import files
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.conditions import is_reference
from xacct_nb.redaction.redact import redact
from xacct_nb.views import Shown, Text, html

WIDE = {"width": "100%", "max_width": "62em"}
NARROW = {"width": "19em"}


@dataclass(frozen=True)
class Field:
    """One field of a form: a number, one of some choices, or text of one line or more.

    With `follows` the form follows the typing; otherwise a value is read when the field is left.
    """

    name: str
    label: str
    value: str | int
    example: str = ""
    lines: int = 1
    choices: tuple[str, ...] = ()
    follows: bool = True


@dataclass(frozen=True)
class FormState:
    """What a form shows with its fields: HTML below them, and a headline that a screen reader says at once.

    `reference` is that of the external ID: its field gets it back after a literal was typed.
    """

    below: str
    headline: str = ""
    invalid_field: str = ""
    hidden_field: str = ""
    reference: str = ""


class Form(Shown):
    """A value that a person edits in a notebook; headless, it passes through as it is.

    `problem` is what is not valid in the fields, None where they are valid. `closed` says why the fields are
    disabled, "" while they are not.
    """

    side_by_side = False

    def __init__(self, *, live: bool) -> None:
        self.live = live
        self.problem: InvalidInput | None = None
        self.closed = ""
        self._observers: list[Callable[[], object]] = []
        self._refresh: Callable[[], None] | None = None

    @property
    def valid(self) -> bool:
        """Return whether all fields are valid."""
        return self.problem is None

    def on_change(self, callback: Callable[[], object]) -> None:
        """Call `callback` after each change of a field, also of one that is not valid."""
        self._observers.append(callback)

    def shut(self, reason: str) -> None:
        """Disable all fields, and say why; a later reason replaces the first."""
        self.closed = reason
        if self._refresh is not None:
            self._refresh()

    def fields(self) -> Sequence[Field]:
        """Return the fields with their values now."""
        raise NotImplementedError

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take the values of all fields. Raises InvalidInput."""
        raise NotImplementedError

    def state(self) -> FormState:
        """Return what the widget shows around the fields."""
        raise NotImplementedError

    @cached_property
    def widget(self) -> Any:
        """Return the form as one ipywidgets box, the same each time it is shown."""
        return self.build_widget()

    def build_widget(self) -> Any:
        """Return the fields over what they mean; no secret stays in its field."""
        import ipywidgets

        fields = {each.name: _field(each, narrow=self.side_by_side) for each in self.fields()}
        headline, below = ipywidgets.HTML(), ipywidgets.HTML()

        def changed(_: object) -> None:
            self._take_from(fields, changed)
            show()

        def show() -> None:
            state = self.state()
            # The headline is the same while one field is typed in, so a screen reader says it once.
            said = self.closed or state.headline
            headline.value = region("alert", html(Text(said, "bad"))) if said else ""
            below.value = state.below
            for name, field in fields.items():
                field.disabled = bool(self.closed)
                field.layout.display = "none" if name == state.hidden_field else ""
                (field.add_class if name == state.invalid_field else field.remove_class)("xacct-wrong")

        for field in fields.values():
            field.observe(changed, names="value")
        self._refresh = show
        show()
        row = [ipywidgets.HBox(list(fields.values()), layout={"flex_flow": "row wrap"})]
        return box(*(row if self.side_by_side else fields.values()), headline, below)

    def _take_from(self, fields: Mapping[str, Any], changed: Callable[[object], None]) -> None:
        """Take the values of the widgets; no secret stays in one."""
        for name, field in fields.items():
            if isinstance(field.value, str) and name != "external_id":
                _replace(field, redact(field.value, ()), changed)
        self.fill({name: field.value for name, field in fields.items()})
        typed, reference = fields.get("external_id"), self.state().reference
        if typed and is_literal(typed.value, reference):
            _replace(typed, reference, changed)

    def fill(self, typed: Mapping[str, Any]) -> None:
        """Take the values of all fields, or note the problem with them."""
        try:
            self.take(typed)
            self.problem = None
        except InvalidInput as problem:
            self.problem = problem
        for callback in self._observers:
            callback()

    def explanation(self, what: str = "") -> tuple[Text, ...]:
        """Return what is not valid, why, and what to do; nothing where all is valid."""
        if (found := self.problem) is None:
            return ()
        return Text(what or found.what, "bad"), *(Text(line) for line in (found.why, found.hint) if line)

    def without_widget(self) -> dict[str, str]:
        """Return the text beside the widget, or instead of it where there is none."""
        if self.live:
            return {"text/plain": "Run the cell to see the form."}
        return {"text/plain": str(self), "text/html": self._repr_html_()}

    def _ipython_display_(self) -> None:
        from IPython.display import publish_display_data

        widget = self.widget._repr_mimebundle_() if self.live else {}
        publish_display_data({**widget, **self.without_widget()})


def style() -> str:
    """Return the style sheet of values in a notebook and of a record's page."""
    return files("xacct_nb.jupyter").joinpath("style.css").read_text(encoding="utf-8")


def region(role: str, fragment: str) -> str:
    """Return the HTML as an ARIA live region: a screen reader says it when it changes."""
    return f'<div role="{role}">{fragment}</div>'


def is_literal(typed: str, reference: str) -> bool:
    """Return whether an external ID itself was typed instead of a reference to it."""
    return typed.strip() not in ("", reference) and not is_reference(typed.strip())


def box(*parts: Any) -> Any:
    """Return the widgets below each other, in the form's style."""
    from ipywidgets import VBox

    return VBox(parts).add_class("xacct-form")


def _replace(field: Any, value: str, changed: Callable[[object], None]) -> None:
    """Replace what was typed into a widget; `changed` observes the widget, and is not called."""
    if field.value != value:
        field.unobserve(changed, names="value")
        field.value = value
        field.observe(changed, names="value")


def _field(field: Field, *, narrow: bool) -> Any:
    from ipywidgets import Dropdown, IntText, Textarea
    from ipywidgets import Text as TextField

    traits: dict[str, Any] = {
        "value": field.value,
        "description": field.label,
        "style": {"description_width": "6em" if narrow else "12em"},
        "layout": NARROW if narrow or isinstance(field.value, int) else WIDE,
    }
    if field.choices:
        return Dropdown(options=field.choices, **traits)
    traits["continuous_update"] = field.follows
    if isinstance(field.value, int):
        return IntText(**traits)
    if field.lines > 1:
        return Textarea(rows=field.lines, placeholder=field.example, **traits)
    return TextField(placeholder=field.example, **traits)
