"""Rules on roles of others, of whose trust policy a grant owns one statement (`manage: trust`)."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.errors import InvalidArn, InvalidInput, InvalidPolicy
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.grant import account_of, external_id, is_whole_account
from xacct_nb.grants.live_principal import LivePrincipal
from xacct_nb.grants.naming import statement_ids
from xacct_nb.grants.own_statement import merged_trust, other_statements
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.grants.state import ResourceKey, State
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import NEW
from xacct_nb.linting.after_plan import missing_permissions
from xacct_nb.linting.managers import managers
from xacct_nb.linting.rules.grant import GrantCase
from xacct_nb.linting.rules.rule import NOTE, WARNING, Hit, Rule

_ASSUME = "sts:AssumeRole"
_WILDCARDS = re.compile(r"[*?]")
_ALL = {"Version": NEW, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# By the field of the conditions: how a call misses it, and the keys of such a call.
_MISSED: dict[str, tuple[str, Mapping[str, Any]]] = {
    "external_id": ("without the external ID", {"sts:ExternalId": None}),
    "require_mfa": ("without MFA", {"aws:MultiFactorAuthPresent": None}),
    "organization_id": ("from another organization", {"aws:PrincipalOrgID": "o-stranger00"}),
    "source_ips": ("from other addresses", {"aws:SourceIp": "198.51.100.77"}),
    "role_session_name": ("under another session name", {"sts:RoleSessionName": "another-name"}),
    "source_identity": ("without the source identity", {"sts:SourceIdentity": None}),
    "session_tags": ("without the session tags", {}),
}


def _roles(case: GrantCase) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the roles of others that were read, each with its value."""
    state = case.state or State({})
    for role in case.documents.trust_policies if case.documents.grant.trust_only else ():
        if live := state.role(role):
            yield role, live


def _bypassed(case: GrantCase) -> Iterator[Hit]:
    """Find conditions that callers need not meet, because another statement lets them in without."""
    grant, when = case.documents.grant, case.documents.grant.conditions
    for role, live in _roles(case):
        rest = other_statements(live["trust"], *statement_ids(grant))
        for name, (how, keys) in _MISSED.items():
            missed = {**_keys(when, external_id(grant)), **(keys or _without_tags(when))}
            callers = grant.sources if _is_set(when, name) else ()
            if let_in := [each for each in callers if _allowed(_decided(each, role, rest, missed))]:
                yield f"trust policy of {Arn.parse(role).resource}", f"{summarize(let_in)}|{how}"


def _is_set(when: Conditions, name: str) -> bool:
    return bool(when.external_id.get_secret_value() if name == "external_id" else getattr(when, name))


def _already_trusted(case: GrantCase) -> Iterator[Hit]:
    grant = case.documents.grant
    keys = _keys(grant.conditions, external_id(grant))
    for role, live in _roles(case):
        rest = other_statements(live["trust"], *statement_ids(grant))
        if let_in := [each for each in grant.sources if _allowed(_decided(each, role, rest, keys))]:
            yield f"trust policy of {Arn.parse(role).resource}", summarize(let_in)


def _denied(case: GrantCase) -> Iterator[Hit]:
    grant, state = case.documents.grant, case.state or State({})
    keys = _keys(grant.conditions, external_id(grant))
    for role, _ in _roles(case):
        trust = merged_trust(case.documents, state, role)
        decisions = {each: _decided(each, role, trust, keys) for each in grant.sources}
        if denied := [each for each, it in decisions.items() if it and it.result == "ExplicitlyDenied"]:
            yield f"trust policy of {Arn.parse(role).resource}", summarize(denied)


def _managed(case: GrantCase) -> Iterator[Hit]:
    state = case.state or State({})
    for role, live in _roles(case):
        read = state.details.get(ResourceKey("principal", role))
        template = read.template if isinstance(read, LivePrincipal) else ""
        if found := managers(role, live["tags"], template):
            yield Arn.parse(role).resource, " and ".join(found)


