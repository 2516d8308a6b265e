"""The AWS call behind an HTTP request, read once; the request can still be read again."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, NamedTuple
from urllib.parse import unquote
from uuid import uuid4

from xacct_nb.sandbox.http.messages import Message, Receive, read_and_replay
from xacct_nb.sandbox.http.s3_names import s3_operation
from xacct_nb.sandbox.ministack.forms import first_values
from xacct_nb.sandbox.ministack.guard_result import HttpResponse
from xacct_nb.sandbox.ministack.internals import account_of
from xacct_nb.sandbox.ministack.xml_text import escape_xml

LONGEST_BODY = 1 << 20
"""Bytes of a body that is read; a longer body is not."""

_KNOWN = "xacct_nb.call"
_VERSIONS = {"iam": "2010-05-08", "sts": "2011-06-15"}
SERVICES = {version: service for service, version in _VERSIONS.items()}
_SCOPE = re.compile(r"Credential=([^/,\s]*)/[^/,\s]*/([^/,\s]*)/([^/,\s]*)/")
_READ_OF_S3 = ("PutBucketPolicy",)
_READ = ("application/x-www-form-urlencoded", "application/x-amz-json")


# A tuple, like `AuthorizationRequest`: every request makes one.
class Call(NamedTuple):
    """One call of an AWS operation: whose key signed it, and its parameters in query-protocol names."""

    service: str = ""
    action: str = ""
    parameters: Mapping[str, str] = MappingProxyType({})
    key: str = ""
    account: str = ""
    region: str = "us-east-1"
    client: str = "127.0.0.1"
    body: bytes = b""

    def parameter(self, name: str) -> str:
        """Return the value of a parameter; "" if it was not given."""
        return self.parameters.get(name, "")

    def members(self, prefix: str, leaf: str = "") -> list[str]:
        """Return the values of a list in order: `members("PolicyArns", "arn")`, `members("TagKeys")`."""
        end = f".{leaf}" if leaf else ""
        values: list[str] = []
        while (name := f"{prefix}.member.{len(values) + 1}{end}") in self.parameters:
            values.append(self.parameters[name])
        return values

    def tags(self, prefix: str = "Tags") -> dict[str, str]:
        """Return the tags of the call: key -> value."""
        return dict(zip(self.members(prefix, "Key"), self.members(prefix, "Value"), strict=False))

    def answer(self, result: Mapping[str, Any]) -> HttpResponse:
        """Return the successful response to this call in the query protocol."""
        namespace = f"https://{self.service}.amazonaws.com/doc/{_VERSIONS[self.service]}/"
        request, name = str(uuid4()), self.action
        text = (
            f'<{name}Response xmlns="{namespace}"><{name}Result>{_elements(result)}</{name}Result>'
            f"<ResponseMetadata><RequestId>{request}</RequestId></ResponseMetadata></{name}Response>"
        )
        return 200, {"Content-Type": "text/xml", "x-amzn-requestid": request}, text.encode()


def _elements(values: Mapping[str, Any]) -> str:
    return "".join(
        f"<{name}>{escape_xml(value) if isinstance(value, str) else _elements(value)}</{name}>"
        for name, value in values.items()
    )


async def read_call(scope: Message, receive: Receive, known: bytes | None = None) -> tuple[Call, Receive]:
    """Read the call of a request; return it with a `receive` that starts at the body's beginning.

    Only bodies of the query and JSON protocols up to 1 MiB are read, no objects for S3. A second reading of
    the same scope returns the same call. `known` is the body, where it was read before.
    """
    if isinstance(known := scope.get(_KNOWN), Call):
        return known, receive
    headers = dict(scope["headers"])
    query = first_values(scope["query_string"].decode("latin-1"))
    key, region, service = _signer(headers, query)
    kind = headers.get(b"content-type", b"").decode("latin-1")
    body = b""
    if kind.startswith(_READ) and scope["method"] == "POST" and (service != "s3" or scope["path"] == "/"):
        body, receive = await _body(receive, known)
    if kind.startswith(_READ[0]) and body:
        form = first_values(body.decode("utf-8", "replace"))
        if service != "s3" or form.get("Version") in SERVICES:
            query |= form
    service = service or SERVICES.get(query.get("Version", ""), "")
    action = query.get("Action", "") or headers.get(b"x-amz-target", b"").decode("latin-1").rpartition(".")[2]
    if service == "s3" and query.get("Version") not in SERVICES:
        action = s3_operation(scope["method"], _s3_path(scope, headers), query, headers)
        if action in _READ_OF_S3:
            body, receive = await _body(receive, known)
            query["Bucket"] = _s3_path(scope, headers).split("/")[1]
    client = (scope.get("client") or ("127.0.0.1",))[0]
    scope[_KNOWN] = call = Call(service, action, query, key, account_of(key), region, client, body)
    return call, receive


async def _body(receive: Receive, known: bytes | None) -> tuple[bytes, Receive]:
    if known is None:
        return await read_and_replay(receive, LONGEST_BODY)
    return (known if len(known) <= LONGEST_BODY else b""), receive


def _signer(headers: Mapping[bytes, bytes], query: Mapping[str, str]) -> tuple[str, str, str]:
    """Return access key id, region and service of the signature, from the header or the query."""
    found = _SCOPE.search(headers.get(b"authorization", b"").decode("latin-1"))
    if found:
        return found[1], found[2], found[3]
    scope = query.get("X-Amz-Credential", "").split("/")
    return (scope[0], scope[2], scope[3]) if len(scope) == 5 else ("", "us-east-1", "")


def _s3_path(scope: Message, headers: Mapping[bytes, bytes]) -> str:
    """Return /BUCKET/KEY, whether the bucket is in the path or in the host's name."""
    host = headers.get(b"host", b"").decode("latin-1").rpartition(":")[0].lower()
    path = unquote(str(scope["path"]))
    bucket = host.removesuffix(".localhost") if host.endswith(".localhost") else ""
    return f"/{bucket}{path}" if bucket else path


@dataclass(frozen=True)
class Refusal:
    """An error of AWS: HTTP status, code and message."""

    status: int
    code: str
    message: str

    def response(self, service: str) -> HttpResponse:
        """Return the response in the protocol of a service: S3's, KMS's JSON, or the query protocol."""
        if service == "s3":
            return self._of_s3()
        if service == "kms":
            text = json.dumps({"__type": self.code, "message": self.message})
            return self.status, {"Content-Type": "application/x-amz-json-1.1"}, text.encode()
        request, fault = str(uuid4()), "Sender" if self.status < 500 else "Receiver"
        namespace = f"https://{service}.amazonaws.com/doc/{_VERSIONS.get(service, _VERSIONS['iam'])}/"
        text = (
            f'<ErrorResponse xmlns="{namespace}"><Error><Type>{fault}</Type>'
            f"<Code>{escape_xml(self.code)}</Code>"
            f"<Message>{escape_xml(self.message)}</Message></Error>"
            f"<RequestId>{request}</RequestId></ErrorResponse>"
        )
        return self.status, {"Content-Type": "text/xml", "x-amzn-requestid": request}, text.encode()

    def _of_s3(self) -> HttpResponse:
        request = str(uuid4())
        text = (
            f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{escape_xml(self.code)}</Code>'
            f"<Message>{escape_xml(self.message)}</Message><RequestId>{request}</RequestId></Error>"
        )
        return self.status, {"Content-Type": "application/xml", "x-amz-request-id": request}, text.encode()
