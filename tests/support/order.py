"""The order of the test files: what takes longest begins, so that the workers end together."""

from functools import cache
from pathlib import Path

LONGEST = (
    "browser",
    "test_wheel",
    "test_revocation",
    "test_runner",
    "test_writer_under_faults",
    "test_killed_runners",
    "test_notebooks",
    "test_writer",
    "test_diagnosis_in_sandbox",
    "test_inquiry",
    "test_engine",
    "test_docs",
    "test_approval",
    "test_cli",
    "test_agreement",
)


@cache
def place_of(path: Path) -> int:
    """Return the place of a test file in the order; those that are not named follow the others."""
    known = [number for number, name in enumerate(LONGEST) if name in (path.stem, path.parent.name)]
    return known[0] if known else len(LONGEST)
