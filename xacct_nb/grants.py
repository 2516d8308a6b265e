"""A Grant: who may assume which roles, under which conditions, to do what."""

import ipaddress
import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr, StrictStr, ValidationError, field_serializer
from pydantic import field_validator, model_validator

from xacct_nb.arns import Arn, is_account_id, parse_iam
from xacct_nb.errors import InvalidArn, InvalidGrant, UnresolvedSecret
from xacct_nb.shields import fingerprint
from xacct_nb.views import Shown, Table, View

_EXTERNAL_ID = re.compile(r"[\w+=,.@:/-]{2,1224}", re.ASCII)
_SESSION_NAME = re.compile(r"[\w+=,.@*?${}:-]{2,64}", re.ASCII)
_SOURCE_IDENTITY = re.compile(r"(?!aws:)[\w+=,.@-]{2,64}", re.ASCII)
_ORGANIZATION = re.compile(r"o-[a-z0-9]{10,32}")
_ACTION = re.compile(r"\*|[a-z0-9-]+:[A-Za-z0-9*?]+")
_REFERENCE = re.compile(r"(env|file):.+")


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class Permission(_Part):
    """Actions that the roles may do on resources."""

    actions: tuple[StrictStr, ...] = Field(min_length=1, description="actions such as s3:GetObject")
    resources: tuple[StrictStr, ...] = Field(min_length=1, description="resource ARNs; * is every resource")

    @field_validator("actions")
    @classmethod
    def _actions(cls, actions: tuple[str, ...]) -> tuple[str, ...]:
        for action in actions:
            _must(
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
            _must(
                resource == "*" or resource.startswith("arn:"),
                f"permissions: {resource!r} is not a resource.",
                "A resource is an ARN, or * for every resource.",
                "Write it like arn:aws:s3:::reports/*.",
            )
        return resources


class Conditions(_Part):
    """When the roles may be assumed; each condition goes to the side that AWS evaluates it on."""

    external_id: SecretStr = Field(SecretStr(""), description="the external ID, or env:NAME or file:PATH")
    require_mfa: bool = Field(False, strict=True, description="only with multi-factor authentication")
    organization_id: StrictStr = Field("", description="only from this organization, o-...")
    source_ips: tuple[StrictStr, ...] = Field((), description="only from these addresses or CIDR ranges")
    role_session_name: StrictStr = Field(
        "", description="only under this session name; * and ? are wildcards"
    )
    source_identity: StrictStr = Field("", description="only with this source identity")
    session_tags: dict[StrictStr, StrictStr] = Field({}, description="only with these session tags")

    @field_validator("external_id")
    @classmethod
    def _external_id(cls, secret: SecretStr) -> SecretStr:
        value = secret.get_secret_value()
        _must(
            not value or _EXTERNAL_ID.fullmatch(value) or _REFERENCE.fullmatch(value),
            "conditions.external_id: STS refuses this external ID.",
            "STS accepts 2 to 1224 letters, digits and _+=,.@:/- in it.",
            "Remove spaces and other characters.",
        )
        return secret

    @field_validator("organization_id", "role_session_name", "source_identity")
    @classmethod
    def _names(cls, value: str, info: Any) -> str:
        pattern, rule = _NAME_RULES[info.field_name]
        _must(
            not value or pattern.fullmatch(value),
            f"conditions.{info.field_name}: {value!r} is refused by AWS.",
            rule,
            "Correct the value.",
        )
        return value

    @field_validator("source_ips")
    @classmethod
    def _source_ips(cls, ranges: tuple[str, ...]) -> tuple[str, ...]:
        for text in ranges:
            _must(
                _is_network(text),
                f"conditions.source_ips: {text!r} is not an address range.",
                "aws:SourceIp takes IPv4 or IPv6 addresses and CIDR ranges.",
                "Write it like 203.0.113.0/24.",
            )
        return ranges

    @field_serializer("external_id")
    def _shown_external_id(self, secret: SecretStr) -> str:
        value = secret.get_secret_value()
        return value if not value or _REFERENCE.fullmatch(value) else fingerprint(value)


_NAME_RULES = {
    "organization_id": (_ORGANIZATION, "An organization id is o- and 10 to 32 lower-case letters or digits."),
    "role_session_name": (
        _SESSION_NAME,
        "STS accepts 2 to 64 letters, digits and _+=,.@- in a session name.",
    ),
    "source_identity": (
        _SOURCE_IDENTITY,
        "STS accepts 2 to 64 letters, digits and _+=,.@-, not aws: in front.",
    ),
}


class Grant(Shown, _Part):
    """Who in which source accounts may assume which roles in which destination accounts, when, to do what.

    Made from the fields of a grant file; valid from birth. Raises InvalidGrant.
    """

    name: StrictStr = Field(
        description="The name is part of the policies' names and of the tags",
        pattern=r"^[a-z][a-z0-9-]{0,31}$",
    )
    sources: tuple[StrictStr, ...] = Field(
        min_length=1, description="Sources are ARNs of users or roles, or account ids of 12 digits"
    )
    destinations: tuple[StrictStr, ...] = Field(min_length=1, description="Destinations are ARNs of roles")
    permissions: tuple[Permission, ...] = Field(
        (), description="Permissions are lists of actions and resources"
    )
    managed_policies: tuple[StrictStr, ...] = Field((), description="ARNs of policies to attach to the roles")
    permissions_boundary: StrictStr = Field("", description="ARN of the roles' permissions boundary")
    conditions: Conditions = Conditions()
    session_minutes: int = Field(
        60, ge=15, le=720, strict=True, description="The length of a role session in minutes, 15 to 720"
    )
    carry_on: StrictStr = Field("", description="ARN of a group that carries the caller policy")
    caller_policy: Literal["managed", "inline"] = Field("managed", description="form of the caller policy")
    adopt: bool = Field(False, strict=True, description="take over a role or policy that exists already")
    accept: tuple[StrictStr, ...] = Field((), description="codes of the findings that are wanted")

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**fields)
        except ValidationError as problem:
            raise _refused(problem) from None

    @field_validator("sources", "destinations", "managed_policies", "accept")
    @classmethod
    def _once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))

    @model_validator(mode="after")
    def _whole(self) -> "Grant":
        for source in self.sources:
            _check_source(source)
        for role in self.destinations:
            _iam("destinations", role, "role")
        for policy in (*self.managed_policies, *filter(None, [self.permissions_boundary])):
            _check_policy(policy)
        _check_partitions(self)
        _check_carrier(self)
        return self

    @property
    def partition(self) -> str:
        """The partition that both sides are in."""
        return Arn.parse(self.destinations[0]).partition

    @property
    def principals(self) -> tuple[str, ...]:
        """The users and roles among the sources."""
        return tuple(source for source in self.sources if not _is_account(source))

    @property
    def whole_accounts(self) -> tuple[str, ...]:
        """The account ids among the sources, also where they were written as root ARNs."""
        return tuple(account_of(source) for source in self.sources if _is_account(source))

    @property
    def source_accounts(self) -> tuple[str, ...]:
        """The ids of the source accounts, each once, in the order of the sources."""
        return tuple(dict.fromkeys(account_of(source) for source in self.sources))

    @property
    def destination_accounts(self) -> tuple[str, ...]:
        """The ids of the destination accounts, each once, in the order of the destinations."""
        return tuple(dict.fromkeys(account_of(role) for role in self.destinations))

    def to_json(self) -> dict[str, Any]:
        """The fields of the grant file; a reference stays a reference, another external ID is a fingerprint."""
        return self.model_dump(mode="json")

    def view(self) -> View:
        """The fields that say something."""
        rows = [
            (name, _shown(value))
            for name, value in self.to_json().items()
            if value not in ("", [], {}, False)
        ]
        return Table(("field", "value"), tuple(rows), caption=f"Grant {self.name}")


