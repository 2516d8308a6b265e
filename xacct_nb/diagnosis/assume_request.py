"""A request of AssumeRole, and what each side decides about it from the documents that were read."""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from xacct_nb.diagnosis.attempt import ASSUME, SET_SOURCE_IDENTITY, TAG_SESSION
from xacct_nb.diagnosis.known_keys import EVERY_OTHER_KEY
from xacct_nb.diagnosis.policy_holder import PolicyHolder
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn
from xacct_nb.iam.canonical import statements_of
from xacct_nb.iam.decision import Decision
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.grammar import Document
from xacct_nb.iam.weighing import EXPLICITLY_DENIED

ALLOW_ALL = {"Version": VERSION, "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]}
# Actions that AssumeRole needs besides its own, with the code of the cause where one is not allowed.
EXTRA_ACTIONS = {TAG_SESSION: "no-tag-session", SET_SOURCE_IDENTITY: "no-set-source-identity"}


@dataclass(frozen=True)
class AssumeRequest:
    """A caller that assumes a role: the known condition keys, the caller's policies, the trust policy.

    `trust` is None where it was not read. A key that is not in `keys` is one that only AWS sees.
    """

    caller: str
    role: str
    keys: Mapping[str, Any]
    holder: PolicyHolder
    trust: Document | None

    def problem(self) -> str:
        """Return why one of the documents cannot be evaluated; "" if all can."""
        try:
            self._evaluate(ASSUME, self.holder.documents, self.trust, self.holder.boundaries)
        except (InvalidInput, InvalidArn) as problem:
            return problem.what
        return ""

    def source_as_read(self, action: str = ASSUME) -> Decision | None:
        """Return what those of the caller's policies decide that were read; None for an invalid document.

        The role trusts the account, unless it is in the same one and its trust policy names the caller.
        """
        trust = self._open_trust if self.needs_no_source_policy else None
        return self._decide(action, self.holder.documents, trust, self.holder.boundaries)

    def source_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the source side decides; None as long as a document that was not read could change it.

        An explicit deny stays one whatever else there is.
        """
        found, holder = self.source_as_read(action), self.holder
        if found is None or found.result == EXPLICITLY_DENIED:
            return found
        is_final = not holder.incomplete and (not found.allowed or not holder.has_unread_boundary)
        return found if is_final else None

    def trust_decision(self, action: str = ASSUME) -> Decision | None:
        """Return what the trust policy decides, as if the caller were allowed everything; None if unread."""
        return self._decide(action, [ALLOW_ALL], self.trust) if self.trust else None

    @cached_property
    def needs_no_source_policy(self) -> bool:
        """Whether caller and role are in one account, and the trust policy names the caller itself.

        That is so whether its conditions are met or not.
        """
        return self._is_within_one_account and self._is_trusted([])

    @cached_property
    def source_must_allow(self) -> bool | None:
        """Whether an identity policy must allow the request; None where that hangs on an unread trust policy.

        In one account it need not where the trust policy names the caller, or does not match it at all.
        """
        if not self._is_within_one_account:
            return True
        if self.trust is None:
            return None
        return self._is_trusted([ALLOW_ALL]) and not self.needs_no_source_policy

    def would_be_allowed_by(self, document: Document) -> bool:
        """Return whether an identity policy by itself would allow the request."""
        found = self._decide(ASSUME, [document])
        return bool(found and found.allowed)

    @property
    def _is_within_one_account(self) -> bool:
        return Arn.parse(self.caller).account == Arn.parse(self.role).account

    @cached_property
    def _open_trust(self) -> Document | None:
        """The Allow statements of the trust policy without their conditions; None where there are none."""
        statements = [each for each in statements_of(self.trust) if isinstance(each, Mapping)]
        allows = [
            {name: value for name, value in each.items() if name != "Condition"}
            for each in statements
            if each.get("Effect") == "Allow"
        ]
        return {**self.trust, "Statement": allows} if self.trust and allows else None

    def _is_trusted(self, identity_policies: Sequence[Document]) -> bool:
        """Return whether the trust policy lets the caller in, with these policies and all conditions met."""
        found = self._decide(ASSUME, identity_policies, self._open_trust) if self._open_trust else None
        return bool(found and found.allowed)

    def _decide(
        self,
        action: str,
        identity_policies: Sequence[Document],
        trust: Document | None = None,
        boundaries: Sequence[Document] | None = None,
    ) -> Decision | None:
        """Return the decision; None for an invalid document."""
        with suppress(InvalidInput, InvalidArn):
            return self._evaluate(action, identity_policies, trust, boundaries)
        return None

    def _evaluate(
        self,
        action: str,
        identity_policies: Sequence[Document],
        trust: Document | None,
        boundaries: Sequence[Document] | None,
    ) -> Decision:
        """Evaluate the request; without `trust` the role trusts the account."""
        arn = Arn.parse(self.caller)
        account = {"AWS": f"arn:{arn.partition}:iam::{arn.account}:root"}
        statement = {"Effect": "Allow", "Principal": account, "Action": [ASSUME, *EXTRA_ACTIONS]}
        trust = trust or {"Version": VERSION, "Statement": [statement]}
        return evaluate(
            self.caller,
            action,
            self.role,
            self.keys,
            identity_policies,
            trust,
            boundaries,
            unknown_keys=EVERY_OTHER_KEY,
        )
