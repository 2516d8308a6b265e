"""What all forms share: a value to edit, the problem with what was typed, and how a notebook shows them.

ipywidgets is loaded only where a widget is built.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from typing import TYPE_CHECKING, Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.conditions import is_reference
from xacct_nb.jupyter.forms.form_parts import WIDE, Field, FormState, box, region, style
from xacct_nb.views import Shown, Text

if TYPE_CHECKING:
    from xacct_nb.jupyter.forms.form_widget import FormWidget

__all__ = ["WIDE", "Field", "Form", "FormState", "box", "is_literal", "region", "style"]


class Form(Shown):
    """A value that a person edits in a notebook; headless, it passes through as it is.

    `problem` is what is not valid in the fields, None where they are valid. `closed` says why the fields are
    disabled, "" while they are not.
    """

    secret_field = "external_id"

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

    @property
    def reference(self) -> str:
        """Return the reference to the external ID."""
        return ""

    def fields(self) -> Sequence[Field]:
        """Return the fields with their values now."""
        raise NotImplementedError

    def take(self, typed: Mapping[str, Any]) -> None:
        """Take the values of all fields. Raises InvalidInput."""
        raise NotImplementedError

    def state(self) -> FormState:
        """Return what the widget shows around the fields."""
        raise NotImplementedError

    def arrange(self, page: "FormWidget") -> Sequence[Any]:
        """Return the fields as widgets in their order."""
        return [each.root for each in page.boxes.values()]

    def is_secret(self, typed: str) -> bool:
        """Return whether a secret itself is typed where a reference to it belongs."""
        return is_literal(typed, self.reference)

    @cached_property
    def widget(self) -> Any:
        """Return the form as one ipywidgets box, the same each time it is shown."""
        return self.build_widget()

    def build_widget(self) -> Any:
        """Return the fields over what they mean."""
        from xacct_nb.jupyter.forms.form_widget import FormWidget

        page = FormWidget(self)
        self._refresh = page.show
        return page.root

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


def is_literal(typed: str, reference: str) -> bool:
    """Return whether an external ID itself was typed instead of a reference to it."""
    return typed.strip() not in ("", reference) and not is_reference(typed.strip())
