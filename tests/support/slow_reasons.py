"""The reasons of a decision, derived from its checks with every element: what `.reasons` must say, too."""

from collections.abc import Iterator

from xacct_nb.iam.decision import Decision
from xacct_nb.iam.explain import PolicyCheck, StatementMatch, near_miss, verdict

DECIDING = {"Allowed": ["ALLOW", "NO_IMPACT"], "Unknown": ["UNKNOWN"]}
DENIED = ["EXPLICIT_DENY", "IMPLICIT_DENY"]


def slow_reasons(decision: Decision) -> tuple[str, ...]:
    """Return one sentence for each check that decided, then the statements that nearly allowed it."""
    return tuple(
        sentence
        for effect in DECIDING.get(decision.result, DENIED)
        for check in decision.checks
        if check.effect == effect
        for sentence in (f"{check.type}: {verdict(check)}.", *_near_misses(check))
    )


def _near_misses(check: PolicyCheck) -> Iterator[str]:
    allowing = [match for match in check.statements if match.effect == "Allow" and match.failed]
    fewest = min((len(match.failed) for match in allowing), default=0)
    for match in allowing if check.effect == "IMPLICIT_DENY" else []:
        if len(match.failed) == fewest and match.compared[0].holds:
            yield near_miss(_location(match), match.failed)


def _location(match: StatementMatch) -> str:
    return f"{match.place} {match.sid}".rstrip()
