"""Wildcards, compared in a time that no policy can make grow without bound."""

import re
from collections.abc import Iterable
from typing import Protocol

# Text that stands for itself, or a wildcard: * for any characters, ? for one; some do not stand for a colon.
TEXT, MANY, ONE, MANY_BUT_COLON, ONE_BUT_COLON = "text", "*", "?", "*but:", "?but:"
Atom = tuple[str, str]
_REGEX = {MANY: ".*", ONE: ".", MANY_BUT_COLON: "[^:]*", ONE_BUT_COLON: "[^:]"}
# A regular expression tries every way to share the text among its wildcards: with more it may take years.
_MOST = 2


class Glob(Protocol):
    """What compares a whole text: a regular expression, or an Automaton."""

    def fullmatch(self, string: str, /) -> object: ...


def glob(atoms: Iterable[Atom]) -> Glob:
    """The atoms, ready to be compared."""
    listed = list(atoms)
    if sum(kind in (MANY, MANY_BUT_COLON) for kind, _ in listed) > _MOST:
        return Automaton(listed)
    return re.compile(
        "".join(re.escape(text) if kind == TEXT else _REGEX[kind] for kind, text in listed), re.DOTALL
    )


class Automaton:
    """Keeps all places in the pattern at which it may be, one bit each, and reads the text once."""

    def __init__(self, atoms: Iterable[Atom]) -> None:
        self._literal: dict[str, int] = {}
        self._one = self._one_but = self._many = self._many_but = 0
        place = 1
        for kind, text in atoms:
            if kind == TEXT:
                for letter in text:
                    self._literal[letter] = self._literal.get(letter, 0) | place
                    place <<= 1
            elif kind in (ONE, ONE_BUT_COLON):
                self._one |= place if kind == ONE else 0
                self._one_but |= place if kind == ONE_BUT_COLON else 0
                place <<= 1
            else:
                self._many |= place if kind == MANY else 0
                self._many_but |= place if kind == MANY_BUT_COLON else 0
        self._end = place

    def fullmatch(self, string: str, /) -> bool:
        """Whether the pattern stands for the whole text."""
        places = 1
        for letter in string:
            colon = letter == ":"
            step = self._literal.get(letter, 0) | self._one | (0 if colon else self._one_but)
            stay = self._many | (0 if colon else self._many_but)
            places = (places & step) << 1 | places & stay
            if not places:
                return False
        return bool(places & self._end)
