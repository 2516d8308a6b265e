"""What the run of a record changed and is not back yet, as far as AWS shows it now."""

from typing import Any

from xacct_nb.aws.policy_versions import is_left_over, recover_version
from xacct_nb.aws.reader import read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change, Plan, differs
from xacct_nb.errors import AwsRefused, InvalidParameters
from xacct_nb.records.model import Record
from xacct_nb.redaction.redact import fingerprints_in, mask_secrets, restore_secrets, secrets_in


def to_undo(record: Record, sessions: Sessions, secrets: set[str]) -> tuple[Journal, set[str]]:
    """What the record changed and is not back yet, with the external IDs put back, and these.

    They are live now, or among the `secrets` that are given. A run that did not come to the end of its
    changes has its plan: what of it was not made is as it was before, and is left out. Raises
    InvalidParameters where an external ID is missing.
    """
    planned = _planned(record)
    made = journal_of(record).changes or _heard_of(sessions, planned, journal_of(record))
    now = [_now(sessions, change) for change in made]
    known = secrets | {secret for value in now for secret in secrets_in(value)}
    pairs = zip(made, now, strict=True)
    left = tuple(each for each, value in pairs if _stands(sessions, each, value))
    whole = Journal.from_json(restore_secrets(Journal(planned.grant, left).to_json(), known))
    _check_whole(whole.undo_plan())
    return whole, known


def journal_of(record: Record) -> Journal:
    """What the run did, as far as it is known."""
    return record.journal or Journal("")


def _planned(record: Record) -> Plan:
    return record.plan or Plan("", ())


def changes_of(record: Record) -> tuple[Change, ...]:
    """What the run changed, or was to change if it broke off."""
    return journal_of(record).changes or _planned(record).changes


def _heard_of(sessions: Sessions, planned: Plan, journal: Journal) -> tuple[Change, ...]:
    """The changes of a run that broke off, with the versions of policies that it made and did not hear of."""
    existed = {
        (entry.account, entry.target): entry.kept["versions"]
        for entry in reversed(journal.entries)
        if entry.operation == "CreatePolicyVersion" and entry.kept
    }
    return tuple(
        recover_version(sessions, change, existed[change.account, change.title])
        if (change.account, change.title) in existed
        else change
        for change in planned.changes
    )


def _now(sessions: Sessions, change: Change) -> Any:
    """The thing as it is now, None also where what it belongs to is gone."""
    try:
        return read_value(sessions, change)
    except AwsRefused as problem:
        if problem.aws_code != "NoSuchEntity":
            raise
        return None


def _stands(sessions: Sessions, change: Change, value: Any) -> bool:
    """Whether a change, or a part of it, is still to be taken back."""
    return differs(change.kind, mask_secrets(value), mask_secrets(change.before)) or is_left_over(
        sessions, change.reverse()
    )


def _check_whole(plan: Plan) -> None:
    if missing := {mark for change in plan.changes for mark in fingerprints_in(change.after)}:
        raise InvalidParameters(
            f"The way back needs the external ID with the fingerprint {', '.join(sorted(missing))}.",
            why="A record holds no external IDs, and this one is not in use any more.",
            hint="Give it by reference: -p external_id env:NAME",
        )
