"""The sentences of a decision card: who will be able to do what, less what policies that stay deny."""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from xacct_nb.grants.documents import Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences, describe_arn, join_words
from xacct_nb.grants.state import State
from xacct_nb.linting.after_plan import PERHAPS, Obstacle, caller_obstacles, role_obstacles


def access_after_plan(documents: Documents, state: State) -> Iterator[str]:
    """Yield a sentence for each source and role; what a policy of others denies is not promised.

    A caller whose boundary, or a Deny, keeps it out of a role is said not to get in. What a role's boundary
    or a Deny that it keeps takes away is named.
    """
    grant = documents.grant
    callers, roles = (
        defaultdict[tuple[str, str], list[Obstacle]](list),
        defaultdict[str, list[Obstacle]](list),
    )
    for each in caller_obstacles(documents, state):
        callers[each.who, each.resource].append(each)
    for each in role_obstacles(documents, state):
        roles[each.who].append(each)
    for source in grant.sources:
        for role in grant.destinations:
            found = callers[source, role]
            if denied := [each for each in found if each.kind != PERHAPS]:
                yield _shut_out(source, role, denied)
            else:
                yield _sentence(grant, source, role, state) + _less(found, roles[role])


def _sentence(grant: Grant, source: str, role: str, state: State) -> str:
    """Return the sentence of one source and role, with the boundary that the role keeps."""
    boundary = grant.permissions_boundary or (state.role(role) or {}).get("boundary", "")
    alone = {"sources": (source,), "destinations": (role,), "permissions_boundary": boundary}
    return access_sentences(grant.model_copy(update=alone))[0]


def _shut_out(source: str, role: str, denied: Iterable[Obstacle]) -> str:
    by = join_words(dict.fromkeys(f"{each.by} denies {each.action}" for each in denied))
    return f"{describe_arn(source)} will not be able to assume {describe_arn(role)}: {by}."


def _less(perhaps: Iterable[Obstacle], denied: Iterable[Obstacle]) -> str:
    keys = dict.fromkeys(each.by for each in perhaps)
    more = [f" Whether AWS lets it in depends on {join_words(keys)}."] if keys else []
    by = defaultdict[str, list[str]](list)
    for each in denied:
        by[each.by].append(f"{each.action} on {each.resource}")
    more += [f" But not {join_words(calls)}: {policy} denies it." for policy, calls in by.items()]
    return "".join(more)
