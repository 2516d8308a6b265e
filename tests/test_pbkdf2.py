"""Without OpenSSL, a fingerprint is the same."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from xacct_nb.redaction.pbkdf2 import pbkdf2_sha256, without_openssl
from xacct_nb.redaction.redact import fingerprint


@given(secret=st.binary(max_size=200), salt=st.binary(max_size=80), rounds=st.integers(1, 20))
def test_it_is_what_openssl_computes(secret: bytes, salt: bytes, rounds: int) -> None:
    assert without_openssl(secret, salt, rounds) == hashlib.pbkdf2_hmac("sha256", secret, salt, rounds)


def test_a_fingerprint_is_the_same_where_python_has_no_openssl(monkeypatch: pytest.MonkeyPatch) -> None:
    known = fingerprint("an-external-id-7781")
    monkeypatch.delattr(hashlib, "pbkdf2_hmac")
    fingerprint.cache_clear()

    assert fingerprint("an-external-id-7781") == known
    assert pbkdf2_sha256(b"a", b"b", 1) == without_openssl(b"a", b"b", 1)
