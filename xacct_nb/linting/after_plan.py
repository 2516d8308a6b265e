"""What a grant's callers and roles may do once its plan is applied, decided from what was read of them."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.grants.caller_statement import assume_actions
from xacct_nb.grants.documents import VERSION, Documents, trust_conditions
from xacct_nb.grants.expiry import without_expiry
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.naming import is_caller_policy, policy_name
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam import grammar
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import EXPLICIT_DENY, PERMISSIONS_BOUNDARY, PRINCIPAL
from xacct_nb.iam.policy import parse
from xacct_nb.iam.weighing import UNKNOWN_RESULT
from xacct_nb.linting.headroom import retained_policies

BOUNDARY, POLICY, PERHAPS = "boundary", "policy", "perhaps"
NO_POLICY = "the lack of a policy of its own"
_PLACE = re.compile(r"\w+\[(\d+)\]\.(.+)")


@dataclass(frozen=True)
class Obstacle:
    """What denies an action after the plan: `kind` is boundary or policy, or perhaps where keys decide.

    `who` and `resource` are ARNs; `by` names the policy with its statement, or the keys.
    """

    kind: str
    who: str
    action: str
    resource: str
    by: str


@dataclass(frozen=True)
class _Holder:
    """A user or role after the plan: how a request names it, its keys, its policies and its boundary."""

    arn: str
    principal: str
    context: Mapping[str, Any]
    policies: tuple[tuple[str, Any], ...]
    boundary: tuple[str, Any] | None
    tags_known: bool = False
    is_whole: bool = False
    """Whether it has these policies alone, so that what none of them allows is denied."""

    def obstacle(self, action: str, resource: str, trust: Any) -> Obstacle | None:
        """Return what denies the action to it, None where nothing that was read does."""
        decision = self._decision(action, resource, trust, {})
        absent = {key: list[str]() for key in decision.depends_on if self._is_absent(key)}
        if absent:
            decision = self._decision(action, resource, trust, absent)
        kind, by = self._named(decision)
        if not kind and decision.denied and self.is_whole:
            kind, by = POLICY, NO_POLICY
        return Obstacle(kind, self.arn, action, resource, by) if kind else None

    def is_free(self, actions: Iterable[str]) -> bool:
        """Return whether nothing that was read of it denies one of the actions, on whatever resource."""
        denies = [
            each for _, policy in self.policies for each in policy.statements if each.effect == grammar.DENY
        ]
        named = (
            each.actions.match(action.lower(), {}) is not each.not_action
            for action in actions
            for each in denies
        )
        return not self.boundary and not self.is_whole and not any(named)

    def may(self, action: str, resource: str) -> bool:
        """Return whether its policies allow the action, or may do so for keys that only AWS knows."""
        decision = self._decision(action, resource, None, {})
        return decision.allowed or decision.result == UNKNOWN_RESULT

    def _decision(self, action: str, resource: str, trust: Any, more: Mapping[str, Any]) -> Decision:
        return evaluate(
            self.principal, action, resource, {**self.context, **more},
            identity_policies=[document for _, document in self.policies],
            resource_policy=trust,
            permissions_boundaries=[self.boundary[1]] if self.boundary else None,
            unknown_keys=("*",),
        )  # fmt: skip

    def _is_absent(self, key: str) -> bool:
        """Return whether the holder is known to be without this key: a user has no tag but its own."""
        return self.tags_known and key.lower().startswith("aws:principaltag/")

    def _named(self, decision: Decision) -> tuple[str, str]:
        if decision.result == UNKNOWN_RESULT:
            return PERHAPS, ", ".join(decision.depends_on)
        for check in decision.checks if not decision.allowed else ():
            denies = [each.place for each in check.matched if each.effect == grammar.DENY]
            if check.type == PRINCIPAL and check.effect == EXPLICIT_DENY:
                return POLICY, self._place(denies[0])
            if check.type == PERMISSIONS_BOUNDARY and self.boundary and "DENY" in check.effect:
                statement = _PLACE.sub(r", \2", denies[0]) if denies else ""
                return BOUNDARY, self.boundary[0] + statement
        return "", ""

    def _place(self, place: str) -> str:
        found = _PLACE.fullmatch(place)
        return f"{self.policies[int(found[1])][0]}, {found[2]}" if found else place


def caller_obstacles(documents: Documents, state: State) -> Iterator[Obstacle]:
    """Yield what denies a caller of the grant the roles, once its caller policy is in place.

    The trust policies are taken to let the caller in, also where they are another owner's; keys that only
    AWS knows are unknown.
    """
    grant = documents.grant
    if not any(isinstance(each, LivePrincipal) for each in state.details.values()):
        return
    when, actions = grant.conditions, assume_actions(grant)
    required = _required(trust_conditions(when, when.external_id.get_secret_value()))
    if when.organization_id:  # the roles are said to be in it where the caller policy asks for it
        required["aws:ResourceOrgID"] = when.organization_id
    for source in grant.principals:
        live = state.details.get(ResourceKey("principal", source))
        if not isinstance(live, LivePrincipal):
            continue
        holder = _caller(documents, state, live, required)
        allow = {"Effect": "Allow", "Principal": {"AWS": source}, "Action": actions}
        open_trust = parse({"Version": VERSION, "Statement": [allow]}, grammar.TRUST, "trust")
        free = holder.is_free(actions)
        for role in grant.destinations:
            found = [each for action in actions if (each := holder.obstacle(action, role, open_trust))]
            yield from found
            if not found and free:  # then no other role is denied either
                break


def role_obstacles(documents: Documents, state: State) -> Iterator[Obstacle]:
    """Yield what denies a role of the grant its own permissions: its boundary, or a Deny that it keeps."""
    bounded = documents.grant.permissions_boundary or documents.grant.managed_policies
    for role in documents.trust_policies:
        if not (bounded or state.role(role)):  # it gets the grant's own permissions alone
            continue
        holder = _role(documents, state, role)
        if holder.boundary or len(holder.policies) > 1:
            found = (holder.obstacle(*call, None) for call in _asked(documents))
            yield from (each for each in found if each and each.kind != PERHAPS)


def missing_permissions(documents: Documents, state: State) -> Iterator[tuple[str, str, str]]:
    """Yield the role, action and resource of what no policy of a role of others allows."""
    for role in documents.trust_policies if documents.grant.trust_only else ():
        attached = [key.name for key in state.of_others if key.kind == "attachment" and key.target == role]
        if state.role(role) is None or any(_managed(state, arn) is None for arn in attached):
            continue
        holder = _role(documents, state, role)
        yield from ((role, *call) for call in _asked(documents) if not holder.may(*call))


def _asked(documents: Documents) -> dict[tuple[str, str], None]:
    """Return the actions and resources of the grant's permissions, without patterns of actions."""
    return dict.fromkeys(
        (action, resource)
        for each in documents.grant.permissions
        for action in each.actions
        for resource in each.resources
        if not {"*", "?"} & set(action) and (resource == "*" or is_arn(resource))
    )


