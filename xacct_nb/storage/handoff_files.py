"""The files of a hand-over: read and written for the other owner, kept in `handoffs` with the records."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from xacct_nb.errors import InvalidHandoff, InvalidParameters
from xacct_nb.handoff.answer import ANSWER, HandoffAnswer, parse_answer
from xacct_nb.handoff.request import HandoffRequest, parse_request
from xacct_nb.handoff.signed_file import SignedFile, schema_of
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.storage.json_file import read_plain_json
from xacct_nb.storage.plain_files import kind_of, require_folder
from xacct_nb.storage.run_folder import HANDOFFS
from xacct_nb.validation import truncate

_LONGEST, _DEEPEST = 500_000, 30  # bytes; levels of lists and mappings
_REQUEST, _ANSWER = ".request.json", ".answer.json"
_MOST = 10_000  # files of a folder that are looked at


def read_handoff(path: str | Path) -> HandoffRequest | HandoffAnswer:
    """Return the request or the answer in a file. Raises InvalidHandoff."""
    try:
        content = read_plain_json(Path(path), longest=_LONGEST, deepest=_DEEPEST)
    except (OSError, ValueError, RuntimeError) as problem:
        raise InvalidHandoff(
            f"The hand-over file {truncate(str(path))!r} cannot be read.",
            why=str(getattr(problem, "strerror", "") or "It is not JSON."),
            hint="Name the file that the other owner sent, as xacct-nb handoff wrote it.",
        ) from problem
    return parse_answer(content) if schema_of(content) == ANSWER else parse_request(content)


def write_handoff(value: HandoffRequest | HandoffAnswer, path: str | Path) -> Path:
    """Write a request or an answer, and return its file; nothing but a hand-over file is replaced.

    Raises InvalidParameters.
    """
    file = Path(path).expanduser().absolute()
    try:
        if kind_of(file):
            read_handoff(file)
        file.parent.mkdir(parents=True, exist_ok=True)
        replace_file(file, text_of(value))
    except InvalidHandoff as problem:
        raise _not_written(file, "There is a file of this name, and it is not a hand-over file.") from problem
    except OSError as problem:
        raise _not_written(file, f"{problem.strerror}.") from problem
    return file


def write_page(html: str, path: Path) -> Path:
    """Write the readable page beside a file, and return it. Raises InvalidParameters."""
    try:
        replace_file(path, html.encode(errors="backslashreplace"))
    except OSError as problem:
        raise _not_written(path, f"{problem.strerror}.") from problem
    return path


def keep_handoff(records: Path, value: HandoffRequest | HandoffAnswer) -> None:
    """Keep a request or an answer beside the records, once. Raises InvalidParameters."""
    folder = records / HANDOFFS
    try:
        require_folder(folder)
        folder.mkdir(parents=True, exist_ok=True)
        if not kind_of(folder / _name(value)):
            replace_file(folder / _name(value), text_of(value), synced=True)
    except OSError as problem:
        raise _not_written(folder, f"{problem.strerror}.") from problem


def kept_request(records: Path, digest: str) -> HandoffRequest | None:
    """Return the request of this digest that is kept beside the records, None where there is none."""
    with suppress(InvalidHandoff):
        found = read_handoff(records / HANDOFFS / f"{digest}{_REQUEST}")
        if isinstance(found, HandoffRequest) and found.digest == digest:
            return found
    return None


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


def _name(value: HandoffRequest | HandoffAnswer) -> str:
    if isinstance(value, HandoffRequest):
        return f"{value.digest}{_REQUEST}"
    return f"{value.request[:16]}-{value.digest[:16]}{_ANSWER}"


def _not_written(path: Path, why: str) -> InvalidParameters:
    return InvalidParameters(
        f"The hand-over file {truncate(str(path))!r} cannot be written.",
        why=why,
        hint="Name another file with -o.",
    )
