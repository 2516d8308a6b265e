"""Finds unknown secrets in a text: by their own form, by the name before them, or by a key id nearby."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.redaction.named_values import find_named
from xacct_nb.redaction.names import is_credential_name, is_ordinary_word
from xacct_nb.redaction.shapes import find_shapes
from xacct_nb.redaction.values import LEAST

REDACTED = "[redacted]"
_EXTERNAL_ID = re.compile(r"external[ _-]?id", re.IGNORECASE)
# What a text must have for a secret to be found in it; the search for each kind takes longer in a short text.
_SIGNS = re.compile(
    r"secret|pass|token|auth|credential|assertion|bearer|cookie|plaintext|external|wallet|samlresponse|signature"
    r"|(?:key|code|jwt|pin|session|seed|otp|pwd|_pw|string|url|dsn|pat)(?![a-z])|(?:key|code|pin|session)[a-z0-9_]"
    r"|a[ks]ia|abia|acca|-----begin|private-lines|fwogzx|iqoj|absk|bedrock-|aoa|eyj|://|%2f%2f|ignature|sig="
    r"|gh[opusr]_|github_pat|gl[a-z]{2,5}-|xox|xapp-|hooks\.|npm_|pypi-|sk-|k_|hf_|aiza|gocspx|ya29|q~|hv[sbr]\."
    r"|atlasv1|dckr_|dop_v1|sg\.|atatt3|-u|login|mysql|mfa|base32"
)
_SHORT = 4000
# An address with a password, and a credential in JSON, as variables of the environment hold them.
_IN_ADDRESS = re.compile(r"://[^\s:/@]{0,256}:(\S{4,256})@")


def credentials_in(variables: Mapping[str, str]) -> set[str]:
    """Return the credentials among the variables: by the name, such as PGPASSWORD, or within the value."""
    found = {value for name, value in variables.items() if _is_credential(name, value)}
    for value in variables.values():
        found |= set(_IN_ADDRESS.findall(value))
        found |= set(_in_json(value)) if value.startswith("{") else set()
    return {each for each in found if len(each) >= LEAST}


def find_secrets(text: str) -> list[tuple[int, int, str]]:
    """Return the parts of a text that look like secrets, in order, without overlaps."""
    lower = text.replace("\u0130", "I").lower()  # the only letter with a lower case of two characters
    if len(text) < _SHORT and not _SIGNS.search(lower):
        return []
    found: list[tuple[int, int, str]] = []
    for start, end in sorted((*find_shapes(text, lower), *find_named(text, lower))):
        if found and start < found[-1][1]:
            first, last, _ = found.pop()
            found.append((first, max(last, end), REDACTED))
        else:
            found.append((start, end, REDACTED))
    return found


def has_credential(text: str) -> bool:
    """Return whether a text has what looks like a credential; the name of an external ID does not count."""
    return bool(find_secrets(_EXTERNAL_ID.sub("", text)))


def _is_credential(name: str, value: str) -> bool:
    """Return whether a variable holds a credential, and does not name the file of one instead."""
    is_path = is_ordinary_word(name) and re.match(r"~?/|\.{1,2}/|[A-Za-z]:\\", value)
    return is_credential_name(name) and not is_path


def _in_json(text: str) -> Iterator[str]:
    try:
        yield from _named_in(json.loads(text))
    except ValueError:
        return


def _named_in(value: Any) -> Iterator[str]:
    """Yield the texts under the names of credentials, at any depth."""
    if isinstance(value, Mapping):
        for name, item in value.items():
            yield from [item] if isinstance(item, str) and is_credential_name(str(name)) else _named_in(item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_in(item)
