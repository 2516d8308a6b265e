"""The lines on a page of a review about the use of a grant, as AWS reports it."""

from collections.abc import Iterable, Iterator, Sequence

from xacct_nb.changes.narrowing import Narrowing
from xacct_nb.changes.usage import PrincipalUsage, Usage, day_of
from xacct_nb.grants.sentences import describe_arn

_MOST = 8  # services that a line names
_FEW_ROLES = 3


def use_lines(usage: Usage, narrowing: Narrowing) -> tuple[str, ...]:
    """Return one line for each role and source, the outcome of a narrowing, and what is not known."""
    roles = _roles(usage.roles) if len(usage.roles) <= _FEW_ROLES else _together(usage.roles)
    sources = (f"{describe_arn(each.source)}: {each.says}" for each in narrowing.sources)
    unknown = (f"Not known: {each}" for each in usage.unknown)
    outcome = (narrowing.summary,) if narrowing.smaller or narrowing.ends else ()
    return tuple(dict.fromkeys((*roles, *sources, *outcome, *unknown)))


def _roles(roles: Iterable[PrincipalUsage]) -> Iterator[str]:
    yield from (f"{describe_arn(each.principal)}: {'; '.join(_role(each))}." for each in roles)


def _together(roles: Sequence[PrincipalUsage]) -> Iterator[str]:
    """Yield the use of many roles as one."""
    known = [each for each in roles if each.services is not None]
    last = dict[str, str]()
    for service in (each for role in known for each in role.services or ()):
        last[service.service] = max(service.used, last.get(service.service, ""))
    used = [f"{name} on {day_of(at)}" for name, at in last.items() if at]
    never = [name for name, at in last.items() if not at]
    of = f"{len(known)} of {len(roles)} roles are known"
    yield f"{of}. Last attempts at {_few(used) or 'none'}; never by any of them: {_few(never) or 'none'}."


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
