"""Rules on a policy as a whole: its version, its partitions, its length, and whether AWS takes it at all."""

from collections.abc import Callable, Iterable, Iterator

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import IDENTITY, NEW, OLD, RESOURCE, TRUST
from xacct_nb.iam.policy import parse
from xacct_nb.iam.quotas import minify, size
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule
from xacct_nb.linting.rules.subjects import LintStatement, Subject
from xacct_nb.redaction.redact import redact, secrets_in

# botocore's partitions.json.
_PARTITIONS = (
    *("aws", "aws-cn", "aws-us-gov", "aws-eusc"),
    *("aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"),
)


def _refusal(subject: Subject) -> Iterator[Hit]:
    """What AWS would refuse in the policy, as the evaluator of policies says; never an external ID."""
    try:
        parse(subject.document, subject.kind)
    except InvalidPolicy as problem:
        reason = problem.what.removesuffix(".").removeprefix(f"{problem.path or 'The document'}: ")
        place = f"{subject.name}, {problem.path}" if problem.path else subject.name
        yield place, redact(reason, secrets_in(subject.document))


def _old(variables: bool) -> Callable[[Subject], Iterable[Hit]]:
    def find(subject: Subject) -> Iterator[Hit]:
        fields = subject.document if isinstance(subject.document, dict) else {"Version": NEW}
        if fields.get("Version") in (None, OLD) and ("${" in minify(fields)) is variables:
            yield f"{subject.name}, Version", str(fields.get("Version", "missing"))

    return find


def _long(subject: Subject) -> Iterator[Hit]:
    if (length := size(subject.document)) > subject.limit:
        yield subject.name, f"{length:,} characters; AWS takes {subject.limit:,}"


def _partitions(subject: Subject) -> list[str]:
    named = [subject.arn, *(each for one in subject.statements for each in _arns(one))]
    found = (arn.split(":")[1] for arn in named if arn.startswith("arn:"))
    return [each for each in dict.fromkeys(found) if not {"*", "?", "$"} & set(each)]


def _arns(statement: LintStatement) -> Iterator[str]:
    for element in ("Principal", "NotPrincipal"):
        yield from statement.principals(element=element)
    for element in ("Resource", "NotResource"):
        yield from statement.listed(element)


def _mixed(subject: Subject) -> Iterator[Hit]:
    if len(found := [each for each in _partitions(subject) if each in _PARTITIONS]) > 1:
        yield subject.name, ", ".join(sorted(found))


def _unknown(subject: Subject) -> Iterator[Hit]:
    for partition in _partitions(subject):
        if partition not in _PARTITIONS:
            yield subject.name, repr(partition)


def _everything_but(element: str) -> Callable[[LintStatement], Iterable[Hit]]:
    def find(statement: LintStatement) -> Iterator[Hit]:
        if statement.allows and element in statement.fields:
            yield statement.location(element), ""

    return find


SUBJECT_RULES: tuple[Rule[Subject], ...] = (
    Rule(
        "old-version",
        NOTE,
        _old(variables=False),
        "The version is {it}; before 2012-10-17 there are no policy variables.",
        'Write "Version": "2012-10-17".',
    ),
    Rule(
        "literal-variables",
        WARNING,
        _old(variables=True),
        "The version is {it}; before 2012-10-17 ${...} is no variable but text, and fits nothing.",
        'Write "Version": "2012-10-17".',
    ),
    Rule(
        "long-trust-policy",
        WARNING,
        _long,
        "It has {it} unless the quota was raised (8,192 at most).",
        "Have the quota L-C07B4B0D raised in us-east-1, or name fewer sources.",
        (TRUST,),
    ),
    Rule(
        "long-policy",
        WARNING,
        _long,
        "It has {it} in a policy of this kind.",
        "Split it, or use fewer actions and resources with a wildcard.",
        (IDENTITY,),
        refused=True,
    ),
    Rule(
        "partitions-mixed",
        WARNING,
        _mixed,
        "It names {it}: nothing in one partition reaches into another.",
        "Use ARNs of one partition.",
    ),
    Rule(
        "partition-unknown",
        WARNING,
        _unknown,
        "AWS has no partition {it}.",
        "Correct the second part of the ARN, usually aws.",
    ),
)
NEGATION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule(
        "allow-not-action",
        WIDENS,
        _everything_but("NotAction"),
        "It allows every action but those named, those that AWS adds later too.",
        "Name with Action what is allowed.",
        (IDENTITY, RESOURCE, TRUST),
    ),
    Rule(
        "allow-not-resource",
        WIDENS,
        _everything_but("NotResource"),
        "It allows this on every resource but those named, those that come later too.",
        "Name with Resource what it is allowed on.",
        (IDENTITY, RESOURCE),
    ),
)
REFUSAL = Rule(
    "refused-policy",
    WARNING,
    _refusal,
    "AWS refuses the policy: {it}.",
    "Correct it at this place.",
    refused=True,
)
