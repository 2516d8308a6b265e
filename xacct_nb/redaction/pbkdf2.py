"""PBKDF2 with HMAC-SHA256 (RFC 8018), also where Python has no OpenSSL, as in a browser tab."""

import hashlib

_BLOCK = 64  # bytes of a block of SHA-256


def pbkdf2_sha256(secret: bytes, salt: bytes, rounds: int) -> bytes:
    """Return 32 bytes, the same as `hashlib.pbkdf2_hmac("sha256", ...)` returns where that is there."""
    if hasattr(hashlib, "pbkdf2_hmac"):
        return hashlib.pbkdf2_hmac("sha256", secret, salt, rounds)
    return without_openssl(secret, salt, rounds)


def without_openssl(secret: bytes, salt: bytes, rounds: int) -> bytes:
    """Return the same, computed in Python: 100,000 rounds take about a second in a browser tab."""
    key = (secret if len(secret) <= _BLOCK else hashlib.sha256(secret).digest()).ljust(_BLOCK, b"\0")
    inner, outer = (hashlib.sha256(bytes(byte ^ pad for byte in key)) for pad in (0x36, 0x5C))

    def hmac(message: bytes) -> bytes:
        first, second = inner.copy(), outer.copy()
        first.update(message)
        second.update(first.digest())
        return second.digest()

    last = hmac(salt + (1).to_bytes(4))
    found = int.from_bytes(last)
    for _ in range(rounds - 1):
        last = hmac(last)
        found ^= int.from_bytes(last)
    return found.to_bytes(32)
