"""Reads a pasted error text into its fields: code, caller, action, resource, policy type."""

from dataclasses import dataclass

from xacct_nb.diagnosis.text.error_fields import read_fields
from xacct_nb.diagnosis.text.error_text import plain_text
from xacct_nb.redaction.redact import redact
from xacct_nb.validation import Serializable
from xacct_nb.views import Shown, Table, Text, View

EXPLICIT, IMPLICIT = "explicit", "implicit"
DENIED_CODES = (
    "403",
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationError",
    "AuthorizationErrorException",
    "Client.UnauthorizedOperation",
    "Forbidden",
    "ForbiddenException",
    "NotAuthorized",
    "NotAuthorizedException",
    "UnauthorizedException",
    "UnauthorizedOperation",
)
CONSOLE_TEXT = "Invalid information in one or more fields"


@dataclass(frozen=True, repr=False)
class Denial(Shown, Serializable):
    """The fields of an error text; "" for what the text leaves out.

    `code` is AWS's error code or the name of the client's exception; `effect` is explicit or implicit.
    `policy_type` is the kind of policy that AWS names, and `policy` its ARN; AWS may leave out both. `text`
    is as AWS wrote it. By `authorization_id` AWS looks up the evaluation of this denial.
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
    """Read an error text of any client, the console or CloudTrail; every text is accepted.

    A secret in it is redacted before anything else reads it, and again where lines are joined.

    Source: IAM user guide, troubleshoot_access-denied (the suffixes, which AWS may leave out).
    """
    clean = redact(text, ())
    plain = redact(plain_text(clean), ()) or " ".join(clean.split())
    return Denial(plain, **read_fields(plain, DENIED_CODES))
