"""The forms as boxes of ipywidgets, which carries no types: its widgets are Any."""

from typing import Any

import ipywidgets

from xacct_nb.jupyter.form import Field, Form, is_literal, region
from xacct_nb.views import Text, html

_WIDE = {"width": "100%", "max_width": "62em"}
_NARROW = {"width": "19em"}


def form_box(form: Form) -> Any:
    """Return the fields over what they mean; an external ID itself never stays in its field."""
    fields = {each.name: _field(each, narrow=form.side_by_side) for each in form.fields()}
    headline, below = ipywidgets.HTML(), ipywidgets.HTML()

    def changed(_: object) -> None:
        form.fill({name: field.value for name, field in fields.items()})
        field, reference = fields.get("external_id"), form.state().reference
        if field and is_literal(field.value, reference):
            field.unobserve(changed, names="value")
            field.value = reference
            field.observe(changed, names="value")
        show()

    def show() -> None:
        state = form.state()
        # The headline is the same while one field is typed in, so a screen reader says it once.
        headline.value = region("alert", html(Text(state.headline, "bad"))) if state.headline else ""
        below.value = state.below
        for name, field in fields.items():
            field.layout.display = "none" if name == state.hidden_field else ""
            (field.add_class if name == state.invalid_field else field.remove_class)("xacct-wrong")

    for field in fields.values():
        field.observe(changed, names="value")
    show()
    row = [ipywidgets.HBox(list(fields.values()), layout={"flex_flow": "row wrap"})]
    return box(*(row if form.side_by_side else fields.values()), headline, below)


def box(*parts: Any) -> Any:
    """Return the parts below each other, in the form's style."""
    return ipywidgets.VBox(parts).add_class("xacct-form")


def text_field(label: str, value: str = "", *, label_width: str = "12em", **layout: str) -> Any:
    """Return a field for one line of text."""
    style = {"description_width": label_width}
    return ipywidgets.Text(value, description=label, style=style, layout={**_WIDE, **layout})


def _field(field: Field, *, narrow: bool) -> Any:
    traits: dict[str, Any] = {
        "value": field.value,
        "description": field.label,
        "style": {"description_width": "6em" if narrow else "12em"},
        "layout": _NARROW if narrow or isinstance(field.value, int) else _WIDE,
    }
    if field.choices:
        return ipywidgets.Dropdown(options=field.choices, **traits)
    traits["continuous_update"] = field.follows
    if isinstance(field.value, int):
        return ipywidgets.IntText(**traits)
    if field.lines > 1:
        return ipywidgets.Textarea(rows=field.lines, placeholder=field.example, **traits)
    return ipywidgets.Text(placeholder=field.example, **traits)
