"""Which destination stands in which caller policy: as few policies as fit, and as few changes as can be."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from xacct_nb.iam.quotas import minify, size

MakePolicy = Callable[[list[str]], dict[str, Any]]
"""Makes the policy for a list of ARNs, whose size grows with each ARN by its own length and a comma."""


def pack_stably(
    arns: Iterable[str], now: Sequence[Sequence[str]], document: MakePolicy, limit: int
) -> list[list[str]]:
    """Return the ARNs of each policy, at most `limit` characters each, given the ARNs that each has now.

    An ARN stays where it is. A new one goes into the first policy with room. A policy is given up where the
    others have room for what it has: the last one, so that the numbers of the policies have no gaps. So one
    ARN more or less changes one policy, or two where one is given up.
    """
    to_place = dict.fromkeys(arns)
    parts = list[_Part]()
    for part in now:
        kept = [arn for arn in dict.fromkeys(part) if arn in to_place]
        parts.append(_Part(document, limit, kept))
        for arn in kept:
            del to_place[arn]
    for arn in to_place:
        _place(arn, parts, document, limit)
    return [part.arns for part in _without_spare(parts)]


class _Part:
    """The ARNs of one policy, and the characters that are left in it."""

    def __init__(self, document: MakePolicy, limit: int, arns: Iterable[str]) -> None:
        self.arns = list[str]()
        self.left = limit - size(document([]))
        for arn in arns:
            self.add(arn)

    def add(self, arn: str) -> None:
        self.left -= self.need(arn)
        self.arns.append(arn)

    def need(self, arn: str) -> int:
        """Return the characters that an ARN takes: its own in quotes, and a comma before it."""
        return len(minify(arn)) + bool(self.arns)


def _place(arn: str, parts: list[_Part], document: MakePolicy, limit: int) -> None:
    """Add an ARN to the first part that has room for it, else to a new one."""
    part = next((each for each in parts if each.need(arn) <= each.left), None)
    if part is None:
        part = _Part(document, limit, ())
        parts.append(part)
    part.add(arn)


def _without_spare(parts: list[_Part]) -> list[_Part]:
    """Return the parts without last ones whose ARNs fit into the others, and without empty ones.

    An empty one that is not the last takes the ARNs of the last one.
    """
    kept = list(parts)
    while len(kept) > 1:
        *others, last = kept
        empty = next((part for part in others if not part.arns), None)
        if empty is None and sum(part.left for part in others) < sum(map(last.need, last.arns)):
            break
        if not _move(last.arns, others):
            break
        kept = others
    return kept


def _move(arns: Sequence[str], parts: Sequence[_Part]) -> bool:
    """Put all ARNs into the room of the parts; return False, and move none, where they do not fit."""
    found, left = list[tuple[str, _Part]](), {id(part): part.left for part in parts}
    filled = {id(part) for part in parts if part.arns}
    for arn in arns:
        for part in parts:
            need = len(minify(arn)) + (id(part) in filled)
            if need <= left[id(part)]:
                left[id(part)] -= need
                filled.add(id(part))
                found.append((arn, part))
                break
        else:
            return False
    for arn, part in found:
        part.add(arn)
    return True
