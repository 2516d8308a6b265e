"""Rules on a policy as a whole: its version, partitions and length, and whether AWS accepts it."""

from collections.abc import Iterator

from xacct_nb.errors import InvalidPolicy
from xacct_nb.iam.grammar import IDENTITY, NEW, OLD, RESOURCE, RESOURCE_CONTROL, TRUST
from xacct_nb.iam.policy import parse
from xacct_nb.iam.quotas import minify, size
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Find, Hit, Rule
from xacct_nb.linting.rules.subjects import LintStatement, Subject
from xacct_nb.redaction.redact import redact, secrets_in

# botocore's partitions.json.
_PARTITIONS = (
    *("aws", "aws-cn", "aws-us-gov", "aws-eusc"),
    *("aws-iso", "aws-iso-b", "aws-iso-e", "aws-iso-f"),
)


def _refusal(subject: Subject) -> Iterator[Hit]:
    """Report what AWS would refuse, with the parser's reason; never an external ID."""
    try:
        parse(subject.document, subject.kind)
    except InvalidPolicy as problem:
        reason = problem.what.removesuffix(".").removeprefix(f"{problem.path or 'The document'}: ")
        place = f"{subject.name}, {problem.path}" if problem.path else subject.name
        yield place, redact(reason, secrets_in(subject.document))


def _old(variables: bool) -> Find[Subject]:
    def find(subject: Subject) -> Iterator[Hit]:
        fields = subject.document if isinstance(subject.document, dict) else {"Version": NEW}
        if fields.get("Version") in (None, OLD) and ("${" in minify(fields)) is variables:
            yield f"{subject.name}, Version", str(fields.get("Version", "missing"))

    return find


def _long(subject: Subject) -> Iterator[Hit]:
    if (length := size(subject.document)) > subject.limit:
        yield subject.name, f"{length:,} characters; AWS accepts {subject.limit:,}"


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


def _any_service(statement: LintStatement) -> Iterator[Hit]:
    for action in statement.listed("Action") if statement.denies else ():
        if {"*", "?"} & set(action.partition(":")[0]):
            yield statement.location("Action", action), action


def negated(element: str, *, allows: bool) -> Find[LintStatement]:
    """Report a statement that has this element, if it allows, or if it denies."""

    def find(statement: LintStatement) -> Iterator[Hit]:
        if element in statement.fields and statement.allows is allows:
            yield statement.location(element), ""

    return find


SUBJECT_RULES: tuple[Rule[Subject], ...] = (
    Rule("old-version", NOTE, _old(variables=False),
        why="The version is {it}; before 2012-10-17 there are no policy variables.",
        mend='Write "Version": "2012-10-17".'),
    Rule("literal-variables", WARNING, _old(variables=True),
        why="The version is {it}; before 2012-10-17 ${...} is text, not a variable, and matches nothing.",
        mend='Write "Version": "2012-10-17".'),
    Rule("long-trust-policy", WARNING, _long, (TRUST,),
        why="It has {it} unless the quota was raised (8,192 at most).",
        mend="Request a higher quota (L-C07B4B0D, in us-east-1), or name fewer sources."),
    Rule("long-policy", WARNING, _long, (IDENTITY,), refused=True,
        why="It has {it} in a policy of this kind.",
        mend="Split it, or use fewer actions and resources with a wildcard."),
    Rule("partitions-mixed", WARNING, _mixed,
        why="It names {it}: no access crosses partitions.",
        mend="Use ARNs of one partition."),
    Rule("partition-unknown", WARNING, _unknown,
        why="AWS has no partition {it}.",
        mend="Correct the second part of the ARN, usually aws."),
)  # fmt: skip
NEGATION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("service-not-named", WARNING, _any_service, (RESOURCE_CONTROL,), refused=True,
        why="AWS refuses {it} in a resource control policy of your own: an action there names one service.",
        mend="Name the services: s3:*, sts:*, kms:*."),
    Rule("allow-not-action", WIDENS, negated("NotAction", allows=True), (IDENTITY, RESOURCE, TRUST),
        why="It allows every action but those named, and every action that AWS adds later.",
        mend="Name the allowed actions with Action."),
    Rule("allow-not-resource", WIDENS, negated("NotResource", allows=True), (IDENTITY, RESOURCE),
        why="It allows this on every resource but those named, and on every resource created later.",
        mend="Name the resources with Resource."),
)  # fmt: skip
REFUSAL = Rule("refused-policy", WARNING, _refusal, refused=True,
    why="AWS refuses the policy: {it}.",
    mend="Correct this part of the policy.")  # fmt: skip
