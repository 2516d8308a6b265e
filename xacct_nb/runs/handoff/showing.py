"""A hand-over file as a person sees it: what it says, who signed it, how far it is, and its forms."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidHandoff, XacctError
from xacct_nb.handoff.answer import HandoffAnswer
from xacct_nb.handoff.checks import check_answer
from xacct_nb.handoff.fleet_request import FleetRequest, check_fleet_answer
from xacct_nb.handoff.forms.table import hand_over, take_back
from xacct_nb.handoff.request import HandoffRequest, differences
from xacct_nb.runs.handoff.state import HandoffState, fleet_handoff_state, handoff_state
from xacct_nb.runs.handoff.writing import read_request
from xacct_nb.storage.handoff_files import AnyRequest, kept_request, read_handoff
from xacct_nb.storage.handoff_signatures import describe_signature
from xacct_nb.views import Page, Shown, Snippet, Text, View


@dataclass(frozen=True, repr=False)
class ShownHandoff(Shown):
    """A request or an answer, who signed it, and the state of its request where that is known here.

    `problem` is why the answer cannot be accepted as it is; `differences` are those of a changed answer.
    """

    value: AnyRequest | HandoffAnswer
    signature: str
    state: HandoffState | None
    problem: XacctError | None = None
    differences: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """Return what `handoff show --json` prints."""
        kind = "answer" if isinstance(self.value, HandoffAnswer) else "request"
        state = self.state.to_json() if self.state else None
        about = {"kind": kind, "content": self.value.to_json(), "signature": self.signature, "handoff": state}
        return {**about, "problem": self.problem.to_json() if self.problem else None}

    def view(self) -> View:
        """Return the value, its signature and its state."""
        file = "answer" if isinstance(self.value, HandoffAnswer) else "request"
        signed = Text(f"The {file} is {self.signature}.", "note")
        unknown = Text("The request of this answer is not in this records folder.", "bad")
        found = [Text(each, "change") for each in self.differences]
        found += [Text(str(self.problem), "bad")] if self.problem else []
        state = self.state.view() if self.state else unknown
        return Page("Hand-over", (self.value.view(), signed, *found, state))


def show_handoff(file: str, records: Path, signers: str = "") -> ShownHandoff:
    """Return a hand-over file with its signature and its state. Raises InvalidHandoff, InvalidKey."""
    value = read_handoff(file)
    signature = describe_signature(value, signers)
    if isinstance(value, FleetRequest):
        return ShownHandoff(value, signature, fleet_handoff_state(records, value, utc()))
    if isinstance(value, HandoffRequest):
        return ShownHandoff(value, signature, handoff_state(records, value, utc()))
    request = kept_request(records, value.request)
    if request is None:
        return ShownHandoff(value, signature, None)
    if isinstance(request, FleetRequest):
        return _of_fleet(request, value, signature, records)
    state = handoff_state(records, request, utc(), (value,))
    try:
        changed = differences(request.asked, value.granted(request))
        check_answer(request, value, (), "")
    except InvalidHandoff as problem:
        return ShownHandoff(value, signature, state, problem)
    return ShownHandoff(value, signature, state, differences=changed)


def _of_fleet(request: FleetRequest, value: HandoffAnswer, signature: str, records: Path) -> ShownHandoff:
    state = fleet_handoff_state(records, request, utc(), (value,))
    try:
        check_fleet_answer(request, value)
    except InvalidHandoff as problem:
        return ShownHandoff(value, signature, state, problem)
    return ShownHandoff(value, signature, state)


def show_form(file: str, form: str, account: str = "", back: bool = False, signers: str = "") -> Snippet:
    """Return the side that a request asks for in a form for owners without this toolkit.

    `back` returns how to remove it again. With `signers`, the request must be signed by one of them. Raises
    InvalidInput.
    """
    request = read_request(file)
    describe_signature(request, signers)
    return (take_back if back else hand_over)(request.asked, request.side, form, account)
