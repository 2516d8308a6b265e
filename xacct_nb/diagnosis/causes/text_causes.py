"""Finds causes in the error text alone: what its wording shows, and the type of policy that AWS names."""

from collections.abc import Iterator, Sequence

from xacct_nb.diagnosis.assume_request import EXTRA_ACTIONS
from xacct_nb.diagnosis.case import Case
from xacct_nb.diagnosis.catalogue import CATALOGUE, cause
from xacct_nb.diagnosis.cause import CERTAIN, CLIENT, DESTINATION, POSSIBLE, SOURCE, Cause
from xacct_nb.diagnosis.denial import EXPLICIT, Denial
from xacct_nb.iam.arns import Arn, is_arn
from xacct_nb.iam.explain import short_name

# Who is denied: a caller of AssumeRole, of its unsigned forms, a role's session, another principal.
_ASSUME, _FEDERATED, _SESSION, _OTHER = "assume", "federated", "session", "other"
# The causes by the type of policy that AWS names: without an Allow, and with a Deny.
_CODES: dict[str, dict[str, tuple[str, str]]] = {
    "identity-based policy": {
        _ASSUME: ("no-identity-allow", "identity-deny"),
        _SESSION: ("role-without-permission", "role-deny"),
        _OTHER: ("caller-without-permission", "caller-deny"),
    },
    "permissions boundary": {
        _ASSUME: ("caller-boundary", "caller-boundary"),
        _SESSION: ("role-boundary", "role-boundary"),
        _OTHER: ("boundary-of-caller", "boundary-of-caller"),
    },
    "session policy": {
        _ASSUME: ("caller-session-policy", "caller-session-policy"),
        _SESSION: ("session-policy", "session-policy"),
        _OTHER: ("session-policy", "session-policy"),
    },
    "role trust policy": {
        _ASSUME: ("other-principal-trusted", "trust-deny"),
        _FEDERATED: ("trust-condition", "trust-deny"),
    },
    "resource-based policy": {
        _ASSUME: ("other-principal-trusted", "trust-deny"),
        _FEDERATED: ("trust-condition", "trust-deny"),
        _SESSION: ("resource-policy", "resource-policy"),
        _OTHER: ("resource-policy", "resource-policy"),
    },
    "service control policy": dict.fromkeys(
        (_ASSUME, _SESSION, _OTHER), ("service-control-policy", "service-control-policy")
    ),
    "resource control policy": dict.fromkeys(
        (_ASSUME, _FEDERATED, _SESSION, _OTHER), ("resource-control-policy", "resource-control-policy")
    ),
    "VPC endpoint policy": dict.fromkeys(
        (_ASSUME, _FEDERATED, _SESSION, _OTHER), ("vpc-endpoint-policy", "vpc-endpoint-policy")
    ),
}
_OF_DESTINATION = ("role trust policy", "resource-based policy", "resource control policy")


def is_known(denial: Denial, role: str) -> bool:
    """Return whether an error text says which request policies denied, or shows another cause.

    A text that says no more than "Access Denied" is about the role that was given.
    """
    is_named = denial.action or denial.operation or denial.is_from_console or is_arn(role)
    return bool(denial.is_by_policy and is_named) or any(
        known.matches(denial.text) for known in CATALOGUE.values()
    )


def text_causes(case: Case, found: Sequence[Cause]) -> Iterator[Cause]:
    """Yield what the text shows, beside the causes that were found in the policies that were read.

    A type of policy that AWS names counts only where no policy of that type was found at fault.
    """
    exact = {CATALOGUE[each.code].policy_type for each in found if each.commands}
    if case.denial.policy_type not in exact:
        yield from _named_type(case)
    for known in CATALOGUE.values():
        if known.matches(case.denial.text) and known.code not in EXTRA_ACTIONS.values():
            # A request that policies denied was sent and signed: other words are of another request.
            is_denied = known.side == CLIENT and case.denial.caller and case.denial.action
            yield cause(known.code, POSSIBLE if is_denied else known.sure)


def _named_type(case: Case) -> Iterator[Cause]:
    """Yield the cause of the type of policy that AWS names."""
    denial, kind = case.denial, _kind(case)
    codes = _CODES.get(denial.policy_type, {}).get(kind)
    if codes is None:
        return
    code = codes[denial.effect == EXPLICIT]
    if code == "resource-policy" and denial.action.lower().startswith("kms:"):
        code = "key-policy"
    side, sure = "", CATALOGUE[code].sure
    if denial.action in EXTRA_ACTIONS and kind == _ASSUME and CATALOGUE[code].side in (SOURCE, DESTINATION):
        side = DESTINATION if denial.policy_type in _OF_DESTINATION else SOURCE
        code, sure = EXTRA_ACTIONS[denial.action], CERTAIN
    yield cause(code, sure, _why(case), side=side)


def _kind(case: Case) -> str:
    if case.attempt.is_federated:
        return _FEDERATED
    action = case.attempt.action or case.denial.action
    if not action or CATALOGUE["no-identity-allow"].holds_for(action):
        return _ASSUME
    caller = case.denial.caller
    is_session = ":assumed-role/" in caller or (not caller and case.attempt.role_was_assumed)
    return _SESSION if is_session and not case.is_direct else _OTHER


def _why(case: Case) -> str:
    """Return what AWS says, and whose policy it is: a service control policy is of the caller's account."""
    denial = case.denial
    action = denial.action or case.attempt.action or "the request"
    policy = f" ({denial.policy})" if denial.policy else ""
    owner = _owner(case)
    if denial.effect == EXPLICIT:
        return f"AWS says that a {denial.policy_type}{owner} explicitly denies {action}{policy}."
    if not denial.effect:
        return f"AWS says that the {denial.policy_type}{owner} denies {action} or does not allow it."
    return f"AWS says that no {denial.policy_type}{owner} allows {action}."


def _owner(case: Case) -> str:
    """Return whose policy it is, as far as the text or the attempt says it."""
    denial, role = case.denial, case.attempt.role
    caller = denial.caller or case.caller
    resource = denial.resource if is_arn(denial.resource) else ""
    account = _account(resource) or (_account(role) if _kind(case) in (_ASSUME, _FEDERATED) else "")
    organization = " of the organization of account"
    owners = {
        "service control policy": f"{organization} {_account(caller)}" if _account(caller) else "",
        "resource control policy": f"{organization} {account}" if account else "",
        "role trust policy": f" ({role})" if role else "",
        "resource-based policy": f" of {resource}" if resource else "",
    }
    by_caller = f" of {short_name(caller)}" if is_arn(caller) else ""
    return owners.get(denial.policy_type, by_caller if "endpoint" not in denial.policy_type else "")


def _account(arn: str) -> str:
    return Arn.parse(arn).account if is_arn(arn) else ""
