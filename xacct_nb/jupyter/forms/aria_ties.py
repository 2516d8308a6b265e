"""The widget that ties the controls of a form to their help and messages, as ARIA has it (form.js)."""

from pathlib import Path
from typing import Any

import anywidget
import traitlets


class AriaTies(anywidget.AnyWidget):
    """What form.js sets on the controls of a form: ipywidgets has no traits for ARIA.

    Where a front end cannot load it, the form works without it.
    """

    _esm = Path(__file__).with_name("form.js")
    ties: Any = traitlets.Dict({"fields": [], "buttons": []}).tag(sync=True)
