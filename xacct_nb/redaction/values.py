"""What may stand under a secret's name: the secret itself, or a reference, a placeholder, a piece of code."""

import re

LEAST = 8  # characters of a value that its name alone makes a secret
FINGERPRINT = r"secret:[0-9a-f]{16}"
# References and fingerprints represent a secret, and are not secret.
REFERENCE = rf"{FINGERPRINT}|env:|file:|\[redacted\]"
_IS_REFERENCE = re.compile(REFERENCE)
_PLACEHOLDER = re.compile(
    r"(?s:arn:aws[\w-]*:.*)|alias/.*|<[^<>\n]*>|\[[\w -]*\]|\*+|\.{2,}|[xX]{3,}|-+"
    r"|\$\{?[A-Z_][A-Z0-9_]*\}?|\$env:\w+|%[A-Z_]+%|\{\{.*|\$\{\{?[^{}]*\}{1,2}|\{[\w. -]*\}"
    r"|AWS4-[A-Z0-9-]+"
    r"|(?i:\(?(?:none|null|nil|true|false|undefined|required|optional|empty|unset|hidden|redacted)\)?)"
)
_CODE = re.compile(
    r"!(?:Ref|Sub|GetAtt|ImportValue)\b.*|[A-Za-z_][\w.]*[(\[].*|f?[\"'(\[{].*"
    r"|(?:Strict|Secret)(?:Str|Bytes)\b.*|Optional\b.*|(?:str|int|bool|bytes|float|dict|list|tuple|set|any|object|string|text)\b[^\w-]?.*",
    re.DOTALL,
)
_PATH = re.compile(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*")
# An account, as the sandbox uses it for a key id, also with the scope of a signature.
_ACCOUNT = re.compile(r"\d{12}(?:(?:/|%2F).*)?")
_VARIABLE = re.compile(r"(?:(?:_?[A-Z]?[a-z_]*|[A-Z_]+)(?:\.|\Z))+")
_WORD = re.compile(r"[A-Za-z]?[a-z]*|[A-Z]+|(?:[A-Z][a-z]+)+")


def is_secret_reference(text: str) -> bool:
    """Return whether the text is empty, a reference to a secret, or a fingerprint."""
    return not text or _IS_REFERENCE.match(text) is not None


def is_harmless(value: str) -> bool:
    """Return whether a value under a secret's name is a reference, a placeholder, a variable or an ARN."""
    return is_secret_reference(value) or _PLACEHOLDER.fullmatch(value) is not None


def is_code(value: str, name: str) -> bool:
    """Return whether a value without quotes is code: a call, a type, or a variable of the same name."""
    if _CODE.fullmatch(value) is not None:
        return True
    last, named = value.rpartition(".")[2].lower(), name.lower().lstrip("-").replace("-", "_")
    return (last.endswith(named) or named.endswith(last)) and _PATH.fullmatch(value) is not None


def is_variable(value: str) -> bool:
    """Return whether a value may be a word, or the name of a variable or an attribute."""
    return _VARIABLE.fullmatch(value) is not None


def is_plain_word(value: str) -> bool:
    """Return whether a value is a word or several in one: letters only."""
    return _WORD.fullmatch(value) is not None


def looks_random(value: str) -> bool:
    """Return whether a value may be a credential: no space, no plain word, no account."""
    is_long = len(value) >= LEAST and not re.search(r"\s", value)
    return is_long and not is_plain_word(value) and not _ACCOUNT.fullmatch(value)


def has_digit(value: str) -> bool:
    """Return whether a value has a digit."""
    return re.search(r"[0-9]", value) is not None
