"""What a plan does to who may assume what: the ways in before and after it, compared."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from pydantic import SecretStr

from xacct_nb.changes.plan import Change, Plan
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.naming import policy_arn, policy_name
from xacct_nb.grants.own_statement import TRUST_STATEMENT, with_statement
from xacct_nb.grants.pictures.access_graph import (
    ADDED,
    CHANGED,
    HALF,
    OPEN,
    TAKEN,
    UNREAD,
    AccessEdge,
    AccessGraph,
    AccessNode,
    graph_of_grants,
    node_of,
)
from xacct_nb.grants.pictures.trust_statements import named_principals
from xacct_nb.grants.pictures.ways_in import EVERYTHING, Holder, Trusts, ways_in
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.iam.canonical import as_list, canonical_json, statements_of

Resources = dict[ResourceKey, Any]
_ELSEWHERE = "its trust policy is not in this plan"
_AS_GRANTED = "What this plan leaves as it is, is shown as the grant has it."
_OTHERS = "what else it has was not read"
_OWN_ONLY = "A live state has the policies of its grant; xa.read_access(sessions) reads all of both accounts."
_WAYS = (OPEN, UNREAD)
_TRUST = ("trust", TRUST_STATEMENT)
_ALL_IT_NEEDS = Holder((EVERYTHING,))


def plan_graph(grant: Grant | None, plan: Plan) -> AccessGraph:
    """Return who may assume what once the plan is applied, and what it adds, takes away and changes.

    What the plan leaves as it is comes from the grant. Without a grant that is not known: the callers' own
    policies are then taken to allow what the trust policies do.
    """
    unchanged = _with_others(_wanted(grant) if grant else {}, plan)
    before, after = dict(unchanged), dict(unchanged)
    for change in plan.changes:
        _take(change, before, change.before)
        _take(change, after, change.after)
    names = _principals(before, after)
    edges = tuple(
        _compared(
            ways_in(_trusts(grant, before, after, names, before)),
            ways_in(_trusts(grant, before, after, names, after)),
            _other_external_ids(before, after),
        )
    )
    nodes = _nodes(grant, plan, edges)
    notes = (_AS_GRANTED,) if unchanged.keys() - _changed_keys(plan) else ()
    return AccessGraph(f"Who may assume what: the plan for {plan.grant}", nodes, edges, notes)


def state_graph(state: State) -> AccessGraph:
    """Return who may assume what as a grant's live state has it, which has the grant's policies only."""
    side = dict(state.resources)
    names = _principals(side)
    trusts = _trusts(None, side, side, names, side, Holder(unread=_OTHERS))
    edges = tuple(map(_not_all_read, ways_in(trusts)))
    ends = (*(each.source for each in edges), *(each.target for each in edges))
    roles = [key.target for key in side if key.kind == "role"]
    nodes = tuple(node_of(key) for key in dict.fromkeys((*ends, *roles)))
    return AccessGraph("Who may assume what in the live state", nodes, edges, (_OWN_ONLY,))


def _not_all_read(edge: AccessEdge) -> AccessEdge:
    return edge if edge.state != HALF else replace(edge, lines=(_OTHERS,), state=UNREAD)


def _wanted(grant: Grant) -> Resources:
    """Return the trust and caller policies of the grant; the external ID is not needed for a picture."""
    hidden = {"external_id": SecretStr("hidden")} if grant.conditions.external_id.get_secret_value() else {}
    conditions = grant.conditions.model_copy(update=hidden)
    documents = build(grant.model_copy(update={"conditions": conditions}))
    found: Resources = {
        ResourceKey("role", role): {"trust": trust} for role, trust in documents.trust_policies.items()
    }
    for entity, policies in documents.caller_policies.items():
        for number, policy in enumerate(policies, start=1):
            if grant.caller_policy == "inline":
                found[ResourceKey("inline-policy", entity, policy_name(grant, number))] = policy
            else:
                arn = policy_arn(grant, account_of(entity), number)
                found[ResourceKey("managed-policy", arn)] = {"document": policy}
                found[ResourceKey("attachment", entity, arn)] = True
    return found


def _with_others(resources: Resources, plan: Plan) -> Resources:
    """Return the resources with the statements of others in the trust policies, as the plan has them."""
    trusts = {ResourceKey("role", each.target): each.value for each in plan.access if each.kind == "trust"}
    for key, others in trusts.items():
        own = statements_of(_part(resources.get(key), "trust") or {})
        resources[key] = {"trust": {**others, "Statement": [*statements_of(others), *own]}}
    return resources


def _changed_keys(plan: Plan) -> set[ResourceKey]:
    return {
        ResourceKey("role", change.target) if change.kind in _TRUST else change.key for change in plan.changes
    }


def _take(change: Change, side: Resources, value: Any) -> None:
    """Put one side of a change among the resources of that side."""
    key = change.key
    role = ResourceKey("role", change.target)
    if change.kind == "trust":
        key, value = role, {"trust": value}
    elif change.kind == TRUST_STATEMENT:
        live = _part(side.get(role), "trust") or {}
        key, value = role, {"trust": with_statement(live, change.name, value)}
    if key.kind in ("role", "managed-policy", "inline-policy", "attachment"):
        side[key] = value


def _principals(*sides: Resources) -> tuple[str, ...]:
    """Return the users and roles that the trust policies of either side name, and those that get a policy."""
    named = [
        name
        for side in sides
        for key, value in side.items()
        for name in (
            named_principals(key.target, _part(value, "trust")) if key.kind == "role" else (key.target,)
        )
    ]
    one = (name for name in dict.fromkeys(named) if is_arn(name) and not is_role_pattern(name))
    return tuple(name for name in one if _kind(name) in ("user", "role"))


def _kind(arn: str) -> str:
    parsed = Arn.parse(arn)
    return parsed.kind if parsed.service == "iam" else ""


def _trusts(
    grant: Grant | None,
    before: Resources,
    after: Resources,
    names: Iterable[str],
    side: Resources,
    unknown: Holder = _ALL_IT_NEEDS,
) -> Trusts:
    """Return what one of the sides has; the other side, too, tells which policies are the callers'."""
    trusts = {
        key.target: trust
        for key, value in side.items()
        if key.kind == "role" and (trust := _part(value, "trust"))
    }
    either = {**before, **after}
    holders = {name: _holder(grant, name, either, side) or unknown for name in names}
    return Trusts(trusts, holders, elsewhere=_ELSEWHERE)


