"""Wider forms of a grant that does not fit into AWS's quotas: proposals with what each lets in besides.

None is taken by itself: whoever wants one writes it into the grant, and accepts the finding that it brings.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from xacct_nb.errors import OverQuota
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.sentences import join_words
from xacct_nb.iam.arns import Arn

_SHORTEST = 3  # of a common beginning that is proposed as a pattern
Fits = Callable[[Grant], bool]
"""Returns whether the documents of a grant fit."""


def with_proposals(problem: OverQuota, proposals: Sequence[str]) -> OverQuota:
    """Return the error with the proposals after its hint."""
    if not proposals:
        return problem
    wider = " ".join(("Wider forms that fit, none of which is taken by itself:", *proposals))
    return OverQuota(problem.what, why=problem.why, hint=f"{problem.hint} {wider}")


def caller_proposals(grant: Grant, fits: Fits) -> Iterator[str]:
    """Yield the forms in which the caller policy would fit."""
    if grant.caller_policy == "inline" and fits(_changed(grant, caller_policy="managed")):
        yield "caller_policy: managed lets in nobody besides."
    names = dict.fromkeys(Arn.parse(role).resource for role in grant.destinations)
    organization = grant.conditions.organization_id
    conditions = grant.conditions.model_copy(update={"organization_id": organization or "o-" + "a" * 32})
    if grant.caller_reach == "roles" and fits(
        _changed(grant, caller_reach="role-name", conditions=conditions)
    ):
        needed = "" if organization else ", conditions: {organization_id: o-...}"
        yield (
            f"caller_reach: role-name{needed}, accept: [role-name-reach] lets the callers besides call for "
            f"{_few(names)} in every account of the organization, where such a role trusts them."
        )


def trust_proposals(grant: Grant, fits: Fits) -> Iterator[str]:
    """Yield the forms in which the trust policy would fit: patterns of the roles, then whole accounts."""
    for form, besides in (_by_prefix(grant), _by_account(grant)):
        sources = _replaced(grant, form)
        if form and sources != grant.sources and fits(_changed(grant, sources=sources)):
            yield f"sources: [{', '.join(form.values())}] in place of those named lets in besides {besides}."


def _by_prefix(grant: Grant) -> tuple[dict[str, str], str]:
    """Return by account a pattern for its roles, where their names begin alike."""
    found = {}
    for account, roles in _roles(grant).items():
        begin = _common_start([Arn.parse(each).resource for each in roles])
        if len(roles) > 1 and len(begin.removeprefix("role/")) >= _SHORTEST:
            found[account] = f"{roles[0].rpartition(':')[0]}:{begin}*"
    return found, f"every role that matches, also one made later: {_few(found.values())}"


def _by_account(grant: Grant) -> tuple[dict[str, str], str]:
    """Return by account the account, for those of which several principals are named."""
    named = [account_of(each) for each in grant.principals]
    found = {each: f'"{each}"' for each in dict.fromkeys(named) if named.count(each) > 1}
    return found, f"everyone whom {_few(found)} allows it (accept: [whole-account-trust])"


def _common_start(texts: Sequence[str]) -> str:
    """Return with what all texts begin: what the first and the last one of them in their order share."""
    first, last = min(texts), max(texts)
    same = next((at for at, (one, other) in enumerate(zip(first, last, strict=False)) if one != other), None)
    return first[:same]


def _roles(grant: Grant) -> dict[str, list[str]]:
    found = dict[str, list[str]]()
    for each in grant.principals:
        if Arn.parse(each).kind == "role":
            found.setdefault(account_of(each), []).append(each)
    return found


def _replaced(grant: Grant, form: dict[str, str]) -> tuple[str, ...]:
    """Return the sources with the form of its account in place of each principal that it stands for."""
    found = dict[str, None]()
    for each in grant.sources:
        wider = form.get(account_of(each), "").strip('"') if each in grant.principals else ""
        is_of = ":role/" in each or ":role/" not in wider
        found[wider if wider and is_of else each] = None
    return tuple(found)


def _changed(grant: Grant, **fields: Any) -> Grant:
    return grant.model_copy(update=fields)


def _few(names: Any) -> str:
    listed = list(names)
    more = [f"{len(listed) - 3} more"] if len(listed) > 3 else []
    return join_words([*listed[:3], *more])
