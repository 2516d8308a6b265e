"""A pasted error text, read into what AWS or the client said: code, caller, action, resource, policy type."""

import re
from dataclasses import asdict, dataclass, fields
from typing import Any

from xacct_nb.views import Shown, Table, Text, View

EXPLICIT, IMPLICIT = "explicit", "implicit"
DENIED_CODES = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "Client.UnauthorizedOperation",
)
CONSOLE = "Invalid information in one or more fields"
_CODE = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation"
    r"(?: \([^)]*\))?: ?(?P<message>.*)",
    re.DOTALL,
)
_EXCEPTION = re.compile(r"(?:^|\s)(?:[a-z]\w*\.)+(?P<code>[A-Z]\w+):(?:\s|$)")
_BARE_CODE = re.compile(r"^(?P<code>(?!User:)[A-Z]\w{3,}):\s")
_WHO = re.compile(
    r"User:\s*(?P<caller>arn:[^\s\"']+)?\s*is not authorized to perform:\s*(?P<action>[\w-]+:\w+)"
)
_OLD_WHO = re.compile(r"Not authorized to perform (?P<action>[\w-]+:\w+)")
_RESOURCE = re.compile(r"on resource:\s*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>arn:\S+|\*))")
# Source: IAM user guide, troubleshoot_access-denied, the forms of its messages.
_SUFFIX = re.compile(
    r"with an (?P<explicit>explicit) deny in (?:the |an? )(?P<denying>[\w -]+? policy|permissions boundary)"
    r"(?::\s*(?P<policy>arn:\S+))?"
    r"|because no (?P<lacking>[\w -]+? policy|permissions boundary) allows"
)
_REQUEST_ID = re.compile(r"\(?[Rr]equest ?I[Dd]: ?(?P<id>[0-9A-Za-z-]{8,})\)?")


@dataclass(frozen=True, repr=False)
class Denial(Shown):
    """What an error text says, as far as it says it; "" for what it leaves out.

    `code` is AWS's error code or the name of the client's exception; `effect` is explicit or implicit, and
    `policy_type` the kind of policy that AWS names, which it may always leave out; `policy` its ARN.
    """

    text: str = ""
    code: str = ""
    operation: str = ""
    caller: str = ""
    action: str = ""
    resource: str = ""
    policy_type: str = ""
    effect: str = ""
    policy: str = ""
    request_id: str = ""

    @property
    def refuses(self) -> bool:
        """Whether this is a denial by policies, not an error of another kind."""
        return self.code in DENIED_CODES or bool(self.action) or self.from_console

    @property
    def from_console(self) -> bool:
        """Whether this is the sentence that the console has for every denial."""
        return CONSOLE in self.text

    def to_json(self) -> dict[str, str]:
        """Plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, given: dict[str, Any]) -> "Denial":
        """The Denial that `to_json` was made from."""
        return cls(**given)

    def view(self) -> View:
        """What was read out of the text."""
        if not self.text:
            return Text("No error text was given.", "note")
        names = (each.name for each in fields(self) if each.name != "text")
        said = [(name.replace("_", " "), str(getattr(self, name))) for name in names if getattr(self, name)]
        return Table(("", "AWS or the client said"), (*said, ("text", self.text)))


NOTHING_SAID = Denial()


def read_denial(text: str) -> Denial:
    """Reads an error text of botocore, the AWS CLI, the console or another SDK; any text is read.

    Source: IAM user guide, troubleshoot_access-denied (the suffixes, which AWS may leave out).
    """
    words = " ".join(text.split())
    coded = _CODE.search(words) or _EXCEPTION.search(words) or _BARE_CODE.search(words)
    who = _WHO.search(words) or _OLD_WHO.search(words)
    return Denial(
        words,
        _group(coded, "code") or ("AccessDenied" if who else ""),
        _group(coded, "operation"),
        _group(who, "caller"),
        _group(who, "action"),
        _resource(words),
        *_suffix(words),
        _group(_REQUEST_ID.search(words), "id"),
    )


def _resource(words: str) -> str:
    found = _RESOURCE.search(words)
    return _group(found, "quoted") or _group(found, "plain").rstrip(".,;")


def _suffix(words: str) -> tuple[str, str, str]:
    found = _SUFFIX.search(words)
    if not found:
        return "", "", ""
    if found["explicit"]:
        return found["denying"], EXPLICIT, (found["policy"] or "").rstrip(".,;")
    return found["lacking"], IMPLICIT, ""


def _group(found: re.Match[str] | None, name: str) -> str:
    return (found.groupdict().get(name) or "") if found else ""
