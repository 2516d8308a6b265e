"""The owner of one account of a sheet: writes, reads, answers hand-over files, and changes that account."""

from collections.abc import Sequence
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from secrets import token_hex
from typing import Any

from xacct_nb.aws.clock import local_time, utc
from xacct_nb.aws.reader import read_resources
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import desired_resources
from xacct_nb.errors import InvalidHandoff, UnresolvedSecret, WrongAccount
from xacct_nb.grants.documents import DESTINATION, build
from xacct_nb.grants.grant import Grant
from xacct_nb.handoff.answer import MADE, REFUSED, HandoffAnswer, answer_to, made_resources
from xacct_nb.handoff.checks import check_answer, check_external_id, check_in_time
from xacct_nb.handoff.request import HandoffRequest, request_for, whole_grant
from xacct_nb.handoff.signed_file import unusable
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.secrets import grant_secrets
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.storage.handoff_files import AnyRequest, parse_handoff, read_handoff, text_of, write_handoff
from xacct_nb.views import Shown, Table, View, html
from xacct_nb.workshop.applying import apply_grant
from xacct_nb.workshop.world import ADMINS, WorkshopWorld


class FileText(str):
    """The text of a hand-over file. As the value of a cell it shows what the file says."""

    def _repr_html_(self) -> str:
        return html(parse_handoff(self).view())


