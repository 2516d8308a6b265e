"""Keeps secrets out of everything that is shown or written: a fingerprint replaces each known secret."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from xacct_nb.redaction.encodings import COLOURS, replace_found, replace_known
from xacct_nb.redaction.names import is_credential_name, is_external_id_name, is_ordinary_word
from xacct_nb.redaction.patterns import REDACTED, find_secrets
from xacct_nb.redaction.pbkdf2 import pbkdf2_sha256
from xacct_nb.redaction.values import is_harmless, looks_random

SECRET_KEYS = ("sts:externalid",)
_MARK = re.compile(r"secret:[0-9a-f]{16}")
_FIELD = re.compile("[a-z_]{1,20}|[a-z]{1,20}/[a-z]{1,20}")  # names in records and notebooks
_NAMES = ("name", "Name", "key", "Key", "ParameterKey")
_VALUES = ("value", "Value", "ParameterValue")
# Separates two pieces of text: a colour code that no terminal uses.
_BORDER = "\x1b[0<~"


@lru_cache(maxsize=256)
def fingerprint(secret: str) -> str:
    """Return `secret:` and 16 hex digits: equal for equal secrets, slow to guess (PBKDF2, 100,000 rounds)."""
    digest = pbkdf2_sha256(secret.encode(errors="surrogatepass"), b"xacct-nb", 100_000)
    return f"secret:{digest.hex()[:16]}"


def mask_secrets(value: Any) -> Any:
    """Return a copy of JSON-like data in which the values of secret condition keys are fingerprints."""
    if isinstance(value, Mapping):
        return {key: _masked_item(key, item) for key, item in value.items()}
    return [mask_secrets(item) for item in value] if isinstance(value, (list, tuple)) else value


def restore_secrets(value: Any, secrets: Iterable[str]) -> Any:
    """Return a masked copy with its secrets restored, as far as they are among `secrets`."""
    return _restored(value, {fingerprint(secret): secret for secret in secrets})


def secrets_in(value: Any) -> set[str]:
    """Return the values of secret condition keys in JSON-like data, without fingerprints."""
    if isinstance(value, Mapping):
        return {
            found
            for key, item in value.items()
            if not _asks_for_presence(key)
            for found in (_texts(item) if _is_secret(key) else secrets_in(item))
        }
    return (
        {found for item in value for found in secrets_in(item)} if isinstance(value, (list, tuple)) else set()
    )


def is_fingerprint(text: str) -> bool:
    """Return whether a text is a fingerprint, as `fingerprint` makes it."""
    return _MARK.fullmatch(text) is not None


def fingerprints_in(value: object) -> set[str]:
    """Return the fingerprints in JSON-like data or text."""
    return set(_MARK.findall(str(value)))


def redact(text: str, secrets: Iterable[str]) -> str:
    """Remove these secrets, in every form, from a text, and everything that looks like a credential."""
    clean = replace_known(text, frozenset(secrets), fingerprint)
    return replace_found(clean, COLOURS, find_secrets)


def redact_all(value: Any, secrets: Iterable[str]) -> Any:
    """Return JSON-like data with every string redacted, keys too, and every value under a secret's name.

    What a notebook's cell wrote to one stream is redacted as one text, even if it came in pieces.
    """
    known = frozenset(secrets)
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, Mapping):
        named = _name_beside(value)
        return {
            _redacted_key(key, known): _redacted_item(named if key in _VALUES else key, item, known)
            for key, item in value.items()
        }
    if not isinstance(value, (list, tuple)):
        return value
    return [redact_all(item, known) for item in _with_clean_streams(value, known)]


def _with_clean_streams(items: Sequence[Any], known: frozenset[str]) -> list[Any]:
    """Redact secrets that start in one output of a cell's stream and end in another."""
    clean = list(items)
    streams: dict[str, list[int]] = {}
    for number, item in enumerate(items):
        if isinstance(item, Mapping) and item.get("output_type") == "stream":
            streams.setdefault(str(item.get("name")), []).append(number)
    for numbers in (each for each in streams.values() if len(each) > 1):
        pieces = _redacted_pieces(["".join(items[number].get("text", "")) for number in numbers], known)
        for number, text in zip(numbers, pieces, strict=True):
            clean[number] = {**items[number], "text": text}
    return clean


def _redacted_pieces(pieces: Sequence[str], known: frozenset[str]) -> list[str]:
    clean = redact(_BORDER.join(pieces), known).split(_BORDER)
    return clean if len(clean) == len(pieces) else [_BORDER.join(clean), *[""] * (len(pieces) - 1)]


def _name_beside(pair: Mapping[Any, Any]) -> Any:
    """Return the name of a pair such as {"name": "PASSWORD", "value": "..."}."""
    return next((pair[key] for key in _NAMES if isinstance(pair.get(key), str)), "")


def _redacted_key(key: Any, known: frozenset[str]) -> Any:
    return redact(key, known) if isinstance(key, str) and not _FIELD.fullmatch(key) else key


def _redacted_item(key: Any, item: Any, known: frozenset[str]) -> Any:
    clean = redact_all(item, known)
    if not isinstance(key, str) or not (is_credential_name(key) or is_external_id_name(key)):
        return clean
    unsure = is_ordinary_word(key)
    return (
        [_withheld(each, unsure) for each in clean] if isinstance(clean, list) else _withheld(clean, unsure)
    )


def _withheld(item: Any, unsure: bool) -> Any:
    """Redact a value under a secret's name, unless it is null, a boolean, a reference or a fingerprint."""
    plain = isinstance(item, bool | None) or (isinstance(item, str) and is_harmless(item))
    if plain or isinstance(item, Mapping | list) or (unsure and not looks_random(str(item))):
        return item
    return REDACTED


def _masked_item(key: object, item: Any) -> Any:
    if _asks_for_presence(key):
        return item
    return _masked(item) if _is_secret(key) else mask_secrets(item)


def _asks_for_presence(key: object) -> bool:
    """Return whether a key is the operator Null, whose values are true and false."""
    return isinstance(key, str) and key.lower().rpartition(":")[2] == "null"


def _is_secret(key: object) -> bool:
    return isinstance(key, str) and key.lower() in SECRET_KEYS


def _texts(item: object) -> set[str]:
    texts = item if isinstance(item, (list, tuple)) else [item]
    return {str(text) for text in texts if not _MARK.fullmatch(str(text))}


def _masked(item: Any) -> Any:
    if isinstance(item, (list, tuple)):
        return [_masked(text) for text in item]
    return item if _MARK.fullmatch(str(item)) else fingerprint(str(item))


def _restored(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _restored(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_restored(item, known) for item in value]
    return known.get(value, value) if isinstance(value, str) else value
