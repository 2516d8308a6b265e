"""A participant's progress in one sheet: kept in a file, so that it outlives the kernel."""

import json
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path

from xacct_nb.aws.clock import utc
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.json_file import parse_plain_json
from xacct_nb.storage.locks import EXCLUSIVE, lock_file
from xacct_nb.storage.plain_files import read_plain
from xacct_nb.validation import Serializable
from xacct_nb.workshop.folders import progress_path, share_progress
from xacct_nb.workshop.verdict import CORRECT, NOT_ATTEMPTED

_LONGEST, _DEEPEST = 100_000, 6


@dataclass(frozen=True)
class ExerciseProgress(Serializable):
    """The best outcome of an exercise, how often it was checked, the hints seen; `at` is the last check."""

    outcome: str = NOT_ATTEMPTED
    tries: int = 0
    hints: int = 0
    solution_shown: bool = False
    at: str = ""

    def checked(self, outcome: str) -> "ExerciseProgress":
        """Return the progress after a check; what was correct once stays correct."""
        kept = CORRECT if self.outcome == CORRECT else outcome
        tries = self.tries if outcome == NOT_ATTEMPTED else self.tries + 1
        return replace(self, outcome=kept, tries=tries, at=utc())


_UNTOUCHED = ExerciseProgress()


@dataclass(frozen=True)
class SheetProgress(Serializable):
    """Where a participant is in a sheet. `world` is a digest of the accounts as the last check left them.

    `seed` is that of the exercises drawn for this world, 0 where nothing is drawn.
    """

    participant: str
    sheet: str
    sandbox: str = ""
    opened: str = ""
    seen: str = ""
    world: str = ""
    seed: int = 0
    exercises: Mapping[str, ExerciseProgress] = field(default_factory=dict)

    def of(self, exercise: str) -> ExerciseProgress:
        """Return the progress in one exercise."""
        return self.exercises.get(exercise, _UNTOUCHED)

    def having(self, exercise: str, now: ExerciseProgress) -> "SheetProgress":
        """Return the progress with another one in an exercise."""
        return replace(self, exercises={**self.exercises, exercise: now})

    @property
    def solved(self) -> int:
        """Return how many exercises are correct."""
        return sum(each.outcome == CORRECT for each in self.exercises.values())


class ProgressFile:
    """The file with a participant's progress in a sheet; any kernel of the participant may change it.

    `not_shared` says why the trainer of a class does not see the last change, "" where it is seen.
    """

    not_shared = ""

    def __init__(self, folder: Path, participant: str, sheet: str) -> None:
        self.path, self._new = progress_path(folder, sheet), SheetProgress(participant, sheet)
        self.folder, self._lock = folder, folder / "progress.lock"

    def read(self) -> SheetProgress:
        """Return the progress; that of somebody who begins where the file cannot be read."""
        try:
            return read_progress(self.path)
        except (OSError, ValueError):
            return self._new

    def change(self, change: Callable[[SheetProgress], SheetProgress]) -> SheetProgress:
        """Replace the progress by what `change` makes of it, one writer at a time; return it."""
        self._lock.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with closing(lock_file(self._lock, EXCLUSIVE)):
            now = replace(change(self.read()), seen=utc())
            replace_file(self.path, json.dumps(now.to_json(), indent=1).encode())
            self.not_shared = share_progress(now.to_json())
        return now


def read_progress(path: Path) -> SheetProgress:
    """Return the progress in a file; no link is followed. Raises OSError, and ValueError where it is none."""
    return SheetProgress.from_json(parse_plain_json(read_plain(path, _LONGEST), deepest=_DEEPEST))
