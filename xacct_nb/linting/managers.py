"""Who else manages a user, role or policy, by its path, name, tags, or the template it was made from."""

import re
from collections.abc import Iterator, Mapping

from xacct_nb.iam.arns import Arn

# Roles that AWS changes by itself, and lets nobody else change (IAM's error is UnmodifiableEntity).
PROTECTED = {
    "/aws-service-role/": "an AWS service (service-linked role)",
    "/aws-reserved/sso.amazonaws.com/": "IAM Identity Center (permission set)",
    "/aws-reserved/": "AWS",
}
_NAMES = (
    (r"stacksets-exec-\w+", "CloudFormation StackSets"),
    (r"AWSCloudFormationStackSet\w+Role", "CloudFormation StackSets"),
    (r"(?:AWSControlTower|aws-controltower-).*", "AWS Control Tower"),
    (r"cdk-[a-z0-9]+-[a-z-]+-role-\d{12}-[a-z0-9-]+", "the CDK's bootstrap stack"),
    (r"OrganizationAccountAccessRole", "AWS Organizations"),
    (r"AWSReservedSSO_.+", "IAM Identity Center (permission set)"),
)
# The names of tags, without regard to case, that only such a manager sets.
_TAGS = (
    (r"aws:cloudformation:stack-name", "the CloudFormation stack {value}"),
    (r"aws:cloudformation:.+", "CloudFormation"),
    (r"aws:servicecatalog:.+", "AWS Service Catalog"),
    (r"aws-?cdk.*", "the AWS CDK"),
    (r"aws-control-?tower.*", "AWS Control Tower"),
    (r"pulumi:.+", "Pulumi"),
    (r"crossplane-(?:kind|name|providerconfig)", "Crossplane"),
    (r"alpha\.eksctl\.io/.+", "eksctl"),
    (r"services\.k8s\.aws/.+", "AWS Controllers for Kubernetes"),
    (r"(?:hashicorp:)?terraform(?:[-_:./].*)?|terraform(?:workspace|module|stack|managed)", "Terraform"),
    (r"opentofu|terragrunt(?:[-_:./].*)?|tf[-_](?:managed|module|workspace|stack)", "Terraform"),
    (r"sst:.+", "SST"),
)
# Tags whose value names the manager, and how such a value begins or what it contains.
_MANAGER_TAG = re.compile(
    r"(?:managed|created|provisioned|deployed|maintained)[-_ :/]?(?:by|with|via|using)"
    r"|provisioner|orchestrator|(?:iac|deployment|provisioning)(?:[-_ ]?(?:tool|method))?",
    re.I,
)
_TOOLS = {
    "terraform": "Terraform", "opentofu": "OpenTofu", "terragrunt": "Terragrunt", "pulumi": "Pulumi",
    "cloudformation": "CloudFormation", "stackset": "CloudFormation StackSets", "cdk": "the AWS CDK",
    "crossplane": "Crossplane", "ansible": "Ansible", "controltower": "AWS Control Tower",
    "eksctl": "eksctl", "serverless": "the Serverless Framework", "org-formation": "org-formation",
}  # fmt: skip
_NO = ("", "false", "no", "0", "none")


def managers(arn: str, tags: Mapping[str, str], template: str = "") -> tuple[str, ...]:
    """Return who manages the resource, each with what shows it; empty where nothing does."""
    found = dict.fromkeys((*_by_template(template), *_by_name(arn), *_by_tags(tags)))
    return tuple(found)


def protected_by(arn: str) -> str:
    """Return which part of AWS a role belongs to that nobody else can change; "" for another role."""
    path = Arn.parse(arn).path
    return next((who for prefix, who in PROTECTED.items() if path.startswith(prefix)), "")


def _by_template(template: str) -> Iterator[str]:
    if template:
        yield f"role manager (template {template})"


def _by_name(arn: str) -> Iterator[str]:
    named = Arn.parse(arn)
    if named.kind != "role":
        return
    by_name = (who for pattern, who in _NAMES if re.fullmatch(pattern, named.name))
    if who := protected_by(arn):
        yield f"{who} (path {named.path})"
    elif who := next(by_name, ""):
        yield f"{who} (its name)"


def _by_tags(tags: Mapping[str, str]) -> Iterator[str]:
    for name, value in tags.items():
        plain = value.strip().lower()
        known = (who for pattern, who in _TAGS if re.fullmatch(pattern, name, re.I))
        named = (who for tool, who in _TOOLS.items() if tool in plain.replace(" ", "").replace("_", ""))
        who = next(known, "") if plain not in _NO else ""
        if not who and _MANAGER_TAG.fullmatch(name):
            who = next(named, "")
        if who:
            yield f"{who.format(value=value)} (tag {name}={value})"
