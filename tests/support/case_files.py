"""The cases of tests/cases: AWS's rules as a security reviewer reads them."""

import json
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent.parent / "cases"


def cases_in(*folders: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return each case of these folders with the path of its file within tests/cases; tables are no cases."""
    files = [path for folder in folders for path in sorted((CASES / folder).rglob("*.json"))]
    read = [(path.relative_to(CASES), json.loads(path.read_text())) for path in files]
    return [(path, case) for path, cases in read if isinstance(cases, list) for case in cases]


def table(name: str) -> dict[str, Any]:
    """Return a table of tests/cases."""
    found: dict[str, Any] = json.loads((CASES / name).read_text())
    return found
