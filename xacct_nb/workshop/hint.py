"""What a participant gets who asks: what is wanted and fails, a hint, after the hints a solution."""

from dataclasses import dataclass

from xacct_nb.validation import Serializable
from xacct_nb.views import Code, Page, Shown, Text, View
from xacct_nb.workshop.question import Reply


@dataclass(frozen=True, repr=False)
class Hint(Shown, Serializable):
    """One of the hints of an exercise."""

    exercise: str
    number: int
    of: int
    text: str

    def view(self) -> View:
        """Return the hint, and how to get the next one."""
        more = f'The next one: sheet.hint("{self.exercise}")'
        last = f'It is the last one. A solution: sheet.solution("{self.exercise}")'
        step = more if self.number < self.of else last
        return Page(f"Hint {self.number} of {self.of}", (Text(self.text, "note"), Text(step)))


@dataclass(frozen=True, repr=False)
class Solution(Shown, Serializable):
    """A solution of an exercise: the code of its answer cell."""

    exercise: str
    code: str

    def view(self) -> View:
        """Return the code."""
        return Page("A solution", (Code("Put this into the answer cell, run it, and check.", self.code),))


@dataclass(frozen=True, repr=False)
class Ticket(Shown):
    """What is wanted in an exercise, and what AWS answers to it now."""

    exercise: str
    text: str
    reply: Reply

    def view(self) -> View:
        """Return what is wanted, the call, and AWS's answer."""
        question = self.reply.question
        given = [each for call in question.calls for each in call.parameters.items()]
        parameters = ", ".join(f"{name}={value!r}" for name, value in given) or "none"
        answer = f"AWS answers: {self.reply.message or self.reply.text}"
        return Page(
            f"Task: {self.exercise}",
            (
                Text(self.text),
                Text(f"Wanted: {question.text}"),
                Text(f"Further parameters of its AssumeRole: {parameters}"),
                Text(answer, "good" if self.reply.as_expected else "bad"),
            ),
        )
