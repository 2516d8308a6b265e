"""Links to files of this machine that open where the notebook is shown."""

from pathlib import Path

from xacct_nb.jupyter.served import address_of
from xacct_nb.views import Link


def file_link(text: str, path: Path, fragment: str = "", *, in_widget: bool = False) -> Link:
    """Return a link to a file; in HTML it opens where the notebook's server serves the file."""
    return Link(text, str(path), address_of(path, fragment, in_widget=in_widget))
