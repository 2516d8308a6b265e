"""The request to the owner of the other account: what is asked, why, until when, and the exact policies."""

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any, Final, Literal, Self

from pydantic import Field, StrictStr, model_validator

from xacct_nb.errors import InvalidGrant, InvalidHandoff
from xacct_nb.grants.documents import DESTINATION, SOURCE, Documents, build
from xacct_nb.grants.expiry import describe_end, has_ended
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.handoff.signed_file import Moment, SignedFile, parse_signed, unusable
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.linting.findings import lint
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.redaction.redact import is_fingerprint, mask_secrets
from xacct_nb.views import Page, Table, Text, View

REQUEST: Final = "xacct-nb/handoff-request/1"
# Each owner decides these for their own account: a request that has them is refused.
OWN_DECISIONS = ("adopt", "accept")
OWN_FINDINGS = "You accept findings for your own account: xacct-nb handoff answer FILE --accept CODE"
_MOST_SHOWN = 40  # sentences
_SEVERAL = (
    "One owner answers for all of these accounts, with a {side} profile of each. Where each account has an "
    "owner of its own, ask each of them for a grant of their account."
)
_KINDS = ("caller_policies", "trust_policies", "permissions_policies")


class HandoffRequest(SignedFile):
    """What the owner of one side asks of the owner of the other one, whose side is `side`.

    `grant` has the fields of the grant without those that each owner decides; its external ID is a
    fingerprint. `policies` are those of the side that is asked. Raises InvalidHandoff.
    """

    schema_: Literal["xacct-nb/handoff-request/1"] = Field(REQUEST, alias="schema")
    side: Literal["source", "destination"] = Field(description="the side that is asked")
    grant: dict[StrictStr, Any] = Field(description="the fields of the grant")
    why: StrictStr = Field("", max_length=4000, description="why it is asked")
    sentences: tuple[StrictStr, ...] = Field((), description="what the grant gives")
    policies: dict[StrictStr, Any] = Field(description="the exact policies of the side that is asked")
    findings: tuple[dict[StrictStr, StrictStr], ...] = Field((), description="findings on these policies")
    asked_by: StrictStr = Field("", max_length=200, description="user who made the request")
    made: Moment = Field(description="when it was made (UTC)")
    expires: Moment = Field(description="until when it may be answered (UTC)")
    nonce: StrictStr = Field(pattern="^[0-9a-f]{16,64}$", description="makes each request another one")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if own := [name for name in OWN_DECISIONS if name in self.grant]:
            raise _invalid(f"Its grant holds {', '.join(own)}, which each owner decides for their account.")
        external_id = self._conditions.get("external_id", "")
        if external_id and not (isinstance(external_id, str) and is_fingerprint(external_id)):
            raise _invalid("Its external ID is not a fingerprint.", "An external ID is never in this file.")
        if self.policies != policies_of(self.documents):
            raise _invalid("Its policies are not those of its grant.", kind="tampered")
        return self

    @cached_property
    def documents(self) -> Documents:
        """The policies of the side that is asked; the external ID is a fingerprint."""
        try:
            return build(self.asked).of_side(self.side)
        except InvalidGrant as problem:
            raise _invalid(f"Its grant is not valid: {problem.what}") from problem

    @cached_property
    def asked(self) -> Grant:
        """The grant that is asked for; its external ID is a fingerprint."""
        try:
            return Grant(**self.grant)
        except (InvalidGrant, TypeError) as problem:
            raise _invalid(f"Its grant is not valid: {getattr(problem, 'what', problem)}") from problem

    @property
    def external_id(self) -> str:
        """The fingerprint of the external ID, "" for none."""
        return str(self._conditions.get("external_id", ""))

    @property
    def _conditions(self) -> Mapping[str, Any]:
        found = self.grant.get("conditions", {})
        return found if isinstance(found, Mapping) else {}

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that are asked."""
        return accounts_of(self.asked, self.side)

    @property
    def other_side(self) -> str:
        """The side that asks."""
        return SOURCE if self.side == DESTINATION else DESTINATION

    def view(self) -> View:
        """Return what is asked, as this package reads the grant: not what the file says of it."""
        rows = (
            ("asked of", f"the owner of {self.side} account {', '.join(self.accounts)}"),
            (
                "by",
                f"{on_one_line(self.asked_by) or 'unknown'}, "
                f"for {', '.join(accounts_of(self.asked, self.other_side))}",
            ),
            ("why", self.why or "The request does not say why."),
            ("made", self.made),
            ("may be answered until", self.expires),
            ("external ID", self.external_id or "none"),
            ("signature", "not checked here" if self.signature else "none"),
            ("digest", self.digest),
        )
        found = lint(self.documents)
        notes = [Text(OWN_FINDINGS, "note")] if found.unaccepted else []
        if len(self.accounts) > 1:
            notes.append(Text(_SEVERAL.format(side=self.side), "note"))
        about = (*_shown(access_sentences(self.asked)), Table(("", ""), rows))
        return Page("Request to the other owner", (*about, found.view(), *notes, self.documents.view()))


def request_for(documents: Documents, side: str, *, made: str, **about: Any) -> HandoffRequest:
    """Return the request to the owner of a side, `made` now (UTC). `about`: why, asked_by, expires, nonce.

    Raises InvalidHandoff where there is nothing to ask, and InvalidGrant where the grant has ended.
    """
    grant, own = documents.grant, documents.of_side(side)
    check_not_ended(grant, made, "xacct-nb run plan_and_apply -f GRANT")
    if not policies_of(own):
        raise InvalidHandoff(
            f"There is nothing to ask of the owner of the {side} account.",
            why="The grant has no caller policy there: the owners of these accounts decide who gets in.",
            hint="Plan and apply your own side: xacct-nb run plan_and_apply -f GRANT",
        )
    return HandoffRequest(
        side=side,
        grant=grant_fields(grant),
        sentences=access_sentences(grant),
        policies=policies_of(own),
        findings=tuple(
            {name: str(each[name]) for name in ("code", "severity", "where", "why", "mend")}
            for each in lint(own).to_json()
        ),
        made=made,
        **about,
    )


def check_not_ended(grant: Grant, made: str, removal: str) -> None:
    """Check that a grant lasts when it is asked for; `removal` is the command that removes it.

    Raises InvalidGrant.
    """
    if has_ended(grant.expires, made):
        raise InvalidGrant(
            f"expires: the grant {grant.name!r} {describe_end(grant.expires)}.",
            why="A request asks for access, and AWS would let nobody in by it.",
            hint=f"Write a later date. To remove what was made for it: {removal}",
        )


def parse_request(content: Any) -> HandoffRequest:
    """Return the request in the content of a file. Raises InvalidHandoff."""
    return parse_signed(HandoffRequest, content, REQUEST)


def grant_fields(grant: Grant) -> dict[str, Any]:
    """Return the fields of a grant that differ from their defaults, without each owner's own decisions."""
    usual = Grant(name="a", sources=["0" * 12], destinations=["arn:aws:iam::000000000000:role/a"]).to_json()
    given = grant.to_json()
    needed = ("name", "sources", "destinations")
    names = [each for each in given if each in needed or given[each] != usual[each]]
    return {name: given[name] for name in names if name not in OWN_DECISIONS}


