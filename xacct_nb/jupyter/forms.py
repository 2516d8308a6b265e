"""Forms: a person edits the value that came from the parameters; without a person it passes through."""

from collections.abc import Callable
from typing import Any

from xacct_nb.documents import build
from xacct_nb.errors import InvalidInput
from xacct_nb.grants import Grant
from xacct_nb.plans import Plan
from xacct_nb.views import Page, Shown, Text, View, html

_WIDE = {"width": "46em"}
_LABELS = {"description_width": "13em"}


class GrantForm(Shown):
    """The grant as fields to edit, with both sides' policies below; `.grant` is the last valid one."""

    def __init__(self, grant: Grant, resolve: Callable[[Grant], Grant], *, live: bool) -> None:
        self.grant, self._resolve, self._live = grant, resolve, live
        self.problem: InvalidInput | None = None

    def view(self) -> View:
        """The grant, and both sides' policies beside each other."""
        if self.problem is not None:
            return Text(str(self.problem), "bad")
        return Page(f"Grant {self.grant.name}", (self.grant.view(), build(self.grant).view()))

    def edit(self, **fields: Any) -> None:
        """Takes new values of fields; what is not valid is kept as `.problem`, and the grant stays as it was."""
        try:
            given = self.grant.model_dump() | fields
            self.grant, self.problem = self._resolve(Grant(**given)), None
        except InvalidInput as problem:
            self.problem = problem

    def widget(self) -> Any:
        """The form as one ipywidgets box."""
        import ipywidgets

        shown = ipywidgets.HTML(html(self.view()))
        fields = _fields(self.grant)

        def changed(_: Any) -> None:
            self.edit(**_values({name: field.value for name, field in fields.items()}, self.grant))
            shown.value = html(self.view())

        for field in fields.values():
            field.observe(changed, names="value")
        return ipywidgets.VBox([*fields.values(), shown])

    def _ipython_display_(self) -> None:
        _display(self, self.widget if self._live else None)


class ApprovalForm(Shown):
    """Asks whether exactly this plan is approved; `.digest` is the digest approved, "" while it is not."""

    def __init__(self, plan: Plan, given: str, *, live: bool) -> None:
        self.plan, self.digest, self._live = plan, given, live

    def view(self) -> View:
        """What was approved."""
        if not self.plan.changes:
            return Text("There is nothing to approve.", "note")
        if not self.digest:
            return Text(f"Not approved. To approve this plan: --approve {self.plan.digest}", "note")
        return Text(f"Approved: {self.digest}", "good")

    def widget(self) -> Any:
        """A field for the beginning of the digest, and a button."""
        import ipywidgets

        shown = ipywidgets.HTML(html(self.view()))
        typed = ipywidgets.Text(description="First 8 characters of the digest", style=_LABELS | {"description_width": "18em"},
                                layout={"width": "32em"}, disabled=not self.plan.changes)
        button = ipywidgets.Button(description="Approve this plan", disabled=True, button_style="primary")

        def compare(_: Any) -> None:
            button.disabled = len(typed.value.strip()) < 8 or not self.plan.digest.startswith(typed.value.strip())

        def approve(_: Any) -> None:
            self.digest = self.plan.digest
            shown.value = html(self.view())

        typed.observe(compare, names="value")
        button.on_click(approve)
        return ipywidgets.VBox([ipywidgets.HBox([typed, button]), shown])

    def _ipython_display_(self) -> None:
        _display(self, self.widget if self._live and self.plan.changes else None)


def _display(form: Shown, widget: Callable[[], Any] | None) -> None:
    from IPython.display import display, publish_display_data

    if widget is None:
        publish_display_data({"text/plain": str(form), "text/html": html(form.view())})
    else:
        display(widget())


def _fields(grant: Grant) -> dict[str, Any]:
    import ipywidgets

    one = {"style": _LABELS, "layout": _WIDE, "continuous_update": False}
    permissions = "\n".join(f"{', '.join(each.actions)} on {', '.join(each.resources)}" for each in grant.permissions)
    return {
        "sources": ipywidgets.Textarea("\n".join(grant.sources), description="Source ARNs", rows=2, **one),
        "destinations": ipywidgets.Textarea("\n".join(grant.destinations), description="Destination roles", rows=2, **one),
        "permissions": ipywidgets.Textarea(permissions, description="The role may do", rows=2,
                                           placeholder="s3:GetObject on arn:aws:s3:::reports/*", **one),
        "external_id": ipywidgets.Text(grant.to_json()["conditions"]["external_id"], description="External ID",
                                       placeholder="env:NAME or file:PATH, empty for none", **one),
    }


def _values(typed: dict[str, str], grant: Grant) -> dict[str, Any]:
    """The fields of the form as fields of a grant."""
    conditions = grant.conditions.model_dump()
    if typed["external_id"] != grant.to_json()["conditions"]["external_id"]:
        conditions["external_id"] = typed["external_id"].strip()
    return {"sources": typed["sources"].split(), "destinations": typed["destinations"].split(),
            "permissions": [_permission(line) for line in typed["permissions"].splitlines() if line.strip()],
            "conditions": conditions}


def _permission(line: str) -> dict[str, list[str]]:
    actions, _, resources = line.partition(" on ")
    return {"actions": [each.strip() for each in actions.split(",") if each.strip()],
            "resources": [each.strip() for each in resources.split(",") if each.strip()]}
