"""A hand-over file as a person sees it: what it says, who signed it, how far it is, and its forms."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.handoff.answer import HandoffAnswer
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.handoff.request import HandoffRequest
from xacct_nb.runs.handoff_state import HandoffState, handoff_state
from xacct_nb.runs.handoff_writing import read_request
from xacct_nb.storage.handoff_files import kept_request, read_handoff
from xacct_nb.storage.handoff_signatures import describe_signature
from xacct_nb.views import Page, Shown, Snippet, Text, View


@dataclass(frozen=True, repr=False)
class ShownHandoff(Shown):
    """A request or an answer, who signed it, and the state of its request where that is known here."""

    value: HandoffRequest | HandoffAnswer
    signature: str
    state: HandoffState | None

    def to_json(self) -> dict[str, Any]:
        """Return what `handoff show --json` prints."""
        kind = "request" if isinstance(self.value, HandoffRequest) else "answer"
        state = self.state.to_json() if self.state else None
        return {"kind": kind, "content": self.value.to_json(), "signature": self.signature, "handoff": state}

    def view(self) -> View:
        """Return the value, its signature and its state."""
        file = "request" if isinstance(self.value, HandoffRequest) else "answer"
        signed = Text(f"The {file} is {self.signature}.", "note")
        unknown = Text("The request of this answer is not in this records folder.", "bad")
        return Page("Hand-over", (self.value.view(), signed, self.state.view() if self.state else unknown))


def show_handoff(file: str, records: Path, signers: str = "") -> ShownHandoff:
    """Return a hand-over file with its signature and its state. Raises InvalidHandoff, InvalidKey."""
    value = read_handoff(file)
    request = value if isinstance(value, HandoffRequest) else kept_request(records, value.request)
    answers = (value,) if isinstance(value, HandoffAnswer) else ()
    state = handoff_state(records, request, utc(), answers) if request else None
    return ShownHandoff(value, describe_signature(value, signers), state)


def show_form(file: str, form: str, account: str = "", back: bool = False) -> Snippet:
    """Return the side that a request asks for in a form for owners without this toolkit.

    `back` returns how to remove it again. Raises InvalidInput.
    """
    request = read_request(file)
    return (take_back if back else hand_over)(request.asked, request.side, form, account)
