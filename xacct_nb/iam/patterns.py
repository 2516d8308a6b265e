"""The text of a policy with wildcards and policy variables, split once and matched many times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from xacct_nb.iam.unknown import UnknownValue
from xacct_nb.iam.wildcards import (
    MANY,
    MANY_BUT_COLON,
    ONE,
    ONE_BUT_COLON,
    TEXT,
    Atom,
    Automaton,
    Glob,
    glob,
)

# The keys of a request, in lower case, with their values.
Context = Mapping[str, tuple[str, ...]]
Piece = tuple[str, ...]
Pieces = tuple[Piece, ...]

# Styles of matching: exact text, any case, with wildcards, as actions, ARNs part by part, as resources.
EXACT, ANY_CASE, LIKE, ACTION, ARN, RESOURCE = "exact", "any-case", "like", "action", "arn", "resource"
_CASELESS = (ANY_CASE, ACTION)
_WILD = (LIKE, ACTION, ARN, RESOURCE)
_VARIABLE = "variable"
# In place of a variable whose value is not known.
_ANYTHING: "Piece" = ("anything",)
_WILDCARD = re.compile(r"[*?]")
_TOKEN = re.compile(r"\$\{[^{}]*\}|[*?]")
_DEFAULT = re.compile(r"([^,']*?)\s*,\s*'([^']*)'\s*")
_ITSELF = ("*", "?", "$")
_MOST_LENGTHS = 66


@dataclass(frozen=True, slots=True)
class PatternSet:
    """The values of one element or key of a policy (`texts`, as written); one of them must match.

    They are sorted by how they match: literals, text that a value `starts` with, globs, and templates, whose
    variables get their values from each request. `simple` means that there are no globs and no templates.
    """

    texts: tuple[str, ...]
    literals: frozenset[str]
    starts: tuple[str, ...]
    globs: tuple[Glob, ...]
    templates: tuple[Pieces, ...]
    style: str
    variables: bool
    simple: bool

    def match(self, value: str, context: Context) -> bool | None:
        """Return whether one of the patterns matches; one with a variable that has no value never does.

        None where that hangs on a variable whose value is not known. Where the style ignores case, pass the
        value in lower case.
        """
        if value in self.literals or (self.starts and value.startswith(self.starts)):
            return True
        if self.simple:
            return False
        if any(pattern.fullmatch(value) for pattern in self.globs):
            return True
        return either([self._matches_template(template, value, context) for template in self.templates])

    def match_path(self, value: UnknownValue, context: Context) -> bool | None:
        """Return whether one of the patterns matches a value with an IAM path in it that is not known.

        True where all paths match, False where none does. A letter that no pattern has stands for any letter.
        If each length of a path up to the number of ? matches with such letters, a * matches longer ones too;
        with very many ? that is not tried.
        """
        front, end = value.front, value.end
        if self.style in _CASELESS:
            front, end = front.lower(), end.lower()
        stand_in = next(letter for letter in map(chr, range(0xE000, 0xF8FF)) if letter not in str(self.texts))
        longest = max(text.count("?") for text in self.texts) + 2 if self.texts else 0
        if longest > _MOST_LENGTHS:
            return None if self._may_match(front, end, context) else False
        paths = ["", *(stand_in * length + "/" for length in range(1, longest + 1))]
        found = {self.match(f"{front}{path}{end}", context) for path in paths}
        if found == {False}:
            return None if self._may_match(front, end, context) else False
        return True if found == {True} else None

    def _may_match(self, front: str, end: str, context: Context) -> bool:
        """Return whether some text with this front and end matches one of the patterns."""
        split = (split_pieces(text, self.style, self.variables) for text in self.texts)
        resolved = filter(None, (resolve_variables(pieces, context) for pieces in split))
        return any(Automaton(_widest(pieces, self.style)).reaches(front, end) for pieces in resolved)

    def lacks_variable(self, context: Context) -> bool | None:
        """Return whether a variable in one of the patterns has no value in this request; None: not known."""
        resolved = [resolve_variables(template, context) for template in self.templates]
        return None in resolved or (None if any(_ANYTHING in each for each in resolved if each) else False)

    def unknown_variables(self, context: Context) -> tuple[str, ...]:
        """Return the variables of the patterns whose values are not known, as the policy writes them."""
        pieces = (piece for template in self.templates for piece in template if piece[0] == _VARIABLE)
        unknown = (piece[2] for piece in pieces if isinstance(context.get(piece[1]), UnknownValue))
        return tuple(dict.fromkeys(unknown))

    def _matches_template(self, template: Pieces, value: str, context: Context) -> bool | None:
        resolved = resolve_variables(template, context)
        if resolved is None:
            return False
        if _ANYTHING not in resolved:
            return bool(_compile(resolved, self.style).fullmatch(value))
        return None if glob(_widest(resolved, self.style)).fullmatch(value) else False


def either(found: list[bool | None]) -> bool | None:
    """Return True if one is true, else None if one is not known, else False."""
    return True if True in found else None if None in found else False


@lru_cache(maxsize=4096)
def pattern_set(texts: tuple[str, ...], style: str, variables: bool = False) -> PatternSet:
    """Compile the values for one style; `variables`: whether `${...}` is one (2012-10-17)."""
    literals: list[str] = []
    starts: list[str] = []
    globs: list[Glob] = []
    templates: list[Pieces] = []
    for written in texts:
        holds_variable = variables and "${" in written
        text = written.lower() if style in _CASELESS and not holds_variable else written
        if holds_variable:
            pieces = split_pieces(text, style, variables)
            named = any(kind == _VARIABLE for kind, *_ in pieces)
            (templates.append(pieces) if named else globs.append(_compile(pieces, style)))
        elif style in (EXACT, ANY_CASE):
            literals.append(text)
        elif _is_start(text, style):
            starts.append(text[:-1])
        elif "*" in text or "?" in text or (style in (ARN, RESOURCE) and text.count(":") < 5):
            globs.append(_compile(split_pieces(text, style, variables), style))
        else:
            literals.append(text)
    simple = not (globs or templates)
    return PatternSet(
        texts, frozenset(literals), tuple(starts), tuple(globs), tuple(templates), style, variables, simple
    )


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern in which `*` and `?` are wildcards."""
    return bool(pattern_set((pattern,), LIKE).match(text, {}))


