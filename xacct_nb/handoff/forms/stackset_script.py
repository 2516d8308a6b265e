"""The form `stackset-commands`: a bash script that makes or updates a stack set, and one that deletes it."""

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from xacct_nb.errors import InvalidInput
from xacct_nb.handoff.forms import cli_functions, stackset
from xacct_nb.handoff.forms.aws_cli import external_id_input
from xacct_nb.handoff.forms.cloudformation import PARAMETER, stack_name
from xacct_nb.handoff.forms.half import EXTERNAL_ID, Half
from xacct_nb.handoff.forms.shell import INDENT, command, comment, document, script, word
from xacct_nb.iam.arns import REGIONS

_LARGEST = 51_200  # bytes of a template that is not in S3


def commands(halves: Sequence[Half]) -> str:
    """Return a bash script that makes the stack set and its stacks, or updates them; it may be run again.

    Raises InvalidInput where one template cannot make the roles, or is too large.
    """
    half, whole = halves[0], json.loads(stackset.template(halves))
    # What is for readers stands in the head of the script.
    template = {key: value for key, value in whole.items() if key != "Metadata"}
    _check_size(half, template)
    return script(
        _head(half, "makes or updates", [*whole["Metadata"]["Gives"], "", *stackset.left_out(half)]),
        _settings(half),
        [cli_functions.SHELL],
        [cli_functions.STACK_SET],
        ["check_units"],
        external_id_input(half),
        [*document("template.json", template), *_parameters(half)],
        _make_set(half),
        [_operation(stackset.create_stacks())],
        ["stacks", _MISSING, "say 'Done. Prove the access of each account: a stack is no proof.'"],
    )


def removal_commands(halves: Sequence[Half]) -> str:
    """Return a bash script that deletes the stacks and the stack set; it may be run again, too."""
    half = halves[0]
    return script(
        _head(half, "deletes", _REMOVAL),
        _settings(half),
        [cli_functions.SHELL],
        [cli_functions.STACK_SET],
        ["if ! stack_set_exists; then", "  say 'There is no such stack set.'", "  exit 0", "fi"],
        [_UNITS_OF_THE_STACK_SET],
        ['if [ -n "$units" ]; then', "  check_units", _inner(_operation(stackset.delete_stacks())), "fi"],
        ["stacks", _LEFT],
        [command(*stackset.asking("delete-stack-set")), "say 'Done. Stack set and stacks are deleted.'"],
    )


_REMOVAL = (
    "Its stacks go with it, and the roles with them, in all accounts of the units in XACCT_UNITS; by default "
    "of all units that the stack set deploys to.",
    "The stack of a suspended account, or of one that refuses, may stay: the script lists it, and stops.",
)
_UNITS_OF_THE_STACK_SET = """\
if [ -z "$units" ]; then
  units=$(aws cloudformation list-stack-set-auto-deployment-targets --stack-set-name "$name" \\
    --region "$region" --call-as "$call_as" --query 'Summaries[].[OrganizationalUnitId]' --output text)
fi"""
_MISSING = """\
if [ -n "$others" ]; then
  refuse 'These accounts have no role, or not this one:' "$others$failed"
fi
[ -z "$failed" ] || refuse "Not all accounts have the role.$failed"
[ -n "$all" ] || refuse 'No account is in these units, so there is no role yet.'"""
_LEFT = """\
if [ -n "$all" ]; then
  refuse 'These stacks are left, and the stack set with them:' "$all" 'If one cannot be deleted, run' \\
    'delete-stack-instances with --retain-stacks, and delete its role by hand.'
fi"""


def _check_size(half: Half, template: Mapping[str, Any]) -> None:
    if (size := len(json.dumps(template, indent=INDENT))) > _LARGEST:
        raise InvalidInput(
            f"The template of the grant {half.grant.name} is too large for a command.",
            why=f"It has {size:,} bytes; CloudFormation takes {_LARGEST:,}, and more from S3 only.",
            hint="Use the form stackset, upload it to S3, and write --template-url in its commands.",
        )


def _head(half: Half, verb: str, facts: Sequence[str]) -> Iterator[str]:
    yield "#!/usr/bin/env bash"
    yield from comment(
        f"This script {verb} the stack set {stack_name(half)}: the destination side of the grant "
        f"{half.grant.name} in the accounts of an organization."
    )
    yield "#"
    for sentence in facts:
        yield from comment(f"  {sentence}".rstrip())
    yield "#"
    yield from comment("Run it in the management account, or as delegated administrator, with the variables:")
    for name, meaning in _VARIABLES:
        yield from comment(f"  {name}: {meaning}")
    yield from comment("It may be run again. It needs bash, the AWS CLI, and trusted access for StackSets:")
    yield from comment("  aws cloudformation activate-organizations-access")


_VARIABLES = (
    ("XACCT_UNITS", "ids of organizational units, or of the root, with commas; 50 at most"),
    ("XACCT_REGION", "the region of the stack set and of its stacks; IAM is global, so one is enough"),
    ("XACCT_CALL_AS", "SELF, or DELEGATED_ADMIN"),
    ("XACCT_TOLERATED", f"percent of the accounts that may fail before it stops: {stackset.TOLERATED}"),
    ("XACCT_AT_ONCE", f"percent of the accounts that are changed at once: {stackset.AT_ONCE}"),
    ("XACCT_PAUSE", "seconds between two looks at an operation: 10"),
)


def _settings(half: Half) -> Iterator[str]:
    shares = (f"${{XACCT_TOLERATED:-{stackset.TOLERATED}}}", f"${{XACCT_AT_ONCE:-{stackset.AT_ONCE}}}")
    yield "set -eu"
    yield f"name={word(stack_name(half))}"
    yield f"about={word(stackset.description(half))}"
    yield "units=${XACCT_UNITS:-}"
    yield f"region=${{XACCT_REGION:-{REGIONS[half.grant.partition]}}}"
    yield "call_as=${XACCT_CALL_AS:-SELF}"
    yield f'preferences="{stackset.preferences(*shares)}"'
    yield "pause=${XACCT_PAUSE:-10}"


def _parameters(half: Half) -> list[str]:
    """Return what writes the parameters to a file: others of the machine can read a command line."""
    paths = ['template="$work/template.json"']
    if not half.needs_external_id:
        return paths
    given = [{"ParameterKey": PARAMETER, "ParameterValue": EXTERNAL_ID}]
    written = document("parameters.json", given, external_id=True)
    return [*written, *paths, 'parameters="$work/parameters.json"']


def _make_set(half: Half) -> Iterator[str]:
    yield "if stack_set_exists; then"
    yield _inner(_operation(stackset.update_set(half)))
    yield "else"
    yield _inner(f'{command(*stackset.create_set(half))} > "$work/made"')
    yield _inner('say "The stack set $name is made."')
    yield "fi"


def _operation(words: Iterable[str]) -> str:
    """Return what starts an operation and waits for its end."""
    return f'operation=$({command(*words, "--query OperationId", "--output text")})\nwait_for "$operation"'


def _inner(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
