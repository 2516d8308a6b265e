"""The options of the command line that make the sandbox misbehave, and what they ask of it."""

from collections.abc import Callable
from functools import reduce
from typing import TYPE_CHECKING, Any

import click

from xacct_nb.errors import InvalidFault, SandboxError

if TYPE_CHECKING:
    from xacct_nb.sandbox.faults.faults import Fault
    from xacct_nb.sandbox.faults.statistics import Misbehaviour
    from xacct_nb.sandbox.server.state import Sandbox

_KINDS = (
    "throttling, error-500, error-503, concurrent-modification, cut-before, cut-after, latency, propagation"
)
_OPTIONS = (
    click.option("--kind", default="", metavar="KIND", help=f"The fault: {_KINDS}."),
    click.option(
        "--on",
        "operations",
        multiple=True,
        metavar="OPERATION",
        help="Only on this operation, such as CreateRole, AssumeRole or iam:*; may be given again.",
    ),
    click.option("--share", type=float, help="Strike this part of the calls, from 0 to 1 (default: all)."),
    click.option("--count", type=int, help="Strike so many calls at most."),
    click.option("--after", type=int, help="Let so many calls pass first."),
    click.option("--seconds", type=float, help="How long latency or propagation lasts."),
    click.option("--seed", type=int, help="The same seed and calls meet the same faults (default: 0)."),
)


def fault_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """A command with the options of a fault."""
    return reduce(lambda inner, option: option(inner), reversed(_OPTIONS), command)


def parse_fault(given: dict[str, Any]) -> "Fault | None":
    """The fault that the options ask for; None where none was given. Raises InvalidFault."""
    from xacct_nb.sandbox.faults.faults import Fault

    told = {name: value for name, value in given.items() if value not in (None, (), "")}
    if not told:
        return None
    if "kind" not in told:
        raise InvalidFault(
            "The fault has no kind.", why=f"The kinds: {_KINDS}.", hint="Say which one: --kind throttling"
        )
    return Fault(**{name: value for name, value in told.items() if name != "seed"})


def set_fault(
    sandbox: "Sandbox", fault: "Fault | None", seed: int | None, *, add: bool = False
) -> "Misbehaviour":
    """Make a sandbox misbehave in this way alone, or in this way too; None changes nothing.

    Raises SandboxError.
    """
    from xacct_nb.sandbox.server.client import misbehave, misbehaviour

    now = misbehaviour(sandbox)
    if fault is None:
        return now
    kept, known = (now.faults.faults, now.faults.seed) if add else ((), 0)
    return misbehave(sandbox, *kept, fault, seed=known if seed is None else seed)


def clear_faults(sandbox: "Sandbox") -> "Misbehaviour":
    """Let a sandbox behave again. Raises SandboxError."""
    from xacct_nb.sandbox.server.client import behave

    return behave(sandbox)


def running_sandbox() -> "Sandbox":
    """The user's own sandbox. Raises SandboxError if it does not run."""
    from xacct_nb.sandbox.server import server

    if found := server.status():
        return found
    raise SandboxError("No sandbox runs.", hint="Start it with: xacct-nb sandbox up")
