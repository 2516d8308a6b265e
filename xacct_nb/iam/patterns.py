"""Text of a policy with wildcards and policy variables, taken apart once and compared many times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from xacct_nb.iam.wildcards import MANY, MANY_BUT_COLON, ONE, ONE_BUT_COLON, TEXT, Atom, Glob, glob

# The keys of a request, in lower case, with their values.
Context = Mapping[str, tuple[str, ...]]
Piece = tuple[str, ...]
Pieces = tuple[Piece, ...]

# How text is compared: to the letter, in any case, with wildcards, as actions, part by part of an ARN, as
# resources.
EXACT, ANY_CASE, LIKE, ACTION, ARN, RESOURCE = "exact", "any-case", "like", "action", "arn", "resource"
_CASELESS = (ANY_CASE, ACTION)
_WILD = (LIKE, ACTION, ARN, RESOURCE)
_VARIABLE = "variable"
_WILDCARD = re.compile(r"[*?]")
_TOKEN = re.compile(r"\$\{[^{}]*\}|[*?]")
_DEFAULT = re.compile(r"([^,']*?)\s*,\s*'([^']*)'\s*")
_ITSELF = ("*", "?", "$")


@dataclass(frozen=True, slots=True)
class PatternSet:
    """The values of one element or key of a policy (`texts`, as written); one of them has to match."""

    texts: tuple[str, ...]
    literals: frozenset[str]
    starts: tuple[str, ...]
    globs: tuple[Glob, ...]
    templates: tuple[Pieces, ...]
    style: str
    simple: bool

    def match(self, value: str, context: Context) -> bool:
        """Whether one of the words matches the value; a word with a variable of no value matches nothing.

        Where case does not count, the value comes in lower case.
        """
        if value in self.literals or (self.starts and value.startswith(self.starts)):
            return True
        if self.simple:
            return False
        if any(shape.fullmatch(value) for shape in self.globs):
            return True
        return any(self._matches_template(word, value, context) for word in self.templates)

    def lacks(self, context: Context) -> bool:
        """Whether a variable in one of the words has no value in this request."""
        return any(resolve_variables(word, context) is None for word in self.templates)

    def _matches_template(self, word: Pieces, value: str, context: Context) -> bool:
        known = resolve_variables(word, context)
        return known is not None and bool(_compile(known, self.style).fullmatch(value))


@lru_cache(maxsize=4096)
def pattern_set(texts: tuple[str, ...], style: str, variables: bool = False) -> PatternSet:
    """The words, ready to be compared in one style; `variables` says whether `${...}` is one (2012-10-17)."""
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
        texts, frozenset(literals), tuple(starts), tuple(globs), tuple(templates), style, simple
    )


def _is_start(text: str, style: str) -> bool:
    """Whether the only wildcard is a * at the end, so that the rest is what a value begins with."""
    return text[-1:] == "*" and style != ARN and text.find("*") == len(text) - 1 and "?" not in text


@lru_cache(maxsize=4096)
def split_pieces(text: str, style: str, variables: bool) -> Pieces:
    """The text as literal pieces, wildcards and variables.

    Source: reference_policies_variables (special characters, default values).
    """
    pieces: list[Piece] = []
    at = 0
    # Version 2008-10-17 knows no variables; a wildcard in the braces is still one.
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
    return (_VARIABLE, default[1].lower(), default[2]) if default else (_VARIABLE, inside.lower())


def resolve_variables(pieces: Pieces, context: Context) -> Pieces | None:
    """The pieces with the values of their variables; None where one has no value, or several.

    Source: reference_policies_variables; a key of several values cannot be a variable
    (reference_policies_condition-single-vs-multi-valued-context-keys).
    """
    known: list[Piece] = []
    for piece in pieces:
        if piece[0] != _VARIABLE:
            known.append(piece)
            continue
        values = context.get(piece[1], ()) or piece[2:]
        if len(values) != 1:
            return None
        known.append((TEXT, values[0]))
    return tuple(known)


@lru_cache(maxsize=4096)
def _compile(pieces: Pieces, style: str) -> Glob:
    if style == ANY_CASE:
        return glob((TEXT, text.lower()) for _, text in pieces)
    if style not in (ARN, RESOURCE):
        return glob(map(_anywhere, pieces))
    parts = _parts(pieces)
    if style == RESOURCE:
        # AWS completes a resource of fewer parts with a * for each that is missing.
        parts += [[(MANY,)]] * (6 - len(parts))
    if len(parts) < 6:
        return re.compile(r"(?!)")
    front = [[*_within(part, crossing=style == RESOURCE), (TEXT, ":")] for part in parts[:5]]
    return glob([atom for part in (*front, map(_anywhere, parts[5])) for atom in part])


def _anywhere(piece: Piece) -> Atom:
    return (TEXT, piece[1]) if piece[0] == TEXT else (piece[0], "")


def _within(part: list[Piece], crossing: bool) -> list[Atom]:
    """One of the first five parts of an ARN; in a resource a * at its end reaches over the colon."""
    kinds = {MANY: MANY_BUT_COLON, ONE: ONE_BUT_COLON}
    atoms = [(TEXT, piece[1]) if piece[0] == TEXT else (kinds[piece[0]], "") for piece in part]
    return [*atoms[:-1], (MANY, "")] if crossing and part and part[-1][0] == MANY else atoms


def _parts(pieces: Pieces) -> list[list[Piece]]:
    """The pieces by the colon-separated part of the ARN that they stand in, six at most."""
    parts: list[list[Piece]] = [[]]
    for piece in pieces:
        if piece[0] != TEXT:
            parts[-1].append(piece)
            continue
        first, *others = piece[1].split(":", 6 - len(parts))
        parts[-1].append((TEXT, first))
        parts += [[(TEXT, other)] for other in others]
    return parts
