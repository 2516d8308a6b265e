"""What the roles of a grant may do (Permission), and when they may be assumed (Conditions)."""

import ipaddress
import re

from pydantic import Field, SecretStr, StrictStr, ValidationInfo, field_serializer, field_validator

from xacct_nb.redaction.redact import fingerprint
from xacct_nb.validation import StrictModel, require

_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@*?${}:-]{2,64}", re.ASCII)
_SOURCE_IDENTITY = re.compile(r"(?!aws:)[\w+=,.@-]{2,64}", re.ASCII)
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_TAG_KEY = re.compile(r"(?!aws:)[\w .:/=+@-]{1,128}", re.ASCII)
_TAG_VALUE = re.compile(r"[\w .:/=+@-]{1,256}", re.ASCII)
_NETWORK = re.compile(r"[0-9A-Fa-f.:]+(/[0-9]{1,3})?")
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_RESOURCE = re.compile(r"\*|arn:[\x20-\xff]+")  # the characters that IAM takes in a policy
_REFERENCE = re.compile(r"(env|file):.+")


def is_reference(secret: str) -> bool:
    """Return whether the text says where a secret is found: `env:NAME` or `file:PATH`."""
    return _REFERENCE.fullmatch(secret) is not None


class Permission(StrictModel):
    """Actions that the roles may do on resources."""

    actions: tuple[StrictStr, ...] = Field(min_length=1, description="actions such as s3:GetObject")
    resources: tuple[StrictStr, ...] = Field(min_length=1, description="resource ARNs; * is every resource")

    @field_validator("actions")
    @classmethod
    def _actions(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        for action in actions:
            require(
                _ACTION.fullmatch(action),
                f"permissions: {action!r} is not an action.",
                "An action reads service:Name, for example s3:GetObject.",
                "Correct the action.",
            )
        return actions

    @field_validator("resources")
    @classmethod
    def _resources(cls, resources: tuple[str, ...]) -> tuple[str, ...]:
        for resource in resources:
            require(
                _RESOURCE.fullmatch(resource),
                f"permissions: {resource!r} is not a resource.",
                "A resource is an ARN, or * for every resource.",
                "Write it like arn:aws:s3:::reports/*.",
            )
        return resources


class Conditions(StrictModel):
    """When the roles may be assumed: conditions of the trust policy."""

    external_id: SecretStr = Field(
        SecretStr(""),
        description="the external ID, or env:NAME or file:PATH",
        json_schema_extra={"format": "reference"},
    )
    require_mfa: bool = Field(False, strict=True, description="only with multi-factor authentication")
    organization_id: StrictStr = Field("", description="only from this organization, o-...")
    source_ips: tuple[StrictStr, ...] = Field((), description="only from these addresses or CIDR ranges")
    role_session_name: StrictStr = Field(
        "", description="only under this session name; * and ? are wildcards"
    )
    source_identity: StrictStr = Field("", description="only with this source identity")
    session_tags: dict[StrictStr, StrictStr] = Field(
        {}, max_length=50, description="only with these session tags, 50 at most"
    )

    @field_validator("external_id")
    @classmethod
    def _external_id(cls, secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        require(
            not value or _EXTERNAL_ID.fullmatch(value) or is_reference(value),
            "conditions.external_id: STS does not accept this external ID.",
            "STS accepts 2 to 1224 letters, digits and _+=,.@:/- in it.",
            "Remove spaces and other characters.",
        )
        return secret

    @field_validator("organization_id", "role_session_name", "source_identity")
    @classmethod
    def _names(cls, value: str, info: ValidationInfo) -> str:
        pattern, rule = _NAME_RULES[info.field_name or ""]
        require(
            not value or pattern.fullmatch(value),
            f"conditions.{info.field_name}: AWS does not accept {value!r}.",
            rule,
            "Correct the value.",
        )
        return value

    @field_validator("source_ips")
    @classmethod
    def _source_ips(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        for text in ranges:
            require(
                _is_network(text),
                f"conditions.source_ips: {text!r} is not an address range.",
                "aws:SourceIp takes IPv4 or IPv6 addresses and CIDR ranges.",
                "Write it like 203.0.113.0/24.",
            )
        return ranges

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
        return value if not value or is_reference(value) else fingerprint(value)


_NAME_RULES = {
    "organization_id": (_ORGANIZATION, "An organization id is o- and 10 to 32 lower-case letters or digits."),
    "role_session_name": (
        _SESSION_NAME,
        "STS accepts 2 to 64 letters, digits and _+=,.@- in a session name.",
    ),
    "source_identity": (
        _SOURCE_IDENTITY,
        "STS accepts 2 to 64 letters, digits and _+=,.@-, without aws: in front.",
    ),
}


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return _NETWORK.fullmatch(text) is not None
