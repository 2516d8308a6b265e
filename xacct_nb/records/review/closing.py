"""What a headless run of a review says at its end: the files that it wrote, and the commands that go on."""

import json
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.records.fields import RecordFields
from xacct_nb.records.review.answers import ANSWERS_ENDING, PAGE_ENDING, REVIEW_NAMESPACE
from xacct_nb.records.review.decisions import WAITS
from xacct_nb.records.review.recorded import RecordedReview, RevisedPlan
from xacct_nb.views import Code, Page, Text, View

_SETTINGS = ("account_role", "organization_profile", "review_to", "two_people", "approvers")
_SIGN = f"ssh-keygen -Y sign -n {REVIEW_NAMESPACE} -f ~/.ssh/id_ed25519"
_UNSIGNED = {
    True: "Answers that are not signed are refused.",
    False: "No approvers are set: answers that are not signed are taken, and the record says so.",
}


def closing_view(record: RecordFields, folder: str, records: str) -> View:
    """Return what is done next with the review in a record that ended well; `folder` has its files."""
    review = RecordedReview.from_json(record.review or {})
    if review.campaign != record.id:
        return Page("What was decided", tuple(_decided(review)))
    if not review.pages:
        left_out = (Text(each, "note") for each in review.left_out)
        return Page("The questions", (Text("Nothing is under review: nobody was asked.", "note"), *left_out))
    return Page("Send each page to its reviewer", tuple(_asked(record, review, folder, records)))


def _asked(record: RecordFields, review: RecordedReview, folder: str, records: str) -> Iterator[View]:
    answers = [f"{name}{ANSWERS_ENDING}" for name in review.pages]
    yield Code("The pages", "\n".join(f"{folder}/{name}{PAGE_ENDING}" for name in review.pages))
    yield Code("Or, for an editor, the files of answers", "\n".join(f"{folder}/{each}" for each in answers))
    yield Code("Each reviewer signs their answers", "\n".join(f"{_SIGN} {each}" for each in answers))
    yield Text(f"{_UNSIGNED[bool(review.approvers)]} Answers are taken until {review.answer_by}.", "note")
    given = json.dumps([f"{folder}/{each}" for each in answers])
    words = ["xacct-nb", "run", "review_access", "-p", "answers", given, *_options(record.parameters)]
    command = shlex.join([*words, "--records", records])
    yield Code("Once the answers and their signatures are back, in the folder of the pages", command)


def _options(parameters: Mapping[str, Any]) -> Iterator[str]:
    """Yield the options with which the second run reads and plans as the first one did."""
    for reference in parameters.get("allow_references", ()):
        yield from ("--allow-reference", reference)
    if parameters.get("sandbox") is False:
        yield from ("-p", "sandbox", "false")
        for name in ("source_profiles", "destination_profiles"):
            yield from ("-p", name, json.dumps(parameters.get(name, [])))
    for name in _SETTINGS:
        if value := parameters.get(name):
            yield from ("-p", name, value if isinstance(value, str) else json.dumps(value))


def _decided(review: RecordedReview) -> Iterator[View]:
    if not review.plans:
        yield Text("No decision changes a grant.", "good")
    for each in review.plans:
        yield from _plan(each)
    if waits := [each.key for each in review.decisions if each.decision == WAITS]:
        names = ", ".join(dict.fromkeys(one for each in review.decisions for one in each.missing))
        yield Text(f"What waits: {', '.join(waits)}. Not answered: {names}.", "bad")
        yield Text("Once their answers are here, run it again with all files of answers.", "note")


def _plan(revised: RevisedPlan) -> Iterator[View]:
    what = f"It could not be planned. {revised.problem}" if revised.problem else ""
    summary = revised.plan.summary if revised.plan else ""
    yield Text(f"{revised.file}, for {', '.join(revised.keys)}: {what or summary}", "bad" if what else "")
    if revised.command:
        yield Code("To plan it" if what else "To make it", revised.command)
