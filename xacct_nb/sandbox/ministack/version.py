"""The one version of MiniStack that the sandbox fits: what is patched in it changes with every release."""

from xacct_nb.errors import SandboxError

VERSION = "1.5.33"


def require_ministack() -> None:
    """Raise SandboxError unless MiniStack is installed in the version that fits."""
    # Only the start of a sandbox needs this module, which takes some milliseconds to load.
    from importlib.metadata import PackageNotFoundError, version

    try:
        installed = version("ministack")
    except PackageNotFoundError:
        raise SandboxError(
            "The sandbox is not installed.",
            why="It needs the package ministack.",
            hint="Install it: pip install 'xacct-nb[sandbox]'",
        ) from None
    if installed != VERSION:
        raise SandboxError(
            f"The sandbox does not start with MiniStack {installed}: it fits {VERSION} only.",
            why="What it changes inside MiniStack is different in every release.",
            hint=f"Install that version: pip install 'ministack=={VERSION}'",
        )
