"""Makes what a grant says in the two accounts of a world, without a record."""

from xacct_nb.aws.reader import read
from xacct_nb.aws.writer import apply
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.workshop.world import WorkshopWorld


def apply_grant(world: WorkshopWorld, grant: Grant) -> Journal:
    """Plan what a grant needs on both sides, and apply it as the two administrators; return the journal."""
    sessions = world.sessions(grant)
    documents = build(grant)
    plan = diff(documents, read(documents, sessions))
    return apply(plan, sessions, approved=plan.digest)
