"""Marks an answer: asks the exercise's check, and decides whether it was attempted at all."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from xacct_nb.aws.error_translation import text_of
from xacct_nb.errors import AwsRefused, InvalidInput
from xacct_nb.workshop.exercise import Exercise
from xacct_nb.workshop.progress import SheetProgress
from xacct_nb.workshop.verdict import NOT_ATTEMPTED, Verdict
from xacct_nb.workshop.world import WorkshopWorld

_TO_BEGIN = "Nothing has changed in the two accounts, and no answer was given."


def mark(
    world: WorkshopWorld, exercise: Exercise, answer: object, before: SheetProgress
) -> tuple[Verdict, SheetProgress]:
    """Return the verdict on an answer, and the progress after it.

    An answer that is not correct counts as not attempted where there is none, no check found an attempt
    before, and both accounts are as the check before left them. Raises AwsRefused where the administrators
    of the accounts cannot do what the check needs.
    """
    with _as_administrators(world):
        now = world.fingerprint()
        verdict = exercise.check(world, answer)
    earlier = before.of(exercise.name)
    untouched = answer is None and now == before.world and not earlier.tries
    if not verdict.is_correct and untouched:
        verdict = Verdict(NOT_ATTEMPTED, _TO_BEGIN)
    elif verdict.is_correct:
        verdict = replace(verdict, why=exercise.why)
    else:
        verdict = replace(verdict, next_step=_next_step(exercise))
    progress = before.having(exercise.name, earlier.checked(verdict.outcome))
    return verdict, replace(progress, world=now)


@contextmanager
def _as_administrators(world: WorkshopWorld) -> Iterator[None]:
    try:
        yield
    except world.admin("source", "sts").exceptions.ClientError as problem:
        raise AwsRefused(
            "The check could not read the accounts or prepare its questions.",
            aws_code=str(problem.response.get("Error", {}).get("Code")),
            why=text_of(problem),
            hint="If the administrators were changed, sheet.reset() makes the accounts again.",
        ) from problem


def _next_step(exercise: Exercise) -> str:
    return f'Correct it and check again. For a hint: sheet.hint("{exercise.name}")'


def plain_answer(answer: object) -> object:
    """Return the answer as JSON gives it back. Raises InvalidInput."""
    try:
        return json.loads(json.dumps(answer, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as problem:
        raise InvalidInput(
            f"An answer of type {type(answer).__name__} cannot be checked.",
            why="An answer is text, a number, true or false, None, or a list or dict of these.",
            hint="Pass what the task asks for, such as an ARN as text.",
        ) from problem
