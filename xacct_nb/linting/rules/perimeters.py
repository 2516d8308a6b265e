"""Rules on data perimeters and region locks: denials that shut out the owner's own sign-in and services."""

from collections.abc import Iterator, Mapping

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import IDENTITY, RESOURCE, RESOURCE_CONTROL, SERVICE_CONTROL, TRUST
from xacct_nb.linting.rules.requests import hold
from xacct_nb.linting.rules.rule import NOTE, WARNING, Hit, Rule
from xacct_nb.linting.rules.subjects import Clause, LintStatement

_REGION = "aws:requestedregion"
# Global services answer in us-east-1, whatever Region the caller is in. Source:
# orgs_manage_policies_scps_examples_general.
_GLOBAL = {
    "iam": "iam:GetRole",
    "sts": "sts:AssumeRole",
    "organizations": "organizations:DescribeOrganization",
    "route53": "route53:GetHostedZone",
    "cloudfront": "cloudfront:GetDistribution",
    "support": "support:CreateCase",
    "health": "health:DescribeEvents",
    "budgets": "budgets:ViewBudget",
    "ce": "ce:GetCostAndUsage",
}
_MOST_NEEDED = ("iam", "organizations", "route53", "cloudfront", "support")
_HOME = "us-east-1"
_SIGN_IN = ("sts:AssumeRoleWithSAML", "sts:AssumeRoleWithWebIdentity")
_PRINCIPAL_KEYS = ("aws:principalorgid", "aws:principalorgpaths", "aws:principalaccount", "aws:principalarn")
_NETWORK = ("aws:sourceip", "aws:sourcevpc", "aws:sourcevpce", "aws:vpcsourceip")
# The keys of a caller, as far as its kind tells them (None: it never has the key).
# The calls of sign-in are not signed, so no key of a principal is there.
_ABSENT = dict.fromkeys(
    ("aws:principalorgid", "aws:principalorgpaths", "aws:username", "aws:multifactorauthpresent")
)
_CALLED_DIRECTLY = {"aws:viaawsservice": "false", "aws:securetransport": "true"}
_OF_TOKENS = {
    **_ABSENT,
    **_CALLED_DIRECTLY,
    **dict.fromkeys(("aws:principalarn", "aws:principalaccount")),
    "aws:principalisawsservice": "false",
}
_OF_SERVICES = {
    **_ABSENT,
    **_CALLED_DIRECTLY,
    "aws:principalaccount": None,
    "aws:principalisawsservice": "true",
}
_ABSENT_FRONTS = ("aws:principaltag/", "aws:resourcetag/", "aws:requesttag/")


def _surely(statement: LintStatement, keys: Mapping[str, str | None]) -> bool:
    """Return whether the conditions hold by these keys and by those that such a caller never has."""
    known = all(each.key in keys or each.key.startswith(_ABSENT_FRONTS) for each in statement.clauses)
    return known and hold(statement.clauses, {key: value for key, value in keys.items() if value}) is True


def _by_principal(statement: LintStatement) -> bool:
    return statement.denies and bool(statement.on(*_PRINCIPAL_KEYS))


def _for_anyone(statement: LintStatement) -> bool:
    return "*" in statement.principals() or statement.subject.kind == RESOURCE_CONTROL


def _blocks_sign_in(statement: LintStatement) -> Iterator[Hit]:
    """Find perimeters that deny sign-in by SAML and OIDC, whose callers are in no organization yet."""
    actions = [each for each in _SIGN_IN if statement.covers_action(each)]
    if actions and _by_principal(statement) and _for_anyone(statement) and _surely(statement, _OF_TOKENS):
        yield _at(statement, statement.on(*_PRINCIPAL_KEYS)[0]), summarize(actions)


def _blocks_services(statement: LintStatement) -> Iterator[Hit]:
    others = "NotAction" in statement.fields or set(statement.listed("Action")) - set(_SIGN_IN)
    if others and _by_principal(statement) and _for_anyone(statement) and _surely(statement, _OF_SERVICES):
        yield _at(statement, statement.on(*_PRINCIPAL_KEYS)[0]), ""


def _denies_own(statement: LintStatement) -> Iterator[Hit]:
    """Find denials that always apply to a provider or service that the same policy lets in."""
    kinds = (("Federated", _OF_TOKENS), ("Service", _OF_SERVICES))
    for own in statement.subject.statements if statement.denies and statement.clauses else ():
        for kind, keys in kinds:
            named = own.principals(kind) if own.allows else ()
            both = [each for each in named if _denies_principal(statement, kind, each)]
            if both and _shares_action(statement, own) and _surely(statement, keys):
                yield _at(statement, statement.clauses[0]), summarize(both)


def _denies_principal(statement: LintStatement, kind: str, principal: str) -> bool:
    return "*" in statement.principals() or principal in statement.principals(kind)


def _shares_action(deny: LintStatement, allow: LintStatement) -> bool:
    return any(deny.covers_action(each) for each in allow.listed("Action") if not {"*", "?"} & set(each))


