"""The engine as papermill finds it by its entry point, while papermill itself is still being imported."""

from typing import Any

import click

from xacct_nb.errors import XacctError


class Engine:
    """`papermill --engine xacct-nb`; hands over to `headless.Engine`, which needs papermill whole."""

    @classmethod
    def execute_notebook(cls, *args: Any, **options: Any) -> Any:
        """The executed notebook; the papermill command tells an error of ours as its message alone."""
        try:
            return _engine().execute_notebook(*args, **options)
        except XacctError as problem:
            if click.get_current_context(silent=True):
                raise click.ClickException(f"{problem.code}: {problem}") from problem
            raise

    @classmethod
    def nb_kernel_name(cls, *args: Any) -> Any:
        """The kernel that the notebook asks for."""
        return _engine().nb_kernel_name(*args)

    @classmethod
    def nb_language(cls, *args: Any) -> Any:
        """The language that the notebook is in."""
        return _engine().nb_language(*args)


def _engine() -> Any:
    from xacct_nb.jupyter import execute

    return execute.Engine
