"""A review of access, as the cells of its notebook call it: what is asked, the answers, the plans of them."""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from functools import cached_property
from pathlib import Path

from xacct_nb.aws.clock import local_time, utc
from xacct_nb.errors import XacctError
from xacct_nb.grants.approvers import parse_approvers
from xacct_nb.grants.expiry import has_ended
from xacct_nb.grants.grant import Grant
from xacct_nb.jupyter.review_page import to_review_page
from xacct_nb.jupyter.runner_channel import send_progress, send_secrets
from xacct_nb.records.review.answers import (
    ANSWERS_ENDING,
    PAGE_ENDING,
    ReviewAnswers,
    campaign_of,
    empty_answers,
    parse_answers,
    refusal,
)
from xacct_nb.records.review.decisions import decide, end_day
from xacct_nb.records.review.item import in_order, item_of
from xacct_nb.records.review.recorded import (
    RecordedReview,
    answers_view,
    decisions_view,
    items_view,
    plan_lines,
    plans_view,
    sheets_view,
)
from xacct_nb.records.review.sheet import ReviewSheet, parse_reviewers
from xacct_nb.records.review.subject import ReviewSubject, check_reviewers
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.grant_forms import FormRun
from xacct_nb.runs.review.declared import DeclaredAccess, RecentRecords, declared_in, read_declared
from xacct_nb.runs.review.finding import SubjectFinder, is_over
from xacct_nb.runs.review.live_reading import LiveReading
from xacct_nb.runs.review.revising import Revising
from xacct_nb.storage.ledger import broken_record, read_ledger, read_record
from xacct_nb.storage.review_files import (
    describe_signature_of,
    hash_of,
    is_changed,
    read_answers,
    review_folder,
    text_hash_of,
    write_new,
)
from xacct_nb.validation import truncate
from xacct_nb.views import Page, Shown, Table, Text, View


