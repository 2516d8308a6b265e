"""The documents of a grant: the policies of both sides, as the article prints them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from xacct_nb.errors import OverQuota
from xacct_nb.grants.caller_statement import assume_actions, caller_statement, reached, unattached_note
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.expiry import expiry_condition
from xacct_nb.grants.grant import Grant, external_id
from xacct_nb.grants.naming import statement_ids
from xacct_nb.grants.packing import pack_stably
from xacct_nb.grants.pattern_trust import pattern_elements
from xacct_nb.grants.sources import is_role_pattern
from xacct_nb.grants.wider_forms import caller_proposals, trust_proposals, with_proposals
from xacct_nb.iam import quotas
from xacct_nb.iam.arns import Arn, is_account_id
from xacct_nb.redaction.redact import mask_secrets
from xacct_nb.views import Code, Page, Shown, SideBySide, Text, View, as_json

Policy = dict[str, Any]
VERSION = "2012-10-17"
SOURCE, DESTINATION = SIDES = ("source", "destination")


@dataclass(frozen=True, repr=False)
class Documents(Shown):
    """The policies of both sides, as plain dicts; with `side`, of that side alone.

    `caller_policies`: {ARN of the user, role or group: [policy]}; more than one policy where the
    destinations do not fit into one. `trust_policies` and `permissions_policies`: {role ARN: policy}. With
    `manage: trust`, a trust policy is the grant's statements alone, and there are no permissions policies.
    """

    grant: Grant
    caller_policies: Mapping[str, list[Policy]]
    trust_policies: Mapping[str, Policy]
    permissions_policies: Mapping[str, Policy]
    side: str = ""

    def of_side(self, side: str) -> "Documents":
        """Return the documents of one side: `source` or `destination`; "" is both."""
        source, destination = side != DESTINATION, side != SOURCE
        return replace(
            self,
            side=side,
            caller_policies=self.caller_policies if source else {},
            trust_policies=self.trust_policies if destination else {},
            permissions_policies=self.permissions_policies if destination else {},
        )

    def to_json(self) -> dict[str, Any]:
        """Return the grant and the policies, external IDs as fingerprints."""
        kinds = ("caller_policies", "trust_policies", "permissions_policies")
        return {"grant": self.grant.to_json()} | {kind: mask_secrets(getattr(self, kind)) for kind in kinds}

    def view(self) -> View:
        """Return the policies of the source account beside those of the destination account."""
        callers = [
            (f"Caller policy of {_short(arn)}", policy)
            for arn, many in self.caller_policies.items()
            for policy in many
        ]
        roles = [item for arn, trust in self.trust_policies.items() for item in self._of_role(arn, trust)]
        note = unattached_note(self.grant)
        source = _side("Source account", self.grant.source_accounts, callers, note)
        destination = _side("Destination account", self.grant.destination_accounts, roles)
        alone = {SOURCE: source, DESTINATION: destination}
        return alone[self.side] if self.side else SideBySide(source, destination)

    def _of_role(self, arn: str, trust: Policy) -> list[tuple[str, Policy]]:
        permissions = self.permissions_policies.get(arn)
        title = "Statement in the trust policy" if self.grant.trust_only else "Trust policy"
        shown = [(f"{title} of {_short(arn)}", trust)]
        return [*shown, (f"Permissions policy of {_short(arn)}", permissions)] if permissions else shown


def build(grant: Grant, side: str = "") -> Documents:
    """Return the policies of both sides, or of one; the source side needs no external ID.

    Source: the article on access to resources in another account, which prints the caller policy and the
    trust policy; IAM user guide on the external ID, session tags and source identity. Raises OverQuota,
    UnresolvedSecret.
    """
    roles = grant.destinations if side != SOURCE else ()
    return Documents(
        grant,
        caller_policies(grant) if side != DESTINATION else {},
        {role: trust_policy(grant, role) for role in roles},
        {role: permissions_policy(grant) for role in roles if grant.permissions and not grant.trust_only},
        side,
    )


def caller_policies(grant: Grant) -> dict[str, list[Policy]]:
    """Return the policies that let callers assume the roles, by the ARN that they are attached to.

    None where others let them: whole accounts, and with `caller_policy: none` users and roles, too.
    """
    return caller_policies_near(grant, {})


def trust_policy(grant: Grant, role: str) -> Policy:
    """Return the trust policy of a role; of one that others made, the grant's statements alone.

    Those that match a pattern have a statement of their own: no trust policy accepts a wildcard in part of a
    principal (reference_policies_elements_principal). Raises OverQuota with the wider forms that fit.
    """
    try:
        return _trust_document(grant, role)
    except OverQuota as problem:
        fits = partial(_fits, lambda wider: _trust_document(wider, role))
        raise with_proposals(problem, tuple(trust_proposals(grant, fits))) from None


def trust_forms(grant: Grant, role: str, limit: int) -> tuple[str, ...]:
    """Return the wider forms in which the trust policy has at most `limit` characters."""

    def fits(wider: Grant) -> bool:
        return _fits(lambda each: quotas.check_size(_trust_document(each, role), limit, role), wider)

    return tuple(trust_proposals(grant, fits))


def caller_forms(grant: Grant, entity: str, most: int) -> tuple[str, ...]:
    """Return the wider forms in which a user, role or group gets at most `most` caller policies."""

    def fits(wider: Grant) -> bool:
        return _fits(
            lambda each: quotas.check_count(_caller_documents(each, entity, ()), most, entity), wider
        )

    return tuple(caller_proposals(grant, fits))


def _trust_document(grant: Grant, role: str) -> Policy:
    named = [
        f"arn:{grant.partition}:iam::{source}:root" if is_account_id(source) else source
        for source in grant.sources
        if not is_role_pattern(source)
    ]
    if grant.self_assume:
        named = list(dict.fromkeys((*named, role)))
    parts = zip(statement_ids(grant), ((named, {}), pattern_elements(grant.role_patterns)), strict=True)
    document = _document(*(_trusting(grant, sid, *each) for sid, each in parts if each[0]))
    return quotas.check_size(document, quotas.TRUST_POLICY_MAX, "The trust policy")


def _trusting(grant: Grant, sid: str, trusted: list[str], compared: Mapping[str, Any]) -> dict[str, Any]:
    """Return the statement for these principals, under the grant's conditions and what else is compared."""
    conditions = {
        **compared,
        **trust_conditions(grant.conditions, external_id(grant)),
        **expiry_condition(grant.expires),
    }
    return {
        **({"Sid": sid} if grant.trust_only else {}),
        "Effect": "Allow",
        "Principal": {"AWS": one_or_many(trusted)},
        "Action": one_or_many(assume_actions(grant)),
        **({"Condition": conditions} if conditions else {}),
    }


