"""The one matcher for wildcards; its time is bounded whatever the pattern."""

import re
from collections.abc import Iterable
from typing import Protocol

# Literal text, or a wildcard: * for any characters, ? for one. The last two do not match a colon.
TEXT, MANY, ONE, MANY_BUT_COLON, ONE_BUT_COLON = "text", "*", "?", "*but:", "?but:"
Atom = tuple[str, str]
_REGEX = {MANY: ".*", ONE: ".", MANY_BUT_COLON: "[^:]*", ONE_BUT_COLON: "[^:]"}
# A regular expression tries every split of the text among its wildcards: with more of them it may take years.
_MAX_IN_REGEX = 2


class Glob(Protocol):
    """A compiled pattern that matches a whole text: a regular expression, or an Automaton."""

    def fullmatch(self, string: str, /) -> object: ...


def glob(atoms: Iterable[Atom]) -> Glob:
    """Compile the atoms of a pattern."""
    listed = list(atoms)
    if sum(kind in (MANY, MANY_BUT_COLON) for kind, _ in listed) > _MAX_IN_REGEX:
        return Automaton(listed)
    return re.compile(
        "".join(re.escape(text) if kind == TEXT else _REGEX[kind] for kind, text in listed), re.DOTALL
    )


class Automaton:
    """A matcher that reads the text once and keeps every possible position in the pattern, one bit each."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        self._literal: dict[str, int] = {}
        self._one = self._one_but = self._many = self._many_but = 0
        position = 1
        for kind, text in atoms:
            if kind == TEXT:
                for letter in text:
                    self._literal[letter] = self._literal.get(letter, 0) | position
                    position <<= 1
            elif kind in (ONE, ONE_BUT_COLON):
                self._one |= position if kind == ONE else 0
                self._one_but |= position if kind == ONE_BUT_COLON else 0
                position <<= 1
            else:
                self._many |= position if kind == MANY else 0
                self._many_but |= position if kind == MANY_BUT_COLON else 0
        self._end = position

    def fullmatch(self, string: str, /) -> bool:
        """Return whether the pattern matches the whole text."""
        return bool(self._read(1, string) & self._end)

    def accepts(self, positions: int) -> bool:
        """Return whether the pattern may end at one of these positions. Its start is 1."""
        return bool(positions & self._end)

    def step(self, positions: int, letter: str) -> int:
        """Return the positions after a letter."""
        return self._read(positions, letter)

    def step_over(self, positions: int, unit: str) -> int:
        """Return the positions after a letter that stands for a text of any length: no ? matches it."""
        return (positions & self._literal.get(unit, 0)) << 1 | positions & self._many

    def step_by_text(self, positions: int, unit: str) -> int:
        """Return the positions after a letter that the pattern has itself: no wildcard matches it."""
        return (positions & self._literal.get(unit, 0)) << 1

    @property
    def letters(self) -> frozenset[str]:
        """Return the letters that the pattern has itself."""
        return frozenset(self._literal)

    def reaches(self, front: str, end: str) -> bool:
        """Return whether the pattern matches some text that begins and ends like this."""
        positions = self._read(1, front)
        # Between the two anything may stand, which leads to each later position.
        onward = -(positions & -positions) & (self._end * 2 - 1)
        return bool(self._read(onward, end) & self._end)

    def _read(self, positions: int, string: str) -> int:
        for letter in string:
            colon = letter == ":"
            step = self._literal.get(letter, 0) | self._one | (0 if colon else self._one_but)
            stay = self._many | (0 if colon else self._many_but)
            positions = (positions & step) << 1 | positions & stay
            if not positions:
                break
        return positions
