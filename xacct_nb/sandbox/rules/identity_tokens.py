"""The tokens of the sandbox's own identity provider: OpenID Connect's (JWT) and SAML 2.0's assertions.

It can speak for each issuer, and signs with one key that only this process has: an HMAC in place of the
issuer's RSA key, also in the `SignatureValue` of an assertion.
"""

import base64
import hmac
import json
import secrets
from collections.abc import Mapping
from typing import Any
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr

from xacct_nb.sandbox.ministack import clock

Claims = dict[str, Any]
AUDIENCE = "https://signin.aws.amazon.com/saml"
ATTRIBUTES = "https://aws.amazon.com/SAML/Attributes/"
_KEY = secrets.token_bytes(32)
_LIFETIME = 300
NO_JWT = "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
_ASSERTION = "{urn:oasis:names:tc:SAML:2.0:assertion}"


class InvalidToken(Exception):
    """Raised for a token that is not accepted, with AWS's code and message."""

    def __init__(self, message: str, code: str = "InvalidIdentityToken") -> None:
        super().__init__(message)
        self.code = code


def make_token(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the JWT of `{"issuer": "https://...", "claims": {...}, "seconds": 300}`."""
    now, seconds = int(clock.now()), int(given.get("seconds", _LIFETIME))
    claims = {"iss": given["issuer"], "iat": now, "nbf": now, "exp": now + seconds, **given.get("claims", {})}
    signed = ".".join(map(_encoded, ({"alg": "HS256", "typ": "JWT"}, claims)))
    return {"token": f"{signed}.{_signature(signed)}"}


def read_token(token: str) -> tuple[Claims, bool]:
    """Return the claims of a JWT, and whether this sandbox signed it. Raises InvalidToken."""
    signed, _, signature = token.rpartition(".")
    try:
        _, claims = (json.loads(_decoded(part)) for part in signed.split("."))
    except (ValueError, RecursionError):
        claims = None
    if not isinstance(claims, dict):
        raise InvalidToken(NO_JWT)
    for name in ("iss", "sub", "aud", "exp"):
        if name not in claims:
            raise InvalidToken(f"Missing a required claim: {name}")
    return claims, hmac.compare_digest(signature.encode(), _signature(signed).encode())


def make_assertion(given: Mapping[str, Any]) -> dict[str, str]:
    """Return the SAML response of `{"issuer": ..., "subject": ..., "attributes": {NAME: [VALUE, ...]}}`.

    The names are AWS's, such as `Role` (values `ROLE_ARN,PROVIDER_ARN`) and `RoleSessionName`. Raises
    ValueError for what XML cannot have.
    """
    attributes = "".join(
        f"<Attribute Name={quoteattr(ATTRIBUTES + name)}>{''.join(map(_value, values))}</Attribute>"
        for name, values in given["attributes"].items()
    )
    kind = "urn:oasis:names:tc:SAML:2.0:nameid-format:persistent"
    subject = f'<Subject><NameID Format="{kind}">{escape(given["subject"])}</NameID></Subject>'
    text = (
        f'<Assertion xmlns="{_ASSERTION[1:-1]}" IssuedAt="{int(clock.now())}">'
        f"<Issuer>{escape(given['issuer'])}</Issuer>{subject}<Audience>{AUDIENCE}</Audience>"
        f"<AttributeStatement>{attributes}</AttributeStatement></Assertion>"
    )
    try:
        ElementTree.fromstring(text)
    except ElementTree.ParseError as problem:
        raise ValueError(str(problem)) from None
    whole = f"<Response>{text}<SignatureValue>{_signature(text)}</SignatureValue></Response>"
    return {"assertion": base64.b64encode(whole.encode()).decode()}


def read_assertion(encoded: str) -> Claims:
    """Return issuer, subject, time and attributes of an assertion. Raises InvalidToken."""
    try:
        whole = base64.b64decode(encoded, validate=True).decode()
    except ValueError:  # also of text that is not ASCII, or no UTF-8 within
        raise InvalidToken("Invalid base64 SAMLResponse") from None
    text, _, rest = whole.removeprefix("<Response>").partition("<SignatureValue>")
    signature = rest.removesuffix("</SignatureValue></Response>")
    if not hmac.compare_digest(signature.encode(), _signature(text).encode()):
        raise InvalidToken("Response signature invalid")
    root = ElementTree.fromstring(text)  # signed, so the sandbox wrote it
    return {
        "issuer": root.findtext(f"{_ASSERTION}Issuer"),
        "subject": root.findtext(f"{_ASSERTION}Subject/{_ASSERTION}NameID"),
        "issued": int(root.attrib["IssuedAt"]),
        "attributes": {
            each.attrib["Name"].removeprefix(ATTRIBUTES): [value.text or "" for value in each]
            for each in root.iter(f"{_ASSERTION}Attribute")
        },
    }


def _value(text: str) -> str:
    return f"<AttributeValue>{escape(text)}</AttributeValue>"


def _encoded(value: Any) -> str:
    return _shortened(json.dumps(value, separators=(",", ":")).encode())


def _decoded(part: str) -> bytes:
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))


def _signature(signed: str) -> str:
    return _shortened(hmac.digest(_KEY, signed.encode(), "sha256"))


def _shortened(value: bytes) -> str:
    return base64.urlsafe_b64encode(value).decode().rstrip("=")