class ReviewRun(Shown):
    """The review of a run: without answers it asks the reviewers, with answers it makes plans of them."""

    def __init__(self, run: FormRun) -> None:
        self.run, self.settings = run, run.settings
        run.touched = True

    @cached_property
    def found(self) -> RecordedReview:
        """The review: that which the answers are to, else a new one. Raises InvalidInput."""
        return self._asked() if self.settings.answers else self._new()

    @property
    def folder(self) -> Path:
        """The folder of this run's files: no other run writes there."""
        return review_folder(self.run.records, self.settings.review_to, self.run.id)

    def items(self) -> "ReviewPart":
        """Read what is under review and return it, the most pressing first; nothing is changed."""
        self._note()
        return ReviewPart(items_view(self.found.items, self.found.left_out))

    def ask(self) -> "ReviewPart":
        """Write a page and an empty file of answers for each reviewer; with answers, write nothing."""
        if self.settings.answers:
            return ReviewPart(Text("Answers were given, so nobody is asked again.", "note"))
        pages, files = dict[str, str](), list[tuple[str, str, str]]()
        for sheet in self.found.sheets:
            page = to_review_page(sheet)
            file = write_new(self.folder / f"{sheet.reviewer}{PAGE_ENDING}", page)
            answers = write_new(self.folder / f"{sheet.reviewer}{ANSWERS_ENDING}", empty_answers(sheet))
            pages[sheet.reviewer] = text_hash_of(page)
            files.append((sheet.reviewer, str(file), str(answers)))
            self._tell(f"The page of {sheet.reviewer}: {file}")
        self.found = replace(self.found, pages=pages)
        self._note()
        table = Table(
            ("reviewer", "page", "answers, for an editor"), tuple(files), caption="Send each its page"
        )
        return ReviewPart(Page("The questions", (sheets_view(self.found.sheets), table)))

    def answers(self) -> "ReviewPart":
        """Check the answers, and return who answered what, and who has not. Raises InvalidParameters."""
        if not self.settings.answers:
            how = "Once they are here: -p answers '[\"NAME.answers.yaml\"]'"
            return ReviewPart(Text(f"No answers yet. {how}", "note"))
        self._note()
        for each in self.found.missing:
            self._tell(f"{each} has not answered.")
        parts = answers_view(self.found), decisions_view(self.found.decisions)
        return ReviewPart(Page("The answers", parts))

    def plan(self) -> "ReviewPart":
        """Write the revised declarations, and plan each; nothing is changed in AWS."""
        if not self.settings.answers:
            return ReviewPart(Text("Without answers there is nothing to plan.", "note"))
        approvers = self.settings.approvers or self.found.approvers
        revising = Revising(self.run, LiveReading(self.run), self.folder, end_day(local_time()), approvers)
        self.found = replace(self.found, plans=tuple(revising.plans(self.found)))
        self._note()
        for each in self.found.plans:
            self._tell(*plan_lines(each))
        if not self.found.plans:
            return ReviewPart(Text("No decision changes a grant.", "good"))
        return ReviewPart(plans_view(self.found.plans))

    def view(self) -> View:
        """Return what is under review, and who is asked by when."""
        if self.settings.answers:
            return Text(f"The answers: {', '.join(self.settings.answers)}")
        rows = tuple((each.name, type(each.of).__name__.lower(), each.origin) for each in self._declared)
        asked = tuple((name, ", ".join(has)) for name, has in self._reviewers.items())
        found = Table(("grant or fleet", "", "declared in"), rows, caption="Under review")
        nothing = Text("Nothing is under review: no change stands by these records.", "note")
        return Page("Review of access", (found if rows else nothing, Table(("reviewer", "for"), asked)))

    @cached_property
    def _declared(self) -> tuple[DeclaredAccess, ...]:
        return declared_in(self.settings.review, self.run.records, self.settings.sandbox)

    @cached_property
    def _reviewers(self) -> dict[str, tuple[str, ...]]:
        return parse_reviewers(self.settings.reviewers, parse_approvers(self.settings.approvers))

    def _new(self) -> RecordedReview:
        settings, now = self.settings, utc()
        names = {name for each in self._declared for name in _names(each)}
        records = RecentRecords(self.run.records, names, settings.sandbox)
        finder = SubjectFinder(LiveReading(self.run), records, self._reviewers)
        subjects = list(finder.subjects_of(self._declared))
        over = [each for each in subjects if has_ended(each.grant.expires, now) and is_over(each)]
        asked = [each for each in subjects if each not in over]
        if asked:
            check_reviewers(self._reviewers, subjects)
        return RecordedReview(
            self.run.id,
            utc(local_time() + timedelta(days=settings.answer_days)),
            in_order(item_of(each, now) for each in asked),
            {each.origin: each.of.to_json() for each in self._declared},
            left_out=tuple(map(_left_out, over)),
            approvers=tuple(settings.approvers),
        )

    def _asked(self) -> RecordedReview:
        """Return the review that the answers are to, with these answers. Raises InvalidParameters."""
        read = {file: read_answers(file) for file in dict.fromkeys(self.settings.answers)}
        named = {file: campaign_of(file, fields) for file, (_, fields) in read.items()}
        if len(campaigns := {campaign for campaign, _ in named.values()}) > 1:
            raise refusal(
                "campaigns",
                "The answers are to more than one campaign.",
                why=f"They name: {', '.join(sorted(campaigns))}.",
                hint="Hand in the answers to each campaign in a run of its own.",
            )
        review = self._campaign(campaigns.pop())
        self._hide_secrets(review.declared)
        sheets = {each.reviewer: each for each in review.sheets}
        found = dict[str, ReviewAnswers]()
        for file, (content, fields) in read.items():
            sheet = self._sheet(file, named[file][1], sheets, review)
            if sheet.reviewer in found:
                raise refusal(
                    "twice",
                    f"There are two files of {sheet.reviewer}'s answers.",
                    why="Which of them counts is not known.",
                    hint="Name the one that counts.",
                )
            answers = self._cleaned(parse_answers(file, fields, sheet, utc()))
            keys = (parse_approvers(review.approvers), parse_approvers(self.settings.approvers))
            signed = describe_signature_of(file, content, sheet.reviewer, keys)
            found[sheet.reviewer] = replace(answers, signed=signed, sha256=hash_of(content))
        given = tuple(found.values())
        return replace(review, answers=given, decisions=decide(review.items, given))

    def _sheet(
        self, file: str, reviewer: str, sheets: dict[str, ReviewSheet], review: RecordedReview
    ) -> ReviewSheet:
        """Return what the reviewer of a file was asked, if their page is as it was written."""
        if reviewer not in sheets:
            raise refusal(
                "unknown-reviewer",
                f"{reviewer[:80]!r} was not asked.",
                why=f"The campaign {review.campaign} asked: {', '.join(sheets)}.",
                hint="Hand in the answers of these reviewers.",
            )
        page = Path(file).expanduser().with_name(f"{reviewer}{PAGE_ENDING}")
        if is_changed(page, review.pages.get(reviewer, "")):
            raise refusal(
                "changed-page",
                f"The page {str(page)!r} was changed since it was written.",
                why="What the reviewer saw is then not what the record of the campaign has.",
                hint="Send the reviewer the page again, and have it answered anew.",
            )
        return sheets[reviewer]

    def _campaign(self, campaign: str) -> RecordedReview:
        """Return the review of the record that asked. Raises UnknownRecord, InvalidParameters."""
        if not any(line["id"] == campaign for line in read_ledger(self.run.records)):
            raise refusal(
                "campaign",
                f"{truncate(campaign)!r} is no record in {str(self.run.records)!r}.",
                why="The record that asked says what was asked; a file of answers names it by its id.",
                hint="Name the records folder in which the campaign began: --records DIR",
            )
        place = str((self.run.records / campaign).absolute())  # an id may be a folder's name elsewhere, too
        record, broken = read_record(self.run.records, place), broken_record(self.run.records, place)
        review = RecordedReview.from_json(record.review) if record.review and not broken else None
        if review is None or review.campaign != record.id:
            raise refusal(
                "campaign",
                f"The record {record.id!r} is no campaign that answers can be checked by.",
                why="; ".join(broken) or "It asked no reviewer.",
                hint="Name the records folder in which the campaign began: --records DIR",
            )
        return review

    def _hide_secrets(self, origins: Iterable[str]) -> None:
        """Keep the external IDs of the reviewed files out of all that this run writes and shows."""
        reading = LiveReading(self.run)
        for origin in origins:
            with suppress(XacctError):  # a record, which has no secret; a file that is gone
                of = read_declared(origin).of
                for grant in (of,) if isinstance(of, Grant) else [each.template for each in of.grants]:
                    with suppress(XacctError):  # a reference that this run may not look up
                        reading.looked_up(grant)
        if self.run.headless:
            send_secrets(self.run.evidence.secrets)

    def _cleaned(self, given: ReviewAnswers) -> ReviewAnswers:
        secrets = self.run.evidence.secrets
        answers = (replace(each, comment=redact(each.comment, secrets)) for each in given.answers)
        return replace(given, answers=tuple(answers))

    def _tell(self, *lines: str) -> None:
        """Say on the terminal of a headless run where the files are, and what is to be done next."""
        for line in lines if self.run.headless else ():
            send_progress(line)

    def _note(self) -> None:
        self.run.evidence.add("review", self.found.to_json())


class ReviewPart(Shown):
    """A part of a review, as a cell shows it."""

    def __init__(self, shown: View) -> None:
        self.shown = shown

    def view(self) -> View:
        """Return the part."""
        return self.shown


def _names(declared: DeclaredAccess) -> Iterator[str]:
    yield declared.name
    if not isinstance(declared.of, Grant):
        yield from (each.name for each in declared.of.grants)


def _left_out(subject: ReviewSubject) -> str:
    return f"{subject.key} ended at {subject.grant.expires}, and nothing of it is left: nobody is asked."
