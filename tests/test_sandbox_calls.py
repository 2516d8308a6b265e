"""What a request asks of AWS, read from its headers, path and body."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import parse_qs, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.sandbox.http.calls import LONGEST_BODY, Call, Refusal, read_call
from xacct_nb.sandbox.http.s3_names import s3_operation
from xacct_nb.sandbox.ministack import forms

FORM = (b"content-type", b"application/x-www-form-urlencoded; charset=utf-8")


def _read(body: bytes = b"", **scope: Any) -> tuple[Call, bytes]:
    """The call, and the body that a `receive` gives afterwards."""
    pieces = [body[:7], body[7:]]

    async def receive() -> Any:
        return {"type": "http.request", "body": pieces.pop(0), "more_body": bool(pieces)}

    async def both() -> tuple[Call, bytes]:
        call, again = await read_call(_scope(**scope), receive)
        first, second = await again(), await again()
        return call, first["body"] + second["body"]

    # A browser that an earlier test of this process drives keeps a loop running in this thread.
    with ThreadPoolExecutor(1) as elsewhere:
        return elsewhere.submit(lambda: asyncio.run(both())).result()


def _scope(
    method: str = "POST", path: str = "/", query: bytes = b"", headers: tuple[tuple[bytes, bytes], ...] = ()
) -> dict[str, Any]:
    return {"method": method, "path": path, "query_string": query, "headers": list(headers)}


def _signed(service: bytes, key: bytes = b"111111111111") -> tuple[bytes, bytes]:
    scope = b"/20261124/us-east-1/" + service + b"/aws4_request"
    return b"authorization", b"AWS4-HMAC-SHA256 Credential=" + key + scope + b", SignedHeaders=host"


def test_a_query_call_is_read_from_its_body_and_given_on_unchanged() -> None:
    body = b"Action=CreateRole&Version=2010-05-08&RoleName=reader&Description=a+b%26c"
    call, again = _read(body, headers=(_signed(b"iam"), FORM))

    assert (call.service, call.action, call.key, call.account) == (
        "iam",
        "CreateRole",
        "111111111111",
        "111111111111",
    )
    assert (call.parameter("RoleName"), call.parameter("Description"), call.parameter("Path")) == (
        "reader",
        "a b&c",
        "",
    )
    assert again == call.body == body


def test_lists_and_tags_are_read_in_their_order() -> None:
    body = (
        b"Action=AssumeRole&Tags.member.1.Key=team&Tags.member.1.Value=red&Tags.member.2.Key=empty"
        b"&Tags.member.2.Value=&TransitiveTagKeys.member.1=team&PolicyArns.member.1.arn=a"
    )
    call, _ = _read(body, headers=(_signed(b"sts"), FORM))

    assert call.tags() == {"team": "red", "empty": ""}
    assert call.members("TransitiveTagKeys") == ["team"]
    assert call.members("PolicyArns", "arn") == ["a"]


def test_of_two_values_of_a_parameter_the_first_is_used() -> None:
    call, _ = _read(b"Action=GetRole&RoleName=reader&RoleName=writer", headers=(_signed(b"iam"), FORM))

    assert call.parameter("RoleName") == "reader"


@given(
    st.lists(st.tuples(st.sampled_from(["Action", "RoleName", "Tags.member.1.Value"]), st.text(max_size=9)))
)
def test_a_form_that_was_read_is_given_as_ministack_would_read_it(pairs: list[tuple[str, str]]) -> None:
    text = urlencode(pairs)
    _read(text.encode(), headers=(_signed(b"iam"), FORM))
    firsts = {name: values[:1] for name, values in parse_qs(text, keep_blank_values=True).items()}

    assert forms.parse_first(text) == {name: value for name, value in firsts.items() if value != [""]}


@given(st.text(alphabet="ab=&+%41;", max_size=20), st.booleans())
def test_a_query_is_parsed_as_the_standard_library_does(text: str, keep_blank_values: bool) -> None:
    first = forms.parse_qs(text, keep_blank_values)
    first["changed"] = ["by MiniStack"]

    assert forms.parse_qs(text, keep_blank_values) == parse_qs(text, keep_blank_values)


def test_a_call_signed_in_its_query_is_read_from_there() -> None:
    query = (
        b"Action=GetCallerIdentity&Version=2011-06-15"
        b"&X-Amz-Credential=222222222222%2F20261124%2Fus-east-1%2Fsts%2Faws4_request"
    )
    call, _ = _read(method="GET", query=query)

    assert (call.service, call.action, call.key) == ("sts", "GetCallerIdentity", "222222222222")


def test_an_unsigned_call_is_known_by_its_version() -> None:
    body = b"Action=AssumeRoleWithWebIdentity&Version=2011-06-15"
    call, _ = _read(body, headers=(FORM,))

    assert (call.service, call.action, call.key) == ("sts", "AssumeRoleWithWebIdentity", "")


def test_a_json_call_is_known_by_its_target() -> None:
    target = (b"x-amz-target", b"com.amazonaws.cloudtrail.v20131101.CloudTrail_20131101.LookupEvents")
    call, _ = _read(
        b"{}", headers=(_signed(b"cloudtrail"), target, (b"content-type", b"application/x-amz-json-1.1"))
    )

    assert (call.service, call.action, call.body) == ("cloudtrail", "LookupEvents", b"{}")


def test_a_body_that_is_too_long_passes_by() -> None:
    body = b"Action=CreateRole&Description=" + b"x" * LONGEST_BODY
    call, again = _read(body, headers=(_signed(b"iam"), FORM))

    assert (call.action, call.body) == ("", b"")
    assert again == body


def test_an_object_on_its_way_to_s3_is_not_read() -> None:
    call, again = _read(b"quarter,orders", method="PUT", path="/reports/a.csv", headers=(_signed(b"s3"),))

    assert (call.service, call.action, call.body) == ("s3", "PutObject", b"")
    assert again == b"quarter,orders"


@pytest.mark.parametrize(
    ("method", "path", "query", "operation"),
    [
        ("GET", "/", {}, "ListBuckets"),
        ("PUT", "/reports", {}, "CreateBucket"),
        ("GET", "/reports", {"list-type": "2"}, "ListObjectsV2"),
        ("GET", "/reports", {"prefix": "2026/"}, "ListObjects"),
        ("GET", "/reports/2026/summary.csv", {}, "GetObject"),
        ("HEAD", "/reports/2026/summary.csv", {}, "HeadObject"),
        ("DELETE", "/reports/2026/summary.csv", {}, "DeleteObject"),
        ("PUT", "/reports", {"policy": ""}, "PutBucketPolicy"),
        ("GET", "/reports/a", {"tagging": ""}, "GetObjectTagging"),
        ("POST", "/reports", {"delete": ""}, "DeleteObjects"),
        ("PUT", "/reports/a", {"partNumber": "1", "uploadId": "u"}, "UploadPart"),
    ],
)
def test_s3_operations_have_awss_names(method: str, path: str, query: dict[str, str], operation: str) -> None:
    assert s3_operation(method, path, query, {}) == operation


def test_a_bucket_in_the_host_name_is_read() -> None:
    call, _ = _read(method="GET", headers=(_signed(b"s3"), (b"host", b"reports.localhost:4566")))

    assert call.action == "ListObjects"


def test_a_refusal_reads_as_awss_errors_do() -> None:
    status, headers, body = Refusal(400, "MalformedPolicyDocument", 'Invalid <"x"> & more').response("iam")

    assert status == 400
    assert headers["Content-Type"] == "text/xml"
    assert body.decode() == (
        '<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type>'
        '<Code>MalformedPolicyDocument</Code><Message>Invalid &lt;"x"&gt; &amp; more</Message></Error>'
        f"<RequestId>{headers['x-amzn-requestid']}</RequestId></ErrorResponse>"
    )
