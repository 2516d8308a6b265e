"""The page with which an instructor holds a sheet: goals, timing, what goes wrong, questions, answers."""

from collections.abc import Iterator

from xacct_nb.workshop.exercise import Exercise, Sheet


def instructor_page(sheet: Sheet) -> str:
    """Return the page in Markdown."""
    return "\n".join(_lines(sheet)).rstrip() + "\n"


def _lines(sheet: Sheet) -> Iterator[str]:
    notes = sheet.instructor
    yield f"# Sheet {sheet.number}, for the instructor: {sheet.title}\n"
    yield f"Notebook: `notebooks/workshop/{sheet.stem}.ipynb`. Time: {sheet.minutes} minutes. The same with"
    yield f"solutions: `notebooks/workshop/solutions/{sheet.stem}.ipynb`.\n"
    yield "## Goals\n\nAfterwards a participant can:\n"
    yield from (f"- {goal}" for goal in notes.goals)
    yield "\n## Timing\n\n| minutes | what |\n|---|---|"
    yield from (f"| {minutes} | {what} |" for minutes, what in notes.timing)
    if notes.pairs:
        yield f"\n## In pairs\n\n{notes.pairs}"
    yield "\n## What goes wrong\n\n| what you see | what to say |\n|---|---|"
    yield from (f"| {_cell(what)} | {_cell(words)} |" for what, words in notes.pitfalls)
    yield "\n## Questions for the class\n"
    yield from (f"- **{question}** {answer}" for question, answer in notes.questions)
    if sheet.needs_sandbox:
        yield f"\n## Only in the sandbox\n\n{sheet.needs_sandbox}"
    found = [exercise for part in sheet.parts for exercise in part.exercises]
    if sheet.cases:
        yield f"\n## What can be drawn\n\n{len(sheet.exercises)} of these {len(found)} are drawn by a seed."
    for number, exercise in enumerate(found, start=1):
        yield from _exercise_lines(number, exercise)


def _exercise_lines(number: int, exercise: Exercise) -> Iterator[str]:
    yield f"\n## Exercise {number}: {exercise.title} (`{exercise.name}`)\n"
    yield "Hints, in their order:\n"
    yield from (f"{at}. {hint}" for at, hint in enumerate(exercise.hints, start=1))
    yield f"\nA solution:\n\n{_block(exercise.solution)}"
    for other in exercise.others:
        yield f"\nAlso right:\n\n{_block(other)}"
    yield f'\nWrong most often; the check then says "{exercise.wrong.reason}":\n'
    yield _block(exercise.wrong.code)
    if exercise.too_wide:
        yield f"\nToo wide, so not yet:\n\n{_block(exercise.too_wide)}"
    yield f"\nWhy it matters: {exercise.why}"


def _block(code: str) -> str:
    return f"```python\n{code.strip()}\n```"


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
