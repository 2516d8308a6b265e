"""No request to the sandbox is served without a valid signature: its secret, what it covers, its time.

botocore signs here, and the sandbox checks by other code, so each is the other's test.
"""

import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, urlencode

import boto3
import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from botocore.httpsession import URLLib3Session
from hypothesis import given
from hypothesis import strategies as st

from support.boto3_clients import client, policy, trust
from support.in_process_sandbox import in_process_sandbox, start
from xacct_nb.sandbox.ministack.signatures import ReceivedRequest, signature_failure
from xacct_nb.sandbox.server.accounts import World
from xacct_nb.sandbox.server.state import Sandbox

sandbox = in_process_sandbox

ACCOUNT = "314159265358"
FORM = "application/x-www-form-urlencoded"
SIGNERS: dict[str, Any] = {
    "header": SigV4Auth,
    "query": SigV4QueryAuth,
    "header of S3": S3SigV4Auth,
    "query of S3": S3SigV4QueryAuth,
}
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=12)
SEGMENT = st.sampled_from(["a", "b c", "é", "%2F", "x+y", "~._-", "&=;"])


def signed(
    how: str = "header",
    secret: str | None = None,
    service: str = "sts",
    method: str = "POST",
    path: str = "/",
    query: tuple[tuple[str, str], ...] = (),
    body: bytes = b"Action=GetCallerIdentity&Version=2011-06-15",
    key: str = ACCOUNT,
    token: str | None = None,
    region: str = "us-east-1",
    **headers: str,
) -> Any:
    """A request as botocore sends it, signed with the root key of an account unless another is given."""
    secret = start().root_secret(key) if secret is None else secret
    body = body if how.startswith("header") else b""  # the signer of a link would move the body into it
    url = start().endpoint + path + ("?" + urlencode(query, quote_via=quote) if query else "")
    named = {"Content-Type": FORM} | {name.replace("_", "-"): value for name, value in headers.items()}
    request = AWSRequest(method, url, headers=named if how.startswith("header") else {}, data=body)
    SIGNERS[how](Credentials(key, secret, token), service, region).add_auth(request)
    return request.prepare()


def checked(request: Any, **changed: Any) -> str:
    """The code of the failure of a request, "" for none; some of its parts as changed on the way."""
    path, _, query = request.url.removeprefix(start().endpoint).partition("?")
    headers = {
        name.lower(): text if isinstance(text, str) else text.decode()
        for name, text in request.headers.items()
    }
    headers.setdefault("host", start().endpoint.removeprefix("http://"))
    arrived = ReceivedRequest(request.method, path, query, headers, request.body or b"")
    failure = signature_failure(arrived._replace(**changed))
    return failure.code if failure else ""


def answer(request: Any) -> tuple[int, str]:
    """The status and the text of the sandbox's response."""
    response = URLLib3Session().send(request)
    return response.status_code, response.text


@given(
    st.sampled_from([*SIGNERS]),
    st.sampled_from(["GET", "POST", "PUT", "DELETE"]),
    st.lists(SEGMENT, max_size=4),
    st.lists(st.tuples(TEXT.filter(lambda name: "x-amz" not in name.lower()), TEXT), max_size=4),
    st.binary(max_size=40),
)
def test_what_botocore_signs_is_accepted_and_what_was_changed_on_the_way_is_not(
    how: str, method: str, segments: list[str], query: list[tuple[str, str]], body: bytes
) -> None:
    service = "s3" if how.endswith("S3") else "execute-api"
    path = "/" + "/".join(quote(each) for each in segments)
    request = signed(how, service=service, method=method, path=path, query=tuple(query), body=body)
    unsigned_body = how == "query of S3"

    assert checked(request) == ""
    assert checked(request, method="PATCH") == "SignatureDoesNotMatch"
    assert checked(request, path=path + "x") == "SignatureDoesNotMatch"
    assert (checked(request, body=(request.body or b"") + b"!") != "") is not unsigned_body
    query_string = request.url.partition("?")[2]
    assert (
        checked(request, query_string=(query_string + "&" if query_string else "") + "a=1")
        == "SignatureDoesNotMatch"
    )


@pytest.mark.parametrize("how", [*SIGNERS])
@pytest.mark.parametrize("secret", ["test", "", "x" * 40, "secret"])
def test_a_guessed_secret_of_the_root_user_is_refused(how: str, secret: str) -> None:
    service = "s3" if how.endswith("S3") else "sts"

    assert checked(signed(how, secret, service=service)) == "SignatureDoesNotMatch"


