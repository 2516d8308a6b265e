"""Rules on the trust in third parties: external IDs, and services that act for every customer."""

import re
from collections.abc import Iterator

from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import RESOURCE, TRUST
from xacct_nb.linting.rules.requests import is_denied, sample
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule
from xacct_nb.linting.rules.subjects import Clause, LintStatement

_EXTERNAL_ID, _ASSUME = "sts:externalid", "sts:AssumeRole"
# Source: the API reference of AssumeRole.
_POSSIBLE = re.compile(r"[\w+=,.@:/-]*", re.ASCII)
_SHORTEST, _LONGEST = 2, 1224
_VARIABLE = re.compile(r"\$\{[^}]*:[^}]*\}")
# The keys that tie a service's call to one owner's resource.
_OWNER_KEYS = (
    "aws:sourcearn", "aws:sourceaccount", "aws:sourceorgid", "aws:sourceorgpaths", "aws:sourceowner",
    "kms:calleraccount", "kms:encryptioncontext", "s3:dataaccesspointaccount", "sts:externalid",
    "aws:principalorgid", "aws:resourceaccount", "lambda:eventsourcetoken", "lambda:functionurlauthtype",
)  # fmt: skip
# Services whose pages on the confused deputy tell to compare the source in a role's trust policy.
_DEPUTY_NAMES = (
    *("access-analyzer", "apigateway", "appflow", "appsync", "backup", "batchoperations.s3"),
    *("bedrock", "bedrock-agentcore", "budgets", "cloudtrail", "codepipeline", "comprehend"),
    *("config", "datapipeline", "datasync", "delivery.logs", "dlm", "dms"),
    *("elasticmapreduce", "events", "export.rds", "firehose", "forecast", "fsx", "gamelift"),
    *("glue", "guardduty", "iot", "kafkaconnect", "kendra", "kinesisanalytics", "lex"),
    *("lexv2", "logs", "mediaconvert", "monitoring.rds", "pipes", "quicksight", "rds"),
    *("resource-groups", "s3", "sagemaker", "scheduler", "ses", "ssm", "ssm-incidents"),
    *("states", "storagegateway", "textract", "transcribe", "transfer", "vpc-flow-logs"),
    *("wisdom",),
)
_DEPUTIES = frozenset(f"{name}.amazonaws.com" for name in _DEPUTY_NAMES)
# What a service says of the resource for which it calls.
_STRANGERS = {
    "aws:SourceAccount": "999999999999",
    "aws:SourceArn": "arn:aws:sns:eu-west-1:999999999999:stranger",
    "aws:SourceOrgID": "o-stranger00",
    "aws:SourceOrgPaths": ["o-stranger00/r-0000/"],
    **dict.fromkeys(
        ("aws:PrincipalOrgID", "aws:PrincipalOrgPaths", "aws:PrincipalAccount", "aws:PrincipalArn")
    ),
}
_MOST_TRIED = 12
_ACCOUNT = re.compile(r"(?:\d{12}|\$\{aws:ResourceAccount\})", re.IGNORECASE)


def checks_external_id(statement: LintStatement) -> bool:
    """Return whether a call is refused unless it has the external ID that the statement names."""
    return any(map(_is_strict, statement.on(_EXTERNAL_ID)))


def _is_strict(clause: Clause) -> bool:
    exact = clause.plain in ("stringequals", "stringequalsignorecase")
    literal = exact or (
        clause.plain in ("stringlike", "arnlike") and all(v.strip("*?") for v in clause.values)
    )
    return clause.needs_key and literal and bool(clause.values)


def _demanding(statement: LintStatement) -> tuple[Clause, ...]:
    """Return the conditions on the external ID of a statement that lets principals assume the role."""
    if statement.allows and statement.covers_action(_ASSUME):
        return statement.on(_EXTERNAL_ID)
    return ()


def _not_checked(statement: LintStatement) -> Iterator[Hit]:
    clauses = _demanding(statement)
    if clauses and all(each.values for each in clauses) and not checks_external_id(statement):
        absent = any(each.operator == "null" and each.values == ("true",) for each in clauses)
        if not absent:
            yield statement.location("Condition", clauses[0].written), _reason(clauses[0])
    for other in statement.subject.statements if clauses else ():
        demands = other.number == statement.number or bool(other.on(_EXTERNAL_ID))
        if not demands and other.allows and other.covers_action(_ASSUME):
            roots = set(map(_root_of, other.principals()))
            both = [
                each
                for each in statement.principals()
                if each in other.principals() or _account(each) in roots
            ]
            if both:
                place = other.location("Principal", summarize(both))
                yield place, f"statement {other.number} lets {summarize(both)} in without an external ID"


def _account(principal: str) -> str:
    return principal if principal.count(":") < 5 else principal.split(":")[4]


def _root_of(principal: str) -> str:
    """Return the account that a principal is as a whole, "" where it is a user or role."""
    return _account(principal) if principal.count(":") < 5 or principal.endswith(":root") else ""


def _reason(clause: Clause) -> str:
    if clause.is_negated:
        return "every other external ID passes, and a call without one"
    if clause.operator == "null" or clause.needs_key:
        return "every external ID passes"
    return "a call without an external ID passes"


