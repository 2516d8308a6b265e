"""The notebooks and docs of this installation, and copies of them in a folder of the user's."""

import json
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from hashlib import sha256
from pathlib import Path

from xacct_nb.errors import InvalidParameters, UnknownNotebook
from xacct_nb.storage.durable_files import replace_file
from xacct_nb.views import Shown, Text, View

NOTEBOOKS, DOCS = "notebooks", "docs"
_MANIFEST = ".xacct-nb.json"  # path -> SHA-256 of what was copied there
_PACKAGE = Path(__file__).parents[1]
# A wheel has the notebooks and docs inside the package; in a clone they are beside it.
IS_CLONE = not (_PACKAGE / "shipped").is_dir()
SHIPPED = _PACKAGE.parent if IS_CLONE else _PACKAGE / "shipped"


@dataclass(frozen=True, repr=False)
class CopiedNotebooks(Shown):
    """What a copy of the notebooks did: paths that are new, refreshed, unchanged, or kept as the user's."""

    folder: Path
    added: tuple[str, ...]
    refreshed: tuple[str, ...]
    unchanged: tuple[str, ...]
    kept: tuple[str, ...]
    what: str = "Notebooks and docs"

    def view(self) -> View:
        """Return the counts, and the names of the files that were kept."""
        counts = f"{len(self.added)} new, {len(self.refreshed)} refreshed, {len(self.unchanged)} unchanged"
        kept = (f"Kept, because it was changed: {path}" for path in self.kept)
        return Text("\n".join([f"{self.what} in {self.folder}: {counts}.", *kept]))

    def to_json(self) -> dict[str, object]:
        """Return the folder and the paths, for `--json`."""
        names = {name: value for name, value in asdict(self).items() if name != "what"}
        return names | {"folder": str(self.folder)}


def require_notebooks() -> None:
    """Raise UnknownNotebook where this installation has lost its notebooks."""
    if not list((SHIPPED / NOTEBOOKS).glob("*.ipynb")):
        raise UnknownNotebook(
            "This installation has no notebooks.",
            why=f"Looked in {SHIPPED / NOTEBOOKS}.",
            hint="pip install --force-reinstall --no-deps xacct-nb",
        )


def copy_notebooks(folder: Path) -> CopiedNotebooks:
    """Copy the notebooks and the docs into a folder, but never over a file that the user changed.

    A file counts as the user's when it differs from what an earlier copy wrote. Raises InvalidParameters
    where the folder cannot be written, UnknownNotebook where there is nothing to copy.
    """
    require_notebooks()
    return copy_shipped(folder, ((NOTEBOOKS, "**/[!.]*.ipynb"), (DOCS, "**/*.md")))


def copy_shipped(
    folder: Path, patterns: Iterable[tuple[str, str]], what: str = "Notebooks and docs"
) -> CopiedNotebooks:
    """Copy files of this installation, each (folder, pattern of names), as `copy_notebooks` does.

    `what` says in the result what they are.
    """
    sorts: dict[str, list[str]] = {"added": [], "refreshed": [], "unchanged": [], "kept": []}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        manifest = _read_manifest(folder)
        for name, content in _shipped_files(patterns):
            sorts[_copy(folder / name, content, manifest.get(name, ""))].append(name)
            if name not in sorts["kept"]:
                manifest[name] = sha256(content).hexdigest()
        replace_file(folder / _MANIFEST, json.dumps(manifest, indent=1).encode())
    except OSError as problem:
        raise InvalidParameters(
            f"The folder {str(folder)!r} cannot be used.",
            why=f"{problem.strerror}: {problem.filename}",
            hint="Name another folder, or correct this one.",
        ) from problem
    found = {sort: tuple(names) for sort, names in sorts.items()}
    return CopiedNotebooks(folder.absolute(), **found, what=what)


def _shipped_files(patterns: Iterable[tuple[str, str]]) -> Iterator[tuple[str, bytes]]:
    for top, pattern in patterns:
        for path in sorted((SHIPPED / top).glob(pattern)):
            if ".ipynb_checkpoints" not in path.parts:
                yield path.relative_to(SHIPPED).as_posix(), path.read_bytes()


def _copy(target: Path, content: bytes, copied: str) -> str:
    """Write one file unless the user changed it; `copied` is the hash of what was written there before."""
    there = target.read_bytes() if target.exists() else None
    if there == content:
        return "unchanged"
    if there is not None and sha256(there).hexdigest() != copied:
        return "kept"
    target.parent.mkdir(parents=True, exist_ok=True)
    replace_file(target, content)
    return "added" if there is None else "refreshed"


def _read_manifest(folder: Path) -> dict[str, str]:
    with suppress(OSError, ValueError, TypeError, RecursionError):
        return dict(json.loads((folder / _MANIFEST).read_text(encoding="utf-8")))
    return {}
