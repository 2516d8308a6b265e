"""The form `cloudformation`: a template that makes a half, and the script that deletes its stack."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.handoff.forms.half import EXTERNAL_ID, Half, OwnCallerPolicy, OwnRole, check_can_make
from xacct_nb.handoff.forms.shell import comment, script, word
from xacct_nb.iam.arns import Arn
from xacct_nb.redaction.invisible import on_one_line

CAPABILITY = "CAPABILITY_NAMED_IAM"
PARAMETER = "ExternalId"
_HOLDERS = {"user": "Users", "group": "Groups", "role": "Roles"}


def template(half: Half) -> str:
    """Return a CloudFormation template in JSON that makes the half in its account and in no other.

    Source: CloudFormation user guide, rules-section-structure. Raises InvalidInput where there is nothing to
    make, or where CloudFormation would replace a part of a policy.
    """
    check_can_make(half, "CloudFormation")
    about = f"The {half.side} side of the grant {half.grant.name}, in {half.account} only"
    metadata = {"Gives": list(access_sentences(half.grant)), "HowTo": list(_how_to(half))}
    rules = {"OnlyInThisAccount": {"Assertions": [_assertion(half.account)]}}
    return template_of(half, about, metadata, resources(half), rules)


def resources(half: Half) -> dict[str, Any]:
    """Return the resources of the half's template. Raises InvalidInput as `template`."""
    return {**_roles(half.roles), **_caller_policies(half.caller_policies)}


def template_of(
    half: Half,
    about: str,
    metadata: Mapping[str, list[str]],
    made: Mapping[str, Any],
    rules: Mapping[str, Any] | None = None,
) -> str:
    """Return a template in JSON with the half's parameter and outputs; `made` are its resources."""
    outputs = {
        f"RoleArn{number}": _role_arn(number, made[f"Role{number}"]["Properties"]["RoleName"])
        for number in range(1, len(half.roles) + 1)
    }
    whole = {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Description": about,
        "Metadata": metadata,
        **({"Parameters": {PARAMETER: _EXTERNAL_ID_PARAMETER}} if half.needs_external_id else {}),
        **({"Rules": rules} if rules else {}),
        "Resources": made,
        **({"Outputs": outputs} if outputs else {}),
    }
    return json.dumps(whole, indent=2) + "\n"


def _role_arn(number: int, name: object) -> dict[str, Any]:
    named = f" {name}" if isinstance(name, str) else ""
    return {
        "Description": f"The ARN of the role{named}",
        "Value": {"Fn::GetAtt": [f"Role{number}", "Arn"]},
    }


def stack_name(half: Half) -> str:
    """Return the name of the half's stack: letters, digits and hyphens, 128 at most."""
    return f"xacct-{half.grant.name}-{half.side}"


def stack_deletion(half: Half) -> str:
    """Return a bash script that deletes the half's stack, and with it all that the template made."""
    name = stack_name(half)
    return script(
        [
            "#!/usr/bin/env bash",
            *comment(f"This script deletes the stack {name} in the account {half.account}."),
            *comment("Roles and policies of the grant go with it. It may be run again."),
            *comment("AWS_REGION is the region of the stack; in the console it is CloudFormation, Stacks,"),
            *comment(f"{name}, Delete."),
        ],
        ["set -eu", "export AWS_PAGER=''"],
        [
            "account=$(aws sts get-caller-identity --query Account --output text)",
            f'if [ "$account" != {word(half.account)} ]; then',
            f'  echo "This script is for the account {half.account}, not for $account." >&2',
            "  exit 1",
            "fi",
        ],
        [
            f"aws cloudformation delete-stack --stack-name {word(name)}",
            f"aws cloudformation wait stack-delete-complete --stack-name {word(name)}",
            "echo 'Done.'",
        ],
    )


def _how_to(half: Half) -> Iterator[str]:
    parameter = f' --parameter-overrides "{PARAMETER}=$XACCT_EXTERNAL_ID"' if half.needs_external_id else ""
    yield (
        f"aws cloudformation deploy --stack-name {stack_name(half)} --capabilities {CAPABILITY}"
        f" --no-fail-on-empty-changeset --template-file FILE{parameter}"
    )
    yield "CloudFormation makes roles and policies that do not exist yet; it does not take over others."
    yield f"To remove everything, delete the stack {stack_name(half)}."


def _assertion(account: str) -> dict[str, Any]:
    return {
        "Assert": {"Fn::Equals": [{"Ref": "AWS::AccountId"}, account]},
        "AssertDescription": f"This template is for the account {account} only.",
    }


_EXTERNAL_ID_PARAMETER = {
    "Type": "String",
    "NoEcho": True,
    "MinLength": 2,
    "MaxLength": 1224,
    "AllowedPattern": r"[A-Za-z0-9_+=,.@:/-]*",
    "ConstraintDescription": "2 to 1224 letters, digits and _+=,.@:/-",
    "Description": "The external ID that both owners agreed on",
}


def _roles(roles: tuple[OwnRole, ...]) -> dict[str, Any]:
    return {f"Role{number}": _role(role) for number, role in enumerate(roles, start=1)}


def _role(role: OwnRole) -> dict[str, Any]:
    optional = {
        "PermissionsBoundary": role.boundary,
        "ManagedPolicyArns": list(role.managed),
        "Policies": [
            {"PolicyName": name, "PolicyDocument": _literal(policy)} for name, policy in role.inline.items()
        ],
    }
    properties = {
        "RoleName": role.name,
        "Path": role.path,
        "Description": role.description,
        "MaxSessionDuration": role.session_seconds,
        "AssumeRolePolicyDocument": _literal(role.trust),
        **{name: value for name, value in optional.items() if value},
        "Tags": [{"Key": key, "Value": value} for key, value in role.tags.items()],
    }
    return {"Type": "AWS::IAM::Role", "Properties": properties}


def _caller_policies(policies: tuple[OwnCallerPolicy, ...]) -> dict[str, Any]:
    return {f"CallerPolicy{number}": _caller_policy(each) for number, each in enumerate(policies, start=1)}


def _caller_policy(policy: OwnCallerPolicy) -> dict[str, Any]:
    holders: dict[str, list[str]] = {}
    for arn in map(Arn.parse, policy.holders):
        holders.setdefault(_HOLDERS[arn.kind], []).append(arn.name)
    document = {"PolicyDocument": _literal(policy.document), **holders}
    if not policy.arn:
        return {"Type": "AWS::IAM::Policy", "Properties": {"PolicyName": policy.name, **document}}
    named = {"ManagedPolicyName": policy.name, "Description": policy.description}
    return {"Type": "AWS::IAM::ManagedPolicy", "Properties": {**named, **document}}


def _literal(value: Any) -> Any:
    """Return a policy with the parameter in the place of the external ID. Raises InvalidInput."""
    if value == EXTERNAL_ID:
        return {"Ref": PARAMETER}
    if isinstance(value, Mapping):
        return {_checked(key): _literal(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_literal(each) for each in value]
    return _checked(value) if isinstance(value, str) else value


def _checked(text: str) -> str:
    """Return a text unless CloudFormation would replace it, for which it knows no escape.

    Source: CloudFormation user guide, dynamic-references: they are looked up in every text of a template.
    """
    if text == "Ref" or text.startswith("Fn::") or "{{resolve:" in text.lower():
        raise InvalidInput(
            f"CloudFormation would replace {on_one_line(text)!r}.",
            why="A template has no way to write this text as it stands.",
            hint="Use another form, such as commands.",
        )
    return text
