"""Rules on what a policy allows: its actions and its resources."""

import re
from collections.abc import Iterator, Sequence

from xacct_nb.iam.arns import is_account_id
from xacct_nb.iam.explain import summarize
from xacct_nb.iam.grammar import IDENTITY, RESOURCE
from xacct_nb.iam.patterns import matches
from xacct_nb.linting.rules.rule import NOTE, WARNING, WIDENS, Hit, Rule
from xacct_nb.linting.rules.subjects import LintStatement

# A name that no pattern is written for.
_SOME_ROLE = "role/Zq7kW3-any-name"
_REGION = re.compile(r"[a-z]{2,4}(-[a-z]+)+-\d{1,2}")
# The prefix of a partition's regions; a region without any is in the partition aws.
_REGIONS = {"aws-cn": "cn-", "aws-us-gov": "us-gov-", "aws-eusc": "eusc-"}
_ISO = re.compile(r"aws-iso(-[a-z])?")
# S3 actions by the type of resource that they apply to, as far as their names show it.
_ON_BUCKETS = re.compile(r"s3:(List|Get|Put|Delete|Create)Bucket\w*")
_ON_OBJECTS = re.compile(r"s3:(?!\w*Bucket)\w*Object\w*")
_WILD = {"*", "?", "$"}


def _wildcard_action(statement: LintStatement) -> Iterator[Hit]:
    for action in statement.listed("Action"):
        if statement.allows and not action.rpartition(":")[2].strip("*?"):
            yield statement.location("Action", action), action


def _wildcard_resource(statement: LintStatement) -> Iterator[Hit]:
    resources = statement.listed("Resource")
    if statement.allows and any(map(names_everything, resources)):
        yield statement.location("Resource", summarize(statement.listed("Action"))), ""


def names_everything(resource: str) -> bool:
    """Return whether a Resource is `*`, or the ARN of every resource of a service."""
    return not resource.split(":", 5)[-1].strip("*?/")


def covers_any_role(resource: str) -> bool:
    """Return whether a Resource covers roles of every name."""
    return matches(resource.split(":", 5)[-1], _SOME_ROLE)


def _any_role(statement: LintStatement) -> Iterator[Hit]:
    if statement.allows and statement.covers_action("sts:AssumeRole"):
        for resource in statement.listed("Resource"):
            if covers_any_role(resource) and not names_everything(resource):
                yield statement.location("Resource", resource), resource


def _unknown_region(statement: LintStatement) -> Iterator[Hit]:
    for resource, partition, region, _ in _parts(statement):
        if region and not _WILD & set(region) and not _is_region(partition, region):
            yield statement.location("Resource", resource), repr(region)


def _elsewhere(statement: LintStatement) -> Iterator[Hit]:
    own = statement.subject.own_accounts
    for resource, _, _, account in _parts(statement):
        if statement.allows and own and is_account_id(account) and account not in own:
            yield statement.location("Resource", resource), account


def _beside(statement: LintStatement) -> Iterator[Hit]:
    """Find S3 actions on objects that have the ARNs of buckets only, and the reverse."""
    resources = statement.listed("Resource")
    for shape in (_ON_OBJECTS, _ON_BUCKETS):
        found = [each for each in statement.listed("Action") if shape.fullmatch(each)]
        if found and is_beside(found[0], resources):
            yield statement.location("Action", summarize(found)), summarize(resources)


def is_beside(action: str, resources: Sequence[str]) -> bool:
    """Return whether an S3 action on objects has the ARNs of buckets only, or the reverse."""
    if not resources or not all(":s3:::" in each for each in resources):
        return False
    if _ON_OBJECTS.fullmatch(action):
        # A * may stand for a bucket, a slash and more.
        return not any("/" in each or "*" in each for each in resources)
    return bool(_ON_BUCKETS.fullmatch(action)) and all("/" in each for each in resources)


def _parts(statement: LintStatement) -> Iterator[tuple[str, str, str, str]]:
    """Yield every resource that is an ARN, with its partition, region and account."""
    for resource in statement.listed("Resource"):
        parts = resource.split(":", 5)
        if len(parts) == 6 and parts[0] == "arn":
            yield resource, parts[1], parts[3], parts[4]


def _is_region(partition: str, region: str) -> bool:
    if not _REGION.fullmatch(region) or _ISO.fullmatch(partition):
        return bool(_REGION.fullmatch(region))
    home = next((name for name, start in _REGIONS.items() if region.startswith(start)), "aws")
    return home == partition or bool(_WILD & set(partition))


PERMISSION_RULES: tuple[Rule[LintStatement], ...] = (
    Rule("wildcard-action", WIDENS, _wildcard_action, (IDENTITY, RESOURCE),
        why="{it} allows every action, and every action that AWS adds later.",
        mend="Name the actions, or accept it."),
    Rule("wildcard-resource", WIDENS, _wildcard_resource, (IDENTITY,),
        why="It allows these actions on every resource, and on every resource created later.",
        mend="Name the resources, or accept it."),
    Rule("any-role", WIDENS, _any_role, (IDENTITY,),
        why="It may assume every role of the account whose trust policy names the caller's account.",
        mend="Name the roles, or accept it."),
    Rule("unknown-region", WARNING, _unknown_region, (IDENTITY, RESOURCE),
        why="There is no region {it} in this partition, so the resource cannot exist.",
        mend="Correct the fourth part of the ARN."),
    Rule("resource-elsewhere", NOTE, _elsewhere, (IDENTITY,),
        why="The resource is in account {it}: its own policy must allow the role too.",
        mend="Ask the owner of that account to name the role in it."),
    Rule("action-beside-resource", WARNING, _beside, (IDENTITY, RESOURCE),
        why="These actions do not apply to {it}: buckets are arn:aws:s3:::NAME, objects arn:aws:s3:::NAME/*.",
        mend="Add the other ARN, or remove the action."),
)  # fmt: skip
