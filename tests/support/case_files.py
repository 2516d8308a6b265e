"""The cases of tests/cases: AWS's rules as a security reviewer reads them."""

import json
from pathlib import Path
from typing import Any

CASES = Path(__file__).parent.parent / "cases"


def cases_in(*folders: str) -> list[tuple[Path, dict[str, Any]]]:
    """Return each case of these folders with the path of its file within tests/cases."""
    files = [path for folder in folders for path in sorted((CASES / folder).rglob("*.json"))]
    return [(path.relative_to(CASES), case) for path in files for case in json.loads(path.read_text())]
