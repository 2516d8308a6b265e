"""An approval that is signed with an SSH key: what is signed, and whether it is for this plan."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

from xacct_nb.changes.approval import Approval, PlannedRun, is_mapped
from xacct_nb.changes.plan import Plan
from xacct_nb.errors import ApprovalUnsigned, ApproverPlanned, ApproverUnknown
from xacct_nb.iam.canonical import canonical_json
from xacct_nb.validation import Serializable

_PURPOSE = "xacct-nb/approval/1"


@dataclass(frozen=True)
class ApprovalStatement(Serializable):
    """What an approver signs: exactly this plan, in exactly this record, by whom and when (UTC).

    `seal` is that of the plan's record in the ledger. `where` is `sandbox`, `AWS` or another
    endpoint, `accounts` are those that the plan changes. `by` is the user of the operating system who signed.
    """

    digest: str
    plan: str
    seal: str
    where: str
    accounts: tuple[str, ...]
    at: str
    by: str
    note: str = ""
    ticket: str = ""
    purpose: str = _PURPOSE

    @property
    def text(self) -> str:
        """Return the text that is signed."""
        return canonical_json(self.to_json())


@dataclass(frozen=True)
class SignedApproval:
    """A signed statement with the fingerprint and the name of its key; `broken` is what is wrong with it."""

    file: str
    statement: ApprovalStatement | None = None
    key: str = ""
    signer: str = ""
    broken: str = ""


def parse_statement(content: Any) -> ApprovalStatement | None:
    """Return the statement in plain data; None unless it has exactly the fields of one."""
    names = {field.name for field in fields(ApprovalStatement)}
    if not isinstance(content, Mapping) or set(content) != names or content["purpose"] != _PURPOSE:
        return None
    accounts, texts = content["accounts"], [content[name] for name in names - {"accounts"}]
    if not isinstance(accounts, list) or not all(isinstance(each, str) for each in (*accounts, *texts)):
        return None
    return ApprovalStatement(**{**content, "accounts": tuple(accounts)})


def accounts_of(plan: Plan) -> tuple[str, ...]:
    """Return the accounts that a plan changes."""
    return tuple(sorted({change.account for change in plan.changes}))


def statement_problem(
    statement: ApprovalStatement, plans: Iterable[PlannedRun], plan: Plan, where: str
) -> str:
    """Return why a statement is not for this plan; "" where it is. `plans` are those that are valid now."""
    seals = {each.record: each.seal for each in plans}
    if statement.digest != plan.digest:
        return "it is for another digest"
    if statement.where != where:
        return f"it is for {statement.where}, and this run acts on {where}"
    if statement.plan not in seals:
        return (
            f"it is for the plan in {statement.plan}, which was used, has expired, or is not in this folder"
        )
    if not statement.seal or statement.seal != seals[statement.plan]:
        return f"the record {statement.plan} is not the one that was signed"
    return "" if statement.accounts == accounts_of(plan) else "it names other accounts"


def with_signature(approval: Approval, signed: SignedApproval) -> Approval:
    """Return the approval with its signer; the signer's note and ticket where the run gives none."""
    statement = signed.statement
    if statement is None:
        return approval
    texts = {"note": approval.note or statement.note, "ticket": approval.ticket or statement.ticket}
    return replace(approval, signer=signed.signer, key=signed.key, signed_at=statement.at, **texts)


def check_second_person(signed: SignedApproval, plans: Sequence[PlannedRun]) -> None:
    """Check that the signer did not make the plan, as far as users and names of keys show it.

    Raises ApproverPlanned, ApproverUnknown.
    """
    planner, statement = plans[-1], signed.statement
    signer = statement.by if statement else ""
    for user, did in ((planner.by, "made this plan"), (signer, "signed its approval")):
        if is_mapped(user):
            raise ApproverUnknown(
                f"Two people must agree on this plan, and it is not known which person {did}.",
                why=f"The user is {user!r}: a mapped user may be anyone on that machine.",
                hint="Plan and sign as the persons' own users. Or leave out two_people: where approvers has "
                "only keys of others than the planners, a signature is enough.",
            )
    if planner.by.casefold() in (signer.casefold(), *names_of(signed.signer.casefold())):
        raise ApproverPlanned(
            f"{planner.by} made this plan, and someone else must sign its approval.",
            why=f"two_people is true, the record {planner.record} names the planner, and the signature is by "
            f"{signed.signer} ({signer}).",
            hint="Have someone else sign it: xacct-nb approve DIGEST --key KEY",
        )


def unsigned(plan: Plan, found: Iterable[SignedApproval]) -> ApprovalUnsigned:
    """Return the error of a plan without a valid signature; it says what is wrong with those found."""
    wrong = [f"{each.file}: {each.broken}" for each in found if each.broken]
    return ApprovalUnsigned(
        "A signature of this plan by one of the approvers is required, and there is no valid one.",
        why="\n".join(wrong) or "The folder approvals beside the records has no signature of this digest.",
        hint=f"Have an approver sign it: xacct-nb approve {plan.digest} --key KEY --records DIR",
    )


def names_of(signer: str) -> set[str]:
    """Return the names in the list of a key, also without what follows the @."""
    return {part for name in signer.split(",") for part in (name, name.partition("@")[0])}
