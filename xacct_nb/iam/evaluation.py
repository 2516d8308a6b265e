"""Evaluates one request against all policies that apply to it, as AWS does, with the reasons."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidInput, InvalidPolicy
from xacct_nb.iam import grammar
from xacct_nb.iam.arns import is_account_id
from xacct_nb.iam.caller import Caller, is_service_linked, read_caller
from xacct_nb.iam.checks import ACROSS, OUTSIDE, WITHIN, Indexed, Matches, Rules, match_policies
from xacct_nb.iam.context import request_keys
from xacct_nb.iam.decision import Decision, Trace
from xacct_nb.iam.explain import (
    PERMISSIONS_BOUNDARY,
    PRINCIPAL,
    RESOURCE,
    RESOURCE_CONTROL_POLICY,
    SERVICE_CONTROL_POLICY,
    SESSION,
)
from xacct_nb.iam.grammar import Document
from xacct_nb.iam.policy import ParsedPolicy, parse
from xacct_nb.iam.reasons import PARAMETERS
from xacct_nb.iam.statements import Request
from xacct_nb.iam.unknown import with_unknown
from xacct_nb.iam.weighing import UNKNOWN_RESULT, weigh

AnyPolicy = Document | ParsedPolicy
_NOTHING: Mapping[str, Any] = MappingProxyType({})
_ACTION = re.compile(r"[A-Za-z0-9-]+:[A-Za-z0-9_.-]+")
_GRAMMARS = {
    SERVICE_CONTROL_POLICY: grammar.SERVICE_CONTROL,
    RESOURCE_CONTROL_POLICY: grammar.RESOURCE_CONTROL,
}
# Resources whose own policy must allow within the account too: (service of the action, of the ARN, type).
_RESOURCE_POLICY_REQUIRED = {("sts", "iam", "role"), ("kms", "kms", "key"), ("kms", "kms", "alias")}


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
    unknown_keys: Iterable[str] = (),
) -> Decision:
    """Decide whether this principal may do this action on this resource, as AWS would.

    `principal` is an ARN (user, role, session of a role, federated user, root), a service, an identity
    provider or `*`. Policies are documents, or values of `policy.parse`. None means that there is no such
    policy; an empty list of boundaries or session policies allows nothing. Control policies come in levels,
    root first. `resource_account` is used where the ARN has no account; without it the resource is taken to
    be in the caller's. Keys that follow from the principal are added unless `context` has them (None: the key
    is missing). `unknown_keys` are keys of which the value is not known (`aws:RequestTag/*`: those that begin
    so; `*`: all that neither are given nor follow from the principal). Where the result hangs on one, or on
    the path of a session's role, it is UnknownValue. Source: reference_policies_evaluation-logic. Raises
    InvalidPolicy, InvalidArn, InvalidInput.
    """
    _require_texts(principal, action, resource)
    caller = read_caller(principal)
    owner = _account_of_resource(resource, resource_account)
    lowered = _lower_action(action)
    keys = request_keys(caller, context, owner or _own_account(caller, resource), lowered.partition(":")[0])
    if unknown_keys:
        keys = with_unknown(keys, context, unknown_keys)
    bounded = permissions_boundaries is not None
    request = Request(caller, action, lowered, resource, keys, bounded)
    relation = OUTSIDE if not caller.account else WITHIN if owner in ("", caller.account) else ACROSS
    required, policy_kind = _resource_rules(action, resource)
    own = (
        [((), parse(resource_policy, policy_kind, "resource_policy"))] if resource_policy is not None else []
    )
    matches = (
        *_match_levels(SERVICE_CONTROL_POLICY, service_control_policies, request),
        *_match_levels(RESOURCE_CONTROL_POLICY, resource_control_policies, request),
        (RESOURCE, (match_policies(own, request),)),
        *_match_list(PRINCIPAL, identity_policies, request),
        *_match_list(PERMISSIONS_BOUNDARY, permissions_boundaries, request),
        *_match_list(SESSION, session_policies, request),
    )
    rules = Rules(relation, required, resource_policy is not None, is_service_linked(caller, keys))
    possible, checks = weigh(matches, request, rules)
    result = possible[0] if len(possible) == 1 else UNKNOWN_RESULT
    return Decision(result, principal, action, resource, Trace(request, context, checks), possible)


def _match_list(check_type: str, documents: Sequence[AnyPolicy] | None, request: Request) -> Matches:
    if documents is None:
        return ()
    policies = _parsed(documents, grammar.IDENTITY, PARAMETERS[check_type])
    return ((check_type, (match_policies(policies, request),)),)


def _match_levels(check_type: str, levels: Sequence[Sequence[AnyPolicy]] | None, request: Request) -> Matches:
    if levels is None:
        return ()
    name, policy_kind = PARAMETERS[check_type], _GRAMMARS[check_type]
    found = [
        match_policies(_parsed(level, policy_kind, f"{name}[{number}]", (number,)), request)
        for number, level in enumerate(_require_list(levels, name))
    ]
    return ((check_type, tuple(found)),)


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


def _require_texts(*values: object) -> None:
    for value in values:
        if not isinstance(value, str):
            raise InvalidInput(
                f"The principal, action or resource is a value of type {type(value).__name__}, not text.",
                why="Each of them is one text: an ARN, an action, or *.",
                hint="Ask for one request at a time.",
            )


def _require_list(documents: object, name: str) -> Sequence[Any]:
    if not isinstance(documents, (list, tuple)):
        raise InvalidPolicy(
            f"{name} is not a list.",
            why="Several policies of one kind may apply to a request.",
            hint="Put the policies in a list, a single one too.",
        )
    return documents


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


def _own_account(caller: Caller, resource: str) -> str:
    """Return the caller's account for a resource of which no account is known; AWS's policies have none."""
    return "" if resource == "*" or resource.split(":", 5)[4] == "aws" else caller.account


@lru_cache(maxsize=4096)
def _resource_rules(action: str, resource: str) -> tuple[frozenset[str], str]:
    """Return the check of the resource's own policy, if that must allow in any case, and its grammar."""
    parts = resource.split(":", 5)
    named = (parts[2], parts[5].partition("/")[0]) if len(parts) == 6 else ("", "")
    kind = grammar.TRUST if named == ("iam", "role") else grammar.RESOURCE
    service, _, operation = action.lower().partition(":")
    must_allow = (service, *named) in _RESOURCE_POLICY_REQUIRED and not operation.endswith("alias")
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
