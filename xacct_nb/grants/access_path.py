"""The way to a role: the hops from the caller over other roles, and the parameters of each AssumeRole."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from xacct_nb.errors import InvalidGrant
from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.grants.sources import includes
from xacct_nb.iam.arns import Arn
from xacct_nb.validation import require

_LONGEST_NAME = 64


@dataclass(frozen=True)
class RoleHop:
    """One hop: the role that is assumed, and the grant that allows it."""

    role: str
    grant: Grant

    @property
    def name(self) -> str:
        """Return the name of the role without its path."""
        return Arn.parse(self.role).name

    def parameters(self, caller: str, seconds: int, session_name: str = "") -> dict[str, Any]:
        """Return the parameters of AssumeRole that meet the grant's conditions, the external ID among them.

        `caller` is the name of who asks; the session has it unless the grant or `session_name` has another.
        """
        when = self.grant.conditions
        given = {
            "RoleArn": self.role,
            "RoleSessionName": session_name or name_of_session(self.grant, caller),
            "DurationSeconds": seconds,
            "ExternalId": external_id(self.grant),
            "SourceIdentity": when.source_identity,
            "Tags": [{"Key": key, "Value": value} for key, value in when.session_tags.items()],
        }
        return {name: value for name, value in given.items() if value}


def name_of_session(grant: Grant, caller: str) -> str:
    """Return a name for a session that fits the grant; it has the caller's name where the grant allows it."""
    pattern = grant.conditions.role_session_name or "*"
    name = (
        pattern.replace("${aws:username}", caller).replace("*", caller, 1).replace("*", "").replace("?", "x")
    )
    return name[:_LONGEST_NAME] if len(name) > 1 else f"{name}-session"  # STS takes no single character


def hops_of(grant: Grant, role: str = "", through: Sequence[Grant] = ()) -> tuple[RoleHop, ...]:
    """Return the hops to a role of a grant, without `role` to its last one.

    Hops are the roles of the grants in `through`, in their order, and those roles of a grant that are its
    destinations and sources at once. Raises InvalidGrant where a hop may not assume the next one.
    """
    hops = [hop for each in through for hop in _hops_within(each, "")]
    hops += _hops_within(grant, role)
    for before, after in pairwise(hops):
        require(
            _is_source(before.role, after.grant),
            f"{before.role} may not assume {after.role}.",
            f"It is no source of the grant {after.grant.name!r}.",
            "Put the grants into the order in which their roles are assumed, or add the role to the sources.",
        )
    return tuple(hops)


def chain_of_grant(grant: Grant) -> tuple[str, tuple[str, ...], str]:
    """Return caller, roles between and role of a grant: a role that is a destination and a source is between.

    Of a grant without such roles, the first source and the first destination.
    """
    between = tuple(each for each in grant.destinations if each in grant.sources)
    first = next((each for each in grant.sources if each not in between), grant.sources[0])
    last = next((each for each in grant.destinations if each not in between), grant.destinations[0])
    return first, tuple(each for each in between if each != last), last


def _hops_within(grant: Grant, role: str) -> list[RoleHop]:
    _, between, last = chain_of_grant(grant)
    role = role or last
    if role not in grant.destinations:
        raise InvalidGrant(
            f"{role!r} is no role of the grant {grant.name!r}.",
            why=f"Its roles: {', '.join(grant.destinations)}.",
            hint="Name one of them, or none for the last one.",
        )
    before = between[: between.index(role)] if role in between else between
    return [RoleHop(each, grant) for each in (*before, role)]


def _is_source(role: str, grant: Grant) -> bool:
    return any(includes(source, role) for source in grant.sources)
