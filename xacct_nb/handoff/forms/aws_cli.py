"""The form `commands`: a bash script for the AWS CLI that makes a half, and one that removes it."""

import json
from collections.abc import Iterator

from xacct_nb.grants.sentences import access_sentences, describe_arn
from xacct_nb.handoff.forms import cli_functions
from xacct_nb.handoff.forms.half import Half, OwnCallerPolicy, OwnRole, OwnStatement
from xacct_nb.handoff.forms.shell import command, comment, document, option, script, word
from xacct_nb.iam.arns import REGIONS, Arn


def commands(half: Half) -> str:
    """Return a bash script that makes the half; safe to run again, and for no other account."""
    return script(
        _head(half, "makes"),
        _settings(half),
        [cli_functions.COMMON],
        external_id_input(half),
        [cli_functions.SET_TRUST] if half.roles else [],
        [cli_functions.SET_STATEMENT] if half.statements else [],
        [cli_functions.SET_POLICY] if any(policy.arn for policy in half.caller_policies) else [],
        _checks(half, ""),
        *(_role(number, role) for number, role in enumerate(half.roles, start=1)),
        *(_statement(number, each) for number, each in enumerate(half.statements, start=1)),
        *(_caller_policy(number, each) for number, each in enumerate(half.caller_policies, start=1)),
        _nothing_to_make(half) if half.is_empty else [],
        _end(half),
    )


def removal_commands(half: Half) -> str:
    """Return a bash script that removes what the other script makes; it may be run again, too."""
    return script(
        _head(half, "removes"),
        _settings(half),
        [cli_functions.COMMON],
        [cli_functions.REMOVE],
        [cli_functions.SET_STATEMENT] if half.statements else [],
        _checks(half, "_is_deletable"),
        *map(_remove_caller_policy, half.caller_policies),
        *map(_remove_role, half.roles),
        *map(_remove_statement, half.statements),
        ["say 'Done. Nothing of the grant is left here.'"],
    )


def _head(half: Half, verb: str) -> Iterator[str]:
    side, name = half.side, half.grant.name
    yield "#!/usr/bin/env bash"
    yield from comment(
        f"This script {verb} the {side} side of the grant {name} in the account {half.account}."
    )
    yield "#"
    for sentence in access_sentences(half.grant):
        yield from comment(f"  {sentence}")
    yield "#"
    for what in (*_described(half), *(["nothing"] if half.is_empty else [])):
        yield from comment(f"It {verb} {what}.")
    yield from comment("It stops in every other account, and at a role or policy that others made.")
    yield from comment("It may be run again. It needs bash, the AWS CLI, and an administrator of IAM.")


def _described(half: Half) -> Iterator[str]:
    for role in half.roles:
        yield f"the role {role.arn}"
    for each in half.statements:
        yield f"the statement {each.sid} in the trust policy of the role {each.role}"
    for policy in half.caller_policies:
        what = policy.arn or f"(inline) {policy.name}"
        yield f"the caller policy {what} for {', '.join(map(describe_arn, policy.holders))}"


def _settings(half: Half) -> Iterator[str]:
    yield "set -eu"
    yield f"account={word(half.account)}"
    yield f"grant={word(half.grant.name)}"
    yield f"region={word(REGIONS[half.grant.partition])}"


def external_id_input(half: Half) -> list[str]:
    """Return the lines that ask for the external ID and check it, where there is one."""
    if not half.needs_external_id:
        return []
    known = [f"fingerprint={word(half.fingerprint)}", cli_functions.FINGERPRINT] if half.fingerprint else []
    return [cli_functions.EXTERNAL_ID_INPUT, *known]


def _checks(half: Half, ending: str) -> Iterator[str]:
    """Yield the checks that come before the first change."""
    for role in half.roles:
        yield f"check_role{ending} {word(role.name)} {word(role.arn)}"
    for each in half.statements:
        yield f"check_role_of_others {word(Arn.parse(each.role).name)} {word(each.role)}"
    for policy in half.caller_policies:
        if policy.arn:
            yield f"check_policy{ending} {word(policy.arn)}"