def covers(pattern: str, action: str) -> bool:
    """Return whether an action pattern (`s3:Get*`) covers an action, in any case."""
    return bool(pattern_set((pattern,), ACTION).match(action.lower(), {}))


def _is_start(text: str, style: str) -> bool:
    """Return whether the only wildcard is a * at the end, so that a value must start with the rest."""
    return text[-1:] == "*" and style != ARN and text.find("*") == len(text) - 1 and "?" not in text


@lru_cache(maxsize=4096)
def split_pieces(text: str, style: str, variables: bool) -> Pieces:
    """Split a text into literal pieces, wildcards and variables.

    Source: reference_policies_variables (special characters, default values).
    """
    pieces: list[Piece] = []
    at = 0
    # Version 2008-10-17 has no variables; a wildcard within the braces is still one.
    for found in (_TOKEN if variables else _WILDCARD).finditer(text):
        piece = _piece(found[0], style)
        if piece:
            pieces += [(TEXT, text[at : found.start()]), piece]
            at = found.end()
    return tuple(piece for piece in (*pieces, (TEXT, text[at:])) if piece != (TEXT, ""))


def _piece(token: str, style: str) -> Piece | None:
    if len(token) == 1:
        return (token,) if style in _WILD else None
    inside = token[2:-1]
    if inside in _ITSELF:
        return (TEXT, inside)
    default = _DEFAULT.fullmatch(inside)
    name, *other = default.groups() if default else (inside,)
    return (_VARIABLE, name.lower(), name, *other)


def resolve_variables(pieces: Pieces, context: Context) -> Pieces | None:
    """Replace the variables by their values; None where a variable has no value, or several.

    Where a value is not known, `_ANYTHING` stands for it.
    Source: reference_policies_variables; a key of several values cannot be a variable
    (reference_policies_condition-single-vs-multi-valued-context-keys).
    """
    resolved: list[Piece] = []
    for piece in pieces:
        if piece[0] != _VARIABLE:
            resolved.append(piece)
            continue
        values = context.get(piece[1], ())
        if values.__class__ is UnknownValue:
            resolved.append(_ANYTHING)
            continue
        values = values or piece[3:]
        if len(values) != 1:
            return None
        resolved.append((TEXT, values[0]))
    return tuple(resolved)


@lru_cache(maxsize=4096)
def _compile(pieces: Pieces, style: str) -> Glob:
    atoms = atoms_of(pieces, style)
    return re.compile(r"(?!)") if atoms is None else glob(atoms)


def atoms_of(pieces: Pieces, style: str) -> list[Atom] | None:
    """Return what the pieces match in this style; None where that is nothing."""
    if style == ANY_CASE:
        return [(TEXT, text.lower()) for _, text in pieces]
    if style not in (ARN, RESOURCE):
        return [_anywhere(piece) for piece in pieces]
    parts = _parts(pieces)
    if style == RESOURCE:
        # AWS adds a * for each part that a resource lacks.
        parts += [[(MANY,)]] * (6 - len(parts))
    if len(parts) < 6:
        return None
    front = [[*_within(part, crossing=style == RESOURCE), (TEXT, ":")] for part in parts[:5]]
    return [atom for part in (*front, map(_anywhere, parts[5])) for atom in part]


def _widest(pieces: Pieces, style: str) -> list[Atom]:
    """Return atoms that match what the pieces match in this style, whatever the unknown values are."""
    return [
        (TEXT, piece[1].lower() if style in _CASELESS else piece[1])
        if piece[0] == TEXT
        else _WIDEST[piece[0]]
        for piece in pieces
    ]


_WIDEST: dict[str, Atom] = {"anything": (MANY, ""), MANY: (MANY, ""), ONE: (ONE, "")}


def _anywhere(piece: Piece) -> Atom:
    return (TEXT, piece[1]) if piece[0] == TEXT else (piece[0], "")


def _within(part: list[Piece], crossing: bool) -> list[Atom]:
    """Return the atoms of one of the first five parts; in a resource, a * at its end matches colons too."""
    kinds = {MANY: MANY_BUT_COLON, ONE: ONE_BUT_COLON}
    atoms = [(TEXT, piece[1]) if piece[0] == TEXT else (kinds[piece[0]], "") for piece in part]
    return [*atoms[:-1], (MANY, "")] if crossing and part and part[-1][0] == MANY else atoms


def _parts(pieces: Pieces) -> list[list[Piece]]:
    """Group the pieces by the colon-separated parts of the ARN, six at most."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece[0] != TEXT:
            parts[-1].append(piece)
            continue
        first, *others = piece[1].split(":", 6 - len(parts))
        parts[-1].append((TEXT, first))
        parts += [[(TEXT, other)] for other in others]
    return parts