def _holder(grant: Grant | None, name: str, either: Resources, side: Resources) -> Holder | None:
    """Return the caller policies that reach a principal on one side, None where none is known."""
    carriers = {name, *([grant.attach_to] if grant and grant.attach_to else [])}
    keys = [key for key in either if key.target in carriers and key.kind in ("inline-policy", "attachment")]
    own = [key for key in keys if _lets_assume(key, either)]
    return Holder(tuple(_document(key, side) for key in own if side.get(key))) if own else None


def _lets_assume(key: ResourceKey, either: Resources) -> bool:
    """Return whether a policy is about roles, or is not known."""
    document = _document(key, either)
    statements = [each for each in statements_of(document) if isinstance(each, Mapping)]
    actions = [each for one in statements for each in as_list(one.get("Action", "*"))]
    return any(str(each).lower().startswith(("sts:", "*")) for each in actions)


def _document(key: ResourceKey, side: Mapping[ResourceKey, Any]) -> Any:
    if key.kind == "inline-policy":
        return _object(side[key])
    return _part(side.get(ResourceKey("managed-policy", key.name), {"document": EVERYTHING}), "document")


def _part(value: Any, name: str) -> dict[str, Any]:
    """Return a document in the value of a resource; an empty one where there is none."""
    return _object(_object(value).get(name))


def _object(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _other_external_ids(before: Resources, after: Resources) -> set[str]:
    """Return the roles whose trust policy asks for an external ID on both sides, and for another one."""
    return {
        key.target
        for key in before.keys() & after.keys()
        if key.kind == "role" and (old := _external_ids(before[key])) and (new := _external_ids(after[key]))
        if old != new
    }


def _external_ids(role: Any) -> set[str]:
    return {
        canonical_json(values)
        for statement in statements_of(_part(role, "trust"))
        for keys in _object(_object(statement).get("Condition")).values()
        for key, values in _object(keys).items()
        if key.lower() == "sts:externalid"
    }


def _compared(
    before: Iterable[AccessEdge], after: Iterable[AccessEdge], other_ids: set[str]
) -> Iterator[AccessEdge]:
    """Yield every way of both sides, marked by what the plan does to it; what gives no access only after."""
    old, new = _by_ends(before), _by_ends(after)
    for ends in dict.fromkeys((*old, *new)):
        gone = [each for each in old.get(ends, []) if each not in new.get(ends, []) and each.state in _WAYS]
        come = [each for each in new.get(ends, []) if each not in old.get(ends, [])]
        kept = [each for each in new.get(ends, []) if each in old.get(ends, [])]
        if len(gone) == 1 and len(come) == 1 and come[0].state in _WAYS:
            yield _changed(gone[0], come[0])
            gone, come = [], []
        for each in kept:
            is_other = ends[1] in other_ids and each.state in _WAYS
            yield (
                replace(each, lines=(*each.lines, "another external ID"), mark=CHANGED) if is_other else each
            )
        yield from (replace(each, mark=TAKEN) for each in gone)
        yield from (replace(each, mark=ADDED if each.state in _WAYS else "") for each in come)


def _by_ends(edges: Iterable[AccessEdge]) -> dict[tuple[str, str], list[AccessEdge]]:
    found: dict[tuple[str, str], list[AccessEdge]] = {}
    for each in edges:
        found.setdefault((each.source, each.target), []).append(each)
    return found


def _changed(old: AccessEdge, new: AccessEdge) -> AccessEdge:
    lines = [
        *(each for each in new.lines if each in old.lines),
        *(f"+ {each}" for each in new.lines if each not in old.lines),
        *(f"- {each}" for each in old.lines if each not in new.lines),
    ]
    return replace(new, lines=tuple(lines), mark=CHANGED)


def _nodes(grant: Grant | None, plan: Plan, edges: Iterable[AccessEdge]) -> tuple[AccessNode, ...]:
    """Return the ends of the edges and the roles of the plan, with what the plan does to their policies."""
    given = {node.key: node.lines for node in graph_of_grants([grant]).nodes} if grant else {}
    roles = [change.target for change in plan.changes if change.kind in ("role", *_TRUST)]
    ends = (*(each.source for each in edges), *(each.target for each in edges))
    marks = {change.target: change.sign for change in plan.changes if change.kind == "role"}
    return tuple(
        node_of(key, (*given.get(key, ()), *_policies(key, plan)), marks.get(key, ""))
        for key in dict.fromkeys((*ends, *given, *roles))
    )


def _policies(key: str, plan: Plan) -> Iterator[str]:
    """Yield what the plan does to the policies of a user or role."""
    for change in plan.changes:
        if change.target == key and change.kind in ("inline-policy", "attachment", "boundary"):
            name = change.name or str(change.after or change.before)
            word = "boundary" if change.kind == "boundary" else "policy"
            yield f"{change.sign} {word} {name.rpartition('/')[2]}"
