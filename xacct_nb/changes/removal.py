"""What becomes of a grant that has ended: what a plan removes, callers first, and what its proof asks."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from xacct_nb.changes.plan import Change, changes_between
from xacct_nb.changes.proof import DENIED, ENDED, Probe
from xacct_nb.changes.trust_owner import check_writable, foreign_because
from xacct_nb.grants.caller_statement import is_caller_document
from xacct_nb.grants.documents import Documents
from xacct_nb.grants.expiry import without_expiry
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.naming import ADOPTED_TAG, OWNER_TAG, is_caller_policy, policy_name
from xacct_nb.grants.own_statement import TRUST_STATEMENT, other_statements
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import as_list, deleted_ids, principals_in, same_policy, statements_of
from xacct_nb.iam.patterns import ARN, pattern_set

MADE, ADOPTED, OTHERS = "made", "adopted", "others"
_MARKS = (OWNER_TAG, ADOPTED_TAG)
_AGAIN = "gets a new id if it is made again: policies of others that name it must then be saved again."
_TAKEN_OVER = (
    "{of} was taken over, so it stays, {but}. "
    "To restore what was there before, roll back the grant's runs, the newest first: xacct-nb records list"
)
_ANOTHERS = "{} names no role of this grant, so it stays: another grant of this name may own it."
_BUT = {
    "role": "with the trust policy, settings and attached policies that the grant gave it",
    "policy": "with the text and the callers that the grant gave it",
}


def removal(documents: Documents, state: State) -> tuple[tuple[Change, ...], tuple[str, ...]]:
    """Return the changes that remove what was made for the grant, in their order, and what stays and why.

    A role or policy that was taken over stays, and loses the grant's tags. In a trust policy of others only
    the grant's statements go. Raises NotOwned where AWS would refuse a trust policy without them.
    """
    grant = documents.grant
    live = {key: value for key, value in state.resources.items() if key.kind != "group"}
    last = set(_last_statements(grant, state))
    kept = {key: _what_stays(documents, key, state) for key in live} | {key: live[key] for key in last}
    changes = [change for key in sorted(live) for change in changes_between(key, live[key], kept[key])]
    for role in {each.target for each in changes if each.kind == TRUST_STATEMENT}:
        gone = (each.name for each in changes if (each.kind, each.target) == (TRUST_STATEMENT, role))
        check_writable(role, other_statements(state.role(role)["trust"], *gone))
    ordered = tuple(sorted(changes, key=lambda change: _rank(grant, change)))
    return ordered, (*_notes(documents, state, ordered), *map(_only_statement, sorted(last)))


def ended_probes(grant: Grant) -> tuple[Probe, ...]:
    """Return the probes of a grant that has ended: each source is to be denied each role."""
    why = "The grant requires MFA, and the proof has no MFA code: its call would be denied in any case."
    no_code = why if grant.conditions.require_mfa else ""
    return tuple(
        Probe(ENDED, source, role, "caller", f"assume {Arn.parse(role).name}", DENIED, unaskable=no_code)
        for source in grant.sources
        for role in grant.destinations
    )


def owner_of(grant: Grant, key: ResourceKey) -> ResourceKey:
    """Return the role or managed policy whose tags say who owns a resource, else the resource itself."""
    if key.kind == "attachment" and is_caller_policy(grant, key.name):
        return ResourceKey("managed-policy", key.name)
    return ResourceKey("role", key.target) if key.target in grant.destinations else key


def _made_for(grant: Grant, value: Any) -> str:
    """Return whether a role or managed policy was made for the grant, taken over by it, or is of others."""
    tags = value.get("tags", {}) if isinstance(value, Mapping) else {}
    if tags.get(OWNER_TAG) != grant.name:
        return OTHERS
    return ADOPTED if ADOPTED_TAG in tags else MADE


def _what_stays(documents: Documents, key: ResourceKey, state: State) -> Any:
    """Return what stays of a resource: None of one that goes."""
    grant, value = documents.grant, state.resources[key]
    if key.kind == TRUST_STATEMENT:
        return value if foreign_because(grant, key.target, value) else None
    owner = owner_of(grant, key)
    if _is_anothers(grant, owner, state.resources.get(owner)):
        return value
    if owner == key and key.kind == "inline-policy":  # of a caller
        return None if is_caller_document(value) else value
    made = _made_for(grant, state.resources.get(owner))
    if made == ADOPTED and owner == key:
        return _given_back(documents, key, value)
    is_own_policy = key.kind == "inline-policy" and key.name == policy_name(grant)
    return None if made == MADE or (made == ADOPTED and is_own_policy) else value


def _is_anothers(grant: Grant, key: ResourceKey, value: Any) -> bool:
    """Return whether a caller policy names roles, and none of the grant: another grant has this name then."""
    if key.kind not in ("managed-policy", "inline-policy") or value is None:
        return False
    document = value["document"] if key.kind == "managed-policy" else value
    if not is_caller_document(document):
        return False
    named = tuple(role for each in statements_of(document) for role in as_list(each.get("Resource", [])))
    roles = pattern_set(named, ARN)
    return bool(named) and not any(roles.match(role, {}) for role in grant.destinations)


def _given_back(documents: Documents, key: ResourceKey, live: Mapping[str, Any]) -> dict[str, Any]:
    """Return a role or policy that was taken over without the grant's tags; a role ends for the callers too.

    Its trust policy gets the end of the grant where it is what the grant wrote, under another end or none.
    """
    tags = {name: value for name, value in live["tags"].items() if name not in _MARKS}
    given = {**live, "tags": tags}
    planned = documents.trust_policies.get(key.target)
    return given | {"trust": planned} if planned and _is_ours(live, planned) else given


def _is_ours(live: Mapping[str, Any], planned: Mapping[str, Any]) -> bool:
    """Return whether a role's trust policy is the planned one, whatever its end."""
    return same_policy(without_expiry(live["trust"]), without_expiry(planned))


