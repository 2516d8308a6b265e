"""The widget of a form: its fields with their help and messages, over what they mean.

ipywidgets carries no types, so its widgets are Any.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Protocol
from uuid import uuid4

import ipywidgets
from traitlets import Unicode

from xacct_nb.jupyter.forms.aria_ties import AriaTies
from xacct_nb.jupyter.forms.form_parts import REFUSED, Field, FormState, box, region
from xacct_nb.redaction.redact import redact
from xacct_nb.views import Text, html

HIDDEN = "xacct-hidden"


# Without the echo, what a person types by mistake, as a secret, goes to no other browser at the same kernel.
class _Line(ipywidgets.Text):
    """A field of one line."""

    value = Unicode().tag(sync=True, echo_update=False)


class _Lines(ipywidgets.Textarea):
    """A field of several lines."""

    value = Unicode().tag(sync=True, echo_update=False)


class Looks:
    """The layouts and styles that the widgets of one form share: each would cost a message more."""

    def __init__(self) -> None:
        self.plain, self.narrow = ipywidgets.Layout(), ipywidgets.Layout(width="19em")
        self._control = ipywidgets.Layout(width="auto", margin="0")
        self._styles = dict[Any, Any]()

    def make(self, kind: Any, **traits: Any) -> Any:
        """Return a control of this kind, its label as wide as it is."""
        if kind not in self._styles:
            traits["style"] = {"description_width": "initial"}
        else:
            traits["style"] = self._styles[kind]
        made = kind(layout=self._control, **traits)
        self._styles[kind] = made.style
        return made

    def html(self) -> Any:
        """Return a place for HTML."""
        style = {"style": self._styles[ipywidgets.HTML]} if ipywidgets.HTML in self._styles else {}
        made = ipywidgets.HTML(layout=self.plain, **style)
        self._styles[ipywidgets.HTML] = made.style
        return made


class FieldBox:
    """One field on the page: its control, its help and message below it, and a search if it has choices."""

    def __init__(self, field: Field, looks: Looks) -> None:
        self.field, self.css, self._looks = field, _css_class(), looks
        self.control = _control(field, looks).add_class(self.css)
        self.note = looks.html().add_class("xacct-note")
        self.search: Any = None
        self.help = html(Text(field.help, "note")) if field.help else ""
        layout = looks.narrow if field.narrow else looks.plain
        self.root = ipywidgets.VBox([self.control, self.note], layout=layout).add_class("xacct-field")
        if field.wide:
            self.root.add_class("xacct-whole-row")

    def show(self, message: Text | None, *, hidden: bool, closed: bool) -> None:
        """Show the field with this message, or hide it."""
        said = self.help + (html(message) if message else "")
        self.note.value = f'<div id="{self.css}-note">{said}</div>'
        for control in filter(None, (self.control, self.search)):
            control.disabled = closed
        wrong = message is not None and message.tone == "bad"
        mark(self.control, "xacct-wrong", wrong)
        mark(self.root, HIDDEN, hidden)

    def offer(self, choices: Sequence[str], choose: Callable[["FieldBox"], None]) -> None:
        """Offer the choices in a search below the field; `choose` is called when there is one in it."""
        if self.search is None and choices:
            label, example = f"Add to {self.field.label}", "type a part of the name, and choose"
            self.search = self._looks.make(
                ipywidgets.Combobox, description=label, placeholder=example, continuous_update=False
            ).add_class("xacct-search")
            self.search.observe(lambda _: choose(self) if self.search.value else None, names="value")
            self.root.children = (*self.root.children, self.search)
        if self.search is not None:
            self.search.options = tuple(choices)
            mark(self.search, HIDDEN, not choices)

    def chosen(self) -> str:
        """Return the value of the field with what was chosen in the search added, and empty the search."""
        choice, self.search.value = self.search.value, ""
        before = str(self.control.value).rstrip()
        return f"{before}\n{choice}" if self.field.lines > 1 and before else choice

    def tie(self, message: Text | None) -> dict[str, Any]:
        """Return what the control says to a screen reader."""
        return {
            "css": self.css,
            "described_by": f"{self.css}-note",
            "invalid": message is not None and message.tone == "bad",
            "required": self.field.required,
        }


class Section:
    """A group of fields under a button that opens and closes it."""

    def __init__(
        self, title: str, boxes: Iterable[FieldBox], about: Callable[[], str], *, opened: bool
    ) -> None:
        self.title, self.about, self.opened, self.css = title, about, opened, _css_class()
        self.button = ipywidgets.Button().add_class("xacct-section").add_class(self.css)
        self.fields = ipywidgets.VBox([each.root for each in boxes]).add_class("xacct-fields")
        self.root = ipywidgets.VBox([self.button, self.fields])
        self.button.on_click(self._press)
        self.observers = list[Callable[[], None]]()

    def show(self) -> None:
        """Show the title with what its fields have."""
        sign = "\u25be" if self.opened else "\u25b8"
        about = self.about()
        self.button.description = f"{sign} {self.title}{about and f': {about}'}"
        mark(self.fields, HIDDEN, not self.opened)

    def tie(self) -> dict[str, Any]:
        """Return what the button says to a screen reader."""
        return {"css": self.css, "expanded": self.opened}

    def _press(self, _: object) -> None:
        self.opened = not self.opened
        for observer in self.observers:
            observer()


class EditedForm(Protocol):
    """What the widget of a form asks of the form."""

    closed: str
    secret_field: str

    def fields(self) -> Sequence[Field]:
        """Return the fields with their values now."""

    def state(self) -> FormState:
        """Return what the widget shows around the fields."""

    def fill(self, typed: Mapping[str, Any]) -> None:
        """Take the values of all fields, or note the problem with them."""

    def is_secret(self, typed: str) -> bool:
        """Return whether a secret itself is typed."""

    def arrange(self, page: "FormWidget") -> Sequence[Any]:
        """Return the fields as widgets in their order."""


class FormWidget:
    """A form on the page; `root` is its ipywidgets box."""

    def __init__(self, form: EditedForm) -> None:
        self.form = form
        self.looks = Looks()
        self.boxes = {field.name: FieldBox(field, self.looks) for field in form.fields()}
        self.sections, self.tools = list[Section](), list[Any]()
        self.headline, self.below, self.ties = self.looks.html(), self.looks.html(), AriaTies()
        for each in self.boxes.values():
            each.control.observe(self._changed, names="value")
        parts = form.arrange(self)
        for section in self.sections:
            section.observers.append(self.show)
        # A front end that cannot load the ties shows its error in a box that is hidden.
        hidden = ipywidgets.Box([self.ties], layout={"display": "none"})
        self.root = box(*parts, self.headline, self.below, hidden)
        self.show()

    def typed(self) -> dict[str, Any]:
        """Return what is typed and chosen in the fields."""
        return {name: each.control.value for name, each in self.boxes.items()}

    def put(self, typed: Mapping[str, Any]) -> None:
        """Put values into fields, as if they were typed at once."""
        for name, value in typed.items():
            if name in self.boxes:
                self._replace(name, value)
        self._changed(None)

    def show(self) -> None:
        """Show what the fields mean, or what is not valid."""
        form, state = self.form, self.form.state()
        # The headline is the same while one field is typed in, so a screen reader says it once.
        role, said, tone = (
            ("status", form.closed, "note") if form.closed else ("alert", state.headline, "bad")
        )
        self.headline.value = region(role, html(Text(said, tone))) if said else ""
        self.below.value = state.below
        for name, each in self.boxes.items():
            each.show(state.messages.get(name), hidden=name in state.hidden, closed=bool(form.closed))
        for tool in self.tools:
            tool.disabled = bool(form.closed)
        for section in self.sections:
            section.show()
        self.ties.ties = {
            "fields": [each.tie(state.messages.get(name)) for name, each in self.boxes.items()],
            "buttons": [section.tie() for section in self.sections],
        }

    def _changed(self, _: object) -> None:
        """Take the values of the fields; no secret stays in one."""
        secret = self.form.secret_field
        for name, each in self.boxes.items():
            if isinstance(each.control.value, str) and name != secret:
                self._replace(name, redact(each.control.value, ()))
        self.form.fill(self.typed())
        if secret in self.boxes and self.form.is_secret(self.boxes[secret].control.value):
            self._replace(secret, REFUSED)
        self.show()

    def _replace(self, name: str, value: Any) -> None:
        """Replace what is in a field; nothing is called."""
        control = self.boxes[name].control
        if control.value != value:
            control.unobserve(self._changed, names="value")
            control.value = value
            control.observe(self._changed, names="value")


def _css_class() -> str:
    """Return a class by which form.js finds one control among those of all forms on the page."""
    return f"xacct-{uuid4().hex[:12]}"


def mark(widget: Any, css: str, marked: bool) -> None:
    """Give a widget a class of CSS, or take it away."""
    (widget.add_class if marked else widget.remove_class)(css)


def _control(field: Field, looks: Looks) -> Any:
    traits: dict[str, Any] = {"value": field.value, "description": field.label}
    if field.choices:
        return looks.make(ipywidgets.Dropdown, options=field.choices, **traits)
    if isinstance(field.value, bool):
        return looks.make(ipywidgets.Checkbox, indent=False, **traits)
    traits |= {"continuous_update": field.follows, "placeholder": field.example}
    if field.lines > 1:
        return looks.make(_Lines, rows=field.lines, **traits)
    return looks.make(_Line, **traits)
