"""Under which further conditions a caller may assume a role: one rule for each field of the conditions."""

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from xacct_nb.grants.conditions import Conditions, is_reference
from xacct_nb.grants.expiry import describe_expiry, moment_of
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import describe_length, join_words
from xacct_nb.iam.inclusion import TooManySteps, is_included

_ASSUME = "will newly be able to assume"
Network = ipaddress.IPv4Network | ipaddress.IPv6Network


@dataclass(frozen=True)
class Widening:
    """One respect in which a way into a role gets wider, as a sentence without its caller and its role.

    The sentence is: who, `verb`, role, `how`. `where` is the field of the grant. Where it cannot be decided
    from the two grants, `is_certain` is False.
    """

    code: str
    how: str
    where: str
    is_certain: bool = True
    verb: str = _ASSUME


def widenings(before: Grant, after: Grant) -> list[Widening]:
    """Return in which respects the second grant lets its callers in more widely; none for narrower ones."""
    one, other = before.conditions, after.conditions
    by_conditions = (each for rule in _CONDITION_RULES for each in rule(one, other))
    return [*by_conditions, *(each for rule in _GRANT_RULES for each in rule(before, after))]


def _external_id(before: Conditions, after: Conditions) -> Iterator[Widening]:
    then, now = (each.external_id.get_secret_value() for each in (before, after))
    where = "conditions.external_id"
    if not then or then == now:
        return
    if not now:
        yield Widening("condition-removed", "without an external ID", where)
    elif is_reference(then) or is_reference(now):
        how = "with another external ID, if it has changed: the file refers to it in another way"
        yield Widening("condition-changed", how, where, is_certain=False)
    else:
        yield Widening("condition-changed", "with another external ID: it has changed", where)


def _mfa(before: Conditions, after: Conditions) -> Iterator[Widening]:
    if before.require_mfa and not after.require_mfa:
        yield Widening("condition-removed", "without MFA", "conditions.require_mfa")


def _organization(before: Conditions, after: Conditions) -> Iterator[Widening]:
    then, now, where = before.organization_id, after.organization_id, "conditions.organization_id"
    if then and not now:
        yield Widening("condition-removed", f"from outside the organization {then}", where)
    elif then and now != then:
        yield Widening("condition-changed", f"from the organization {now}, not {then}", where)


def _source_ips(before: Conditions, after: Conditions) -> Iterator[Widening]:
    if not before.source_ips:
        return
    where = "conditions.source_ips"
    if not after.source_ips:
        yield Widening(
            "condition-removed", f"from other addresses than {join_words(before.source_ips)}", where
        )
    elif wider := [each for each in after.source_ips if not _is_within(each, before.source_ips)]:
        yield Widening("condition-widened", f"from {join_words(wider)}", where)


def _is_within(text: str, ranges: tuple[str, ...]) -> bool:
    """Return whether a range lies within others, taken together."""
    wanted = ipaddress.ip_network(text, strict=False)
    same = (ipaddress.ip_network(each, strict=False) for each in ranges)
    merged = ipaddress.collapse_addresses(each for each in same if each.version == wanted.version)  # type: ignore[type-var]
    return any(wanted.subnet_of(each) for each in merged)  # type: ignore[arg-type]


def _session_name(before: Conditions, after: Conditions) -> Iterator[Widening]:
    then, now, where = before.role_session_name, after.role_session_name, "conditions.role_session_name"
    if then and not now:
        yield Widening("condition-removed", f"under other session names than {then}", where)
    elif then and then != now:
        try:
            if not is_included(now, [then]):
                yield Widening("condition-widened", f"under the session name {now}, not only {then}", where)
        except TooManySteps:
            how = f"under the session name {now}: it is not known whether {then} is as wide"
            yield Widening("condition-widened", how, where, is_certain=False)


def _source_identity(before: Conditions, after: Conditions) -> Iterator[Widening]:
    then, now, where = before.source_identity, after.source_identity, "conditions.source_identity"
    if then and not now:
        yield Widening("condition-removed", f"without the source identity {then}", where)
    elif then and then != now:
        yield Widening("condition-changed", f"with the source identity {now}, not {then}", where)


def _session_tags(before: Conditions, after: Conditions) -> Iterator[Widening]:
    where = "conditions.session_tags"
    for name, value in before.session_tags.items():
        now = after.session_tags.get(name)
        if now is None:
            yield Widening("condition-removed", f"without the session tag {name}={value}", where)
        elif now != value:
            yield Widening("condition-changed", f"with the session tag {name}={now}, not {value}", where)
    if after.session_tags and not before.session_tags:
        # The action sts:TagSession is allowed then, and the condition is on the tags that it names alone.
        named = join_words(after.session_tags)
        yield Widening("tags-allowed", f"with session tags of the caller's choice beside {named}", where)


def _length(before: Grant, after: Grant) -> Iterator[Widening]:
    if after.session_minutes > before.session_minutes:
        now, then = (describe_length(each.session_minutes) for each in (after, before))
        yield Widening("longer-session", f"{now}, not {then}", "session_minutes")


def _end(before: Grant, after: Grant) -> Iterator[Widening]:
    if before.expires and not after.expires:
        yield Widening("later-end", f"without an end, not only {describe_expiry(before.expires)}", "expires")
    elif before.expires and moment_of(after.expires) > moment_of(before.expires):
        now, then = describe_expiry(after.expires), describe_expiry(before.expires)
        yield Widening("later-end", f"{now}, not only {then}", "expires")


def _renewal(before: Grant, after: Grant) -> Iterator[Widening]:
    if after.self_assume and not before.self_assume:
        verb = "will newly be able to renew, as often as they like, a session of"
        yield Widening("renewable-sessions", ", which may assume itself", "self_assume", verb=verb)


def _reach(before: Grant, after: Grant) -> Iterator[Widening]:
    if after.caller_reach != "roles" and before.caller_reach == "roles":
        verb = "will newly be able to call, in every account of the organization, for a role of the name of"
        yield Widening("wider-reach", ", where such a role trusts the caller", "caller_reach", verb=verb)


_CONDITION_RULES: tuple[Callable[[Conditions, Conditions], Iterator[Widening]], ...] = (
    _external_id,
    _mfa,
    _organization,
    _source_ips,
    _session_name,
    _source_identity,
    _session_tags,
)
_GRANT_RULES: tuple[Callable[[Grant, Grant], Iterator[Widening]], ...] = (
    _length,
    _end,
    _renewal,
    _reach,
)