def _pattern(statement: LintStatement) -> Iterator[Hit]:
    for clause in _demanding(statement):
        wild = clause.plain == "stringlike" and any({"*", "?"} & set(value) for value in clause.values)
        if wild and _is_strict(clause):
            yield statement.location("Condition", clause.written), ""


def _impossible(statement: LintStatement) -> Iterator[Hit]:
    for clause in _demanding(statement):
        for problem in _problems(clause):
            yield statement.location("Condition", clause.written), problem


def _problems(clause: Clause) -> list[str]:
    """Return why no call can pass the external IDs of a condition, one reason for each such value."""
    wild = "*?" if clause.plain == "stringlike" else ""
    values = clause.values if clause.needs_key and clause.operator != "null" else ()
    texts = (_VARIABLE.sub("aa", value) for value in values)
    found = (_problem("".join(each for each in text if each not in wild), bool(wild)) for text in texts)
    return [problem for problem in found if problem]


def has_no_possible_id(statement: LintStatement) -> bool:
    """Return whether the statement demands an external ID that no call can pass."""
    return any(
        clause.values and len(_problems(clause)) == len(clause.values) for clause in _demanding(statement)
    )


def _problem(text: str, partial: bool) -> str:
    if any(letter.isspace() for letter in text):
        return "It has a space"
    if not _POSSIBLE.fullmatch(text):
        # The rule wildcard-as-text explains a wildcard with StringEquals.
        return "" if {"*", "?"} & set(text) else "It has a character that STS refuses"
    short = len(text) < _SHORTEST and not partial
    return "It has fewer than 2 characters" if short else "It is too long" if len(text) > _LONGEST else ""


def _is_tied(statement: LintStatement) -> bool:
    """Return whether a condition ties the calls of a service to one owner's resources."""
    owners = statement.on(*_OWNER_KEYS)
    return any(statement.demands(clause) and _names_owner(clause) for clause in owners) or any(
        clause.key.startswith("kms:encryptioncontext") for clause in statement.clauses
    )


def _names_owner(clause: Clause) -> bool:
    if clause.operator == "null":
        return False
    return all(_is_own(clause.key, value) for value in clause.values)


def _is_own(key: str, value: str) -> bool:
    if key == "aws:sourcearn":
        parts = value.split(":", 5)
        named = len(parts) == 6 and bool(_ACCOUNT.fullmatch(parts[4]))
        return named or (len(parts) == 6 and not parts[4] and bool(parts[5].strip("*?/")))
    return bool(value.strip("*?"))


def _is_denied(statement: LintStatement, service: str) -> bool:
    """Return whether a Deny of the policy keeps a service out that calls for somebody else's resource."""
    trusts = statement.subject.kind == TRUST
    calls = [
        (sample(action), sample(resource) if resource.strip("*?") else "*")
        for action in ((_ASSUME,) if trusts else statement.listed("Action"))
        for resource in (("*",) if trusts else statement.listed("Resource") or ("*",))
        if ":" in action
    ]
    return 0 < len(calls) <= _MOST_TRIED and all(
        is_denied(statement.subject, service, action, _STRANGERS, resource, unknown=("*",))
        for action, resource in calls
    )


def _deputy(statement: LintStatement) -> Iterator[Hit]:
    named = [each for each in statement.principals("Service") if each in _DEPUTIES]
    services = [each for each in named if not _is_denied(statement, each)]
    if statement.allows and services and statement.covers_action(_ASSUME) and not _is_tied(statement):
        yield statement.location("Principal", summarize(services)), summarize(services)


def _for_everyone(statement: LintStatement) -> Iterator[Hit]:
    services = [each for each in statement.principals("Service") if not _is_denied(statement, each)]
    if statement.allows and services and not _is_tied(statement):
        yield statement.location("Principal", summarize(services)), summarize(services)


THIRD_PARTY_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("external-id-not-checked", WIDENS, _not_checked, (TRUST,),
        why="The external ID protects nothing: {it}.",
        mend="Compare the agreed external ID with StringEquals, wherever the third party is named."),
    Rule("external-id-pattern", NOTE, _pattern, (TRUST,),
        why="Every external ID of this form passes, also one of another customer of the third party.",
        mend="Compare the whole external ID with StringEquals."),
    Rule("external-id-impossible", WARNING, _impossible, (TRUST,),
        why="{it}, so no call can pass this external ID.",
        mend="Use 2 to 1224 letters, digits and _+=,.@:/-, as agreed with the third party."),
    Rule("confused-deputy", NOTE, _deputy, (TRUST,),
        why="{it} acts for every customer: one who learns the role's ARN may try to make it use this role.",
        mend="Compare aws:SourceAccount, or aws:SourceArn, with your own."),
    Rule("service-for-everyone", WIDENS, _for_everyone, (RESOURCE,),
        why="{it} acts for every customer, so resources of every AWS account get access through it.",
        mend="Compare aws:SourceArn, aws:SourceAccount or aws:SourceOrgID with your own."),
)  # fmt: skip
