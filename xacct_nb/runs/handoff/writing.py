"""The files of a hand-over for the other owner: made, signed, written with a readable page, and refused."""

import os
import shlex
from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from xacct_nb.aws.clock import local_time, utc
from xacct_nb.errors import InvalidHandoff
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.answer import REFUSED, HandoffAnswer, answer_to
from xacct_nb.handoff.checks import check_in_time, check_unused
from xacct_nb.handoff.request import HandoffRequest, request_for
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.environment import user_name
from xacct_nb.runs.handoff.state import answers_before
from xacct_nb.runs.links import file_link
from xacct_nb.runs.loading import load_grant
from xacct_nb.runs.run_context import RunContext
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.storage.handoff_files import (
    AnyRequest,
    check_place,
    keep_handoff,
    keep_received,
    page_of,
    read_handoff,
    write_handoff,
    write_page,
)
from xacct_nb.storage.handoff_signatures import describe_signature, sign_handoff
from xacct_nb.storage.references import resolve_reference
from xacct_nb.views import Page, Shown, Text, View, html

_EXAMPLE_DAYS = 7
EXAMPLE = {
    "name": "reports-readers",
    "sources": ["arn:aws:iam::111111111111:user/alice"],
    "destinations": ["arn:aws:iam::222222222222:role/reports-reader"],
    "permissions": [{"actions": ["s3:GetObject"], "resources": ["arn:aws:s3:::reports/*"]}],
}


@dataclass(frozen=True, repr=False)
class SentFile(Shown):
    """A request or an answer that was written: the file, and its readable page."""

    value: AnyRequest | HandoffAnswer
    file: Path | None = None
    page: Path | None = None

    def to_json(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        return {"file": str(self.file or ""), "page": str(self.page or ""), "digest": self.value.digest}

    def view(self) -> View:
        """Return the value, where it was written, and what to do with it."""
        if self.file is None:
            return Page(
                "Example", (self.value.view(), Text("It is an example: no file was written.", "note"))
            )
        name, is_request = shlex.quote(self.file.name), not isinstance(self.value, HandoffAnswer)
        then = (
            "Send the file to the other owner, and tell them its digest on another way. They answer with: "
            f"xacct-nb handoff answer {name} --profile PROFILE"
            if is_request
            else "Send the file back. The owner who asked goes on with: "
            f"xacct-nb handoff accept {name} --profile PROFILE --caller-profile CALLER"
        )
        written = (("File", self.file), ("Readable page", self.page))
        links = (file_link(text, path) for text, path in written if path)
        return Page("Written", (self.value.view(), *links, Text(then, "note")))


def write_request(
    file: Path,
    *,
    side: str = DESTINATION,
    out: str = "",
    why: str = "",
    hours: int = 168,
    key: str = "",
    references: tuple[str, ...] = (),
    records: Path,
) -> SentFile:
    """Write the request to the owner of a side, for the grant in a file. Raises InvalidInput.

    It may be answered for so many hours. `references` are those that the grant file may have.
    """
    grant = load_grant(file, allow_references=references)
    place = check_place(out or f"{grant.name}.request.json", HandoffRequest)
    request = sign_handoff(_request(grant, side, why, hours), key)
    keep_handoff(records, request)
    return write_value(request, place)


def refuse_request(
    file: str,
    reason: str,
    *,
    out: str = "",
    key: str = "",
    signers: str = "",
    external_id: str = "",
    records: Path,
) -> SentFile:
    """Write the answer that refuses a request; no session is opened. Raises InvalidInput."""
    request, place = read_any_request(file), check_place(answer_path(out, file), HandoffAnswer)
    describe_signature(request, signers)
    check_in_time(request, utc())
    check_unused(request, answers_before(records, request.digest), changes=True)
    secrets = {resolve_reference(external_id)} if external_id else set()
    answer = sign_handoff(refusal(request, clean_text(reason, secrets)), key)
    keep_received(records, request)
    keep_handoff(records, answer)
    return write_value(answer, place)


def send_answer(run: RunContext, answer: HandoffAnswer, request: str) -> SentFile:
    """Sign the answer of a run, and write it; one to the example is only shown."""
    settings = run.settings
    signed = sign_handoff(answer, settings.signing_key)
    if not (settings.answer_to or request):
        return SentFile(signed)
    keep_handoff(run.records, signed)
    return write_value(signed, answer_path(settings.answer_to, request))


def refusal(request: AnyRequest, reason: str, **about: str) -> HandoffAnswer:
    """Return the answer that refuses a request. `about`: by, record."""
    return answer_to(request, REFUSED, reason=reason, at=utc(), **about)


def read_request(file: str) -> HandoffRequest:
    """Return the request for one grant in a file. Raises InvalidHandoff."""
    if isinstance(found := read_any_request(file), HandoffRequest):
        return found
    raise _other_file("a request for a fleet", "xacct-nb run grant_a_fleet -p fleet FILE")


def read_any_request(file: str) -> AnyRequest:
    """Return the request in a file, for one grant or for a fleet. Raises InvalidHandoff."""
    if not isinstance(found := read_handoff(file), HandoffAnswer):
        return found
    raise _other_file("an answer, and not a request", "xacct-nb handoff accept FILE")


def read_answer(file: str) -> HandoffAnswer:
    """Return the answer in a file. Raises InvalidHandoff."""
    if isinstance(found := read_handoff(file), HandoffAnswer):
        return found
    raise _other_file("a request, and not an answer", "xacct-nb handoff answer FILE")


def example_request() -> HandoffRequest:
    """Return the request that the notebook shows where none is given: the article's case, in the sandbox."""
    return _request(Grant(**EXAMPLE), DESTINATION, "An example.", 24 * _EXAMPLE_DAYS)


def _request(grant: Grant, side: str, why: str, hours: int) -> HandoffRequest:
    now = local_time()
    about = {"made": utc(now), "expires": utc(now + timedelta(hours=hours)), "nonce": token_hex(16)}
    clean = clean_text(why, grant_secrets(grant))
    return request_for(build(grant), side, why=clean, asked_by=user_name(), **about)


def write_value(value: AnyRequest | HandoffAnswer, path: Path) -> SentFile:
    """Write a request or an answer with its readable page."""
    from xacct_nb.jupyter.export import to_page

    file = write_handoff(value, path)
    what = "Answer" if isinstance(value, HandoffAnswer) else "Request"
    title = f"{what} {value.digest[:8]}: {value.side} account {', '.join(value.accounts)}"
    page = write_page(to_page(title, html(value.view())), page_of(file))
    return SentFile(value, file, page)


def answer_path(out: str, request: str) -> Path:
    """Return the file of an answer: the named one, else beside the request."""
    named = Path(request).expanduser()
    stem = named.name.removesuffix(".json").removesuffix(".request")
    return Path(out) if out else named.with_name(f"{stem}.answer.json")


def clean_text(text: str, secrets: Collection[str]) -> str:
    """Return a text for the other owner without these secrets, and without credentials."""
    return redact(text, {*secrets, *credentials_in(os.environ)})


def _other_file(what: str, command: str) -> InvalidHandoff:
    return InvalidHandoff(
        f"The hand-over file is {what}.",
        why="Each owner makes one file, and reads the other one.",
        hint=f"Use it with: {command}",
    )
