"""The order of the test files: what takes longest begins, so that the workers end together."""

from functools import cache
from pathlib import Path

LONGEST = (
    "browser",
    "test_graded_solutions",
    "test_workshop_exercises",
    "test_docs",
    "test_engine",
    "test_killed",
    "test_worlds",
    "test_two_owners",
    "test_pytest_plugin",
    "test_needed_rights",
    "test_killed_fleet",
    "test_cli",
    "test_revocation",
    "test_wheel",
    "test_grading",
    "test_owner_scripts",
    "test_lost_terminal",
    "test_full_disk",
    "test_writer_under_faults",
    "test_diagnosis_in_sandbox",
    "test_runner",
    "test_notebooks",
    "test_preconditions",
    "test_writer",
    "test_approval",
    "test_written_by_0_1",
    "test_sandbox_truth",
    "test_probes",
    "test_agreement",
    "test_inquiry",
    "test_killed_runners",
)


@cache
def place_of(path: Path) -> int:
    """Return the position of a test file in the order; files that are not named follow the others."""
    known = [number for number, name in enumerate(LONGEST) if name in (path.stem, path.parent.name)]
    return known[0] if known else len(LONGEST)
