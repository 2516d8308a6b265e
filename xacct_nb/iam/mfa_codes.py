"""The codes that a virtual MFA device shows (RFC 6238)."""

import base64
import hmac

STEP = 30
"""Seconds for which a code is shown (RFC 6238)."""


def code_of(seed: str, step: int) -> str:
    """Return the six digits of a device with this Base32 seed in a step of 30 seconds (RFC 6238, SHA-1)."""
    digest = hmac.digest(base64.b32decode(seed), step.to_bytes(8), "sha1")
    offset = digest[-1] & 15
    number = int.from_bytes(digest[offset : offset + 4]) & 0x7FFFFFFF
    return f"{number % 1_000_000:06d}"
