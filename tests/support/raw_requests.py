"""Requests to the in-process sandbox that no SDK would send: any method, body and header, signed or not."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode
from xml.etree import ElementTree

from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.httpsession import URLLib3Session

from support.in_process_sandbox import start

VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
FORM = "application/x-www-form-urlencoded"


@dataclass(frozen=True)
class RawAnswer:
    """Status, AWS's code and message, and the text as it came."""

    status: int
    code: str
    message: str
    text: str

    @property
    def is_xml(self) -> bool:
        """Whether the text is well-formed XML."""
        try:
            ElementTree.fromstring(self.text)
        except ElementTree.ParseError:
            return False
        return True


def form(service: str, action: str, *pairs: tuple[str, str], **parameters: str) -> bytes:
    """The body of a call, its parameters in this order."""
    every = [("Action", action), ("Version", VERSIONS[service]), *pairs, *parameters.items()]
    return urlencode(every, quote_via=quote).encode()


def send(
    key: tuple[Any, ...] | None = None,
    *,
    service: str = "iam",
    method: str = "POST",
    query: Mapping[str, str] | None = None,
    body: bytes = b"",
    path: str = "/",
    headers: Mapping[str, str] | None = None,
) -> RawAnswer:
    """Send a request, signed with a key unless it is None. A header of no value is left out."""
    named = {"Content-Type": FORM} | dict(headers or {})
    url = start().endpoint + path + (f"?{urlencode(query)}" if query else "")
    request = AWSRequest(method, url, headers={n: v for n, v in named.items() if v}, data=body)
    if key:
        SigV4Auth(Credentials(*key), service, "us-east-1").add_auth(request)
    answer = URLLib3Session().send(request.prepare())
    text = answer.content.decode("utf-8", "replace")
    code, message = (re.search(rf"<{name}>(.*?)</{name}>", text, re.DOTALL) for name in ("Code", "Message"))
    return RawAnswer(answer.status_code, code[1] if code else "", message[1] if message else "", text)
