"""The files of a hand-over: read and written for the other owner, kept in `handoffs` with the records."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from xacct_nb.errors import InvalidHandoff, InvalidParameters
from xacct_nb.handoff.answer import ANSWER, HandoffAnswer, parse_answer
from xacct_nb.handoff.fleet_request import FLEET_REQUEST, FleetRequest, parse_fleet_request
from xacct_nb.handoff.request import HandoffRequest, parse_request
from xacct_nb.handoff.signed_file import SignedFile, schema_of
from xacct_nb.storage.bounded_read import read_small
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.json_file import parse_plain_json, read_plain_json
from xacct_nb.storage.plain_files import kind_of, require_folder
from xacct_nb.storage.run_folder import HANDOFFS
from xacct_nb.validation import truncate

_LONGEST, _DEEPEST = 500_000, 30  # bytes; levels of lists and mappings
_LONGEST_OF_FLEET = 4_000_000
AnyRequest = HandoffRequest | FleetRequest
# A request that was made here is told apart from one that somebody sent: only its answer is accepted here.
_MADE, _RECEIVED, _ANSWER = ".request.json", ".received.json", ".answer.json"
_PAGE = b'<body class="xacct-record xacct-letter">'
_LONGEST_PAGE = 5_000_000
_MOST = 10_000  # files of a folder that are looked at


def read_handoff(path: str | Path) -> AnyRequest | HandoffAnswer:
    """Return the request or the answer in a file. Raises InvalidHandoff."""
    try:
        content = read_plain_json(Path(path), longest=_LONGEST_OF_FLEET, deepest=_DEEPEST)
    except (OSError, ValueError, RuntimeError) as problem:
        raise InvalidHandoff(
            f"The hand-over file {truncate(str(path))!r} cannot be read.",
            why=str(getattr(problem, "strerror", "") or "It is not JSON."),
            hint="Name the file that the other owner sent, as xacct-nb handoff wrote it.",
        ) from problem
    return _value_of(content)


def read_fleet_request(path: str | Path) -> FleetRequest | None:
    """Return the request for a fleet in a file; None where the file is of another kind.

    Raises InvalidHandoff where it is one that cannot be used.
    """
    with suppress(OSError, ValueError, RuntimeError):
        content = read_plain_json(Path(path), longest=_LONGEST_OF_FLEET, deepest=_DEEPEST)
        return parse_fleet_request(content) if schema_of(content) == FLEET_REQUEST else None
    return None


def parse_handoff(text: str) -> AnyRequest | HandoffAnswer:
    """Return the request or the answer in the text of a file. Raises InvalidHandoff."""
    try:
        content = parse_plain_json(text[:_LONGEST].encode(), deepest=_DEEPEST)
    except ValueError as problem:
        raise InvalidHandoff(
            "The text is not that of a hand-over file.",
            why="It is not JSON.",
            hint="Give the whole text of the file, from its first brace to its last.",
        ) from problem
    return _value_of(content)


def _value_of(content: Any) -> AnyRequest | HandoffAnswer:
    if schema_of(content) == FLEET_REQUEST:
        return parse_fleet_request(content)
    return parse_answer(content) if schema_of(content) == ANSWER else parse_request(content)


def write_handoff(value: AnyRequest | HandoffAnswer, path: str | Path) -> Path:
    """Write a request or an answer, and return its file. Raises InvalidParameters as `check_place` does."""
    file = check_place(path, type(value))
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text_of(value))
    except OSError as problem:
        raise _not_written(file, f"{problem.strerror}.") from problem
    return file


def check_place(
    path: str | Path, kind: type[HandoffRequest] | type[FleetRequest] | type[HandoffAnswer]
) -> Path:
    """Return the file of a request or an answer if it can be written, with its readable page beside it.

    A request replaces a request only, an answer an answer, a page such a page. Raises InvalidParameters.
    """
    file = Path(os.path.abspath(os.path.expanduser(path)))
    page, folder = page_of(file), next(each for each in file.parents if os.path.lexists(each))
    try:
        if page == file or not file.name:
            raise _not_written(file, "The readable page beside it has the ending .html.")
        if kind_of(file) and not isinstance(read_handoff(file), kind):
            raise _not_written(file, "There is another hand-over file of this name.")
        if kind_of(page) and _PAGE not in read_small(page, pipes=False, most=_LONGEST_PAGE):
            raise _not_written(page, "There is a file of this name, and it is no page of a hand-over.")
    except InvalidHandoff as problem:
        raise _not_written(file, "There is a file of this name, and it is not a hand-over file.") from problem
    except (OSError, ValueError) as problem:
        raise _not_written(file, f"{getattr(problem, 'strerror', problem)}.") from problem
    if not folder.is_dir() or not os.access(folder, os.W_OK):
        raise _not_written(file, f"{folder} is no folder that you may write to.")
    return file


def page_of(file: Path) -> Path:
    """Return the readable page of a hand-over file."""
    return file.with_suffix(".html")


def write_page(html: str, path: Path) -> Path:
    """Write the readable page beside a file, and return it. Raises InvalidParameters."""
    try:
        replace_file(path, html.encode(errors="backslashreplace"))
    except OSError as problem:
        raise _not_written(path, f"{problem.strerror}.") from problem
    return path


def keep_handoff(records: Path, value: AnyRequest | HandoffAnswer) -> None:
    """Keep a request that is made here, or an answer, beside the records. Raises InvalidParameters."""
    if not isinstance(value, HandoffAnswer):
        _keep(records, f"{value.digest}{_MADE}", value)
    else:
        _keep(records, f"{value.request[:16]}-{value.digest[:16]}{_ANSWER}", value)


def keep_received(records: Path, request: AnyRequest) -> None:
    """Keep a request of the other owner beside the records. Raises InvalidParameters."""
    _keep(records, f"{request.digest}{_RECEIVED}", request)


def made_request(records: Path, digest: str) -> AnyRequest | None:
    """Return the request of this digest that was made in this records folder, None where there is none."""
    return _kept(records / HANDOFFS / f"{digest}{_MADE}", digest)


def made_fleet_requests(records: Path, fleet: str) -> Iterator[FleetRequest]:
    """Yield the requests to owners of a fleet's accounts that were made here, the oldest first."""
    found = list[FleetRequest]()
    with suppress(OSError):
        for name in sorted(os.listdir(records / HANDOFFS))[:_MOST]:
            if name.endswith(_MADE):
                each = _kept(records / HANDOFFS / name, name.removesuffix(_MADE))
                found += [each] if isinstance(each, FleetRequest) and each.fleet == fleet else []
    yield from sorted(found, key=lambda each: each.made)


