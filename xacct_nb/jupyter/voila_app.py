"""Voila with one notebook behind a token, and with the records and docs that it links to.

Run as a program by `xacct-nb page`. Voila itself serves files without asking for the token; that is off here.
"""

from pathlib import Path
from typing import Any

from jupyter_server.base.handlers import AuthenticatedFileHandler, JupyterHandler
from jupyter_server.utils import url_path_join
from nbconvert.filters.markdown import markdown2html
from tornado import web
from voila.app import Voila  # type: ignore[import-untyped]

from xacct_nb.jupyter.forms.form_parts import style
from xacct_nb.jupyter.served import FILES

_PAGE = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1"><link rel="icon" href="data:,">
<style>{style}</style></head>
<body class="xacct-record"><main>{body}</main></body></html>"""


# Voila's pages name style sheets and scripts of other hosts. A page that acts on AWS loads none of them.
_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval' blob:; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; frame-ancestors 'self'"
)


class DocsHandler(JupyterHandler):
    """Serves the docs beside the notebook's folder, as pages."""

    def initialize(self, docs: Path) -> None:
        """Take the folder of the docs."""
        self.docs = docs

    @web.authenticated
    def get(self, name: str) -> None:
        """Write a page of the docs, if there is one."""
        path = (self.docs / name).resolve()
        if not (path.is_relative_to(self.docs.resolve()) and path.is_file()):
            raise web.HTTPError(404)
        body = markdown2html(path.read_text(encoding="utf-8"))
        self.finish(_PAGE.format(title=path.stem, style=style(), body=body))


class PageServer(Voila):
    """The server of the page."""

    auto_token = True

    def init_settings(self) -> dict[str, Any]:
        """Return Voila's settings, with a policy that lets a browser load from this server only."""
        settings: dict[str, Any] = super().init_settings()
        return settings | {"headers": {"Content-Security-Policy": _POLICY}}

    def init_handlers(self) -> list[Any]:
        """Return Voila's handlers behind those of the records and the docs."""
        docs = Path(self.notebook_path).parent.parent / "docs"
        files = (
            url_path_join(self.server_url, f"/{FILES}(.*)"),
            AuthenticatedFileHandler,
            {"path": self.root_dir},
        )
        pages = (url_path_join(self.server_url, r"/docs/(.+\.md)"), DocsHandler, {"docs": docs})
        self.voila_configuration.file_denylist = [".*"]
        return [files, pages, *super().init_handlers()]


if __name__ == "__main__":
    PageServer.launch_instance()
