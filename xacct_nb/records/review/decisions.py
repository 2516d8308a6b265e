"""What becomes of the answers: one decision for each item, and the declarations that carry them out."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from xacct_nb.fleets.fleet import Fleet
from xacct_nb.grants.expiry import has_ended, moment_of
from xacct_nb.grants.grant import Grant, account_of
from xacct_nb.grants.target import ACCOUNT, Target
from xacct_nb.records.review.answers import (
    DECISIONS,
    END,
    KEEP,
    NARROW,
    ItemAnswer,
    ReviewAnswers,
    takes_all,
)
from xacct_nb.records.review.item import POLICIES, SOURCES, NarrowPart, ReviewItem
from xacct_nb.redaction.redact import is_fingerprint
from xacct_nb.validation import Serializable

WAITS = "waits"
"""The decision of an item of which a reviewer has not answered."""
ENDED = "-ended"
UNKNOWN_ID = "env:EXTERNAL_ID"
"""The reference in a revised declaration whose external ID is in no record."""
_LONGEST = 32 - len(ENDED)  # of a fleet's name


@dataclass(frozen=True)
class ReviewDecision(Serializable):
    """What becomes of one item: of several answers the strictest counts, of end dates the earliest.

    `drop` are parts by their keys; `answered` is who said what, `missing` who has not answered.
    """

    key: str
    decision: str
    expires: str = ""
    drop: tuple[str, ...] = ()
    answered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()

    @property
    def changes(self) -> bool:
        """Return whether the declaration is revised."""
        return self.decision in (NARROW, END) or (self.decision == KEEP and bool(self.expires))


@dataclass(frozen=True)
class RevisedFile:
    """A revised declaration: the name of its file, whether it is a fleet's, its fields, and its items."""

    name: str
    is_fleet: bool
    fields: Mapping[str, Any]
    keys: tuple[str, ...]


def decide(items: Iterable[ReviewItem], answers: Iterable[ReviewAnswers]) -> tuple[ReviewDecision, ...]:
    """Return the decision on each item by the answers of its reviewers."""
    given = {(each.reviewer, one.key): one for each in answers for one in each.answers}
    return tuple(_decision(item, given) for item in items)


def _decision(item: ReviewItem, given: Mapping[tuple[str, str], ItemAnswer]) -> ReviewDecision:
    found = {name: given[name, item.key] for name in item.reviewers if (name, item.key) in given}
    missing = tuple(name for name in item.reviewers if name not in found)
    answered = tuple(f"{name}: {_said(each)}" for name, each in found.items())
    if missing:
        return ReviewDecision(item.key, WAITS, answered=answered, missing=missing)
    strictest = max((each.decision for each in found.values()), key=DECISIONS.index)
    dates = [each.expires for each in found.values() if each.expires]
    expires = min(dates, key=moment_of, default="") if strictest != END else ""
    drop = dict.fromkeys(part for each in found.values() for part in each.drop) if strictest == NARROW else ()
    if drop and takes_all(item, drop):  # several reviewers together leave nobody, or nothing
        return ReviewDecision(item.key, END, answered=answered)
    return ReviewDecision(item.key, strictest, expires, tuple(drop), answered)


def _said(answer: ItemAnswer) -> str:
    until = f" until {answer.expires}" if answer.expires else ""
    comment = f" ({answer.comment})" if answer.comment else ""
    return f"{answer.decision}{until}{comment}"


def revised_grant(grant: Grant, item: ReviewItem, decision: ReviewDecision, today: str) -> Grant:
    """Return the grant as decided: smaller, or with its end; `today` is the date of an end now.

    Raises InvalidGrant.
    """
    return Grant(**_revised_fields(grant.to_json(), item, decision, today))


def _without(fields: Mapping[str, Any], part: NarrowPart, account: str) -> dict[str, Any]:
    """Return the field of a part without it; in a fleet, {account} stands for the id of each account."""
    if part.where in (SOURCES, POLICIES):
        kept = [each for each in fields[part.where] if each.replace(ACCOUNT, account) != part.what]
        return {part.where: kept}
    permissions = [dict(each) for each in fields["permissions"]]
    number = int(part.where.partition(".")[2])
    actions = [left for each in permissions[number]["actions"] for left in _left(each, part)]
    permissions[number] = {**permissions[number], "actions": list(dict.fromkeys(actions))}
    return {"permissions": permissions}


def _left(action: str, part: NarrowPart) -> tuple[str, ...]:
    return part.stays if action == part.what else (action,)


def with_reference(fields: Mapping[str, Any], today: str) -> dict[str, Any]:
    """Return the fields of a grant with a reference in place of an external ID that only a record had.

    A record has its fingerprint alone. A grant that has ended needs none: nothing of it is made.
    """
    conditions = dict(fields.get("conditions") or {})
    if not is_fingerprint(conditions.get("external_id", "")):
        return dict(fields)
    if has_ended(fields.get("expires", ""), moment_of(today)):
        del conditions["external_id"]
    else:
        conditions["external_id"] = UNKNOWN_ID
    rest = {name: each for name, each in fields.items() if name != "conditions"}
    return rest | ({"conditions": conditions} if conditions else {})


