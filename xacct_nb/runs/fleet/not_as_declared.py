"""The error of a run over a fleet after which an account is not as the fleet says."""

from xacct_nb.errors import NotProven, ProofFailed, RollbackFailed, XacctError
from xacct_nb.fleets.result import HANDED_OVER, OPEN, ROLLBACK_FAILED, FleetResult

_MOST_CAUSES = 10
_MEND = "Mend the causes, then run it again: what is done and proven stays as it is."
_ACCEPT = "Accept the answers of the owners, then run it again: xacct-nb handoff accept ANSWER_FILE"


def not_as_declared(result: FleetResult) -> XacctError:
    """Return the error of a run after which an account is not as the fleet says."""
    missing = result.missing
    causes = [f"{each.account} {each.grant}: {each.status}. {each.reason}" for each in missing[:_MOST_CAUSES]]
    if len(missing) > _MOST_CAUSES:
        causes.append(f"and {len(missing) - _MOST_CAUSES} more")
    statuses = {each.status for each in missing}
    kind: type[XacctError] = ProofFailed
    if ROLLBACK_FAILED in statuses:
        kind = RollbackFailed
    elif statuses <= OPEN:
        kind = NotProven
    hint = _ACCEPT if statuses == {HANDED_OVER} else _MEND
    return kind(result.summary, why="\n".join(causes), hint=hint)
