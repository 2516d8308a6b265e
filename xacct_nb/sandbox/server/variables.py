"""The environment variables with which SDKs use a sandbox: which are set, and which have to go."""

from collections.abc import Iterable, Mapping

from xacct_nb.sandbox.server.state import Sandbox

_PREFIXES = ("AWS_", "BOTO")
_PROXIES = ("NO_PROXY", "no_proxy")
_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def disturbing(names: Iterable[str]) -> list[str]:
    """Return which variables could lead an SDK elsewhere: endpoints, profiles, credentials, settings."""
    return sorted(name for name in names if name.startswith(_PREFIXES))


def without_proxy(given: Mapping[str, str]) -> dict[str, str]:
    """Return the variables with which a client reaches the loopback directly, whatever proxies are set."""
    kept = [each for name in _PROXIES for each in given.get(name, "").split(",") if each]
    value = ",".join(dict.fromkeys((*kept, *_LOOPBACK)))
    return dict.fromkeys(_PROXIES, value)


def variables_for(sandbox: Sandbox, given: Mapping[str, str]) -> tuple[dict[str, str], list[str]]:
    """Return what to set and what to unset in an environment, so that every SDK in it uses the sandbox."""
    wanted = {**sandbox.environment(), **without_proxy(given)}
    return wanted, [name for name in disturbing(given) if name not in wanted]
