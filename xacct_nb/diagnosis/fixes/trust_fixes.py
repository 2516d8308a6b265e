"""Fixes of a trust policy: one more statement or one more principal, for the caller alone."""

import re
from typing import Any

from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.fixes.commands import option_text
from xacct_nb.diagnosis.fixes.edits import is_holder, with_statement
from xacct_nb.diagnosis.fixes.fix import Fix, trust_statement
from xacct_nb.diagnosis.fixes.locations import LocatedStatement
from xacct_nb.diagnosis.fixes.request_values import Conditions, meets
from xacct_nb.diagnosis.snapshot import SnapshotPolicy
from xacct_nb.iam.arns import UNIQUE_ID
from xacct_nb.iam.canonical import as_list, statements_of
from xacct_nb.iam.grammar import Document

_ASSUME = re.compile(r"sts:AssumeRole$|sts:\*|\*$|sts:assume\*", re.IGNORECASE)
# Keys that no request of a user or role has: of identity providers, and of AWS services.
_NEVER = re.compile(
    r"(?!aws:|sts:|iam:).*|aws:source(arn|account|orgid|orgpaths|owner)|aws:federatedprovider"
    r"|aws:principal(isawsservice|servicename.*)|sts:awsservicename"
)
# Keys that tell who calls: a statement that names the caller needs none that another caller has.
_WHO = re.compile(r"aws:(principal(arn|account|type|tag/.*)|userid|username|sourceidentity)")
_MFA = re.compile(r"aws:multifactorauth(present|age)")


def trust_fix(case: Case, policy: SnapshotPolicy) -> Fix:
    """Return the fix that adds the smallest statement for the caller, under a condition that others have.

    Only a user or a role can be trusted alone; a condition is left out where this caller can never meet it.
    """
    if not is_holder(case.principal):
        return Fix()
    statement = trust_statement(case.principal, case.attempt.actions, _conditions(case, policy))
    mend = f"If the caller may assume the role, add to the trust policy: {option_text(statement)}"
    return Fix(mend, (with_statement(policy, statement),))


def add_principal(case: Case, statement: LocatedStatement, named: str) -> Fix:
    """Return the fix that adds the caller to a statement's principals.

    A statement that allows more than the request gets no more principals: the caller gets its own.
    """
    allowed = statements_of(statement.policy.document)[statement.number]
    asked = {each.lower() for each in case.attempt.actions}
    if not {each.lower() for each in as_list(allowed.get("Action", "*"))} <= asked:
        return trust_fix(case, statement.policy)

    def change(document: dict[str, Any]) -> None:
        principals = [each for each in as_list(document["Principal"]["AWS"]) if not UNIQUE_ID.fullmatch(each)]
        document["Principal"]["AWS"] = [*principals, case.principal] if principals else case.principal

    gone = ", in place of the deleted principal" if UNIQUE_ID.fullmatch(named) else ""
    mend = f"Add {case.principal} to the principals of {statement}{gone}."
    return Fix(mend, (statement.changed(change),))


def _conditions(case: Case, policy: SnapshotPolicy) -> Conditions:
    """Return the conditions of the statements for users and roles: first such as the request meets."""
    found = [possible_conditions(case, each.get("Condition", {})) for each in _assuming(policy)]
    met = (
        each for each in found if all(meets(case, each, key, {}) for keys in each.values() for key in keys)
    )
    return next(met, found[0] if found else {})


def _assuming(policy: SnapshotPolicy) -> list[Document]:
    """Return the statements that allow users and roles to assume the role."""
    return [
        each
        for each in statements_of(policy.document)
        if each.get("Effect") == "Allow"
        and (each.get("Principal") == "*" or "AWS" in each.get("Principal", {}))
        and any(_ASSUME.match(action) for action in as_list(each.get("Action", [])))
    ]


def possible_conditions(case: Case, conditions: Conditions) -> dict[str, dict[str, Any]]:
    """Return the conditions without those that this caller can never meet."""
    left = {
        operator: {key: value for key, value in keys.items() if _is_possible(case, conditions, key)}
        for operator, keys in conditions.items()
    }
    return {operator: keys for operator, keys in left.items() if keys}


def _is_possible(case: Case, conditions: Conditions, key: str) -> bool:
    name = key.lower()
    if _NEVER.fullmatch(name) or (case.is_chained and _MFA.fullmatch(name)):
        return False
    return not _WHO.fullmatch(name) or meets(case, conditions, key, {})