@pytest.mark.parametrize(
    "key", ["test", "AKIAIOSFODNN7EXAMPLE", "31415926535", "3141592653589", "٣١٤١٥٩٢٦٥٣٥٨", ""]
)
def test_a_key_that_nobody_has_is_refused(key: str) -> None:
    assert checked(signed(key=key or "none", secret="test")) in (
        "UnrecognizedClientException",
        "IncompleteSignature",
    )


def test_the_secret_of_one_account_opens_no_other(sandbox: Sandbox) -> None:
    assert sandbox.root_secret("111111111111") != sandbox.root_secret("222222222222")
    assert (
        checked(signed(secret=sandbox.root_secret("222222222222"), key="111111111111"))
        == "SignatureDoesNotMatch"
    )


@pytest.mark.parametrize("minutes", [-16, 16])
def test_a_signature_of_another_time_is_refused(minutes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime.now(UTC).replace(tzinfo=None) + timedelta(minutes=minutes)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)

    assert checked(signed()) == "RequestTimeTooSkewed"


@pytest.mark.parametrize("how", ["query", "query of S3"])
def test_a_link_that_has_expired_is_refused(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    then = datetime.now(UTC).replace(tzinfo=None) - timedelta(hours=2)
    monkeypatch.setattr("botocore.auth.get_current_datetime", lambda *_, **__: then)

    assert checked(signed(how, service="s3" if how.endswith("S3") else "sts")) in (
        "RequestExpired",
        "RequestTimeTooSkewed",
    )


def test_a_header_of_aws_that_was_not_signed_is_refused() -> None:
    request = signed()
    request.headers["X-Amz-Security-Policy"] = "x"

    assert checked(request) == "AccessDenied"


def test_a_host_that_was_not_signed_is_refused() -> None:
    request = signed()
    authorization = str(request.headers["Authorization"]).replace(";host", "")
    request.headers["Authorization"] = authorization

    assert checked(request) in ("SignatureDoesNotMatch", "AccessDenied")


@pytest.mark.parametrize(
    "second",
    [
        ", Credential=222222222222/20260101/us-east-1/sts/aws4_request",
        ",AWS4-HMAC-SHA256 Credential=222222222222/x",
    ],
)
def test_two_credentials_in_one_request_are_refused(second: str) -> None:
    request = signed()
    request.headers["Authorization"] += second

    assert checked(request) == "IncompleteSignature"


def test_a_credential_in_the_header_and_another_in_the_query_are_refused() -> None:
    link = f"X-Amz-Credential={ACCOUNT}/20260101/us-east-1/sts/aws4_request"

    assert checked(signed(), query_string=link) == "IncompleteSignature"


IAM_CALL, STS_CALL = b"Action=ListUsers&Version=2010-05-08", b"Action=GetCallerIdentity&Version=2011-06-15"
OF_STS, OF_IAM = (f"Credential should be scoped to correct service: '{name}'. " for name in ("sts", "iam"))
NO_REGION = "Credential should be scoped to a valid region. "


@pytest.mark.parametrize(
    ("service", "region", "body", "message"),
    [
        ("sts", "eu-west-1", STS_CALL, NO_REGION),
        ("iam", "eu-west-1", IAM_CALL, NO_REGION),
        ("iam", "us-east-1", STS_CALL, OF_STS),
        ("sts", "us-east-1", IAM_CALL, OF_IAM),
        ("s3", "us-east-1", STS_CALL, OF_STS),
        ("sqs", "us-east-1", IAM_CALL, OF_IAM),
        ("s3", "eu-west-1", IAM_CALL, NO_REGION + OF_IAM),
    ],
)
def test_a_signature_is_for_one_service_and_region(
    service: str, region: str, body: bytes, message: str
) -> None:
    how = "header of S3" if service == "s3" else "header"
    status, text = answer(signed(how, service=service, region=region, body=body))

    assert status == 403
    assert "<Code>SignatureDoesNotMatch</Code>" in text
    assert f"<Message>{message}</Message>" in text


@pytest.mark.parametrize("how", ["header", "query"])
@pytest.mark.parametrize("term", ["aws5_request", "", "aws4_request2"])
def test_the_scope_of_a_signature_ends_as_aws_s_does(how: str, term: str) -> None:
    request = signed(how, body=STS_CALL)
    if how == "query":
        request.url = request.url.replace("aws4_request", term)
    else:
        request.headers["Authorization"] = request.headers["Authorization"].replace("aws4_request", term)

    assert checked(request) == "SignatureDoesNotMatch"


def test_the_date_of_the_scope_is_the_request_s() -> None:
    request = signed()
    day = request.headers["X-Amz-Date"][:8]
    request.headers["Authorization"] = request.headers["Authorization"].replace(f"/{day}/", "/20200101/")
    status, text = answer(request)

    assert (status, "SignatureDoesNotMatch" in text) == (403, True)
    assert f"'20200101' != '{day}', from '{request.headers['X-Amz-Date']}'." in text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"Action=GetCallerIdentity&Version=2010-01-01", "GetCallerIdentity for version 2010-01-01"),
        (b"Action=GetCallerIdentity", "GetCallerIdentity for version NO_VERSION_SPECIFIED"),
        (b"Action=AssumeRoles&Version=2011-06-15", "AssumeRoles for version 2011-06-15"),
        (b"Action=getcalleridentity&Version=2011-06-15", "getcalleridentity for version 2011-06-15"),
    ],
)
def test_an_operation_is_one_of_a_version_of_the_api(body: bytes, message: str) -> None:
    status, text = answer(signed(body=body))

    assert status == 400
    assert "<Code>InvalidAction</Code>" in text
    assert f"<Message>Could not find operation {message}</Message>" in text


