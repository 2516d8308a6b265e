"""Grants under review as a reviewer is shown them, and a review with something in every field."""

from typing import Any

from support.examples import ALICE, READ, ROLE, a_grant
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.records.review.answers import ItemAnswer, ReviewAnswers
from xacct_nb.records.review.decisions import ReviewDecision
from xacct_nb.records.review.item import Concern, NarrowPart, ReviewItem, item_of
from xacct_nb.records.review.recorded import RecordedReview, RevisedPlan
from xacct_nb.records.review.sheet import ReviewSheet
from xacct_nb.records.review.subject import ReviewSubject

NOW, CAMPAIGN, ANSWER_BY = "2026-11-29T12:00:00Z", "campaign", "2026-12-13T12:00:00Z"
_WRITES = {"actions": ["s3:PutObject"], "resources": ["arn:aws:s3:::reports/*"]}


def a_subject(key: str = "reports", reviewers: tuple[str, ...] = ("alice",), **fields: Any) -> ReviewSubject:
    """A grant to two users for reading and writing, with other fields of the grant or of the subject."""
    about = {name: fields.pop(name) for name in ReviewSubject.__dataclass_fields__ if name in fields}
    bob = ALICE.replace("alice", "bob")
    grant = a_grant(**{"name": key, "sources": [ALICE, bob], "permissions": [READ, _WRITES], **fields})
    return ReviewSubject(
        **{
            "key": key,
            "origin": f"{key}.yaml",
            "fleet": "",
            "grant": grant,
            "accounts": grant.destination_accounts,
            "reviewers": reviewers,
            **about,
        }
    )


def an_item(key: str = "reports", reviewers: tuple[str, ...] = ("alice",), **fields: Any) -> ReviewItem:
    return item_of(a_subject(key, reviewers, **fields), NOW)


def a_sheet(*items: ReviewItem, reviewer: str = "alice") -> ReviewSheet:
    return ReviewSheet(CAMPAIGN, reviewer, ANSWER_BY, items or (an_item(),))


def answers_to(sheet: ReviewSheet, **decided: Any) -> dict[str, Any]:
    """The fields of a file of answers; by key the decision, or the whole answer."""
    answers = {
        key: {"decision": each} if isinstance(each, str) else each for key, each in decided.items()
    } or {each.key: {"decision": "keep"} for each in sheet.items}
    return {
        "review": sheet.digest,
        "campaign": sheet.campaign,
        "reviewer": sheet.reviewer,
        "answers": answers,
    }


_CHANGE = Change("inline-policy", ROLE, "name", None, {"Version": "2012-10-17"})
_ITEM = ReviewItem(
    "key",
    "origin",
    "fleet",
    "grant",
    ("222222222222",),
    ("alice", "bob"),
    ("sentence",),
    (("label", "text"),),
    (Concern("ended", "text"),),
    (NarrowPart("sources", "what", ("stays",), True, "because"),),
    "2026-12-31",
)
REVIEW = RecordedReview(
    CAMPAIGN,
    ANSWER_BY,
    (_ITEM,),
    {"origin": {"name": "grant"}},
    {"alice": "sha256"},
    ("left out",),
    ("ssh-ed25519 AAAA",),
    (
        ReviewAnswers(
            "alice", "digest", (ItemAnswer("key", "end", comment="comment"),), "file", "signed", "sha256"
        ),
    ),
    (ReviewDecision("key", "waits", "2026-12-31", ("drop",), ("alice: end",), ("bob",)),),
    (
        RevisedPlan("file", ("key",), Plan("grant", (_CHANGE,)), "command"),
        RevisedPlan("file", ("key",), problem="problem"),
    ),
)
REVIEW_VALUES = (REVIEW,)
