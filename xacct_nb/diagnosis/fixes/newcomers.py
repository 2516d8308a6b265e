"""Who may do more by an edit of a policy: evaluated for the caller, for those it names, for strangers."""

from collections.abc import Iterator, Sequence
from contextlib import suppress

from xacct_nb.diagnosis.assume_request import ALLOW_ALL, EXTRA_ACTIONS
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.fixes.edits import ATTACH, Edit, is_holder
from xacct_nb.diagnosis.known_keys import EVERY_OTHER_KEY
from xacct_nb.diagnosis.snapshot import INLINE, OF_RESOURCES, TRUST
from xacct_nb.errors import InvalidArn, InvalidInput
from xacct_nb.grants.documents import VERSION
from xacct_nb.iam.arns import Arn, is_arn, same_principal
from xacct_nb.iam.canonical import as_list, principals_in, statements_of
from xacct_nb.iam.evaluation import evaluate
from xacct_nb.iam.explain import short_name
from xacct_nb.iam.grammar import Document
from xacct_nb.iam.weighing import ALLOWED, UNKNOWN_RESULT

EVERYONE = "everyone"
_OTHER_ACCOUNT = "999999999990"
_RANKS = {ALLOWED: 2, UNKNOWN_RESULT: 1}
Request = tuple[str, str]
"""An action and a resource."""


def newcomers(case: Case, edit: Edit) -> Iterator[str]:
    """Yield who may do more after an edit: the caller first, then others, in words."""
    holder = case.holder
    if not is_holder(holder.arn):
        return
    if edit.policy.kind in (TRUST, *OF_RESOURCES):
        yield from _by_resource_policy(case, edit)
        return
    requests = [(action, holder.resource) for action in holder.actions]
    if _gains(case, edit, holder.arn, requests):
        yield name_of(holder.arn)
    is_own = edit.how == ATTACH or (edit.policy.kind == INLINE and edit.policy.holder == holder.arn)
    if not is_own and _gains(case, edit, _stranger(case, Arn.parse(holder.arn).account), requests):
        yield f"everyone who has the policy {edit.policy.name}"


def allows_more(case: Case, edit: Edit) -> bool:
    """Return whether an edit of an identity policy allows its holder more than the request in question."""
    if edit.policy.kind in (TRUST, *OF_RESOURCES):
        return False
    return _gains(case, edit, case.holder.arn, _other_requests(case, edit))


def name_of(arn: str) -> str:
    """Return a user, or the sessions of a role, in words."""
    return f"every session of {short_name(arn)}" if ":role/" in arn else short_name(arn)


def _by_resource_policy(case: Case, edit: Edit) -> Iterator[str]:
    """Yield who gets in by the policy of a role or a bucket: single ones only beside whole accounts."""
    holder = case.holder
    requests = [(action, holder.resource) for action in holder.actions]
    if _gains(case, edit, _stranger(case, _OTHER_ACCOUNT), requests):
        yield EVERYONE
        return
    accounts = dict.fromkeys(Arn.parse(arn).account for arn in (holder.arn, case.role, *_named(edit)) if arn)
    whole = [each for each in accounts if _gains(case, edit, _stranger(case, each), requests)]
    for arn in dict.fromkeys((holder.arn, *_named(edit))):
        if Arn.parse(arn).account not in whole and _gains(case, edit, arn, requests):
            yield name_of(arn)
    yield from (f"every user and role of account {account}" for account in whole)


def _named(edit: Edit) -> list[str]:
    """Return the users, roles and sessions that a policy names as principals, or in aws:PrincipalArn."""
    documents = [each for each in (edit.policy.document, edit.after) if each]
    conditions = (
        values
        for document in documents
        for statement in statements_of(document)
        for keys in statement.get("Condition", {}).values()
        for key, values in keys.items()
        if key.lower() == "aws:principalarn"
    )
    named = {arn for document in documents for arn in principals_in(document)}
    named |= {str(arn) for values in conditions for arn in as_list(values)}
    return sorted(arn for arn in named if is_arn(arn) and "/" in arn and not {"*", "?", "$"} & set(arn))


def _stranger(case: Case, account: str) -> str:
    """Return a user that no policy names: it stands for everybody else in its account."""
    return f"arn:{Arn.parse(case.holder.arn).partition}:iam::{account}:user/nobody-in-particular"


def _other_requests(case: Case, edit: Edit) -> list[Request]:
    """Return requests beside the one in question: on another resource, and of the policy's other actions."""
    holder = case.holder
    statements = [*statements_of(edit.after), *statements_of(edit.policy.document)]
    patterns = {text for each in statements for text in as_list(each.get("Action", []))} | {"iam:CreateUser"}
    asked = {action.lower() for action in holder.actions}
    actions = sorted({each.replace("*", "Any").replace("?", "x") for each in patterns if ":" in each})
    others = [each for each in actions if each.lower() not in asked]
    beside = [(action, f"{holder.resource}-beside") for action in holder.actions]
    return [*beside, *((action, each) for action in others for each in (holder.resource, "*"))]


def _gains(case: Case, edit: Edit, principal: str, requests: list[Request]) -> bool:
    """Return whether one of the requests is allowed after the edit, or hangs on fewer keys than before."""
    before = None if edit.how == ATTACH else edit.policy.document
    beside: list[list[Document]] = [[]] if edit.policy.kind in (TRUST, *OF_RESOURCES) else [[], [ALLOW_ALL]]
    return any(
        _rank(case, edit, edit.after, each, principal, request)
        > _rank(case, edit, before, each, principal, request)
        for request in requests
        for each in beside
    )


def _rank(
    case: Case, edit: Edit, document: Document | None, beside: Sequence[Document], who: str, request: Request
) -> int:
    """Return how far a policy allows a request: 0 for no, 1 where that hangs on unknown keys, 2 for yes."""
    own = [*beside, *([document] if document else [])]
    policies, resource_policy = own, _open_policy(who, request)
    if edit.policy.kind in (TRUST, *OF_RESOURCES):
        policies, resource_policy = [ALLOW_ALL], document
    caller = case.caller if who == case.holder.arn and same_principal(case.caller, who) else who
    context = case.context if caller == case.caller else {}
    owner = case.session.owner or None if case.session and request[1] == case.holder.resource else None
    with suppress(InvalidInput, InvalidArn):
        found = evaluate(
            caller,
            *request,
            context,
            policies,
            resource_policy,
            resource_account=owner,
            unknown_keys=EVERY_OTHER_KEY,
        )
        return _RANKS.get(found.result, 0)
    return 0


def _open_policy(who: str, request: Request) -> Document | None:
    """Return a policy of a role that leaves the decision to the caller's own policies."""
    if ":role/" not in request[1] or not request[0].lower().startswith("sts:"):
        return None
    principal = {"AWS": Arn.parse(who).account}
    statement = {"Effect": "Allow", "Principal": principal, "Action": [request[0], *EXTRA_ACTIONS]}
    return {"Version": VERSION, "Statement": [statement]}
