"""A fingerprint that somebody copied into a trust policy in place of the external ID, and its fix."""

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.fixes.fix import Fix
from xacct_nb.diagnosis.fixes.locations import LocatedStatement
from xacct_nb.diagnosis.fixes.request_values import conditions_of, values_of
from xacct_nb.diagnosis.snapshot import DESTINATION
from xacct_nb.redaction.redact import fingerprint, is_fingerprint

COPIED = (
    " The policy has a fingerprint in place of the external ID, as records and requests show it. "
    "AWS compares it as text."
)


def copied_fingerprints(case: Case, statement: LocatedStatement, key: str) -> tuple[str, ...]:
    """Return the fingerprints with which a statement compares a condition key, as AWS itself has it."""
    if case.snapshot.is_masked(DESTINATION):
        return ()
    return tuple(filter(is_fingerprint, values_of(conditions_of(statement), key)))


def written_out(case: Case, marks: tuple[str, ...]) -> Fix:
    """Return what to do, as text: an edit might take the role from who passes the fingerprint."""
    mend = "Write the external ID itself in place of its fingerprint in the trust policy."
    if case.attempt.external_id and fingerprint(case.attempt.external_id) in marks:
        return Fix(f"{mend} It is the one that the request passes.")
    return Fix(f"{mend} Who chose it knows it: {', '.join(marks)}.")
