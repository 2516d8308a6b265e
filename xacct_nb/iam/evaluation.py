"""Evaluates one request against all policies that apply to it, as AWS does, with the reasons."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any, NamedTuple

from xacct_nb.errors import InvalidArn, InvalidInput, InvalidPolicy
from xacct_nb.iam import grammar
from xacct_nb.iam.arns import is_account_id
from xacct_nb.iam.context import request_keys
from xacct_nb.iam.decision import PARAMETERS, Decision, Groups, RawCheck, Trace, result_of
from xacct_nb.iam.explain import (
    ALLOW,
    EXPLICIT_DENY,
    IMPLICIT_DENY,
    NO_IMPACT,
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    RESOURCE,
    RESOURCE_CONTROL_POLICY,
    SERVICE_CONTROL_POLICY,
    SESSION,
)
from xacct_nb.iam.grammar import Document
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.iam.principals import ACCOUNT, DIRECT, FEDERATED_USER, NO_MATCH, ROLE, ROOT, read_caller
from xacct_nb.iam.statements import APPLIES, MATCH_LEVEL, STATEMENT, Request

AnyPolicy = Document | ParsedPolicy
# A policy with its indexes in the parameter that has it.
Indexed = tuple[tuple[int, ...], ParsedPolicy]
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_.-]+")
WITHIN, ACROSS, OUTSIDE = "within one account", "across accounts", "from outside every account"
_BOUNDS = frozenset({PERMISSIONS_BOUNDARY, SESSION})
_BOTH = _BOUNDS | {PRINCIPAL}
_MATCH_LEVELS = (DIRECT, ROLE, ACCOUNT, NO_MATCH)
# The checks that must allow, by where the caller is, and how the resource's own policy matches it.
# Source: reference_policies_evaluation-logic (boundaries and session policies limit what is allowed to a
# role's ARN, not to a user's or a session's), ..._cross-account.
_NEEDED = {
    WITHIN: {DIRECT: frozenset[str](), ROLE: _BOUNDS, ACCOUNT: _BOTH, NO_MATCH: _BOTH},
    ACROSS: dict.fromkeys(_MATCH_LEVELS, _BOTH | {RESOURCE}),
    OUTSIDE: dict.fromkeys(_MATCH_LEVELS, frozenset({RESOURCE})),
}
_GRAMMARS = {
    SERVICE_CONTROL_POLICY: grammar.SERVICE_CONTROL,
    RESOURCE_CONTROL_POLICY: grammar.RESOURCE_CONTROL,
}
# Resources whose own policy must allow within the account too: (service of the action, of the ARN, type).
_RESOURCE_POLICY_REQUIRED = {("sts", "iam", "role"), ("kms", "kms", "key")}
_ALWAYS = "sts:getcalleridentity"
_NOTES = {
    ROOT: "the root user of an account cannot assume a role",
    FEDERATED_USER: "a session from GetFederationToken cannot assume a role",
    _ALWAYS: "AWS allows GetCallerIdentity to every caller with credentials, even against an explicit deny",
    "root may": "the root user has every permission that its account has",
    "no account": "the caller is in no account, so such policies do not apply",
    "no policy": "there is no resource-based policy",
    "level": "on level {} no service control policy allows it; the root is level 1",
}


def evaluate(
    principal: str,
    action: str,
    resource: str,
    context: Mapping[str, Any] = _NOTHING,
    identity_policies: Sequence[AnyPolicy] = (),
    resource_policy: AnyPolicy | None = None,
    permissions_boundaries: Sequence[AnyPolicy] | None = None,
    session_policies: Sequence[AnyPolicy] | None = None,
    service_control_policies: Sequence[Sequence[AnyPolicy]] | None = None,
    resource_control_policies: Sequence[Sequence[AnyPolicy]] | None = None,
    resource_account: str | None = None,
) -> Decision:
    """Decide whether this principal may do this action on this resource, as AWS would.

    `principal` is an ARN (user, role, session of a role, federated user, root), a service, an identity
    provider or `*`. Policies are documents, or values of `policy.parse`. None means that there is no such
    policy; an empty list of boundaries or session policies allows nothing. Control policies come in levels,
    root first. `resource_account` is used where the ARN has no account; without it the resource is taken to
    be in the caller's. Keys that follow from the principal are added unless `context` has them (None: the key
    is missing). Source: reference_policies_evaluation-logic. Raises InvalidPolicy, InvalidArn, InvalidInput.
    """
    caller = read_caller(principal)
    owner = _account_of_resource(resource, resource_account)
    keys = request_keys(caller, context, owner)
    bounded = permissions_boundaries is not None
    request = Request(caller, action, _lower_action(action), resource, keys, bounded)
    relation = OUTSIDE if not caller.account else WITHIN if owner in ("", caller.account) else ACROSS
    required, policy_kind = _resource_rules(action, resource)
    parsed = parse(resource_policy, policy_kind, "resource_policy") if resource_policy is not None else None
    own = _match_policies([((), parsed)] if parsed else [], request)
    needed = _NEEDED[relation][own.level] | required
    checks: list[RawCheck] = []
    if service_control_policies is not None:
        checks.append(_control_check(SERVICE_CONTROL_POLICY, service_control_policies, request))
    if resource_control_policies is not None:
        checks.append(_control_check(RESOURCE_CONTROL_POLICY, resource_control_policies, request))
    checks.append(_resource_check(own, needed, resource_policy is None))
    checks.append(_list_check(PRINCIPAL, identity_policies, request, needed))
    if permissions_boundaries is not None:
        checks.append(_list_check(PERMISSIONS_BOUNDARY, permissions_boundaries, request, needed))
    if session_policies is not None:
        checks.append(_list_check(SESSION, session_policies, request, needed))
    made = tuple(_apply_exceptions(checks, request))
    return Decision(result_of(made), principal, action, resource, Trace(request, context, made))


class _PoliciesMatch(NamedTuple):
    """The effect of some policies together, and the highest match level of the statements that allow."""

    effect: str
    level: int
    groups: Groups


def _match_policies(policies: Iterable[Indexed], request: Request) -> _PoliciesMatch:
    groups: Groups = []
    level, denied = NO_MATCH, False
    for index, policy in policies:
        group = [statement.match(request) for statement in policy.statements]
        groups.append((index, group))
        for matched in group:
            if matched[APPLIES]:
                if matched[STATEMENT].effect == grammar.DENY:
                    denied = True
                else:
                    level = max(level, matched[MATCH_LEVEL])
    return _PoliciesMatch(EXPLICIT_DENY if denied else ALLOW if level else IMPLICIT_DENY, level, groups)


def _resource_check(own: _PoliciesMatch, needed: frozenset[str], missing: bool) -> RawCheck:
    effect = own.effect if own.effect != IMPLICIT_DENY or RESOURCE in needed else NO_IMPACT
    note = _NOTES["no policy"] if missing else ""
    return RawCheck(RESOURCE, effect, note, own.groups)


def _list_check(
    check_type: str, documents: Sequence[AnyPolicy], request: Request, needed: frozenset[str]
) -> RawCheck:
    """Check identity policies, boundaries or session policies: a list in which one statement must allow."""
    name = PARAMETERS[check_type]
    found = _match_policies(_parsed(documents, grammar.IDENTITY, name), request)
    effect, note = found.effect, ""
    if not request.caller.account:
        effect, note = NO_IMPACT, _NOTES["no account"]
    elif effect == IMPLICIT_DENY and check_type == PRINCIPAL and request.caller.kind == ROOT:
        effect, note = ALLOW, _NOTES["root may"]
    elif effect == IMPLICIT_DENY and check_type not in needed:
        effect = NO_IMPACT
    return RawCheck(check_type, effect, note, found.groups)


def _control_check(check_type: str, levels: Sequence[Sequence[AnyPolicy]], request: Request) -> RawCheck:
    """Check control policies: each level must allow; RCPFullAWSAccess does on each level of an RCP.

    Source: orgs_manage_policies_scps_evaluation, orgs_manage_policies_rcps_evaluation.
    """
    name, policy_kind = PARAMETERS[check_type], _GRAMMARS[check_type]
    _require_list(levels, name)
    found = [
        _match_policies(_parsed(level, policy_kind, f"{name}[{number}]", (number,)), request)
        for number, level in enumerate(levels)
    ]
    groups = [group for each in found for group in each.groups]
    if check_type == SERVICE_CONTROL_POLICY and not request.caller.account:
        return RawCheck(check_type, NO_IMPACT, _NOTES["no account"], groups)
    if any(each.effect == EXPLICIT_DENY for each in found):
        return RawCheck(check_type, EXPLICIT_DENY, "", groups)
    for number, each in enumerate(found, start=1):
        if each.effect == IMPLICIT_DENY and check_type == SERVICE_CONTROL_POLICY:
            return RawCheck(check_type, IMPLICIT_DENY, _NOTES["level"].format(number), groups)
    return RawCheck(check_type, ALLOW, "", groups)


def _parsed(
    documents: Sequence[AnyPolicy], policy_kind: str, name: str, front: tuple[int, ...] = ()
) -> list[Indexed]:
    return [
        # `parse` returns a ParsedPolicy as it is; the test saves making its name.
        (
            (*front, number),
            document
            if isinstance(document, ParsedPolicy) and document.kind == policy_kind
            else parse(document, policy_kind, f"{name}[{number}]"),
        )
        for number, document in enumerate(_require_list(documents, name))
    ]


def _require_list(documents: object, name: str) -> Sequence[Any]:
    if not isinstance(documents, (list, tuple)):
        raise InvalidPolicy(
            f"{name} is not a list.",
            why="Several policies of one kind may apply to a request.",
            hint="Put the policies in a list, a single one too.",
        )
    return documents


def _apply_exceptions(checks: list[RawCheck], request: Request) -> list[RawCheck]:
    """Apply the rules that override the policies.

    Source: the API references of GetCallerIdentity and AssumeRole, id_credentials_sts-comparison.
    """
    action, kind = request.action_lower, request.caller.kind
    if action == _ALWAYS:
        note = _NOTES[_ALWAYS]
        return [c._replace(effect=ALLOW if c.effect == ALLOW else NO_IMPACT, note=note) for c in checks]
    if action == "sts:assumerole" and kind in (ROOT, FEDERATED_USER):
        return [
            check._replace(effect=IMPLICIT_DENY, note=_NOTES[kind])
            if check.type == PRINCIPAL and check.effect != EXPLICIT_DENY
            else check
            for check in checks
        ]
    return checks


@lru_cache(maxsize=4096)
def _account_of_resource(resource: str, given: str | None) -> str:
    """Return the account of the resource, "" where it is not known."""
    parts = resource.split(":", 5)
    if resource != "*" and (len(parts) != 6 or parts[0] != "arn"):
        raise InvalidArn(
            f"{resource!r} is not the ARN of a resource.",
            why="An ARN reads arn:partition:service:region:account:resource.",
            hint='Use "*" for an action that has no resource.',
        )
    stated = parts[4] if len(parts) == 6 and is_account_id(parts[4]) else ""
    if given is not None and (not is_account_id(given) or stated not in ("", given)):
        raise InvalidInput(
            f"resource_account {given!r} is not the account of {resource!r}.",
            why="It must be text of 12 digits, and equal to the account in the ARN if there is one.",
            hint="Leave it out where the ARN has the account.",
        )
    return stated or given or ""


@lru_cache(maxsize=4096)
def _resource_rules(action: str, resource: str) -> tuple[frozenset[str], str]:
    """Return the check of the resource's own policy, if that must allow in any case, and its grammar."""
    parts = resource.split(":", 5)
    named = (parts[2], parts[5].partition("/")[0]) if len(parts) == 6 else ("", "")
    kind = grammar.TRUST if named == ("iam", "role") else grammar.RESOURCE
    must_allow = (action.partition(":")[0].lower(), *named) in _RESOURCE_POLICY_REQUIRED
    return frozenset({RESOURCE} if must_allow else ()), kind


@lru_cache(maxsize=4096)
def _lower_action(action: str) -> str:
    if not _ACTION.fullmatch(action):
        raise InvalidInput(
            f"{action!r} is not an action.",
            why="A request is for one action, written service:Name.",
            hint="Write it like sts:AssumeRole.",
        )
    return action.lower()