class AccountOwner(Shown):
    """The owner of the account of one side. Both owners of a sheet use one folder for the files.

    A file is given by its name in this folder, by its path, or by its text.
    """

    def __init__(self, world: WorkshopWorld, side: Side) -> None:
        self.world, self.side = world, side
        self.account, self.folder = world.account(side), handoff_folder(world)

    def request(self, grant: Grant, why: str = "", hours: int = 168) -> FileText:
        """Write the request to the other owner, who may answer for so many hours, and return its text.

        The file is NAME.request.json, with the name of the grant. To ask the same again changes nothing: the
        request keeps its digest, which the answer names. Raises InvalidHandoff.
        """
        now, other = local_time(), "source" if self.side == DESTINATION else DESTINATION
        about = {"made": utc(now), "expires": utc(now + timedelta(hours=hours)), "nonce": token_hex(16)}
        about["why"] = redact(why, grant_secrets(grant))
        asked = request_for(build(grant), other, asked_by=ADMINS[self.side], **about)
        name = f"{grant.name}.request.json"
        before = self._request_in(self.folder / name)
        is_same = before is not None and _asks(before) == _asks(asked) and before.expires > asked.made
        return self._written(before if before and is_same else asked, name)

    def read(self, file: str) -> AnyRequest | HandoffAnswer:
        """Return a request, or an answer, as this package reads it. Raises InvalidHandoff.

        A file that was changed, or a request that is too late, is refused.
        """
        text = file.lstrip()
        value = parse_handoff(text) if text.startswith("{") else read_handoff(self.folder / file)
        if isinstance(value, HandoffRequest):
            check_in_time(value, utc())
        return value

    def text(self, file: str) -> FileText:
        """Return the text of a file, to send it. Raises InvalidHandoff."""
        return FileText(text_of(self.read(file)).decode())

    def answer(self, file: str, *, external_id: str = "", accept: Sequence[str] = ()) -> FileText:
        """Make this side of what a request asks for, write the answer NAME.answer.json, and return its text.

        The request has only the fingerprint of the external ID, so this owner gives it. `accept` are codes of
        findings. Raises InvalidHandoff, WrongAccount, and the errors of `xa.apply`.
        """
        asked = self._require(file, HandoffRequest)
        if (asked.side, asked.accounts) != (self.side, (self.account,)):
            raise WrongAccount(
                f"The request asks the owner of {asked.side} account {', '.join(asked.accounts)}.",
                why=f"You own the {self.side} account {self.account}.",
                hint="Let its owner answer. You can refuse it, or tell them what you would answer.",
            )
        return self._written(
            self._made(asked, asked_grant(asked, external_id, accept=list(accept))), _answer_file(asked)
        )

    def refuse(self, file: str, reason: str) -> FileText:
        """Write the answer that refuses a request, and return its text. Raises InvalidHandoff."""
        asked = self._require(file, HandoffRequest)
        refusal = answer_to(asked, REFUSED, reason=redact(reason, ()), at=utc())
        return self._written(refusal, _answer_file(asked))

    def accept(self, file: str) -> Journal:
        """Check the answer to a request that is in the folder, and make this side; return what was done.

        Raises InvalidHandoff, and the errors of `xa.apply`.
        """
        answer = self._require(file, HandoffAnswer)
        asked = self._asked(answer)
        check_answer(asked, answer, closed=(), agreed="")
        return apply_grant(self.world, Grant(**whole_grant(answer.granted(asked)), adopt=True), self.side)

    def view(self) -> View:
        """Return whose account it is, and the files in the folder."""
        found = tuple((each.name,) for each in sorted(self.folder.glob("*.json")))
        about = f"The owner of {self.side} account {self.account}. The files in {self.folder}:"
        return Table(("file",), found, caption=about)

    def _made(self, asked: HandoffRequest, grant: Grant) -> HandoffAnswer:
        apply_grant(self.world, grant, self.side)
        sessions, documents = self.world.sessions(grant, self.side), build(grant, self.side)
        made = made_resources(desired_resources(documents, read_resources(documents, sessions)))
        return answer_to(asked, MADE, made=made, at=utc(), by=sessions.identities[0].arn)

    def _require(self, file: str, kind: type[Any]) -> Any:
        value = self.read(file)
        if not isinstance(value, kind):
            other = "a request" if isinstance(value, HandoffRequest) else "an answer"
            raise InvalidHandoff(
                f"The hand-over file is {other}.", hint="Give the other one of the two files."
            )
        return value

    def _asked(self, answer: HandoffAnswer) -> HandoffRequest:
        """Return the request that an answer names by its digest. Raises InvalidHandoff."""
        for path in sorted(self.folder.glob("*.request.json")):
            value = self._request_in(path)
            if value is not None and value.digest == answer.request:
                return value
        raise unusable(
            "unknown",
            "The answer is for another request.",
            why=f"It answers {answer.request}, and no request in {self.folder} has this digest.",
            hint="Accept the answer in the sheet in which the request was written.",
        )

    def _request_in(self, path: Path) -> HandoffRequest | None:
        """Return the request in a file, None where there is none that can be used."""
        with suppress(InvalidHandoff):
            value = read_handoff(path)
            return value if isinstance(value, HandoffRequest) else None
        return None

    def _written(self, value: HandoffRequest | HandoffAnswer, name: str) -> FileText:
        write_handoff(value, self.folder / name)
        return FileText(text_of(value).decode())


def handoff_folder(world: WorkshopWorld) -> Path:
    """Return the folder of a world in which the two owners find the files."""
    return world.accounts.config_file.parent / "hand-over"


def asked_grant(asked: HandoffRequest, external_id: str, **fields: Any) -> Grant:
    """Return the grant of a request with the external ID itself, and with other `fields`.

    Raises UnresolvedSecret, InvalidHandoff.
    """
    given = {**whole_grant(asked.asked), "adopt": True, **fields}
    if not asked.external_id:
        return Grant(**given)
    if not external_id:
        raise UnresolvedSecret(
            "The request needs the external ID, and has only its fingerprint.",
            why=f"The fingerprint is {asked.external_id}.",
            hint="Give the external ID on which the two owners agreed: external_id=...",
        )
    grant = Grant(**{**given, "conditions": {**given["conditions"], "external_id": external_id}})
    check_external_id(grant, asked.external_id)
    return grant


def _asks(request: HandoffRequest) -> tuple[Any, ...]:
    """Return what a request asks, without when."""
    return request.side, request.grant, request.why


def _answer_file(asked: HandoffRequest) -> str:
    return f"{asked.asked.name}.answer.json"
