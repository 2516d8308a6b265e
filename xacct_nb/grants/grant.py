"""A Grant: who may assume which roles, under which conditions, to do what."""

import re
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import Field, PrivateAttr, StrictStr, ValidationError, field_validator, model_validator

from xacct_nb.errors import InvalidArn, InvalidGrant, UnresolvedSecret
from xacct_nb.grants.combinations import (
    check_caller_policy,
    check_caller_reach,
    check_self_assume,
    check_trust_only,
)
from xacct_nb.grants.conditions import EXTERNAL_ID_VARIABLE, Conditions, Permission, is_reference
from xacct_nb.grants.expiry import check_expires
from xacct_nb.grants.former_names import accept_former_names
from xacct_nb.grants.sources import (
    SCHEMA,
    account_of,
    check_source,
    is_role_pattern,
    is_whole_account,
    read_sources,
)
from xacct_nb.iam.arns import Arn, parse_iam
from xacct_nb.validation import StrictModel, as_input_error, require, truncate
from xacct_nb.views import Shown, Table, View

__all__ = ["Grant", "account_of", "external_id", "from_parameters", "is_whole_account", "resolve"]

_POLICY = re.compile(r"policy/[\w+=,.@/-]+", re.ASCII)


class Grant(Shown, StrictModel):
    """Who in which source accounts may assume which roles in which destination accounts, when, to do what.

    Takes the fields of a grant file. Raises InvalidGrant.
    """

    name: StrictStr = Field(
        description="part of the policies' names and of the tags", pattern=r"^[a-z][a-z0-9-]{0,31}$"
    )
    sources: tuple[StrictStr, ...] = Field(
        min_length=1,
        description="ARNs of users, roles, role patterns; or account ids",
        json_schema_extra=SCHEMA,
    )
    destinations: tuple[StrictStr, ...] = Field(min_length=1, description="ARNs of the roles")
    permissions: tuple[Permission, ...] = Field(
        (), description="what the roles may do: lists of actions and resources"
    )
    managed_policies: tuple[StrictStr, ...] = Field((), description="ARNs of policies to attach to the roles")
    permissions_boundary: StrictStr = Field("", description="ARN of the roles' permissions boundary")
    conditions: Conditions = Field(Conditions(), description="when the roles may be assumed")
    session_minutes: int = Field(
        60, ge=15, le=720, strict=True, description="length of a role session in minutes, 15 to 720"
    )
    attach_to: StrictStr = Field("", description="ARN of a group to attach the caller policy to")
    self_assume: bool = Field(False, strict=True, description="the roles may assume themselves too")
    manage: Literal["role", "trust"] = Field(
        "role", description="role, or trust: one statement in the trust policies of roles that others made"
    )
    expires: StrictStr = Field(
        "", description="when both sides end: a date, 2026-12-31, or a moment in UTC, 2026-12-31T18:00:00Z"
    )
    caller_policy: Literal["managed", "inline", "none"] = Field(
        "managed", description="form of the caller policy: managed or inline; none where others let them call"
    )
    caller_reach: Literal["roles", "role-name"] = Field(
        "roles", description="roles: the caller policy names each role; role-name: their names in any account"
    )
    outside_roles: tuple[StrictStr, ...] = Field(
        (), description="roles of these names outside of the organization, which the proof must not get into"
    )
    adopt: bool = Field(False, strict=True, description="take over roles and policies that exist already")
    accept: tuple[StrictStr, ...] = Field(
        (), description="codes of the findings that are wanted, such as whole-account-trust"
    )
    _reference: str = PrivateAttr("")
    _declared_end: str | None = PrivateAttr(None)

    def __init__(self, **fields: Any) -> None:
        try:
            super().__init__(**read_sources(accept_former_names(fields)))
        except ValidationError as problem:
            raise as_input_error(problem, Grant, InvalidGrant) from None

    @field_validator("sources", "destinations", "managed_policies", "outside_roles", "accept")
    @classmethod
    def _once(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(dict.fromkeys(values))

    @model_validator(mode="after")
    def _whole(self) -> "Grant":
        for source in self.sources:
            check_source(source)
        for role in self.destinations:
            _parse("destinations", role, "role")
        _check_names(self.destinations)
        for policy in self.managed_policies:
            _check_policy("managed_policies", policy, self.destination_accounts)
        if self.permissions_boundary:
            _check_policy("permissions_boundary", self.permissions_boundary, self.destination_accounts)
        _check_partitions(self)
        _check_attach_to(self)
        check_expires(self.expires)
        check_caller_policy(dict(self))
        for role in self.outside_roles:
            _parse("outside_roles", role, "role")
        check_caller_reach(dict(self))
        if self.self_assume:
            check_self_assume(self.conditions)
        if self.trust_only:
            check_trust_only(dict(self))
        return self

    @property
    def reference(self) -> str:
        """Return the reference that the external ID was looked up by; "" where it was given itself."""
        return self._reference

    @property
    def declared_end(self) -> str | None:
        """Return `expires` as it was before `until` shortened the access; None where nothing did."""
        return self._declared_end

    @property
    def trust_only(self) -> bool:
        """Return whether others made the roles, and the grant owns one statement of each trust policy."""
        return self.manage == "trust"

    @property
    def partition(self) -> str:
        """Return the partition of both sides."""
        return Arn.parse(self.destinations[0]).partition

    @property
    def principals(self) -> tuple[str, ...]:
        """Return the users and roles that the sources name; neither whole accounts nor patterns."""
        return tuple(each for each in self.sources if not (is_whole_account(each) or is_role_pattern(each)))

    @property
    def role_patterns(self) -> tuple[str, ...]:
        """Return the patterns of role ARNs among the sources."""
        return tuple(source for source in self.sources if is_role_pattern(source))

    @property
    def whole_accounts(self) -> tuple[str, ...]:
        """Return the ids of the whole accounts among the sources, given as ids or as root ARNs."""
        return tuple(dict.fromkeys(account_of(source) for source in self.sources if is_whole_account(source)))

    @property
    def source_accounts(self) -> tuple[str, ...]:
        """Return the ids of the source accounts, each once, in the order of the sources."""
        return tuple(dict.fromkeys(account_of(source) for source in self.sources))

    @property
    def destination_accounts(self) -> tuple[str, ...]:
        """Return the ids of the destination accounts, each once, in the order of the destinations."""
        return tuple(dict.fromkeys(account_of(role) for role in self.destinations))

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the grant file; an external ID that is not a reference is a fingerprint."""
        return self.model_dump(mode="json")

    def view(self) -> View:
        """Return the fields that have a value."""
        rows = ((name, _shown(value)) for name, value in self.to_json().items() if value is not False)
        return Table(("field", "value"), tuple(row for row in rows if row[1]), caption=f"Grant {self.name}")


def from_parameters(parameters: Mapping[str, Any]) -> Grant:
    """Return a Grant from the fields of a grant file or of a notebook. Raises InvalidGrant."""
    require(
        isinstance(parameters, Mapping) and all(isinstance(name, str) for name in parameters),
        "This is not a grant.",
        "A grant is a mapping of fields to values.",
        f"Known fields: {', '.join(Grant.model_fields)}.",
    )
    return Grant(**parameters)


def resolve(grant: Grant, look_up: Callable[[str], str]) -> Grant:
    """Return the grant with its external ID looked up, where it is a reference (`env:NAME`, `file:PATH`).

    Raises UnresolvedSecret (also from `look_up`), InvalidGrant.
    """
    reference = grant.conditions.external_id.get_secret_value()
    if not is_reference(reference):
        return grant
    if not (secret := look_up(reference)):
        raise UnresolvedSecret(
            f"The reference {reference!r} has no value.",
            why="Without an external ID, callers who have none could assume the roles.",
            hint="Set the variable or the file before you start the run.",
        )
    found = grant.conditions.model_dump() | {"external_id": secret}
    resolved = grant.model_copy(update={"conditions": Conditions(**found)})
    if reference != f"env:{EXTERNAL_ID_VARIABLE}":
        resolved._reference = reference
    return resolved


def external_id(grant: Grant) -> str:
    """Return the external ID, "" for none. Raises UnresolvedSecret where it is still a reference."""
    value = grant.conditions.external_id.get_secret_value()
    if is_reference(value):
        raise UnresolvedSecret(
            f"The external ID is the reference {value!r}.",
            why="The trust policy needs the external ID itself.",
            hint="Call xa.resolve(grant), which looks the reference up.",
        )
    return value


def _shown(value: object) -> str:
    if isinstance(value, Mapping):
        filled = {key: item for key, item in value.items() if item not in ("", [], {}, False)}
        return "\n".join(f"{key}: {_shown(item)}" for key, item in filled.items())
    return "\n".join(_shown(item) for item in value) if isinstance(value, list) else str(value)


def _parse(field: str, text: str, *kinds: str) -> Arn:
    """Return an ARN; with `kinds`, one of IAM and of one of these kinds. Raises InvalidGrant."""
    try:
        return parse_iam(text, *kinds) if kinds else Arn.parse(text)
    except InvalidArn as problem:
        raise InvalidGrant(f"{field}: {truncate(problem.what)}", why=problem.why, hint=problem.hint) from None


def _check_policy(field: str, policy: str, accounts: tuple[str, ...]) -> None:
    arn = _parse(field, policy)
    require(
        arn.service == "iam" and not arn.region and _POLICY.fullmatch(arn.resource),
        f"{field}: {policy!r} is not the ARN of a managed policy.",
        "It reads arn:aws:iam::ACCOUNT:policy/NAME.",
        "Copy the policy's ARN from the IAM console.",
    )
    require(
        arn.account == "aws" or {arn.account} == set(accounts),
        f"{field}: {policy!r} is not in the account of every role.",
        f"A role accepts policies of AWS and of its own account; the roles are in {', '.join(accounts)}.",
        "Name a policy of that account, or write one grant for each account.",
    )


def _check_names(roles: tuple[str, ...]) -> None:
    named: dict[tuple[str, str], str] = {}
    for role in roles:
        other = named.setdefault((account_of(role), Arn.parse(role).name.lower()), role)
        require(
            other == role,
            f"destinations: {role!r} and {other!r} cannot both exist.",
            "Role names are unique in an account, regardless of path and case.",
            "Choose another name for one of them.",
        )


def _check_partitions(grant: Grant) -> None:
    resources = (resource for each in grant.permissions for resource in each.resources)
    policies = (*grant.managed_policies, grant.permissions_boundary)
    named = (*grant.sources, *grant.destinations, *policies, *resources, grant.attach_to)
    found = {arn.split(":")[1] for arn in named if arn.startswith("arn:")}
    partitions = sorted(name for name in found if "*" not in name)
    require(
        len(partitions) == 1,
        f"The grant names ARNs in {len(partitions)} partitions: {', '.join(partitions)}.",
        "A role can be assumed only from its own partition.",
        "Use ARNs of one partition for sources, destinations, policies and resources.",
    )


def _check_attach_to(grant: Grant) -> None:
    if not grant.attach_to:
        return
    account = _parse("attach_to", grant.attach_to, "group").account
    callers = (*grant.principals, *grant.role_patterns) or grant.source_accounts
    strangers = [source for source in callers if ":role/" in source or account_of(source) != account]
    require(
        not strangers,
        f"attach_to: a policy on {grant.attach_to!r} does not reach {', '.join(strangers)}.",
        "A group gives permissions to users of its own account only.",
        "Leave attach_to empty, or write another grant for these sources.",
    )