def from_parameters(parameters: Mapping[str, Any]) -> Grant:
    """A Grant from the fields of a grant file or of a notebook. Raises InvalidGrant."""
    return Grant(**parameters)


def resolve(grant: Grant, look_up: Callable[[str], str]) -> Grant:
    """The grant with its external ID looked up, where it is a reference (`env:NAME`, `file:PATH`).

    Raises UnresolvedSecret (from `look_up`), InvalidGrant.
    """
    reference = grant.conditions.external_id.get_secret_value()
    if not _REFERENCE.fullmatch(reference):
        return grant
    found = grant.conditions.model_dump() | {"external_id": look_up(reference)}
    return grant.model_copy(update={"conditions": Conditions(**found)})


def external_id(grant: Grant) -> str:
    """The external ID itself, "" for none. Raises UnresolvedSecret where it is still a reference."""
    value = grant.conditions.external_id.get_secret_value()
    if _REFERENCE.fullmatch(value):
        raise UnresolvedSecret(
            f"The external ID is the reference {value!r}.",
            why="The documents need the external ID itself.",
            hint="Call xa.resolve(grant), which looks the reference up.",
        )
    return value


def account_of(source: str) -> str:
    """The account id of an ARN or of an account id."""
    return source if is_account_id(source) else Arn.parse(source).account


def _is_account(source: str) -> bool:
    return is_account_id(source) or Arn.parse(source).resource == "root"


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text, strict=False)
    except ValueError:
        return False
    return True


def _shown(value: Any) -> str:
    if isinstance(value, Mapping):
        return "\n".join(
            f"{key}: {_shown(item)}" for key, item in value.items() if item not in ("", [], {}, False)
        )
    return "\n".join(_shown(item) for item in value) if isinstance(value, list) else str(value)


