"""What the sandbox can be told to do wrong: which fault, on which operations, how often and for how long."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from random import Random
from typing import Any

from xacct_nb.errors import InvalidFault
from xacct_nb.sandbox.faults.operations import IAM, fits, meant, nearest

LONGEST = 600.0
"""Seconds that a fault may last."""


@dataclass(frozen=True)
class FaultKind:
    """What a kind of fault does, whether it `lasts` some seconds, and the operations that alone can have it.

    `reaches_aws` where the call is made all the same.
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
# The operations that change who may do what. A new policy has no effect until it is attached.
_DECISIVE = _of_iam(
    "Attach Detach Put",
    "CreateRole DeleteRole UpdateRole UpdateAssumeRolePolicy TagRole UntagRole DeleteRolePolicy"
    " DeleteRolePermissionsBoundary CreateUser DeleteUser TagUser UntagUser DeleteUserPolicy"
    " DeleteUserPermissionsBoundary AddUserToGroup RemoveUserFromGroup DeleteGroupPolicy CreatePolicyVersion"
    " SetDefaultPolicyVersion",
)
KINDS = {
    "throttling": FaultKind("refuses the call: Rate exceeded"),
    "error-500": FaultKind("answers with a failure of its own"),
    "error-503": FaultKind("answers that it is unavailable"),
    "concurrent-modification": FaultKind("refuses: another request changes it", only=_CONCURRENT),
    "cut-before": FaultKind("cuts the connection before the call takes effect"),
    "cut-after": FaultKind("cuts the connection after the call took effect", reaches_aws=True),
    "latency": FaultKind("answers late", lasts=True, reaches_aws=True),
    "propagation": FaultKind("lets a change take effect late", lasts=True, reaches_aws=True, only=_DECISIVE),
}


@dataclass(frozen=True)
class Fault:
    """One kind of fault, and the calls that meet it.

    `operations` are names or patterns: `CreateRole`, `iam:*`, `sts:AssumeRole`, `s3:*`, `*`. Of the calls
    that fit, the first `after` pass; of the others a `share` (0 to 1) is struck, `count` of them at most
    (None: no end). `seconds` is how long latency and propagation last. Raises InvalidFault.
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
        """Whether a call can meet this fault."""
        only = KINDS[self.kind].only
        possible = not only or f"{service}:{action}" in only
        return possible and any(fits(pattern, service, action) for pattern in self.operations)


@dataclass(frozen=True)
class Faults:
    """All that goes wrong, in order; the same seed and the same calls give the same faults.

    Raises InvalidFault where the seed is no whole number.
    """

    faults: tuple[Fault, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if not _is_whole(self.seed):
            raise InvalidFault(f"The seed is {self.seed!r}.", why="A seed is a whole number.", hint="Take 7.")

    def strikes(self, number: int, nth: int) -> bool:
        """Whether chance strikes the nth call that fits the fault of this number."""
        return Random(f"{self.seed}/{number}/{nth}").random() < self.faults[number].share

    def to_json(self) -> dict[str, Any]:
        """`seed` and the list `faults`."""
        return {"seed": self.seed, "faults": [asdict(fault) for fault in self.faults]}


def faults_from(given: Any) -> Faults:
    """Faults from what `to_json` gives. Raises InvalidFault."""
    told = _known(given, ("seed", "faults"))
    return Faults(tuple(_fault_from(each) for each in _listed(told.get("faults", ()))), told.get("seed", 0))


def _fault_from(given: Any) -> Fault:
    told = {"kind": "", **_known(given, tuple(field.name for field in fields(Fault)))}
    operations = tuple(_listed(told.get("operations", ("*",))))
    return Fault(**{**told, "operations": operations})


def _known(given: Any, names: tuple[str, ...]) -> Mapping[str, Any]:
    fields_are = f"It is a JSON object of {', '.join(names)}."
    if not isinstance(given, Mapping):
        raise InvalidFault(f"{given!r} says no fault.", why=fields_are, hint=_EXAMPLE)
    for strange in given.keys() - set(names):
        raise InvalidFault(f"There is no field {strange!r}.", why=fields_are, hint=_EXAMPLE)
    return given


def _listed(given: Any) -> list[Any] | tuple[Any, ...]:
    if not isinstance(given, list | tuple):
        raise InvalidFault(
            f"{given!r} is no list.", why="`faults` and `operations` are lists.", hint=_EXAMPLE
        )
    return given


_EXAMPLE = 'For example {"faults": [{"kind": "throttling", "operations": ["CreateRole"], "share": 0.3}]}'


def _complaints(fault: Fault) -> Iterator[tuple[str, str, str]]:
    """What is wrong with a fault, why, and the mend; the first one is said."""
    if fault.kind not in KINDS:
        yield f"There is no fault {fault.kind!r}.", f"The kinds: {', '.join(KINDS)}.", "Choose one of them."
    yield from _complaints_of_operations(fault)
    if not _is_number(fault.share) or not 0 <= fault.share <= 1:
        yield f"The share is {fault.share!r}.", "It is the part of the calls that is struck.", "From 0 to 1."
    if fault.count is not None and not (_is_whole(fault.count) and fault.count > 0):
        yield f"The count is {fault.count!r}.", "So many calls are struck at most.", "1 or more, or none."
    if not (_is_whole(fault.after) and fault.after >= 0):
        yield f"`after` is {fault.after!r}.", "So many calls pass first.", "0 or more."
    yield from _complaints_of_seconds(fault)


def _complaints_of_operations(fault: Fault) -> Iterator[tuple[str, str, str]]:
    if not fault.operations:
        yield "The fault is for no operation.", "It strikes those that are named.", "`*` means every one."
    only = KINDS[fault.kind].only
    for pattern in fault.operations:
        found = meant(pattern) if isinstance(pattern, str) else frozenset[str]()
        if not found:
            near = nearest(str(pattern))
            mend = f"Did you mean {near}?" if near else "A name such as CreateRole, or iam:*, sts:*, s3:*, *."
            yield f"No operation is called {pattern!r}.", "IAM, STS and S3 have none of that name.", mend
        elif only and not found & only:
            able = ", ".join(sorted(name.partition(":")[2] for name in only))
            yield (
                f"{pattern} never meets {fault.kind}.",
                f"Only these do: {able}.",
                "Name one of them, or `*`.",
            )


def _complaints_of_seconds(fault: Fault) -> Iterator[tuple[str, str, str]]:
    lasts, seconds = KINDS[fault.kind].lasts, fault.seconds
    if not _is_number(seconds) or not 0 <= seconds <= LONGEST:
        yield f"The seconds are {seconds!r}.", "So long it lasts.", f"More than 0, {LONGEST:.0f} at most."
    elif lasts and not seconds:
        yield f"{fault.kind} has no seconds.", "It lasts for a while.", "Say how long, for example 10."
    elif seconds and not lasts:
        lasting = " and ".join(name for name, kind in KINDS.items() if kind.lasts)
        yield f"{fault.kind} has seconds.", f"Only {lasting} last.", "Leave the seconds out."


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)