def _last_statements(grant: Grant, state: State) -> Iterator[ResourceKey]:
    """Yield the grant's statements that are all a trust policy has: AWS accepts none without a statement."""
    own = state.of(TRUST_STATEMENT)
    for role in {key.target for key in own}:
        mine = [
            key
            for key, value in own.items()
            if key.target == role and not foreign_because(grant, role, value)
        ]
        rest = other_statements(state.role(role)["trust"], *(key.name for key in mine))
        yield from () if rest["Statement"] else mine


# Callers first: what is left of a removal that broke off lets nobody in.
_RANKS = {"managed-policy": 1, "tags": 5, TRUST_STATEMENT: 2, "trust": 2, "role": 6}
_ON_CALLERS, _ON_ROLES = 0, 3


def _rank(grant: Grant, change: Change) -> tuple[int, str, str]:
    is_caller = change.kind == "attachment" and is_caller_policy(grant, change.name)
    on_role = change.target in grant.destinations and not is_caller
    rank = _RANKS.get(change.kind, _ON_ROLES if on_role else _ON_CALLERS)
    return rank, change.target, change.name


def _notes(documents: Documents, state: State, changes: Iterable[Change]) -> Iterator[str]:
    grant = documents.grant
    for change in changes:
        if change.kind == "role":
            yield f"{change.target} {_AGAIN}"
            yield from _of_nobody(documents, state, change.target)
        elif change.kind == "tags":
            yield _TAKEN_OVER.format(of=change.target, but=_BUT[Arn.parse(change.target).kind])
            yield from _open_trust(documents, state, change.target)
    for key, value in sorted(state.resources.items()):
        if key.kind == TRUST_STATEMENT and (why := foreign_because(grant, key.target, value)):
            yield f"{key.target}: the statement {key.name} in its trust policy stays. {why}"
        elif key.kind in ("role", "managed-policy") and _made_for(grant, value) == OTHERS:
            yield f"{key.target} was not made for this grant, so it stays as it is."
        elif owner_of(grant, key) == key and _is_anothers(grant, key, value):
            yield _ANOTHERS.format(" ".join(filter(None, (key.target, key.name))))
        elif owner_of(grant, key) == key and key.kind == "inline-policy" and not is_caller_document(value):
            yield f"{key.target} keeps the inline policy {key.name}: no grant wrote what is in it."


def _open_trust(documents: Documents, state: State, role: str) -> Iterator[str]:
    """Yield that a role which was taken over has another trust policy than the grant's."""
    planned, live = documents.trust_policies.get(role), state.role(role)
    if planned and live and not _is_ours(live, planned):
        yield f"The trust policy of {role} is not the grant's, so it stays: it may let callers in."


def _of_nobody(documents: Documents, state: State, role: str) -> Iterator[str]:
    """Yield that a role with the grant's tag names no caller's account: its tags may be a copy."""
    planned, live = documents.trust_policies.get(role), state.role(role)
    if not planned or not live or _is_ours(live, planned) or deleted_ids(live["trust"]):
        return
    named = " ".join(map(str, principals_in(live["trust"])))
    if not any(account in named for account in documents.grant.source_accounts):
        yield f"The trust policy of {role} names no account of this grant's callers: see who uses the role."


def _only_statement(key: ResourceKey) -> str:
    return (
        f"{key.target} keeps the statement {key.name}: its trust policy has no other, and AWS accepts none "
        "without a statement. Let the role's owner delete the role, or trust somebody else."
    )
