"""The changes of a record's run that are not rolled back yet, as far as AWS shows them now."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from xacct_nb.aws.iam_reads import optional
from xacct_nb.aws.policy_versions import is_left_over, made_since
from xacct_nb.aws.preconditions import is_different
from xacct_nb.aws.reader import read_value
from xacct_nb.aws.sessions import Sessions
from xacct_nb.changes.journal import Journal
from xacct_nb.changes.plan import Change, Plan
from xacct_nb.errors import InvalidParameters
from xacct_nb.records.model import Record
from xacct_nb.redaction.redact import restore_secrets, secrets_in


def to_undo(record: Record, sessions: Sessions, secrets: set[str]) -> tuple[Journal, set[str]]:
    """Return the changes that are not rolled back yet, with their external IDs restored, and these IDs.

    An external ID is one that is live now, or one of `secrets`. Of a run that broke off, the changes are
    those of its plan that took effect. Raises InvalidParameters where an external ID is missing.
    """
    made = journal_of(record).changes or _recovered_changes(sessions, record)
    return undo_journal(_plan_of(record).grant, made, sessions, secrets)


def undo_journal(
    grant: str, made: Sequence[Change], sessions: Sessions, secrets: set[str]
) -> tuple[Journal, set[str]]:
    """Return the changes that are not rolled back yet as `to_undo` does. Raises InvalidParameters."""
    values = [optional(partial(read_value, sessions, change)) for change in made]
    known = secrets | {secret for value in values for secret in secrets_in(value)}
    left = tuple(
        change
        for change, value in zip(made, values, strict=True)
        if is_different(change, value, change.before) or is_left_over(sessions, change.reverse())
    )
    journal = Journal(grant, left)
    restored = Journal.from_json(restore_secrets(journal.to_json(), known))
    if missing := restored.undo_plan().unresolved_fingerprints:
        raise InvalidParameters(
            f"The rollback needs the external ID with the fingerprint {', '.join(sorted(missing))}.",
            why="A record holds no external IDs, and this one is no longer in use.",
            hint="Give it by reference: -p external_id env:NAME",
        )
    return restored, known


def journal_of(record: Record) -> Journal:
    """Return the journal of a record, an empty one where there is none."""
    return record.journal or Journal("")


def changes_of(record: Record) -> tuple[Change, ...]:
    """Return what the run changed, or planned to change if it broke off."""
    return journal_of(record).changes or _plan_of(record).changes


def _plan_of(record: Record) -> Plan:
    return record.plan or Plan("", ())


def _recovered_changes(sessions: Sessions, record: Record) -> tuple[Change, ...]:
    """Return the planned changes of a run that broke off, with the ids of policy versions that it made."""
    existed = {
        (entry.account, entry.target): entry.kept["versions"]
        for entry in reversed(journal_of(record).entries)
        if entry.operation == "CreatePolicyVersion" and entry.kept
    }
    changes = []
    for change in _plan_of(record).changes:
        before = existed.get((change.account, change.title))
        made = before is not None and made_since(sessions, change, before)
        changes.append(replace(change, after={**change.after, "version": made}) if made else change)
    return tuple(changes)
