"""Makes what a grant says in the two accounts of a world, or in one of them, without a record."""

from collections.abc import Iterator
from contextlib import contextmanager

from xacct_nb.aws.reader import read
from xacct_nb.aws.writer import apply, rollback
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.workshop.world import WorkshopWorld

_AT_LEAST = 2.0  # seconds: what is wrong, such as a principal that does not exist, is said soon


def apply_grant(world: WorkshopWorld, grant: Grant, side: str = "") -> Journal:
    """Plan what a grant needs on both sides, or on one, and apply it as their administrators.

    Return the journal. Raises the errors of `xa.apply`.
    """
    sessions = world.sessions(grant, side)
    documents = build(grant, side)
    plan = diff(documents, read(documents, sessions))
    return apply(plan, sessions, approved=plan.digest, patience=_AT_LEAST + world.patience)


@contextmanager
def applied_for_a_while(world: WorkshopWorld, grant: Grant, side: str) -> Iterator[None]:
    """Make one side of a grant for the time of the block. Raises the errors of `xa.apply`."""
    journal = apply_grant(world, grant, side)
    try:
        yield
    finally:
        rollback(journal, world.sessions(grant, side))
