"""Secrets stay out of everything that is shown or written: a fingerprint stands in their place."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

SECRET_KEYS = ("sts:externalid",)
_MARK = re.compile(r"secret:[0-9a-f]{16}")
# Access key ids (AKIA, ASIA), session tokens (they start alike) and private keys, wherever they turn up.
_SHAPES = re.compile(
    r"\b(?:AKIA|ASIA)[A-Z0-9]{12,20}\b"
    r"|\b(?:FwoGZXIvYXdz|IQoJb3JpZ2lu)[A-Za-z0-9+/=]{20,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?-----END [A-Z ]*PRIVATE KEY-----",
    re.DOTALL,
)
# What has no shape of its own is known by the name before it, in JSON, Python, an AWS file or HTML.
_QUOTE = r"(?:\\*[\"']|&#3[49];|&quot;)?"
_NAMED = re.compile(
    rf"((?:secret_?access_?key|session_?token|token_?code|password){_QUOTE}\s*[:=]\s*{_QUOTE})[\w/+=.-]{{6,}}",
    re.IGNORECASE,
)


@lru_cache(maxsize=256)
def fingerprint(secret: str) -> str:
    """`secret:` and 16 hex digits: equal for equal secrets, slow to guess from (PBKDF2, 100,000 rounds)."""
    digest = hashlib.pbkdf2_hmac("sha256", secret.encode(), b"xacct-nb", 100_000)
    return f"secret:{digest.hex()[:16]}"


def shield(value: Any) -> Any:
    """A copy of JSON-like data in which the values of secret condition keys are fingerprints."""
    if isinstance(value, Mapping):
        return {key: _covered(item) if _is_secret(key) else shield(item) for key, item in value.items()}
    return [shield(item) for item in value] if isinstance(value, (list, tuple)) else value


def unshield(value: Any, secrets: Iterable[str]) -> Any:
    """The copy with its secrets put back, as far as they are among `secrets`."""
    return _uncovered(value, {fingerprint(secret): secret for secret in secrets})


def secrets_in(value: Any) -> set[str]:
    """The values of secret condition keys in JSON-like data, fingerprints left out."""
    if isinstance(value, Mapping):
        return {
            found
            for key, item in value.items()
            for found in (_texts(item) if _is_secret(key) else secrets_in(item))
        }
    return (
        {found for item in value for found in secrets_in(item)} if isinstance(value, (list, tuple)) else set()
    )


def fingerprints_in(value: Any) -> set[str]:
    """The fingerprints that stand in JSON-like data or text."""
    return set(_MARK.findall(str(value)))


def redact(words: str, secrets: Iterable[str]) -> str:
    """Text without these secrets (also as they stand in a URL) and without keys, tokens and passwords."""
    written = {form: secret for secret in secrets if secret for form in (quote(secret, safe=""), secret)}
    if written:
        longest_first = sorted(written, key=len, reverse=True)
        words = re.sub(
            "|".join(map(re.escape, longest_first)), lambda hit: fingerprint(written[hit[0]]), words
        )
    return _NAMED.sub(r"\1[redacted]", _SHAPES.sub("[redacted]", words))


def redact_all(value: Any, secrets: Iterable[str]) -> Any:
    """JSON-like data with every string in it, keys too, redacted."""
    known = tuple(secrets)
    if isinstance(value, str):
        return redact(value, known)
    if isinstance(value, Mapping):
        return {redact(key, known): redact_all(item, known) for key, item in value.items()}
    return [redact_all(item, known) for item in value] if isinstance(value, (list, tuple)) else value


def _is_secret(key: Any) -> bool:
    return isinstance(key, str) and key.lower() in SECRET_KEYS


def _texts(item: Any) -> set[str]:
    texts = item if isinstance(item, (list, tuple)) else [item]
    return {str(text) for text in texts if not _MARK.fullmatch(str(text))}


def _covered(item: Any) -> Any:
    if isinstance(item, (list, tuple)):
        return [_covered(text) for text in item]
    return item if _MARK.fullmatch(str(item)) else fingerprint(str(item))


def _uncovered(value: Any, known: Mapping[str, str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _uncovered(item, known) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_uncovered(item, known) for item in value]
    return known.get(value, value) if isinstance(value, str) else value