def _role(number: int, role: OwnRole) -> Iterator[str]:
    """Yield what makes a role: it is restricted before its trust policy lets anybody in."""
    trust, named = f"trust-{number}.json", option("role-name", role.name)
    first = f"first-{trust}" if role.trusts_itself else trust
    settings = [option("description", role.description), f"--max-session-duration {role.session_seconds}"]
    boundary = [option("permissions-boundary", role.boundary)] if role.boundary else []
    yield f"say {word(f'Role {role.arn}')}"
    yield from document(trust, role.trust, external_id=True)
    if role.trusts_itself:
        yield from document(first, role.first_trust, external_id=True)
    yield f"if found aws iam get-role {named} --query Role.Arn --output text; then"
    yield _inner(command("aws iam update-role", named, *settings))
    if boundary:
        yield _inner(command("aws iam put-role-permissions-boundary", named, *boundary))
    yield "else"
    trusting = f'--assume-role-policy-document "file://$work/{first}"'
    words = (option("path", role.path), named, *settings, trusting, *boundary, _tags(role))
    yield f'{_inner(command("aws iam create-role", *words))} > "$work/made"'
    yield f"  aws iam wait role-exists {named}"
    yield "fi"
    yield from _permissions(number, role)
    yield f"set_trust {word(role.name)} {word(trust)}"


def _tags(role: OwnRole) -> str:
    pairs = ",".join(f"Key={key},Value={value}" for key, value in role.tags.items())
    return f"--tags {word(pairs)}"


def _permissions(number: int, role: OwnRole) -> Iterator[str]:
    named = option("role-name", role.name)
    for index, (name, policy) in enumerate(role.inline.items(), start=1):
        file = f"permissions-{number}-{index}.json"
        yield from document(file, policy)
        yield _put("role", named, name, file)
    for arn in role.managed:
        yield command("aws iam attach-role-policy", named, option("policy-arn", arn))


def _statement(number: int, own: OwnStatement) -> Iterator[str]:
    file, name = f"statement-{number}.json", Arn.parse(own.role).name
    yield f"say {word(f'Statement {own.sid} in the trust policy of {own.role}')}"
    yield from document(file, own.statement, external_id=True)
    yield f"set_statement {word(name)} {word(own.sid)} {word(file)}"


def _caller_policy(number: int, policy: OwnCallerPolicy) -> Iterator[str]:
    file = f"caller-policy-{number}.json"
    yield f"say {word(f'Caller policy {policy.arn or policy.name}')}"
    yield from document(file, policy.document)
    if policy.arn:
        yield f"set_policy {' '.join(map(word, (policy.arn, policy.name, file, policy.description)))}"
    for kind, named in map(_holder, policy.holders):
        if policy.arn:
            yield command(f"aws iam attach-{kind}-policy", named, option("policy-arn", policy.arn))
        else:
            yield _put(kind, named, policy.name, file)


def _put(kind: str, named: str, policy: str, file: str) -> str:
    written = f'--policy-document "file://$work/{file}"'
    return command(f"aws iam put-{kind}-policy", named, option("policy-name", policy), written)


def _nothing_to_make(half: Half) -> list[str]:
    told = (
        f"The roles trust {half.left_to_owner}, so this script makes nothing.",
        "A user or role that is to assume them needs this policy:",
        json.dumps(half.suggested, indent=2),
    )
    return [f"say {word(line)}" for line in told]


def _end(half: Half) -> Iterator[str]:
    yield "say 'Done.'"
    if half.role_arns:
        yield "say 'Tell the owner of the source account:'"
    for arn in half.role_arns:
        yield f"say {word(f'  {arn}')}"


def _remove_role(role: OwnRole) -> Iterator[str]:
    named = option("role-name", role.name)
    yield f"say {word(f'Role {role.arn}')}"
    for arn in role.managed:
        yield command("remove aws iam detach-role-policy", named, option("policy-arn", arn))
    for name in role.inline:
        yield command("remove aws iam delete-role-policy", named, option("policy-name", name))
    yield command("remove aws iam delete-role", named)


def _remove_statement(own: OwnStatement) -> Iterator[str]:
    yield f"say {word(f'Statement {own.sid} in the trust policy of {own.role}')}"
    yield f"set_statement {word(Arn.parse(own.role).name)} {word(own.sid)} ''"


def _remove_caller_policy(policy: OwnCallerPolicy) -> Iterator[str]:
    yield f"say {word(f'Caller policy {policy.arn or policy.name}')}"
    for kind, named in map(_holder, policy.holders):
        if policy.arn:
            yield command(f"remove aws iam detach-{kind}-policy", named, option("policy-arn", policy.arn))
        else:
            yield command(f"remove aws iam delete-{kind}-policy", named, option("policy-name", policy.name))
    if policy.arn:
        yield f"delete_policy {word(policy.arn)}"


def _holder(arn: str) -> tuple[str, str]:
    """Return the kind of a user, role or group, and the option that names it."""
    named = Arn.parse(arn)
    return named.kind, option(f"{named.kind}-name", named.name)


def _inner(text: str) -> str:
    return "\n".join(f"  {line}" for line in text.split("\n"))
