"""Spares a process the loading of what a library would load on the way and nothing in the process uses."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from types import ModuleType
from typing import Any

# jsonschema's optional checks of formats compile their grammars on import, one of them for 0.7 s; a notebook
# holds no IRI, URI or duration.
FORMATS = ("isoduration", "rfc3986_validator", "rfc3987_syntax")
# Where papermill could read notebooks from besides files.
STORES = ("azure", "boto3", "gcsfs", "github", "pyarrow")
_PLUGINS = "PYDANTIC_DISABLE_PLUGINS"


@contextmanager
def spared(*packages: str) -> Iterator[None]:
    """Within the block these packages seem not to be installed, which those that import them provide for."""
    hidden = [name for name in packages if name not in sys.modules]
    sys.modules |= dict.fromkeys(hidden)  # type: ignore[arg-type]
    try:
        yield
    finally:
        for name in hidden:
            del sys.modules[name]


@contextmanager
def spared_plugins() -> Iterator[None]:
    """Within the block pydantic looks for no plugins, which it does in the metadata of every package here."""
    given = os.environ.get(_PLUGINS)
    os.environ[_PLUGINS] = "__all__"
    try:
        yield
    finally:
        del os.environ[_PLUGINS]
        os.environ |= {_PLUGINS: given} if given is not None else {}


class Postponed(ModuleType):
    """Stands for a module that is not loaded before something in it is asked for."""

    def __getattr__(self, name: str) -> Any:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(import_module(self.__name__), name)


def postpone(name: str) -> None:
    """Whoever imports the module from now on gets it when it is first used."""
    sys.modules.setdefault(name, Postponed(name))