def _locked(statement: LintStatement) -> list[Clause]:
    """Return the conditions of a Deny that applies outside some Regions, without those of us-east-1."""
    found = [each for each in statement.on(_REGION) if each.is_negated]
    return [each for each in found if statement.denies and not any(map(_is_home, each.values))]


def _is_home(region: str) -> bool:
    return region == _HOME or region in ("*", "us-*", "us-east-*")


def _region_lock(statement: LintStatement) -> Iterator[Hit]:
    for clause in _locked(statement):
        if not _has_exemption(statement, clause):
            denied = [each for each in _MOST_NEEDED if statement.covers_action(_GLOBAL[each])]
            if denied:
                yield _at(statement, clause), summarize(denied)


def _has_exemption(statement: LintStatement, lock: Clause) -> bool:
    """Return whether conditions on the resource or on a service narrow the lock to something else."""
    return any(
        each.key in ("aws:resourceaccount", "aws:calledvia") for each in statement.clauses if each != lock
    )


def _region_of_global(statement: LintStatement) -> Iterator[Hit]:
    """Find an Allow of a global service's actions that asks for another Region than us-east-1."""
    for clause in statement.on(_REGION) if statement.allows else ():
        services = {each.partition(":")[0].lower() for each in statement.listed("Action")}
        found = sorted(services & set(_GLOBAL) - {"sts"})
        if clause.needs_key and found and not any(map(_is_home, clause.values)):
            yield _at(statement, clause), summarize(found)


def _blocks_forwarded(statement: LintStatement) -> Iterator[Hit]:
    """Find denials by network that also hit the calls which AWS services make for the caller."""
    clauses = [each for each in statement.on(*_NETWORK) if each.is_negated]
    exempt = statement.on(
        "aws:viaawsservice", "aws:principalisawsservice", "aws:calledvia", "aws:principalarn"
    )
    if statement.denies and clauses and not exempt and statement.subject.kind != TRUST:
        yield _at(statement, clauses[0]), clauses[0].written


def _sts_alone(statement: LintStatement) -> Iterator[Hit]:
    """Find region locks on sts itself, whose global endpoint reports us-east-1."""
    clauses = _locked(statement)
    if statement.allows and statement.subject.kind == TRUST:
        required = (each for each in statement.on(_REGION) if each.needs_key and each.operator != "null")
        clauses = [each for each in required if not any(map(_is_home, each.values))]
    for clause in clauses:
        covered = any(map(statement.covers_action, (_GLOBAL["sts"], *_SIGN_IN)))
        if covered and not _has_exemption(statement, clause):
            yield _at(statement, clause), ""


def _at(statement: LintStatement, clause: Clause) -> str:
    return statement.location("Condition", clause.written)


_ALL_BUT_TRUST = (IDENTITY, SERVICE_CONTROL, RESOURCE, RESOURCE_CONTROL)
_LOCKS: tuple[str, ...] = (SERVICE_CONTROL, IDENTITY)
PERIMETER_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("denies-its-own", WARNING, _denies_own, (TRUST, RESOURCE),
        why="This Deny always applies to {it}, which the same policy lets in: nobody gets in that way.",
        mend="Exempt it: by its own statement, or with BoolIfExists aws:PrincipalIsAWSService for services."),
    Rule("perimeter-blocks-sign-in", WARNING, _blocks_sign_in, (RESOURCE_CONTROL,),
        why="Who signs in by SAML or OIDC is in no organization yet, so this denies {it} to your own people.",
        mend="Leave these actions out, and limit them by SAML:iss or by the provider's sub and aud."),
    Rule("perimeter-blocks-services", WARNING, _blocks_services, (RESOURCE_CONTROL, RESOURCE),
        why="AWS services are in no organization, so this denies them too: logs, replication, backups.",
        mend='Add "BoolIfExists": {"aws:PrincipalIsAWSService": "false"}.'),
    Rule("region-lock-on-global-services", WARNING, _region_lock, _LOCKS,
        why="Global services answer in us-east-1, so this denies {it} everywhere.",
        mend="Exempt them with NotAction, as AWS's example of a region lock does."),
    Rule("region-lock-on-sts", WARNING, _sts_alone, (*_LOCKS, TRUST, RESOURCE_CONTROL),
        why="STS's global endpoint and the sign-in page report us-east-1: calls through them are refused.",
        mend="Exempt sts:*, or add us-east-1, or see that every caller uses a Regional endpoint."),
    Rule("region-of-global-service", WARNING, _region_of_global, _LOCKS,
        why="Global services answer in us-east-1, so this never allows {it}.",
        mend="Allow them in a statement of their own, without aws:RequestedRegion."),
    Rule("denies-forwarded-calls", NOTE, _blocks_forwarded, _ALL_BUT_TRUST,
        why="{it} is another one, or absent, where an AWS service calls for the caller: it is denied.",
        mend='Add "BoolIfExists": {"aws:ViaAWSService": "false"}, and exempt AWS services.'),
)  # fmt: skip
