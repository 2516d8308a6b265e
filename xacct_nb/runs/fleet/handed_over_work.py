"""The accounts of a fleet that others own: what they made is proven by the callers, the rest is named."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial

from xacct_nb.aws.account_sessions import FleetAccess
from xacct_nb.aws.journaled_calls import EntrySink
from xacct_nb.aws.probes import prove
from xacct_nb.errors import XacctError
from xacct_nb.fleets.expansion import ExpandedFleet, Slice
from xacct_nb.fleets.result import HANDED_OVER, NOT_PROVEN, SliceResult
from xacct_nb.runs.fleet.slice_proof import with_proof
from xacct_nb.runs.fleet.slice_results import SliceResults
from xacct_nb.runs.fleet.slice_work import SliceOutcome, SliceTask, opened


def work_of_others(
    expanded: ExpandedFleet, access: FleetAccess, work: SliceResults, *, stopped: bool = False
) -> Iterator[SliceResult]:
    """Yield the result of each account that others own: proven where they made the role, else named.

    Where the run `stopped`, nothing is proven. No session is opened in these accounts: callers alone call.
    """
    made, parts = dict[str, list[SliceTask]](), expanded.handed_over
    for part in parts:
        of = expanded.part_of(part.account)
        if of.made.issuperset(part.grant.destinations) and not stopped:
            made.setdefault(of.owner, []).append(SliceTask(part, access))
        else:
            yield _named(expanded, part)
    for owner, tasks in made.items():
        do = partial(prove_of_others, objects=expanded.parts[owner].objects)
        yield from work.of(do, tasks, f"Proving what {owner} made")


def prove_of_others(
    task: SliceTask, sink: EntrySink | None = None, *, objects: tuple[str, ...] = ()
) -> SliceOutcome:
    """Prove the access in an account of another owner by the callers' own credentials; nothing is changed.

    Each failure is a result; nothing is raised. `sink` takes no entry.
    """
    part, access = task.slice, task.access
    result = SliceResult(*part.key, NOT_PROVEN)
    hint = "Its owner can answer their request once more: they see what differs."
    try:
        sessions = replace(opened(access).callers_of(part.grant, part.side), objects=objects)
        found = with_proof(result, prove(part.grant, sessions, patience=min(task.patience, access.patience)))
    except XacctError as problem:
        found = replace(result, code=problem.code, reason=f"{problem.what} {problem.why}".strip())
    return SliceOutcome(found if found.is_good else replace(found, hint=hint))


def _named(expanded: ExpandedFleet, part: Slice) -> SliceResult:
    of = expanded.part_of(part.account)
    return SliceResult(*part.key, HANDED_OVER, code=HANDED_OVER, reason=of.reason, hint=of.hint)
