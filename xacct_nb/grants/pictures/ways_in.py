"""The ways into roles: who may assume them by the trust policies and the callers' own policies, evaluated."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidPolicy
from xacct_nb.grants.documents import Policy
from xacct_nb.grants.pattern_trust import patterns_in, without_patterns
from xacct_nb.grants.pictures.access_graph import ANYONE, DENIED, HALF, NO_CONDITION, OPEN, UNREAD, AccessEdge
from xacct_nb.grants.pictures.trust_statements import (
    allowing,
    covers_assume,
    is_object,
    is_one_role,
    let_in,
    named_principals,
    names_in,
    roles_named,
    session_action,
    stands_for_others,
)
from xacct_nb.iam.arns import UNIQUE_ID, Arn, is_arn
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.condition_words import describe_condition
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import PERMISSIONS_BOUNDARY, PRINCIPAL, RESOURCE
from xacct_nb.iam.grammar import ALLOW, DENY
from xacct_nb.iam.weighing import EXPLICITLY_DENIED

_ASSUME = "sts:AssumeRole"
EVERYTHING: Policy = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}],
}
_PLACE = re.compile(r"(?:\[(\d+)\])?\.Statement\[(\d+)\]$")
_OWN = {PRINCIPAL: "its own policy", PERMISSIONS_BOUNDARY: "its boundary"}
_PLACES = {RESOURCE: "the trust policy", **_OWN}


@dataclass(frozen=True)
class Holder:
    """A user or role with the policies that apply to it; `unread` says why they are not known."""

    policies: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    unread: str = ""


@dataclass(frozen=True)
class Trusts:
    """What is known of both sides: the trust policy by role, and the policies of users and roles.

    `read` are the accounts of which all users and roles are in `holders`; `elsewhere` is what is said of a
    role in another account, `{}` its id.
    """

    policies: Mapping[str, Policy]
    holders: Mapping[str, Holder] = field(default_factory=dict)
    read: frozenset[str] = frozenset()
    elsewhere: str = "account {} was not read"


def ways_in(known: Trusts) -> tuple[AccessEdge, ...]:
    """Return an edge for each way into each role, by each statement that opens it, in a fixed order.

    A principal whose own policies are not known is taken to have what it needs, in the state UNREAD.
    """
    able = _Able.of(known.holders)
    found = [edge for role, trust in known.policies.items() for edge in _into(role, trust, known, able)]
    joined = {(edge.source, edge.target) for edge in found}
    return (*dict.fromkeys(found), *_only_by_callers(known, joined))


@dataclass(frozen=True)
class _Able:
    """Who has a policy that allows a role to be assumed, by account: that role, or with a wildcard any.

    Of all users and roles of an account few may assume any role, and only those need to be evaluated.
    """

    one: Mapping[str, Mapping[str, Sequence[str]]]
    any_role: Mapping[str, Sequence[str]]

    @classmethod
    def of(cls, holders: Mapping[str, Holder]) -> "_Able":
        """Return those among the holders whose policies are known."""
        one: dict[str, dict[str, list[str]]] = {}
        any_role: dict[str, list[str]] = {}
        for key, holder in holders.items():
            account = Arn.parse(key).account
            for role in dict.fromkeys(() if holder.unread else roles_named(holder.policies)):
                found = one.setdefault(role, {}) if is_one_role(role) else any_role
                found.setdefault(account, []).append(key)
        return cls(one, any_role)

    def into(self, role: str, accounts: Iterable[str] | None) -> Iterable[str]:
        """Return those of these accounts who may assume the role; None: of all accounts."""
        one = self.one.get(role, {})
        chosen = dict.fromkeys((*one, *self.any_role)) if accounts is None else accounts
        return dict.fromkeys(
            key for each in chosen for key in (*one.get(each, ()), *self.any_role.get(each, ()))
        )


def _into(role: str, trust: Policy, known: Trusts, able: _Able) -> Iterator[AccessEdge]:
    named = named_principals(role, trust)
    for key in named:
        if stands_for_others(key):
            yield from _delegated(key, role, trust)
        elif UNIQUE_ID.fullmatch(key):
            yield AccessEdge(key, role, ("it was deleted",), DENIED)
        else:
            yield from _decided(key, role, trust, _holder_of(key, known), named=True)
    accounts = [Arn.parse(key).account for key in named if is_arn(key) and stands_for_others(key)]
    for key in able.into(role, None if ANYONE in named else accounts):
        if key not in named:
            yield from _decided(key, role, trust, known.holders[key], named=False)


def _holder_of(key: str, known: Trusts) -> Holder | None:
    """Return what is known of a principal; None for one that has no policies of its own."""
    if not is_arn(key) or "-provider/" in key:
        return None
    account = Arn.parse(key).account
    missing = "it does not exist" if account in known.read else f"account {account} was not read"
    return known.holders.get(key, Holder(unread=missing))


def _decided(
    key: str, role: str, trust: Policy, holder: Holder | None, *, named: bool
) -> Iterator[AccessEdge]:
    """Yield the ways of one principal into a role, or why it has none although it is named."""
    is_known = holder is None or not holder.unread
    own = holder if holder and is_known else Holder((EVERYTHING,))
    try:
        decision = evaluate(
            principal=key,
            action=session_action(key),
            resource=role,
            identity_policies=own.policies if holder else (),
            resource_policy=trust,
            permissions_boundaries=None if own.boundary is None else [own.boundary],
            unknown_keys=["*"],
        )
    except (InvalidPolicy, InvalidArn):
        yield AccessEdge(key, role, ("its policies cannot be evaluated",), UNREAD)
        return
    grounds = _Grounds(decision, trust, own)
    if not decision.denied and (named or grounds.would_be_open):
        state, front = (OPEN, ()) if is_known else (UNREAD, (holder.unread if holder else "",))
        yield from (AccessEdge(key, role, (*front, *lines), state) for lines in grounds.ways())
    elif decision.denied and grounds.is_forbidden and (named or grounds.would_be_open):
        yield AccessEdge(key, role, grounds.forbidding(), DENIED)
    elif decision.denied and named and grounds.is_trusted:
        yield AccessEdge(key, role, ("its own policies do not allow it",), HALF)


@dataclass(frozen=True)
class _Grounds:
    """The statements behind a decision, as the policies write them."""

    decision: Decision
    trust: Policy
    holder: Holder

    @property
    def is_trusted(self) -> bool:
        return bool(self._statements(RESOURCE, ALLOW))

    @property
    def would_be_open(self) -> bool:
        return self.is_trusted and bool(self._statements(PRINCIPAL, ALLOW))

    @property
    def is_forbidden(self) -> bool:
        """Return whether a Deny decides: one that applies, or one where all that is allowed is denied too."""
        may = any(self._statements(kind, DENY) for kind in _PLACES)
        return (
            self.decision.result == EXPLICITLY_DENIED or bool(self._denying()) or (self.would_be_open and may)
        )

    def ways(self) -> Iterator[tuple[str, ...]]:
        """Yield the conditions of each statement that lets the principal in, the least first."""
        common = (*self._own_conditions(), *self._exceptions())
        trusting = [describe_condition(each.get("Condition")) for each in self._statements(RESOURCE, ALLOW)]
        if () in trusting:
            trusting = [()]
        for lines in trusting:
            yield (*lines, *common) or (NO_CONDITION,)

    def forbidding(self) -> tuple[str, ...]:
        """Return where the Deny stands."""
        found = tuple(f"denied by {_PLACES[kind]}" for kind in self._denying())
        return found or ("a Deny takes away all that is allowed",)

    def _denying(self) -> list[str]:
        """Return the kinds of policies with a Deny that applies, whatever the request."""
        return [
            check.type
            for check in self.decision.checks
            if any(each.applies and each.effect == DENY for each in check.statements)
        ]

    def _own_conditions(self) -> Iterator[str]:
        """Yield what the principal's own policies ask, where none allows it without a condition."""
        for kind, words in _OWN.items():
            asked = [describe_condition(each.get("Condition")) for each in self._statements(kind, ALLOW)]
            if asked and () not in asked:
                yield f"{words}: {' or '.join(' and '.join(lines) for lines in dict.fromkeys(asked))}"

    def _exceptions(self) -> Iterator[str]:
        """Yield when a Deny forbids it; that hangs on the request."""
        for kind in _PLACES:
            for each in self._statements(kind, DENY):
                yield f"not if {' and '.join(describe_condition(each.get('Condition'))) or 'a Deny applies'}"

    def _statements(self, kind: str, effect: str) -> list[Mapping[str, Any]]:
        """Return the statements of one kind of policy and effect that apply, or may."""
        return [
            self._written(kind, match.place)
            for check in self.decision.checks
            if check.type == kind
            for match in check.statements
            if match.effect == effect and match.applies is not False
        ]

    def _written(self, kind: str, place: str) -> Mapping[str, Any]:
        found = _PLACE.search(place)
        assert found is not None
        documents: dict[str, list[Any]] = {
            RESOURCE: [self.trust],
            PRINCIPAL: list(self.holder.policies),
            PERMISSIONS_BOUNDARY: [self.holder.boundary],
        }
        written: Mapping[str, Any] = statements_of(documents[kind][int(found[1] or 0)])[int(found[2])]
        return written