def revised_fleet(
    fleet: Fleet,
    decided: Sequence[tuple[ReviewItem, ReviewDecision]],
    today: str,
) -> Iterator[tuple[str, dict[str, Any], tuple[str, ...]]]:
    """Yield the revised fleet, and one for the accounts that lose a grant which others keep.

    Each with the end of its file's name, its fields, and the keys of its items. That other fleet removes the
    roles alone: it names whole source accounts, so it has no part in the callers' policies, which the revised
    fleet makes smaller. As it has ended, it lets nobody in.
    """
    grants, ended, keys = list[dict[str, Any]](), list[dict[str, Any]](), list[str]()
    for declared in fleet.to_json()["grants"]:
        own = [(item, each) for item, each in decided if item.grant == declared["name"]]
        if all(each.decision == END for _, each in own):
            grants.append({**declared, "expires": _end(declared, today)} if own else declared)
            continue
        apart = [item for item, each in own if each.decision == END]
        grants.append(_revised_entry(declared, own, apart, today))
        if apart:
            ended.append(_ended_entry(declared, apart, today))
            keys += [item.key for item in apart]
    changed = [item.key for item, each in decided if each.changes]
    if changed:
        yield "", _fields_of(fleet, fleet.name, grants), tuple(changed)
    if ended:
        yield ENDED, _fields_of(fleet, f"{fleet.name[:_LONGEST]}{ENDED}", ended), tuple(keys)


def _fields_of(fleet: Fleet, name: str, grants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the fields of a fleet with these grants; accounts that others own stay theirs."""
    return {"name": name, "grants": [_shortened(each) for each in grants], **_owners(fleet, grants)}


def _revised_entry(
    declared: Mapping[str, Any],
    own: Sequence[tuple[ReviewItem, ReviewDecision]],
    apart: Sequence[ReviewItem],
    today: str,
) -> dict[str, Any]:
    """Return a grant of a fleet without the accounts that lose it, and as was decided for all of them."""
    gone = [account for item in apart for account in item.accounts]
    entry = {**declared, "except_accounts": list(dict.fromkeys([*declared["except_accounts"], *gone]))}
    for item, each in own:
        if item.is_whole and each.changes:
            entry |= _revised_fields(entry, item, each, today)
    return entry


def _revised_fields(
    entry: Mapping[str, Any], item: ReviewItem, decision: ReviewDecision, today: str
) -> dict[str, Any]:
    fields = {**entry} | ({"expires": decision.expires} if decision.expires else {})
    if decision.decision == END:
        fields["expires"] = _end(entry, today)
    for part in (each for each in item.parts if each.key in decision.drop):
        fields |= _without(fields, part, item.accounts[0])
    return fields | {"permissions": [each for each in fields["permissions"] if each["actions"]]}


def _ended_entry(declared: Mapping[str, Any], items: Sequence[ReviewItem], today: str) -> dict[str, Any]:
    accounts = list(dict.fromkeys(account for item in items for account in item.accounts))
    only = {"accounts": accounts, "organization_units": [], "tags": {}, "except_accounts": []}
    callers = list(dict.fromkeys(map(account_of, declared["sources"])))
    alone = {"sources": callers, "caller_reach": "roles", "attach_to": ""}
    return {**declared, **only, **alone, "expires": _end(declared, today)}


def end_day(now: datetime) -> str:
    """Return the date of an end now: one that is past by a clock that is an hour behind, too.

    AWS decides by its own clock whether a grant has ended. Before its end, it would be made as it is written.
    """
    return f"{now - timedelta(hours=1):%Y-%m-%d}"


def _end(entry: Mapping[str, Any], today: str) -> str:
    """Return the end of a grant that ends today: its own where that is past, since an end is never later."""
    return str(entry["expires"]) if has_ended(entry["expires"], moment_of(today)) else today


def _owners(fleet: Fleet, grants: Iterable[Mapping[str, Any]]) -> dict[str, Any]:
    """Return the owners of a fleet's accounts that these grants list, where there are any."""
    listed = {account for each in grants for account in each["accounts"]}
    found = {name: [each for each in own if each in listed] for name, own in fleet.owners.items()}
    owners = {name: own for name, own in found.items() if own}
    return {"owners": owners} if owners else {}


def _shortened(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a fleet's grant without those that have their default."""
    models = {**Grant.model_fields, **Target.model_fields}
    plain = {name: field.get_default(call_default_factory=True) for name, field in models.items()}
    empty: tuple[Any, ...] = ("", [], {}, ())
    kept = {name: value for name, value in entry.items() if value not in empty and value != plain.get(name)}
    if conditions := {name: each for name, each in entry["conditions"].items() if each and each not in empty}:
        return {**kept, "conditions": conditions}
    return {name: value for name, value in kept.items() if name != "conditions"}
