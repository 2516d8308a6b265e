"""What a participant gets who asks for help: a hint, and after the hints a solution."""

from dataclasses import dataclass

from xacct_nb.validation import Serializable
from xacct_nb.views import Code, Page, Shown, Text, View


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
