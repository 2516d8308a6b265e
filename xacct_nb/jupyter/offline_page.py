"""HTML pages of one file that open offline: each with a style sheet and a script of its own, and no other."""

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from xacct_nb.redaction.invisible import printable

if TYPE_CHECKING:
    from jinja2 import Template


def to_offline_page(name: str, **values: Any) -> str:
    """Return the page of this name (`fleet_page`, `review_page`), filled in; every text is escaped."""
    from markupsafe import Markup

    style, script = _read(f"{name}.css"), _read(f"{name}.js")
    return _template(name).render(
        style=Markup(style), script=Markup(script), policy=_policy(style, script), **values
    )


def _policy(style: str, script: str) -> str:
    """Return a Content-Security-Policy that lets this style sheet and this script in, and nothing else."""
    return (
        f"default-src 'none'; style-src {_hash(style)}; script-src {_hash(script)}; "
        "base-uri 'none'; form-action 'none'"
    )


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _template(name: str) -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_read(f"{name}.html"))


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value


def _read(name: str) -> str:
    return files("xacct_nb.jupyter").joinpath(name).read_text(encoding="utf-8")
