"""The statement that comes nearest to allowing a request, or that denies it, element by element."""

from collections.abc import Iterable, Sequence
from difflib import SequenceMatcher

from xacct_nb.diagnosis.cause import ComparedElement
from xacct_nb.diagnosis.fixes.locations import LocatedStatement, allowing
from xacct_nb.diagnosis.known_keys import who_says
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.iam.explain import ElementMatch, PolicyCheck, summarize

# A condition is mended more easily than an element that names something else.
_CONDITION_DISTANCE = 0.2
_FARTHEST, _SAME_SERVICE = 1.0, 0.5


def compared(statement: LocatedStatement) -> tuple[ComparedElement, ...]:
    """Return each element of a statement: what it wants, what the request has, and whether they match."""
    return tuple(
        ComparedElement(str(statement), _name(each), _wanted(each), _got(each), each.holds)
        for each in statement.match.compared
    )


def nearest_statement(policies: Sequence[SnapshotPolicy], check: PolicyCheck) -> LocatedStatement | None:
    """Return the Allow statement nearest to the request; None if none is about anything like it."""
    distances = [(_distance(each.unmet), each) for each in allowing(policies, check)]
    near = [(distance, each) for distance, each in distances if distance < _FARTHEST]
    return min(near, key=lambda pair: pair[0])[1] if near else None


def nearest(policies: Sequence[SnapshotPolicy], check: PolicyCheck) -> tuple[ComparedElement, ...]:
    """Return the elements of the nearest Allow statement; none if no statement is about anything like it."""
    found = nearest_statement(policies, check)
    return compared(found) if found else ()


def similarity(wanted: Iterable[str], got: str) -> float:
    """Return how similar the most similar pattern is to a value, from 0 to 1."""
    ratios = (SequenceMatcher(None, each.lower(), got.lower()).ratio() for each in wanted)
    return max(ratios, default=0.0)


def _distance(failed: Iterable[ElementMatch]) -> float:
    return sum(_distance_of(each) for each in failed)


def _distance_of(each: ElementMatch) -> float:
    if each.element == "Condition":
        return _CONDITION_DISTANCE
    # Values that a Not element excludes are equal to the request's, and say nothing about nearness.
    if each.element.startswith("Not"):
        return 0.5
    got, wanted = (each.actual or ("",))[0], [text.partition(": ")[2] or text for text in each.expected]
    likeness = similarity(wanted, got)
    if each.element == "Action" and any(text.partition(":")[0] == got.partition(":")[0] for text in wanted):
        likeness = max(likeness, _SAME_SERVICE)
    return _FARTHEST if likeness < _SAME_SERVICE else 1.0 - likeness


def _name(each: ElementMatch) -> str:
    return " ".join(filter(None, (each.element, each.operator, each.key)))


def _wanted(each: ElementMatch) -> str:
    """Return the wanted values; of many, those first that resemble what the request has."""
    got = (each.actual or ("",))[0]
    wanted = sorted(each.expected, key=lambda text: -similarity((text,), got)) if got else each.expected
    joined = summarize(wanted, " or ")
    return f"anything but {joined}" if each.element.startswith("Not") else joined


def _got(each: ElementMatch) -> str:
    if each.holds is None:
        return f"({who_says([each.key] if each.key else each.depends_on)})"
    return summarize(each.actual) if each.actual else "(missing)"
