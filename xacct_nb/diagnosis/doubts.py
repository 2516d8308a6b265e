"""What stays in doubt although AWS allows the request now: notes, and never causes."""

from collections.abc import Iterator

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.cause import Cause


def doubts(case: Case, found: tuple[Cause, ...]) -> Iterator[str]:
    """Yield why it may have been denied before, and what was read that AWS's answer contradicts."""
    at = f" at {case.result.at}" if case.result and case.result.at else ""
    if case.denial.text:
        yield (
            f"AWS allowed the same request{at}, so the denial is past. IAM needs up to half a minute until a "
            "change is in effect everywhere."
        )
    if case.denial.text and case.snapshot.client and case.snapshot.client.cached_sessions:
        yield "The AWS CLI has cached sessions in ~/.aws/cli/cache, which keep their state until they expire."
    for each in found:
        if each.nearest:
            yield f"What was read says otherwise ({each.code}, {each.side}): {each.why} AWS's answer counts."