UNSIGNED = {
    "sts": ("POST", "/", b"Action=GetCallerIdentity&Version=2011-06-15", {"Content-Type": FORM}),
    "iam": ("POST", "/", b"Action=ListUsers&Version=2010-05-08", {"Content-Type": FORM}),
    "dynamodb": ("POST", "/", b"{}", {"X-Amz-Target": "DynamoDB_20120810.ListTables"}),
    "s3 service": ("GET", "/", b"", {}),
    "s3 object": ("GET", "/reports/2026/summary.csv", b"", {}),
    "lambda": ("POST", "/2015-03-31/functions/x/invocations", b"{}", {}),
    "cognito": ("POST", "/", b"{}", {"X-Amz-Target": "AWSCognitoIdentityService.GetId"}),
    "execute-api": ("POST", "/_aws/execute-api/x/y", b"{}", {}),
    "lambda-url": ("POST", "/_aws/lambda-url/x/", b"{}", {}),
    "post policy": (
        "POST",
        "/reports",
        b'--x\r\nContent-Disposition: form-data; name="key"\r\n\r\nk\r\n--x--',
        {"Content-Type": "multipart/form-data; boundary=x"},
    ),
}


@pytest.mark.parametrize("method", ["POST", "GET"])
@pytest.mark.parametrize("token", ["WebIdentityToken=abcdefgh", "SAMLAssertion=abcdefgh"])
def test_a_federated_call_without_a_signature_needs_a_token_of_the_sandbox(
    token: str, method: str, sandbox: Sandbox
) -> None:
    action = "AssumeRoleWithWebIdentity" if token.startswith("Web") else "AssumeRoleWithSAML"
    role = "arn:aws:iam::111111111111:role/x"
    form = f"Action={action}&Version=2011-06-15&RoleArn={role}&PrincipalArn={role}&RoleSessionName=me&{token}"
    url, body = (sandbox.endpoint + "/", form) if method == "POST" else (f"{sandbox.endpoint}/?{form}", "")
    request = AWSRequest(method, url, headers={"Content-Type": FORM}, data=body.encode())
    status, text = answer(request.prepare())
    page = AWSRequest(method, url, headers={"Content-Type": FORM, "Origin": "null"}, data=body.encode())

    assert status in (400, 403)
    assert ("InvalidIdentityToken" if method == "POST" else "MissingAuthenticationToken") in text
    assert answer(page.prepare())[0] == 403


@pytest.mark.parametrize("name", [*UNSIGNED])
def test_a_request_without_a_signature_is_refused(name: str, sandbox: Sandbox) -> None:
    method, path, body, headers = UNSIGNED[name]
    status, text = answer(AWSRequest(method, sandbox.endpoint + path, headers=headers, data=body).prepare())

    assert status in (400, 403)
    assert "MissingAuthenticationToken" in text or "Access Denied" in text or "needs its token" in text


