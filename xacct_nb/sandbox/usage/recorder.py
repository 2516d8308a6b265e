"""The calls that principals attempted, by their unique ids: a role that is made again has none.

A denied call counts, as on AWS; one with an invalid key or signature has no caller. Source: IAM API
reference, GenerateServiceLastAccessedDetails.
"""

from collections import defaultdict
from typing import NamedTuple

_DAYS = 400
_NO_CALLS = ("iam:PassRole",)  # a right that other calls need


class LastAttempt(NamedTuple):
    """The last attempt at an action: when, in seconds since 1970, and in which region."""

    moment: float
    region: str


_attempts: defaultdict[str, dict[str, LastAttempt]] = defaultdict(dict)
_allowed: defaultdict[str, dict[str, tuple[float, float]]] = defaultdict(dict)


def note(unique_id: str, action: str, region: str, moment: float, is_allowed: bool) -> None:
    """Note an authenticated call of a principal."""
    if action in _NO_CALLS:
        return
    _attempts[unique_id][action] = LastAttempt(moment, region)
    if is_allowed:
        first, _ = _allowed[unique_id].get(action, (moment, moment))
        _allowed[unique_id][action] = first, moment


def attempts_of(unique_id: str, now: float) -> dict[str, LastAttempt]:
    """Return the last attempt at each action within the last 400 days."""
    since = now - _DAYS * 24 * 3600
    found = _attempts.get(unique_id, {}).items()
    return {action: each for action, each in found if since < each.moment <= now}


def last_attempt(unique_id: str, now: float) -> LastAttempt | None:
    """Return a principal's last attempt at anything, None for none."""
    return max(attempts_of(unique_id, now).values(), default=None)


def allowed_between(unique_id: str, start: float, end: float) -> list[str]:
    """Return the actions whose calls were allowed in a period; one used before and after it counts too."""
    found = _allowed.get(unique_id, {}).items()
    return sorted(action for action, (first, last) in found if first <= end and last >= start)


def forget() -> None:
    """Forget every call."""
    _attempts.clear()
    _allowed.clear()
