"""Gives the root user of each account a secret of its own; MiniStack checks no signature again.

MiniStack itself accepts any signature for a 12-digit key and for `test`; it checks others on some paths.
`xacct_nb.sandbox.http.authentication` has checked every request before MiniStack gets it.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from ministack import app
from ministack.core import iam_evaluator, router
from ministack.services import s3, sts

from xacct_nb.sandbox.ministack.xml_text import XmlText

SecretOf = Callable[[str], str]
"""(account) -> the secret access key of its root user."""

_ACCOUNT = re.compile(r"[0-9]{12}")


def install(secret_of: SecretOf) -> None:
    """Let the root key of an account, its 12 digits, have this secret, and no other key be a root key."""
    resolve = partial(_resolve, secret_of, iam_evaluator.resolve_credential)
    for module in (iam_evaluator, s3):
        module.resolve_credential = resolve
    sts.resolve_credential = partial(_as_shown, resolve)  # GetCallerIdentity writes its ARN into XML
    for module in (iam_evaluator, sts):
        module.is_root_access_key = is_root_key
    app.pin_signed_request = _pin_checked
    app.pin_signed_body = _pin_no_body
    s3._verify_presigned_sigv4 = _accept_checked


def is_root_key(key: str) -> bool:
    """Return whether an access key id is that of the root user of an account."""
    return bool(_ACCOUNT.fullmatch(key or ""))


def _resolve(
    secret_of: SecretOf,
    resolve: Callable[..., Any],
    key: str,
    account: str | None = None,
    session_token: Any = iam_evaluator._SESSION_TOKEN_NOT_CHECKED,
) -> Any:
    """Return MiniStack's record of a key, with the root user's own secret."""
    if not is_root_key(key):
        return resolve(key, account, session_token)
    if session_token not in (iam_evaluator._SESSION_TOKEN_NOT_CHECKED, "", None):
        return iam_evaluator._invalid_session_token()
    arn = f"arn:aws:iam::{key}:root"
    return iam_evaluator.ResolvedCredential(
        key, secret_of(key), key, arn, key, "Root", source_access_key_id=key
    )


def _as_shown(resolve: Callable[..., Any], *request: Any, **more: Any) -> Any:
    found = resolve(*request, **more)
    if isinstance(found, iam_evaluator.CredentialResolutionError):
        return found
    return replace(found, principal_arn=XmlText(found.principal_arn))


def _pin_checked(method: str, path: str, query: Any, headers: Any, handshake: bool = False) -> None:
    """Note the key of a request whose signature was checked before MiniStack got it."""
    authorization = next((value for name, value in headers if name.lower() == b"authorization"), b"")
    key = router.extract_access_key_id({"authorization": authorization.decode("latin-1")}, query)
    iam_evaluator._signed_request.set(None)
    iam_evaluator._anonymous.set(False)
    iam_evaluator._verified_key.set(key)


def _pin_no_body(body: bytes) -> None:
    """Keep no body for a check that was made."""


def _accept_checked(*_: Any) -> None:
    """Find no fault with a link to S3 whose signature was checked."""
