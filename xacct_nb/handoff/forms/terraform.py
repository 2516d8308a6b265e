"""The form `terraform`: HCL that makes a half, or takes over what is there, and how it is destroyed."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from xacct_nb.grants.sentences import access_sentences
from xacct_nb.handoff.forms import hcl
from xacct_nb.handoff.forms.half import EXTERNAL_ID, Half, OwnCallerPolicy, OwnRole, check_can_make
from xacct_nb.handoff.forms.hcl import Expression, block
from xacct_nb.handoff.forms.shell import comment
from xacct_nb.iam.arns import REGIONS, Arn

# for_each in an import block came with Terraform 1.7; the provider reads ids like these since its version 4.
_SETTINGS = """\
terraform {
  required_version = ">= 1.7.0"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.0"
    }
  }
}"""
_EXTERNAL_ID_VARIABLE = r"""
variable "external_id" {
  type        = string
  sensitive   = true
  nullable    = false
  description = "The external ID that both owners agreed on. Terraform's state has it as plain text."
  validation {
    condition     = can(regex("^[A-Za-z0-9_+=,.@:/-]*$", var.external_id))
    error_message = "An external ID has letters, digits and _+=,.@:/- only."
  }
  validation {
    condition     = length(var.external_id) >= 2 && length(var.external_id) <= 1224
    error_message = "An external ID has 2 to 1224 characters."
  }
}""".strip()


@dataclass(frozen=True)
class TerraformResource:
    """A resource of Terraform: its type and name, its arguments, and the id by which it is imported."""

    kind: str
    name: str
    arguments: Mapping[str, Any]
    import_id: str

    @property
    def address(self) -> str:
        return f"{self.kind}.{self.name}"


def configuration(half: Half) -> str:
    """Return a configuration for Terraform that makes the half in its account and in no other.

    Raises InvalidInput where there is nothing to make.
    """
    check_can_make(half, "Terraform")
    documents, resources = dict(_documents(half)), list(_resources(half))
    parts = [
        "\n".join(_head(half)),
        _SETTINGS,
        block(
            ["provider", "aws"],
            {"region": REGIONS[half.grant.partition], "allowed_account_ids": [half.account]},
        ),
        *([_EXTERNAL_ID_VARIABLE] if half.needs_external_id else []),
        _existing_variable(half, resources),
        block(["locals"], documents),
        *(block(["resource", each.kind, each.name], each.arguments) for each in resources),
        *map(_import, resources),
        *map(_output, range(1, len(half.roles) + 1)),
    ]
    return "\n\n".join(parts) + "\n"


def destruction(half: Half) -> str:
    """Return the commands that destroy what the configuration made, with what to know before."""
    told = [
        f"Run this in the folder of the configuration for {half.account}, with its state.",
        "Read the plan before you answer yes: it deletes the roles and policies of the grant, also those",
        "that were imported. To keep one that was there before, run terraform state rm ADDRESS first.",
        "The provider refuses every other account.",
    ]
    commands = ["terraform plan -destroy", "terraform destroy"]
    return "\n".join([*(line for each in told for line in comment(each)), *commands]) + "\n"


def _head(half: Half) -> Iterator[str]:
    yield from comment(f"The {half.side} side of the grant {half.grant.name}, in the account {half.account}.")
    yield "#"
    for sentence in access_sentences(half.grant):
        yield from comment(f"  {sentence}")
    yield "#"
    yield "# terraform init; terraform plan; terraform apply. The provider refuses every other account."
    yield "# What exists already is taken over if its address is in the variable `existing`: without it,"
    yield "# AWS refuses to make it again."


def _existing_variable(half: Half, resources: list[TerraformResource]) -> str:
    known = [each.address for each in resources]
    check = block(
        ["validation"],
        {
            "condition": Expression(f"length(setsubtract(var.existing, {_on_one_line(known)})) == 0"),
            "error_message": f"Known addresses: {', '.join(known)}.",
        },
    )
    return block(
        ["variable", "existing"],
        {
            "type": Expression("set(string)"),
            "default": [],
            "description": "Addresses of the resources below that exist already and are to be taken over.",
        },
        check,
    )


def _on_one_line(addresses: list[str]) -> str:
    return f"[{', '.join(map(hcl.string, addresses))}]"


def _import(resource: TerraformResource) -> str:
    there = f"contains(var.existing, {hcl.string(resource.address)})"
    arguments = {
        "for_each": Expression(f'{there} ? toset(["it"]) : toset([])'),
        "to": Expression(resource.address),
        "id": resource.import_id,
    }
    return block(["import"], arguments)


def _output(number: int) -> str:
    return block(["output", f"role_arn_{number}"], {"value": Expression(f"aws_iam_role.role_{number}.arn")})


def _documents(half: Half) -> Iterator[tuple[str, Any]]:
    for number, role in enumerate(half.roles, start=1):
        yield f"trust_{number}", _with_variable(role.trust)
        for index, policy in enumerate(role.inline.values(), start=1):
            yield f"permissions_{number}_{index}", policy
    for number, caller in enumerate(half.caller_policies, start=1):
        yield f"caller_policy_{number}", caller.document


def _with_variable(value: Any) -> Any:
    if value == EXTERNAL_ID:
        return Expression("var.external_id")
    if isinstance(value, Mapping):
        return {key: _with_variable(item) for key, item in value.items()}
    return [_with_variable(each) for each in value] if isinstance(value, list) else value


def _resources(half: Half) -> Iterator[TerraformResource]:
    for number, role in enumerate(half.roles, start=1):
        yield from _of_role(number, role)
    for number, policy in enumerate(half.caller_policies, start=1):
        yield from _of_caller_policy(number, policy)


def _of_role(number: int, role: OwnRole) -> Iterator[TerraformResource]:
    boundary = {"permissions_boundary": role.boundary} if role.boundary else {}
    arguments = {
        "name": role.name,
        "path": role.path,
        "description": role.description,
        "max_session_duration": role.session_seconds,
        "assume_role_policy": _encoded(f"trust_{number}"),
        **boundary,
        "tags": role.tags,
    }
    yield TerraformResource("aws_iam_role", f"role_{number}", arguments, role.name)
    owner = Expression(f"aws_iam_role.role_{number}.name")
    for index, name in enumerate(role.inline, start=1):
        own = f"permissions_{number}_{index}"
        arguments = {"name": name, "role": owner, "policy": _encoded(own)}
        yield TerraformResource("aws_iam_role_policy", own, arguments, f"{role.name}:{name}")
    for index, arn in enumerate(role.managed, start=1):
        arguments = {"role": owner, "policy_arn": arn}
        import_id = f"{role.name}/{arn}"
        yield TerraformResource(
            "aws_iam_role_policy_attachment", f"managed_{number}_{index}", arguments, import_id
        )


def _of_caller_policy(number: int, policy: OwnCallerPolicy) -> Iterator[TerraformResource]:
    own = f"caller_policy_{number}"
    if policy.arn:
        arguments = {
            "name": policy.name,
            "path": "/",
            "description": policy.description,
            "policy": _encoded(own),
            "tags": policy.tags,
        }
        yield TerraformResource("aws_iam_policy", own, arguments, policy.arn)
    for index, holder in enumerate(map(Arn.parse, policy.holders), start=1):
        kind, name = holder.kind, holder.name
        if policy.arn:
            arguments = {kind: name, "policy_arn": Expression(f"aws_iam_policy.{own}.arn")}
            import_id, suffix = f"{name}/{policy.arn}", "_attachment"
        else:
            arguments = {kind: name, "name": policy.name, "policy": _encoded(own)}
            import_id, suffix = f"{name}:{policy.name}", ""
        yield TerraformResource(f"aws_iam_{kind}_policy{suffix}", f"{own}_{index}", arguments, import_id)


def _encoded(local: str) -> Expression:
    return Expression(f"jsonencode(local.{local})")
