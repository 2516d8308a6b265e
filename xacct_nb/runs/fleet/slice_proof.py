"""What a proof says of one account of a fleet: the status, the first reason, the status of each source."""

from dataclasses import replace

from xacct_nb.changes.proof import FAILS, HOLDS, Outcome, Proof
from xacct_nb.changes.proof import NOT_PROVEN as PROOF_OPEN
from xacct_nb.fleets.result import NOT_PROVEN, PROOF_FAILED, PROVEN, SliceResult


def with_proof(result: SliceResult, proof: Proof) -> SliceResult:
    """Return the result with what the proof of its account says."""
    result = replace(result, proof=proof.summary)
    if proof.holds:
        return replace(result, status=PROVEN)
    status, reason = _STATUSES[proof.verdict], first_reason(proof)
    return replace(result, status=status, code=status, reason=reason, by_source=_by_source(proof))


_STATUSES = {HOLDS: PROVEN, FAILS: PROOF_FAILED, PROOF_OPEN: NOT_PROVEN}


def _by_source(proof: Proof) -> dict[str, str]:
    """Return the status of each source, {} where all have the same."""
    parts = dict[str, list[Outcome]]()
    for each in proof.outcomes:
        parts.setdefault(each.probe.source, []).append(each)
    found = {source: _STATUSES[Proof(tuple(each)).verdict] for source, each in parts.items()}
    return found if len(set(found.values())) > 1 else {}


def first_reason(proof: Proof) -> str:
    """Return the first call that AWS answered otherwise than expected, else the first that is open."""
    wrong = next((each for each in proof.asked if not each.as_expected), None)
    if wrong is None:
        return next(iter(proof.open_reasons), "")
    answered = f"{wrong.answer} {wrong.detail}".strip()
    return f"{wrong.probe.question}: {wrong.probe.expected} was expected, AWS returned {answered}"
