"""What a reviewer is shown of one grant: who may do what, what is known of it, what is a concern."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from xacct_nb.changes.narrowing import KEPT, NarrowedItem
from xacct_nb.fleets.end_dates import GrantEnd, endings
from xacct_nb.grants.conditions import Conditions
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.grants.target import ACCOUNT
from xacct_nb.records.review.subject import ReviewSubject
from xacct_nb.validation import Serializable

CONCERNS = (
    "ended", "unused", "not-proven", "differs", "wide-trust", "no-external-id", "not-read", "ends-soon",
    "no-end",
)  # fmt: skip
"""The codes of the concerns, the most pressing first."""
_FIGURE = (
    "In a study of 90 vendors (Praetorian), 37 % had external IDs wrong, and 15 % more did not check them. "
    "Where a third party has access, ask it to show that it does."
)
SOURCES, POLICIES = "sources", "managed_policies"


@dataclass(frozen=True)
class Concern(Serializable):
    """Something that a reviewer must know of a grant before they keep it."""

    code: str
    text: str


@dataclass(frozen=True)
class NarrowPart(Serializable):
    """A part of a grant that may be dropped: a source, an action or a managed policy.

    `where` is the field of the grant, `what` its item there. `stays` is what is left of it, where it is not
    dropped whole. `is_proposed`: by what AWS reports of its use it can go; `because` says why, or why not.
    """

    where: str
    what: str
    stays: tuple[str, ...] = ()
    is_proposed: bool = False
    because: str = ""

    @property
    def key(self) -> str:
        """Return how the answers name it."""
        return f"{self.where} {self.what}"


@dataclass(frozen=True)
class ReviewItem(Serializable):
    """One question to a reviewer: does this access stay as it is, become smaller, or end?

    `facts` are pairs of a label and a text. `parts` may be dropped; there are none where the grant can only
    be kept or ended in these accounts. `expires` is its end, "" for none.
    """

    key: str
    origin: str
    fleet: str
    grant: str
    accounts: tuple[str, ...]
    reviewers: tuple[str, ...]
    access: tuple[str, ...]
    facts: tuple[tuple[str, str], ...]
    concerns: tuple[Concern, ...]
    parts: tuple[NarrowPart, ...] = ()
    expires: str = ""
    is_whole: bool = True

    @property
    def rank(self) -> tuple[int, str]:
        """Return the place of the item where the most pressing is first."""
        places = [CONCERNS.index(each.code) for each in self.concerns if each.code in CONCERNS]
        return min(places, default=len(CONCERNS)), self.key


def item_of(subject: ReviewSubject, now: str) -> ReviewItem:
    """Return what a reviewer is shown of a grant at this moment (UTC)."""
    grant = subject.grant
    end = next(iter(endings(grant, now).found), None)
    return ReviewItem(
        subject.key,
        subject.origin,
        subject.fleet,
        grant.name,
        subject.accounts,
        subject.reviewers,
        tuple(_access(subject)),
        tuple(_facts(subject, end)),
        tuple(_concerns(subject, end)),
        _droppable(subject) if subject.is_whole else (),
        grant.expires,
        subject.is_whole,
    )


def figure_for(items: Iterable[ReviewItem]) -> str:
    """Return what a reviewer must know first where a grant has no external ID; "" where all have one."""
    codes = {one.code for each in items for one in each.concerns}
    return _FIGURE if "no-external-id" in codes else ""


def in_order(items: Iterable[ReviewItem]) -> tuple[ReviewItem, ...]:
    """Return the items, the most pressing first."""
    return tuple(sorted(items, key=lambda each: each.rank))


def _access(subject: ReviewSubject) -> Iterator[str]:
    for sentence in access_sentences(subject.grant, "can"):
        several = subject.fleet and len(subject.accounts) > 1
        yield sentence.replace(subject.accounts[0], ACCOUNT) if several else sentence


def _facts(subject: ReviewSubject, end: GrantEnd | None) -> Iterator[tuple[str, str]]:
    grant, live, past = subject.grant, subject.live, subject.past
    yield "Conditions", ", ".join(_conditions(grant.conditions))
    yield (
        "Ends",
        end.sentence if end else f"{grant.expires} (UTC)" if grant.expires else "It has no end date.",
    )
    yield "Approved", past.approved or "No record here says who approved it."
    yield "Last proof", past.proof or "No record here has a proof of it."
    yield "Live state", _state(live.differences, live.unread)
    if subject.findings:
        yield "Accepted findings", ", ".join(subject.findings)
    yield "Used", "\n".join(live.use) or "What is used was not read."


def _state(differences: tuple[str, ...], unread: tuple[str, ...]) -> str:
    parts = (*(f"Not read: {each}" for each in unread), *(f"Differs: {each}" for each in differences))
    return "\n".join(parts) or "It is as it was declared."


def _conditions(when: Conditions) -> Iterator[str]:
    """Yield the conditions in words; an external ID is its fingerprint or reference."""
    shown = when.model_dump(mode="json")
    yield f"external ID {shown['external_id']}" if shown["external_id"] else "no external ID"
    yield "MFA" if when.require_mfa else "no MFA"
    named = (
        ("organization", when.organization_id),
        ("addresses", ", ".join(when.source_ips)),
        ("session name", when.role_session_name),
        ("source identity", when.source_identity),
        ("session tags", ", ".join(f"{key}={value}" for key, value in when.session_tags.items())),
    )
    yield from (f"{name} {text}" for name, text in named if text)


def _concerns(subject: ReviewSubject, end: GrantEnd | None) -> Iterator[Concern]:
    grant, live, past = subject.grant, subject.live, subject.past
    if end and end.is_past:
        left = f" What is left: {'; '.join(live.differences)}." if live.differences else ""
        yield Concern("ended", f"It has ended.{left}")
    elif live.differences:
        yield Concern("differs", "The live state is not what was declared.")
    if live.narrowing and live.narrowing.ends:
        yield Concern("unused", live.narrowing.summary)
    if not past.is_proven:
        yield Concern("not-proven", "No proof says that the access is what the grant says, and no more.")
    if wide := (*grant.whole_accounts, *grant.role_patterns):
        yield Concern("wide-trust", f"It trusts more than named users and roles: {', '.join(wide)}.")
    if text := _external_id(grant):
        yield Concern("no-external-id", text)
    if live.unread:
        yield Concern("not-read", "A part of the live state could not be read.")
    if end and not end.is_past:
        yield Concern("ends-soon", end.sentence)
    if not grant.expires:
        yield Concern("no-end", "It has no end date.")


def _external_id(grant: Grant) -> str:
    """Return why an external ID is missing, "" where there is one, or where all callers are one owner's.

    Source: confused-deputy (IAM user guide); it is needed where the source account is a third party's.
    """
    others = [each for each in grant.source_accounts if each not in grant.destination_accounts]
    when = grant.conditions
    if not others or when.external_id.get_secret_value() or when.organization_id:
        return ""
    return f"It asks for no external ID. If {', '.join(others)} is a third party's account, it needs one."


def _droppable(subject: ReviewSubject) -> tuple[NarrowPart, ...]:
    """Return the parts, none where dropping one would leave nothing: then the grant is kept or ended."""
    parts = tuple(_parts(subject))
    rights = [each for each in parts if each.where != SOURCES]
    if len(rights) == 1 and not rights[0].stays:
        return tuple(each for each in parts if each.where == SOURCES)
    return parts


def _parts(subject: ReviewSubject) -> Iterator[NarrowPart]:
    grant, narrowing = subject.grant, subject.live.narrowing
    is_used = narrowing is not None and not narrowing.ends  # where nothing is, an end is proposed instead
    proposed = {(each.where, each.what): each for each in narrowing.items} if narrowing and is_used else {}
    says = {each.source: each.says for each in narrowing.sources} if narrowing else {}
    if len(grant.sources) > 1:
        yield from (NarrowPart(SOURCES, each, because=says.get(each, "")) for each in grant.sources)
    if grant.trust_only:
        return
    for number, permission in enumerate(grant.permissions):
        where = f"permissions.{number}"
        yield from (_part(where, each, proposed.get((where, each))) for each in permission.actions)
    for each in grant.managed_policies:  # of a fleet's grant, the proposal has {account} for the account's id
        of_any = (POLICIES, each.replace(subject.accounts[0], ACCOUNT))
        yield _part(POLICIES, each, proposed.get((POLICIES, each)) or proposed.get(of_any))


def _part(where: str, what: str, found: NarrowedItem | None) -> NarrowPart:
    if found is None:
        return NarrowPart(where, what)
    goes = found.outcome != KEPT
    return NarrowPart(where, what, found.stays if goes else (), goes, found.because)