def _must(holds: Any, what: str, why: str, hint: str) -> None:
    if not holds:
        raise InvalidGrant(what, why=why, hint=hint)


def _iam(field: str, text: str, *kinds: str) -> Arn:
    try:
        return parse_iam(text, *kinds)
    except InvalidArn as problem:
        raise InvalidGrant(f"{field}: {problem.what}", why=problem.why, hint=problem.hint) from None


def _check_source(source: str) -> None:
    _must(
        "*" not in source and "?" not in source,
        f"sources: {source!r} has a wildcard.",
        "AWS takes no wildcard in a part of a trusted principal.",
        "Name each user or role, or trust the whole account by its id of 12 digits.",
    )
    if is_account_id(source):
        return
    _must(
        source.startswith("arn:"),
        f"sources: {source!r} is neither an ARN nor an account id of 12 digits.",
        "A source is a user, a role or a whole account.",
        "Write the ARN, or 12 digits in quotes.",
    )
    _must(
        ":group/" not in source,
        f"sources: {source!r} is a group, which cannot be trusted.",
        "A group is no principal: a trust policy cannot name it.",
        f"Name the users as sources and let the group carry the caller policy: carry_on: {source}",
    )
    _must(
        ":assumed-role/" not in source,
        f"sources: {source!r} is a role session.",
        "A trusted session ARN matches one session name only.",
        "Name the role: arn:aws:iam::ACCOUNT:role/NAME.",
    )
    _root_or_iam(source)


def _root_or_iam(source: str) -> None:
    if not re.fullmatch(r"arn:[a-z-]+:iam::\d{12}:root", source):
        _iam("sources", source, "user", "role")


def _check_policy(policy: str) -> None:
    _must(
        re.fullmatch(r"arn:[a-z-]+:iam::(aws|\d{12}):policy/[\w+=,.@/-]+", policy, re.ASCII),
        f"{policy!r} is not the ARN of a managed policy.",
        "It reads arn:aws:iam::ACCOUNT:policy/NAME.",
        "Copy the policy's ARN from the IAM console.",
    )


def _check_partitions(grant: Grant) -> None:
    named = (
        *grant.sources,
        *grant.destinations,
        *grant.managed_policies,
        grant.permissions_boundary,
        grant.carry_on,
    )
    partitions = {Arn.parse(arn).partition for arn in named if arn.startswith("arn:")}
    _must(
        len(partitions) == 1,
        f"The grant names ARNs in {len(partitions)} partitions: {', '.join(sorted(partitions))}.",
        "A role can be assumed only from its own partition.",
        "Use sources and destinations of one partition.",
    )


def _check_carrier(grant: Grant) -> None:
    if not grant.carry_on:
        return
    group = _iam("carry_on", grant.carry_on, "group")
    strangers = [
        source for source in grant.principals if ":user/" not in source or account_of(source) != group.account
    ]
    _must(
        not strangers,
        f"carry_on: {group.name!r} cannot carry a policy for {', '.join(strangers)}.",
        "A group carries permissions for users of its own account only.",
        "Leave carry_on empty, or make a grant of its own for these sources.",
    )


def _refused(problem: ValidationError) -> InvalidGrant:
    first = problem.errors(include_url=False, include_context=False)[0]
    place = tuple(map(str, first["loc"]))
    what = _WHAT.get(first["type"], first["msg"]).format(value=_quoted(place, first["input"]))
    fields = Conditions.model_fields if place[:1] == ("conditions",) else Grant.model_fields
    known = Grant.model_fields.get(place[0] if place else "")
    hint = _HINTS.get(first["type"], "Correct the field in the grant.").format(fields=", ".join(fields))
    return InvalidGrant(
        f"{'.'.join(place)}: {what}",
        why=f"{known.description}." if known and known.description else "",
        hint=hint,
    )


def _quoted(place: tuple[str, ...], value: Any) -> str:
    return "the value" if "external_id" in place else repr(value)[:80]


_WHAT = {
    "extra_forbidden": "there is no such field.",
    "missing": "is missing.",
    "string_type": "{value} is not text.",
    "tuple_type": "{value} is not a list.",
    "too_short": "is empty.",
    "int_type": "{value} is not a whole number.",
    "bool_type": "{value} is neither true nor false.",
    "greater_than_equal": "{value} is too little: 15 at least.",
    "less_than_equal": "{value} is too much: 720 at most.",
    "string_pattern_mismatch": "{value} is refused: lower-case letters, digits and -, a letter first, 32 at most.",
}
_HINTS = {
    "extra_forbidden": "Known fields: {fields}.",
    "missing": "Add the field to the grant.",
    "string_type": "Put it in quotes: an account id is text of 12 digits; YAML and papermill make it a number.",
    "tuple_type": "Write it as a list, in square brackets.",
}
