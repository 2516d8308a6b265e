"""Hides packages that a library imports and that nothing in a run uses."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

# jsonschema's optional checks of formats compile their grammars on import, one of them for 0.7 s; a notebook
# holds no IRI, URI or duration.
FORMATS = ("isoduration", "rfc3986_validator", "rfc3987_syntax")
# Papermill can read notebooks from these as well as from files.
STORES = ("azure", "boto3", "gcsfs", "github", "pyarrow")


@contextmanager
def hide_packages(*names: str) -> Iterator[None]:
    """Make these packages seem not installed within the block; one that is already loaded remains."""
    hidden = [name for name in names if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]
