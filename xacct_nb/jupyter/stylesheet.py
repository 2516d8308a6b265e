"""The one style sheet, for values in notebooks and for records."""

from importlib.resources import files


def style() -> str:
    """The style sheet of records and of values shown in a notebook."""
    return files("xacct_nb.jupyter").joinpath("style.css").read_text(encoding="utf-8")
