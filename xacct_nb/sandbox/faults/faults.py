"""The faults that a sandbox shows on demand: which kind, on which operations, how often and for how long."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from xacct_nb.errors import InvalidFault
from xacct_nb.sandbox.faults.operations import IAM, fits, matching, nearest

LONGEST = 600.0
"""Seconds that a fault may last."""


@dataclass(frozen=True)
class FaultKind:
    """What a kind of fault does, whether it `lasts` some seconds, and the only operations that can have it.

    `reaches_aws` is true where the call takes effect all the same.
    """

    does: str
    lasts: bool = False
    reaches_aws: bool = False
    only: frozenset[str] = frozenset()


def _of_iam(beginnings: str, names: str = "") -> frozenset[str]:
    beginning = tuple(beginnings.split())
    return frozenset(f"iam:{each}" for each in IAM if each.startswith(beginning) or each in names.split())


# The operations whose model in botocore has ConcurrentModificationException.
_CONCURRENT = _of_iam(
    "Tag Untag",
    "CreateAccountAlias CreateInstanceProfile CreateOpenIDConnectProvider CreatePolicy CreateRole"
    " CreateSAMLProvider CreateUser CreateVirtualMFADevice DeactivateMFADevice DeleteAccountAlias DeleteRole"
    " DeleteUser DeleteVirtualMFADevice EnableMFADevice ResyncMFADevice UpdateSAMLProvider",
)
# The operations that change permissions. A new policy has no effect until it is attached.
_DECISIVE = _of_iam(
    "Attach Detach Put",
    "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy TagRole UntagRole DeleteRolePolicy"
    " DeleteRolePermissionsBoundary CreateUser DeleteUser TagUser UntagUser DeleteUserPolicy"
    " DeleteUserPermissionsBoundary AddUserToGroup RemoveUserFromGroup DeleteGroupPolicy CreatePolicyVersion"
    " SetDefaultPolicyVersion",
)
KINDS = {
    "throttling": FaultKind("refuses the call: Rate exceeded"),
    "error-500": FaultKind("returns an internal failure"),
    "error-503": FaultKind("returns that it is unavailable"),
    "concurrent-modification": FaultKind("refuses: another request changes it", only=_CONCURRENT),
    "cut-before": FaultKind("closes the connection before the call takes effect"),
    "cut-after": FaultKind("closes the connection after the call took effect", reaches_aws=True),
    "latency": FaultKind("responds late", lasts=True, reaches_aws=True),
    "propagation": FaultKind("delays the effect of a change", lasts=True, reaches_aws=True, only=_DECISIVE),
}


@dataclass(frozen=True)
class Fault:
    """One kind of fault, and the calls that it affects.

    `operations` are names or patterns: `CreateRole`, `iam:*`, `sts:AssumeRole`, `s3:*`, `*`. Of the calls
    that match, the first `after` pass; of the others a `share` (0 to 1) fails, `count` of them at most
    (None: no limit). `seconds` is how long latency and propagation last. Raises InvalidFault.
    """

    kind: str
    operations: tuple[str, ...] = ("*",)
    share: float = 1.0
    count: int | None = None
    after: int = 0
    seconds: float = 0.0

    def __post_init__(self) -> None:
        for what, why, hint in _complaints(self):
            raise InvalidFault(what, why=why, hint=hint)

    def is_for(self, service: str, action: str) -> bool:
        """Return whether this fault can affect a call."""
        only = KINDS[self.kind].only
        possible = not only or f"{service}:{action}" in only
        return possible and any(fits(pattern, service, action) for pattern in self.operations)


@dataclass(frozen=True)
class Faults:
    """All faults, in order; the same seed and the same calls give the same failures.

    Raises InvalidFault unless the seed is a whole number.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_whole(self.seed):
            raise InvalidFault(f"The seed is {self.seed!r}.", why="A seed is a whole number.", hint="Use 7.")

    def strikes(self, number: int, nth: int) -> bool:
        """Return whether the nth call that matches the fault of this number fails."""
        return Random(f"{self.seed}/{number}/{nth}").random() < self.faults[number].share

    def to_json(self) -> dict[str, Any]:
        """Return `seed` and the list `faults`."""
        return {"seed": self.seed, "faults": [asdict(fault) for fault in self.faults]}


