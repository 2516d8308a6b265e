"""A case: one denial with all that is known of it, and what is decided on each side by itself."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.changes.revocation import REVOKED
from xacct_nb.diagnosis.attempt import ASSUME, Attempt, Tried
from xacct_nb.diagnosis.denial import Denial
from xacct_nb.diagnosis.snapshot import Caller, Policy, Snapshot, is_arn
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn, role_arn_of, same_principal
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.redaction.redact import restore_secrets

ALLOW_ALL = {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
_LET_IN = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"]}


@dataclass(frozen=True)
class Case:
    """What finders of causes look at; `caller` and `role` are ARNs, "" where nothing tells them."""

    snapshot: Snapshot
    attempt: Attempt
    denial: Denial
    tried: Tried | None = None

    @cached_property
    def caller(self) -> str:
        """Who really called, as far as AWS told; else who was meant."""
        seen = self.snapshot.caller.arn if self.snapshot.caller else ""
        told = "" if self.attempt.after else self.denial.caller
        return next((arn for arn in (told, seen, self.attempt.caller) if is_arn(arn)), "")

    @property
    def seen(self) -> Caller | None:
        """Who a session said it is, where that is who called; a text may tell of somebody else."""
        found = self.snapshot.caller
        return found if found and same_principal(found.arn, role_arn_of(self.caller)) else None

    @cached_property
    def principal(self) -> str:
        """The caller as a trust policy names it: the user, or the role with its path where that is known."""
        entity = self.snapshot.source.principal if self.snapshot.source else None
        plain = role_arn_of(self.caller) if self.caller else ""
        return entity.arn if entity and same_principal(entity.arn, plain) else plain

    @property
    def role(self) -> str:
        """The role that was called for."""
        return self.attempt.role if is_arn(self.attempt.role) else ""

    @property
    def is_chained(self) -> bool:
        """Whether the caller is itself a session of a role."""
        return ":assumed-role/" in self.caller

    @cached_property
    def known(self) -> bool:
        """Whether caller and role are both known, and can be decided on."""
        return bool(self.role) and self.caller.startswith("arn:")

    @cached_property
    def context(self) -> dict[str, Any]:
        """The condition keys of the call, as far as they follow from what is known."""
        source = self.snapshot.source
        entity = source.principal if source else None
        keys: dict[str, Any] = {"aws:CurrentTime": self.now, "aws:SecureTransport": "true"}
        if entity and same_principal(entity.arn, self.principal):
            keys |= {f"aws:PrincipalTag/{key}": value for key, value in entity.tags.items()}
            keys |= {"aws:userid": self._user_id(entity.id), "aws:PrincipalArn": entity.arn}
        elif self.seen:
            keys["aws:userid"] = self.seen.user_id
        return {key: value for key, value in (keys | self.attempt.context).items() if value}

    @property
    def now(self) -> str:
        """When this was: as the snapshot or the attempt says."""
        return self.snapshot.taken or (self.tried.at if self.tried else "")

    @cached_property
    def documents(self) -> Mapping[str, Policy]:
        """The policies of both sides by the name that the evaluator has for them."""
        source, destination = self.snapshot.source, self.snapshot.destination
        near = [each for each in source.policies if each.document] if source else []
        far = [each for each in destination.policies if each.document] if destination else []
        return {f"source[{n}]": each for n, each in enumerate(near)} | {
            f"destination[{n}]": each for n, each in enumerate(far)
        }

    def policies(self, side: str) -> list[Policy]:
        """The policies of a side (source, destination) with their documents."""
        return [each for name, each in self.documents.items() if name.startswith(side)]

    @cached_property
    def trust(self) -> dict[str, Any] | None:
        """The trust policy; a fingerprint in it is the external ID of the call where it is the same."""
        destination = self.snapshot.destination
        role = destination.role if destination else None
        return self._opened(role.trust) if role and role.trust else None

    def near(self, action: str = ASSUME) -> Decision | None:
        """What the source side alone decides, as if the role let the account in; None if unread."""
        source = self.snapshot.source
        if not (self.known and source and source.principal) or source.incomplete:
            return None
        identity = [self._opened(each.document) for each in self.policies("source")]
        bounds = _bounds(self._opened, source.principal.boundary)
        return self._decided(action, identity_policies=identity, permissions_boundaries=bounds)

    def far(self, action: str = ASSUME) -> Decision | None:
        """What the trust policy alone decides, as if the caller might do all; None if unread."""
        if not (self.known and self.trust):
            return None
        return self._decided(action, identity_policies=[ALLOW_ALL], resource_policy=self.trust)

    @cached_property
    def within(self) -> bool:
        """Whether caller and role are in one account, and the trust policy alone is enough for it."""
        if not (self.known and self.trust) or Arn.parse(self.caller).account != Arn.parse(self.role).account:
            return False
        found = self._decided(ASSUME, identity_policies=[], resource_policy=self.trust)
        return bool(found and found.allowed)

    def alone(self, document: Mapping[str, Any]) -> bool:
        """Whether an identity policy by itself would let the caller call."""
        found = self._decided(ASSUME, identity_policies=[self._opened(document)])
        return bool(found and found.allowed)

    def inside(self) -> Decision | None:
        """What the session of the role may do of what was denied; None where it is not read."""
        side = self.snapshot.destination
        if not (self.attempt.after and side and side.role) or side.incomplete:
            return None
        return _decide(
            principal=session_arn(side.role.arn, self.attempt),
            action=self.attempt.action,
            resource=self.attempt.resource or "*",
            context={"aws:CurrentTime": self.now, "aws:PrincipalArn": side.role.arn},
            identity_policies=[
                each.document for each in self.policies("destination") if each.name != REVOKED
            ],
            permissions_boundaries=_bounds(self._opened, side.role.boundary),
            session_policies=_passed(self.attempt),
            resource_policy=next(iter(side.resource_policies.values()), None),
            resource_account=Arn.parse(side.role.arn).account,
        )

    def _decided(self, action: str, **policies: Any) -> Decision | None:
        arn = Arn.parse(self.caller)
        account = {"AWS": f"arn:{arn.partition}:iam::{arn.account}:root"}
        trust = {"Version": VERSION, "Statement": [_LET_IN | {"Principal": account}]}
        asked = {"principal": self.caller, "action": action, "resource": self.role, "context": self.context}
        return _decide(**asked, **{"resource_policy": trust, **policies})

    def _user_id(self, entity: str) -> str:
        name = Arn.parse(self.caller).name if self.is_chained else ""
        return f"{entity}:{name}" if name else entity

    def _opened(self, document: Any) -> Any:
        return restore_secrets(document, {self.attempt.external_id} - {""})


def session_arn(role: str, attempt: Attempt) -> str:
    """The ARN of the role's session that the attempt makes."""
    arn, name = Arn.parse(role), attempt.parameters.get("RoleSessionName") or "session"
    return f"arn:{arn.partition}:sts::{arn.account}:assumed-role/{arn.name}/{name}"


def _bounds(opened: Callable[[Any], Any], boundary: Policy | None) -> list[Any] | None:
    return [opened(boundary.document)] if boundary and boundary.document else None


def _passed(attempt: Attempt) -> list[Any] | None:
    """The session policy of the call; what is no JSON is another cause's."""
    try:
        return [json.loads(attempt.parameters["Policy"])] if attempt.parameters.get("Policy") else None
    except ValueError:
        return None


def _decide(**asked: Any) -> Decision | None:
    """The decision, None where AWS would not take what is asked (an odd document or ARN)."""
    try:
        return evaluate(**asked)
    except (InvalidInput, InvalidArn):
        return None
