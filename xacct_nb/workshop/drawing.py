"""Which exercises a participant has where they are drawn: those of a seed, which the progress keeps."""

from dataclasses import replace

from xacct_nb.errors import InvalidInput
from xacct_nb.workshop.exercise import Sheet, seed_of
from xacct_nb.workshop.progress import ProgressFile
from xacct_nb.workshop.world import forget_world


def draw(sheet: Sheet, file: ProgressFile, participant: str, seed: int, *, on_aws: bool) -> Sheet:
    """Return the sheet of a seed: by default of the last one, else of the participant's name.

    Another seed than the last begins with new accounts. Raises InvalidInput on AWS, where they stay.
    """
    if sheet.drawn is None:
        return sheet
    last = file.read().seed
    now = seed or last or seed_of(participant)
    if last not in (0, now):
        if on_aws:
            raise _other_seed(last)
        forget_world(file.folder)
    file.change(lambda progress: replace(progress, seed=now))
    return sheet.of_seed(now)


def _other_seed(last: int) -> InvalidInput:
    return InvalidInput(
        f"The accounts have the exercises of seed {last}.",
        why="Those of another seed need other roles and users, and these are not removed unasked.",
        hint=f"Set seed = {last}, open the sheet, and draw others by sheet.reset(seed=N).",
    )
