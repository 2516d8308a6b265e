"""A Fleet: grants whose roles are in many accounts, which are listed or chosen in an organization."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from pydantic import Field, InstanceOf, StrictStr, ValidationError, model_validator

from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.expiry import moment_of
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.shortening import shorten, too_late
from xacct_nb.grants.target import ACCOUNT, Target
from xacct_nb.validation import StrictModel, as_input_error, require
from xacct_nb.views import Page, Shown, Table, Text, View

ANY_ACCOUNT = "000000000000"
"""The account that a grant of a fleet is checked for, before its accounts are known."""


_OWNER = re.compile(r"[a-z][a-z0-9-]{0,31}")


@dataclass(frozen=True)
class FleetGrant:
    """One grant of a fleet: the accounts of its roles, and the grant as it is in any account.

    In its policies' ARNs and its resources, {account} stands for the id of the account.
    """

    target: Target
    template: Grant

    @property
    def name(self) -> str:
        """Return the name of the grant."""
        return self.template.name

    def in_account(self, account: str) -> Grant:
        """Return the grant with the role of one account alone, whose id is put where {account} stands.

        It is not checked again: the template is valid for any account.
        """
        template = self.template
        permissions = tuple(
            each.model_copy(update={"resources": _put_account(each.resources, account)})
            for each in template.permissions
        )
        return template.model_copy(
            update={
                "destinations": (self.target.role_arn(account),),
                "permissions": permissions,
                "managed_policies": _put_account(template.managed_policies, account),
                "permissions_boundary": _put_account(template.permissions_boundary, account),
            }
        )

    def of_source(self, accounts: Iterable[str]) -> Grant:
        """Return the grant as the source side has it: the roles of all accounts, and no permissions.

        Raises InvalidGrant where two of the roles cannot both exist.
        """
        roles = tuple(map(self.target.role_arn, accounts))
        nothing = {"permissions": (), "managed_policies": (), "permissions_boundary": ""}
        return self.template.model_copy(update={"destinations": roles, **nothing})


class Fleet(Shown, StrictModel):
    """Grants over many accounts, as one declaration. Takes the fields of a fleet file.

    Raises InvalidGrant.
    """

    name: StrictStr = Field(description="part of the record's name", pattern=r"^[a-z][a-z0-9-]{0,31}$")
    grants: tuple[InstanceOf[FleetGrant], ...] = Field(
        min_length=1,
        description="the grants: a grant's fields, with accounts and role in place of destinations",
    )

    owners: dict[StrictStr, tuple[StrictStr, ...]] = Field(
        {}, description="accounts that others own, by owner: they are asked to make the roles there"
    )

    def __init__(self, **fields: Any) -> None:
        declared = fields.get("grants")
        if isinstance(declared, list | tuple):
            grants = tuple(_fleet_grant(number, each) for number, each in enumerate(declared, start=1))
            fields = {**fields, "grants": grants}
        try:
            super().__init__(**fields)
        except ValidationError as problem:
            raise as_input_error(problem, Fleet, InvalidGrant) from None

    @model_validator(mode="after")
    def _once(self) -> "Fleet":
        names = [each.name for each in self.grants]
        twice = next((name for name in names if names.count(name) > 1), "")
        require(
            not twice,
            f"grants: two grants have the name {twice!r}.",
            "The name is that of their policies and tags.",
            "Give each grant a name of its own.",
        )
        return self

    @model_validator(mode="after")
    def _owned(self) -> "Fleet":
        listed = {account for each in self.grants for account in each.target.accounts}
        owned = [account for accounts in self.owners.values() for account in accounts]
        for owner, accounts in self.owners.items():
            require(
                _OWNER.fullmatch(owner),
                f"owners: {owner!r} is not the name of an owner.",
                "It is part of a file's name: lower-case letters, digits and -, at most 32.",
                "Write it like partner-a.",
            )
            wrong = next((each for each in accounts if each not in listed or owned.count(each) > 1), "")
            require(
                not wrong,
                f"owners: {owner} has account {wrong}, which no grant lists, or which two owners have.",
                "An owner is asked for accounts that a grant names in `accounts`, and each has one owner.",
                "List the account in the accounts of a grant, and under one owner.",
            )
        return self

    def owner_of(self, account: str) -> str:
        """Return the owner of an account that others own, "" for an account of one's own."""
        return self._owners.get(account, "")

    @cached_property
    def _owners(self) -> Mapping[str, str]:
        return {account: owner for owner, accounts in self.owners.items() for account in accounts}

    @property
    def by_organization(self) -> bool:
        """Return whether the organization has to be read to know the accounts."""
        return any(each.target.by_organization for each in self.grants)

    def resolved(self, look_up: Callable[[Grant], Grant]) -> "Fleet":
        """Return the fleet with each grant's external ID looked up."""
        grants = (replace(each, template=look_up(each.template)) for each in self.grants)
        return self.model_copy(update={"grants": tuple(grants)})

    def shortened(self, until: str) -> "Fleet":
        """Return the fleet in which no grant ends after `until`; all as it is where that is "".

        A grant that ends earlier keeps its end. Raises InvalidParameters where all of them do.
        """
        own = [each.template.expires for each in self.grants]
        if until and all(own) and moment_of(until) > (last := max(map(moment_of, own))):
            raise too_late(until, f"the last end in the fleet {self.name!r}, {last}")
        grants = (replace(each, template=_no_later(each.template, until)) for each in self.grants)
        return self.model_copy(update={"grants": tuple(grants)})

    def to_json(self) -> dict[str, Any]:
        """Return the fields of the fleet file; an external ID that is not a reference is a fingerprint."""
        owners = {"owners": {name: list(own) for name, own in self.owners.items()}} if self.owners else {}
        return {"name": self.name, "grants": [declared_fields(each) for each in self.grants], **owners}

    def view(self) -> View:
        """Return one row for each grant: who, in which accounts, which role."""
        rows = tuple(
            (each.name, "\n".join(each.template.sources), _where(each.target), each.target.role)
            for each in self.grants
        )
        table = Table(("grant", "sources", "accounts", "role"), rows, caption=f"Fleet {self.name}")
        if not self.owners:
            return table
        owners = tuple((owner, "\n".join(accounts)) for owner, accounts in self.owners.items())
        return Page("Declaration", (table, Table(("owner", "accounts"), owners, caption="Owned by others")))


