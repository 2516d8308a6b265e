"""The form `stackset`: one template for the destination side in every account of an organization's units."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.grants.documents import DESTINATION, Documents
from xacct_nb.grants.grant import Grant
from xacct_nb.grants.sentences import access_sentences
from xacct_nb.handoff.forms.cloudformation import CAPABILITY, PARAMETER, resources, stack_name, template_of
from xacct_nb.handoff.forms.half import Half, check_can_make, halves_of
from xacct_nb.handoff.forms.own_account import merge
from xacct_nb.handoff.forms.shell import word
from xacct_nb.iam.arns import REGIONS

Roles = Documents | Grant | Sequence[Documents | Grant]
"""A grant or its documents, or several of one name: the same grant with the roles of one account each."""

# Sources: CloudFormation user guide, stacksets-orgs-associate-stackset-with-org, stacksets-orgs-manage-auto-
# deployment and stacksets-orgs-delegated-admin; its API reference, StackSetOperationPreferences and
# StackInstanceComprehensiveStatus; aws-cloudformation/cloudformation-coverage-roadmap, issues 1705 and 2427.
LEFT_OUT = (
    "Every account of the organizational units gets the role, and those below them, also an account that the "
    "grant does not name. Each caller policy names the roles of the grant: add a new account to the grant.",
    "The management account gets no stack, even if it is in one of the units. Use the form commands there.",
    "Tolerance and concurrency do not apply to automatic deployment. It ignores account filters, too: a new "
    "account of a unit gets the role, whatever was excluded before.",
    "An account that leaves the units or the organization loses its stack, and the role with it.",
    "An account that moves from one unit to another may have its stack deleted and made again. In between "
    "nobody gets in, and users report that the second step failed: prove the access after a move.",
    "A suspended account is skipped: its status is SKIPPED_SUSPENDED_ACCOUNT.",
    "A role of the same name that exists already is not taken over: the stack of that account fails.",
    "A failed stack is in list-stack-instances, and nothing reports it. Prove the access of each account.",
    "A delegated administrator acts with --call-as DELEGATED_ADMIN. The management account has the stack set "
    "all the same, and cannot limit that administrator to some units.",
)
_CHINA = "An undated page of AWS's user guide says that China has no trusted access for StackSets: not tried."
TOLERATED, AT_ONCE = 10, 25
"""The default share of the accounts, in percent, that may fail, and that are changed at once."""


def sides(asked: Roles, side: str, account: str) -> tuple[Half, ...]:
    """Return the destination side of each account, its roles by path and name. Raises InvalidInput."""
    if account:
        raise InvalidInput(
            f"A stack set is not for the account {account} alone.",
            why="Its template is the same for every account of the organizational units.",
            hint="Leave the account out, or use the form cloudformation.",
        )
    many = asked if isinstance(asked, Sequence) else (asked,)
    halves = [half for each in many for half in halves_of(each, side)]
    if side != DESTINATION or not halves:
        raise InvalidInput(
            "A stack set is for roles.",
            why="The caller policies are in one source account, and need no stack set.",
            hint="Write destination, or use the form cloudformation.",
        )
    for half in halves:
        check_can_make(half, "A stack set")
    _check_one_grant(halves)
    return tuple(replace(half, roles=tuple(sorted(half.roles, key=lambda it: it.arn))) for half in halves)


def _check_one_grant(halves: Sequence[Half]) -> None:
    """Check that the halves are those of one grant, each of another account. Raises InvalidInput."""
    merge({half.account: half.grant.name for half in halves}, "The name of the grant")
    merge({half.account: half.fingerprint for half in halves}, "The external ID")
    if len({half.account for half in halves}) < len(halves):
        raise InvalidInput(
            "Two of the grants have roles in the same account.",
            why="A stack set makes the roles of a grant in one account together.",
            hint="Put the roles of an account into one grant.",
        )


def template(halves: Sequence[Half]) -> str:
    """Return a CloudFormation template in JSON that makes the roles in any account.

    Where the roles of the accounts differ in the account's id only, AWS::AccountId stands for it. In the
    permissions of a grant with one destination account, its own id means the account of each stack. Raises
    InvalidInput where one template cannot make the roles.
    """
    half, made = halves[0], _merged(halves)
    metadata = {
        "Gives": list(_gives(half, made)),
        "HowTo": list(_how_to(half)),
        "WhatStackSetsLeaveOut": list(left_out(half)),
    }
    return template_of(half, description(half), metadata, made)


def description(half: Half) -> str:
    """Return the description of the stack set, by which the script knows it again."""
    return f"The destination side of the grant {half.grant.name}, in each account of a stack set"


def left_out(half: Half) -> tuple[str, ...]:
    """Return what to know of StackSets: where they make no role, or remove it."""
    return (*LEFT_OUT, _CHINA) if half.grant.partition == "aws-cn" else LEFT_OUT


def preferences(tolerated: object, at_once: object) -> str:
    """Return the preferences of an operation; both shares are in percent of the accounts."""
    shares = f"FailureTolerancePercentage={tolerated},MaxConcurrentPercentage={at_once}"
    return f"{shares},ConcurrencyMode=SOFT_FAILURE_TOLERANCE"


def create_set(half: Half) -> tuple[str, ...]:
    """Return the command that makes the stack set, in words; its variables are those of `_how_to`."""
    automatic = "--auto-deployment Enabled=true,RetainStacksOnAccountRemoval=false"
    managed = ("--permission-model SERVICE_MANAGED", automatic, "--managed-execution Active=true")
    return ("aws cloudformation create-stack-set", *_NAMED, *_content(half), *managed)


def update_set(half: Half) -> tuple[str, ...]:
    """Return the command that updates the stack set and all its stacks."""
    return ("aws cloudformation update-stack-set", *_NAMED, *_content(half), _PREFERENCES)


def create_stacks() -> tuple[str, ...]:
    """Return the command that makes the stacks in all accounts of the organizational units."""
    return ("aws cloudformation create-stack-instances", *_NAMED, *_WHERE, _PREFERENCES)


def delete_stacks() -> tuple[str, ...]:
    """Return the command that deletes the stacks in all accounts of the organizational units."""
    retain = "--no-retain-stacks"
    return ("aws cloudformation delete-stack-instances", *_NAMED, *_WHERE, retain, _PREFERENCES)


def asking(operation: str) -> tuple[str, ...]:
    """Return a command that has no options but the stack set, such as list-stack-set-operations."""
    return (f"aws cloudformation {operation}", *_NAMED)


_NAMED = ('--stack-set-name "$name"', '--region "$region"', '--call-as "$call_as"')
_PREFERENCES = '--operation-preferences "$preferences"'
_WHERE = ('--deployment-targets "OrganizationalUnitIds=$units"', '--regions "$region"')


def _content(half: Half) -> Iterator[str]:
    yield f"--description {word(description(half))}"
    yield '--template-body "file://$template"'
    if half.needs_external_id:
        yield '--parameters "file://$parameters"'
    yield f"--capabilities {CAPABILITY}"


def _how_to(half: Half) -> Iterator[str]:
    """Yield the commands by hand: the form stackset-commands is a script that runs them."""
    parameters = " parameters=PARAMETERS" if half.needs_external_id else ""
    yield (
        "As administrator of the management account, activate trusted access once: "
        "aws cloudformation activate-organizations-access"
    )
    if half.needs_external_id:
        yield (
            "The file PARAMETERS, for you alone: "
            f'[{{"ParameterKey": "{PARAMETER}", "ParameterValue": "the external ID"}}]. New accounts get '
            "this value, too: do not override it for some."
        )
    yield (
        f"name={word(stack_name(half))} units=OU-ID,OU-ID region={REGIONS[half.grant.partition]} call_as=SELF"
        f" template=FILE{parameters} preferences={preferences(TOLERATED, AT_ONCE)}"
    )
    commands = (
        create_set(half),
        create_stacks(),
        asking("list-stack-set-operations"),
        asking("list-stack-instances"),
        update_set(half),
        delete_stacks(),
        asking("delete-stack-set"),
    )
    yield from map(" ".join, commands)
    yield "IAM is global, so one region is enough: the stack set and all stacks are there."


def _gives(half: Half, made: Mapping[str, Any]) -> Iterator[str]:
    yield f"In each account that gets a stack, as in {half.account}:"
    yield from access_sentences(half.grant.model_copy(update={"destinations": half.role_arns}))
    if "AWS::AccountId" in json.dumps(made):
        yield f"Where its permissions or names have the id {half.account}, each account has its own id."


def _merged(halves: Sequence[Half]) -> dict[str, Any]:
    merge({half.account: [role.path + role.name for role in half.roles] for half in halves}, "Their names")
    made = {half.account: resources(half) for half in halves}
    return {
        f"Role{number}": merge(
            {account: each[f"Role{number}"] for account, each in made.items()}, f"The role {role.name}"
        )
        for number, role in enumerate(halves[0].roles, start=1)
    }
