"""Only a token that this sandbox signed gets a session, whoever sends it and however it is written."""

import base64
import hmac
import json
import time
from typing import Any

import pytest

from support.in_process_sandbox import start
from support.questions import Room
from support.raw_requests import FORM, RawAnswer, form, send
from xacct_nb.errors import SandboxError
from xacct_nb.sandbox.server.client import saml_assertion, web_identity_token

ISSUER, IDP = "https://idp.example.org/realms/a", "https://idp.example.org/saml"
METADATA = f'<EntityDescriptor entityID="{IDP}">{"x" * 1000}</EntityDescriptor>'
TAGS, IDENTITY = "https://aws.amazon.com/tags", "https://aws.amazon.com/source_identity"
WEB, SAML = "AssumeRoleWithWebIdentity", "AssumeRoleWithSAML"


class Stage:
    """A role that trusts a provider of each kind for everything that a token can ask."""

    def __init__(self) -> None:
        room = Room(start())
        room.do({"destination": "CreateOpenIDConnectProvider", "Url": ISSUER, "ClientIDList": ["books"]})
        room.do({"destination": "CreateSAMLProvider", "Name": "idp", "SAMLMetadataDocument": METADATA})
        front = f"arn:aws:iam::{room.names['destination']}"
        self.provider, self.role = f"{front}:saml-provider/idp", f"{front}:role/reader"
        trust = {
            "Effect": "Allow",
            "Principal": {"Federated": [f"{front}:oidc-provider/{ISSUER[8:]}", self.provider]},
            "Action": [f"sts:{WEB}", f"sts:{SAML}", "sts:TagSession", "sts:SetSourceIdentity"],
        }
        room.do({"destination": "CreateRole", "RoleName": "reader", "AssumeRolePolicyDocument": trust})

    def token(self, **claims: Any) -> str:
        return web_identity_token(start(), ISSUER, **{"sub": "ann", "aud": "books"} | claims)

    def assertion(self, subject: str = "ann", **attributes: list[str]) -> str:
        stated = {"Role": [f"{self.role},{self.provider}"], "RoleSessionName": ["ann"]} | attributes
        return saml_assertion(start(), IDP, subject, stated)

    def web(self, token: str, **request: Any) -> RawAnswer:
        named = {"RoleArn": self.role, "RoleSessionName": "ci", "WebIdentityToken": token}
        return send(**{"body": form("sts", WEB, **named)} | request)

    def saml(self, assertion: str) -> RawAnswer:
        named = {"RoleArn": self.role, "PrincipalArn": self.provider, "SAMLAssertion": assertion}
        return send(body=form("sts", SAML, **named))


@pytest.fixture(scope="module")
def stage() -> Stage:
    return Stage()


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).decode().rstrip("=")


def signed(head: str, claims: str, key: bytes) -> str:
    signature = hmac.digest(key, f"{head}.{claims}".encode(), "sha256")
    return f"{head}.{claims}.{part(signature)}"


def forged(good: str) -> dict[str, str]:
    """Tokens that somebody could write who has seen a good one."""
    head, claims, signature = good.split(".")
    stated = json.loads(base64.urlsafe_b64decode(claims + "=="))
    other = part(stated | {"sub": "root"})
    return {
        "no algorithm": f"{part({'alg': 'none'})}.{other}.",
        "no algorithm, a signature": f"{part({'alg': 'nOnE'})}.{other}.{signature}",
        "no signature": f"{head}.{other}.",
        "another's signature": f"{head}.{other}.{signature}",
        "a key of its own": signed(head, other, b"secret"),
        "an empty key": signed(head, other, b""),
        "a key id that is a path": signed(part({"alg": "HS256", "kid": "../../dev/null"}), other, b""),
        "the key in the header": signed(part({"alg": "HS256", "jwk": {"k": part(b"k")}}), other, b"k"),
        "the sandbox's token as key": signed(head, other, start().token.encode()),
        "the metadata as key": signed(head, other, METADATA.encode()),
        "another algorithm": f"{part({'alg': 'RS256'})}.{claims}.{signature}",
        "a padded signature": f"{good}=",
        "white space after it": f"{good}\n",
        "white space before it": f" {good}",
        "two signatures": f"{good}.{signature}",
        "cut off": good[:-1],
        "in another case": f"{head}.{claims}.{signature.swapcase()}",
        "no parts": "....",
        "no claims": f"{head}.{part([])}.{signature}",
        "deep": f"{head}.{part(b'[' * 9000)}.{signature}",
        "huge": f"{head}.{claims}.{'x' * 25_000}",
        "no Base64": f"\u00e9.\u00e9.{signature}",
        "an endless time": signed(
            head, part(b'{"iss":"%s","sub":"a","aud":"books","exp":1e999}' % ISSUER.encode()), b""
        ),
    }