@pytest.mark.parametrize(
    ("service", "call", "unknown", "wrong"),
    [
        ("sts", "get_caller_identity", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("iam", "list_roles", "InvalidClientTokenId", "SignatureDoesNotMatch"),
        ("s3", "list_buckets", "InvalidAccessKeyId", "SignatureDoesNotMatch"),
        ("dynamodb", "list_tables", "UnrecognizedClientException", "InvalidSignatureException"),
        ("ec2", "describe_regions", "AuthFailure", "AuthFailure"),
    ],
)
def test_each_service_says_it_as_aws_does(
    sandbox: Sandbox, service: str, call: str, unknown: str, wrong: str
) -> None:
    codes = []
    for key in ("AKIAIOSFODNN7EXAMPLE", ACCOUNT):
        unauthorized = boto3.client(
            service,
            "us-east-1",
            endpoint_url=sandbox.endpoint,
            aws_access_key_id=key,
            aws_secret_access_key="test",
            config=Config(proxies={}),
        )
        with pytest.raises(ClientError) as refusal:
            getattr(unauthorized, call)()
        codes.append(refusal.value.response["Error"]["Code"])

    assert codes == [unknown, wrong]


def test_a_call_that_was_signed_for_another_service_is_refused() -> None:
    status, text = answer(signed(body=b"Action=ListUsers&Version=2010-05-08"))

    assert (status, "Credential should be scoped to correct service: 'iam'" in text) == (403, True)


def test_a_link_can_read_and_changes_nothing(world: World) -> None:
    query = (("Action", "CreateUser"), ("Version", "2010-05-08"), ("UserName", "eve"))
    change = signed(
        "query",
        service="iam",
        method="GET",
        query=query,
        body=b"",
        key=world.source,
        secret=world.root_secret(world.source),
    )
    who = (("Action", "GetCallerIdentity"), ("Version", "2011-06-15"))
    read = signed(
        "query", method="GET", query=who, body=b"", key=world.source, secret=world.root_secret(world.source)
    )

    assert answer(change)[0] == 403
    assert answer(read)[0] == 200


class TestWhatClientsSend:
    """Each way in which boto3 signs is accepted, with the keys of a user and of a session."""

    @pytest.fixture
    def sessions(self, world: World) -> dict[str, Any]:
        iam, arn = client(world, "iam"), f"arn:aws:iam::{world.source}:user/mallory"
        iam.create_role(RoleName="writer", AssumeRolePolicyDocument=trust(arn))
        iam.put_role_policy(RoleName="writer", PolicyName="all", PolicyDocument=policy("s3:*"))
        role = f"arn:aws:iam::{world.destination}:role/writer"
        made = client(world, "sts", "mallory").assume_role(RoleArn=role, RoleSessionName="me")
        return dict(made["Credentials"])

    @pytest.mark.parametrize("kind", ["user", "session"])
    @pytest.mark.parametrize("path", ["plain", "a b/é+~", "..%2F", "x//y"])
    def test_an_object_is_written_and_read(self, world: World, sessions: Any, kind: str, path: str) -> None:
        s3 = client(world, "s3", "destination-admin" if kind == "user" else sessions)
        s3.put_object(
            Bucket=world.bucket, Key=path, Body=b"one", Metadata={"note": "a  b"}, Tagging="a=b%20c"
        )

        assert s3.get_object(Bucket=world.bucket, Key=path)["Body"].read() == b"one"

    def test_a_stream_and_many_parts(self, world: World, sessions: Any) -> None:
        s3, large = client(world, "s3", sessions), b"0123456789abcdef" * 700_000
        s3.upload_fileobj(io.BytesIO(large), world.bucket, "large")

        assert s3.get_object(Bucket=world.bucket, Key="large")["Body"].read() == large

    @pytest.mark.parametrize("version", ["s3", "s3v4"])
    @pytest.mark.parametrize("method", ["get_object", "put_object"])
    def test_a_presigned_link(self, world: World, sessions: Any, method: str, version: str) -> None:
        s3 = client(world, "s3", sessions)
        s3.put_object(Bucket=world.bucket, Key="x y", Body=b"one")
        s3 = client(world, "s3", sessions, signature_version=version)
        link = s3.generate_presigned_url(method, {"Bucket": world.bucket, "Key": "x y"}, ExpiresIn=60)
        way, body = ("GET", b"") if method == "get_object" else ("PUT", b"two")

        assert answer(AWSRequest(way, link, data=body).prepare())[0] == 200
        assert answer(AWSRequest(way, link.replace("x%20y", "payroll"), data=body).prepare())[0] == 403

    def test_a_session_without_its_token_is_unknown(self, world: World, sessions: Any) -> None:
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client(world, "sts", sessions | {"SessionToken": None}).get_caller_identity()

    def test_a_session_with_another_token_is_refused(self, world: World, sessions: Any) -> None:
        with pytest.raises(ClientError, match="InvalidClientTokenId"):
            client(world, "sts", sessions | {"SessionToken": "another"}).get_caller_identity()

    def test_json_and_rest_services(self, world: World) -> None:
        assert client(world, "dynamodb").list_tables()["TableNames"] == []
        assert client(world, "sqs").list_queues().get("QueueUrls", []) == []
        assert client(world, "lambda").list_functions()["Functions"] == []
        assert json.dumps(client(world, "kms").list_keys()["Keys"]) == "[]"