def faults_from(given: Any) -> Faults:
    """Read what `to_json` returned. Raises InvalidFault."""
    fields_given = _known(given, ("seed", "faults"))
    faults = tuple(_fault_from(each) for each in _listed(fields_given.get("faults", ())))
    return Faults(faults, fields_given.get("seed", 0))


def _fault_from(given: Any) -> Fault:
    values = {"kind": "", **_known(given, tuple(field.name for field in fields(Fault)))}
    operations = tuple(_listed(values.get("operations", ("*",))))
    return Fault(**{**values, "operations": operations})


def _known(given: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    fields_are = f"It is a JSON object of {', '.join(names)}."
    if not isinstance(given, Mapping):
        raise InvalidFault(f"{given!r} is not a fault.", why=fields_are, hint=_EXAMPLE)
    for unknown in given.keys() - set(names):
        raise InvalidFault(f"There is no field {unknown!r}.", why=fields_are, hint=_EXAMPLE)
    return given


def _listed(given: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(given, list | tuple):
        why = "`faults` and `operations` are lists."
        raise InvalidFault(f"{given!r} is not a list.", why=why, hint=_EXAMPLE)
    return given


_EXAMPLE = 'For example {"faults": [{"kind": "throttling", "operations": ["CreateRole"], "share": 0.3}]}'


def _complaints(fault: Fault) -> Iterator[tuple[str, str, str]]:
    """Yield what is wrong with a fault, why, and what to do; the first one is raised."""
    if fault.kind not in KINDS:
        yield f"There is no fault {fault.kind!r}.", f"The kinds: {', '.join(KINDS)}.", "Choose one of them."
    yield from _complaints_of_operations(fault)
    if not _is_number(fault.share) or not 0 <= fault.share <= 1:
        why = "It is the share of the calls that fail."
        yield f"The share is {fault.share!r}.", why, "Give a number from 0 to 1."
    if fault.count is not None and not (_is_whole(fault.count) and fault.count > 0):
        yield (
            f"The count is {fault.count!r}.",
            "It is the largest number of calls that fail.",
            "Give 1 or more, or leave it out.",
        )
    if not (_is_whole(fault.after) and fault.after >= 0):
        yield f"`after` is {fault.after!r}.", "It is the number of calls that pass first.", "Give 0 or more."
    yield from _complaints_of_seconds(fault)


def _complaints_of_operations(fault: Fault) -> Iterator[tuple[str, str, str]]:
    if not fault.operations:
        why = "It affects the operations that it names."
        yield "The fault names no operation.", why, "`*` names every one."
    only = KINDS[fault.kind].only
    for pattern in fault.operations:
        found = matching(pattern) if isinstance(pattern, str) else frozenset[str]()
        if not found:
            similar = nearest(str(pattern))
            known = "Name one such as CreateRole, or iam:*, sts:*, s3:*, *."
            hint = f"Did you mean {similar}?" if similar else known
            yield f"No operation has the name {pattern!r}.", "IAM, STS and S3 have none of that name.", hint
        elif only and not found & only:
            able = ", ".join(sorted(name.partition(":")[2] for name in only))
            why = f"It affects only these: {able}."
            yield f"{fault.kind} never affects {pattern}.", why, "Name one of them, or `*`."


def _complaints_of_seconds(fault: Fault) -> Iterator[tuple[str, str, str]]:
    lasts, seconds = KINDS[fault.kind].lasts, fault.seconds
    if not _is_number(seconds) or not 0 <= seconds <= LONGEST:
        hint = f"Give more than 0, at most {LONGEST:.0f}."
        yield f"The seconds are {seconds!r}.", "They are how long it lasts.", hint
    elif lasts and not seconds:
        yield f"{fault.kind} has no seconds.", "It needs a duration.", "Give the seconds, for example 10."
    elif seconds and not lasts:
        lasting = " and ".join(name for name, kind in KINDS.items() if kind.lasts)
        yield f"{fault.kind} has seconds.", f"Only {lasting} last.", "Leave the seconds out."


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