def _required(conditions: Mapping[str, Any]) -> dict[str, Any]:
    """Return the condition keys with the one value that the trust policy requires of the caller."""
    given = {
        key: value for name in ("StringEquals", "Bool") for key, value in conditions.get(name, {}).items()
    }
    return {key: value for key, value in given.items() if isinstance(value, str) and "${" not in value}


def _caller(documents: Documents, state: State, live: LivePrincipal, required: Mapping[str, Any]) -> _Holder:
    grant, holders = documents.grant, list(live.holders)
    planned = [
        ("the grant's own caller policy", without_expiry(policy))
        for holder in holders
        for policy in documents.caller_policies.get(holder.arn, ())
    ]
    own = policy_name(grant)
    inline = [
        (f"inline policy {name} of {holder.title}", document)
        for holder in holders
        for name, document in holder.inline.items()
        if not (grant.caller_policy == "inline" and name.partition(".")[0] == own)
    ]
    managed = [
        (f"policy {Arn.parse(arn).name} of {holder.title}", _managed(state, arn))
        for holder in holders
        for arn in holder.attached
        if not is_caller_policy(grant, arn)
    ]
    keys = {**required, **{f"aws:PrincipalTag/{name}": value for name, value in live.tags.items()}}
    boundary = _boundary(state, live.boundary)
    tags_known = Arn.parse(live.arn).kind == "user" and "GetUser" not in live.unread
    policies = _readable((*planned, *inline, *managed))
    is_whole = (
        grant.caller_policy == "none" and not live.denied_reads and len(policies) == len(inline + managed)
    )
    return _Holder(live.arn, *_session(live.arn, keys), policies, boundary, tags_known, is_whole)


def _role(documents: Documents, state: State, role: str) -> _Holder:
    grant, live = documents.grant, state.role(role) or {}
    own = documents.permissions_policies.get(role)
    planned = [("the grant's own permissions", own)] if own else []
    kept = retained_policies(documents, state, role)
    inline = [
        (f"inline policy {key.name}", value) for key, value in kept.items() if key.kind == "inline-policy"
    ]
    attached = [key.name for key in kept if key.kind == "attachment"]
    managed = [
        (f"policy {Arn.parse(arn).name}", _managed(state, arn))
        for arn in (*attached, *grant.managed_policies)
    ]
    boundary = _boundary(state, grant.permissions_boundary or live.get("boundary", ""))
    return _Holder(role, *_session(role, {}), _readable((*planned, *inline, *managed)), boundary)


def _session(arn: str, keys: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """Return the principal of a request by a user, or by a session of a role, and its keys."""
    named = Arn.parse(arn)
    if named.kind != "role":
        return arn, keys
    session = f"arn:{named.partition}:sts::{named.account}:assumed-role/{named.name}/session"
    return session, {**keys, "aws:PrincipalArn": arn}


def _managed(state: State, arn: str) -> Any:
    found = state.details.get(ResourceKey("policy", arn))
    return found and found["document"]


def _boundary(state: State, arn: str) -> tuple[str, Any] | None:
    """Return the boundary with its title, None where there is none, or where it was not read."""
    found = _readable(((f"boundary {Arn.parse(arn).name}", _managed(state, arn)),)) if arn else ()
    return found[0] if found else None


def _readable(policies: Iterable[tuple[str, Any]]) -> tuple[tuple[str, Any], ...]:
    """Return the policies that were read, parsed; the rest is not part of the decision."""
    found = []
    for title, document in policies:
        try:
            if document is not None:
                found.append((title, parse(document, grammar.IDENTITY, title)))
        except InvalidPolicy:  # a part of the language that this version does not know
            continue
    return tuple(found)
