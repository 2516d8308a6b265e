"""What is known of the use of a grant by each of its sources.

AWS says of a role only that somebody used it.
"""

from dataclasses import dataclass

from xacct_nb.changes.usage import PrincipalUsage, Usage, day_of
from xacct_nb.grants.grant import Grant
from xacct_nb.validation import Serializable

NEVER, PERHAPS, NOT_KNOWN = "never", "perhaps", "not-known"
_CONSOLE = "Whether a role that it switches to in the console counts, AWS does not say."


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
    used, says = _of_sts(usage)
    return SourceUse(source, used, says + (rest if used != NEVER else ""))


def _of_sts(usage: PrincipalUsage) -> tuple[str, str]:
    """Return what the report on a source says of its calls to STS."""
    sts = usage.service("sts")
    if sts is None:
        return NOT_KNOWN, "AWS's report does not name STS for it: whether it assumed a role is not known."
    since, assume = day_of(usage.since), sts.action("AssumeRole")
    if not sts.used:
        return NEVER, f"AWS reports no call to STS by it since {since}. {_CONSOLE}"
    if assume is None:
        return PERHAPS, f"It last called STS on {day_of(sts.used)}; which role is not known."
    if not assume.last:
        return NEVER, f"AWS reports no call of AssumeRole by it since {since}. {_CONSOLE}"
    day = day_of(assume.last)
    return PERHAPS, f"It last assumed some role, or tried to, on {day}; which role is not known."
