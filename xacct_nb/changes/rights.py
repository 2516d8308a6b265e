"""Rights that a session needs on AWS, and the IAM policies that give exactly these."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.documents import VERSION, Policy, one_or_many
from xacct_nb.iam.patterns import matches
from xacct_nb.iam.quotas import MANAGED_POLICY, size

Condition = tuple[tuple[str, str, tuple[str, ...]], ...]
"""Operator, condition key and values, for each key that a right depends on."""
STEPS = ("plan", "apply", "prove", "who-changed", "narrow", "diagnose", "roll-back")
PLAN, APPLY, PROVE, WHO_CHANGED, NARROW, DIAGNOSE, ROLL_BACK = STEPS
_EMPTY: Policy = {"Version": VERSION, "Statement": []}


@dataclass(frozen=True, order=True)
class Right:
    """An action on resources, whose ARNs may hold wildcards, and the condition under which it is needed."""

    action: str
    resources: tuple[str, ...]
    condition: Condition = ()


def policies_of(rights: Iterable[Right], limit: int = MANAGED_POLICY) -> tuple[Policy, ...]:
    """Return the policies that give exactly these rights: as few as fit, at most `limit` characters each."""
    parts, left = list[list[dict[str, Any]]](), 0
    for statement in _fitting(_statements(rights), limit - size(_EMPTY)):
        need = size(statement) + 1
        if not parts or need > left:
            parts, left = [*parts, []], limit - size(_EMPTY) + 1
        parts[-1].append(statement)
        left -= need
    return tuple({"Version": VERSION, "Statement": part} for part in parts)


def _statements(rights: Iterable[Right]) -> Iterator[dict[str, Any]]:
    """Yield one statement for all actions on the same resources under the same condition."""
    resources = defaultdict[tuple[str, Condition], set[str]](set)
    for right in rights:
        resources[right.action, right.condition].update(right.resources)
    actions = defaultdict[tuple[tuple[str, ...], Condition], list[str]](list)
    for (action, condition), named in sorted(resources.items()):
        actions[_widest(named), condition].append(action)
    for (arns, condition), together in actions.items():
        when = {
            operator: {key: one_or_many(list(values)) for each, key, values in condition if each == operator}
            for operator, _, _ in condition
        }
        allow = {"Effect": "Allow", "Action": one_or_many(together), "Resource": one_or_many(list(arns))}
        yield allow | ({"Condition": when} if when else {})


def _widest(resources: set[str]) -> tuple[str, ...]:
    """Return the ARNs without those that another one, with a wildcard, covers."""
    wide = [each for each in resources if "*" in each]
    return tuple(
        sorted(
            each for each in resources if not any(other != each and matches(other, each) for other in wide)
        )
    )


def _fitting(statements: Iterable[dict[str, Any]], limit: int) -> Iterator[dict[str, Any]]:
    """Yield the statements, one that is too long for a policy as several, each with a part of its ARNs."""
    for statement in statements:
        if size(statement) <= limit:
            yield statement
            continue
        room = limit - size({**statement, "Resource": []})
        for part in _chunks(statement["Resource"], room):
            yield {**statement, "Resource": one_or_many(part)}


def _chunks(arns: Sequence[str], room: int) -> Iterator[list[str]]:
    """Yield the ARNs in parts whose length in JSON is at most `room`."""
    part, left = list[str](), room
    for arn in arns:
        need = size(arn) + 1
        if part and need > left:
            yield part
            part, left = [], room
        part.append(arn)
        left -= need
    yield part
