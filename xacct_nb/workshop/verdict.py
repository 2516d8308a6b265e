"""The verdict about an answer: not attempted, not yet, or correct, with what AWS answered."""

from dataclasses import asdict, dataclass
from typing import Any

from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.question import Reply

NOT_ATTEMPTED, NOT_YET, CORRECT = "not-attempted", "not-yet", "correct"
_TITLES = {NOT_ATTEMPTED: "Not attempted", NOT_YET: "Not yet", CORRECT: "Correct"}
_TONES = {NOT_ATTEMPTED: "note", NOT_YET: "bad", CORRECT: "good"}
_EXPECTED = {True: "allowed", False: "denied"}


@dataclass(frozen=True)
class Asked:
    """One row of a verdict: what was asked of AWS, what the exercise wants, what AWS answered."""

    question: str
    expected: str
    answered: str
    as_expected: bool
    because: str = ""


@dataclass(frozen=True, repr=False)
class Verdict(Shown, Serializable):
    """The outcome of a check. `text` says what decided it; `message` is AWS's, `points_to` the diagnosis.

    With a correct answer, `why` says why it matters.
    """

    outcome: str
    text: str = ""
    asked: tuple[Asked, ...] = ()
    message: str = ""
    points_to: tuple[str, ...] = ()
    why: str = ""
    next_step: str = ""

    @property
    def is_correct(self) -> bool:
        """Return whether the answer is right."""
        return self.outcome == CORRECT

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    def view(self) -> View:
        """Return the outcome, what AWS was asked and answered, and what that points to."""
        parts: list[View] = [Text(f"{_TITLES[self.outcome]}. {self.text}".strip(), _TONES[self.outcome])]
        if self.asked:
            parts.append(_table(self.asked))
        parts += [Text(f"AWS answered: {self.message}")] if self.message else []
        parts += [Text(f"This points to: {line}", "note") for line in self.points_to]
        parts += [Text(line) for line in (self.why, self.next_step) if line]
        return Page("Check", tuple(parts))


def row_of(reply: Reply) -> Asked:
    """Return the row of one answer of AWS."""
    question = reply.question
    return Asked(question.text, _EXPECTED[question.expected], reply.text, reply.as_expected, question.because)


def _table(asked: tuple[Asked, ...]) -> Table:
    """Return what was asked as a table; a prediction has no reasons, and then no column for them."""
    heads = ("AWS was asked", "it should be", "AWS answered", "because")
    columns = len(heads) if any(each.because for each in asked) else len(heads) - 1
    rows = tuple((each.question, each.expected, each.answered, each.because)[:columns] for each in asked)
    tones = tuple("good" if each.as_expected else "bad" for each in asked)
    return Table(heads[:columns], rows, tones=tones)
