"""The status of a class as a page: served on this machine only, behind a key in its address."""

import secrets
from functools import cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

from xacct_nb.errors import InvalidInput, XacctError
from xacct_nb.redaction.invisible import printable
from xacct_nb.workshop.class_status import ClassStatus, class_status
from xacct_nb.workshop.sheets import all_sheets

if TYPE_CHECKING:
    from jinja2 import Template

_HOSTS = ("127.0.0.1", "localhost")
_POLICY = (
    "default-src 'none'; style-src 'nonce-{nonce}'; script-src 'nonce-{nonce}'; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_TEMPLATE = Path(__file__).with_name("class_page.html")


class ClassPage:
    """A server of one page, on a free port if `port` is 0. Close it, or use it in a `with`."""

    def __init__(self, folder: Path, port: int = 0) -> None:
        class_status(folder, all_sheets())  # a folder that cannot be read is said at once
        self._key = secrets.token_urlsafe(16)
        try:
            self._server = _Server(port, folder, self._key)
        except OSError as problem:
            raise InvalidInput(
                f"The page cannot be served at port {port}.",
                why=f"{problem.strerror}.",
                hint="Name another port: --port 8899. Without --port a free one is taken.",
            ) from problem

    def __enter__(self) -> "ClassPage":
        return self

    def __exit__(self, *_: object) -> None:
        self._server.server_close()

    @property
    def address(self) -> str:
        """The address of the page. Who does not know it gets nothing."""
        return f"http://127.0.0.1:{self._server.server_port}/?key={self._key}"

    def serve(self) -> None:
        """Serve until this process is interrupted, or `end` is called."""
        self._server.serve_forever(poll_interval=0.2)

    def end(self) -> None:
        """End `serve`, from another thread."""
        self._server.shutdown()


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, port: int, folder: Path, key: str) -> None:
        self.folder, self.key = folder, key
        super().__init__(("127.0.0.1", port), _Request)


class _Request(BaseHTTPRequestHandler):
    """A request for the page. `server_version` tells nobody what serves it."""

    server: _Server
    server_version, sys_version = "xacct-nb", ""
    timeout = 30

    def do_GET(self) -> None:
        """Answer with the page, to this machine's own names and the key only."""
        asked = urlsplit(self.path)
        given = parse_qs(asked.query).get("key", [""])[0]
        host = self.headers.get("Host", "").rpartition(":")[0]
        if host not in _HOSTS or not secrets.compare_digest(given.encode(), self.server.key.encode()):
            self._answer(403, "Use the whole address that xacct-nb workshop status --page has printed.", "")
        elif asked.path != "/":
            self._answer(404, "There is one page only.", "")
        else:
            self._answer(200, *_page_of(self.server.folder))

    def _answer(self, status: int, body: str, nonce: str) -> None:
        content = body.encode(errors="replace")
        headers = {
            "Content-Type": f"text/{'html' if nonce else 'plain'}; charset=utf-8",
            "Content-Length": str(len(content)),
            "Content-Security-Policy": _POLICY.format(nonce=nonce or "none"),
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "Cache-Control": "no-store",
        }
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: Any) -> None:
        """Write nothing: the address has the key."""


def class_page(status: ClassStatus, nonce: str) -> str:
    """Return the page of a class, in which every value is escaped."""
    return _template().render(status=status, nonce=nonce)


def _page_of(folder: Path) -> tuple[str, str]:
    nonce = secrets.token_urlsafe(16)
    try:
        return class_page(class_status(folder, all_sheets()), nonce), nonce
    except XacctError as problem:  # the folder is gone: the page says so, and recovers with it
        return str(problem), ""


@cache
def _template() -> "Template":
    from jinja2 import Environment

    environment = Environment(autoescape=True, finalize=_shown, trim_blocks=True, lstrip_blocks=True)
    return environment.from_string(_TEMPLATE.read_text(encoding="utf-8"))


def _shown(value: Any) -> Any:
    return printable(value) if isinstance(value, str) and not hasattr(value, "__html__") else value
