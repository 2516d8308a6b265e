"""A running class: where each participant is in each sheet, and what the class is stuck on."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from xacct_nb.aws.clock import utc
from xacct_nb.errors import InvalidInput
from xacct_nb.storage.plain_files import kind_of
from xacct_nb.validation import Serializable
from xacct_nb.views import Page, Shown, Table, Text, View
from xacct_nb.workshop.exercise import Sheet
from xacct_nb.workshop.folders import PROGRESS_FILE
from xacct_nb.workshop.progress import ExerciseProgress, SheetProgress, read_progress
from xacct_nb.workshop.verdict import CORRECT, NOT_YET

_MOST = 500  # participants
_MOST_TRIES = 9_999
_LONGEST_TIME = 40  # characters
_AWAY = 10 * 60  # seconds without a check, a hint or an opened sheet

Opened = tuple[Sheet, SheetProgress]


@dataclass(frozen=True)
class SheetStatus(Serializable):
    """A participant in one sheet: `correct` of `exercises`; `open` is the first exercise that is not.

    `tries`, `hints` and `solution_shown` are those of the open exercise. `seen` is the last change, in UTC.
    """

    sheet: str
    title: str
    correct: int
    exercises: int
    open: str
    tries: int
    hints: int
    solution_shown: bool
    seen: str


@dataclass(frozen=True)
class ParticipantStatus(Serializable):
    """A participant with the sheets that were opened, the one that was used last first."""

    participant: str
    sheets: tuple[SheetStatus, ...]

    @property
    def now(self) -> SheetStatus:
        """The sheet that was used last."""
        return self.sheets[0]


@dataclass(frozen=True)
class StuckExercise(Serializable):
    """An exercise whose last check said not yet, for `participants`, after `tries` checks of theirs."""

    sheet: str
    exercise: str
    participants: int
    tries: int
    correct: int


@dataclass(frozen=True, repr=False)
class ClassStatus(Shown, Serializable):
    """All participants whose progress is in a folder; `unreadable` are files that are no progress."""

    read_at: str
    participants: tuple[ParticipantStatus, ...]
    stuck_on: tuple[StuckExercise, ...]
    unreadable: tuple[str, ...] = ()

    def view(self) -> View:
        """Return what the class is stuck on, and one row for each participant."""
        parts: list[View] = [Text(self.summary)]
        if self.stuck_on:
            parts.append(_table_of_obstacles(self.stuck_on))
        if self.participants:
            parts.append(_table_of_participants(self))
        parts += [Text(f"No progress can be read in {name}.", "bad") for name in self.unreadable]
        return Page("The class", tuple(parts))

    @property
    def summary(self) -> str:
        """The class in one line."""
        if not self.participants:
            return "Nobody has opened a sheet yet."
        sheets = [each for person in self.participants for each in person.sheets]
        done, of = sum(each.correct for each in sheets), sum(each.exercises for each in sheets)
        away = sum(self.is_away(each) for each in self.participants)
        people = f"{len(self.participants)} participant{'s' * (len(self.participants) != 1)}"
        return (
            f"{people}, {away} away for ten minutes or more. {done} of {of} exercises of open sheets correct."
        )

    def ago(self, moment: str) -> str:
        """Return how long before `read_at` a moment was."""
        seconds = _seconds_between(moment, self.read_at)
        if seconds is None:
            return "unknown"
        if seconds < 60:
            return f"{max(seconds, 0):.0f} s ago"
        return f"{seconds // 60:.0f} min ago" if seconds < 7200 else f"{seconds // 3600:.0f} h ago"

    def is_away(self, person: ParticipantStatus) -> bool:
        """Return whether a participant has done nothing for ten minutes."""
        seconds = _seconds_between(person.now.seen, self.read_at)
        return seconds is None or seconds >= _AWAY


def class_status(folder: Path, sheets: Sequence[Sheet]) -> ClassStatus:
    """Return the status of everybody whose progress in these sheets is in PARTICIPANT/SHEET/progress.json.

    What participants wrote is read with limits, and no link is followed. Raises InvalidInput where the folder
    cannot be read.
    """
    unreadable = list[str]()
    people = dict(_participants(folder, sheets, unreadable))
    found = tuple(ParticipantStatus(name, _latest_first(opened)) for name, opened in people.items())
    return ClassStatus(utc(), found, _obstacles(sheets, people.values()), tuple(unreadable[:20]))


def _participants(
    folder: Path, sheets: Sequence[Sheet], unreadable: list[str]
) -> Iterator[tuple[str, list[Opened]]]:
    try:
        names = sorted(
            (each.name for each in folder.iterdir() if kind_of(each) == "folder"), key=str.casefold
        )
    except OSError as problem:
        raise InvalidInput(
            f"The folder {str(folder)!r} cannot be read.",
            why=f"{problem.strerror}.",
            hint="Name the folder in which the participants' progress is kept.",
        ) from problem
    for name in names[:_MOST]:
        found = [each for sheet in sheets if (each := _opened(folder / name, sheet, unreadable))]
        if found:
            yield name, found
    if len(names) > _MOST:
        unreadable.append(f"{len(names) - _MOST} more folders than the {_MOST} that are read")


def _opened(folder: Path, sheet: Sheet, unreadable: list[str]) -> Opened | None:
    """Return the progress in a sheet; None where it was not opened, or is noted as unreadable.

    Who it is of and which sheet say the names of the folders, not what is written in the file.
    """
    path = folder / sheet.name / PROGRESS_FILE
    if kind_of(path.parent) != "folder" or not kind_of(path):
        return None
    try:
        return sheet, read_progress(path)
    except (OSError, ValueError):
        unreadable.append(f"{folder.name}/{sheet.name}")
        return None


def _latest_first(opened: list[Opened]) -> tuple[SheetStatus, ...]:
    return tuple(sorted(map(_sheet_status, opened), key=lambda each: each.seen, reverse=True))


def _sheet_status(opened: Opened) -> SheetStatus:
    sheet, progress = opened
    left = [each.name for each in sheet.exercises if progress.of(each.name).outcome != CORRECT]
    now = progress.of(left[0]) if left else ExerciseProgress()
    return SheetStatus(
        sheet.stem,
        sheet.title,
        len(sheet.exercises) - len(left),
        len(sheet.exercises),
        left[0] if left else "",
        _bounded(now.tries),
        min(_bounded(now.hints), 3),
        now.solution_shown,
        progress.seen[:_LONGEST_TIME],
    )


def _obstacles(sheets: Sequence[Sheet], people: Iterable[list[Opened]]) -> tuple[StuckExercise, ...]:
    """Return the exercises that somebody tried and has not solved, those of most participants first."""
    opened, found = [each for person in people for each in person], list[StuckExercise]()
    for sheet, exercise in ((each, name) for each in sheets for name in each.by_name):
        now = [progress.of(exercise) for of, progress in opened if of is sheet]
        stuck = [each for each in now if each.outcome == NOT_YET]
        if stuck:
            tries = sum(_bounded(each.tries) for each in stuck)
            correct = sum(each.outcome == CORRECT for each in now)
            found.append(StuckExercise(sheet.stem, exercise, len(stuck), tries, correct))
    return tuple(sorted(found, key=lambda each: (-each.participants, -each.tries)))


def _table_of_obstacles(obstacles: tuple[StuckExercise, ...]) -> Table:
    rows = tuple(
        (each.exercise, each.sheet, str(each.participants), str(each.tries), str(each.correct))
        for each in obstacles[:5]
    )
    headers = ("the class is stuck on", "sheet", "not yet", "tries", "correct")
    return Table(headers, rows)


def _table_of_participants(status: ClassStatus) -> Table:
    rows = tuple((each.participant, *_cells(status, each)) for each in status.participants)
    tones = tuple(_tone(status, each) for each in status.participants)
    headers = ("participant", "sheet", "correct", "open exercise", "tries", "hints", "last seen", "others")
    return Table(headers, rows, tones=tones)


def _cells(status: ClassStatus, person: ParticipantStatus) -> tuple[str, ...]:
    now = person.now
    hints = "solution" if now.solution_shown else str(now.hints)
    return (
        now.sheet,
        f"{now.correct} of {now.exercises}",
        now.open or "none",
        str(now.tries) if now.open else "",
        hints if now.open else "",
        status.ago(now.seen),
        ", ".join(map(_short, person.sheets[1:])),
    )


def _short(sheet: SheetStatus) -> str:
    return f"{sheet.sheet.partition('_')[0]}: {sheet.correct}/{sheet.exercises}"


def _tone(status: ClassStatus, person: ParticipantStatus) -> str:
    if status.is_away(person):
        return "note"
    return "good" if not person.now.open else ""


def _bounded(count: int) -> int:
    return max(0, min(count, _MOST_TRIES))


def _seconds_between(moment: str, later: str) -> float | None:
    try:
        return (datetime.fromisoformat(later) - datetime.fromisoformat(moment)).total_seconds()
    except (ValueError, TypeError):
        return None
