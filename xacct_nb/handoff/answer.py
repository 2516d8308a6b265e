"""The answer to a request: what the other owner made, or why they refused, and what they changed."""

from collections.abc import Mapping
from typing import Any, Final, Literal, Protocol, Self

from pydantic import Field, StrictBool, StrictStr, model_validator

from xacct_nb.errors import InvalidGrant, InvalidHandoff
from xacct_nb.grants.documents import DESTINATION, SOURCE
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.state import ResourceKey
from xacct_nb.handoff.request import OWN_DECISIONS, HandoffRequest, accounts_of, whole_grant
from xacct_nb.handoff.signed_file import Moment, SignedFile, parse_signed, unusable
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.validation import StrictModel
from xacct_nb.views import Page, Table, View

ANSWER: Final = "xacct-nb/handoff-answer/1"
MADE, REFUSED, CHANGED = "made", "refused", "changed"
_TONES = {MADE: "good", REFUSED: "bad", CHANGED: "change"}
_DIGEST = "^[0-9a-f]{64}$"


class MadeResource(StrictModel):
    """A role, policy or attachment that exists on the side that was asked: kind, ARN, name."""

    kind: StrictStr
    target: StrictStr
    name: StrictStr = ""


class AnsweredProof(StrictModel):
    """What the other owner's own proof said: whether it holds, and its last line."""

    holds: StrictBool
    summary: StrictStr = Field("", max_length=1000)


class HandoffAnswer(SignedFile):
    """The answer of the owner of `side` to the request with the digest `request`.

    `grant` has the fields of the grant that was made, where it was changed. `by` is the ARN of the caller,
    `record` the id of their record, `plan` and `journal` are digests of what was applied there. `objects`
    are ARNs of S3 objects that the role may read: the proof needs one that exists.
    """

    schema_: Literal["xacct-nb/handoff-answer/1"] = Field(ANSWER, alias="schema")
    request: StrictStr = Field(pattern=_DIGEST, description="digest of the request")
    decision: Literal["made", "refused", "changed"] = Field(description="what the other owner decided")
    reason: StrictStr = Field("", max_length=4000, description="why it was refused or changed")
    side: Literal["source", "destination"] = Field(description="the side that answers")
    accounts: tuple[StrictStr, ...] = Field((), description="the accounts of that side")
    grant: dict[StrictStr, Any] = Field({}, description="the fields of a changed grant")
    differences: tuple[StrictStr, ...] = Field((), description="what the changed grant has otherwise")
    made: tuple[MadeResource, ...] = Field((), description="what exists on that side now")
    objects: tuple[StrictStr, ...] = Field((), max_length=50, description="S3 objects for the proof")
    at: Moment = Field(description="when it was answered (UTC)")
    by: StrictStr = Field("", max_length=2048, description="ARN of the caller")
    record: StrictStr = Field("", max_length=200, description="id of the record of the other owner")
    plan: StrictStr = Field("", max_length=64, description="digest of the plan that was applied")
    journal: StrictStr = Field("", max_length=64, description="digest of the journal")
    proof: AnsweredProof | None = Field(None, description="what the other owner's proof said")

    @model_validator(mode="after")
    def _valid(self) -> Self:
        if (self.decision == CHANGED) != bool(self.grant):
            raise _invalid("It says what was changed only where its decision is `changed`.")
        if self.decision == REFUSED and self.made:
            raise _invalid("It refuses the request, and names what was made.")
        return self

    @property
    def roles(self) -> tuple[str, ...]:
        """The ARNs of the roles that exist now."""
        return tuple(each.target for each in self.made if each.kind == "role")

    def granted(self, request: HandoffRequest) -> Grant:
        """Return the grant as it was made: the one asked for, or the changed one. Raises InvalidHandoff."""
        return changed_grant(request, self.grant) if self.grant else request.asked

    def view(self) -> View:
        """Return what the other owner decided and made."""
        rows = (
            ("decision", self.decision),
            ("reason", self.reason),
            (
                "by",
                f"{on_one_line(self.by) or 'unknown'}, for {self.side} account {', '.join(self.accounts)}",
            ),
            ("at", self.at),
            ("they changed", _lines(self.differences)),
            ("roles", _lines(self.roles)),
            ("for the proof", _lines(self.objects)),
            ("their record", on_one_line(self.record)),
            ("their proof", on_one_line(self.proof.summary) if self.proof else ""),
            ("answers the request", self.request),
            ("signature", "not checked here" if self.signature else "none"),
            ("digest", self.digest),
        )
        shown = tuple(row for row in rows if row[1])
        tones = tuple(_TONES[self.decision] if name == "decision" else "" for name, _ in shown)
        made = tuple(tuple(map(on_one_line, (each.kind, each.target, each.name))) for each in self.made)
        table = (Table(("kind", "of", "name"), made, caption="What exists on that side now"),) if made else ()
        return Page("Answer of the other owner", (Table(("", ""), shown, tones=tones), *table))