def test_a_token_is_good_more_than_once(stage: Stage) -> None:
    token = stage.token()

    assert [stage.web(token).status for _ in range(2)] == [200, 200]


def test_no_forged_token_is_accepted(stage: Stage) -> None:
    found = {name: stage.web(token) for name, token in forged(stage.token()).items()}
    print(f"\n{len(found)} forged tokens")

    assert {name: each.status for name, each in found.items()} == dict.fromkeys(found, 400)
    assert all(
        each.is_xml and each.code in ("InvalidIdentityToken", "ValidationError") for each in found.values()
    )


def altered(good: str) -> dict[str, str]:
    """Assertions that somebody could write who has seen a good one."""
    text = base64.b64decode(good).decode()
    inner, _, end = text.removeprefix("<Response>").partition("<SignatureValue>")
    evil, end = inner.replace(">ann<", ">root<"), f"<SignatureValue>{end}"
    entity = '<!DOCTYPE r [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    texts = {
        "another subject": f"<Response>{evil}{end}",
        "no signature": f"<Response>{evil}</Response>",
        "an empty signature": f"<Response>{evil}<SignatureValue></SignatureValue></Response>",
        "wrapped, before": f"<Response>{evil}{inner}{end}",
        "wrapped, after": f"<Response>{inner}{end.removesuffix('</Response>')}{evil}</Response>",
        "wrapped, within": f"<Response>{inner}<SignatureValue>{evil}{end}</SignatureValue></Response>",
        "two responses": f"<Response>{evil}{end}{text}",
        "a comment in the name": text.replace(">ann<", ">ann<!-- -->.root<"),
        "a comment that hides": text.replace(">ann<", "><!--ann-->root<"),
        "entities": text.replace("<Response>", f"<Response>{entity}").replace(">ann<", ">&b;<"),
        "a file as entity": f'<!DOCTYPE r [<!ENTITY f SYSTEM "file:///etc/passwd">]>{text}',
        "white space": text.replace("><", ">\n<"),
        "another name of the same": text.replace(">ann<", ">&#97;nn<"),
    }
    encoded = {name: base64.b64encode(each.encode()).decode() for name, each in texts.items()}
    return encoded | {
        "no Base64": "\u00e9" * 8,
        "broken lines": f"{good[:60]}\n{good[60:]}",
        "other Unicode": base64.b64encode(text.encode("utf-16")).decode(),
        "huge": "A" * 100_004,
        "large": "A" * 100_000,
    }


def test_no_altered_assertion_is_accepted(stage: Stage) -> None:
    good = stage.assertion()
    found = {name: stage.saml(each) for name, each in altered(good).items()}
    print(f"\n{len(found)} altered assertions")

    assert stage.saml(good).status == 200
    assert {name: each.status for name, each in found.items()} == dict.fromkeys(found, 400)
    assert all(
        each.is_xml and each.code in ("InvalidIdentityToken", "ValidationError") for each in found.values()
    )


LATER = {"nbf": time.time() + 3600}
ODD_CLAIMS: dict[str, dict[str, Any]] = {
    "not valid yet": LATER,
    "a time that is no number": {"exp": "tomorrow"},
    "an endless time": {"exp": 1e30},
    "no time": {"exp": None},
    "a list as time": {"exp": [1]},
    "no subject": {"sub": None},
    "an empty subject": {"sub": ""},
    "a subject that is a list": {"sub": ["ann"]},
    "no audience": {"aud": []},
    "an audience that is an object": {"aud": {}},
    "another audience": {"aud": ["novels", "films"]},
    "an authorized party that is another": {"azp": "novels"},
    "tags that are a text": {TAGS: "Team"},
    "tags that are a list": {TAGS: {"principal_tags": ["Team"]}},
    "a tag without a value": {TAGS: {"principal_tags": {"Team": []}}},
    "a tag of two values": {TAGS: {"principal_tags": {"Team": ["a", "b"]}}},
    "a tag that is a number": {TAGS: {"principal_tags": {"Team": [5]}}},
    "transitive keys that are numbers": {TAGS: {"principal_tags": {"a": ["b"]}, "transitive_tag_keys": [5]}},
    "a transitive key without a tag": {TAGS: {"principal_tags": {"a": ["b"]}, "transitive_tag_keys": ["c"]}},
    "51 tags": {TAGS: {"principal_tags": {f"k{number}": ["v"] for number in range(51)}}},
    "a long value": {TAGS: {"principal_tags": {"Team": ["v" * 257]}}},
    "a reserved key": {TAGS: {"principal_tags": {"aws:Team": ["v"]}}},
    "equal keys": {TAGS: {"principal_tags": {"Team": ["v"], "team": ["w"]}}},
    "a short source identity": {IDENTITY: "x"},
    "a source identity with a space": {IDENTITY: "ann lee"},
    "two source identities": {IDENTITY: ["ann", "lee"]},
    "a source identity that is a number": {IDENTITY: 5},
}


