"""Who loses what by a plan: what the policies allow before and after it, compared by meaning."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from xacct_nb.changes.plan import ROLE_PARTS, Change
from xacct_nb.changes.revocation import is_revocation
from xacct_nb.errors import InvalidArn
from xacct_nb.grants.expiry import end_in, is_end_key
from xacct_nb.grants.own_statement import TRUST_STATEMENT, with_statement
from xacct_nb.grants.pattern_trust import patterns_in, without_patterns
from xacct_nb.grants.sentences import describe_arn, join_words
from xacct_nb.grants.sources import covers_source
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn, is_account_id, is_arn
from xacct_nb.iam.canonical import as_list, canonical, canonical_json, statements_of
from xacct_nb.iam.patterns import RESOURCE, covers, pattern_set

_TRUST, _IDENTITY, _DENY = "trust", "identity", "deny"
_ASSUME = "sts:AssumeRole"
_USER = "user"  # marks, among the resources, a user that the changes are about
_LOSE, _REGAIN = "will no longer be able to", "will again be able to"


@dataclass(frozen=True, order=True)
class Entitlement:
    """One action that a policy allows or denies: to whom (an ARN, an account id, a service), on what, when.

    `side` is the kind of policy: trust, identity, or deny for a statement that denies. A policy whose
    document was not read has no action, and its ARN is the resource. `condition` is canonical JSON, `keys`
    are its condition keys as written.
    """

    side: str
    who: str
    action: str
    resource: str
    condition: str = "{}"
    keys: tuple[str, ...] = field(default=(), compare=False)

    @property
    def assumes(self) -> bool:
        """Return whether it is about assuming a role."""
        return _is_role(self.resource) and covers(self.action, _ASSUME)

    def is_covered_by(self, other: "Entitlement", *, whole: bool = True) -> bool:
        """Return whether another one allows all of it; without `whole`, whatever the other's condition is."""
        return (
            self.side == other.side
            and _includes(other.who, self.who)
            and (other.action == self.action or (bool(other.action) and covers(other.action, self.action)))
            and bool(pattern_set((other.resource,), RESOURCE).match(self.resource, {}))
            and (not whole or other.condition in ("{}", self.condition))
        )


def losses(before: State, changes: Iterable[Change]) -> tuple[str, ...]:
    """Return a sentence for each user, role or account that can do less once the changes are made."""
    changes = tuple(changes)
    was, then = _before_and_after(before, changes)
    had, have = _entitlements(was, before), _entitlements(then, before)
    gone = [key.target for key in was if key.kind == "role" and key not in then]
    left = {each for each in had if each.who not in gone}
    denied = _grouped(each for each in have - had if each.side == _DENY)
    return (
        *_sentences(left, have, _LOSE),
        *(f"{_subject(who)} will be denied {_doing(found)}." for who, found in denied),
        *_limited(changes),
        *(f"{describe_arn(role)} will be deleted, with its permissions." for role in gone),
    )


