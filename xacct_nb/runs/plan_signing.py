"""The signature of an approver: the plan with a digest is found, shown, and signed with an SSH key."""

import os
from dataclasses import dataclass
from pathlib import Path

from xacct_nb.aws.clock import utc
from xacct_nb.changes.approval import PlannedRun, valid_plans
from xacct_nb.changes.decision_card import DecisionCard
from xacct_nb.changes.signed_approval import (
    ApprovalStatement,
    SignedApproval,
    accounts_of,
    check_second_person,
)
from xacct_nb.errors import InvalidParameters, UnknownRecord
from xacct_nb.grants.approvers import parse_approvers
from xacct_nb.records.next_steps import card_of
from xacct_nb.redaction.invisible import on_one_line
from xacct_nb.redaction.patterns import credentials_in
from xacct_nb.redaction.redact import redact
from xacct_nb.runs.environment import user_name
from xacct_nb.storage.approval_history import place_of, plan_history
from xacct_nb.storage.ledger import read_ledger, read_record
from xacct_nb.storage.signed_approvals import sign_approval, write_signed
from xacct_nb.views import Page, Shown, Table, Text, View

_FEWEST, _LONGEST = 8, 4000  # characters of the digest, and of a note


@dataclass(frozen=True, repr=False)
class PlanToSign(Shown):
    """A plan that may be approved: the run that made it, where it acts, and the records folder."""

    records: Path
    planned: PlannedRun
    where: str
    two_people: bool
    keys: tuple[str, ...]
    card: DecisionCard | None = None

    def view(self) -> View:
        """Return who planned what, when and where, the whole plan, and the decision card of its record."""
        planned = self.planned
        rows = (
            ("record", planned.record),
            ("planned by", f"{planned.by} at {planned.at}"),
            ("acts on", self.where),
            ("accounts", ", ".join(accounts_of(planned.plan))),
        )
        unaccepted = ", ".join(planned.plan.unaccepted)
        refused = f"It cannot be applied: the grant does not accept these findings: {unaccepted}."
        notes = (Text(refused, "bad"),) if unaccepted and not self.card else ()
        card = (self.card.view(),) if self.card else ()
        return Page("Plan to approve", (Table(("", ""), rows), planned.plan.view(), *card, *notes))


@dataclass(frozen=True, repr=False)
class SignedPlan(Shown):
    """A plan that was approved by a signature: what was signed, its file, and the key's fingerprint."""

    statement: ApprovalStatement
    file: Path
    key: str

    def to_json(self) -> dict[str, str]:
        """Return what `approve --json` prints."""
        signed = self.statement
        about = {"status": "approved", "digest": signed.digest, "record": signed.plan, "by": signed.by}
        return {**about, "at": signed.at, "key": self.key, "file": str(self.file)}

    def view(self) -> View:
        """Return what was signed, by which key, and what is done next."""
        signed = self.statement
        what = f"Approved by {signed.by} at {signed.at}, with the key {self.key}."
        then = f"A run with --approve {signed.digest} may now apply the plan in {signed.plan}."
        return Page("Approved", (Text(what, "good"), Text(then), Text(f"Signature: {self.file}")))


def find_plan(records: Path, digest: str) -> PlanToSign:
    """Return the newest plan with this digest, or with a digest that alone begins so.

    Raises UnknownRecord where there is none that is as it was sealed, ApprovalUsed, ApprovalExpired.
    """
    start = digest.strip().lower()
    lines = [line for line in read_ledger(records) if line["status"] == "planned"]
    found = dict.fromkeys(line["digest"] for line in lines if line["digest"].startswith(start))
    if len(start) < _FEWEST or len(found) != 1:
        raise _unknown(records, digest, f"{len(found)} plans have a digest that begins so.")
    whole = next(iter(found))
    newest = next(line["id"] for line in reversed(lines) if line["digest"] == whole)
    record = read_record(records, newest)
    where, hours = place_of(record.where), record.parameters.get("approval_hours", 24)
    history = plan_history(records, whole, where)
    plans = valid_plans(history, utc(), hours if isinstance(hours, int) else 24)
    if not plans:
        raise _unknown(records, digest, "Its record was changed since it was sealed.")
    keys = tuple(dict.fromkeys(key for each in plans for key in each.approvers))
    return PlanToSign(records, plans[0], where, any(each.two_people for each in plans), keys, card_of(record))


def sign_plan(found: PlanToSign, key: Path, note: str = "", ticket: str = "") -> SignedPlan:
    """Sign exactly this plan, and write the signature beside the records.

    Raises InvalidKey, MissingTool, InvalidParameters, ApproverPlanned, ApproverUnknown.
    """
    planned, texts = found.planned, [redact(each, credentials_in(os.environ)) for each in (note, ticket)]
    if any(len(each) > _LONGEST for each in texts):
        raise InvalidParameters(
            "The note or the ticket is too long.",
            why=f"A signed approval holds at most {_LONGEST} characters of each.",
            hint="Write a short note, and name the longer text in the ticket.",
        )
    digest, accounts = planned.plan.digest, accounts_of(planned.plan)
    statement = ApprovalStatement(
        digest, planned.record, planned.seal, found.where, accounts, utc(), user_name(), *texts
    )
    if found.two_people:
        check_second_person(SignedApproval("", statement), (planned,))
    signature, fingerprint = sign_approval(statement, key, parse_approvers(found.keys))
    return SignedPlan(statement, write_signed(found.records, statement, signature), fingerprint)


def _unknown(records: Path, digest: str, why: str) -> UnknownRecord:
    return UnknownRecord(
        f"No single plan has the digest {on_one_line(digest[:64])!r}.",
        why=f"{why} The records folder is {str(records)!r}.",
        hint="Give at least the first 8 characters of the digest, and name the folder with --records.",
    )
