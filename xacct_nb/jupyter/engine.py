"""The engine as papermill finds it by its entry point, while papermill itself is still being imported."""

from typing import TYPE_CHECKING, Any  # papermill carries no types

import click

from xacct_nb.errors import XacctError

if TYPE_CHECKING:
    from xacct_nb.jupyter.execute import NotebookEngine


class Engine:
    """The class behind `papermill --engine xacct-nb`; calls NotebookEngine, whose module needs papermill."""

    @classmethod
    def execute_notebook(cls, *args: Any, **options: Any) -> Any:
        """Return the executed notebook; the papermill command shows one of our errors as its message only."""
        try:
            return _engine().execute_notebook(*args, **options)
        except XacctError as problem:
            if click.get_current_context(silent=True):
                raise click.ClickException(f"{problem.code}: {problem}") from problem
            raise

    @classmethod
    def nb_kernel_name(cls, *args: Any) -> Any:
        """Return the name of the kernel that the notebook names."""
        return _engine().nb_kernel_name(*args)

    @classmethod
    def nb_language(cls, *args: Any) -> Any:
        """Return the language that the notebook is in."""
        return _engine().nb_language(*args)


def _engine() -> "type[NotebookEngine]":
    from xacct_nb.jupyter import execute

    return execute.NotebookEngine
