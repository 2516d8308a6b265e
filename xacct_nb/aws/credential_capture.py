"""The secrets that the AWS clients of this process sign with and are answered, whoever made the clients."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from botocore.handlers import BUILTIN_HANDLERS

from xacct_nb.redaction.patterns import is_credential
from xacct_nb.redaction.redact import secrets_in

Tell = Callable[[set[str]], object]

# What is shorter is no secret of AWS, and may be part of anything: a sandbox takes `test` for a secret key.
_LEAST = 16
_KNOWN: set[str] = set()
_LISTENERS: list[Tell] = []


def capture_credentials(tell: Tell) -> None:
    """Has `tell` called with what is known so far, and with each secret as a client gets to know it."""
    if tell not in _LISTENERS:
        _LISTENERS.append(tell)
        if _KNOWN:
            tell(set(_KNOWN))


def _note(secrets: Iterator[str]) -> None:
    new = {each for each in secrets if len(each) >= _LEAST} - _KNOWN
    _KNOWN.update(new)
    for tell in _LISTENERS if new else ():
        tell(set(new))


def _on_signing(request_signer: Any, **_: Any) -> None:
    # Credentials of a role change while a client lives: what counts is what it signs with.
    credentials = request_signer._credentials
    if credentials is not None:
        frozen = credentials.get_frozen_credentials()
        _note(each for each in frozen if each)


def _on_answer(parsed: Any, **_: Any) -> None:
    _note(_secrets_in(parsed))
    # An external ID of a trust policy may be a plain name, which stands in ARNs too.
    _note(each for each in secrets_in(parsed) if re.search(r"\d", each))


def _secrets_in(value: Any) -> Iterator[str]:
    """The texts under names of secrets in a parsed answer."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            if isinstance(item, str):
                yield from [item] if name == "AccessKeyId" or is_credential(name) else ()
            else:
                yield from _secrets_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _secrets_in(item)


# botocore's own table: every session of this process that is made from now on has these two as well.
_HANDLERS: dict[str, Callable[..., None]] = {"before-sign": _on_signing, "after-call": _on_answer}
BUILTIN_HANDLERS.extend(_HANDLERS.items())
