"""Probes of what a smaller grant does not allow any more: calls that the role could make before."""

from collections.abc import Iterator

from xacct_nb.changes.proof import DENIED, Probe
from xacct_nb.changes.sample_calls import sample_call, why_no_call
from xacct_nb.grants.conditions import Permission
from xacct_nb.grants.grant import Grant
from xacct_nb.iam.inclusion import is_pair_included

_ALLOWED_YET = "No read-only call is known here that the smaller grant does not allow."
_BY_POLICY = "A managed policy that stays may allow it."


def dropped_probes(before: Grant, after: Grant) -> tuple[Probe, ...]:
    """Return a probe for each action that goes, by source and role: AWS must deny it afterwards."""
    return tuple(
        probe
        for source in after.sources
        for role in after.destinations
        for probe in _probes(before, after, source, role)
    )


def _probes(before: Grant, after: Grant, source: str, role: str) -> Iterator[Probe]:
    allowed = [pair for each in after.permissions for pair in _pairs(each)]
    for permission in before.permissions:
        for action in permission.actions:
            if all(is_pair_included((action, resource), allowed) for resource in permission.resources):
                continue
            call, unaskable = sample_call(action, permission.resources), why_no_call(action)
            if call and any(is_pair_included((call.action, each), allowed) for each in permission.resources):
                call, unaskable = None, _ALLOWED_YET  # a part of the action stays: this call is of that part
            why = _BY_POLICY if after.managed_policies else "" if call else unaskable
            title = f"{call.title if call else action}, which was dropped"
            yield Probe(
                "dropped", source, role, "role", title, DENIED, call=None if why else call, unaskable=why
            )


def _pairs(permission: Permission) -> Iterator[tuple[str, str]]:
    yield from ((action, resource) for action in permission.actions for resource in permission.resources)
