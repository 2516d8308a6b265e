"""What is known of the use of a grant by each of its sources.

AWS says of a role only that somebody used it.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from xacct_nb.changes.usage import PrincipalUsage, Usage, day_of
from xacct_nb.grants.grant import Grant
from xacct_nb.validation import Serializable

NEVER, PERHAPS, NOT_KNOWN = "never", "perhaps", "not-known"


@dataclass(frozen=True)
class SourceUse(Serializable):
    """A source, whether it `used` the roles (never, perhaps, not-known), and the sentence that says so."""

    source: str
    used: str
    says: str


def uses_of_sources(grant: Grant, usage: Usage) -> tuple[SourceUse, ...]:
    """Return what is known of each source of a grant; no source is dropped for it."""
    known = {each.principal: each for each in usage.sources}
    ever = [each for each in usage.roles if each.last_used]
    last = day_of(max((each.last_used for each in ever), default=""))
    rest = f" Somebody used one of the roles on {last}." if last else ""
    return tuple(_use(source, known.get(source), rest, grant) for source in grant.sources)


def _use(source: str, usage: PrincipalUsage | None, rest: str, grant: Grant) -> SourceUse:
    if source not in grant.principals:
        says = "AWS reports the use of single users and roles only: who of these used a role is not known."
        return SourceUse(source, NOT_KNOWN, says + rest)
    if usage is None or usage.services is None:
        says = " ".join(usage.unknown if usage else ()) or "Its use was not read."
        return SourceUse(source, NOT_KNOWN, says + rest)
    used, says = next(_of_sts(usage))
    return SourceUse(source, used, says + (rest if used != NEVER else ""))


def _of_sts(usage: PrincipalUsage) -> Iterator[tuple[str, str]]:
    """Yield what the use of STS says, the strongest first: who never called STS assumed no role."""
    sts = usage.service("sts")
    if sts is None:
        yield NOT_KNOWN, "AWS's report does not name STS for it: whether it assumed a role is not known."
        return
    since, assume = day_of(usage.since), sts.action("AssumeRole")
    if not sts.used:
        yield NEVER, f"It made no call to STS since {since}, so it assumed no role."
    elif assume and not assume.last:
        yield NEVER, f"It made no call of AssumeRole since {since}."
    last = assume.last if assume else sts.used
    what = "assumed some role, or tried to," if assume else "called STS"
    yield PERHAPS, f"It last {what} on {day_of(last)}; which role is not known."
