"""The history of one plan: who made it and when, and which runs changed AWS with its approval.

A run claims its approval in a file before its first change, so that a run at the same time finds it used.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from xacct_nb.changes.approval import PlannedRun, UsedApproval
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import UnknownRecord
from xacct_nb.records.model import Record
from xacct_nb.storage.approval_files import (
    USED,
    approval_file,
    read_approval_files,
    subject_of,
    write_approval_file,
)
from xacct_nb.storage.ledger import broken_record, read_ledger, read_record, unlisted_records

# Runs with these statuses changed nothing and made no plan that could be approved.
_WITHOUT_PLAN = ("no-change", "stale-plan", "invalid-parameters")
_SHOWN = "+"  # between the id of a run and the time at which it showed a plan to a person


@dataclass(frozen=True)
class Claim:
    """The use of an approval by a run: of which plan, when (UTC), in the sandbox or on AWS.

    `plan` is the id of the newest record with the plan, or of the run itself where it showed the plan at
    `shown`; "" where the folder has no such plan.
    """

    digest: str
    plan: str
    run: str
    at: str
    where: str
    shown: str = ""

    def write(self, records: Path) -> None:
        """Write the claim. Raises FileExistsError where another run has claimed this plan's approval."""
        about = self.plan + (f"{_SHOWN}{self.shown.replace(':', '')}" if self.shown else "")
        write_approval_file(records, approval_file(self.digest, about, USED), vars(self))


def plan_history(records: Path, digest: str, where: str) -> Iterator[PlannedRun | UsedApproval]:
    """Yield the plans with this digest and the uses of their approval, the newest first.

    `where` is who answered this run: an approval counts for the same place only. A plan counts only with a
    whole line in the ledger and an unchanged record. A use counts also where its record or its claim cannot
    be read, or its record has no whole line. Raises UnknownRecord where the ledger cannot be read at all.
    """
    lines = read_ledger(records)
    claims = [*_claims(records, digest, where), *_unlisted_uses(records, digest, where)]
    known = {line["id"] for line in lines}
    for line in reversed(lines):
        newer = [each for each in claims if _is_newer(each, line, known)]
        claims = [each for each in claims if each not in newer]
        yield from (UsedApproval(each.run or each.plan, each.at) for each in newer)
        yield from _event(records, line, digest, where)
    yield from (UsedApproval(each.run or each.plan, each.at) for each in claims)


def plans_elsewhere(records: Path, digest: str, where: str) -> Iterator[PlannedRun]:
    """Yield the plans with this digest that were made at another place. Raises UnknownRecord."""
    for line in read_ledger(records):
        if line["digest"] == digest and line["status"] == "planned":
            record = _unchanged(records, line["id"])
            if record is not None and place_of(record.where) != place_of(where):
                yield _planned(record, line["seal"])


def _claims(records: Path, digest: str, where: str) -> Iterator[Claim]:
    for name, content in read_approval_files(records, digest, USED):
        plan, _, shown = subject_of(name, USED).partition(_SHOWN)
        about = content if isinstance(content, Mapping) else {}
        run, at, place = (str(about.get(field, "")) for field in ("run", "at", "where"))
        if place_of(place) in ("", place_of(where)):
            yield Claim(digest, plan, run, at, place, shown)


def _unlisted_uses(records: Path, digest: str, where: str) -> Iterator[Claim]:
    """Yield the uses by records whose line in the ledger is broken, or was removed."""
    for folder in unlisted_records(records):
        with suppress(UnknownRecord):
            record = read_record(records, str(folder))
            is_same = (
                record.plan and record.plan.digest == digest and place_of(record.where) == place_of(where)
            )
            if is_same and record.approval and record.journal and record.journal.began:
                yield Claim(digest, record.approval.plan, record.id, record.ended, record.where)


def _is_time(text: str) -> bool:
    try:
        return datetime.fromisoformat(text).tzinfo is not None
    except ValueError:
        return False


def _is_newer(claim: Claim, line: Mapping[str, Any], known: set[str]) -> bool:
    """Return whether a claim was made after this record: that of its plan, else by the clock."""
    if claim.plan in known:
        return bool(claim.plan == line["id"])
    return claim.at >= str(line["started"])


def _event(
    records: Path, line: Mapping[str, Any], digest: str, where: str
) -> Iterator[PlannedRun | UsedApproval]:
    if line["digest"] != digest or line["status"] in _WITHOUT_PLAN:
        return
    is_plan, record = line["status"] == "planned", _unchanged(records, line["id"])
    if record is None:
        if not is_plan:
            yield UsedApproval(line["id"], line["started"])
    elif place_of(record.where) != place_of(where):
        return
    elif is_plan and _is_time(record.started):
        yield _planned(record, line["seal"])
    elif record.approval is not None and record.journal is not None and record.journal.began:
        yield UsedApproval(record.id, record.ended)


def _planned(record: Record, seal: str) -> PlannedRun:
    two_people, approvers = (record.parameters.get(name) for name in ("two_people", "approvers"))
    return PlannedRun(
        record.id,
        record.host.user,
        record.started,
        two_people is True,
        record.plan or Plan("", ()),
        tuple(map(str, approvers)) if isinstance(approvers, list) else (),
        seal,
    )


def _unchanged(records: Path, run: str) -> Record | None:
    """Return the record, None where it cannot be read or was changed since it was sealed."""
    try:
        return None if broken_record(records, run) else read_record(records, run)
    except UnknownRecord:
        return None


def place_of(where: str) -> str:
    """Return `sandbox`, `AWS`, or the whole text: another endpoint is a place of its own.

    A sandbox has a different endpoint each time, and AWS has many.
    """
    kind = where.partition(" ")[0]
    return kind if kind in ("sandbox", "AWS") else where
