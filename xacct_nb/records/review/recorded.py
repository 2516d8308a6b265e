"""The part of a review in a run's record: what was asked of whom, what they answered, and the plans of it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from xacct_nb.changes.plan import Plan
from xacct_nb.records.review.answers import END, KEEP, NARROW, ReviewAnswers
from xacct_nb.records.review.decisions import WAITS, ReviewDecision
from xacct_nb.records.review.item import ReviewItem, figure_for
from xacct_nb.records.review.sheet import ReviewSheet, sheets_of
from xacct_nb.validation import Serializable
from xacct_nb.views import Code, Page, Shown, Table, Text, View

_TONES = {KEEP: "good", NARROW: "change", END: "destroy", WAITS: "bad"}


@dataclass(frozen=True)
class RevisedPlan(Serializable):
    """A revised declaration: its file, its plan, None where it could not be planned, and the command for it.

    `problem` says why there is no plan.
    """

    file: str
    keys: tuple[str, ...]
    plan: Plan | None = None
    command: str = ""
    problem: str = ""


@dataclass(frozen=True, repr=False)
class RecordedReview(Shown, Serializable):
    """A campaign: `campaign` is the record that asked, `answer_by` (UTC) ends it.

    `declared` has each declaration by its file or record; `pages` the sha256 of each reviewer's page.
    The rest is there once answers were given. `left_out` says which grants were not reviewed, and why.
    """

    campaign: str
    answer_by: str
    items: tuple[ReviewItem, ...] = ()
    declared: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    pages: Mapping[str, str] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()
    approvers: tuple[str, ...] = ()
    answers: tuple[ReviewAnswers, ...] = ()
    decisions: tuple[ReviewDecision, ...] = ()
    plans: tuple[RevisedPlan, ...] = ()

    @property
    def sheets(self) -> tuple[ReviewSheet, ...]:
        """Return what each reviewer is asked."""
        return sheets_of(self.campaign, self.answer_by, self.items)

    @property
    def missing(self) -> tuple[str, ...]:
        """Return the reviewers who were asked and have not answered."""
        given = {each.reviewer for each in self.answers}
        return tuple(each.reviewer for each in self.sheets if each.reviewer not in given)

    def view(self) -> View:
        """Return what was asked, and what became of it."""
        return Page("Review of access", tuple(self._parts()))

    def _parts(self) -> Iterator[View]:
        yield Text(f"Campaign {self.campaign}, answers by {self.answer_by}.")
        yield items_view(self.items, self.left_out)
        yield sheets_view(self.sheets)
        if self.answers:
            yield answers_view(self)
            yield decisions_view(self.decisions)
        if self.plans:
            yield plans_view(self.plans)


def items_view(items: tuple[ReviewItem, ...], left_out: tuple[str, ...] = ()) -> View:
    """Return the items with their concerns, the most pressing first."""
    rows = tuple(
        (
            each.key,
            "\n".join(each.accounts),
            "\n".join(each.access),
            "\n".join(one.text for one in each.concerns),
        )
        for each in items
    )
    table = Table(
        ("grant", "accounts", "access", "look at"), rows, caption="Under review, the most pressing first"
    )
    parts: list[View] = [table if rows else Text("Nothing is under review.", "note")]
    if figure := figure_for(items):
        parts.insert(0, Text(figure, "note"))
    return Page("What is under review", (*parts, *(Text(each, "note") for each in left_out)))


def sheets_view(sheets: tuple[ReviewSheet, ...]) -> View:
    """Return how much each reviewer is asked, with the digest."""
    rows = tuple((each.reviewer, str(len(each.items)), each.digest) for each in sheets)
    return Table(("reviewer", "grants", "digest of what is shown"), rows, caption="Who is asked")


def answers_view(review: RecordedReview) -> View:
    """Return who answered, how it is signed, and who is missing."""
    given = tuple((each.reviewer, each.file, each.signed, each.sha256) for each in review.answers)
    missing = tuple((each, "no answers", "", "") for each in review.missing)
    tones = (
        *("good" if each[2].startswith("signed by") else "change" for each in given),
        *("bad" for _ in missing),
    )
    heads = ("reviewer", "file", "signature", "sha256 of the file")
    return Table(heads, (*given, *missing), caption="Answers", tones=tones)


def decisions_view(decisions: tuple[ReviewDecision, ...]) -> View:
    """Return what becomes of each item, and by whose answers."""
    rows = tuple((each.key, each.decision, _how(each), "\n".join(_who(each))) for each in decisions)
    tones = tuple(_TONES.get(each.decision, "") for each in decisions)
    return Table(
        ("grant", "decision", "", "by"), rows, caption="Decisions: the strictest answer counts", tones=tones
    )


def plans_view(plans: tuple[RevisedPlan, ...]) -> View:
    """Return each revised file with its plan and the command that makes it."""
    return Page("Plans of the decisions", tuple(part for each in plans for part in _plan(each)))


def plan_lines(revised: RevisedPlan) -> Iterator[str]:
    """Yield what is decided of a file, and the commands for it, for a terminal."""
    if revised.problem:
        yield f"{revised.file} could not be planned. {revised.problem}"
        return
    yield f"{revised.file}: {revised.plan.summary if revised.plan else ''}"
    yield from filter(None, revised.command.split("\n"))


def _plan(revised: RevisedPlan) -> Iterator[View]:
    yield Text(f"{revised.file}, for {', '.join(revised.keys)}:")
    if revised.plan:
        yield revised.plan.view()
    if revised.problem:
        yield Text(f"It could not be planned. {revised.problem}", "bad")
    if revised.command:
        yield Code("The command", revised.command)


def _how(decision: ReviewDecision) -> str:
    until = (f"until {decision.expires}",) if decision.expires else ()
    return "\n".join((*until, *(f"without {each}" for each in decision.drop)))


def _who(decision: ReviewDecision) -> Iterator[str]:
    yield from decision.answered
    yield from (f"{each} has not answered" for each in decision.missing)
