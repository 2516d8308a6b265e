"""Reads a pasted error text into its fields: code, caller, action, resource, policy type."""

import re
from dataclasses import dataclass

from xacct_nb.redaction.redact import redact
from xacct_nb.validation import Serializable
from xacct_nb.views import Shown, Table, Text, View

EXPLICIT, IMPLICIT = "explicit", "implicit"
DENIED_CODES = (
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "UnauthorizedOperation",
    "Client.UnauthorizedOperation",
)
CONSOLE_TEXT = "Invalid information in one or more fields"
_CODE = re.compile(
    r"An error occurred \((?P<code>[\w.]+)\) when calling the (?P<operation>\w+) operation"
    r"(?: \([^)]*\))?: ?(?P<message>.*)",
    re.DOTALL,
)
_EXCEPTION = re.compile(r"(?:^|\s)(?:[a-z]\w*\.)+(?P<code>[A-Z]\w+):(?:\s|$)")
_BARE_CODE = re.compile(r"^(?P<code>(?!User:)[A-Z]\w{3,}):\s")
_DENIED = re.compile(
    r"User:\s*(?P<caller>arn:[^\s\"']+)?\s*is not authorized to perform:\s*(?P<action>[\w-]+:\w+)"
)
_DENIED_SHORT = re.compile(r"Not authorized to perform (?P<action>[\w-]+:\w+)")
_RESOURCE = re.compile(r"on resource:\s*(?:\"(?P<quoted>[^\"]+)\"|(?P<plain>arn:\S+|\*))")
# Source: IAM user guide, troubleshoot_access-denied, the formats of its messages.
_SUFFIX = re.compile(
    r"with an (?P<explicit>explicit) deny in (?:the |an? )(?P<denying>[\w -]+? policy|permissions boundary)"
    r"(?::\s*(?P<policy>arn:\S+))?"
    r"|because no (?P<lacking>[\w -]+? policy|permissions boundary) allows"
)
_REQUEST_ID = re.compile(r"\(?[Rr]equest ?I[Dd]: ?(?P<id>[0-9A-Za-z-]{8,})\)?")


@dataclass(frozen=True, repr=False)
class Denial(Shown, Serializable):
    """The fields of an error text; "" for what the text leaves out.

    `code` is AWS's error code or the name of the client's exception; `effect` is explicit or implicit.
    `policy_type` is the kind of policy that AWS names, and `policy` its ARN; AWS may leave out both.
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
    authorization_id: str = ""
    host_id: str = ""
    region: str = ""

    @property
    def is_by_policy(self) -> bool:
        """Whether policies denied the request; False for an error of another kind."""
        return self.code in DENIED_CODES or bool(self.action) or self.is_from_console

    @property
    def is_from_console(self) -> bool:
        """Whether this is the console's message, which is the same for every denial."""
        return CONSOLE_TEXT in self.text

    def view(self) -> View:
        """Show the fields that the text has."""
        if not self.text:
            return Text("No error text was given.", "note")
        known = {name: value for name, value in self.to_json().items() if value and name != "text"}
        rows = tuple((name.replace("_", " "), value) for name, value in known.items())
        return Table(("", "error text"), (*rows, ("text", self.text)))


NO_DENIAL = Denial()


def read_denial(text: str) -> Denial:
    """Read an error text of botocore, the AWS CLI, the console or another SDK; every text is accepted.

    A secret in it is redacted before anything else reads it.

    Source: IAM user guide, troubleshoot_access-denied (the suffixes, which AWS may leave out).
    """
    line = " ".join(redact(text, ()).split())
    error = _CODE.search(line) or _EXCEPTION.search(line) or _BARE_CODE.search(line)
    denied = _DENIED.search(line) or _DENIED_SHORT.search(line)
    resource = _RESOURCE.search(line)
    return Denial(
        line,
        _group(error, "code") or ("AccessDenied" if denied else ""),
        _group(error, "operation"),
        _group(denied, "caller"),
        _group(denied, "action"),
        _group(resource, "quoted") or _group(resource, "plain").rstrip(".,;"),
        *_suffix(line),
        _group(_REQUEST_ID.search(line), "id"),
    )


def _suffix(line: str) -> tuple[str, str, str]:
    """Return the type of the policy that AWS names, its effect and its ARN."""
    found = _SUFFIX.search(line)
    if _group(found, "explicit"):
        return _group(found, "denying"), EXPLICIT, _group(found, "policy").rstrip(".,;")
    return _group(found, "lacking"), IMPLICIT if found else "", ""


def _group(found: re.Match[str] | None, name: str) -> str:
    return (found.groupdict().get(name) or "") if found else ""
