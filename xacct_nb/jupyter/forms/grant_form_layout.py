"""How a form of fields stands on the page: its templates, its search, its groups of fields."""

from collections.abc import Sequence
from typing import Any

import ipywidgets

from xacct_nb.errors import XacctError
from xacct_nb.grants.templates import TEMPLATES
from xacct_nb.jupyter.forms.fields_form import FieldsForm
from xacct_nb.jupyter.forms.form_parts import region, style
from xacct_nb.jupyter.forms.form_widget import FieldBox, FormWidget, Section
from xacct_nb.views import Text, html

_TEMPLATE = "A template replaces the grant in the fields; its accounts stay."
_ASKING = "Reading the accounts with the profiles below ..."


def arrange_grant(form: FieldsForm, page: FormWidget) -> Sequence[Any]:
    """Return the parts of the form above its policies."""
    tools = [_templates(form, page), *([_search(form, page)] if form.searches else [])]
    parts = [ipywidgets.HTML(f"<style>{style()}</style>"), _fields(tools)]
    table = form.table
    for group, title in form.groups.items():
        boxes = [each for name, each in page.boxes.items() if table[name].group == group]
        if group == "grant":
            parts.append(_fields([each.root for each in boxes]))
        elif boxes:
            parts.append(_section(form, page, title, boxes, opened=group == "place"))
    return parts


def _section(
    form: FieldsForm, page: FormWidget, title: str, boxes: Sequence[FieldBox], *, opened: bool
) -> Any:
    names = [each.field.name for each in boxes if each.field.name in form.model]

    def about() -> str:
        return form.changed(names) if names else form.place

    section = Section(title, boxes, about, opened=opened or bool(form.changed(names)))
    page.sections.append(section)
    return section.root


def _templates(form: FieldsForm, page: FormWidget) -> Any:
    options = [("what is in the fields", ""), *((each.title, each.name) for each in TEMPLATES.values())]
    chosen = page.looks.make(ipywidgets.Dropdown, description="Begin with", options=options)
    note = page.looks.html().add_class("xacct-note")
    note.value = _said(_TEMPLATE)

    def choose(_: object) -> None:
        if chosen.value and not form.closed:
            page.put(form.template(chosen.value))
        note.value = _said(TEMPLATES[chosen.value].about if chosen.value else _TEMPLATE)

    chosen.observe(choose, names="value")
    page.tools.append(chosen)
    return ipywidgets.VBox([chosen, note]).add_class("xacct-field")


def _search(form: FieldsForm, page: FormWidget) -> Any:
    button = ipywidgets.Button(description="Read what the accounts have", layout={"width": "auto"})
    note = page.looks.html().add_class("xacct-note")
    note.value = _said(form.search_help)

    def read(_: object) -> None:
        note.value = _said(_ASKING)
        try:
            note.value = region("status", html(form.read_choices().view()))
        except XacctError as problem:
            note.value = region("alert", html(Text(str(problem), "bad")))
        for name, each in page.boxes.items():
            each.offer(form.choices.of(name), choose)
        page.show()

    def choose(box: FieldBox) -> None:
        page.put({box.field.name: box.chosen()})

    button.on_click(read)
    page.tools.append(button)
    return ipywidgets.VBox([button, note]).add_class("xacct-field")


def _fields(widgets: Sequence[Any]) -> Any:
    return ipywidgets.VBox(widgets).add_class("xacct-fields")


def _said(words: str) -> str:
    return region("status", html(Text(words, "note")))
