"""Text that is well-formed XML wherever MiniStack puts it into a response; everywhere else it is itself.

MiniStack writes its responses of IAM and STS with f-strings, and escapes nothing there. An f-string asks each
value for its format: a value of this class answers with its text escaped for XML.
"""

import re
from typing import Any

from ministack.core.responses import AccountScopedDict
from ministack.services import iam

_ESCAPED = {ord("<"): "&lt;", ord(">"): "&gt;", ord("&"): "&amp;", ord("\r"): "&#13;"}
# Most texts are such names; it is faster to see that than to replace nothing.
_PLAIN = re.compile(r"[\w ./:+=,@-]*", re.ASCII)
# XML 1.0 has no form at all for these characters.
_INVALID = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_INVALID_BYTES = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f]|\xef\xbf[\xbe\xbf]")
_UNKNOWN = "\ufffd"
# What is made of such a text by these is such a text again.
_PARTS = (
    "strip",
    "lstrip",
    "rstrip",
    "removeprefix",
    "removesuffix",
    "lower",
    "upper",
    "replace",
    "__getitem__",
    "__add__",
)
_LISTS = ("split", "rsplit", "partition", "rpartition")
_STORES = ("_users", "_roles", "_policies", "_groups", "_instance_profiles")


class XmlText(str):
    """A text that an f-string shows escaped for XML."""

    __slots__ = ()

    def __format__(self, spec: str) -> str:
        return escape_xml(format(str(self), spec) if spec else str(self))

    def __repr__(self) -> str:
        return XmlText(super().__repr__())


def _keeping(name: str) -> Any:
    plain = getattr(str, name)
    return lambda text, *given: XmlText(plain(text, *given))


def _keeping_each(name: str) -> Any:
    plain = getattr(str, name)
    return lambda text, *given: [XmlText(part) for part in plain(text, *given)]


for _name in _PARTS:
    setattr(XmlText, _name, _keeping(_name))
for _name in _LISTS:
    setattr(XmlText, _name, _keeping_each(_name))


def escape_xml(text: str) -> str:
    """Return a text as the content of an XML element; what XML cannot have becomes U+FFFD."""
    return text if _PLAIN.fullmatch(text) else _INVALID.sub(_UNKNOWN, text).translate(_ESCAPED)


def valid_bytes(body: bytes) -> bytes:
    """Return XML of the same length without the characters that XML cannot have."""
    return _INVALID_BYTES.sub(lambda found: b"?" if len(found[0]) == 1 else _UNKNOWN.encode(), body)


def as_xml_text(value: Any) -> Any:
    """Return a value of JSON whose texts are XmlText; the containers themselves stay the same objects."""
    if isinstance(value, str):
        return XmlText(value)
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in list(items):
        value[key] = XmlText(item) if type(item) is str else as_xml_text(item)
    return value


class _XmlStore(AccountScopedDict):  # type: ignore[misc]
    """A store of MiniStack in which every text of an entry is XmlText, also an ARN made of others."""

    __slots__ = ()

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(key, as_xml_text(value))


def install() -> None:
    """Let the entries of IAM's stores be XmlText from now on."""
    for name in _STORES:
        getattr(iam, name).__class__ = _XmlStore
