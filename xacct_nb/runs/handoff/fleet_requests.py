"""The requests to the owners of a fleet's accounts, one file an owner, and how far each is."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from xacct_nb.aws.clock import local_time, utc
from xacct_nb.errors import InvalidHandoff
from xacct_nb.fleets.fleet import Fleet
from xacct_nb.fleets.owners import OwnersPart, request_name
from xacct_nb.grants.documents import SOURCE
from xacct_nb.handoff.answer import HandoffAnswer
from xacct_nb.handoff.checks import unknown_request
from xacct_nb.handoff.fleet_request import (
    FleetRequest,
    check_fleet_answer,
    owners_grants,
    request_to_owner,
)
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.handoff.writing import SentFile, clean_text, read_answer, write_value
from xacct_nb.runs.loading import load_fleet
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.storage.fleet_file import is_fleet_file
from xacct_nb.storage.handoff_files import (
    check_place,
    keep_handoff,
    kept_answers,
    made_fleet_requests,
    made_request,
)
from xacct_nb.storage.handoff_signatures import describe_signature, sign_handoff
from xacct_nb.storage.yaml_file import UnreadableFields
from xacct_nb.views import Page, Shown, Text, View

_PROVE = "Prove it: run the fleet again. It changes nothing in these accounts."


@dataclass(frozen=True, repr=False)
class SentRequests(Shown):
    """The requests that were written, one for each owner of a fleet's accounts."""

    sent: tuple[SentFile, ...]

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"requests": [each.to_json() for each in self.sent]}

    def view(self) -> View:
        """Return each request with its file."""
        return Page("Requests to the owners", tuple(each.view() for each in self.sent))


@dataclass(frozen=True, repr=False)
class AcceptedPart(Shown):
    """An answer for a fleet that was accepted: the roles there are proven by the fleet's next run."""

    request: FleetRequest
    answer: HandoffAnswer

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"fleet": self.request.fleet, "owner": self.request.owner, "roles": list(self.answer.roles)}

    def view(self) -> View:
        """Return the answer, what it covers, and what to do next."""
        count, of = len(self.answer.roles), len(self.request.roles)
        covered = f"{count} of {of} roles of {self.request.owner} are there. {_PROVE}"
        then = Text("xacct-nb run grant_a_fleet -f FLEET_FILE", "note")
        return Page(
            "Accepted", (self.answer.view(), Text(covered, "good" if count == of else "change"), then)
        )


def write_fleet_requests(
    file: Path,
    *,
    out: str = "",
    why: str = "",
    hours: int = 168,
    key: str = "",
    references: tuple[str, ...] = (),
    records: Path,
) -> SentRequests:
    """Write one request for each owner of a fleet's accounts into a folder. Raises InvalidInput.

    Each may be answered for so many hours. `references` are those that the fleet file may have.
    """
    fleet = load_fleet(file, allow_references=references)
    if not fleet.owners:
        raise InvalidHandoff(
            f"The fleet {fleet.name} has no accounts of other owners.",
            why="Its file has no `owners`.",
            hint='Name them in the fleet file: owners: {partner-a: ["222222222222"]}',
        )
    now, secrets = local_time(), {each for grant in fleet.grants for each in grant_secrets(grant.template)}
    about = {"why": clean_text(why, secrets), "asked_by": user_name(), "made": utc(now)}
    places = {
        owner: check_place(Path(out or ".") / request_name(fleet.name, owner), FleetRequest)
        for owner in fleet.owners
    }
    expires = utc(now + timedelta(hours=hours))
    asked = [
        request_to_owner(fleet, owner, **about, expires=expires, nonce=token_hex(16))
        for owner in fleet.owners
    ]
    sent = list[SentFile]()
    for each in asked:
        signed = sign_handoff(each, key)
        keep_handoff(records, signed)
        sent.append(write_value(signed, places[each.owner]))
    return SentRequests(tuple(sent))


def requests_for_fleet_file(file: Path, *, side: str, **about: Any) -> SentRequests | None:
    """Write the requests where a file is a fleet's; return None for a grant file. Raises InvalidInput."""
    try:
        found = is_fleet_file(file)
    except UnreadableFields:
        found = False  # reading the grant file says why
    if found and side == SOURCE:
        raise InvalidHandoff(
            "The owners of a fleet's source accounts cannot be asked.",
            why="Callers prove a fleet, so its own side is the source side.",
            hint="Leave out --of source, or write a grant file for that owner.",
        )
    return write_fleet_requests(file, **about) if found else None


def accept_fleet_answer(file: str, *, records: Path, signers: str = "") -> AcceptedPart | None:
    """Accept the answer to a request for a fleet; None where it answers another kind of request.

    No session is opened: the fleet's next run proves the roles. Raises InvalidHandoff, InvalidKey.
    """
    answer = read_answer(file)
    request = made_request(records, answer.request) or unknown_request(answer)
    if not isinstance(request, FleetRequest):
        return None
    describe_signature(answer, signers)
    check_fleet_answer(request, answer)
    keep_handoff(records, answer)
    return AcceptedPart(request, answer)


def owners_parts(fleet: Fleet, records: Path) -> Mapping[str, OwnersPart]:
    """Return how far the request to each owner of a fleet's accounts is, as the records folder has it."""
    if not fleet.owners:
        return {}
    made = {each.owner: each for each in made_fleet_requests(records, fleet.name)}
    return {owner: _part(fleet, owner, made.get(owner), records) for owner in fleet.owners}


def _part(fleet: Fleet, owner: str, request: FleetRequest | None, records: Path) -> OwnersPart:
    if request is None:
        return OwnersPart(fleet.name, owner)
    found = OwnersPart(fleet.name, owner, request.digest)
    again = "Make new requests: xacct-nb handoff request -f FLEET_FILE"
    if list(request.grants) != owners_grants(fleet, owner):
        return replace(found, why="The fleet has changed since, so it asks for something else.", hint=again)
    answers, refused = list[HandoffAnswer](), ""
    for answer, problem in _checked(request, records):
        refused = problem
        answers += [] if problem else [answer]
    if refused:
        return replace(found, why=refused, hint=again)
    if not answers:
        late = utc() > request.expires
        why = f"It was to be answered until {request.expires}." if late else "It waits for its answer."
        return replace(found, why=why, hint=again if late else "xacct-nb handoff accept ANSWER_FILE")
    roles = frozenset(role for each in answers for role in each.roles)
    objects = tuple(dict.fromkeys(name for each in answers for name in each.objects))
    lacking = len(request.roles) - len(roles)
    why = f"{owner} made {len(roles)} of {len(request.roles)} roles."
    then = "Ask them for the others: they answer the same request once more." if lacking else ""
    return replace(found, why=why, hint=then, made=roles, objects=objects)


def _checked(request: FleetRequest, records: Path) -> Iterator[tuple[HandoffAnswer, str]]:
    """Yield the answers that were accepted, the oldest first, each with why it cannot be used."""
    for answer in kept_answers(records, request.digest):
        try:
            check_fleet_answer(request, answer)
        except InvalidHandoff as problem:
            yield answer, f"{problem.what} {problem.why}"
        else:
            yield answer, ""
