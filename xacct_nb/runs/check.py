"""A check of grant and fleet files for a pipeline: valid, with which findings, and what they newly let in."""

import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from xacct_nb.aws.clock import utc
from xacct_nb.changes.check_report import (
    CheckItem,
    CheckReport,
    FileCheck,
    FilePlaces,
    end_item,
    error_item,
    finding_items,
    new_items,
)
from xacct_nb.changes.newly_allowed import NewAccess, newly_allowed
from xacct_nb.errors import InvalidInput, InvalidParameters, UnreadableGrant
from xacct_nb.fleets.end_dates import endings
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant, resolve
from xacct_nb.linting.findings import lint
from xacct_nb.runs.checked_files import CheckedFile, LoadedGrant, kind_of
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.git_file import NoCommittedVersion, committed_version
from xacct_nb.storage.yaml_file import UnreadableFields, decode, parse_places

_HEAD = "HEAD"
# In place of an external ID that the file refers to: a check looks no secret up.
_UNKNOWN_ID = "an-external-id-that-is-not-looked-up"


@dataclass(frozen=True)
class EarlierVersion:
    """Which earlier version files are compared with: that of a commit (HEAD, if none is named), or a file.

    With `is_required`, a file that cannot be compared is an error.
    """

    ref: str = ""
    file: Path | None = None
    is_required: bool = False


@dataclass(frozen=True)
class _Earlier:
    """The grants before a change, None where there is nothing to compare with.

    `name` is where they are from; `problem` is why a version that may be there cannot be read.
    """

    grants: tuple[Grant, ...] | None
    name: str = ""
    note: str = ""
    problem: str = ""


def check_files(paths: Iterable[Path], against: EarlierVersion, fail_on: tuple[str, ...]) -> CheckReport:
    """Return what was found in the files. Raises InvalidParameters where a comparison is not possible."""
    named = list(dict.fromkeys(paths))
    if against.file and len(named) > 1:
        raise InvalidParameters(
            "--against-file compares one file with another, and more than one is given.",
            why=f"Which of the {len(named)} files it is for is not known.",
            hint="Check them one by one, or name a commit: --against REF.",
        )
    return CheckReport(tuple(_check(path, against) for path in named), fail_on)


def _check(path: Path, against: EarlierVersion) -> FileCheck:
    name, uri, file = str(path), _uri(path), CheckedFile(str(path), "")
    try:
        file = _read(path)
        kind = kind_of(file)
        loaded = kind.load(file)
        found = [item for each in loaded for item in _findings(each)]
    except InvalidInput as problem:
        places = FilePlaces(parse_places(file.text), {})
        return FileCheck(name, uri, "", (error_item(problem, places),))
    earlier = _earlier(path, against)
    return FileCheck(name, uri, kind.name, (*found, *_new(earlier, loaded)), earlier.name, earlier.note)


def _read(path: Path) -> CheckedFile:
    try:
        return CheckedFile(str(path), decode(read_small(path)))
    except (OSError, UnreadableFields) as problem:
        why = (problem.strerror if isinstance(problem, OSError) else "") or str(problem)
        raise UnreadableGrant(
            f"The file {str(path)!r} cannot be read.",
            why=f"{why.rstrip('.')}.",
            hint="Name a grant file (YAML or JSON) or a fleet file (YAML, JSON or CSV).",
        ) from problem


def _findings(loaded: LoadedGrant) -> Iterator[CheckItem]:
    """Yield the findings on a grant, and a note where it ends soon or has ended. Raises OverQuota."""
    documents = build(resolve(loaded.grant, lambda reference: _UNKNOWN_ID))
    yield from finding_items(lint(documents), loaded.grant.name, loaded.places)
    for end in endings(loaded.grant, utc()).found:
        yield end_item(end.sentence, end.is_past, loaded.grant.name, loaded.places)


def _new(earlier: _Earlier, loaded: tuple[LoadedGrant, ...]) -> Iterator[CheckItem]:
    if earlier.problem:
        sentence = f"What it newly lets in is not known: {earlier.problem}."
        unknown = NewAccess("not-compared", sentence, is_certain=False)
        yield from new_items([unknown], {"": FilePlaces({}, {})})
    if earlier.grants is not None:
        found = newly_allowed(earlier.grants, [one for each in loaded for one in each.compared])
        yield from new_items(found, {each.grant.name: each.places for each in loaded})


def _earlier(path: Path, against: EarlierVersion) -> _Earlier:
    """Return the grants that the file had before. Raises InvalidParameters."""
    if against.file:
        return _grants_before(_read(against.file), str(against.file))
    ref = against.ref or _HEAD
    try:
        content = committed_version(path, ref)
    except NoCommittedVersion as problem:
        if against.is_required:
            raise _not_compared(path, problem) from problem
        if problem.is_outside:
            return _Earlier(None, note=f"Compared with nothing: {problem}.")
        return _Earlier(None, problem=str(problem))
    if content is None:
        return _Earlier((), ref, "The file is not there, so everything is new.")
    try:
        return _grants_before(CheckedFile(str(path), decode(content)), ref)
    except UnreadableFields as problem:
        return _Earlier((), ref, f"Everything counts as new: the version there is unreadable. {problem}")


def _grants_before(file: CheckedFile, name: str) -> _Earlier:
    """Return the grants of an earlier version; none of one that is not valid, so everything counts as new."""
    try:
        return _Earlier(tuple(one for each in kind_of(file).load(file) for one in each.compared), name)
    except InvalidInput as problem:
        why = f"Everything counts as new: the version there is not valid. {problem.what} {problem.why}"
        return _Earlier((), name, why.rstrip())


def _not_compared(path: Path, problem: NoCommittedVersion) -> InvalidParameters:
    return InvalidParameters(
        f"What {str(path)!r} newly lets in cannot be found out.",
        why=f"{str(problem)[:1].upper()}{str(problem)[1:]}.",
        hint="Fetch the commit, or name another one with --against REF or a file with --against-file FILE.",
    )


def _uri(path: Path) -> str:
    """Return the URI of a file: relative to the current folder where it is below it."""
    with suppress(ValueError):
        path = path.relative_to(Path.cwd())
    named = quote(os.fsencode(path))
    return f"file://{named}" if path.is_absolute() else named
