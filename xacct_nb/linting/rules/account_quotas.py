"""Rules on what a grant uses of the quotas of its accounts, with the wider forms that need less."""

from collections.abc import Iterator

from xacct_nb.grants.documents import caller_forms, trust_forms
from xacct_nb.iam.arns import Arn
from xacct_nb.linting.headroom import CHARACTERS, POLICIES, Quota
from xacct_nb.linting.rules.grant import GrantCase
from xacct_nb.linting.rules.rule import NOTE, WARNING, Find, Hit, Rule


def _exceeded(unit: str) -> Find[GrantCase]:
    def find(case: GrantCase) -> Iterator[Hit]:
        for quota in case.quotas:
            if quota.unit == unit and quota.left < 0 and quota.items != "sources":
                forms = _callers_forms(case, quota) if unit == POLICIES else ()
                yield quota.name, f"{_too_much(quota)}{_wider(forms)}"

    return find


def _long_trust(case: GrantCase) -> Iterator[Hit]:
    """Find trust policies that are longer than the account's quota, which AWS may have raised."""
    grant, trusted = case.documents.grant, case.documents.trust_policies
    for quota in case.quotas:
        if quota.items == "sources" and quota.left < 0:
            forms = (trust_forms(grant, role, quota.limit) for role in trusted if _is(quota, role))
            yield quota.name, f"{_too_much(quota)}{_wider(next(forms, ()))}"


def _callers_forms(case: GrantCase, quota: Quota) -> tuple[str, ...]:
    """Return the wider forms in which the caller policies fit beside the attachments of others."""
    found = (
        caller_forms(case.documents.grant, arn, quota.limit - quota.used + len(policies))
        for arn, policies in case.documents.caller_policies.items()
        if _is(quota, arn)
    )
    return next(found, ())


def _too_much(quota: Quota) -> str:
    return f"{quota.used:,} {quota.unit}; AWS accepts {quota.limit:,}{_raised(quota)}"


def _wider(forms: tuple[str, ...]) -> str:
    """Return the wider forms in which it fits, as they are proposed."""
    proposed = f". Wider forms that fit, none of which is taken by itself: {' '.join(forms)}"
    return proposed.rstrip(".") if forms else ""


def _is(quota: Quota, arn: str) -> bool:
    return quota.of == Arn.parse(arn).resource


def _nearly_full(case: GrantCase) -> Iterator[Hit]:
    for quota in case.quotas:
        if quota.is_little:
            used = f"{quota.used:,} of {quota.limit:,} {quota.unit}"
            yield quota.name, f"{used} are used: room for about {quota.more:,} more {quota.items}"


def _raised(quota: Quota) -> str:
    return f", or {quota.most:,} where the quota was raised" if quota.most > quota.limit else ""


QUOTA_RULES: tuple[Rule[GrantCase], ...] = (
    Rule("inline-policies-full", WARNING, _exceeded(CHARACTERS),
        why="Together they have {it}.",
        mend="Remove an inline policy, or move it into a managed policy."),
    Rule("many-attachments", WARNING, _exceeded(POLICIES),
        why="There would be {it}.",
        mend="Request a higher quota, detach a policy, or name fewer destinations."),
    Rule("long-trust-policy", WARNING, _long_trust,
        why="It has {it}.",
        mend="Request a higher quota (L-C07B4B0D, in us-east-1), or name fewer sources."),
    Rule("little-room", NOTE, _nearly_full,
        why="{it}.",
        mend="Start another grant before it is full, or use fewer and shorter names."),
)  # fmt: skip
