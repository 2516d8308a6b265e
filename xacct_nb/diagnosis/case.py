"""A case: one denial with all that is known of it, and what each side alone decides."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.attempt import ASSUME, SET_SOURCE_IDENTITY, TAG_SESSION, Attempt, AttemptResult
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.diagnosis.snapshot import (
    TRUST,
    CallerIdentity,
    Destination,
    Snapshot,
    SnapshotPolicy,
    Source,
    is_arn,
)
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn, role_arn_of, same_principal
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.redaction.redact import restore_secrets

ALLOW_ALL = {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# Actions that AssumeRole needs besides its own, with the code of the cause where one is not allowed.
EXTRA_ACTIONS = {TAG_SESSION: "no-tag-session", SET_SOURCE_IDENTITY: "no-set-source-identity"}


@dataclass(frozen=True)
class PolicyHolder:
    """A user or role with its policies, in the order of the evaluation, and the request that they must allow.

    `new_policy` is the name of a policy that would allow it.
    """

    arn: str
    new_policy: str
    actions: tuple[str, ...]
    resource: str
    policies: Sequence[SnapshotPolicy]
    boundary: SnapshotPolicy | None


@dataclass(frozen=True)
class Case:
    """What the finders of causes examine; `caller` and `role` are ARNs, "" where they are unknown."""

    snapshot: Snapshot
    attempt: Attempt
    denial: Denial
    result: AttemptResult | None = None

    @cached_property
    def caller(self) -> str:
        """The principal that made the request: by the error text, else by its session, else as intended."""
        denied = "" if self.attempt.role_was_assumed else self.denial.caller
        session = self.snapshot.caller.arn if self.snapshot.caller else ""
        return next((arn for arn in (denied, session, self.attempt.caller) if is_arn(arn)), "")

    @property
    def caller_identity(self) -> CallerIdentity | None:
        """The identity of the session, if that is the caller; an error text may name another one."""
        found = self.snapshot.caller
        return found if found and same_principal(found.arn, role_arn_of(self.caller)) else None

    @cached_property
    def principal(self) -> str:
        """The caller as a trust policy names it: the user, or the role, with its path if that is known."""
        entity, plain = self.source.principal, role_arn_of(self.caller) if self.caller else ""
        return entity.arn if entity and same_principal(entity.arn, plain) else plain

    @property
    def source(self) -> Source:
        """The source side, empty if it was not read."""
        return self.snapshot.source or Source()

    @property
    def destination(self) -> Destination:
        """The destination side, empty if it was not read."""
        return self.snapshot.destination or Destination()

    @property
    def role(self) -> str:
        """The ARN of the role to assume."""
        return self.attempt.role if is_arn(self.attempt.role) else ""

    @property
    def is_chained(self) -> bool:
        """Whether the caller is itself a session of a role."""
        return ":assumed-role/" in self.caller

    @cached_property
    def has_both_arns(self) -> bool:
        """Whether caller and role are both known, so that their policies can be evaluated."""
        return bool(self.role) and self.caller.startswith("arn:")

    @cached_property
    def context(self) -> dict[str, Any]:
        """The condition keys of the request that follow from what is known."""
        entity = self.source.principal
        keys: dict[str, Any] = {"aws:CurrentTime": self.now, "aws:SecureTransport": "true"}
        if entity and same_principal(entity.arn, self.principal):
            keys |= {f"aws:PrincipalTag/{key}": value for key, value in entity.tags.items()}
            session = f":{Arn.parse(self.caller).name}" if self.is_chained else ""
            keys |= {"aws:userid": f"{entity.id}{session}", "aws:PrincipalArn": entity.arn}
        elif self.caller_identity:
            keys["aws:userid"] = self.caller_identity.user_id
        return {key: value for key, value in (keys | self.attempt.context).items() if value}

    @property
    def now(self) -> str:
        """The time of the snapshot, else of the attempt."""
        return self.snapshot.taken or (self.result.at if self.result else "")

    @cached_property
    def caller_policies(self) -> PolicyHolder:
        """The caller with its policies and boundary, as far as they were read."""
        read = [each for each in self.source.policies if each.document]
        boundary = self.source.principal.boundary if self.source.principal else None
        name = f"assume-{Arn.parse(self.role).name}"
        return PolicyHolder(self.principal, name, self.attempt.actions, self.role, read, boundary)

    @cached_property
    def role_policies(self) -> PolicyHolder:
        """The role with its policies and boundary, as far as they were read, without its revocations."""
        read = [each for each in self.destination.policies if each.document and each.name != REVOKED]
        boundary = self.destination.role.boundary if self.destination.role else None
        action, resource = self.attempt.action, self.attempt.resource or "*"
        name = f"allow-{action.partition(':')[2].lower()}"
        return PolicyHolder(self.role, name, (action,), resource, read, boundary)

    @cached_property
    def trust_policy(self) -> SnapshotPolicy | None:
        """The trust policy, with the request's external ID in place of its fingerprint."""
        document = self.destination.role.trust if self.destination.role else None
        if not document:
            return None
        return SnapshotPolicy(name="trust", kind=TRUST, holder=self.role, document=self._unshielded(document))

    def source_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the source side decides, as if the role trusted the account; None if unread."""
        if not (self.has_both_arns and self.source.principal) or self.source.incomplete:
            return None
        return self._decide(action, **self._checked(self.caller_policies))

    def trust_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the trust policy decides, as if the caller were allowed everything; None if unread."""
        return self._decide_trust(action, ALLOW_ALL)

    @cached_property
    def needs_no_source_policy(self) -> bool:
        """Whether caller and role are in one account, and the trust policy alone allows the request."""
        if not self.has_both_arns or Arn.parse(self.caller).account != Arn.parse(self.role).account:
            return False
        found = self._decide_trust(ASSUME)
        return bool(found and found.allowed)

    def would_be_allowed_by(self, document: Mapping[str, Any]) -> bool:
        """Return whether an identity policy by itself would allow the request."""
        found = self._decide(ASSUME, identity_policies=[self._unshielded(document)])
        return bool(found and found.allowed)

    def session_decision(self) -> Decision | None:
        """Return what the role's session is allowed of the denied request; None if it was not read."""
        role = self.destination.role
        if not (self.attempt.role_was_assumed and role) or self.destination.incomplete:
            return None
        return _evaluate(
            principal=_session_arn(role.arn, self.attempt),
            action=self.attempt.action,
            resource=self.role_policies.resource,
            context={"aws:CurrentTime": self.now, "aws:PrincipalArn": role.arn},
            session_policies=_session_policies(self.attempt),
            resource_policy=next(iter(self.destination.resource_policies.values()), None),
            resource_account=Arn.parse(role.arn).account,
            **self._checked(self.role_policies),
        )

    def _checked(self, holder: PolicyHolder) -> dict[str, Any]:
        """Return the policies of a holder as arguments of the evaluation."""
        boundary = holder.boundary.document if holder.boundary else None
        return {
            "identity_policies": [self._unshielded(each.document) for each in holder.policies],
            "permissions_boundaries": [self._unshielded(boundary)] if boundary else None,
        }

    def _decide_trust(self, action: str, *identity_policies: Mapping[str, Any]) -> Decision | None:
        if not (self.has_both_arns and self.trust_policy):
            return None
        documents = {"identity_policies": identity_policies, "resource_policy": self.trust_policy.document}
        return self._decide(action, **documents)

    def _decide(self, action: str, **policies: Any) -> Decision | None:
        """Evaluate AssumeRole; unless `policies` has another trust policy, the role trusts the account."""
        arn = Arn.parse(self.caller)
        account = {"AWS": f"arn:{arn.partition}:iam::{arn.account}:root"}
        statement = {"Effect": "Allow", "Principal": account, "Action": [ASSUME, *EXTRA_ACTIONS]}
        trust = {"Version": VERSION, "Statement": [statement]}
        request = {"principal": self.caller, "action": action, "resource": self.role, "context": self.context}
        return _evaluate(**request, **{"resource_policy": trust, **policies})

    def _unshielded(self, document: Any) -> Any:
        return restore_secrets(document, {self.attempt.external_id} - {""})


def _session_arn(role: str, attempt: Attempt) -> str:
    """Return the ARN of the role's session that the attempt starts."""
    arn, name = Arn.parse(role), attempt.parameters.get("RoleSessionName") or "session"
    return f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/{name}"


def _session_policies(attempt: Attempt) -> list[Any] | None:
    """Return the session policy of the request; None for none and for one that is not JSON."""
    try:
        return [json.loads(attempt.parameters["Policy"])] if attempt.parameters.get("Policy") else None
    except ValueError:
        return None


def _evaluate(**request: Any) -> Decision | None:
    """Return the decision, None where AWS would reject the request (an invalid document or ARN)."""
    try:
        return evaluate(**request)
    except (InvalidInput, InvalidArn):
        return None