def _not_allowed(case: GrantCase) -> Iterator[Hit]:
    missing: dict[str, list[str]] = {}
    for role, action, resource in missing_permissions(case.documents, case.state or State({})):
        missing.setdefault(role, []).append(f"{action} on {resource}")
    for role, calls in missing.items():
        yield Arn.parse(role).resource, summarize(calls)


def _shorter(case: GrantCase) -> Iterator[Hit]:
    wanted = case.documents.grant.session_minutes
    for role, live in _roles(case):
        if live["session_seconds"] < wanted * 60:
            yield f"session_minutes: {wanted}", f"{Arn.parse(role).resource}|{live['session_seconds'] // 60}"


def _old_version(case: GrantCase) -> Iterator[Hit]:
    name = case.documents.grant.conditions.role_session_name
    for role, live in _roles(case):
        if "${" in name and live["trust"].get("Version") != NEW:
            yield "conditions.role_session_name", f"{name}|{Arn.parse(role).resource}"


def _decided(source: str, role: str, trust: Any, keys: Mapping[str, Any]) -> Decision | None:
    """Return what a trust policy decides for a caller whose own side allows it; None if AWS refuses it."""
    named = Arn.parse(role)
    caller, context = source, dict(keys)
    if is_role_pattern(source):
        source = _WILDCARDS.sub("x", source)  # one of the roles that match
    if is_whole_account(source):
        caller = f"arn:{named.partition}:iam::{account_of(source)}:user/somebody"
    elif ":role/" in source:
        name = Arn.parse(source).name
        caller = f"arn:{named.partition}:sts::{account_of(source)}:assumed-role/{name}/session"
        context["aws:PrincipalArn"] = source
    try:
        return evaluate(caller, _ASSUME, role, context, [_ALL], trust, unknown_keys=("*",))
    except (InvalidPolicy, InvalidInput, InvalidArn):
        return None


def _allowed(decision: Decision | None) -> bool:
    return decision is not None and decision.allowed


def _keys(when: Conditions, external: str) -> dict[str, Any]:
    """Return the condition keys of a call that meets the grant's conditions, as far as the grant says."""
    rows: tuple[tuple[str, Any], ...] = (
        ("sts:ExternalId", external or None),
        ("aws:MultiFactorAuthPresent", "true" if when.require_mfa else ""),
        ("aws:PrincipalOrgID", when.organization_id),
        ("sts:SourceIdentity", when.source_identity or None),
        *((f"aws:RequestTag/{key}", value) for key, value in when.session_tags.items()),
    )
    return {key: value for key, value in rows if value != ""}


def _without_tags(when: Conditions) -> dict[str, Any]:
    return {f"aws:RequestTag/{key}": None for key in when.session_tags}


OTHERS_RULES = (
    Rule("condition-bypassed", WARNING, _bypassed,
        why="Another statement lets {it} in {more}: the grant's condition does not hold for them.",
        mend="Ask the role's owner to narrow that statement; until then the proof will fail."),
    Rule("denied-by-owner", WARNING, _denied,
        why="A Deny in the trust policy keeps {it} out, whatever the grant's statement allows.",
        mend="Ask the role's owner to exempt them."),
    Rule("trust-managed-elsewhere", WARNING, _managed,
        why="It is managed by {it}, which may take the grant's statement out again.",
        mend="Tell its owner, or let them add the statement there."),
    Rule("not-allowed-by-owner", WARNING, _not_allowed,
        why="No policy of the role allows {it}, and the grant writes none.",
        mend="Ask the role's owner for these permissions, or correct the grant."),
    Rule("shorter-session", WARNING, _shorter,
        why="{it} gives sessions of {more} minutes at most, and its owner decides that.",
        mend="Lower session_minutes, or ask the owner to raise it."),
    Rule("variable-in-old-policy", WARNING, _old_version,
        why="The trust policy of {more} has a version that takes {it} as plain text.",
        mend="Ask the owner to set the Version 2012-10-17, or write the session name itself."),
    Rule("already-trusted", NOTE, _already_trusted,
        why="Another statement lets {it} in already: a rollback does not end that access.",
        mend="Use what the owner has given, or ask them to remove it."),
)  # fmt: skip
