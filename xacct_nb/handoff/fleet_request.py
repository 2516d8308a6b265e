"""The request to one owner of a fleet's accounts: all grants there, in one file, with the exact policies."""

from collections.abc import Iterator
from functools import cached_property
from typing import Any, Final, Literal, Self

from pydantic import Field, StrictStr, model_validator

from xacct_nb.errors import InvalidGrant, InvalidHandoff
from xacct_nb.fleets.expansion import ExpandedFleet, expand
from xacct_nb.fleets.fleet import Fleet, FleetGrant, declared_fields
from xacct_nb.grants.documents import DESTINATION, Documents, build
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.handoff.answer import CHANGED, REFUSED, HandoffAnswer
from xacct_nb.handoff.checks import check_in_time, is_too_late
from xacct_nb.handoff.request import OWN_DECISIONS, OWN_FINDINGS, check_not_ended, grant_fields, policies_of
from xacct_nb.handoff.signed_file import Moment, SignedFile, parse_signed, unusable
from xacct_nb.linting.findings import lint
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.redaction.redact import is_fingerprint
from xacct_nb.views import Page, Table, Text, View

FLEET_REQUEST: Final = "xacct-nb/handoff-fleet-request/1"
_CHOOSING = ("organization_units", "tags", "except_accounts")
_MOST_SHOWN = 40


class FleetRequest(SignedFile):
    """What the owner of a fleet asks of the owner of some of its accounts.

    `grants` has each grant as the fleet file has it, with that owner's accounts alone; an external ID is a
    fingerprint. `policies` are those of each role. Raises InvalidHandoff.
    """

    schema_: Literal["xacct-nb/handoff-fleet-request/1"] = Field(FLEET_REQUEST, alias="schema")
    fleet: StrictStr = Field(pattern="^[a-z][a-z0-9-]{0,31}$", description="name of the fleet")
    owner: StrictStr = Field(pattern="^[a-z][a-z0-9-]{0,31}$", description="who is asked")
    grants: tuple[dict[StrictStr, Any], ...] = Field(min_length=1, description="the grants, with accounts")
    why: StrictStr = Field("", max_length=4000, description="why it is asked")
    policies: dict[StrictStr, Any] = Field(description="the exact policies of each role, by kind")
    asked_by: StrictStr = Field("", max_length=200, description="user who made the request")
    made: Moment = Field(description="when it was made (UTC)")
    expires: Moment = Field(description="until when it may be answered (UTC)")
    nonce: StrictStr = Field(pattern="^[0-9a-f]{16,64}$", description="makes each request another one")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        for each in self.grants:
            if own := [name for name in (*OWN_DECISIONS, *_CHOOSING) if name in each]:
                raise _invalid(f"A grant of it holds {', '.join(own)}, which the other owner decides.")
        for grant in self.asked.grants:
            external_id = grant.template.conditions.external_id.get_secret_value()
            if external_id and not is_fingerprint(external_id):
                raise _invalid("An external ID of it is not a fingerprint.")
        if self.policies != policies_by_kind(self.expanded):
            raise _invalid("Its policies are not those of its grants.", kind="tampered")
        return self

    @cached_property
    def asked(self) -> Fleet:
        """The part of the fleet that is asked for; external IDs are fingerprints."""
        try:
            return Fleet(name=self.fleet, grants=[dict(each) for each in self.grants])
        except (InvalidGrant, TypeError) as problem:
            raise _invalid(f"Its grants are not valid: {getattr(problem, 'what', problem)}") from problem

    @cached_property
    def expanded(self) -> ExpandedFleet:
        """The part of the fleet with its accounts."""
        return asked_fleet(self.asked)

    @property
    def side(self) -> str:
        """The side that is asked: the accounts of the roles."""
        return DESTINATION

    @property
    def accounts(self) -> tuple[str, ...]:
        """The accounts that are asked."""
        return self.expanded.accounts

    @property
    def roles(self) -> dict[str, str]:
        """The ARNs of the roles that are asked for, each with its account."""
        return {role: each.account for each in self.expanded.slices for role in each.grant.destinations}

    def view(self) -> View:
        """Return what is asked, as this package reads the grants: not what the file says of them."""
        rows = (
            ("asked of", f"{self.owner}, the owner of {', '.join(self.accounts)}"),
            ("by", on_one_line(self.asked_by) or "unknown"),
            ("why", self.why or "The request does not say why."),
            ("made", self.made),
            ("may be answered until", self.expires),
            ("signature", "not checked here" if self.signature else "none"),
            ("digest", self.digest),
        )
        sentences = [each for part in self.expanded.slices for each in access_sentences(part.grant)]
        said = [Text(each) for each in sentences[:_MOST_SHOWN]]
        if more := sentences[_MOST_SHOWN:]:
            said.append(Text(f"And {len(more)} more, which the table below shows.", "note"))
        return Page(
            f"Request to {self.owner} for the fleet {self.fleet}",
            (*said, Table(("", ""), rows), self.asked.view(), *self._in_one_account()),
        )

    def _in_one_account(self) -> Iterator[View]:
        """Yield the findings and the policies of each grant in its first account."""
        shown = set[str]()
        for part in self.expanded.slices:
            if part.grant.name not in shown:
                shown.add(part.grant.name)
                documents = build(part.grant, DESTINATION)
                found = lint(documents)
                own = (Text(OWN_FINDINGS, "note"),) if found.unaccepted else ()
                yield Page(
                    f"{part.grant.name} in account {part.account}, and likewise in its other accounts",
                    (found.view(), *own, documents.view()),
                )


