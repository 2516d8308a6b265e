"""Names that somebody could have meant: equal but for path, letter case or account, longer, or misspelled."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from xacct_nb.iam.arns import Arn, is_arn

_ALIKE, _SHORTEST, _LONGER = 0.8, 4, 0.4


def near_names(wanted: str, known: Iterable[str]) -> tuple[str, ...]:
    """Return those ARNs of roles or users that resemble the wanted one, the nearest first."""
    distances = [(distance, arn) for arn in known if (distance := _distance(wanted, arn)) is not None]
    return tuple(arn for _, arn in sorted(distances))


def misspelled(wanted: str, written: Iterable[str]) -> tuple[str, ...]:
    """Return those ARNs that could be the wanted one, misspelled; a longer name is rather another thing."""
    return tuple(arn for arn in near_names(wanted, written) if (_distance(wanted, arn) or 0.0) < _LONGER)


def difference(wanted: str, near: str) -> str:
    """Return in a few words how a near ARN differs from the wanted one."""
    one, other = Arn.parse(wanted), Arn.parse(near)
    parts = {
        "account": one.account != other.account,
        "partition": one.partition != other.partition,
        "path": one.path != other.path,
        "letter case": one.name != other.name and one.name.lower() == other.name.lower(),
        "name": one.name.lower() != other.name.lower(),
    }
    return " and ".join(name for name, differs in parts.items() if differs) or "type"


def _distance(wanted: str, arn: str) -> float | None:
    """Return how far two names are apart, from 0 for the same name to 1; None if they are not alike."""
    if arn == wanted or not (is_arn(wanted) and is_arn(arn)) or "*" in arn:
        return None
    name, other = Arn.parse(wanted).name, Arn.parse(arn).name
    if name == other:
        return 0.0
    one, two = sorted((name.lower(), other.lower()), key=len)
    if one == two:
        return 0.1
    if len(one) >= _SHORTEST and (two.startswith(one) or two.endswith(one)):
        return _LONGER
    ratio = SequenceMatcher(None, one, two).ratio()
    return 1.0 - ratio if ratio >= _ALIKE else None
