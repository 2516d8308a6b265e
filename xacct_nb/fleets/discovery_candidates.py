"""The grants that each role by itself could be of: whose it is, its fields, and what no grant can say."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.errors import InvalidGrant
from xacct_nb.fleets.discovery_accounts import LiveAccounts, LiveRole
from xacct_nb.fleets.discovery_terms import TrustTerms, principals_of, read_parts
from xacct_nb.grants.conditions import Permission
from xacct_nb.grants.grant import account_of
from xacct_nb.grants.naming import grant_named_in, grant_of_statement, policy_name_of
from xacct_nb.grants.pictures.trust_statements import roles_named
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.grammar import ALLOW, DENY
from xacct_nb.validation import Serializable

_NAME = re.compile(r"[a-z][a-z0-9-]{0,31}")
_RESERVED = "/aws-reserved/"
ROLE, TRUST = "role", "trust"
LEFT_OUT, STAYS = "no grant gives it", "stays as it is"


@dataclass(frozen=True)
class Gap(Serializable):
    """What a role has that no declared grant says, and why; `effect` is what becomes of it."""

    role: str
    why: str
    effect: str = LEFT_OUT


@dataclass(frozen=True)
class Candidate:
    """A role with the fields of a grant that has it as its destination; `name` is "" where others made it."""

    role: LiveRole
    name: str
    fields: Mapping[str, Any]


@dataclass
class Candidates:
    """All candidates, the gaps, and how many roles only their own accounts may assume."""

    found: list[Candidate] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    within: int = 0


@dataclass(frozen=True)
class Surveyed:
    """What was read, and the ways that are open: (principal, role)."""

    live: LiveAccounts
    ways: Collection[tuple[str, str]]


def find_candidates(surveyed: Surveyed) -> Candidates:
    """Return for each role that trusts other accounts the grants that it could be of."""
    found = Candidates()
    for role in surveyed.live.roles:
        _read_role(role, surveyed, found)
    return found


def _read_role(role: LiveRole, surveyed: Surveyed, found: Candidates) -> None:
    statements = statements_of(role.trust)
    made = bool(role.owner) or any(map(grant_named_in, role.holder.inline))
    wanted = statements if made else [each for each in statements if _is_across(role, each)]
    if not wanted:
        found.within += 1
        return
    if Arn.parse(role.arn).path.startswith(_RESERVED):
        found.gaps.append(Gap(role.arn, "AWS manages the role"))
        return
    allowed = _read_inline(role)
    denying = [each for each in statements if isinstance(each, Mapping) and each.get("Effect") == DENY]
    parts = read_parts(role.arn, [each for each in statements if each not in denying])
    is_alone = len(parts) == 1 and not denying
    for each in statements:
        part = next((one for one in parts if one.statements[0] is each), None)
        if each in denying:
            found.gaps.append(Gap(role.arn, "its trust policy has a Deny statement", STAYS))
        elif part and part.terms is None:
            found.gaps += (Gap(role.arn, why) for why in part.reasons)
        elif part and part.terms and any(one in wanted for one in part.statements):
            _add(role, each, part.terms, allowed, is_alone, surveyed, found)


def _is_across(role: LiveRole, statement: Any) -> bool:
    """Return whether a statement is about another account, about others than accounts, or of a grant."""
    if not isinstance(statement, Mapping) or statement.get("Effect") != ALLOW:
        return False
    if "NotPrincipal" in statement or grant_of_statement(str(statement.get("Sid", ""))):
        return True
    named = principals_of(statement)
    other = [each for each in named if not is_arn(each) or account_of(each) != role.account]
    return any(each != role.account for each in other) or not named


@dataclass(frozen=True)
class _Allowed:
    """What the inline policies of a role allow, by name, and what of them no grant says."""

    permissions: Mapping[str, tuple[Permission, ...]]
    odd: Mapping[str, tuple[str, ...]]

    @property
    def is_whole(self) -> bool:
        return not any(self.odd.values())

    def all_permissions(self) -> list[dict[str, Any]]:
        """Return all of them as the fields of a grant."""
        return [each.model_dump(mode="json") for many in self.permissions.values() for each in many]


def _read_inline(role: LiveRole) -> _Allowed:
    permissions, odd = dict[str, tuple[Permission, ...]](), dict[str, tuple[str, ...]]()
    for name, document in role.holder.inline.items():
        if name != REVOKED:
            read = [_permission(each) for each in statements_of(document)]
            permissions[name] = tuple(each for each in read if isinstance(each, Permission))
            odd[name] = tuple(dict.fromkeys(each for each in read if isinstance(each, str)))
    return _Allowed(permissions, odd)


def _permission(statement: Any) -> Permission | str:
    """Return a statement as a permission, or why it is none."""
    if not isinstance(statement, Mapping):
        return "it is no statement"
    if statement.get("Effect") != ALLOW:
        return "it has a Deny statement"
    elements = {name for name, value in statement.items() if (name, value) != ("Condition", {})}
    if odd := sorted(elements - {"Sid", "Effect", "Action", "Resource"}):
        return f"it has {' and '.join(odd)}"
    actions = [_lowered(str(each)) for each in as_list(statement.get("Action", []))]
    try:
        return Permission(actions=actions, resources=as_list(statement.get("Resource", [])))
    except (InvalidGrant, ValueError) as problem:
        return (
            problem.what.rstrip(".")
            if isinstance(problem, InvalidGrant)
            else "it has no action or no resource"
        )


def _lowered(action: str) -> str:
    """Return an action with its service in lower case, as AWS compares it."""
    service, colon, name = action.partition(":")
    return f"{service.lower()}{colon}{name}"


def _add(
    role: LiveRole,
    statement: Mapping[str, Any],
    terms: TrustTerms,
    allowed: _Allowed,
    is_alone: bool,
    surveyed: Surveyed,
    found: Candidates,
) -> None:
    name, manage = _origin(role, statement, allowed)
    own = policy_name_of(name) if name else ""
    wanted = {own: allowed.odd.get(own, ())} if manage == ROLE and name else dict(allowed.odd)
    odd = [f"its policy {policy}: {why}" for policy, reasons in wanted.items() for why in reasons]
    if not name:
        whole = is_alone and not odd and role.session_seconds % 60 == 0
        manage = ROLE if whole else TRUST
    if manage == ROLE and (odd or not is_alone):
        found.gaps += (Gap(role.arn, why) for why in odd or ["its trust policy has other statements, too"])
        return
    found.gaps += (Gap(role.arn, why, STAYS) for why in odd)
    fields = _fields(role, terms, surveyed, name) | _kept(role, allowed, name, manage)
    found.found.append(Candidate(role, name, fields))


def _origin(role: LiveRole, statement: Mapping[str, Any], allowed: _Allowed) -> tuple[str, str]:
    """Return the grant that made a statement, "" for none, and what of the role it owns."""
    if _NAME.fullmatch(role.owner):
        return role.owner, ROLE
    if name := grant_of_statement(str(statement.get("Sid", ""))):
        return name, TRUST
    named = [name for each in allowed.permissions if _NAME.fullmatch(name := grant_named_in(each))]
    return (named[0], ROLE) if len(named) == 1 else ("", ROLE)


def _fields(role: LiveRole, terms: TrustTerms, surveyed: Surveyed, name: str) -> dict[str, Any]:
    caller = _caller_side(role, terms, surveyed, name)
    is_source = terms.names_itself and role.arn in caller.carriers
    return {
        "sources": (*terms.sources, role.arn) if is_source else terms.sources,
        "conditions": terms.conditions,
        "expires": terms.expires,
        "self_assume": terms.names_itself and not is_source,
        "attach_to": caller.group,
        "caller_policy": caller.form,
        "caller_reach": caller.reach,
    }


def _kept(role: LiveRole, allowed: _Allowed, name: str, manage: str) -> dict[str, Any]:
    """Return the fields that say what the role is and may do."""
    if manage == TRUST:
        return {"manage": TRUST, "permissions": allowed.all_permissions(), "adopt": not name}
    own = allowed.permissions.get(policy_name_of(name), ()) if name else ()
    return {
        "manage": ROLE,
        "permissions": [each.model_dump(mode="json") for each in own] if name else allowed.all_permissions(),
        # A role may be a source of other grants: their caller policies are not its permissions.
        "managed_policies": tuple(sorted(each for each in role.holder.attached if not grant_named_in(each))),
        "permissions_boundary": role.holder.boundary,
        "session_minutes": (role.session_seconds or 3600) // 60,
        "adopt": not name or role.is_adopted or role.owner != name,
    }


@dataclass(frozen=True)
class _CallerSide:
    form: str
    group: str = ""
    carriers: tuple[str, ...] = ()
    reach: str = "roles"


def _caller_side(role: LiveRole, terms: TrustTerms, surveyed: Surveyed, name: str) -> _CallerSide:
    """Return in which form the callers have the grant's policy, and the group that carries it."""
    live, accounts = surveyed.live, dict.fromkeys(map(account_of, terms.sources))
    principals = [each for each in terms.sources if "/" in each and not is_role_pattern(each)]
    others_let_them = all((each, role.arn) in surveyed.ways for each in principals)
    without = _CallerSide("none" if principals and (others_let_them or not name) else "managed")
    if not name:
        return without
    own, partition = policy_name_of(name), Arn.parse(role.arn).partition
    managed = [f"arn:{partition}:iam::{account}:policy/{own}" for account in accounts]
    if carriers := _carriers(live.attached, managed):
        reach = _reach(map(live.document, managed), terms)
        return _CallerSide("managed", _group(carriers), carriers, reach)
    inline = _carriers(live.inline, ((account, own) for account in accounts))
    callers = tuple(each for each in inline if each in terms.sources or ":group/" in each)
    reach = _reach((live.holders[each].inline[own] for each in callers), terms)
    return _CallerSide("inline", _group(callers), callers, reach) if callers else without


def _reach(policies: Iterable[Any], terms: TrustTerms) -> str:
    """Return whether the caller policies name roles, or their names in any account of the organization."""
    named = roles_named(filter(None, policies))
    by_name = "organization_id" in terms.conditions and any(":iam::*:role/" in each for each in named)
    return "role-name" if by_name else "roles"


def _carriers(index: Mapping[Any, Sequence[str]], keys: Iterable[Any]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(arn for key in keys for arn in index.get(key, ())))


def _group(carriers: Iterable[str]) -> str:
    """Return the group that has the policy, where nobody else has it."""
    found = tuple(carriers)
    return found[0] if len(found) == 1 and Arn.parse(found[0]).kind == "group" else ""