def whole_grant(grant: Grant) -> dict[str, Any]:
    """Return all fields of a grant, without each owner's own decisions."""
    return {name: each for name, each in grant.to_json().items() if name not in OWN_DECISIONS}


def policies_of(documents: Documents) -> dict[str, Any]:
    """Return the policies of the documents by kind, external IDs as fingerprints."""
    found = {kind: mask_secrets(getattr(documents, kind)) for kind in _KINDS}
    return {kind: policies for kind, policies in found.items() if policies}


def accounts_of(grant: Grant, side: str) -> tuple[str, ...]:
    """Return the accounts of a side of the grant."""
    return grant.source_accounts if side == SOURCE else grant.destination_accounts


def differences(asked: Grant, given: Grant) -> tuple[str, ...]:
    """Return a sentence for each field in which a grant differs from the one that was asked for."""
    was, now = asked.to_json(), given.to_json()
    return tuple(
        f"{name}: asked {canonical_json(was[name])}, given {canonical_json(now[name])}."
        for name in was
        if name not in OWN_DECISIONS and was[name] != now[name]
    )


def _shown(sentences: tuple[str, ...]) -> Iterator[View]:
    yield from (Text(each) for each in sentences[:_MOST_SHOWN])
    if more := sentences[_MOST_SHOWN:]:
        yield Text(f"And {len(more)} more, which the policies below show.", "note")


def _invalid(what: str, why: str = "", *, kind: str = "") -> InvalidHandoff:
    return unusable(
        kind,
        f"The request cannot be used. {what}",
        why=why or "Someone changed it, or another version of xacct-nb made it.",
        hint="Ask its owner for a new request: xacct-nb handoff request -f GRANT",
    )
