"""Locates a statement of the evaluation in the policies, and edits it there."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from xacct_nb.diagnosis.fixes.edits import Edit, changed
from xacct_nb.diagnosis.snapshot import BUCKET, KEY, QUEUE, SECRET, SESSION_POLICY, TRUST, SnapshotPolicy
from xacct_nb.iam.explain import ElementMatch, PolicyCheck, StatementMatch, short_name

_PATH = re.compile(r"(?:\w+)?(?:\[(?P<policy>\d+)\])?.*?Statement\[(?P<statement>\d+)\]")


@dataclass(frozen=True)
class LocatedStatement:
    """A statement of a policy, compared with the request element by element."""

    policy: SnapshotPolicy
    number: int
    match: StatementMatch

    def __str__(self) -> str:
        """Return where it is: `Statement[1] (Sid) of the policy reports on user/alice`."""
        policy, sid = self.policy, f" ({self.match.sid})" if self.match.sid else ""
        holder = f" on {short_name(policy.holder)}" if policy.holder else ""
        names = {TRUST: "trust policy", SESSION_POLICY: f"session policy ({policy.name})"}
        names |= {kind: f"policy of the {kind} {policy.name}" for kind in (BUCKET, KEY, SECRET, QUEUE)}
        name = names.get(policy.kind, f"policy {policy.name}{holder}")
        return f"Statement[{self.number}]{sid} of the {name}"

    @property
    def unmet(self) -> tuple[ElementMatch, ...]:
        """The elements that do not match, or of which that is not known."""
        return tuple(each for each in self.match.compared if not each.holds)

    def changed(self, change: Callable[[dict[str, Any]], object]) -> Edit:
        """Return the edit that changes this statement in place by `change`."""
        return changed(self.policy, self.number, change)


def denying(policies: Sequence[SnapshotPolicy], check: PolicyCheck) -> list[LocatedStatement]:
    """Return the Deny statements that apply, or that may: it hangs on a key whose value is not known.

    `policies` in the order of the evaluation.
    """
    found = (each for each in check.statements if each.effect == "Deny" and each.applies is not False)
    return [_located(policies, match) for match in found]


def allowing(policies: Sequence[SnapshotPolicy], check: PolicyCheck) -> list[LocatedStatement]:
    """Return the Allow statements, whether they apply or not; `policies` in the order of the evaluation."""
    return [_located(policies, match) for match in check.statements if match.effect == "Allow"]


def _located(policies: Sequence[SnapshotPolicy], match: StatementMatch) -> LocatedStatement:
    found = _PATH.search(match.place)
    policy, number = (int(found["policy"] or 0), int(found["statement"])) if found else (0, 0)
    return LocatedStatement(policies[policy], number, match)