def kept_request(records: Path, digest: str) -> AnyRequest | None:
    """Return the request of this digest that was made or received here, None where there is none."""
    return made_request(records, digest) or _kept(records / HANDOFFS / f"{digest}{_RECEIVED}", digest)


def kept_answers(records: Path, request: str) -> Iterator[HandoffAnswer]:
    """Yield the answers to a request that are kept beside the records, the oldest first."""
    found = []
    with suppress(OSError):
        for name in sorted(os.listdir(records / HANDOFFS))[:_MOST]:
            if name.startswith(request[:16]) and name.endswith(_ANSWER):
                with suppress(InvalidHandoff):
                    answer = read_handoff(records / HANDOFFS / name)
                    found += [answer] if isinstance(answer, HandoffAnswer) else []
    yield from sorted((each for each in found if each.request == request), key=lambda each: each.at)


def text_of(value: SignedFile) -> bytes:
    """Return the content of a file."""
    text = json.dumps(value.to_json(), indent=1, ensure_ascii=False)
    return f"{text}\n".encode(errors="backslashreplace")


def _keep(records: Path, name: str, value: AnyRequest | HandoffAnswer) -> None:
    folder = records / HANDOFFS
    try:
        require_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not _is_kept(folder / name, value.digest):
            replace_file(folder / name, text_of(value), synced=True)
    except OSError as problem:
        raise _not_written(folder, f"{problem.strerror}.") from problem


def _is_kept(path: Path, digest: str) -> bool:
    """Return whether a file has the content of this digest; what others wrote in its place is replaced."""
    with suppress(InvalidHandoff):
        return read_handoff(path).digest == digest
    return False


def _kept(path: Path, digest: str) -> AnyRequest | None:
    with suppress(InvalidHandoff):
        found = read_handoff(path)
        if not isinstance(found, HandoffAnswer) and found.digest == digest:
            return found
    return None


def _not_written(path: Path, why: str) -> InvalidParameters:
    return InvalidParameters(
        f"The hand-over file {truncate(str(path))!r} cannot be written.",
        why=why,
        hint="Name another file with -o.",
    )
