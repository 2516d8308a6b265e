"""What a reviewer is told of the use of a grant, as AWS reports it."""

from collections.abc import Iterator

from xacct_nb.changes.narrowing import Narrowing
from xacct_nb.changes.usage import PrincipalUsage, Usage, day_of
from xacct_nb.grants.sentences import describe_arn

_MOST = 8  # services that a line names


def use_lines(usage: Usage, narrowing: Narrowing) -> tuple[str, ...]:
    """Return one line for each role and source, the outcome of a narrowing, and what is not known."""
    roles = (f"{describe_arn(each.principal)}: {'; '.join(_role(each))}." for each in usage.roles)
    sources = (f"{describe_arn(each.source)}: {each.says}" for each in narrowing.sources)
    unknown = (f"Not known: {each}" for each in usage.unknown)
    outcome = (narrowing.summary,) if narrowing.smaller or narrowing.ends else ()
    return tuple(dict.fromkeys((*roles, *sources, *outcome, *unknown)))


def _role(role: PrincipalUsage) -> Iterator[str]:
    if role.services is None:
        yield f"last used on {day_of(role.last_used)}" if role.last_used else "its use is not known"
        return
    used = [f"{each.service} on {day_of(each.used)}" for each in role.services if each.used]
    never = [each.service for each in role.services if not each.used]
    if used:
        yield f"last attempts at {_few(used)}"
    if never:
        yield f"never since {day_of(role.since)}: {_few(never)}"
    if not role.services:
        yield "its policies allow no service"


def _few(names: list[str]) -> str:
    """Return the names as one text, of many the first ones."""
    more = f" and {len(names) - _MOST} more services" if len(names) > _MOST else ""
    return ", ".join(names[:_MOST]) + more
