"""Whether others match all that a pattern matches: decided for all texts, not for examples."""

from collections.abc import Iterable, Sequence
from functools import lru_cache

from xacct_nb.iam.patterns import ACTION, LIKE, RESOURCE, atoms_of, split_pieces
from xacct_nb.iam.wildcards import MANY, ONE, TEXT, Automaton

# Pairs of positions that are looked at: patterns with very many wildcards need far more.
_MOST_STEPS = 20_000
_WILD = (TEXT, MANY, ONE)
_ANY_LETTER = "\uf8ff"  # stands for each letter that no pattern has
_FIRST_UNIT = 0xE000  # letters in place of policy variables begin here; no grant and no ARN has them
Pair = tuple[str, str]
"""An action and a resource, both with wildcards."""


class TooManySteps(ValueError):
    """The patterns have so many wildcards that the comparison would take too long."""


def is_included(pattern: str, others: Iterable[str], style: str = LIKE) -> bool:
    """Return whether each text that a pattern matches is matched by one of the others. Raises TooManySteps.

    A policy variable is included in the same variable and in *, since its value may be any text.
    """
    return frozenset() not in matching_others(pattern, tuple(others), style)


def is_pair_included(pair: Pair, others: Sequence[Pair]) -> bool:
    """Return whether each call of an action on a resource that a pair allows is allowed by one of the others.

    Raises TooManySteps.
    """
    action, resource = pair
    if pair in others or ("*", "*") in others:
        return True
    return all(
        is_included(resource, [others[each][1] for each in sorted(found)], RESOURCE)
        for found in _smallest(matching_others(action, tuple(each for each, _ in others), ACTION))
    )


@lru_cache(maxsize=4096)
def matching_others(pattern: str, others: tuple[str, ...], style: str) -> frozenset[frozenset[int]]:
    """Return for the texts that a pattern matches which of the others match them, each combination once.

    Raises TooManySteps.
    """
    units: dict[tuple[str, ...], str] = {}
    wide, *narrow = (_automaton(each, style, units) for each in (pattern, *others))
    letters = {_ANY_LETTER, ":", *wide.letters, *(each for one in narrow for each in one.letters)}
    letters -= set(units.values())
    start = (1, *(1 for _ in narrow))
    seen, waiting, found = {start}, [start], set[frozenset[int]]()
    while waiting:
        at, *beside = waiting.pop()
        if wide.accepts(at):
            found.add(frozenset(each for each, one in enumerate(narrow) if one.accepts(beside[each])))
        following = [
            (wide.step(at, letter), *(one.step(beside[each], letter) for each, one in enumerate(narrow)))
            for letter in letters
        ] + [
            (
                wide.step_by_text(at, unit),
                *(one.step_over(beside[each], unit) for each, one in enumerate(narrow)),
            )
            for unit in units.values()
        ]
        waiting += (new := {each for each in following if each[0] and each not in seen})
        seen |= new
        if len(seen) > _MOST_STEPS:
            raise TooManySteps
    return frozenset(found)


def _automaton(text: str, style: str, units: dict[tuple[str, ...], str]) -> Automaton:
    lowered = text.lower() if style == ACTION else text
    pieces = tuple(_as_text(piece, units) for piece in split_pieces(lowered, style, style != ACTION))
    return Automaton(atoms_of(pieces, style) or ())


def _as_text(piece: tuple[str, ...], units: dict[tuple[str, ...], str]) -> tuple[str, ...]:
    """Return a piece; a policy variable as a letter of its own."""
    if piece[0] in _WILD:
        return piece
    key = (piece[1], *piece[3:])
    return (TEXT, units.setdefault(key, chr(_FIRST_UNIT + len(units))))


def _smallest(sets: Iterable[frozenset[int]]) -> list[frozenset[int]]:
    """Return the sets that contain none of the others."""
    listed = list(sets)
    return [each for each in listed if not any(other < each for other in listed)]