@dataclass(frozen=True, repr=False)
class FleetFile(Shown):
    """A fleet that a file declares: it is shown, and edited in the file."""

    file: str
    fleet: Fleet

    def view(self) -> View:
        """Return the declaration, and how to change it."""
        how = f"To change it, edit {self.file}, then run the cells from here again."
        return Page(f"Fleet file {self.file}", (self.fleet.view(), Text(how, "note")))


def fleet_of(parameters: Mapping[str, Any]) -> Fleet:
    """Return the fleet of one grant among the parameters of a run. Raises InvalidGrant."""
    names = {*Grant.model_fields, *Target.model_fields} - {"destinations"}
    fields = {name: value for name, value in parameters.items() if name in names}
    return Fleet(name=fields.get("name"), grants=[fields])


def _no_later(grant: Grant, until: str) -> Grant:
    ends_before = until and grant.expires and moment_of(grant.expires) < moment_of(until)
    return grant if ends_before else shorten(grant, until)


def _fleet_grant(number: int, fields: object) -> FleetGrant:
    """Return one grant of a fleet from the fields in the file. Raises InvalidGrant."""
    if isinstance(fields, FleetGrant):
        return fields
    require(
        isinstance(fields, Mapping) and all(isinstance(name, str) for name in fields),
        f"grants.{number}: this is not a grant.",
        "A grant is a mapping of fields to values.",
        f"Its fields: {', '.join((*Target.model_fields, *Grant.model_fields))}.",
    )
    assert isinstance(fields, Mapping)
    try:
        return fleet_grant(dict(fields))
    except InvalidGrant as problem:
        raise type(problem)(f"grants.{number}: {problem.what}", why=problem.why, hint=problem.hint) from None


def fleet_grant(fields: dict[str, Any]) -> FleetGrant:
    """Return one grant of a fleet from its fields, which are taken. Raises InvalidGrant."""
    require(
        "destinations" not in fields,
        "destinations: there is no such field in a fleet.",
        "A fleet names accounts, and the role that each of them has.",
        "Write accounts and role, or organization_units and role.",
    )
    own = {name: fields.pop(name) for name in Target.model_fields if name in fields}
    if "sources" in fields and "partition" not in own:
        own["partition"] = _partition(fields["sources"])
    try:
        target = Target(**own)
    except ValidationError as problem:
        raise as_input_error(problem, Target, InvalidGrant) from None
    where = {name: fields[name] for name in _IN_AN_ACCOUNT if name in fields}
    any_account = {name: _put_account(value, ANY_ACCOUNT) for name, value in where.items()}
    checked = Grant(**{**fields, **any_account, "destinations": [target.role_arn(ANY_ACCOUNT)]})
    kept = {name: tuple(value) if isinstance(value, list) else value for name, value in where.items()}
    return FleetGrant(target=target, template=checked.model_copy(update=kept))


# The fields, besides the permissions, in which {account} may stand: ARNs of policies.
_IN_AN_ACCOUNT = ("managed_policies", "permissions_boundary")


def _put_account(value: Any, account: str) -> Any:
    """Return a text or a list of texts with an account's id where {account} stands."""
    if isinstance(value, str):
        return value.replace(ACCOUNT, account)
    return tuple(_put_account(each, account) for each in value) if isinstance(value, list | tuple) else value


def _partition(sources: Any) -> str:
    """Return the partition of the first ARN among the sources, which are not checked yet."""
    named = sources if isinstance(sources, list | tuple) else ()
    parts = next((each.split(":") for each in named if isinstance(each, str)), [])
    return parts[1] if len(parts) > 5 and parts[0] == "arn" else "aws"


def declared_fields(grant: FleetGrant) -> dict[str, Any]:
    """Return the fields of a grant of a fleet, its external ID as a fingerprint."""
    fields = grant.template.to_json()
    return {
        **{name: fields[name] for name in fields if name != "destinations"},
        **grant.target.model_dump(mode="json"),
    }


def _where(target: Target) -> str:
    """Return in words which accounts a target has."""
    tags = ", ".join(f"{name}={value}" for name, value in target.tags.items())
    listed = target.accounts
    parts = (
        f"{len(listed)} accounts" if len(listed) > 3 else ", ".join(listed),
        *target.organization_units,
        f"tags {tags}" if tags else "",
        f"without {', '.join(target.except_accounts)}" if target.except_accounts else "",
    )
    return "\n".join(filter(None, parts))
