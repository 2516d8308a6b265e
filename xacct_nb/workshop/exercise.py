"""A sheet of the workshop as data: its text, its exercises, and what the instructor needs."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from xacct_nb.errors import InvalidInput
from xacct_nb.sandbox.server.accounts import Side
from xacct_nb.validation import suggestion
from xacct_nb.workshop.question import Question
from xacct_nb.workshop.verdict import Verdict
from xacct_nb.workshop.world import WorkshopWorld

Check = Callable[[WorkshopWorld, object], Verdict]
"""Judges what principals can do in the world now; the second argument is the participant's answer."""

SEED = 1
"""The seed of the exercises that a sheet is published with."""

Kind = Literal["user", "role", "instance profile", "group", "policy", "bucket"]


def _nothing(world: WorkshopWorld) -> None:
    """Make nothing: the usual world is enough."""


@dataclass(frozen=True)
class WrongAnswer:
    """The answer that is wrong most often, and what its verdict says."""

    code: str
    reason: str


@dataclass(frozen=True)
class Exercise:
    """One task of a sheet, and how its answer is judged.

    `name` is snake_case. `starter`, `solution`, `wrong.code`, `others` and `too_wide` are the code of its
    answer cell, whose last line is `answer`. `others` are right answers of another form. `too_wide` gives
    more access than was asked for; "" where no answer can. `why` is shown with a correct answer. `ticket`
    returns what is wanted and fails: where exercises are drawn, the task cannot say it.
    """

    name: str
    title: str
    task: str
    starter: str
    check: Check
    hints: tuple[str, str, str]
    solution: str
    wrong: WrongAnswer
    others: tuple[str, ...]
    too_wide: str
    why: str
    ticket: Callable[[WorkshopWorld], tuple[str, Question]] | None = None


@dataclass(frozen=True)
class Made:
    """One thing that a sheet makes, or asks the participant to make."""

    side: Side
    kind: Kind
    name: str


@dataclass(frozen=True)
class Instructor:
    """What the instructor needs to hold the class.

    `timing` is minutes and what happens in them; `pitfalls` what goes wrong and what to say; `questions` what
    to ask the class, with the answer; `pairs` how two participants do the sheet together, "" for alone.
    """

    goals: tuple[str, ...]
    timing: tuple[tuple[int, str], ...]
    pitfalls: tuple[tuple[str, str], ...]
    questions: tuple[tuple[str, str], ...]
    pairs: str = ""


@dataclass(frozen=True)
class Sheet:
    """One sheet of the workshop: it stands alone, and takes `minutes`.

    `prepare` makes what it starts from beyond the usual world. `makes` is all that `prepare` and the
    exercises make. `needs_sandbox` says why it cannot run on AWS itself, "" if it can.
    Where exercises are drawn, `drawn` returns the sheet of a seed, this one is that of `SEED`, and `cases`
    are sheets of one exercise each: all that can be drawn.
    """

    number: int
    name: str
    title: str
    minutes: int
    introduction: str
    exercises: tuple[Exercise, ...]
    closing: str
    instructor: Instructor
    prepare: Callable[[WorkshopWorld], None] = _nothing
    makes: tuple[Made, ...] = ()
    needs_sandbox: str = ""
    drawn: Callable[[int], "Sheet"] | None = None
    cases: tuple["Sheet", ...] = ()

    @property
    def stem(self) -> str:
        """Return the name of its files, without their endings."""
        return f"{self.number:02d}_{self.name}"

    @property
    def by_name(self) -> Mapping[str, Exercise]:
        """Return the exercises by their names, in their order."""
        return {each.name: each for each in self.exercises}

    def exercise(self, name: str) -> Exercise:
        """Return an exercise by its name. Raises InvalidInput for another name."""
        known = self.by_name
        if name not in known:
            raise InvalidInput(
                f"This sheet has no exercise {str(name)[:80]!r}.",
                why=f"Its exercises are: {', '.join(known)}.",
                hint=suggestion(str(name), known),
            )
        return known[name]

    @property
    def parts(self) -> tuple["Sheet", ...]:
        """Return sheets that together have every exercise: this one, or all that can be drawn."""
        return self.cases or (self,)

    def of_seed(self, seed: int) -> "Sheet":
        """Return the sheet with the exercises of a seed; itself, where nothing is drawn."""
        return replace(self.drawn(seed), drawn=self.drawn) if self.drawn else self


def seed_of(participant: str) -> int:
    """Return the seed that a participant's name stands for, from 1: the same name, the same exercises."""
    return int(hashlib.sha256(participant.encode(errors="replace")).hexdigest()[:6], 16) + 1
