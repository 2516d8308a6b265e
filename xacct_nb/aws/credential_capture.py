"""Captures the secrets that every AWS client of this process signs with or receives."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from xacct_nb.redaction.names import is_credential_name
from xacct_nb.redaction.redact import secrets_in

Listener = Callable[[set[str]], object]

# AWS has no shorter secrets; a shorter text, such as the root key id of a sandbox, may be part of any other.
_LEAST = 16
_KNOWN: set[str] = set()
_LISTENERS: list[Listener] = []


def capture_credentials(listener: Listener) -> None:
    """Call the listener with the secrets captured so far, and with each new one."""
    if listener not in _LISTENERS:
        _LISTENERS.append(listener)
        if _KNOWN:
            listener(set(_KNOWN))


def _note(secrets: Iterator[str]) -> None:
    new = {each for each in secrets if len(each) >= _LEAST} - _KNOWN
    _KNOWN.update(new)
    for listener in _LISTENERS if new else ():
        listener(set(new))


def _on_signing(request_signer: Any, **_: Any) -> None:
    # A role's credentials change while a client lives, so they are captured at each signature.
    credentials = request_signer._credentials
    if credentials is not None:
        _note(filter(None, credentials.get_frozen_credentials()))


def _on_response(parsed: Any, **_: Any) -> None:
    _note(_secrets_in(parsed))
    # An external ID without digits may be a plain name, which ARNs contain too.
    _note(each for each in secrets_in(parsed) if re.search(r"\d", each))


def _secrets_in(value: Any) -> Iterator[str]:
    """Yield the texts and bytes under the names of secrets in a parsed response."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if not isinstance(item, str | bytes):
                yield from _secrets_in(item)
            elif is_credential_name(name):
                yield item if isinstance(item, str) else item.decode(errors="replace")
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item)


# botocore's own table: every session that this process makes from now on has these two handlers.
BUILTIN_HANDLERS.append(("before-sign", _on_signing))
BUILTIN_HANDLERS.append(("after-call", _on_response))