def _delegated(key: str, role: str, trust: Policy) -> Iterator[AccessEdge]:
    """Yield the ways of a whole account, roles that match, or anyone: their own policies decide who goes."""
    exceptions, forbidden = list[str](), False
    for each in filter(is_object, statements_of(trust)):
        if each.get("Effect") == DENY and covers_assume(each):
            spared = names_in(each.get("NotPrincipal"), role)
            lines = describe_condition(each.get("Condition"))
            if spared or {ANYONE, _root_of(key)} & set(names_in(each.get("Principal"), role)):
                front = [f"it is not {' or '.join(spared)}"] if spared else []
                exceptions.append(f"not if {' and '.join([*front, *lines]) or 'a Deny applies'}")
                forbidden |= not spared and not lines
    for each in allowing(trust):
        if key in let_in(each, role) and covers_assume(each):
            condition = each.get("Condition")
            asked = without_patterns(condition) if patterns_in(each) else condition
            lines = (*describe_condition(asked), *exceptions)
            state = DENIED if forbidden else OPEN
            yield AccessEdge(
                key, role, ("denied by the trust policy",) if forbidden else lines or (NO_CONDITION,), state
            )


def _root_of(key: str) -> str:
    """Return the root of the account that a principal is in, which a Deny would name; anyone as it is."""
    return key if key == ANYONE else f"arn:{Arn.parse(key).partition}:iam::{Arn.parse(key).account}:root"


def _only_by_callers(known: Trusts, joined: set[tuple[str, str]]) -> Iterator[AccessEdge]:
    """Yield the roles that callers' own policies name exactly, and that let them not in or were not read."""
    for key, holder in known.holders.items():
        for role in dict.fromkeys(roles_named(holder.policies)):
            if (key, role) in joined or role == key or not is_one_role(role):
                continue
            if role in known.policies:
                yield AccessEdge(key, role, ("the role does not trust it",), HALF)
            elif Arn.parse(role).account in known.read:
                yield AccessEdge(key, role, ("the role does not exist",), HALF)
            else:
                yield AccessEdge(key, role, (known.elsewhere.format(Arn.parse(role).account),), UNREAD)
