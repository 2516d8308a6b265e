"""Which Python packages the tab needs, in the versions that are installed here."""

from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, distribution

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from xacct_nb.errors import MissingTool

PYTHON, ABI, PLATFORM = "3.14", "cp314", "pyemscripten_2026_0_wasm32"
_ROOTS = ("boto3", "ministack", "pydantic", "jinja2", "pyyaml", "click", "tqdm", "ipywidgets", "anywidget")
# The kernel of the tab needs IPython and these. What it stands in for itself is not fetched.
_KERNEL = ("ipython", "packaging", "micropip")
_STOOD_IN_FOR = frozenset({"jupyterlab-widgets", "widgetsnbextension"})
# On PyPI they have no wheel for the tab, and they are whole without their C parts.
REPACKED = frozenset({"pyyaml", "markupsafe"})
_NOT_INSTALLED_HERE = {"micropip": "0.11.1"}
_TAB = {
    "sys_platform": "emscripten",
    "platform_system": "Emscripten",
    "platform_machine": "wasm32",
    "python_version": PYTHON,
    "python_full_version": f"{PYTHON}.0",
    "os_name": "posix",
    "implementation_name": "cpython",
    "platform_python_implementation": "CPython",
    "extra": "",
}


def needed_packages() -> dict[str, str]:
    """Return the packages that the tab needs, with their versions. Raises MissingTool."""
    found = dict[str, str]()
    to_do = [*_ROOTS, *_KERNEL]
    while to_do:
        name = canonicalize_name(to_do.pop())
        if name not in found and name not in _STOOD_IN_FOR:
            found[name] = _NOT_INSTALLED_HERE.get(name) or version_of(name)
            to_do += _requirements_of(name)
    return dict(sorted(found.items()))


def requirements_of(name: str) -> list[str]:
    """Return the packages that a package needs in the tab, without those that the kernel stands in for."""
    return sorted({canonicalize_name(each) for each in _requirements_of(name)} - _STOOD_IN_FOR)


def version_of(name: str) -> str:
    """Return the version of an installed package. Raises MissingTool."""
    try:
        return distribution(name).version
    except PackageNotFoundError:
        raise MissingTool(
            f"The package {name} is not installed.",
            why="The browser edition has the packages of this environment.",
            hint="Install it: pip install 'xacct-nb[sandbox,lite]'",
        ) from None


def _requirements_of(name: str) -> Iterator[str]:
    if name in _NOT_INSTALLED_HERE:
        return
    for text in distribution(name).requires or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate(_TAB):
            yield requirement.name
