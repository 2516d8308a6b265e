"""The rank of causes: by the error text, by confidence, by the type of policy that AWS names."""

from collections.abc import Iterable

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import CATALOGUE
from xacct_nb.diagnosis.cause import CONFIDENCES, Cause


def rank_causes(case: Case, causes: Iterable[Cause]) -> tuple[Cause, ...]:
    """Return one cause a code and side: by the error text, then by confidence, then by AWS's policy type."""
    best: dict[tuple[str, str], Cause] = {}
    for each in causes:
        known = best.setdefault((each.code, each.side), each)
        if CONFIDENCES.index(each.confidence) < CONFIDENCES.index(known.confidence):
            best[each.code, each.side] = each
    exact = {CATALOGUE[each.code].policy_type for each in best.values() if each.commands} - {""}
    kept = [each for each in best.values() if each.commands or not _is_vague(each, exact)]
    return tuple(sorted(kept, key=lambda each: _rank(case, each)))


def _is_vague(each: Cause, exact: set[str]) -> bool:
    """Return whether only the error text shows a cause, and a document shows a more exact one of its type."""
    return CATALOGUE[each.code].policy_type in exact and each.why == CATALOGUE[each.code].why


def _rank(case: Case, each: Cause) -> tuple[bool, int, bool]:
    known, denial = CATALOGUE[each.code], case.denial
    is_not_in_text = bool(denial.text) and not denial.is_by_policy and not known.matches(denial.text)
    is_other_type = bool(denial.policy_type) and known.policy_type != denial.policy_type
    return is_not_in_text, CONFIDENCES.index(each.confidence), is_other_type
