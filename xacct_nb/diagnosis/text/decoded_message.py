"""Reads what DecodeAuthorizationMessage returns: JSON with the caller, the action and the resource."""

import re

_EXPLICIT = re.compile(r"\"explicitDeny\"\s*:\s*(true|false)")
_NOT_ALLOWED = re.compile(r"\"allowed\"\s*:\s*false")
_FIELDS = {
    "caller": re.compile(r"\"principal\"\s*:\s*\{[^{}]{0,2000}?\"arn\"\s*:\s*\"(arn:aws[^\"]+)\""),
    "action": re.compile(r"\"action\"\s*:\s*\"([a-z0-9-]+:\w+)\""),
    "resource": re.compile(r"\"resource\"\s*:\s*\"(arn:aws[^\"]+|\*)\""),
}


def decoded_fields(text: str) -> dict[str, str]:
    """Return the fields of a decoded message in one line; {} if the text is none, or allows the request.

    It names no type of policy. Source: API reference of STS, DecodeAuthorizationMessage.
    """
    explicit = _EXPLICIT.search(text)
    if not (explicit and _NOT_ALLOWED.search(text)):
        return {}
    matches = {name: pattern.search(text) for name, pattern in _FIELDS.items()}
    fields = {name: found[1] for name, found in matches.items() if found}
    effect = "explicit" if explicit[1] == "true" else "implicit"
    return fields | {"effect": effect} if "action" in fields else {}
