"""The fields of the form of a fleet's grant, and the grant that is typed in them."""

from collections.abc import Mapping
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.fleets.fleet import FleetGrant, fleet_grant
from xacct_nb.grants.form.field_kinds import Typed
from xacct_nb.grants.form.form_fields import (
    GRANT_FIELDS,
    GROUPS,
    RUN_FIELDS,
    FormField,
    field_of,
    fields_of,
    problems_by_field,
    value_in,
)
from xacct_nb.grants.settings import Settings
from xacct_nb.grants.target import Target

FLEET_GROUPS = {
    "grant": "Who may assume which role in which accounts, to do what",
    "accounts": "Accounts chosen in the organization",
    **{name: title for name, title in GROUPS.items() if name != "grant"},
}
"""The groups of the form, in their order, with their headings."""
_TARGET = {each.name: each for each in fields_of(Target, group="accounts") if each.name != "partition"}
_FIRST = ("name", "sources", "accounts", "role", "permissions")
_OWN = _TARGET | {name: each for name, each in GRANT_FIELDS.items() if name != "destinations"}
FLEET_FIELDS: dict[str, FormField] = {name: _OWN[name] for name in (*_FIRST, *_OWN)}
"""The fields of one grant of a fleet: those of a grant, with accounts and role in place of destinations."""
_STEERING = ("account_role", "organization_profile", "waves", "tolerance")
FLEET_RUN_FIELDS = RUN_FIELDS | {
    each.name: each for each in fields_of(Settings, group="place") if each.name in _STEERING
}
"""Where a run over a fleet acts, with which profiles, and how many accounts at first."""
_NAMED = (*FLEET_FIELDS, *FLEET_RUN_FIELDS)


def typed_fleet(grant: FleetGrant) -> dict[str, Typed]:
    """Return the fields of a grant of a fleet as a person types them; an external ID itself is left out."""
    return {name: field.typed(_value(grant, name)) for name, field in FLEET_FIELDS.items()}


def fleet_as_typed(typed: Mapping[str, Typed], given: FleetGrant) -> FleetGrant:
    """Return the grant that is typed; a field that is as the given grant shows it keeps its value.

    Raises InvalidGrant.
    """
    fields: dict[str, Any] = {name: _value(given, name) for name in _OWN if "." not in name}
    conditions = dict(given.template.conditions)
    for name in FLEET_FIELDS.keys() & typed.keys():
        _, inner, last = name.rpartition(".")
        value = FLEET_FIELDS[name].read(typed[name], _value(given, name))
        (conditions if inner else fields)[last] = value
    fields["conditions"] = conditions
    if not any(str(each).startswith("arn:") for each in fields["sources"]):
        fields["partition"] = given.target.partition
    return fleet_grant(fields)


def fleet_problems(typed: Mapping[str, Typed], given: FleetGrant) -> dict[str, InvalidInput]:
    """Return what is not valid by field: each field that was changed is tried alone."""
    return problems_by_field(typed, typed_fleet(given), lambda each: fleet_as_typed(each, given), _NAMED)


def fleet_field_of(problem: InvalidInput) -> str:
    """Return the field that a problem is with; "" where it is with several together."""
    return field_of(problem, _NAMED)


def _value(grant: FleetGrant, name: str) -> Any:
    return getattr(grant.target, name) if name in _TARGET else value_in(grant.template, name)