class Asking(Protocol):
    """A request of any kind: its digest, and the side and accounts that it asks."""

    @property
    def digest(self) -> str:
        """Return its digest."""

    @property
    def side(self) -> str:
        """Return the side."""

    @property
    def accounts(self) -> tuple[str, ...]:
        """Return the accounts."""


def answer_to(request: Asking, decision: str, **about: Any) -> HandoffAnswer:
    """Return the answer to a request.

    `about`: reason, grant, made, at, by, record, plan, journal, proof; `accounts` where not all answer.
    """
    around = {"accounts": request.accounts, **about}
    return HandoffAnswer(request=request.digest, decision=decision, side=request.side, **around)


def parse_answer(content: Any) -> HandoffAnswer:
    """Return the answer in the content of a file. Raises InvalidHandoff."""
    return parse_signed(HandoffAnswer, content, ANSWER)


def changed_grant(request: HandoffRequest, fields: Mapping[str, Any]) -> Grant:
    """Return the grant of a request with other fields. Raises InvalidHandoff.

    The grant's name, the accounts of both sides and the external ID stay: they are the other owner's too.
    """
    asked, conditions = request.asked, fields.get("conditions", {})
    given = dict(fields)
    if isinstance(conditions, Mapping):  # a condition that is not named stays
        given["conditions"] = {**whole_grant(asked)["conditions"], **conditions}
    try:
        grant = Grant(**{**request.grant, **given})
    except (InvalidGrant, TypeError) as problem:
        raise _unchangeable(
            f"The changed grant is not valid: {getattr(problem, 'what', problem)}"
        ) from problem
    own = [name for name in OWN_DECISIONS if name in fields]
    kept = zip(_agreed(grant).items(), _agreed(asked).values(), strict=True)
    if moved := [*own, *(what for (what, value), before in kept if value != before)]:
        raise _unchangeable(f"The changed grant differs in {', '.join(moved)}.")
    return grant


def made_resources(resources: Mapping[ResourceKey, Any]) -> tuple[MadeResource, ...]:
    """Return the resources of a side as the answer names them."""
    return tuple(
        MadeResource(kind=each.kind, target=each.target, name=each.name) for each in sorted(resources)
    )


def _agreed(grant: Grant) -> dict[str, Any]:
    """Return what both owners must agree on, by its name."""
    return {
        "the name": grant.name,
        "the source accounts": sorted(accounts_of(grant, SOURCE)),
        "the destination accounts": sorted(accounts_of(grant, DESTINATION)),
        "the external ID": grant.to_json()["conditions"]["external_id"],
    }


def _lines(texts: tuple[str, ...]) -> str:
    return "\n".join(map(on_one_line, texts))


def _unchangeable(what: str) -> InvalidHandoff:
    return InvalidHandoff(
        what,
        why="An answer may change what the grant gives, not between whom.",
        hint="Refuse the request with a reason, and agree on another grant.",
    )


def _invalid(what: str) -> InvalidHandoff:
    return unusable(
        "tampered",
        f"The answer cannot be used. {what}",
        why="Someone changed it, or another version of xacct-nb made it.",
        hint="Ask the other owner for the answer again.",
    )
