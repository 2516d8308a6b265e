"""Makes what a grant says in the two accounts of a world, without a record."""

from xacct_nb.aws.profile_clients import Endpoint
from xacct_nb.aws.reader import read
from xacct_nb.aws.sessions import Sessions, open_sessions
from xacct_nb.aws.writer import apply
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.planner import diff
from xacct_nb.grants.documents import build
from xacct_nb.grants.grant import Grant
from xacct_nb.workshop.world import ADMINS, WorkshopWorld


def apply_grant(world: WorkshopWorld, grant: Grant) -> Journal:
    """Plan what a grant needs on both sides, and apply it as the two administrators; return the journal."""
    sessions = open_world_sessions(world, grant)
    documents = build(grant)
    plan = diff(documents, read(documents, sessions))
    return apply(plan, sessions, approved=plan.digest)


def open_world_sessions(world: WorkshopWorld, grant: Grant) -> Sessions:
    """Open the sessions of a world's administrators for a grant."""
    files = world.accounts
    return open_sessions(
        grant,
        source_profiles=[ADMINS["source"]],
        destination_profiles=[ADMINS["destination"]],
        endpoint=Endpoint(str(files.config_file), str(files.credentials_file), files.endpoint),
    )
