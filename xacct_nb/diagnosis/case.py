"""A case: one denial with all that was read of it, and what each side decides."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.assume_request import AssumeRequest
from xacct_nb.diagnosis.attempt import ASSUME, Attempt, AttemptResult, is_masked
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.diagnosis.known_keys import direct_keys, is_of_role, known_keys, without_missing_parameters
from xacct_nb.diagnosis.near_names import near_names
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.diagnosis.role_session import RoleSession
from xacct_nb.diagnosis.snapshot import (
    TRUST,
    CallerIdentity,
    Destination,
    Principal,
    Snapshot,
    SnapshotPolicy,
    Source,
)
from xacct_nb.iam.arns import Arn, is_arn, role_arn_of, same_principal
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.grammar import Document

NOTHING_GIVEN = Attempt()


@dataclass(frozen=True)
class Case:
    """What the finders of causes examine; `caller` and `role` are ARNs, "" where they are unknown.

    `given` is the attempt as a person gave it, before AWS's words took precedence.
    """

    snapshot: Snapshot
    attempt: Attempt
    denial: Denial
    result: AttemptResult | None = None
    given: Attempt = NOTHING_GIVEN

    @cached_property
    def caller(self) -> str:
        """The principal that made the request: by the error text, else by its session, else as intended."""
        is_of_session = self.attempt.role_was_assumed and not self.attempt.is_direct
        is_useless = is_of_session or is_masked(self.denial.caller)
        denied = "" if is_useless else self.denial.caller
        session = self.snapshot.caller.arn if self.snapshot.caller else ""
        return next((arn for arn in (denied, session, self.attempt.caller) if is_arn(arn)), "")

    @property
    def caller_identity(self) -> CallerIdentity | None:
        """The identity of the session, if that is the caller; an error text may name another one."""
        found = self.snapshot.caller
        return found if found and same_principal(found.arn, role_arn_of(self.caller)) else None

    @cached_property
    def principal(self) -> str:
        """The caller as a trust policy names it: the user, or the role, with its path if that was read."""
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
        """Whether the caller is itself a session of a role; a role has no other way to call."""
        return is_of_role(self.caller)

    @property
    def is_direct(self) -> bool:
        """Whether the caller itself was denied a resource; a text without a caller may be of a session."""
        is_named = is_arn(self.attempt.caller) or not self.denial.text
        return self.attempt.is_direct and is_named and bool(self.caller)

    @cached_property
    def has_both_arns(self) -> bool:
        """Whether caller and role are both known, so that their policies can be evaluated."""
        return bool(self.role) and self.caller.startswith("arn:")

    @property
    def names_role(self) -> bool:
        """Whether the ARN in the request is that of a role: STS refuses another one before any policy."""
        return (
            bool(self.role) and Arn.parse(self.role).kind == "role" and Arn.parse(self.role).service == "iam"
        )

    @property
    def role_is_missing(self) -> bool:
        """Whether the destination was read, and has no role of this ARN."""
        side = self.snapshot.destination
        return side is not None and bool(self.role) and (side.role is None or side.role.arn != self.role)

    @property
    def lacks_reserved_path(self) -> bool:
        """Whether the caller is a permission set's role whose path was not read: it always has one."""
        name = Arn.parse(self.principal).name if self.principal else ""
        return name.startswith("AWSReservedSSO_") and "/aws-reserved/" not in self.principal

    @property
    def caller_is_missing(self) -> bool:
        """Whether the source account was read, and has no user or role of the caller's name."""
        return bool(self.source.missing) and same_principal(self.source.missing, self.principal)

    def for_role(self, role: str) -> "Case":
        """Return the case of the same request for another role."""
        return replace(self, attempt=self.attempt.model_copy(update={"role": role}))

    @cached_property
    def similar_roles(self) -> tuple[str, ...]:
        """The roles of the destination account whose ARN resembles the one in the request, nearest first."""
        found = self.destination
        known = (*((found.role.arn,) if found.role else ()), *found.others)
        return near_names(self.role, known) if self.role else ()

    @cached_property
    def is_other_role_allowed(self) -> bool:
        """Whether the caller may assume a role that exists and resembles the one in the request."""
        found = (self.for_role(each).source_as_read() for each in self.similar_roles)
        return any(each and each.allowed for each in found)

    @cached_property
    def entity(self) -> Principal | None:
        """The caller's user or role as it was read; None if it was not."""
        found = self.source.principal
        return found if found and same_principal(found.arn, self.principal) else None

    @cached_property
    def context(self) -> dict[str, Any]:
        """The condition keys of AssumeRole that follow from what was read; None for a missing one."""
        role = self.destination.role if self.snapshot.destination else None
        found = known_keys(
            self.attempt,
            self.caller,
            self.now,
            entity=self.entity,
            identity=self.caller_identity,
            role=role,
            documents=tuple(self._documents()),
            knows_parameters=self.knows_parameters,
        )
        return found if self._knows_parameters else without_missing_parameters(found)

    @property
    def _knows_parameters(self) -> bool:
        """Whether the parameters of the request are known: of somebody else's error text they are not."""
        is_own = self.result is not None or self.snapshot.caller is not None
        return is_own or bool(self.attempt.parameters) or not self.denial.text

    @property
    def knows_parameters(self) -> bool:
        """Whether the parameters of the request are known: a bare error text does not have them."""
        return bool(self.attempt.parameters or self.result or not self.denial.text)

    @property
    def is_allowed_now(self) -> bool:
        """Whether AWS allowed this very request when it was repeated: its own answer outranks all reading."""
        if not (self.result and self.result.allowed) or self.attempt.role_was_assumed:
            return False
        action, intended = self.denial.action.lower(), self.attempt.caller
        is_same = not intended or same_principal(self.caller, role_arn_of(intended))
        # A user's session carries no tags: those of the denied request are not in the one that was repeated.
        is_whole = self.is_chained or not self.attempt.is_carried
        return is_same and is_whole and (not action or action in map(str.lower, self.attempt.actions))

    @property
    def now(self) -> str:
        """The time of the snapshot, else of the attempt."""
        return self.snapshot.taken or (self.result.at if self.result else "")

    @cached_property
    def caller_policies(self) -> PolicyHolder:
        """The caller with its policies and boundary, as far as they were read."""
        boundary = self.source.principal.boundary if self.source.principal else None
        if self.is_direct:
            return self._holder(self.principal, self.source.policies, boundary, self.source.incomplete)
        read = [each for each in self.source.policies if each.document]
        name = f"assume-{Arn.parse(self.role).name if self.role else 'role'}"
        incomplete = self.source.incomplete
        return PolicyHolder(self.principal, name, self.attempt.actions, self.role, read, boundary, incomplete)

    @cached_property
    def role_policies(self) -> PolicyHolder:
        """The role with its policies and boundary, as far as they were read, without its revocations."""
        boundary = self.destination.role.boundary if self.destination.role else None
        return self._holder(self.role, self.destination.policies, boundary, self.destination.incomplete)

    def _holder(
        self, arn: str, policies: Sequence[SnapshotPolicy], boundary: SnapshotPolicy | None, incomplete: str
    ) -> PolicyHolder:
        """Return who was denied an action on a resource, without the policies that revoke its sessions."""
        read = [each for each in policies if each.document and each.name != REVOKED]
        action, resource = self.attempt.action, self.attempt.resource
        resource = resource if is_arn(resource) else "*"
        name = f"allow-{action.partition(':')[2].lower()}"
        return PolicyHolder(arn, name, (action,), resource, read, boundary, incomplete)

    @property
    def holder(self) -> PolicyHolder:
        """Who makes the denied request: the caller, or the role once it was assumed."""
        is_of_session = self.attempt.role_was_assumed and not self.is_direct
        return self.role_policies if is_of_session else self.caller_policies

    @cached_property
    def trust_policy(self) -> SnapshotPolicy | None:
        """The trust policy, None if it was not read."""
        document = self.destination.role.trust if self.destination.role else None
        trust = SnapshotPolicy(name="trust", kind=TRUST, holder=self.role, document=document)
        return trust if document else None

    @cached_property
    def request(self) -> AssumeRequest | None:
        """The request of AssumeRole and its decisions; None as long as caller or role is unknown."""
        if not self.has_both_arns:
            return None
        trust = self.trust_policy.document if self.trust_policy else None
        return AssumeRequest(self.caller, self.role, self.context, self.caller_policies, trust)

    def source_as_read(self, action: str = ASSUME) -> Decision | None:
        """Return what those of the caller's policies decide that were read; None if the caller was not."""
        return self.request.source_as_read(action) if self.request and self.source.principal else None

    def source_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the source side decides; None as long as an unread document could change it."""
        return self.request.source_decision(action) if self.request and self.source.principal else None

    def trust_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the trust policy decides, as if the caller were allowed everything; None if unread."""
        return self.request.trust_decision(action) if self.request else None

    @property
    def needs_no_source_policy(self) -> bool:
        """Whether caller and role are in one account, and the trust policy names the caller itself."""
        return bool(self.request and self.request.needs_no_source_policy)

    @property
    def source_must_allow(self) -> bool | None:
        """Whether an identity policy must allow the request; None where an unread trust policy decides."""
        return self.request.source_must_allow if self.request else True

    def would_be_allowed_by(self, document: Document) -> bool:
        """Return whether an identity policy by itself would allow the request."""
        return bool(self.request and self.request.would_be_allowed_by(document))

    @cached_property
    def session(self) -> RoleSession | None:
        """Who was denied the resource, a role's session or the caller itself; None if that was not read."""
        if self.is_direct:
            return self._direct_session()
        role = self.destination.role
        if not (self.attempt.role_was_assumed and role and same_principal(role.arn, self.role)):
            return None
        return RoleSession(
            role, self.attempt, self.role_policies, self.destination, self.denial.caller, self.now
        )

    def _direct_session(self) -> RoleSession | None:
        """Return the caller that was denied a resource, with the keys of its request that are known."""
        if self.entity is None:
            return None
        read = self.destination.resource_policies
        documents = (*self._documents(), *(each for each in read.values() if each))
        attempt = self.attempt.model_copy(update={"parameters": {}})
        keys = direct_keys(attempt, self.caller, self.now, self.entity, self.caller_identity, documents)
        return RoleSession(
            self.entity, attempt, self.caller_policies, self.destination, self.caller, self.now, keys
        )

    def session_decision(self) -> Decision | None:
        """Return what the session is allowed; None as long as what was not read could change it."""
        return self.session.final_decision() if self.session else None

    def _documents(self) -> Iterator[Document]:
        """Yield the documents that a decision about AssumeRole rests on."""
        yield from (*self.caller_policies.documents, *(self.caller_policies.boundaries or ()))
        if self.trust_policy and self.trust_policy.document:
            yield self.trust_policy.document
