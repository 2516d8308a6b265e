"""What the roles of a grant may do (Permission), and when they may be assumed (Conditions)."""

import ipaddress
import re
from collections.abc import Callable
from typing import Any

from pydantic import Field, SecretStr, StrictStr, ValidationInfo, field_serializer, field_validator

from xacct_nb.redaction.redact import fingerprint, is_fingerprint
from xacct_nb.validation import StrictModel, require

_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.ASCII)
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,256}", re.ASCII)
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")
_REFERENCE = re.compile(r"(env|file):.+")
EXTERNAL_ID_VARIABLE = "XACCT_EXTERNAL_ID"
"""The variable that passes an external ID which was given itself to the kernel of a run."""


def is_reference(secret: str) -> bool:
    """Return whether the text is a reference to a secret: `env:NAME` or `file:PATH`."""
    return _REFERENCE.fullmatch(secret) is not None


def _check_texts(value: Any, info: ValidationInfo) -> Any:
    """Raise InvalidGrant unless each text of a field follows the field's rule."""
    accepts, what, why, hint = _RULES[info.field_name or ""]
    for text in value if isinstance(value, tuple) else (value,):
        require(accepts(text), what.format(text), why, hint)
    return value


class Permission(StrictModel):
    """Actions that the roles may do on resources."""

    actions: tuple[StrictStr, ...] = Field(min_length=1, description="actions such as s3:GetObject")
    resources: tuple[StrictStr, ...] = Field(min_length=1, description="resource ARNs; * is every resource")

    _check = field_validator("actions", "resources")(_check_texts)


class Conditions(StrictModel):
    """When the roles may be assumed: conditions of the trust policy."""

    external_id: SecretStr = Field(
        SecretStr(""),
        description="the external ID, or env:NAME or file:PATH",
        json_schema_extra={"format": "reference"},
    )
    require_mfa: bool = Field(False, strict=True, description="only with multi-factor authentication")
    organization_id: StrictStr = Field("", description="only from this organization, such as o-a1b2c3d4e5")
    source_ips: tuple[StrictStr, ...] = Field((), description="only from these addresses or CIDR ranges")
    role_session_name: StrictStr = Field(
        "", description="only under this session name; * and ? are wildcards"
    )
    source_identity: StrictStr = Field("", description="only with this source identity")
    session_tags: dict[StrictStr, StrictStr] = Field(
        {}, max_length=50, description="only with these session tags, 50 at most"
    )

    _check = field_validator(
        "external_id", "organization_id", "source_ips", "role_session_name", "source_identity"
    )(_check_texts)

    @field_validator("session_tags")
    @classmethod
    def _session_tags(cls, tags: dict[str, str]) -> dict[str, str]:
        for key, value in tags.items():
            require(
                _TAG_KEY.fullmatch(key) and _TAG_VALUE.fullmatch(value),
                f"conditions.session_tags: {key!r}: {value!r} is not a session tag.",
                "A key has 1 to 128, a value 1 to 256 letters, digits, spaces and _.:/=+-@, without aws:.",
                "Correct the tag.",
            )
        return tags

    @field_serializer("external_id")
    def _shown_external_id(self, secret: SecretStr) -> str:
        value = secret.get_secret_value()
        shown = not value or is_reference(value) or is_fingerprint(value)
        return value if shown else fingerprint(value)


def _is_external_id(secret: SecretStr) -> bool:
    value = secret.get_secret_value()
    if is_reference(value) or not value:
        return True
    return _EXTERNAL_ID.fullmatch(value) is not None and not value.lower().startswith(("env:", "file:"))


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return _NETWORK.fullmatch(text) is not None


# By field: what accepts a text, and what, why and hint of the error; {!r} is replaced by the text.
_RULES: dict[str, tuple[Callable[[Any], object], str, str, str]] = {
    "actions": (
        re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+").fullmatch,
        "permissions: {!r} is not an action.",
        "An action reads service:Name, for example s3:GetObject.",
        "Correct the action.",
    ),
    "resources": (
        re.compile(r"\*|arn:[\x20-\xff]+").fullmatch,  # the characters that IAM takes in a policy
        "permissions: {!r} is not a resource.",
        "A resource is an ARN, or * for every resource.",
        "Write it like arn:aws:s3:::reports/*.",
    ),
    "external_id": (
        _is_external_id,
        "conditions.external_id: STS does not accept this external ID.",
        "STS accepts 2 to 1224 letters, digits and _+=,.@:/- in it.",
        "Remove spaces and other characters. A reference is env:NAME or file:PATH, in small letters.",
    ),
    "organization_id": (
        re.compile(r"(o-[a-z0-9]{10,32})?").fullmatch,
        "conditions.organization_id: AWS does not accept {!r}.",
        "An organization id is o- and 10 to 32 lower-case letters or digits.",
        "Correct the value.",
    ),
    "source_ips": (
        _is_network,
        "conditions.source_ips: {!r} is not an address range.",
        "aws:SourceIp takes IPv4 or IPv6 addresses and CIDR ranges.",
        "Write it like 203.0.113.0/24.",
    ),
    "role_session_name": (
        re.compile(r"([\w+=,.@*?${}:-]{2,64})?", re.ASCII).fullmatch,
        "conditions.role_session_name: AWS does not accept {!r}.",
        "STS accepts 2 to 64 letters, digits and _+=,.@- in a session name.",
        "Correct the value.",
    ),
    "source_identity": (
        re.compile(r"((?!aws:)[\w+=,.@-]{2,64})?", re.ASCII).fullmatch,
        "conditions.source_identity: AWS does not accept {!r}.",
        "STS accepts 2 to 64 letters, digits and _+=,.@-, without aws: in front.",
        "Correct the value.",
    ),
}
