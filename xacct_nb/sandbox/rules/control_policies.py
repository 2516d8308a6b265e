"""Service and resource control policies as the sandbox was told them, and what they deny."""

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam import grammar
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import EXPLICIT_DENY, IMPLICIT_DENY, RESOURCE_CONTROL_POLICY, SERVICE_CONTROL_POLICY
from xacct_nb.iam.policy import ParsedPolicy, parse

Levels = tuple[tuple[ParsedPolicy, ...], ...]
"""The policies of each level of an organization, root first."""

_service: dict[str, Levels] = {}
_resource: dict[str, Levels] = {}
_GRAMMARS = {
    SERVICE_CONTROL_POLICY: grammar.SERVICE_CONTROL,
    RESOURCE_CONTROL_POLICY: grammar.RESOURCE_CONTROL,
}
_NAMES = {
    SERVICE_CONTROL_POLICY: "service control policy",
    RESOURCE_CONTROL_POLICY: "resource control policy",
}
_ALWAYS_ALLOWED = ("sts:getcalleridentity",)


@dataclass(frozen=True)
class Asked:
    """A request that everything else allows: who asks, for what, on what, under which condition keys.

    `owner` is the account of the resource where it is known, else "".
    """

    principal: str
    account: str
    action: str
    resource: str
    context: Mapping[str, Any]
    owner: str


def surroundings(address: str, secure: bool, region: str) -> dict[str, Any]:
    """The condition keys that every request has, whoever asks for whatever."""
    return {
        "aws:sourceip": address,
        "aws:securetransport": secure,
        "aws:requestedregion": region,
        "aws:currenttime": datetime.now(UTC).isoformat(timespec="seconds"),
        "aws:epochtime": int(time.time()),
    }


def read(told: Mapping[str, Any], kind: str, members: Collection[str]) -> dict[str, Levels]:
    """The policies that are told for each account, by level; `kind` is a check type.

    Raises ValueError where AWS would refuse one, or an account is not among the members.
    """
    for account in told:
        if account not in members:
            raise ValueError(f"{account!r} is not an account of the organization.")
    return {account: _levels(levels, _GRAMMARS[kind]) for account, levels in told.items()}


def keep(members: Iterable[str], service: Mapping[str, Levels], resource: Mapping[str, Levels]) -> None:
    """From now on these are the policies of the members; a member that has none has none any more."""
    for account in members:
        for kept, given in ((_service, service), (_resource, resource)):
            kept.pop(account, None)
            if account in given:
                kept[account] = given[account]


def forget() -> None:
    """No account has any."""
    _service.clear()
    _resource.clear()


def limits(account: str, owner: str) -> bool:
    """Whether there are any for a caller of this account and a resource of that one."""
    return account in _service or owner in _resource


def why_denied(asked: Asked) -> str:
    """How AWS words the denial by a control policy; "" where none denies.

    Source: troubleshoot_access-denied (the words), orgs_manage_policies_scps_evaluation.
    """
    if not limits(asked.account, asked.owner) or asked.action.lower() in _ALWAYS_ALLOWED:
        return ""
    service, resource = _service.get(asked.account), _resource.get(asked.owner)
    decision = evaluate(
        asked.principal,
        asked.action,
        asked.resource,
        asked.context,
        service_control_policies=service,
        resource_control_policies=resource,
        resource_account=asked.owner or None,
    )
    words = (_words(check.type, check.effect, asked.action) for check in decision.checks)
    return next(filter(None, words), "")


def _levels(levels: Any, kind: str) -> Levels:
    try:
        return tuple(tuple(parse(document, kind) for document in level) for level in levels)
    except InvalidPolicy as problem:
        raise ValueError(str(problem)) from problem


def _words(kind: str, effect: str, action: str) -> str:
    if kind not in _NAMES or effect not in (EXPLICIT_DENY, IMPLICIT_DENY):
        return ""
    if effect == EXPLICIT_DENY:
        return f"with an explicit deny in a {_NAMES[kind]}"
    return f"because no {_NAMES[kind]} allows the {action} action"
