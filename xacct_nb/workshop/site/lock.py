"""The lock file of Pyodide: every package of the site with its file, so that nothing else is asked for."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from packaging.utils import canonicalize_name, parse_wheel_filename

from xacct_nb.workshop.site.packages import requirements_of
from xacct_nb.workshop.site.wheels import imports_of, sha256_of

OWN = "xacct-nb"


def lock_file(original: Mapping[str, Any], wheels: list[Path]) -> dict[str, Any]:
    """Return a lock file with these wheels and nothing else; `original` is Pyodide's own.

    The project's own package depends on all others, so that loading it loads everything.
    """
    entries = {str(entry["name"]): entry for entry in map(_entry, wheels)}
    entries[OWN]["depends"] = sorted(set(entries) - {OWN})
    return {"info": original["info"], "packages": dict(sorted(entries.items()))}


def _entry(wheel: Path) -> dict[str, Any]:
    name, version, _, _ = parse_wheel_filename(wheel.name)
    canonical = canonicalize_name(name)
    return {
        "name": canonical,
        "version": str(version),
        "file_name": wheel.name,
        "sha256": sha256_of(wheel),
        "install_dir": "site",
        "package_type": "package",
        "imports": imports_of(wheel),
        "depends": [] if canonical == OWN else requirements_of(canonical),
        "unvendored_tests": False,
    }