def _limited(changes: Iterable[Change]) -> Iterator[str]:
    """Yield whose sessions get a boundary, which they did not have, and whose get shorter."""
    for each in changes:
        session = f"Every session of {_name(each.target)}"
        if each.kind == "boundary" and each.after:
            most = f"what the boundary {Arn.parse(each.after).name} allows"
            yield f"{session} will be able to do at most {most}."
        if each.kind == "settings":
            was, then = (value["session_seconds"] // 60 for value in (each.before, each.after))
            yield from [f"{session} will last {then} minutes at most, not {was}."] if then < was else []


def returns(before: State, changes: Iterable[Change]) -> tuple[str, ...]:
    """Return a sentence for each user, role or account that gets back what it had before a change."""
    was, then = _before_and_after(before, tuple(changes))
    return _sentences(_entitlements(then, before), _entitlements(was, before), _REGAIN)


def _before_and_after(before: State, changes: tuple[Change, ...]) -> tuple[dict[ResourceKey, Any], ...]:
    was = {**before.resources, **before.of_others}
    for each in changes:
        _set(was, each, each.before)
    then = dict(was)
    for each in changes:
        _set(then, each, each.after)
    for each in changes:  # a user that loses its own policy may be a member of a group that has one
        if ":user/" in each.target:
            for found in (was, then):
                found.setdefault(ResourceKey(_USER, each.target), True)
    return was, then


def _set(resources: dict[ResourceKey, Any], change: Change, value: Any) -> None:
    role = ResourceKey("role", change.target)
    if change.kind == TRUST_STATEMENT:
        live = resources.get(role) or {}
        resources[role] = {**live, "trust": with_statement(live.get("trust", {}), change.name, value)}
    elif change.kind in ROLE_PARTS:
        part = {"trust": value} if change.kind == "trust" else {}
        resources[role] = {**(resources.get(role) or {}), **part}
    elif value is None:
        resources.pop(change.key, None)
    else:
        resources[change.key] = value


def _entitlements(resources: Mapping[ResourceKey, Any], read: State) -> set[Entitlement]:
    found = set[Entitlement]()
    for key, value in resources.items():
        if key.kind == "role":
            found.update(_of_trust(key.target, value.get("trust")))
        elif key.kind == "inline-policy" and not is_revocation(key):
            found.update(_of_identity(key.target, value))
        elif key.kind == "attachment":
            found.update(_of_attached(key, resources, read))
    return found | set(_of_members(found, resources))


def _of_members(found: Iterable[Entitlement], resources: Mapping[ResourceKey, Any]) -> Iterator[Entitlement]:
    """Yield what the members of a group have by its policies, as far as the plan names them."""
    users = {key.target for key in resources if ":user/" in key.target}
    for each in found:
        members = resources.get(ResourceKey("group", each.who), ())
        about = ":".join(each.who.split(":")[:5])
        named = (user for user in users if user.startswith(about) and Arn.parse(user).name in members)
        yield from (replace(each, who=user) for user in named)


def _of_attached(
    key: ResourceKey, resources: Mapping[ResourceKey, Any], read: State
) -> Iterable[Entitlement]:
    live = resources.get(ResourceKey("managed-policy", key.name))
    policy = live or read.details.get(ResourceKey("policy", key.name))
    if policy:
        return _of_identity(key.target, policy["document"])
    return (Entitlement(_IDENTITY, key.target, "", key.name),)


def _of_trust(role: str, document: Any) -> Iterator[Entitlement]:
    for statement in _statements(document):
        denies, matched = statement.get("Effect") == "Deny", patterns_in(statement)
        when = _condition(without_patterns(statement.get("Condition")) if matched else _given(statement))
        for who in matched or _principals(statement):
            for action in _named(statement, "Action"):
                yield Entitlement(_DENY if denies else _TRUST, who, action, role, *when)


def _of_identity(who: str, document: Any) -> Iterator[Entitlement]:
    for statement in _statements(document):
        denies, when = statement.get("Effect") == "Deny", _condition(_given(statement))
        for action in _named(statement, "Action"):
            for resource in _named(statement, "Resource"):
                yield Entitlement(_DENY if denies else _IDENTITY, who, action, resource, *when)


def _statements(document: Any) -> Iterator[Mapping[str, Any]]:
    yield from (each for each in statements_of(document) if isinstance(each, Mapping))


def _principals(statement: Mapping[str, Any]) -> list[str]:
    element = statement.get("Principal", {"AWS": _named(statement, "Principal")})
    named = element if isinstance(element, Mapping) else {"AWS": element}
    return [_account_or_name(str(each)) for names in named.values() for each in as_list(names)]


def _named(statement: Mapping[str, Any], element: str) -> list[str]:
    """Return the names in an element; where the statement has all but some of them, one text that says so."""
    if f"Not{element}" in statement:
        return [f"all but {join_words(map(str, as_list(statement[f'Not{element}'])))}"]
    return [str(each) for each in as_list(statement.get(element, []))]


def _given(statement: Mapping[str, Any]) -> Mapping[str, Any]:
    found: Mapping[str, Any] = statement.get("Condition", {})
    return found


def _condition(given: Mapping[str, Any]) -> tuple[str, tuple[str, ...]]:
    """Return the condition as canonical JSON, and its keys as written."""
    whole = canonical({"Statement": [{"Condition": given}]})
    keys = tuple(key for values in given.values() for key in values)
    return canonical_json(whole["Statement"][0].get("Condition", {}) if whole else {}), keys


def _sentences(had: set[Entitlement], have: set[Entitlement], verb: str) -> tuple[str, ...]:
    lost = [each for each in had - have if each.side != _DENY]
    lost = [each for each in lost if not any(each.is_covered_by(other) for other in have)]
    similar = {each: [other for other in have if each.is_covered_by(other, whole=False)] for each in lost}
    told = [
        f"{_subject(who, _some_keep_it(found[0], have))} {verb} {_doing(found)}."
        for who, found in _grouped(each for each in lost if not similar[each])
    ]
    limits = [
        f"{_subject(who)} will be able to {_doing(found)} only "
        f"{_limit(dict.fromkeys(key for each in found for key in _keys(each, similar[each])))}."
        for who, found in _grouped(each for each in lost if similar[each])
    ]
    return tuple(dict.fromkeys((*told, *(limits if verb == _LOSE else ()))))


def _grouped(found: Iterable[Entitlement]) -> Iterator[tuple[str, list[Entitlement]]]:
    """Yield who, with the entitlements on one resource in one kind of policy."""
    grouped: dict[tuple[str, str, str], list[Entitlement]] = {}
    for each in sorted(found):
        grouped.setdefault((each.side, each.who, each.resource), []).append(each)
    yield from ((who, entitlements) for (_, who, _), entitlements in grouped.items())


def _doing(found: list[Entitlement]) -> str:
    """Return what is done with one resource: a role is assumed, whatever else AssumeRole needs."""
    resource = found[0].resource
    if any(each.assumes for each in found):
        return f"assume {_name(resource)}"
    if not found[0].action:
        return f"do what the policy {resource.rpartition('/')[2]} allows"
    what = "every resource" if resource == "*" else resource.removeprefix("arn:aws:s3:::")
    actions = dict.fromkeys("do everything" if each.action == "*" else each.action for each in found)
    return f"{join_words(actions)} on {_name(resource) if _is_role(resource) else what}"


def _keys(lost: Entitlement, others: Iterable[Entitlement]) -> Iterator[str]:
    """Yield the condition keys of what is left, else those of what is lost; for an end, when it is."""
    for each in others:
        end = end_in(each.condition)
        yield from (end if end and is_end_key(key) else key for key in each.keys or lost.keys)


def _limit(keys: Iterable[str]) -> str:
    """Return under which conditions, of which one may be an end, something is possible."""
    words = [*keys]
    is_end = len(words) == 1 and words[0].startswith("until ")
    return words[0] if is_end else f"under other conditions than now: {join_words(words)}"


def _some_keep_it(lost: Entitlement, have: Iterable[Entitlement]) -> bool:
    """Return whether someone of those who lose it, such as a user of the account, has it all the same."""
    about = (lost.side, lost.resource)
    return any((each.side, each.resource) == about and _includes(lost.who, each.who) for each in have)


def _subject(who: str, some_keep_it: bool = False) -> str:
    if who == "*" or is_account_id(who):
        everyone = "Everyone else" if some_keep_it else "Everyone"
        return everyone if who == "*" else f"{everyone} whom {who} allows it"
    if _is_role(who):
        return f"Every session of {_name(who)}"
    return f"Every member of {_name(who)}" if ":group/" in who else _name(who)


def _name(arn: str) -> str:
    try:
        return describe_arn(arn)
    except InvalidArn:  # a service, an identity provider, the id of a deleted user
        return arn


def _is_role(arn: str) -> bool:
    return ":iam::" in arn and ":role/" in arn


def _account_or_name(principal: str) -> str:
    """Return the account id of a root ARN, which means the same; any other principal as it is."""
    return (
        principal.split(":")[4] if principal.startswith("arn:") and principal.endswith(":root") else principal
    )


def _includes(other: str, who: str) -> bool:
    if other in (who, "*"):
        return True
    try:
        return is_arn(who) and covers_source(other, who)
    except InvalidArn:
        return False
