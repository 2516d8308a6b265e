"""The text of a policy with wildcards and policy variables, split once and matched many times."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from xacct_nb.iam.wildcards import MANY, MANY_BUT_COLON, ONE, ONE_BUT_COLON, TEXT, Atom, Glob, glob

# The keys of a request, in lower case, with their values.
Context = Mapping[str, tuple[str, ...]]
Piece = tuple[str, ...]
Pieces = tuple[Piece, ...]

# Styles of matching: exact text, any case, with wildcards, as actions, ARNs part by part, as resources.
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
    simple: bool

    def match(self, value: str, context: Context) -> bool:
        """Return whether one of the patterns matches; one with a variable that has no value never does.

        Where the style ignores case, pass the value in lower case.
        """
        if value in self.literals or (self.starts and value.startswith(self.starts)):
            return True
        if self.simple:
            return False
        if any(pattern.fullmatch(value) for pattern in self.globs):
            return True
        return any(self._matches_template(template, value, context) for template in self.templates)

    def lacks_variable(self, context: Context) -> bool:
        """Return whether a variable in one of the patterns has no value in this request."""
        return any(resolve_variables(template, context) is None for template in self.templates)

    def _matches_template(self, template: Pieces, value: str, context: Context) -> bool:
        resolved = resolve_variables(template, context)
        return resolved is not None and bool(_compile(resolved, self.style).fullmatch(value))


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
        texts, frozenset(literals), tuple(starts), tuple(globs), tuple(templates), style, simple
    )


def matches(pattern: str, text: str) -> bool:
    """Return whether a text matches a pattern in which `*` and `?` are wildcards."""
    return pattern_set((pattern,), LIKE).match(text, {})


def covers(pattern: str, action: str) -> bool:
    """Return whether an action pattern (`s3:Get*`) covers an action, in any case."""
    return pattern_set((pattern,), ACTION).match(action.lower(), {})


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
    return (_VARIABLE, default[1].lower(), default[2]) if default else (_VARIABLE, inside.lower())


def resolve_variables(pieces: Pieces, context: Context) -> Pieces | None:
    """Replace the variables by their values; None where a variable has no value, or several.

    Source: reference_policies_variables; a key of several values cannot be a variable
    (reference_policies_condition-single-vs-multi-valued-context-keys).
    """
    resolved: list[Piece] = []
    for piece in pieces:
        if piece[0] != _VARIABLE:
            resolved.append(piece)
            continue
        values = context.get(piece[1], ()) or piece[2:]
        if len(values) != 1:
            return None
        resolved.append((TEXT, values[0]))
    return tuple(resolved)


@lru_cache(maxsize=4096)
def _compile(pieces: Pieces, style: str) -> Glob:
    if style == ANY_CASE:
        return glob((TEXT, text.lower()) for _, text in pieces)
    if style not in (ARN, RESOURCE):
        return glob(map(_anywhere, pieces))
    parts = _parts(pieces)
    if style == RESOURCE:
        # AWS adds a * for each part that a resource lacks.
        parts += [[(MANY,)]] * (6 - len(parts))
    if len(parts) < 6:
        return re.compile(r"(?!)")
    front = [[*_within(part, crossing=style == RESOURCE), (TEXT, ":")] for part in parts[:5]]
    return glob([atom for part in (*front, map(_anywhere, parts[5])) for atom in part])


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
