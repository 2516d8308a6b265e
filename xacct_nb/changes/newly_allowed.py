"""What grants newly let in, compared with what they said before: who can newly do what through which role.

It is decided by meaning: sets of sources, roles, actions, resources and conditions are compared, never the
text of files. What gets narrower is not reported. What cannot be decided is reported and says so.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from xacct_nb.changes.wider_conditions import Widening, widenings
from xacct_nb.changes.wider_permissions import RolePermissions, added_permissions
from xacct_nb.grants.grant import Grant, account_of, is_whole_account
from xacct_nb.grants.sentences import describe_access, describe_arn, describe_source, join_words
from xacct_nb.grants.sources import covers_source, is_role_pattern
from xacct_nb.iam.arns import Arn, is_account_id
from xacct_nb.validation import Serializable

# What a sentence names of callers or roles before it counts the rest.
_MOST_NAMED = 8
NEW_CODES = {
    "new-source": "A caller can assume a role that it could not assume before.",
    "new-destination": "A role that was not in the file can be assumed.",
    "new-caller-policy": "A caller gets a policy of its own that lets it assume a role.",
    "new-permission": "A role can do more by its own permissions.",
    "new-managed-policy": "A role gets a managed policy.",
    "boundary-removed": "The permissions boundary of a role is removed or replaced.",
    "owner-decides": "The owner of a role decides what it can do.",
    "role-taken-over": "A role that exists already may be taken over, with what it can do.",
    "condition-removed": "A condition under which a role can be assumed is removed.",
    "condition-widened": "A condition under which a role can be assumed lets more pass.",
    "condition-changed": "A condition under which a role can be assumed has another value.",
    "tags-allowed": "A caller can choose tags of its session.",
    "longer-session": "Sessions of a role last longer.",
    "later-end": "The access ends later, or not any more.",
    "renewable-sessions": "A role can assume itself, so its sessions need not end.",
    "wider-reach": "A caller may call for roles of the same name in every account of the organization.",
    "not-compared": "There is a committed version, and it cannot be compared.",
}
"""What a change can newly let in: each code with its meaning."""


@dataclass(frozen=True)
class NewAccess(Serializable):
    """One thing that grants newly let in, as a sentence; `who` are sources, `roles` the ARNs of roles.

    `where` is the field of the grant. Where it cannot be decided from the files, `is_certain` is False.
    """

    code: str
    sentence: str
    grant: str = ""
    where: str = ""
    who: tuple[str, ...] = ()
    roles: tuple[str, ...] = ()
    is_certain: bool = True


@dataclass(frozen=True)
class _Way:
    """A source of a grant and a role that it may assume by it."""

    source: str
    grant: Grant

    @property
    def holder(self) -> str:
        """Return the user, role or group that gets the caller policy; "" where the grant writes none."""
        own = "" if is_whole_account(self.source) or is_role_pattern(self.source) else self.source
        return "" if self.grant.caller_policy == "none" else self.grant.attach_to or own

    def trusts(self, source: str) -> bool:
        """Return whether the role trusts another source too where it trusts this one."""
        return covers_source(self.source, source)


@dataclass(frozen=True)
class _Found:
    """One thing that one caller can newly do with a role."""

    widening: Widening
    grant: str
    source: str
    who: str


_Shape = tuple[tuple[Grant, ...], tuple[Grant, ...], bool]
"""The grants of a role before and after, and whether the role is new for certain if it is new."""


def newly_allowed(before: Iterable[Grant], after: Iterable[Grant]) -> tuple[NewAccess, ...]:
    """Return what the grants newly let in, compared with those before."""
    then, now = _by_role(before), _by_role(after)
    unknown = _in_unknown_accounts((*then, *now))
    shapes: list[tuple[_Shape, list[_Found]]] = []
    found: list[tuple[str, _Found]] = []
    for role, grants in now.items():
        earlier = then.get(role, [])
        if any(grant not in earlier for grant in grants):
            shape = _shape(earlier), _shape(grants), Arn.parse(role).name not in unknown
            found += [(role, each) for each in _of_shape(shape, shapes)]
    return tuple(_sentences(found))


def _shape(grants: Iterable[Grant]) -> tuple[Grant, ...]:
    """Return the grants of a role without the role: in a fleet, many roles have the same ones."""
    return tuple(each.model_copy(update={"destinations": ()}) for each in grants)


def _of_shape(shape: _Shape, known: list[tuple[_Shape, list[_Found]]]) -> list[_Found]:
    for each, found in known:
        if each == shape:
            return found
    known.append((shape, list(_of_role(*shape))))
    return known[-1][1]


def _in_unknown_accounts(roles: Iterable[str]) -> set[str]:
    """Return the names of roles that are in accounts which only the organization knows."""
    return {Arn.parse(role).name for role in roles if not is_account_id(account_of(role))}


def _by_role(grants: Iterable[Grant]) -> dict[str, list[Grant]]:
    found: dict[str, list[Grant]] = {}
    for grant in grants:
        for role in grant.destinations:
            found.setdefault(role, []).append(grant)
    return found


def _of_role(before: Sequence[Grant], after: Iterable[Grant], is_certain: bool) -> Iterator[_Found]:
    ways = [_Way(source, grant) for grant in before for source in grant.sources]
    for grant in after:
        known = list[str]()
        for source in grant.sources:
            way, who = _Way(source, grant), describe_source(grant, source)
            earlier = [each for each in ways if each.trusts(source)]
            known += [source] if earlier else []
            for each in _smallest(earlier, way) if earlier else [_entry(way, bool(before), is_certain)]:
                yield _Found(each, grant.name, source, who)
        if known:
            for each in added_permissions([RolePermissions.of(one) for one in before], grant):
                yield from (
                    _Found(each, grant.name, source, describe_source(grant, source)) for source in known
                )


def _entry(way: _Way, is_known_role: bool, is_certain: bool) -> Widening:
    what, when = describe_access(way.grant)
    verb = f"will newly be able to {what} through"
    if is_known_role:
        return Widening("new-source", f", {when}", f"sources: {way.source}", verb=verb)
    return Widening("new-destination", f", {when}", "destinations", is_certain, verb)


def _smallest(earlier: list[_Way], way: _Way) -> list[Widening]:
    """Return the widenings against that earlier way against which there are fewest."""
    compared = ([*widenings(each.grant, way.grant), *_caller_policy(each, way)] for each in earlier)
    return min(compared, key=len)


def _caller_policy(before: _Way, after: _Way) -> list[Widening]:
    """Return whether somebody gets a caller policy who may have had none."""
    if not after.holder or before.holder in (after.holder, after.source):
        return []
    account = account_of(before.source)
    so_far = f"by a caller policy of the grant, and not only where {account} allows it"
    if before.holder:
        so_far = f"whether it is a member of {describe_arn(before.holder)} or not"
    where = f"attach_to: {after.holder}" if after.grant.attach_to else f"sources: {after.source}"
    return [Widening("new-caller-policy", so_far, where, is_certain=not before.holder)]


def _sentences(found: Iterable[tuple[str, _Found]]) -> Iterator[NewAccess]:
    """Yield a sentence for each thing that is new, with all callers and roles that it is new for."""
    by_role: dict[tuple[Widening, str, str], dict[str, str]] = {}
    for role, each in found:
        by_role.setdefault((_of_one_role(each.widening, role), each.grant, role), {})[each.source] = each.who
    grouped: dict[tuple[Widening, str, tuple[tuple[str, str], ...]], list[str]] = {}
    for (widening, grant, role), whos in by_role.items():
        grouped.setdefault((widening, grant, tuple(whos.items())), []).append(role)
    for (widening, grant, pairs), roles in grouped.items():
        yield _new_access(widening, grant, dict(pairs), roles)


def _of_one_role(widening: Widening, role: str) -> Widening:
    """Return a widening with the role in its place, if it is of one role alone."""
    if widening.code != "new-destination":
        return widening
    return replace(widening, where=f"destinations: {role}")


def _new_access(widening: Widening, grant: str, whos: dict[str, str], roles: list[str]) -> NewAccess:
    how = widening.how if widening.how[:1] in ("", ",") else f" {widening.how}"
    named = f"{_some(whos.values())} {widening.verb} {_some(map(describe_arn, roles))}{how}."
    return NewAccess(
        widening.code, named, grant, widening.where, tuple(whos), tuple(roles), widening.is_certain
    )


def _some(names: Iterable[str]) -> str:
    listed = [each.replace("Every", "every", 1) if at else each for at, each in enumerate(names)]
    rest = len(listed) - _MOST_NAMED
    return join_words([*listed[:_MOST_NAMED], f"{rest} more"] if rest > 0 else listed)
