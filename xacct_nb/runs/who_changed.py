"""Who changed the resources of a grant that are not as it says, for the proof of one grant."""

from collections.abc import Sequence

from xacct_nb.aws.sessions import Sessions
from xacct_nb.aws.trail_reader import read_trail
from xacct_nb.changes.drift import Drift, explain
from xacct_nb.changes.plan import Change
from xacct_nb.errors import UnknownRecord
from xacct_nb.runs.fleet.past_records import PastRecords, newest_of, read_past
from xacct_nb.runs.run_context import RunRecord


def who_changed(run: RunRecord, sessions: Sessions, changes: Sequence[Change]) -> tuple[Drift, ...]:
    """Return each change that would restore a resource, with the calls in CloudTrail that changed it.

    Calls of runs whose records are in this run's folder name their record.
    """
    try:
        past = read_past(run.records)
    except UnknownRecord:  # a ledger that cannot be read: then no call is known as our own
        past = PastRecords(run.records)
    (since, record), found = newest_of(past, sessions.grant.name), list[Drift]()
    for account in dict.fromkeys(change.account for change in changes):
        own = [change for change in changes if change.account == account]
        found += explain(own, read_trail(sessions, account, own, since))
    return tuple(each.since_record(record, past.own) for each in found)
