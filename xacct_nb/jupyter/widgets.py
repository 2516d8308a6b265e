"""The forms as boxes of ipywidgets."""

import time
from collections.abc import Callable
from typing import Any

import ipywidgets

from xacct_nb.jupyter.forms import LABELS, ApprovalForm, GrantForm, is_literal, typed_permissions
from xacct_nb.views import Text, View, html

_WIDE = {"width": "100%", "max_width": "62em"}
_ASIDE = {"description_width": "12em"}
_LATE = 1.0
_EXAMPLES = {
    "sources": "arn:aws:iam::111111111111:user/alice",
    "destinations": "arn:aws:iam::222222222222:role/reports-reader",
    "permissions": "s3:GetObject on arn:aws:s3:::reports/*",
    "external_id": "none; or env:NAME or file:PATH",
    "accept": "codes of the findings below",
}


def grant_box(form: GrantForm) -> Any:
    """Fields over what they mean; an external ID itself never stays in its field."""
    fields = _fields(form)
    headline, below = ipywidgets.HTML(), ipywidgets.HTML(layout={"min_height": "24em"})

    def changed(_: Any) -> None:
        form.fill({name: field.value for name, field in fields.items()})
        if is_literal(fields["external_id"].value, form.reference):
            quietly(fields["external_id"], form.reference, changed)
        show()

    def show() -> None:
        # The headline is the same while one field is typed in, so a screen reader says it once.
        headline.value = _region("alert", Text(form.headline, "bad")) if form.headline else ""
        below.value = "".join(map(html, form.details or form.sides))
        fields["accept"].layout.display = "" if form.widens else "none"
        for name, field in fields.items():
            (field.add_class if name == form.wrong else field.remove_class)("xacct-wrong")

    for field in fields.values():
        field.observe(changed, names="value")
    show()
    return _box(*fields.values(), headline, below)


def approval_box(form: ApprovalForm) -> Any:
    """A field and a button that can be pressed when the field holds the digest's beginning."""
    label = "First 8 characters of the digest"
    typed = ipywidgets.Text(description=label, style={"description_width": "17em"}, layout={"width": "30em"})
    button = ipywidgets.Button(description="Approve this plan", disabled=True, button_style="primary")
    said = ipywidgets.HTML(_region("status", form.view()))
    note = ipywidgets.Text(form.note, description="Note for the record", style=_ASIDE, layout=_WIDE)
    entered = -_LATE

    def compare(_: Any) -> None:
        button.disabled = not form.fits(typed.value)
        # The front end sends Enter ahead of the last letters that were typed before it.
        if time.monotonic() < entered + _LATE:
            form.approve(typed.value)
        said.value = _region("status", form.hint(typed.value))

    def enter(_: Any, content: dict[str, Any], __: Any) -> None:
        nonlocal entered
        if content.get("event") == "submit":
            entered = time.monotonic()
            compare(None)

    def press(_: Any) -> None:
        # Field and button stay enabled: what is disabled loses the focus, and the keyboard its place.
        form.approve(typed.value)
        said.value = _region("status", form.hint(typed.value))

    note.observe(lambda change: setattr(form, "note", change["new"]), names="value")
    typed.observe(compare, names="value")
    typed.on_msg(enter)
    button.on_click(press)
    return _box(ipywidgets.HBox([typed, button]), note, said)


def _fields(form: GrantForm) -> dict[str, Any]:
    grant = form.grant
    return {
        "sources": _made(ipywidgets.Textarea, "sources", "\n".join(grant.sources), rows=2),
        "destinations": _made(ipywidgets.Textarea, "destinations", "\n".join(grant.destinations), rows=2),
        "permissions": _made(ipywidgets.Textarea, "permissions", typed_permissions(grant), rows=2),
        # Read when the field is left: half a reference would be taken for the external ID itself.
        "external_id": _made(
            ipywidgets.Text,
            "external_id",
            form.reference,
            placeholder="the one in the parameters, not shown" if form.hides else _EXAMPLES["external_id"],
            continuous_update=False,
        ),
        "session_minutes": _made(
            ipywidgets.IntText,
            "session_minutes",
            grant.session_minutes,
            continuous_update=True,
            layout={"width": "19em"},
        ),
        "accept": _made(ipywidgets.Text, "accept", " ".join(grant.accept)),
    }


def _made(kind: Any, name: str, value: Any, **traits: Any) -> Any:
    example = {"placeholder": _EXAMPLES[name]} if name in _EXAMPLES else {}
    given = {"description": LABELS[name], "style": _ASIDE, "layout": _WIDE, **example, **traits}
    return kind(value=value, **given)


def quietly(field: Any, value: str, observer: Callable[[Any], None]) -> None:
    """Sets a field without its observer hearing of it."""
    field.unobserve(observer, names="value")
    field.value = value
    field.observe(observer, names="value")


def _region(role: str, view: View) -> str:
    """What a screen reader says when it appears."""
    return f'<div role="{role}">{html(view)}</div>'


def _box(*parts: Any) -> Any:
    return ipywidgets.VBox(parts).add_class("xacct-form")