def permissions_policy(grant: Grant) -> Policy:
    """Return the permissions policy that every role of the grant gets."""
    statements = [
        {"Effect": "Allow", "Action": list(each.actions), "Resource": list(each.resources)}
        for each in grant.permissions
    ]
    return quotas.check_size(_document(*statements), quotas.INLINE_TOTAL["role"], "The permissions policy")


def _document(*statements: dict[str, Any]) -> Policy:
    return {"Version": VERSION, "Statement": list(statements)}


def caller_policies_near(grant: Grant, live: Mapping[str, Sequence[Policy]]) -> dict[str, list[Policy]]:
    """Return the caller policies with each role in the policy that it stands in now, as far as it can be.

    `live` are the policies by the ARN that they are attached to, in the order of their numbers. So a role
    more or less changes one policy. Raises OverQuota.
    """
    if grant.caller_policy == "none":
        return {}
    entities = [grant.attach_to] if grant.attach_to else grant.principals
    return {arn: _packed(grant, arn, live.get(arn, ())) for arn in entities}


def _packed(grant: Grant, entity: str, live: Sequence[Policy]) -> list[Policy]:
    try:
        return _caller_documents(grant, entity, live)
    except OverQuota as problem:
        fits = partial(_fits, lambda wider: _caller_documents(wider, entity, ()))
        raise with_proposals(problem, tuple(caller_proposals(grant, fits))) from None


def _caller_documents(grant: Grant, entity: str, live: Sequence[Policy]) -> list[Policy]:
    kind = Arn.parse(entity).kind
    # The quota of inline policies is for all of them together, so a second one would not help.
    limit, most = quotas.INLINE_TOTAL[kind], 1
    if grant.caller_policy == "managed":
        limit, most = quotas.MANAGED_POLICY, quotas.ATTACHED_MAX[kind]

    def policy(roles: list[str]) -> Policy:
        return _document(caller_statement(grant, roles))

    packed = pack_stably(reached(grant), [_roles_in(each) for each in live], policy, limit)
    policies = [quotas.check_size(policy(roles), limit, "A caller policy") for roles in packed]
    return quotas.check_count(policies, most, entity)


def _fits(make: Callable[[Grant], object], grant: Grant) -> bool:
    """Return whether documents of a grant can be made."""
    try:
        make(grant)
    except OverQuota:
        return False
    return True


def _roles_in(policy: Policy) -> list[str]:
    """Return the roles that a caller policy names, none where somebody gave it another form."""
    statements = policy.get("Statement")
    only = statements[0] if isinstance(statements, list) and len(statements) == 1 else statements
    named = only.get("Resource", []) if isinstance(only, Mapping) else []
    return [named] if isinstance(named, str) else [each for each in named if isinstance(each, str)]


def trust_conditions(when: Conditions, external: str) -> dict[str, Any]:
    """Return the Condition of the trust policy, with this external ID; an empty one for no conditions."""
    name = when.role_session_name
    rows: Iterable[tuple[str, str, Any]] = (
        ("StringEquals", "sts:ExternalId", external),
        ("Bool", "aws:MultiFactorAuthPresent", "true" if when.require_mfa else ""),
        ("StringEquals", "aws:PrincipalOrgID", when.organization_id),
        ("IpAddress", "aws:SourceIp", list(when.source_ips)),
        ("StringLike" if {"*", "?"} & set(name) else "StringEquals", "sts:RoleSessionName", name),
        ("StringEquals", "sts:SourceIdentity", when.source_identity),
        *(("StringEquals", f"aws:RequestTag/{key}", value) for key, value in when.session_tags.items()),
    )
    conditions: dict[str, Any] = {}
    for operator, key, value in rows:
        if value:
            conditions.setdefault(operator, {})[key] = value
    return conditions


def one_or_many(values: Sequence[str]) -> str | list[str]:
    """Return a single value as it is, several as a list: AWS shows a policy's elements so."""
    return values[0] if len(values) == 1 else list(values)


def _side(name: str, accounts: tuple[str, ...], policies: list[tuple[str, Policy]], note: str = "") -> View:
    blocks = tuple(Code(title, as_json(mask_secrets(policy))) for title, policy in policies)
    notes = (Text(note, "note"),) if note else ()
    return Page(f"{name} {', '.join(accounts)}", (*blocks, *notes))


def _short(arn: str) -> str:
    return Arn.parse(arn).resource