@pytest.mark.parametrize("name", ODD_CLAIMS)
def test_a_signed_token_with_an_odd_claim_is_refused(stage: Stage, name: str) -> None:
    answer = stage.web(stage.token(**ODD_CLAIMS[name]))

    assert (answer.status, answer.is_xml) == (400, True)


ODD_ATTRIBUTES: dict[str, dict[str, list[str]]] = {
    "a tag without a value": {"PrincipalTag:Team": []},
    "a tag of two values": {"PrincipalTag:Team": ["a", "b"]},
    "a transitive key without a tag": {"TransitiveTagKeys": ["Team"]},
    "a reserved key": {"PrincipalTag:aws:Team": ["a"]},
    "a short source identity": {"SourceIdentity": ["x"]},
    "two source identities": {"SourceIdentity": ["ann", "lee"]},
    "no session name": {"RoleSessionName": []},
}


@pytest.mark.parametrize("name", ODD_ATTRIBUTES)
def test_a_signed_assertion_with_an_odd_attribute_is_refused(stage: Stage, name: str) -> None:
    answer = stage.saml(stage.assertion(**ODD_ATTRIBUTES[name]))

    assert (answer.status, answer.is_xml) == (400, True)


@pytest.mark.parametrize("subject", ["a\0b", "\ud800", "\ufffe"])
def test_no_assertion_is_made_of_what_xml_cannot_have(stage: Stage, subject: str) -> None:
    with pytest.raises(SandboxError):
        stage.assertion(subject)


UNSIGNED: dict[str, dict[str, Any]] = {
    "without a version": {"body": b"Action=AssumeRoleWithWebIdentity"},
    "IAM's version": {"body": b"Action=AssumeRoleWithWebIdentity&Version=2010-05-08"},
    "another service's version": {"body": b"Action=AssumeRoleWithSAML&Version=2016-11-15"},
    "another target": {"body": b"{}", "headers": {"X-Amz-Target": "DynamoDB_20120810.AssumeRoleWithSAML"}},
    "a target of STS": {
        "body": b"{}",
        "headers": {
            "X-Amz-Target": f"AWSSecurityTokenServiceV20110615.{WEB}",
            "Content-Type": "application/x-amz-json-1.1",
        },
    },
    "to a bucket": {"path": "/reports", "query": {"Action": WEB, "delete": ""}, "body": b"<Delete/>"},
    "to an object": {
        "path": "/reports/a",
        "query": {"Action": SAML},
        "headers": {"Content-Type": "text/plain"},
    },
    "to a function": {"path": "/2015-03-31/functions", "query": {"Action": WEB}, "body": b"{}"},
    "another action in the body": {
        "query": {"Action": WEB, "Version": "2011-06-15"},
        "body": b"Action=CreateUser&Version=2010-05-08&UserName=new",
    },
    "by GET": {"method": "GET", "query": {"Action": WEB, "Version": "2011-06-15"}},
    "a body of plain text": {
        "query": {"Action": WEB, "Version": "2011-06-15"},
        "body": b"x",
        "headers": {"Content-Type": "text/plain"},
    },
}


@pytest.mark.parametrize("name", UNSIGNED)
def test_the_names_of_the_unsigned_operations_open_nothing_else(stage: Stage, name: str) -> None:
    answer = send(**UNSIGNED[name])

    assert answer.status in (400, 403, 404)
    assert "MissingAuthentication" in answer.text or answer.code in (
        "AccessDenied",
        "MalformedQueryString",
        "UnknownOperationException",
    )


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "null"},
        {"Origin": "http://localhost:8888"},
        {"Referer": "http://127.0.0.1/"},
        {"Sec-Fetch-Site": "none"},
        {"Cookie": "a=b"},
        {"User-Agent": "Mozilla/5.0"},
    ],
    ids=str,
)
def test_a_good_token_opens_nothing_to_a_page(stage: Stage, headers: dict[str, str]) -> None:
    answer = stage.web(stage.token(), headers={"Content-Type": FORM, **headers})

    assert (answer.status, "Credentials" in answer.text) == (403, False)