def asked_fleet(fleet: Fleet) -> ExpandedFleet:
    """Return one's own part of another owner's fleet with its accounts. Raises InvalidGrant."""
    found = expand(fleet)
    return ExpandedFleet(fleet, found.grants, asked=True)


def owners_grants(fleet: Fleet, owner: str) -> list[dict[str, Any]]:
    """Return the grants of a fleet with the accounts of one owner alone, as their request has them."""
    found = (_owners_grant(each, fleet.owners[owner]) for each in fleet.grants)
    return [each for each in found if each["accounts"]]


def request_to_owner(fleet: Fleet, owner: str, *, made: str, **about: str) -> FleetRequest:
    """Return the request to an owner, `made` now (UTC). `about`: why, asked_by, expires, nonce.

    Raises InvalidHandoff where there is nothing to ask, and InvalidGrant where a grant has ended.
    """
    grants = owners_grants(fleet, owner)
    if not grants:
        raise InvalidHandoff(
            f"There is nothing to ask of {owner}.",
            why="Each of their accounts is left out by except_accounts.",
            hint=f"Remove {owner} from owners.",
        )
    part = asked_fleet(Fleet(name=fleet.name, grants=[dict(each) for each in grants]))
    for each in part.fleet.grants:
        check_not_ended(each.template, made, "xacct-nb run grant_a_fleet -f FLEET")
    policies, asked = policies_by_kind(part), tuple(grants)
    return FleetRequest(fleet=fleet.name, owner=owner, grants=asked, policies=policies, made=made, **about)


def parse_fleet_request(content: Any) -> FleetRequest:
    """Return the request in the content of a file. Raises InvalidHandoff."""
    return parse_signed(FleetRequest, content, FLEET_REQUEST)


def check_fleet_answer(request: FleetRequest, answer: HandoffAnswer) -> None:
    """Check that an answer is in time, made something, and names nothing that was not asked.

    Raises InvalidHandoff.
    """
    foreign = [each.target for each in answer.made if each.kind != "role" or each.target not in request.roles]
    foreign += [each for each in answer.accounts if each not in request.accounts]
    if foreign or answer.side != request.side or answer.decision == CHANGED:
        named = on_one_line(", ".join(foreign[:3]) or f"{answer.decision} on the {answer.side} side")
        raise unusable(
            "tampered",
            "The answer is not one to this request.",
            why=f"It names {named}, which {request.owner} was not asked for.",
            hint="Ask the other owner for the answer again, and compare its digest with them.",
        )
    if is_too_late(request, answer):
        check_in_time(request, answer.at)
    if answer.decision == REFUSED:
        raise unusable(
            "refused",
            f"{request.owner} refused the request.",
            why=answer.reason or "They gave no reason.",
            hint="Agree with them on other grants, and make new requests: xacct-nb handoff request -f FLEET",
        )


def policies_by_kind(part: ExpandedFleet) -> dict[str, Any]:
    """Return the policies of all roles by kind and role, external IDs as fingerprints."""
    found = dict[str, Any]()
    for each in part.slices:
        for kind, policies in policies_of(_documents(each.grant)).items():
            found.setdefault(kind, {}).update(policies)
    return found


def _documents(grant: Grant) -> Documents:
    return build(grant, DESTINATION)


def _owners_grant(grant: FleetGrant, accounts: tuple[str, ...]) -> dict[str, Any]:
    """Return the fields of a grant that are no defaults, with these accounts alone."""
    target, whole = grant.target, declared_fields(grant)
    named = [each for each in target.accounts if each in accounts and each not in target.except_accounts]
    kept = [name for name in grant_fields(grant.template) if name != "destinations"]
    about = {name: whole[name] for name in ("role", "partition")}
    return {**{name: whole[name] for name in kept}, **about, "accounts": named}


def _invalid(what: str, *, kind: str = "") -> InvalidHandoff:
    return unusable(
        kind,
        f"The request cannot be used. {what}",
        why="Someone changed it, or another version of xacct-nb made it.",
        hint="Ask its owner for a new request: xacct-nb handoff request -f FLEET",
    )
