"""The options that set a fault in the sandbox, and their effect."""

from typing import TYPE_CHECKING, Any

import click

from xacct_nb.cli.output import add_options
from xacct_nb.errors import InvalidFault, SandboxError

if TYPE_CHECKING:  # -h loads none of them
    from xacct_nb.sandbox.faults.faults import Fault
    from xacct_nb.sandbox.faults.statistics import Misbehaviour
    from xacct_nb.sandbox.server.state import Sandbox

_KINDS = (
    "throttling, error-500, error-503, concurrent-modification, cut-before, cut-after, latency, propagation"
)
_ON_HELP = "Only this operation, such as CreateRole or iam:*; may be given again."
fault_options = add_options(
    click.option("--kind", default="", metavar="KIND", help=f"The fault: {_KINDS}."),
    click.option("--on", "operations", multiple=True, metavar="OPERATION", help=_ON_HELP),
    click.option("--share", type=float, help="Share of the calls that fail, from 0 to 1 (default: 1)."),
    click.option("--count", type=int, help="Number of calls that fail at most."),
    click.option("--after", type=int, help="Number of calls that succeed first."),
    click.option("--seconds", type=float, help="Duration of latency or propagation."),
    click.option("--seed", type=int, help="Seed of the random choice of calls (default: 0)."),
)


def parse_fault(given: dict[str, Any]) -> "Fault | None":
    """Return the fault that the options describe, None where there are none. Raises InvalidFault."""
    from xacct_nb.sandbox.faults.faults import Fault

    set_options = {name: value for name, value in given.items() if value not in (None, (), "")}
    if not set_options:
        return None
    if "kind" not in set_options:
        raise InvalidFault(
            "The fault has no kind.", why=f"The kinds: {_KINDS}.", hint="Name one, such as: --kind throttling"
        )
    return Fault(**{name: value for name, value in set_options.items() if name != "seed"})


def set_fault(
    sandbox: "Sandbox", fault: "Fault | None", seed: int | None, *, add: bool = False
) -> "Misbehaviour":
    """Set this fault in place of the present ones, or beside them; None changes nothing. Return what is set.

    Raises SandboxError.
    """
    from xacct_nb.sandbox.server.client import misbehave, misbehaviour

    now = misbehaviour(sandbox)
    if fault is None:
        return now
    kept, known = (now.faults.faults, now.faults.seed) if add else ((), 0)
    return misbehave(sandbox, *kept, fault, seed=known if seed is None else seed)


def running_sandbox() -> "Sandbox":
    """Return the user's own sandbox. Raises SandboxError if it does not run."""
    from xacct_nb.sandbox.server import server

    if found := server.status():
        return found
    raise SandboxError("No sandbox runs.", hint="Start it with: xacct-nb sandbox up")
