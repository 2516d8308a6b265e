"""What a role can newly do: by permissions, managed policies, its boundary, and what its owner decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Self

from xacct_nb.changes.wider_conditions import Widening
from xacct_nb.grants.conditions import Permission
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import describe_permission, join_words
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.inclusion import Pair, TooManySteps, is_pair_included

_EVERYTHING: Pair = ("*", "*")
_ADMINISTRATOR = "policy/AdministratorAccess"


@dataclass(frozen=True)
class RolePermissions:
    """What a role can do by one grant.

    `is_of_owner`: by what its owner decides, which no file says; `takes_over`: also by what it has already.
    """

    pairs: tuple[Pair, ...]
    policies: tuple[str, ...]
    boundary: str
    is_of_owner: bool
    takes_over: bool

    @classmethod
    def of(cls, grant: Grant) -> Self:
        """Return what the roles of a grant can do."""
        pairs = [pair for each in grant.permissions for pair in _pairs(each)] if not grant.trust_only else []
        if any(_is_administrator(each) for each in grant.managed_policies):
            pairs.append(_EVERYTHING)
        boundary, policies = grant.permissions_boundary, grant.managed_policies
        return cls(tuple(pairs), policies, boundary, grant.trust_only, grant.adopt)


def added_permissions(before: Sequence[RolePermissions], grant: Grant) -> Iterator[Widening]:
    """Yield what the roles of a grant can do by it that they could not do before."""
    owners = any(each.is_of_owner for each in before)
    if grant.trust_only:
        if not owners:
            what = "will newly be able to do what the owner decides, which this file does not say, through"
            yield Widening("owner-decides", "", "manage", is_certain=False, verb=what)
        return
    doubt = ", so far as its owner decided" if owners else ""
    yield from _by_permissions(before, grant, doubt)
    yield from _by_policies(before, grant, doubt)
    yield from _beyond_boundary(before, grant)
    if grant.adopt and not any(each.takes_over for each in before):
        what = "will newly be able to do what other policies allow it, if the role exists already, through"
        yield Widening("role-taken-over", "", "adopt", is_certain=False, verb=what)


def _by_permissions(before: Sequence[RolePermissions], grant: Grant, doubt: str) -> Iterator[Widening]:
    had = tuple(dict.fromkeys(pair for each in before for pair in each.pairs))
    kept = [Arn.parse(policy).name for each in before for policy in each.policies]
    if kept and not doubt:
        doubt = f", unless {join_words(dict.fromkeys(kept))} allows it already"
    for number, permission in enumerate(grant.permissions):
        actions_of: dict[str, list[str]] = {}
        for action, resource in _pairs(permission):
            if not _is_included((action, resource), had):
                actions_of.setdefault(resource, []).append(action)
        resources_of: dict[tuple[str, ...], list[str]] = {}
        for resource, actions in actions_of.items():
            resources_of.setdefault(tuple(actions), []).append(resource)
        for names, resources in resources_of.items():
            what = describe_permission(Permission(actions=names, resources=tuple(resources)))
            verb = f"will newly be able to {what} through"
            yield Widening("new-permission", doubt, f"permissions.{number}", not doubt, verb)


def _by_policies(before: Sequence[RolePermissions], grant: Grant, doubt: str) -> Iterator[Widening]:
    had = {policy for each in before for policy in each.policies}
    if any(_EVERYTHING in each.pairs for each in before):
        return
    for policy in grant.managed_policies:
        if policy not in had:
            verb = f"will newly be able to do what the policy {Arn.parse(policy).name} allows through"
            yield Widening("new-managed-policy", doubt, f"managed_policies: {policy}", not doubt, verb)


def _beyond_boundary(before: Sequence[RolePermissions], grant: Grant) -> Iterator[Widening]:
    limits = {each.boundary for each in before}
    if "" in limits or grant.permissions_boundary in limits:
        return
    then = join_words(Arn.parse(each).name for each in sorted(limits))
    verb, where = "will newly be able to act", "permissions_boundary"
    if not grant.permissions_boundary:
        yield Widening("boundary-removed", f"beyond the boundary {then}", where, verb=f"{verb} through")
        return
    now = Arn.parse(grant.permissions_boundary).name
    how = f"up to the boundary {now}, not {then}: what these allow is not in the file"
    yield Widening("boundary-removed", how, where, is_certain=False, verb=f"{verb} through")


def _is_included(pair: Pair, had: tuple[Pair, ...]) -> bool:
    try:
        return is_pair_included(pair, had)
    except TooManySteps:
        return False


def _pairs(permission: Permission) -> list[Pair]:
    return [(action, resource) for action in permission.actions for resource in permission.resources]


def _is_administrator(policy: str) -> bool:
    arn = Arn.parse(policy)
    return arn.account == "aws" and arn.resource == _ADMINISTRATOR
