"""The parts that forms are built of. ipywidgets carries no types, so its widgets are Any."""

from collections.abc import Callable, Iterable
from typing import Any

import ipywidgets

from xacct_nb.views import View, html

WIDE = {"width": "100%", "max_width": "62em"}
LABEL = {"description_width": "12em"}


def field(kind: type, label: str, value: object, **traits: Any) -> Any:
    """Return a field of this kind of widget, with its label; `traits` replace the usual ones."""
    return kind(value=value, description=label, **{"style": LABEL, "layout": WIDE, **traits})


def observe(fields: Iterable[Any], observer: Callable[[Any], None]) -> None:
    """Call the observer whenever the value of a field changes."""
    for each in fields:
        each.observe(observer, names="value")


def set_unobserved(field: Any, value: str, observer: Callable[[Any], None]) -> None:
    """Set the value of a field without a call of its observer."""
    field.unobserve(observer, names="value")
    field.value = value
    field.observe(observer, names="value")


def region(role: str, view: View) -> str:
    """Return the view as an ARIA live region: a screen reader says it when it changes."""
    return f'<div role="{role}">{html(view)}</div>'


def box(*parts: Any) -> Any:
    """Return the parts below each other, in the form's style."""
    return ipywidgets.VBox(parts).add_class("xacct-form")
