"""Who is denied a resource, a role's session or a caller itself: its condition keys, its session policies."""

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.diagnosis.attempt import Attempt
from xacct_nb.diagnosis.denied_resource import own_policy, owner_of
from xacct_nb.diagnosis.known_keys import EVERY_OTHER_KEY
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.diagnosis.snapshot import SESSION_POLICY, Destination, Principal, SnapshotPolicy
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.iam.arns import Arn, is_arn, same_principal
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.weighing import EXPLICITLY_DENIED


@dataclass(frozen=True)
class RoleSession:
    """A session of the role, and the request that it was denied; `denied` is the caller in AWS's words.

    Of a caller that assumed no role, `role` is its own user or role, and `keys` are those of its request.
    """

    role: Principal
    attempt: Attempt
    holder: PolicyHolder
    destination: Destination
    denied: str
    now: str
    keys: Mapping[str, Any] | None = None

    @cached_property
    def arn(self) -> str:
        """The ARN of the session."""
        return session_arn(self.role.arn, self.attempt, self.denied)

    @property
    def is_direct(self) -> bool:
        """Whether the caller itself was denied the resource, without a role that it assumed."""
        return self.keys is not None

    @property
    def subject(self) -> str:
        """Who was denied, in words."""
        return "the caller" if self.is_direct else "the role"

    @property
    def account(self) -> str:
        """The role's account."""
        return Arn.parse(self.role.arn).account

    @property
    def knows_resource(self) -> bool:
        """Whether the denied resource is known; S3 and others may leave it out of their errors."""
        return is_arn(self.attempt.resource)

    @cached_property
    def owner(self) -> str:
        """The account of the resource; "" where it is not known."""
        return self._owner_of(self.holder.resource)

    @cached_property
    def own_policy(self) -> SnapshotPolicy | None:
        """The resource's own policy; None where it was not read."""
        return own_policy(self.holder.resource, self.destination.resource_policies)

    @property
    def may_be_enough_elsewhere(self) -> bool:
        """Whether the policy of the resource was not read, and could allow the caller by itself."""
        return self.is_direct and self.own_policy is None and self.owner in ("", self.account)

    @cached_property
    def policies(self) -> tuple[SnapshotPolicy, ...]:
        """The session policies."""
        return session_policies(self.attempt, self.destination.session_policies)

    @property
    def unread_policies(self) -> tuple[str, ...]:
        """The names of the session policies of which the document was not read."""
        return tuple(each.name for each in self.policies if each.document is None)

    def decision(self, action: str = "", resource: str = "") -> Decision | None:
        """Return what was read decides about the denied request, or another; None for an invalid policy."""
        holder, resource = self.holder, resource or self.holder.resource
        read = [each.document for each in self.policies if each.document]
        own = own_policy(resource, self.destination.resource_policies)
        owner = self._owner_of(resource)
        with suppress(InvalidInput, InvalidArn):
            return evaluate(
                self.arn,
                action or self.attempt.action,
                resource,
                self._keys,
                holder.documents,
                own.document if own else None,
                permissions_boundaries=holder.boundaries,
                session_policies=read if read or self.policies else None,
                resource_account=owner or self.account,
                unknown_keys=EVERY_OTHER_KEY,
            )
        return None

    @property
    def _keys(self) -> Mapping[str, Any]:
        return session_keys(self.role, self.arn, self.attempt, self.now) if self.keys is None else self.keys

    def _owner_of(self, resource: str) -> str:
        """Return the account of a resource; a bucket is in the account in which its policy was read."""
        side = self.destination
        return owner_of(resource, side.resource_policies, side.resource_account or self.account)

    def final_decision(self) -> Decision | None:
        """Return the decision; None as long as what was not read could change it."""
        found, holder = self.decision(), self.holder
        if found is None or found.result == EXPLICITLY_DENIED:
            return found
        is_unread = holder.incomplete or holder.has_unread_boundary or self.unread_policies
        return None if is_unread or not self.knows_resource else found


def session_arn(role: str, attempt: Attempt, denied: str) -> str:
    """Return the ARN of the session: the one that AWS denied if it is of this role, else one as requested."""
    is_caller = is_arn(denied) and any(kind in denied for kind in (":assumed-role/", ":user/"))
    if is_caller and same_principal(denied, role):
        return denied
    arn, name = Arn.parse(role), attempt.parameters.get("RoleSessionName") or "session"
    return f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/{name}"


def session_keys(role: Principal, session: str, attempt: Attempt, now: str) -> dict[str, Any]:
    """Return the condition keys of the session's request that are known; None for a key that is missing.

    A session of a role never has MFA. Its tags and the address are what only AWS sees.
    """
    tags = {
        f"aws:PrincipalTag/{each['Key']}": str(each["Value"]) for each in attempt.parameters.get("Tags", [])
    }
    identity, name = attempt.parameters.get("SourceIdentity"), Arn.parse(session).name
    keys: dict[str, Any] = {
        **({"aws:CurrentTime": now} if now else {}),
        "aws:SecureTransport": "true",
        "aws:PrincipalArn": role.arn,
        "aws:MultiFactorAuthPresent": None,
        **({"aws:userid": f"{role.id}:{name}"} if role.id else {}),
        **({"aws:SourceIdentity": str(identity)} if identity else {}),
    }
    return keys | tags


def session_policies(attempt: Attempt, read: Sequence[SnapshotPolicy]) -> tuple[SnapshotPolicy, ...]:
    """Return the session policies of the request, each without a document where that was not read.

    A Policy that is not JSON makes AssumeRole fail, so no session has it.
    """
    return tuple(_session_policies(attempt, {each.arn: each for each in read}))


def _session_policies(attempt: Attempt, read: dict[str, SnapshotPolicy]) -> Iterator[SnapshotPolicy]:
    text = attempt.parameters.get("Policy")
    if document := _as_document(text):
        yield SnapshotPolicy(name="Policy", kind=SESSION_POLICY, document=document)
    for arn in passed_policies(attempt):
        document = read[arn].document if arn in read else None
        yield SnapshotPolicy(name=arn.rpartition("/")[2], kind=SESSION_POLICY, arn=arn, document=document)


def passed_policies(attempt: Attempt) -> tuple[str, ...]:
    """Return the ARNs of the managed policies that the request passes as session policies."""
    passed = attempt.parameters.get("PolicyArns") or ()
    return tuple(str(each.get("arn", "") if isinstance(each, dict) else each) for each in passed)


def _as_document(text: object) -> dict[str, Any] | None:
    try:
        found = json.loads(text) if isinstance(text, str) and text else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
